import { fail } from '../core/errors.js';
import type { LayerTypes } from './layertype.js';
import { layerTypes } from './layertypes.js';
import type { Module } from './module.js';

/**
 * A model's structure as data, so that a file can hold a whole model and be loaded without the source that defined it.
 */
export interface Topology {
  /** Name of the module's type. */
  readonly type: string;
  /** What its constructor was given. */
  readonly args?: readonly unknown[];
  readonly children?: readonly (readonly [name: string, child: Topology])[];
}

/** The structure of `module`. Throws for a module whose type is not among `types`. */
export function describe(module: Module, types: LayerTypes = layerTypes): Topology {
  const type = module.constructor.name;
  const known = types[type];
  if (known === undefined) {
    return fail(
      'unsupported',
      `describe: '${type}' is not a known layer type, so its structure cannot be saved. ` +
        'Build the model from layers and Sequential, pass types for your own layers, or save its stateDict() alone.',
    );
  }
  const children = known.isContainer
    ? module.namedChildren({ removeDuplicate: false }).map(([name, child]) => [name, describe(child, types)] as const)
    : [];
  const args = known.describe(module);
  return { type, ...(args.length > 0 ? { args } : {}), ...(children.length > 0 ? { children } : {}) };
}

/** A module of the given structure, freshly initialized. */
export function construct(topology: Topology, types: LayerTypes = layerTypes): Module {
  const known = Object.hasOwn(types, topology.type) ? types[topology.type] : undefined;
  if (known === undefined) {
    return fail(
      'format',
      `construct: unknown layer type '${topology.type}'. Known are ${Object.keys(types).join(', ')}.`,
    );
  }
  const children = (topology.children ?? []).map(([name, child]) => [name, construct(child, types)] as const);
  return known.build(topology.args ?? [], children);
}
