/**
 * Reductions: x is contiguous [outer, red, inner], y is [outer, inner], and red is reduced away.
 *
 *   slots: y, x (pointers) · outer, red, inner (ints)
 *   work:  outer · inner, the elements of y
 *
 * Where inner is 1 a line of x is folded along itself, several vectors at a time; elsewhere neighbouring columns are folded
 * side by side, one lane each. Every element of y is computed from beginning to end in an order that depends on the shape
 * alone, so the bits do not depend on how the work is split.
 */
import { int, pointer } from './launch';
import { gather, loadUpToFour, storeFew } from './lanes';
import { choose, constant, maximum, minimum, ZERO } from './math';

/** Reduces n contiguous elements of x to one element of y. */
type Line = (r: usize, y: usize, x: usize, n: i32) => void;
/** Reduces `columns` neighbouring columns of n elements, `step` bytes apart, to as many elements of y. */
type Strip = (r: usize, y: usize, x: usize, n: i32, step: usize, columns: i32) => void;

/** Calls `line` or `strip` for the work items [begin, end). `layout` is the slot of outer. */
export function reduceOver(
  r: usize, begin: i32, end: i32, layout: usize, sizeX: usize, sizeY: usize, line: Line, strip: Strip,
): void {
  const red = int(r, layout + 1);
  const inner = int(r, layout + 2);
  const x = pointer(r, 1);
  let y = pointer(r, 0) + <usize>begin * sizeY;
  if (inner == 1) {
    const lineBytes = <usize>red * sizeX;
    let at = x + <usize>begin * lineBytes;
    for (; begin < end; begin++) {
      line(r, y, at, red);
      y += sizeY;
      at += lineBytes;
    }
    return;
  }
  const step = <usize>inner * sizeX;
  while (begin < end) {
    const outer = begin / inner;
    const column = begin - outer * inner;
    const columns = min(inner - column, end - begin);
    strip(r, y, x + <usize>outer * <usize>red * step + <usize>column * sizeX, red, step, columns);
    y += <usize>columns * sizeY;
    begin += columns;
  }
}

// A sliding window over these words is a mask of the first k lanes: it begins 4 · (4 − k) bytes in.
const LANE_MASKS: usize = memory.data<u32>([0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0, 0]);

/** Mask of the first k lanes, 0 ≤ k ≤ 4. */
// @ts-ignore: decorator
@inline export function firstLanes(k: i32): v128 {
  return v128.load(LANE_MASKS + (<usize>(4 - k) << 2));
}

/**
 * Folds with a functor of four methods: start, the accumulator of nothing; join, which takes a vector of elements into an
 * accumulator; merge of two accumulators; finish. X is u8 for sixteen lanes of 8 bits, else there are four of 32.
 */
function fold<X, F>(r: usize, begin: i32, end: i32): void {
  reduceOver(r, begin, end, 2, sizeof<X>(), sizeof<X>(), (r, y, x, n) => {
    const value = foldLine<X, F>(x, n);
    if (sizeof<X>() == 1) v128.store8_lane(y, value, 0);
    else v128.store32_lane(y, value, 0);
  }, (r, y, x, n, step, columns) => {
    if (sizeof<X>() == 1) foldByteStrip<F>(y, x, n, step, columns);
    else foldStrip<F>(y, x, n, step, columns);
  });
}

