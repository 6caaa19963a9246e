import type { Buffer, Module } from '../../nn/index.js';
import { Parameter } from '../../nn/index.js';
import { setMask } from '../pruning/mask.js';

/** What a slice does for a unit: it makes its value, it scales or shifts that value alone, or it reads it. */
export type UnitRole = 'makes' | 'scales' | 'reads';

/** What one parameter or buffer holds of the units of a group. */
export interface UnitSlice {
  /** The module that holds it, by its path in the model. */
  readonly path: string;
  readonly module: Module;
  /** The property under which the module holds it. */
  readonly property: string;
  readonly value: Parameter | Buffer;
  readonly role: UnitRole;
  /** The dimension along which the units stand. */
  readonly dim: number;
  /** For each unit, its places along `dim`: more than one where an image was flattened, or where a head has several rows. */
  readonly places: readonly (readonly number[])[];
}

/** What the units of a group are to those who build networks. */
export type UnitKind = 'neuron' | 'channel' | 'head' | 'hidden' | 'embedding';

/** Units that can go one by one, each with everything that has to go together with it. */
export interface UnitGroup {
  /** The layer that leads: the first of those that make the units. */
  readonly name: string;
  readonly kind: UnitKind;
  readonly units: number;
  readonly slices: readonly UnitSlice[];
  /** Norms that tell how many of the units they take, and where these stand there. */
  readonly norms?: readonly { readonly module: Module; readonly places: readonly (readonly number[])[] }[];
}

/** Why the units of a layer stay. */
export interface Uncoupled {
  readonly name: string;
  readonly reason: string;
}

/** For each element of a tensor of `shape`, whether it stands at one of `places` along `dim`. */
export function standsAt(shape: readonly number[], dim: number, places: ReadonlySet<number>): Uint8Array {
  const size = shape[dim] as number;
  const inner = shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  const outer = shape.slice(0, dim).reduce((a, b) => a * b, 1);
  const stands = new Uint8Array(outer * size * inner);
  for (let o = 0; o < outer; o++) {
    for (const place of places) stands.fill(1, (o * size + place) * inner, (o * size + place + 1) * inner);
  }
  return stands;
}

/** Sets the elements of a tensor of `shape` that stand at one of `places` along `dim` to 0. */
export function erase(values: Float32Array, shape: readonly number[], dim: number, places: ReadonlySet<number>): void {
  const stands = standsAt(shape, dim, places);
  for (let i = 0; i < values.length; i++) if (stands[i] === 1) values[i] = 0;
}

/** The places of some units in a slice. */
export function placesOf({ places }: Pick<UnitSlice, 'places'>, units: Iterable<number>): Set<number> {
  const found = new Set<number>();
  for (const unit of units) for (const place of places[unit] as readonly number[]) found.add(place);
  return found;
}

/**
 * Masks everything that makes a unit speak: its weights, its bias, the scale and shift of norms behind it; and the weights
 * that listen to it, since a norm without a scale of its own gives even a silent unit a voice.
 */
export function silence(group: UnitGroup, gone: ReadonlySet<number>): void {
  if (gone.size === 0) return;
  for (const slice of group.slices) {
    if (!(slice.value instanceof Parameter)) continue;
    const stands = standsAt(slice.value.shape, slice.dim, placesOf(slice, gone));
    setMask(
      slice.value,
      stands.map((isGone) => 1 - isGone),
    );
  }
}
