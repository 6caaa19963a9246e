import { noGrad } from '../../autograd/index.js';
import { scope } from '../../core/scoping.js';
import { Buffer, type Module, Parameter } from '../../nn/index.js';
import { clone, indexSelect, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { dropMask, maskOf, setMask } from '../pruning/mask.js';
import { fittingSizes, isNorm, type Sizes } from './sizes.js';
import { erase, placesOf, type UnitGroup } from './units.js';

/** Which units of which groups are to go. */
export type Goners = ReadonlyMap<UnitGroup, ReadonlySet<number>>;

/** A change of a model that can be taken back until it is made final. */
export interface Change {
  /** Puts back what was there, and frees what came. */
  undo(): void;
  /** Frees what was there, and carries masks over. */
  keep(): void;
}

type Held = Parameter | Buffer;

/** What goes from each parameter and buffer: places by dimension. */
function removals(goners: Goners): Map<Held, Map<number, Set<number>>> {
  const all = new Map<Held, Map<number, Set<number>>>();
  for (const [group, gone] of goners) {
    for (const slice of group.slices) {
      const dims = all.get(slice.value) ?? new Map<number, Set<number>>();
      all.set(slice.value, dims);
      const places = dims.get(slice.dim) ?? new Set<number>();
      dims.set(slice.dim, places);
      for (const place of placesOf(slice, gone)) places.add(place);
    }
  }
  return all;
}

/** `x` without some places along its dimensions. */
function without(x: Tensor, dims: ReadonlyMap<number, ReadonlySet<number>>): Tensor {
  return noGrad(() =>
    scope(() => {
      let rest = x;
      for (const [dim, gone] of dims) {
        const kept = Array.from({ length: x.shape[dim] as number }, (_, i) => i).filter((i) => !gone.has(i));
        rest = indexSelect(rest, dim, tensor(Int32Array.from(kept)) as Tensor<'int32'>);
      }
      return rest === x ? clone(x) : rest;
    }),
  );
}

function alike(value: Held, data: Tensor): Held {
  return value instanceof Parameter ? new Parameter(data, value.requiresGrad) : new Buffer(data, value.persistent);
}

/** Puts others in the places of parameters and buffers, wherever modules hold them, until it is taken back. */
function exchange(model: Module, others: ReadonlyMap<Held, Held>): () => void {
  const undo: (() => void)[] = [];
  for (const module of model.modules()) {
    for (const [property, value] of Object.entries(module)) {
      const other = others.get(value as Held);
      if (other === undefined) continue;
      Object.assign(module, { [property]: other });
      undo.push(() => void Object.assign(module, { [property]: value }));
    }
  }
  return () => {
    for (const step of undo.reverse()) step();
  };
}

/** Gives modules the sizes of their parameters, until they are taken back. */
function resize(model: Module, goners: Goners): () => void {
  const undo: (() => void)[] = [];
  const set = (module: Module, sizes: Sizes): void => {
    const before = Object.fromEntries(Object.keys(sizes).map((key) => [key, Reflect.get(module, key) as unknown]));
    Object.assign(module, sizes);
    undo.push(() => void Object.assign(module, before));
  };
  const touched = new Set([...goners.keys()].flatMap(({ slices }) => slices.map(({ module }) => module)));
  for (const module of model.modules()) {
    // A layer that holds the weights of another, as attention does, is told of that one's changes by its own.
    if (touched.has(module)) set(module, fittingSizes(module));
  }
  for (const [group, gone] of goners) {
    for (const { module, places } of group.norms ?? []) {
      if (!isNorm(module)) continue;
      const lost = placesOf({ places }, gone).size;
      set(module, { numFeatures: module.numFeatures - lost });
    }
  }
  return () => {
    for (const step of undo.reverse()) step();
  };
}

/** Removes units with all that belongs to them. Modules stay the same ones and get smaller parameters. */
export function cut(model: Module, goners: Goners): Change {
  const all = removals(goners);
  const others = new Map<Held, Held>();
  for (const [value, dims] of all) others.set(value, alike(value, without(value, dims)));
  const putBack = exchange(model, others);
  const grow = resize(model, goners);
  return {
    undo: () => {
      putBack();
      grow();
      for (const other of others.values()) other.dispose();
    },
    keep: () => {
      for (const [value, other] of others) {
        if (value instanceof Parameter && other instanceof Parameter) {
          const mask = maskOf(value);
          if (mask !== null) {
            const rest = scope(() => without(mask, all.get(value) as Map<number, Set<number>>).dataSync());
            if (rest.includes(0)) setMask(other, rest);
          }
          dropMask(value);
          value.grad?.dispose();
        }
        value.dispose();
      }
    },
  };
}

/** Fills what belongs to units with zeros. */
export function zeroed(model: Module, goners: Goners): Change {
  const others = new Map<Held, Held>();
  for (const [value, dims] of removals(goners)) {
    if (!(value instanceof Parameter)) continue;
    const data = value.dataSync() as Float32Array;
    for (const [dim, places] of dims) erase(data, value.shape, dim, places);
    others.set(value, alike(value, tensor(data, value.shape)));
  }
  const putBack = exchange(model, others);
  const free = (values: Iterable<Held>): void => {
    for (const value of values) value.dispose();
  };
  return {
    undo: () => {
      putBack();
      free(others.values());
    },
    keep: () => free(others.keys()),
  };
}
