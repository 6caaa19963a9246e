/**
 * Sums of float32 that do not drift: y = scale · Σ term(x).
 *
 *   slots: y, x (pointers) · scale (float) · outer, red, inner (ints); logsumexp has no scale
 *   work:  outer · inner
 *
 * Terms are added in blocks short enough that plain addition is harmless; the blocks' sums are added with Knuth's two-sum,
 * which finds the rounding error of every addition exactly, and the errors are added up beside the sum. So the error stays
 * that of one block however many there are, and 10⁷ terms are as good as a thousand.
 */
import { float } from './launch';
import { loadUpToFour, storeFew } from './lanes';
import { constant, exp, INFINITE, log, magnitude, maximum } from './math';
import { firstLanes, foldLine, Largest, reduceOver } from './reduce';

// A block of a line: 16 additions deep in each of 16 lanes. A block of a column: as deep.
const LINE_BLOCK: i32 = 256;
const COLUMN_BLOCK: i32 = 16;

/** What a + b loses when it is rounded to `sum`. NaN where the sum is infinite. */
// @ts-ignore: decorator
@inline function lostIn(sum: v128, a: v128, b: v128): v128 {
  const part = f32x4.sub(sum, a);
  return f32x4.add(f32x4.sub(a, f32x4.sub(sum, part)), f32x4.sub(b, part));
}

/** A sum with what it lost, unless that is NaN because the sum is infinite. */
// @ts-ignore: decorator
@inline function restored(sum: v128, lost: v128): v128 {
  return f32x4.add(sum, v128.and(lost, f32x4.eq(lost, lost)));
}

/** Σ term(x) of n contiguous elements. The functor T's method v gives the term; `shift` is for it. */
function sumLine<T>(x: usize, n: i32, shift: v128): f32 {
  const t = changetype<T>(0);
  let total = f32x4.splat(0);
  let lost = total;
  while (n >= 16) {
    const size = min(n & ~15, LINE_BLOCK);
    const end = x + (<usize>size << 2);
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    while (x < end) {
      a = f32x4.add(a, t.v(v128.load(x), shift));
      b = f32x4.add(b, t.v(v128.load(x, 16), shift));
      c = f32x4.add(c, t.v(v128.load(x, 32), shift));
      d = f32x4.add(d, t.v(v128.load(x, 48), shift));
      x += 64;
    }
    const block = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    const sum = f32x4.add(total, block);
    lost = f32x4.add(lost, lostIn(sum, total, block));
    total = sum;
    n -= size;
  }
  let rest = f32x4.splat(0);
  while (n > 0) {
    const k = min(n, 4);
    rest = f32x4.add(rest, v128.and(t.v(loadUpToFour(x, k), shift), firstLanes(k)));
    x += 16;
    n -= 4;
  }
  const sum = f32x4.add(total, rest);
  lost = f32x4.add(lost, lostIn(sum, total, rest));
  // Across the lanes in double, rounded once.
  const kept = restored(f32x4.splat(0), lost);
  let wide = f64x2.add(f64x2.promote_low_f32x4(sum), f64x2.promote_low_f32x4(v128.shuffle<i64>(sum, sum, 1, 1)));
  wide = f64x2.add(wide, f64x2.promote_low_f32x4(kept));
  wide = f64x2.add(wide, f64x2.promote_low_f32x4(v128.shuffle<i64>(kept, kept, 1, 1)));
  return <f32>(f64x2.extract_lane(wide, 0) + f64x2.extract_lane(wide, 1));
}

/** Σ term(x) of four columns side by side, of which k are there. */
function sumFourColumns<T>(x: usize, n: i32, step: usize, k: i32, shift: v128): v128 {
  const t = changetype<T>(0);
  let total = f32x4.splat(0);
  let lost = total;
  while (n > 0) {
    let a = f32x4.splat(0);
    for (let i = min(n, COLUMN_BLOCK); i > 0; i--) {
      a = f32x4.add(a, t.v(loadUpToFour(x, k), shift));
      x += step;
    }
    const sum = f32x4.add(total, a);
    lost = f32x4.add(lost, lostIn(sum, total, a));
    total = sum;
    n -= COLUMN_BLOCK;
  }
  return restored(total, lost);
}

