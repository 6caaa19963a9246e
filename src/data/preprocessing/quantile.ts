import { fail } from '../../core/errors.js';
import { erfinv, normalCdf } from '../../ops/special.js';

/** Quantiles of samples, and of the normal distribution. */

/** The quantile at `share` in [0, 1] of ascending values, linear between two of them as numpy has it; NaN if there are none. */
export function quantileOf(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const [a, b] = [sorted[low] as number, sorted[Math.min(low + 1, sorted.length - 1)] as number];
  const t = at - low;
  // From the nearer end, as numpy does, so that the last quantile is the last value exactly.
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

/** The value below which the share `p` of a standard normal distribution lies. */
export function normalQuantile(p: number): number {
  return Math.SQRT2 * erfinv(2 * p - 1);
}

export { normalCdf };

/** The pair of shares that a range in percent means. */
export function checkRange(name: string, range: readonly [number, number]): void {
  const [low, high] = range;
  if (!(low >= 0 && low < high && high <= 100)) {
    fail('argument', `${name}: quantileRange must be [least, most] in percent, 0 ≤ least < most ≤ 100, got ${range}.`);
  }
}

/**
 * y at `x` on the line through the points (xs, ys), xs ascending; beyond the ends it is the end's y. Where several xs are
 * equal it is that of the last of them, as in numpy's interp.
 */
export function interpolate(x: number, xs: Float64Array, ys: Float64Array): number {
  const last = xs.length - 1;
  if (x >= (xs[last] as number)) return ys[last] as number;
  if (x < (xs[0] as number)) return ys[0] as number;
  let low = 0;
  let high = last;
  // xs[low] ≤ x < xs[high] throughout.
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((xs[middle] as number) <= x) low = middle;
    else high = middle;
  }
  const [x0, x1, y0, y1] = [xs[low] as number, xs[high] as number, ys[low] as number, ys[high] as number];
  return y0 + ((y1 - y0) / (x1 - x0)) * (x - x0);
}
