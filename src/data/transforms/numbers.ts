import * as elementary from '../../core/elementary.js';
import { fail, show } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';

/** A range from which a number is drawn. */
export type Range = readonly [least: number, most: number];

/** One size for both edges, or height and width. */
export type Size = number | readonly [height: number, width: number];

/** A value for all channels, or one for each. */
export type Fill = number | readonly number[];

/** Uniform in [low, high). */
export function between(stream: Generator, [low, high]: Range): number {
  return low + (high - low) * stream.uniform();
}

/** A whole number from low to high, both included. */
export function wholeBetween(stream: Generator, low: number, high: number): number {
  return low + stream.below(high - low + 1);
}

/** Python rounds halves to even, and so does what is computed from its numbers of pixels. */
export function roundHalfEven(x: number): number {
  const near = Math.round(x);
  return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

/** Gamma distributed, by Marsaglia and Tsang (ACM TOMS 26, 2000); shapes below 1 by a power of a uniform number. */
function gamma(stream: Generator, shape: number): number {
  if (shape < 1) return gamma(stream, shape + 1) * elementary.pow(1 - stream.uniform(), 1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const z = stream.normal();
    const cubed = 1 + c * z;
    const v = cubed * cubed * cubed;
    if (v > 0 && elementary.log(1 - stream.uniform()) < (z * z) / 2 + d * (1 - v + elementary.log(v))) return d * v;
  }
}

/** Shares that add up to 1, Dirichlet distributed with the same alpha for each of `count`. */
export function dirichlet(stream: Generator, alpha: number, count: number): number[] {
  const parts = Array.from({ length: count }, () => gamma(stream, alpha));
  const sum = parts.reduce((a, b) => a + b, 0);
  // A very small alpha leaves all of it to one share, and may leave nothing that can be divided.
  if (!(sum > 0)) return parts.map((_, i) => (i === 0 ? 1 : 0));
  return parts.map((part) => part / sum);
}

/** p, which must be a probability. */
export function checkProbability(name: string, p: number): number {
  if (!(p >= 0 && p <= 1)) fail('argument', `${name}: p must be in [0, 1], got ${p}.`);
  return p;
}

/** A range that must lie within `least` … `most`. */
export function checkRange(name: string, what: string, range: Range, least: number, most: number): Range {
  if (!(range.length === 2 && range[0] >= least && range[0] <= range[1] && range[1] <= most)) {
    fail('argument', `${name}: ${what} must be [least, most] within ${show([least, most])}, got ${show(range)}.`);
  }
  return range;
}

/** The range that one number stands for, (-value, value), or the range given. */
export function rangeOf(name: string, what: string, value: number | Range): Range {
  if (typeof value === 'number') {
    if (!(value >= 0)) fail('argument', `${name}: ${what} must be ≥ 0 when it is one number, got ${value}.`);
    return [-value, value];
  }
  if (value.length !== 2 || !(value[0] <= value[1])) {
    fail('argument', `${name}: ${what} must be a number or [least, most], got ${show(value)}.`);
  }
  return value;
}

/** Height and width, whole numbers above 0. */
export function sizeOfEdges(name: string, size: Size | readonly [number]): readonly [height: number, width: number] {
  const [height, width = height] = typeof size === 'number' ? [size] : size;
  const good = (edge: number | undefined): edge is number => Number.isInteger(edge) && (edge as number) > 0;
  if ((typeof size !== 'number' && size.length > 2) || !good(height) || !good(width)) {
    return fail('argument', `${name}: size must be a whole number > 0 or [height, width], got ${String(size)}.`);
  }
  return [height, width];
}
