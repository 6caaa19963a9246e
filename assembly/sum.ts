/**
 * Sums of float32 that do not drift: y = scale · Σ term(x).
 *
 *   slots: y, x (pointers) · scale (float) · outer, red, inner (ints); logsumexp has no scale
 *   work:  outer · inner
 *   scratch: 4096 bytes; logsumexp needs none
 *
 * Terms are added in blocks short enough that plain addition is harmless; the blocks' sums are added with Knuth's
 * two-sum, which finds the rounding error of every addition exactly, and the errors are added up beside the sum. So the
 * error stays that of one block however many there are, and 10⁷ terms are as good as a thousand.
 */
import { firstLanes, foldLine, reduceOver } from './fold';
import { float, scratch } from './launch';
import { loadUpToFour, storeFew } from './lanes';
import { constant, exp, INFINITE, log, magnitude, maximum } from './math';
import { Largest } from './reduce';
import { bytes } from './simd';

// A block of a line: 16 additions deep in each of 16 lanes. A block of a column: as deep.
const LINE_BLOCK: i32 = 256;
const COLUMN_BLOCK: i32 = 16;
// Columns that are summed side by side.
const PANEL: i32 = 512;

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
    const end = x + ((<usize>size) << 2);
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

/**
 * Sums columns in panels of whole vectors. A block of rows is taken through the whole panel before the next one, so
 * memory is read in the order in which it lies; sums and errors wait in scratch memory meanwhile.
 */
function sumStrip<T>(y: usize, x: usize, n: i32, step: usize, columns: i32, scale: v128): void {
  const t = changetype<T>(0);
  const zero = f32x4.splat(0);
  const totals = scratch();
  const losses = totals + bytes(PANEL);
  while (columns >= 16) {
    const panel = bytes(min(columns & ~15, PANEL));
    memory.fill(totals, 0, panel);
    memory.fill(losses, 0, panel);
    let rows = x;
    for (let left = n; left > 0; left -= COLUMN_BLOCK) {
      const size = min(left, COLUMN_BLOCK);
      for (let j: usize = 0; j < panel; j += 64) {
        let a = zero;
        let b = zero;
        let c = zero;
        let d = zero;
        let at = rows + j;
        for (let i = size; i > 0; i--) {
          a = f32x4.add(a, t.v(v128.load(at), zero));
          b = f32x4.add(b, t.v(v128.load(at, 16), zero));
          c = f32x4.add(c, t.v(v128.load(at, 32), zero));
          d = f32x4.add(d, t.v(v128.load(at, 48), zero));
          at += step;
        }
        addTo(totals + j, losses + j, a);
        addTo(totals + j + 16, losses + j + 16, b);
        addTo(totals + j + 32, losses + j + 32, c);
        addTo(totals + j + 48, losses + j + 48, d);
      }
      rows += <usize>size * step;
    }
    for (let j: usize = 0; j < panel; j += 16) {
      v128.store(y + j, f32x4.mul(restored(v128.load(totals + j), v128.load(losses + j)), scale));
    }
    x += panel;
    y += panel;
    columns -= <i32>(panel >> 2);
  }
  while (columns > 0) {
    const k = min(columns, 4);
    storeFew<f32>(y, f32x4.mul(sumFourColumns<T>(x, n, step, k, zero), scale), k);
    x += 16;
    y += 16;
    columns -= 4;
  }
}

/** Adds a block's sum to the total at one address, and what that loses to the loss at another. */
// @ts-ignore: decorator
@inline function addTo(total: usize, loss: usize, block: v128): void {
  const before = v128.load(total);
  const sum = f32x4.add(before, block);
  v128.store(total, sum);
  v128.store(loss, f32x4.add(v128.load(loss), lostIn(sum, before, block)));
}

function sumOf<T>(r: usize, begin: i32, end: i32): void {
  reduceOver(
    r,
    begin,
    end,
    3,
    4,
    4,
    (r, y, x, n) => {
      store<f32>(y, sumLine<T>(x, n, f32x4.splat(0)) * float(r, 2));
    },
    (r, y, x, n, step, columns) => {
      sumStrip<T>(y, x, n, step, columns, f32x4.splat(float(r, 2)));
    },
  );
}

@unmanaged
class Itself {
  @inline v(x: v128, shift: v128): v128 {
    return x;
  }
}

export function sum_f32(r: usize, begin: i32, end: i32): void {
  sumOf<Itself>(r, begin, end);
}

@unmanaged
class ItsSquare {
  @inline v(x: v128, shift: v128): v128 {
    return f32x4.mul(x, x);
  }
}

export function sumSquares_f32(r: usize, begin: i32, end: i32): void {
  sumOf<ItsSquare>(r, begin, end);
}

@unmanaged
class ItsMagnitude {
  @inline v(x: v128, shift: v128): v128 {
    return magnitude(x);
  }
}

export function sumAbs_f32(r: usize, begin: i32, end: i32): void {
  sumOf<ItsMagnitude>(r, begin, end);
}

@unmanaged
class ItsExponential {
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
  reduceOver(
    r,
    begin,
    end,
    2,
    4,
    4,
    (r, y, x, n) => {
      const largest = foldLine<f32, Largest>(x, n);
      const shift = shiftOf(v128.shuffle<i32>(largest, largest, 0, 0, 0, 0));
      const sum = f32x4.splat(sumLine<ItsExponential>(x, n, shift));
      v128.store32_lane(y, f32x4.add(shift, log(sum)), 0);
    },
    (r, y, x, n, step, columns) => {
      logSumExpStrip(y, x, n, step, columns);
    },
  );
}
