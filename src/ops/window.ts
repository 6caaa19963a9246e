import { fail } from '../core/errors.js';
import type { Sheet } from './sheet.js';

/** The sizes that convolutions, pools and windows take: one for every direction, or one for each. */

export type Single = number | readonly [number];
export type Pair = number | readonly [number, number];
export type Triple = number | readonly [number, number, number];
/** Any of them. */
export type Extent = number | readonly number[];

/** How many directions an image has: lines, pictures, volumes. */
export type Rank = 1 | 2 | 3;

/** What the op of one rank tells its maker for the sheet. */
export type RankEntry = Pick<Sheet, 'doc' | 'samples'>;

const NUMBERS = ['one whole number', 'one or two whole numbers', 'one or three whole numbers'];
const LETTERS = [['L'], ['H', 'W'], ['D', 'H', 'W']];

/** `value` for each of `rank` directions: whole numbers of at least `least`. */
export function extents(name: string, argument: string, value: Extent, rank: Rank, least: number): readonly number[] {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least) {
    return rank === 1 ? [value] : rank === 2 ? [value, value] : [value, value, value];
  }
  const list = typeof value === 'number' ? [value] : value;
  const fits = Array.isArray(list) && (list.length === 1 || list.length === rank);
  if (!fits || !list.every((v) => Number.isInteger(v) && v >= least)) {
    fail('argument', `${name}: ${argument} must be ${NUMBERS[rank - 1]} ≥ ${least}, got ${String(value)}.`);
  }
  return list.length === rank ? list : new Array<number>(rank).fill(list[0] as number);
}

/** `n` for both directions, or [vertical, horizontal]; whole numbers of at least `least`. */
export function pair(name: string, argument: string, value: Pair, least: number): readonly [number, number] {
  return extents(name, argument, value, 2, least) as readonly [number, number];
}

/** The shapes of a batch of images and of one image, as messages show them: [N, C, H, W] or [C, H, W]. */
export function imageShapes(rank: Rank): string {
  const image = ['C', ...(LETTERS[rank - 1] as string[])].join(', ');
  return `[N, ${image}] or [${image}]`;
}
