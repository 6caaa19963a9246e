/**
 * Indices of the largest and the smallest elements. x is contiguous [outer, red, inner], y is i32 [outer, inner].
 *
 *   slots: y, x (pointers) · outer, red, inner (ints)
 *   work:  outer · inner
 *
 * Of equal elements the first is taken. NaN beats every number, in both, as it does in PyTorch.
 */
import { gather, loadUpToFour, storeFew } from './lanes';
import { choose } from './math';
import { reduceOver } from './fold';

/** A functor's method beats(x, best) is the mask of the lanes in which x replaces best. */
function argReduce<F>(r: usize, begin: i32, end: i32): void {
  reduceOver(
    r,
    begin,
    end,
    2,
    4,
    4,
    (r, y, x, n) => {
      store<i32>(y, argLine<F>(x, n));
    },
    (r, y, x, n, step, columns) => {
      argStrip<F>(y, x, n, step, columns);
    },
  );
}

/** Each lane of two vectors keeps the best of every eighth element and its index; at the end the eight compete. */
function argLine<F>(x: usize, n: i32): i32 {
  const f = changetype<F>(0);
  const k = min(n, 4);
  let best = loadUpToFour(x, k);
  // Lanes past a short line's end hold its first element again, and so its index.
  let at = v128.and(i32x4(0, 1, 2, 3), i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(k)));
  let i = 4;
  if (n >= 8) {
    let best1 = v128.load(x, 16);
    let at1 = i32x4(4, 5, 6, 7);
    let index = at1;
    const four = i32x4.splat(4);
    i = 8;
    while (i + 8 <= n) {
      const x0 = v128.load(x + ((<usize>i) << 2));
      const x1 = v128.load(x + ((<usize>i) << 2), 16);
      index = i32x4.add(index, four);
      const wins0 = f.beats(x0, best);
      best = choose(wins0, x0, best);
      at = choose(wins0, index, at);
      index = i32x4.add(index, four);
      const wins1 = f.beats(x1, best1);
      best1 = choose(wins1, x1, best1);
      at1 = choose(wins1, index, at1);
      i += 8;
    }
    const wins = outranks<F>(best1, at1, best, at);
    best = choose(wins, best1, best);
    at = choose(wins, at1, at);
  }
  while (i < n) {
    const m = min(n - i, 4);
    const x0 = gather<f32>(x + ((<usize>i) << 2), 4, m);
    // Lanes past the end hold element i again: lane 0 has it with the same index, so they may compete.
    const index = i32x4.add(i32x4.splat(i), v128.and(i32x4(0, 1, 2, 3), i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(m))));
    const wins = f.beats(x0, best);
    best = choose(wins, x0, best);
    at = choose(wins, index, at);
    i += 4;
  }
  let other = v128.shuffle<i64>(best, best, 1, 0);
  let otherAt = v128.shuffle<i64>(at, at, 1, 0);
  let wins = outranks<F>(other, otherAt, best, at);
  best = choose(wins, other, best);
  at = choose(wins, otherAt, at);
  other = v128.shuffle<i32>(best, best, 1, 0, 3, 2);
  otherAt = v128.shuffle<i32>(at, at, 1, 0, 3, 2);
  wins = outranks<F>(other, otherAt, best, at);
  return i32x4.extract_lane(choose(wins, otherAt, at), 0);
}

/** Mask of the lanes in which x beats best, or neither beats the other and x comes earlier. */
// @ts-ignore: decorator
@inline function outranks<F>(x: v128, index: v128, best: v128, at: v128): v128 {
  const f = changetype<F>(0);
  return v128.or(f.beats(x, best), v128.andnot(i32x4.lt_s(index, at), f.beats(best, x)));
}

function argStrip<F>(y: usize, x: usize, n: i32, step: usize, columns: i32): void {
  const f = changetype<F>(0);
  while (columns > 0) {
    const k = min(columns, 4);
    let best = loadUpToFour(x, k);
    let at = i32x4.splat(0);
    let from = x + step;
    for (let i = 1; i < n; i++) {
      const x0 = loadUpToFour(from, k);
      const wins = f.beats(x0, best);
      best = choose(wins, x0, best);
      at = choose(wins, i32x4.splat(i), at);
      from += step;
    }
    storeFew<f32>(y, at, k);
    x += 16;
    y += 16;
    columns -= 4;
  }
}

@unmanaged
class Larger {
  @inline beats(x: v128, best: v128): v128 {
    return v128.or(f32x4.gt(x, best), v128.and(f32x4.ne(x, x), f32x4.eq(best, best)));
  }
}

export function argmax_f32(r: usize, begin: i32, end: i32): void {
  argReduce<Larger>(r, begin, end);
}

@unmanaged
class Smaller {
  @inline beats(x: v128, best: v128): v128 {
    return v128.or(f32x4.lt(x, best), v128.and(f32x4.ne(x, x), f32x4.eq(best, best)));
  }
}

export function argmin_f32(r: usize, begin: i32, end: i32): void {
  argReduce<Smaller>(r, begin, end);
}

@unmanaged
class LargerInt {
  @inline beats(x: v128, best: v128): v128 {
    return i32x4.gt_s(x, best);
  }
}

export function argmax_i32(r: usize, begin: i32, end: i32): void {
  argReduce<LargerInt>(r, begin, end);
}

@unmanaged
class SmallerInt {
  @inline beats(x: v128, best: v128): v128 {
    return i32x4.lt_s(x, best);
  }
}

export function argmin_i32(r: usize, begin: i32, end: i32): void {
  argReduce<SmallerInt>(r, begin, end);
}
