import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import { defaultGenerator, type Generator } from '../../core/random.js';

/** Where the centroids begin; see `KMeansOptions.init`. */
export type Start = 'linear' | 'density' | 'random';

export const STARTS: readonly Start[] = ['linear', 'density', 'random'];

export interface KMeansOptions {
  /**
   * Where the centroids begin: evenly from the least weight to the largest ('linear', which Han et al. find best, as it serves
   * the few large weights), with as many weights each ('density'), or at weights drawn at random ('random'). Default 'linear'.
   */
  readonly init?: Start;
  /** The most rounds of assignment and mean; fewer where nothing moves any more. Default 100. */
  readonly iterations?: number;
  /** Draws the first centroids of 'random'. */
  readonly generator?: Generator;
}

/**
 * k-means of numbers on a line: at most `k` centroids, ascending, none of them without a value. On sorted values a cluster is
 * a stretch between two boundaries, and its mean a difference of prefix sums, so that a round takes k searches rather than a
 * pass over all values.
 */
export function centroidsOf(
  values: Float32Array,
  k: number,
  { init = 'linear', iterations = 100, generator = defaultGenerator }: KMeansOptions = {},
): Float32Array<ArrayBuffer> {
  const sorted = Float64Array.from(values).sort();
  const n = sorted.length;
  const distinct = distinctOf(sorted, k);
  if (distinct !== null) return distinct;
  const sums = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) sums[i + 1] = (sums[i] as number) + (sorted[i] as number);
  const mean = (from: number, to: number): number => ((sums[to] as number) - (sums[from] as number)) / (to - from);
  const means = firstCentroids(sorted, k, init, generator);
  const bounds = new Float64Array(k + 1);
  bounds[k] = n;
  for (let round = 0; round < iterations; round++) {
    let moved = round === 0;
    for (let j = 1; j < k; j++) {
      const middle = ((means[j - 1] as number) + (means[j] as number)) / 2;
      const bound = countUpTo(sorted, middle);
      if (bound !== bounds[j]) moved = true;
      bounds[j] = bound;
    }
    for (let j = 0; j < k; j++) {
      const [from, to] = [bounds[j] as number, bounds[j + 1] as number];
      if (to > from) means[j] = mean(from, to);
    }
    if (!moved && !relocate(sorted, means, bounds, mean)) break;
  }
  const used = means.filter((_, j) => (bounds[j + 1] as number) > (bounds[j] as number));
  // float32 may make two centroids one.
  return Float32Array.from(new Set(Float32Array.from(used)));
}

/**
 * Centroids that have no value, as where pruning has left none near 0, each go to share one of the clusters that lose most:
 * they and the one there become the means of what lies below and above the mean. Whether there was any.
 */
function relocate(
  sorted: Float64Array,
  means: Float64Array,
  bounds: Float64Array,
  mean: (from: number, to: number) => number,
): boolean {
  const clusters = Array.from(means, (centroid, j) => {
    const [from, to] = [bounds[j] as number, bounds[j + 1] as number];
    let lost = 0;
    for (let i = from; i < to; i++) lost += elementary.square((sorted[i] as number) - centroid);
    return { j, from, to, lost };
  });
  const empty = clusters.filter(({ from, to }) => to === from);
  const worst = clusters
    .filter(({ from, to }) => to > from && sorted[from] !== sorted[to - 1])
    .sort((a, b) => b.lost - a.lost)
    .slice(0, empty.length);
  worst.forEach(({ j, from, to }, i) => {
    const between = Math.min(Math.max(countUpTo(sorted, means[j] as number), from + 1), to - 1);
    means[(empty[i] as { j: number }).j] = mean(from, between);
    means[j] = mean(between, to);
  });
  means.sort();
  return worst.length > 0;
}

/** The distinct values, where there are no more than `k`. */
function distinctOf(sorted: Float64Array, k: number): Float32Array<ArrayBuffer> | null {
  const found: number[] = [];
  for (const value of sorted) {
    if (value === found[found.length - 1]) continue;
    if (found.length === k) return null;
    found.push(value);
  }
  return Float32Array.from(found);
}

function firstCentroids(sorted: Float64Array, k: number, init: Start, generator: Generator): Float64Array {
  const n = sorted.length;
  const [low, high] = [sorted[0] as number, sorted[n - 1] as number];
  if (init === 'linear')
    return Float64Array.from({ length: k }, (_, j) => low + ((high - low) * j) / Math.max(1, k - 1));
  if (init === 'density')
    return Float64Array.from({ length: k }, (_, j) => sorted[Math.floor(((j + 0.5) / k) * n)] as number);
  return Float64Array.from(generator.permutation(n).subarray(0, k), (at) => sorted[at] as number).sort();
}

/** How many of the values are at most `bound`. */
function countUpTo(sorted: ArrayLike<number>, bound: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** For each value the place of the nearest centroid; the lower one of two that are as near. */
export function assign(values: Float32Array, centroids: Float32Array): Int32Array<ArrayBuffer> {
  const middles = Float64Array.from(centroids.subarray(1), (centroid, j) => ((centroids[j] as number) + centroid) / 2);
  // A value on the border is at most the border, and belongs below.
  return Int32Array.from(values, (value) => {
    let [low, high] = [0, middles.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((middles[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

/** Values of which those that are not 0 become the nearest of 2^bits centroids of theirs. */
export function nearestCentroids(
  what: string,
  values: Float32Array<ArrayBuffer>,
  bits: number,
  options?: KMeansOptions,
): Float32Array<ArrayBuffer> {
  const kept = values.filter((value) => value !== 0);
  checkFinite(what, kept);
  const centroids = centroidsOf(kept, 2 ** bits, options);
  const codes = assign(values, centroids);
  return values.map((value, i) => (value === 0 ? value : (centroids[codes[i] as number] as number)));
}

export function checkFinite(what: string, values: Float32Array): void {
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) fail('data', `${what} holds ${wrong}, which has no nearest centroid.`);
}
