import { Parameter } from '../../nn/index.js';
import type { UnitGroup, UnitSlice } from '../structure/units.js';
import { maskOf } from './mask.js';

/** Scores of units from the slices that belong to them. */

/** The slices that make the units of a group, gathered by the layer that they belong to. */
export function makersOf(group: UnitGroup): UnitSlice[][] {
  const layers = new Map<string, UnitSlice[]>();
  for (const slice of group.slices) {
    if (slice.role !== 'makes' || !(slice.value instanceof Parameter)) continue;
    const known = layers.get(slice.path);
    if (known === undefined) layers.set(slice.path, [slice]);
    else known.push(slice);
  }
  return [...layers.values()];
}

/** Which unit each place along the slice's dimension belongs to; −1 for none of this group. */
export function unitAt(slice: UnitSlice): Int32Array {
  const units = new Int32Array(slice.value.shape[slice.dim] as number).fill(-1);
  slice.places.forEach((places, unit) => {
    for (const place of places) units[place] = unit;
  });
  return units;
}

/** Calls `visit` with the unit and the position of every number of a slice that belongs to a unit. */
export function eachOfUnit(slice: UnitSlice, visit: (unit: number, position: number) => void): void {
  const { shape } = slice.value;
  const units = unitAt(slice);
  const inner = shape.slice(slice.dim + 1).reduce((a, b) => a * b, 1);
  const count = slice.value.numel();
  for (let i = 0, at = 0; i < count; i += inner, at = (at + 1) % units.length) {
    const unit = units[at] as number;
    if (unit >= 0) for (let k = i; k < i + inner; k++) visit(unit, k);
  }
}

/** Adds the numbers of each unit, from `values` in the places of the slice's parameter, to `sums`. */
export function sumByUnit(slice: UnitSlice, values: ArrayLike<number>, sums: Float64Array): void {
  eachOfUnit(slice, (unit, i) => {
    sums[unit] = (sums[unit] as number) + (values[i] as number);
  });
}

/** The numbers of each unit of a layer, from its weights of two or more dimensions, side by side. */
export function unitRows(slices: readonly UnitSlice[], units: number): number[][] {
  const rows = Array.from({ length: units }, (): number[] => []);
  for (const slice of slices) {
    if (slice.value.ndim < 2) continue;
    const values = slice.value.dataSync();
    eachOfUnit(slice, (unit, i) => (rows[unit] as number[]).push(values[i] as number));
  }
  return rows;
}

/** The units of a group that have been silenced before: everything that makes them is masked. */
export function silentUnits(group: UnitGroup): Uint8Array<ArrayBuffer> {
  const silent = new Uint8Array(group.units).fill(1);
  for (const slice of group.slices) {
    if (slice.role !== 'makes' || !(slice.value instanceof Parameter)) continue;
    const mask = maskOf(slice.value)?.dataSync();
    if (mask === undefined) return silent.fill(0);
    eachOfUnit(slice, (unit, i) => {
      if (mask[i] !== 0) silent[unit] = 0;
    });
  }
  return silent;
}

/** How the scores that several layers give to the same units become one. */
export type Aggregate = 'norm' | 'mean' | 'max';

export function aggregateScores(scores: readonly ArrayLike<number>[], how: Aggregate): Float64Array {
  const [first] = scores;
  return Float64Array.from(first ?? [], (_, unit) => {
    const all = scores.map((one) => one[unit] as number);
    if (how === 'max') return Math.max(...all);
    const total = all.reduce((n, value) => n + (how === 'norm' ? value * value : value), 0);
    return how === 'norm' ? Math.sqrt(total) : total / all.length;
  });
}
