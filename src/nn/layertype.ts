import type { Module } from './module.js';

/** How modules of one type become data and come back. */
export interface LayerType<M extends Module = Module> {
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
    describe: (module) => describe(module as InstanceType<C>),
    build: (args) => new make(...(args as never)),
  };
}
