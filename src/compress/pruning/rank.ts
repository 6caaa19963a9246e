import * as elementary from '../../core/elementary.js';
import type { Parameter } from '../../nn/index.js';
import type { Tensor } from '../../tensor.js';
import { maskOf, setMask } from './mask.js';

/** Ranks weights and slices by importance, and removes those at the end of the ranking. */

/** What a score counts as in a ranking. */
function rank(score: number): number {
  return Number.isNaN(score) ? Infinity : score;
}

/** Scores in ascending order; a sorted copy without a comparison function is far faster than sorted positions. */
export function sortedScores(scores: ArrayLike<number>): Float64Array<ArrayBuffer> {
  const sorted = new Float64Array(scores.length);
  for (let i = 0; i < sorted.length; i++) sorted[i] = rank(scores[i] as number);
  return sorted.sort();
}

/**
 * Positions of the `count` smallest scores, in ascending order. Among equal scores the first go first; NaN ranks above every
 * number, as in torch.topk, so that a weight of unknown size is the last to be removed.
 * Who asks several times gives the scores in order, `sorted`, so that they are not sorted each time.
 */
export function smallest(
  scores: ArrayLike<number>,
  count: number,
  sorted: Float64Array = sortedScores(scores),
): Int32Array<ArrayBuffer> {
  const limit = sorted[count - 1] ?? -Infinity;
  let below = 0;
  for (let i = 0; i < scores.length; i++) if (rank(scores[i] as number) < limit) below++;
  let equal = count - below;
  const found = new Int32Array(count);
  for (let i = 0, next = 0; i < scores.length && next < count; i++) {
    const score = rank(scores[i] as number);
    if (score < limit || (score === limit && equal-- > 0)) found[next++] = i;
  }
  return found;
}

/** The numbers below `count` of which `holds` is true. */
export function places(count: number, holds: (place: number) => boolean): Int32Array<ArrayBuffer> {
  const found = new Int32Array(count);
  let next = 0;
  for (let i = 0; i < count; i++) if (holds(i)) found[next++] = i;
  return found.slice(0, next);
}

/** Positions of a parameter that are not pruned yet. */
export function alive(parameter: Parameter): Int32Array<ArrayBuffer> {
  const mask = maskOf(parameter)?.dataSync();
  return places(parameter.numel(), (i) => mask?.[i] !== 0);
}

/** Prunes the weights at `positions` of the flat parameter. */
export function removeAt(parameter: Parameter, positions: Iterable<number>): void {
  const mask = new Uint8Array(parameter.numel()).fill(1);
  for (const i of positions) mask[i] = 0;
  setMask(parameter, mask);
}

/** Prunes, of the weights that `parameters` have left, those that `choose` gives the places of when all are counted through. */
export function removeChosen(
  parameters: readonly Parameter[],
  choose: (left: readonly Int32Array[]) => ArrayLike<number>,
): void {
  const left = parameters.map(alive);
  const chosen = Int32Array.from(choose(left)).sort();
  let first = 0;
  let at = 0;
  parameters.forEach((parameter, p) => {
    const positions = left[p] as Int32Array;
    const from = at;
    while (at < chosen.length && (chosen[at] as number) < first + positions.length) at++;
    removeAt(
      parameter,
      chosen.subarray(from, at).map((place) => positions[place - first] as number),
    );
    first += positions.length;
  });
}

/** Prunes the `count` least important weights that `parameters` have left, all ranked together. */
export function removeSmallest(
  parameters: readonly Parameter[],
  scores: readonly ArrayLike<number>[],
  count: number,
): void {
  removeChosen(parameters, (left) => {
    const ranked = new Float64Array(left.reduce((n, positions) => n + positions.length, 0));
    let next = 0;
    left.forEach((positions, p) => {
      for (const i of positions) ranked[next++] = scores[p]?.[i] as number;
    });
    return smallest(ranked, count);
  });
}

/** The n-norm of every slice of a parameter along `dim`, for n ≥ 0 or infinite; n = 0 counts what is not 0. */
export function sliceNorms(parameter: Tensor, dim: number, n: number): Float64Array<ArrayBuffer> {
  const size = parameter.shape[dim] as number;
  const inner = parameter.shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  const norms = new Float64Array(size).fill(n === -Infinity ? Infinity : 0);
  parameter.dataSync().forEach((value, i) => {
    const slice = Math.floor(i / inner) % size;
    const magnitude = Math.abs(value);
    const before = norms[slice] as number;
    if (n === Infinity) norms[slice] = Math.max(before, magnitude);
    else if (n === -Infinity) norms[slice] = Math.min(before, magnitude);
    else norms[slice] = before + (n === 0 ? Number(magnitude !== 0) : elementary.pow(magnitude, n));
  });
  return Number.isFinite(n) && n > 0 ? norms.map((total) => elementary.pow(total, 1 / n)) : norms;
}
