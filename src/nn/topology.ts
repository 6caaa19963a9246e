import { fail } from '../core/errors.js';
import { type LayerTypes, typeNameOf } from './layertype.js';
import { layerTypes } from './layertypes.js';
import type { Module, Parameter } from './module.js';

/**
 * A model's structure as data, so that a file can hold a whole model and be loaded without the source that defined it.
 */
export interface Topology {
  /** Name of the module's type. */
  readonly type: string;
  /** What its constructor was given. */
  readonly args?: readonly unknown[];
  readonly children?: readonly (readonly [name: string, child: Topology])[];
  /** Path of the module that this one is, where it stands in the model a second time; it says no more then. */
  readonly same?: string;
  /** Of the whole model: names of parameters, each with that of an earlier one that it is. */
  readonly ties?: readonly (readonly [name: string, earlier: string])[];
}

/** The structure of `module`. What stands in it twice is told once. Throws for a module whose type is not among `types`. */
export function describe(module: Module, types: LayerTypes = layerTypes): Topology {
  const ties = tiesOf(module);
  return { ...describeAt('', module, types, new Map()), ...(ties.length > 0 ? { ties } : {}) };
}

function describeAt(path: string, module: Module, types: LayerTypes, seen: Map<Module, string>): Topology {
  const type = typeNameOf(module, types) ?? '';
  const known = types[type];
  if (known === undefined) {
    return fail(
      'unsupported',
      `describe: '${module.constructor.name}' is not a known layer type, so its structure cannot be saved. ` +
        'Build the model from layers and Sequential, pass types for your own layers, or save its stateDict() alone.',
    );
  }
  const same = seen.get(module);
  if (same !== undefined) return { type, same };
  seen.set(module, path);
  const children = known.isContainer
    ? module
        .namedChildren({ removeDuplicate: false })
        .map(([name, child]) => [name, describeAt(join(path, name), child, types, seen)] as const)
    : [];
  const args = known.describe(module);
  return { type, ...(args.length > 0 ? { args } : {}), ...(children.length > 0 ? { children } : {}) };
}

/** Parameters that modules share without being one: each but the first, with the name of that. */
function tiesOf(root: Module): [name: string, earlier: string][] {
  const seen = new Map<Parameter, string>();
  return root.namedModules().flatMap(([path, module]) =>
    module
      .namedParameters({ recurse: false, removeDuplicate: false })
      .flatMap(([own, parameter]): [string, string][] => {
        const name = join(path, own);
        const earlier = seen.get(parameter);
        if (earlier === undefined) seen.set(parameter, name);
        return earlier === undefined ? [] : [[name, earlier]];
      }),
  );
}

/** A module of the given structure, freshly initialized. */
export function construct(topology: Topology, types: LayerTypes = layerTypes): Module {
  const made = new Map<string, Module>();
  try {
    const root = constructAt('', topology, types, made);
    for (const [name, earlier] of topology.ties ?? []) tie(root, name, earlier);
    return root;
  } catch (error) {
    for (const module of made.values()) module.dispose();
    throw error;
  }
}

function constructAt(path: string, topology: Topology, types: LayerTypes, made: Map<string, Module>): Module {
  const { type, same, args = [], children = [] } = topology;
  const known = Object.hasOwn(types, type) ? types[type] : undefined;
  if (known === undefined) {
    return fail('format', `construct: unknown layer type '${type}'. Known are ${Object.keys(types).join(', ')}.`);
  }
  if (same !== undefined) {
    return made.get(same) ?? fail('format', `construct: '${path}' is to be '${same}', which does not stand before it.`);
  }
  const parts = children.map(([name, child]) => [name, constructAt(join(path, name), child, types, made)] as const);
  const module = known.build(args, parts);
  made.set(path, module);
  return module;
}

/** Puts the parameter called `earlier` in the place of the one called `name`. */
function tie(root: Module, name: string, earlier: string): void {
  const all = new Map(root.namedParameters({ removeDuplicate: false }));
  const [old, shared] = [all.get(name), all.get(earlier)];
  const owner = root.getSubmodule(name.slice(0, Math.max(0, name.lastIndexOf('.'))));
  const property = Object.entries(owner).find(([, value]) => value === old)?.[0];
  if (old === undefined || shared === undefined || property === undefined) {
    fail('format', `construct: '${name}' cannot be made to share '${earlier}'.`);
  }
  Object.assign(owner, { [property]: shared });
  if (old !== shared) old?.dispose();
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
