/**
 * What every kernel that walks a row needs: vectors that are only partly there, and sums that do not drift.
 *
 * A row's last one to three elements go through the same vector instructions as the rest. A scalar tail would round
 * differently from relaxed_madd, and a result would depend on where a kernel's work was split.
 */
import { bytes, horizontalSum, madd } from './simd';

/** Elements summed in float32 before the sum joins a float64 total. Each of 16 lanes adds at most 64 of them. */
const BLOCK: i32 = 1024;

const MASKS: usize = memory.data<i32>([0, 0, 0, 0, -1, 0, 0, 0, -1, -1, 0, 0, -1, -1, -1, 0]);

/** All bits set in the first n lanes, n in 0..3. */
// @ts-ignore: decorator
@inline export function firstLanes(n: i32): v128 {
  return v128.load(MASKS + ((<usize>n) << 4));
}

/** n floats (1..3) in the first lanes, zeros behind; reads nothing beyond them. */
export function loadPart(p: usize, n: i32): v128 {
  if (n == 1) return v128.load32_zero(p);
  const low = v128.load64_zero(p);
  return n == 2 ? low : v128.load32_lane(p, low, 2, 8);
}

/** Stores the first n lanes (1..3) and nothing beyond them. */
export function storePart(p: usize, v: v128, n: i32): void {
  if (n == 1) {
    v128.store32_lane(p, v, 0);
    return;
  }
  v128.store64_lane(p, v, 0);
  if (n == 3) v128.store32_lane(p, v, 2, 8);
}

/**
 * Four floats, or the first n of them when fewer than four are left. Loops call this with n = 4, where it is a plain
 * load, and once more behind the loop with what is left, so that both run the same code.
 */
// @ts-ignore: decorator
@inline export function loadUpTo4(p: usize, n: i32): v128 {
  return n >= 4 ? v128.load(p) : loadPart(p, n);
}

// @ts-ignore: decorator
@inline export function storeUpTo4(p: usize, v: v128, n: i32): void {
  if (n >= 4) v128.store(p, v);
  else storePart(p, v, n);
}

// @ts-ignore: decorator
@inline export function sum4(a: v128, b: v128, c: v128, d: v128): f64 {
  return <f64>horizontalSum(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
}

// The sums below differ in their term alone. They are written out by one inlined function whose `term` is a
// compile-time constant, since a function passed as a value would leave an indirect call in the loop.
const PLAIN: i32 = 0;
const SQUARED_DEVIATION: i32 = 1;
const DEVIATION: i32 = 2;
const PRODUCT: i32 = 3;
const PRODUCT_WITH_DEVIATION: i32 = 4;

// @ts-ignore: decorator
@inline function accumulate(term: i32, sum: v128, a: v128, b: v128, shift: v128): v128 {
  if (term == PLAIN) return f32x4.add(sum, a);
  if (term == SQUARED_DEVIATION) {
    const d = f32x4.sub(a, shift);
    return madd(d, d, sum);
  }
  if (term == DEVIATION) return f32x4.add(sum, f32x4.sub(a, shift));
  if (term == PRODUCT) return madd(a, b, sum);
  return madd(a, f32x4.sub(b, shift), sum);
}

// @ts-ignore: decorator
@inline function reduce(term: i32, x: usize, y: usize, n: i32, shift: v128): f64 {
  const two = term >= PRODUCT;
  let total: f64 = 0;
  while (n >= 4) {
    const block = min(n, BLOCK) & ~3;
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    const by16 = x + bytes(block & ~15);
    const end = x + bytes(block);
    while (x < by16) {
      s0 = accumulate(term, s0, v128.load(x), two ? v128.load(y) : s0, shift);
      s1 = accumulate(term, s1, v128.load(x, 16), two ? v128.load(y, 16) : s0, shift);
      s2 = accumulate(term, s2, v128.load(x, 32), two ? v128.load(y, 32) : s0, shift);
      s3 = accumulate(term, s3, v128.load(x, 48), two ? v128.load(y, 48) : s0, shift);
      x += 64;
      if (two) y += 64;
    }
    while (x < end) {
      s0 = accumulate(term, s0, v128.load(x), two ? v128.load(y) : s0, shift);
      x += 16;
      if (two) y += 16;
    }
    total += sum4(s0, s1, s2, s3);
    n -= block;
  }
  if (n > 0) {
    const zero = i32x4.splat(0);
    const last = accumulate(term, zero, loadPart(x, n), two ? loadPart(y, n) : zero, shift);
    // The lanes that are not there hold the square of the shift, which is none of the row's business.
    total += <f64>horizontalSum(v128.and(last, firstLanes(n)));
  }
  return total;
}

/** Sum of n floats. */
export function sumOf(x: usize, n: i32): f64 {
  return reduce(PLAIN, x, 0, n, i32x4.splat(0));
}

/** Sum of (x - centre)². */
export function sumOfSquares(x: usize, n: i32, centre: v128): f64 {
  return reduce(SQUARED_DEVIATION, x, 0, n, centre);
}

/** Sum of x - centre: what is left of a mean that float32 has rounded. */
export function sumOfDeviations(x: usize, n: i32, centre: v128): f64 {
  return reduce(DEVIATION, x, 0, n, centre);
}

/** Sum of x · y. */
export function dot(x: usize, y: usize, n: i32): f64 {
  return reduce(PRODUCT, x, y, n, i32x4.splat(0));
}

/** Sum of x · (y - centre). */
export function dotDeviation(x: usize, y: usize, n: i32, centre: v128): f64 {
  return reduce(PRODUCT_WITH_DEVIATION, x, y, n, centre);
}
