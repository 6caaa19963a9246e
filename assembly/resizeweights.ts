/** What each pixel of a resized line is made of: a stretch of the source and its weights, as in Pillow's resampling. */
import { bytes } from './simd';

/** Weights of bytes are whole numbers of 16 bits that add up to exactly this. */
export const SHIFT: i32 = 14;

/** Filters, by the numbers that the host gives. The first two widen when an image shrinks; the others take 2 or 4 pixels. */
export const BICUBIC: i32 = 1;
const PLAIN: i32 = 2;

/** Keys's cubic with Pillow's a = -1/2, or the -3/4 of interpolation without antialiasing. */
// @ts-ignore: decorator
@inline function cubic(x: f64, a: f64): f64 {
  x = Math.abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// @ts-ignore: decorator
@inline function weigh(x: f64, filter: i32): f64 {
  if (filter & BICUBIC) return cubic(x, filter >= PLAIN ? -0.75 : -0.5);
  return Math.max(0, 1 - Math.abs(x));
}

/**
 * For each of `count` outputs of a line of `size` pixels: where its stretch begins in starts, how long it is in lengths, and
 * `taps` weights of type W, zeros behind. `taps` is no less than any stretch, and `work` has room for so many float64.
 * Where a stretch of bytes would leave the line when it is read `taps` long, it begins earlier, with zeros in front.
 */
export function weightsOf<W>(
  starts: usize,
  lengths: usize,
  weights: usize,
  work: usize,
  size: i32,
  count: i32,
  taps: i32,
  filter: i32,
): void {
  const scale = <f64>size / <f64>count;
  const spread = filter < PLAIN ? Math.max(scale, 1) : 1;
  const support = (filter & BICUBIC ? 2.0 : 1.0) * spread;
  for (let o = 0; o < count; o++) {
    const center = (<f64>o + 0.5) * scale;
    let first: i32;
    let length: i32;
    if (filter < PLAIN) {
      first = max(<i32>(center - support + 0.5), 0);
      // Rounding may put one pixel more in reach, which weighs nothing.
      length = min(min(<i32>(center + support + 0.5), size) - first, taps);
      let sum: f64 = 0;
      for (let k = 0; k < length; k++) {
        const w = weigh((<f64>(first + k) - center + 0.5) / spread, filter);
        store<f64>(work + ((<usize>k) << 3), w);
        sum += w;
      }
      for (let k = 0; k < length; k++) store<f64>(work + ((<usize>k) << 3), load<f64>(work + ((<usize>k) << 3)) / sum);
    } else {
      // Pixels beyond the edge are those at the edge once more, and their weights add up there.
      const reach = filter & BICUBIC ? 2 : 1;
      const left = <i32>Math.floor(center - 0.5) - reach + 1;
      first = min(max(left, 0), size - 1);
      length = min(max(left + 2 * reach - 1, 0), size - 1) - first + 1;
      memory.fill(work, 0, (<usize>length) << 3);
      for (let k = left; k < left + 2 * reach; k++) {
        const at = work + ((<usize>(min(max(k, 0), size - 1) - first)) << 3);
        store<f64>(at, load<f64>(at) + weigh(<f64>k - center + 0.5, filter));
      }
    }
    const to = weights + <usize>(o * taps) * sizeof<W>();
    if (isFloat<W>()) {
      for (let k = 0; k < length; k++) store<f32>(to + bytes(k), <f32>load<f64>(work + ((<usize>k) << 3)));
    } else {
      const early = min(first, max(first + taps - size, 0));
      wholeWeights(to, work, length, taps, early);
      first -= early;
    }
    store<i32>(starts + bytes(o), first);
    store<i32>(lengths + bytes(o), length);
  }
}

/** Rounded weights, behind `early` zeros. What rounding leaves over goes to the largest, so that a flat image stays flat. */
function wholeWeights(to: usize, work: usize, length: i32, taps: i32, early: i32): void {
  memory.fill(to, 0, (<usize>taps) << 1);
  to += (<usize>early) << 1;
  let rest: i32 = 1 << SHIFT;
  let largest: usize = to;
  for (let k = 0; k < length; k++) {
    const at = to + ((<usize>k) << 1);
    const w = <i32>Math.round(load<f64>(work + ((<usize>k) << 3)) * <f64>(1 << SHIFT));
    store<i16>(at, <i16>w);
    rest -= w;
    if (w > load<i16>(largest)) largest = at;
  }
  store<i16>(largest, <i16>(load<i16>(largest) + rest));
}
