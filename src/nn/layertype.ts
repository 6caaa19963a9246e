import type { Module } from './module.js';

/** How modules of one type become data and come back. */
export interface LayerType<M extends Module = Module> {
  /**
   * The class, by which a module is known even where a minifier has renamed it. Without one, modules whose class bears the
   * type's name are of this type.
   */
  readonly type?: abstract new (
    ...args: never
  ) => Module;
  /** What the constructor needs to make such a module again, as JSON. */
  describe(module: M): readonly unknown[];
  build(args: readonly unknown[], children: readonly (readonly [string, Module])[]): M;
  /** Whether `build` is given the modules it consists of; otherwise its arguments alone say what they are. Default false. */
  readonly isContainer?: boolean;
}

export type LayerTypes = Readonly<Record<string, LayerType>>;

/** A type of module, by its class and its constructor's arguments. */
export function layerType<C extends new (...args: never) => Module>(
  make: C,
  describe: (module: InstanceType<C>) => readonly unknown[],
): LayerType {
  return {
    type: make,
    describe: (module) => describe(module as InstanceType<C>),
    build: (args) => new make(...(args as never)),
  };
}

/** Names by class, of the types that give one. */
const namesByClass = new WeakMap<LayerTypes, Map<unknown, string>>();

/** The name under which the type of `module` stands among `types`; undefined where it does not. */
export function typeNameOf(module: Module, types: LayerTypes): string | undefined {
  let names = namesByClass.get(types);
  if (names === undefined) {
    names = new Map(Object.entries(types).flatMap(([name, { type }]) => (type === undefined ? [] : [[type, name]])));
    namesByClass.set(types, names);
  }
  const made = module.constructor;
  const known = names.get(made);
  if (known !== undefined) return known;
  return Object.hasOwn(types, made.name) && types[made.name]?.type === undefined ? made.name : undefined;
}
