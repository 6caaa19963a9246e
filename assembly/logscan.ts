/** Running log-sum-exp along the middle of [outer, n, inner]. */
import { exp4, log4 } from './exponential';
import { loadUpToFour, storeFew } from './lanes';
import { int, pointer } from './launch';
import { bytes } from './simd';
import { highWide, joinWide, lowWide } from './wide';

/** What is subtracted before the exponential: the largest so far, or 0 where that is infinite. */
// @ts-ignore: decorator
@inline function shiftOf(top: v128): v128 {
  return v128.andnot(top, f32x4.eq(f32x4.abs(top), f32x4.splat(Infinity)));
}

/**
 * y[i] = log Σ_{j ≤ i} exp(x[j]), without overflow. The sum is kept in double and relative to the largest element so far, and
 * scaled down whenever a larger one comes.
 *
 * slots: y, x (pointers) · outer, n, inner (ints)
 * work:  outer · inner, the sequences
 */
export function logcumsumexp_f32(r: usize, begin: i32, end: i32): void {
  const n = int(r, 3);
  const inner = int(r, 4);
  const step = bytes(inner);
  while (begin < end) {
    const outer = begin / inner;
    const column = begin - outer * inner;
    const count = min(min(inner - column, end - begin), 4);
    const offset = (<usize>outer * <usize>n * <usize>inner + <usize>column) << 2;
    let y = pointer(r, 0) + offset;
    let x = pointer(r, 1) + offset;
    let largest = f32x4.splat(-Infinity);
    let low = f64x2.splat(0);
    let high = low;
    for (let i = n; i > 0; i--) {
      const v = loadUpToFour(x, count);
      const top = f32x4.max(largest, v);
      const shift = shiftOf(top);
      const kept = exp4(f32x4.sub(largest, shift));
      const more = exp4(f32x4.sub(v, shift));
      low = f64x2.add(f64x2.mul(low, lowWide(kept)), lowWide(more));
      high = f64x2.add(f64x2.mul(high, highWide(kept)), highWide(more));
      storeFew<f32>(y, f32x4.add(shift, log4(joinWide(low, high))), count);
      largest = top;
      x += step;
      y += step;
    }
    begin += count;
  }
}