function sumStrip<T>(y: usize, x: usize, n: i32, step: usize, columns: i32, scale: v128): void {
  const t = changetype<T>(0);
  const zero = f32x4.splat(0);
  while (columns >= 16) {
    let total0 = zero;
    let total1 = zero;
    let total2 = zero;
    let total3 = zero;
    let lost0 = zero;
    let lost1 = zero;
    let lost2 = zero;
    let lost3 = zero;
    let at = x;
    for (let left = n; left > 0; left -= COLUMN_BLOCK) {
      let a = zero;
      let b = zero;
      let c = zero;
      let d = zero;
      for (let i = min(left, COLUMN_BLOCK); i > 0; i--) {
        a = f32x4.add(a, t.v(v128.load(at), zero));
        b = f32x4.add(b, t.v(v128.load(at, 16), zero));
        c = f32x4.add(c, t.v(v128.load(at, 32), zero));
        d = f32x4.add(d, t.v(v128.load(at, 48), zero));
        at += step;
      }
      const sum0 = f32x4.add(total0, a);
      const sum1 = f32x4.add(total1, b);
      const sum2 = f32x4.add(total2, c);
      const sum3 = f32x4.add(total3, d);
      lost0 = f32x4.add(lost0, lostIn(sum0, total0, a));
      lost1 = f32x4.add(lost1, lostIn(sum1, total1, b));
      lost2 = f32x4.add(lost2, lostIn(sum2, total2, c));
      lost3 = f32x4.add(lost3, lostIn(sum3, total3, d));
      total0 = sum0;
      total1 = sum1;
      total2 = sum2;
      total3 = sum3;
    }
    v128.store(y, f32x4.mul(restored(total0, lost0), scale));
    v128.store(y, f32x4.mul(restored(total1, lost1), scale), 16);
    v128.store(y, f32x4.mul(restored(total2, lost2), scale), 32);
    v128.store(y, f32x4.mul(restored(total3, lost3), scale), 48);
    x += 64;
    y += 64;
    columns -= 16;
  }
  while (columns > 0) {
    const k = min(columns, 4);
    storeFew<f32>(y, f32x4.mul(sumFourColumns<T>(x, n, step, k, zero), scale), k);
    x += 16;
    y += 16;
    columns -= 4;
  }
}

function sumOf<T>(r: usize, begin: i32, end: i32): void {
  reduceOver(r, begin, end, 3, 4, 4, (r, y, x, n) => {
    store<f32>(y, sumLine<T>(x, n, f32x4.splat(0)) * float(r, 2));
  }, (r, y, x, n, step, columns) => {
    sumStrip<T>(y, x, n, step, columns, f32x4.splat(float(r, 2)));
  });
}

@unmanaged class Itself {
  @inline v(x: v128, shift: v128): v128 {
    return x;
  }
}

export function sum_f32(r: usize, begin: i32, end: i32): void {
  sumOf<Itself>(r, begin, end);
}

@unmanaged class ItsSquare {
  @inline v(x: v128, shift: v128): v128 {
    return f32x4.mul(x, x);
  }
}

export function sumSquares_f32(r: usize, begin: i32, end: i32): void {
  sumOf<ItsSquare>(r, begin, end);
}

@unmanaged class ItsMagnitude {
  @inline v(x: v128, shift: v128): v128 {
    return magnitude(x);
  }
}

export function sumAbs_f32(r: usize, begin: i32, end: i32): void {
  sumOf<ItsMagnitude>(r, begin, end);
}

@unmanaged class ItsExponential {
  @inline v(x: v128, shift: v128): v128 {
    return exp(f32x4.sub(x, shift));
  }
}

/** The largest element where it is finite, 0 elsewhere: so that ∞ − ∞ does not arise. */
// @ts-ignore: decorator
@inline function shiftOf(largest: v128): v128 {
  return v128.and(largest, f32x4.lt(magnitude(largest), constant(INFINITE)));
}

function logSumExpStrip(y: usize, x: usize, n: i32, step: usize, columns: i32): void {
  while (columns > 0) {
    const k = min(columns, 4);
    let largest = f32x4.splat(-Infinity);
    let at = x;
    for (let i = n; i > 0; i--) {
      largest = maximum(largest, loadUpToFour(at, k));
      at += step;
    }
    const shift = shiftOf(largest);
    storeFew<f32>(y, f32x4.add(shift, log(sumFourColumns<ItsExponential>(x, n, step, k, shift))), k);
    x += 16;
    y += 16;
    columns -= 4;
  }
}

/** log Σ e^x = m + log Σ e^(x − m) with m the largest x. Slots: y, x (pointers) · outer, red, inner (ints). */
export function logsumexp_f32(r: usize, begin: i32, end: i32): void {
  reduceOver(r, begin, end, 2, 4, 4, (r, y, x, n) => {
    const largest = foldLine<f32, Largest>(x, n);
    const shift = shiftOf(v128.shuffle<i32>(largest, largest, 0, 0, 0, 0));
    const sum = f32x4.splat(sumLine<ItsExponential>(x, n, shift));
    v128.store32_lane(y, f32x4.add(shift, log(sum)), 0);
  }, (r, y, x, n, step, columns) => {
    logSumExpStrip(y, x, n, step, columns);
  });
}