/** The fold of n contiguous elements, in lane 0. */
export function foldLine<X, F>(x: usize, n: i32): v128 {
  const f = changetype<F>(0);
  const lanes: i32 = 16 / sizeof<X>();
  let a = f.start();
  if (n >= 4 * lanes) {
    let b = a;
    let c = a;
    let d = a;
    while (n >= 4 * lanes) {
      a = f.join(a, v128.load(x));
      b = f.join(b, v128.load(x, 16));
      c = f.join(c, v128.load(x, 32));
      d = f.join(d, v128.load(x, 48));
      x += 64;
      n -= 4 * lanes;
    }
    a = f.merge(f.merge(a, b), f.merge(c, d));
  }
  while (n >= lanes) {
    a = f.join(a, v128.load(x));
    x += 16;
    n -= lanes;
  }
  if (sizeof<X>() == 1) {
    // The folds of bytes do not mind an element taken more than once.
    for (; n > 0; n--) a = f.join(a, v128.load8_splat(x++));
  } else if (n > 0) {
    a = choose(firstLanes(n), f.join(a, gather<X>(x, 4, n)), a);
  }
  a = f.merge(a, v128.shuffle<i64>(a, a, 1, 0));
  a = f.merge(a, v128.shuffle<i32>(a, a, 1, 0, 3, 2));
  if (sizeof<X>() == 1) {
    a = f.merge(a, v128.shuffle<i16>(a, a, 1, 0, 3, 2, 5, 4, 7, 6));
    a = f.merge(a, v128.shuffle<i8>(a, a, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
  }
  return f.finish(a);
}

function foldStrip<F>(y: usize, x: usize, n: i32, step: usize, columns: i32): void {
  const f = changetype<F>(0);
  while (columns >= 16) {
    let a = f.start();
    let b = a;
    let c = a;
    let d = a;
    let at = x;
    for (let i = n; i > 0; i--) {
      a = f.join(a, v128.load(at));
      b = f.join(b, v128.load(at, 16));
      c = f.join(c, v128.load(at, 32));
      d = f.join(d, v128.load(at, 48));
      at += step;
    }
    v128.store(y, f.finish(a));
    v128.store(y, f.finish(b), 16);
    v128.store(y, f.finish(c), 32);
    v128.store(y, f.finish(d), 48);
    x += 64;
    y += 64;
    columns -= 16;
  }
  while (columns > 0) {
    const k = min(columns, 4);
    let a = f.start();
    let at = x;
    for (let i = n; i > 0; i--) {
      a = f.join(a, loadUpToFour(at, k));
      at += step;
    }
    storeFew<f32>(y, f.finish(a), k);
    x += 16;
    y += 16;
    columns -= 4;
  }
}

function foldByteStrip<F>(y: usize, x: usize, n: i32, step: usize, columns: i32): void {
  const f = changetype<F>(0);
  while (columns > 0) {
    const whole = columns >= 16;
    let a = f.start();
    let at = x;
    for (let i = n; i > 0; i--) {
      a = f.join(a, whole ? v128.load(at) : v128.load8_splat(at));
      at += step;
    }
    a = f.finish(a);
    if (whole) v128.store(y, a);
    else v128.store8_lane(y, a, 0);
    const taken = whole ? 16 : 1;
    x += taken;
    y += taken;
    columns -= taken;
  }
}

@unmanaged class Product {
  @inline start(): v128 {
    return f32x4.splat(1);
  }

  @inline join(a: v128, x: v128): v128 {
    return f32x4.mul(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }

  @inline finish(a: v128): v128 {
    return a;
  }
}

export function prod_f32(r: usize, begin: i32, end: i32): void {
  fold<f32, Product>(r, begin, end);
}

/** NaN if any element is. */
@unmanaged export class Largest {
  @inline start(): v128 {
    return f32x4.splat(-Infinity);
  }

  @inline join(a: v128, x: v128): v128 {
    return maximum(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return maximum(a, b);
  }

  @inline finish(a: v128): v128 {
    return a;
  }
}

export function max_f32(r: usize, begin: i32, end: i32): void {
  fold<f32, Largest>(r, begin, end);
}

/** NaN if any element is. */
@unmanaged class Smallest {
  @inline start(): v128 {
    return f32x4.splat(Infinity);
  }

  @inline join(a: v128, x: v128): v128 {
    return minimum(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return minimum(a, b);
  }

  @inline finish(a: v128): v128 {
    return a;
  }
}

export function min_f32(r: usize, begin: i32, end: i32): void {
  fold<f32, Smallest>(r, begin, end);
}

/** How many elements are not 0; NaN is not. The result is i32. */
@unmanaged class CountNonzero {
  @inline start(): v128 {
    return i32x4.splat(0);
  }

  @inline join(a: v128, x: v128): v128 {
    return i32x4.sub(a, f32x4.ne(x, constant(ZERO)));
  }

  @inline merge(a: v128, b: v128): v128 {
    return i32x4.add(a, b);
  }

  @inline finish(a: v128): v128 {
    return a;
  }
}

export function countNonzero_f32(r: usize, begin: i32, end: i32): void {
  fold<f32, CountNonzero>(r, begin, end);
}

// ── integers, modulo 2³² ────────────────────────────────────────────────────────────────────────────────────────────

@unmanaged class SumInt {
  @inline start(): v128 {
    return i32x4.splat(0);
  }

  @inline join(a: v128, x: v128): v128 {
    return i32x4.add(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return i32x4.add(a, b);
  }

  @inline finish(a: v128): v128 {
    return a;
  }
}

export function sum_i32(r: usize, begin: i32, end: i32): void {
  fold<i32, SumInt>(r, begin, end);
}

@unmanaged class ProductInt {
  @inline start(): v128 {
    return i32x4.splat(1);
  }

  @inline join(a: v128, x: v128): v128 {
    return i32x4.mul(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return i32x4.mul(a, b);
  }

  @inline finish(a: v128): v128 {
    return a;
  }
}

export function prod_i32(r: usize, begin: i32, end: i32): void {
  fold<i32, ProductInt>(r, begin, end);
}

@unmanaged class LargestInt {
  @inline start(): v128 {
    return i32x4.splat(i32.MIN_VALUE);
  }

  @inline join(a: v128, x: v128): v128 {
    return i32x4.max_s(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return i32x4.max_s(a, b);
  }

  @inline finish(a: v128): v128 {
    return a;
  }
}

export function max_i32(r: usize, begin: i32, end: i32): void {
  fold<i32, LargestInt>(r, begin, end);
}

@unmanaged class SmallestInt {
  @inline start(): v128 {
    return i32x4.splat(i32.MAX_VALUE);
  }

  @inline join(a: v128, x: v128): v128 {
    return i32x4.min_s(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return i32x4.min_s(a, b);
  }

  @inline finish(a: v128): v128 {
    return a;
  }
}

export function min_i32(r: usize, begin: i32, end: i32): void {
  fold<i32, SmallestInt>(r, begin, end);
}

// ── booleans ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** 1 if any element is not 0. */
@unmanaged class Any {
  @inline start(): v128 {
    return i8x16.splat(0);
  }

  @inline join(a: v128, x: v128): v128 {
    return v128.or(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return v128.or(a, b);
  }

  @inline finish(a: v128): v128 {
    return v128.andnot(i8x16.splat(1), i8x16.eq(a, i8x16.splat(0)));
  }
}

export function any_u8(r: usize, begin: i32, end: i32): void {
  fold<u8, Any>(r, begin, end);
}

/** 1 if no element is 0. */
@unmanaged class All {
  @inline start(): v128 {
    return i8x16.splat(-1);
  }

  @inline join(a: v128, x: v128): v128 {
    return i8x16.min_u(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return i8x16.min_u(a, b);
  }

  @inline finish(a: v128): v128 {
    return v128.andnot(i8x16.splat(1), i8x16.eq(a, i8x16.splat(0)));
  }
}

export function all_u8(r: usize, begin: i32, end: i32): void {
  fold<u8, All>(r, begin, end);
}
