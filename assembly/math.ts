/**
 * Vector float32 exponentials and logarithms, four at a time, correct for every input: NaN, ±Inf, ±0 and subnormals.
 *
 * Each is a range reduction and a minimax polynomial. Coefficients marked (Cephes) are those of Stephen Moshier's
 * Cephes Mathematical Library; the others are fitted by weighted minimax with the rounding to float32 taken into
 * account. V8 rebuilds a vector constant each time a loop meets it, so every constant lives in memory and is loaded
 * with a splat.
 */
import { madd, nmadd } from './simd';

/** The constant at an address, in all four lanes. */
// @ts-ignore: decorator
@inline export function constant(address: usize): v128 {
  return v128.load32_splat(address);
}

/** Entry i of a table, in all four lanes. */
// @ts-ignore: decorator
@inline export function entry(table: usize, i: usize): v128 {
  return v128.load32_splat(table + (i << 2));
}

export const ZERO: usize = memory.data<f32>([0]);
export const HALF: usize = memory.data<f32>([0.5]);
export const ONE: usize = memory.data<f32>([1]);
export const TWO: usize = memory.data<f32>([2]);
export const INFINITE: usize = memory.data<u32>([0x7f800000]);
export const QUIET_NAN: usize = memory.data<u32>([0x7fc00000]);
export const SIGN_BIT: usize = memory.data<u32>([0x80000000]);
export const MAGNITUDE_BITS: usize = memory.data<u32>([0x7fffffff]);
const NEGATIVE_INFINITE: usize = memory.data<u32>([0xff800000]);

/** Lanes of a where the mask is set, of b elsewhere. The mask is a comparison's: all ones or all zeros in each lane. */
// @ts-ignore: decorator
@inline export function choose(mask: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_laneselect(a, b, mask);
  return v128.bitselect(a, b, mask);
}

// max and min with NaN wherever either operand is NaN. pmax(a, b) is a < b ? b : a, one instruction that keeps NaN in
// a; its two orders agree where neither is NaN, and their union is NaN where either is. The instructions made for this
// take eight.

// @ts-ignore: decorator
@inline export function maximum(a: v128, b: v128): v128 {
  return v128.or(f32x4.pmax(a, b), f32x4.pmax(b, a));
}

// @ts-ignore: decorator
@inline export function minimum(a: v128, b: v128): v128 {
  return v128.or(f32x4.pmin(a, b), f32x4.pmin(b, a));
}

// @ts-ignore: decorator
@inline export function magnitude(x: v128): v128 {
  return v128.and(x, constant(MAGNITUDE_BITS));
}

// @ts-ignore: decorator
@inline export function negate(x: v128): v128 {
  return v128.xor(x, constant(SIGN_BIT));
}

/** The sign bit of x and nothing else. */
// @ts-ignore: decorator
@inline export function signOf(x: v128): v128 {
  return v128.and(x, constant(SIGN_BIT));
}

// ── exponentials ────────────────────────────────────────────────────────────────────────────────────────────────────

const LOG2_E: usize = memory.data<f32>([1.44269504]);
// ln 2 in two parts. The first has nine significant bits, so that its product with an exponent is exact.
const LN2_HIGH: usize = memory.data<f32>([0.693359375]);
const LN2_LOW: usize = memory.data<f32>([-2.1219444e-4]);
// 1.5 · 2²³: adding it rounds a float to an integer and leaves that integer in the low bits of the sum.
export const ROUNDER: usize = memory.data<f32>([12582912]);
// The same, 127 higher: the low bits are then a biased exponent, and a shift by 23 makes the power of two.
const BIASED_ROUNDER: usize = memory.data<f32>([12582912 + 127]);
// Beyond these every result is infinite, or rounds to zero.
const EXP_HIGHEST: usize = memory.data<f32>([89]);
const EXP_LOWEST: usize = memory.data<f32>([-104]);
// Between these every result is a normal number.
const EXP_HIGHEST_NORMAL: usize = memory.data<f32>([88.3762626647949]);
const EXP_LOWEST_NORMAL: usize = memory.data<f32>([-87.3365]);
// (e^r − 1 − r) / r² for |r| ≤ ln 2 / 2 (Cephes).
const EXP: usize = memory.data<f32>([
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
]);
// (2^r − 1) / r for |r| ≤ 1/2.
const EXP2: usize = memory.data<f32>([
  1.53264555e-4, 1.33908074e-3, 9.61850584e-3, 5.55035993e-2, 2.40226477e-1, 6.93147182e-1,
]);
const EXP_HIGHEST_TWICE: usize = memory.data<f32>([90]);
const INTEGER_ONE: usize = memory.data<i32>([1]);
const EXP2_HIGHEST: usize = memory.data<f32>([129]);
const EXP2_LOWEST: usize = memory.data<f32>([-151]);
const EXPM1_LOWEST: usize = memory.data<f32>([-18]);

/** y · 2ⁿ for n in [−252, 254]: in two factors, because 2ⁿ itself may lie outside the normal range. */
// @ts-ignore: decorator
@inline export function scaleByPowerOfTwo(y: v128, n: v128): v128 {
  const half = i32x4.shr_s(n, 1);
  const rest = i32x4.sub(n, half);
  y = f32x4.mul(y, i32x4.add(i32x4.shl(half, 23), constant(ONE)));
  return f32x4.mul(y, i32x4.add(i32x4.shl(rest, 23), constant(ONE)));
}

/** x − n ln 2. */
// @ts-ignore: decorator
@inline function remainderOfLn2(x: v128, n: v128): v128 {
  return nmadd(n, constant(LN2_LOW), nmadd(n, constant(LN2_HIGH), x));
}

/** e^r − 1 for |r| ≤ ln 2 / 2. */
// @ts-ignore: decorator
@inline function expm1Fraction(r: v128): v128 {
  let p = entry(EXP, 0);
  p = madd(p, r, entry(EXP, 1));
  p = madd(p, r, entry(EXP, 2));
  p = madd(p, r, entry(EXP, 3));
  p = madd(p, r, entry(EXP, 4));
  p = madd(p, r, entry(EXP, 5));
  return madd(p, f32x4.mul(r, r), r);
}

/** factor · 2^r for |r| ≤ 1/2. With the factor inside, the sum is the only rounding of its size. */
// @ts-ignore: decorator
@inline export function timesExp2Fraction(factor: v128, r: v128): v128 {
  let p = entry(EXP2, 0);
  p = madd(p, r, entry(EXP2, 1));
  p = madd(p, r, entry(EXP2, 2));
  p = madd(p, r, entry(EXP2, 3));
  p = madd(p, r, entry(EXP2, 4));
  p = madd(p, r, entry(EXP2, 5));
  return madd(p, f32x4.mul(factor, r), factor);
}

// pmin(x, bound) and pmax(x, bound) keep x where x is NaN: their definitions are bound < x ? bound : x and the mirror.

/** e^x for x ≤ 0, subnormal results included. */
// @ts-ignore: decorator
@inline export function expNegative(x: v128): v128 {
  x = f32x4.pmax(x, constant(EXP_LOWEST));
  const rounded = madd(x, constant(LOG2_E), constant(ROUNDER));
  const r = remainderOfLn2(x, f32x4.sub(rounded, constant(ROUNDER)));
  return scaleByPowerOfTwo(f32x4.add(expm1Fraction(r), constant(ONE)), i32x4.sub(rounded, constant(ROUNDER)));
}

/** e^x. */
// @ts-ignore: decorator
@inline export function exp(x: v128): v128 {
  return expNegative(f32x4.pmin(x, constant(EXP_HIGHEST)));
}

/** e^x, at least 1.2e-38 and at most 2.4e38: for callers that add something to it, or for whom that is zero enough. */
// @ts-ignore: decorator
@inline export function expClamped(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, constant(EXP_HIGHEST_NORMAL)), constant(EXP_LOWEST_NORMAL));
  const rounded = madd(x, constant(LOG2_E), constant(BIASED_ROUNDER));
  const r = remainderOfLn2(x, f32x4.sub(rounded, constant(BIASED_ROUNDER)));
  return f32x4.mul(f32x4.add(expm1Fraction(r), constant(ONE)), i32x4.shl(rounded, 23));
}

/** e^x / 2, which is finite a little longer than e^x is. */
// @ts-ignore: decorator
@inline export function halfExp(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, constant(EXP_HIGHEST_TWICE)), constant(EXP_LOWEST));
  const rounded = madd(x, constant(LOG2_E), constant(ROUNDER));
  const r = remainderOfLn2(x, f32x4.sub(rounded, constant(ROUNDER)));
  const n = i32x4.sub(i32x4.sub(rounded, constant(ROUNDER)), constant(INTEGER_ONE));
  return scaleByPowerOfTwo(f32x4.add(expm1Fraction(r), constant(ONE)), n);
}

/** 2^x. */
// @ts-ignore: decorator
@inline export function exp2(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, constant(EXP2_HIGHEST)), constant(EXP2_LOWEST));
  const rounded = f32x4.add(x, constant(ROUNDER));
  const r = f32x4.sub(x, f32x4.sub(rounded, constant(ROUNDER)));
  return scaleByPowerOfTwo(timesExp2Fraction(constant(ONE), r), i32x4.sub(rounded, constant(ROUNDER)));
}

/**
 * e^x − 1 = 2ⁿ (e^r − 1) + (2ⁿ − 1), where the second term is exact for all n that matter. Everything is halved before
 * and doubled after, because 2ⁿ overflows before the result does.
 */
// @ts-ignore: decorator
@inline export function expm1(x: v128): v128 {
  const bounded = f32x4.pmax(f32x4.pmin(x, constant(EXP_HIGHEST)), constant(EXPM1_LOWEST));
  const rounded = madd(bounded, constant(LOG2_E), constant(BIASED_ROUNDER));
  const p = expm1Fraction(remainderOfLn2(bounded, f32x4.sub(rounded, constant(BIASED_ROUNDER))));
  const halfPower = i32x4.shl(i32x4.sub(rounded, constant(INTEGER_ONE)), 23);
  const half = madd(p, halfPower, f32x4.sub(halfPower, constant(HALF)));
  // The sum gives +0 for −0. The sign of the result is x's everywhere.
  return v128.or(f32x4.add(half, half), signOf(x));
}

// ── logarithms ──────────────────────────────────────────────────────────────────────────────────────────────────────

// Subtracted from a float's bits, it leaves in the exponent field the e of x = m · 2^e with √½ ≤ m < √2.
const SQRT_HALF_BITS: usize = memory.data<u32>([0x3f3504f3]);
// (log(1 + f) − f + f²/2) / f³ (Cephes).
const LOG: usize = memory.data<f32>([
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
]);
// log2 e − 1, and log10 e and log10 2 in two parts each (Cephes).
const LOG2_E_MINUS_1: usize = memory.data<f32>([0.44269504088896340736]);
const LOG10_E_HIGH: usize = memory.data<f32>([4.3359375e-1]);
const LOG10_E_LOW: usize = memory.data<f32>([7.00731903251827651129e-4]);
const LOG10_2_HIGH: usize = memory.data<f32>([3.0078125e-1]);
const LOG10_2_LOW: usize = memory.data<f32>([2.48745663981195213739e-4]);

const TWO_TO_23: usize = memory.data<f32>([8388608]);
const SMALLEST_NORMAL: usize = memory.data<u32>([0x00800000]);
const NEGATIVE_23: usize = memory.data<f32>([-23]);
const NEGATIVE_LN2_23: usize = memory.data<f32>([-15.942385152878742]);
const NEGATIVE_LOG10_2_23: usize = memory.data<f32>([-6.923689900271568]);
// Added to a float's bits, it maps the positive normal numbers, and them alone, to the integers up to LAST_ORDINARY.
const ORDINARY_OFFSET: usize = memory.data<u32>([0x7f800000]);
const LAST_ORDINARY: usize = memory.data<u32>([0xfeffffff]);

/** e of x = m · 2^e, an integer, for a positive normal x. */
// @ts-ignore: decorator
@inline function exponentOf(x: v128): v128 {
  return i32x4.shr_s(i32x4.sub(x, constant(SQRT_HALF_BITS)), 23);
}

/** m − 1 of x = m · 2^e. The subtraction is exact. */
// @ts-ignore: decorator
@inline function fractionOf(x: v128, e: v128): v128 {
  return f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), constant(ONE));
}

/** log(1 + f) − f + f²/2. */
// @ts-ignore: decorator
@inline function logCubic(f: v128, square: v128): v128 {
  let p = entry(LOG, 0);
  p = madd(p, f, entry(LOG, 1));
  p = madd(p, f, entry(LOG, 2));
  p = madd(p, f, entry(LOG, 3));
  p = madd(p, f, entry(LOG, 4));
  p = madd(p, f, entry(LOG, 5));
  p = madd(p, f, entry(LOG, 6));
  p = madd(p, f, entry(LOG, 7));
  p = madd(p, f, entry(LOG, 8));
  return f32x4.mul(f32x4.mul(p, f), square);
}

/** log((1 + f) 2^e) with an integer e held as a float. The small terms are added first. */
// @ts-ignore: decorator
@inline function logOf(f: v128, e: v128): v128 {
  const square = f32x4.mul(f, f);
  const small = nmadd(constant(HALF), square, madd(e, constant(LN2_LOW), logCubic(f, square)));
  return madd(e, constant(LN2_HIGH), f32x4.add(f, small));
}

/** log x for positive normal x only. */
// @ts-ignore: decorator
@inline export function logNormal(x: v128): v128 {
  const e = exponentOf(x);
  return logOf(fractionOf(x, e), f32x4.convert_i32x4_s(e));
}

// @ts-ignore: decorator
@inline export function log2Normal(x: v128): v128 {
  const e = exponentOf(x);
  const f = fractionOf(x, e);
  const square = f32x4.mul(f, f);
  const tail = nmadd(constant(HALF), square, logCubic(f, square));
  const k = constant(LOG2_E_MINUS_1);
  // f · log2 e is split into f and f (log2 e − 1): f alone is exact.
  return f32x4.add(f32x4.add(f32x4.add(madd(f, k, f32x4.mul(tail, k)), tail), f), f32x4.convert_i32x4_s(e));
}

// @ts-ignore: decorator
@inline export function log10Normal(x: v128): v128 {
  const exponent = exponentOf(x);
  const f = fractionOf(x, exponent);
  const e = f32x4.convert_i32x4_s(exponent);
  const square = f32x4.mul(f, f);
  const tail = nmadd(constant(HALF), square, logCubic(f, square));
  let y = f32x4.mul(tail, constant(LOG10_E_LOW));
  y = madd(f, constant(LOG10_E_LOW), y);
  y = madd(e, constant(LOG10_2_LOW), y);
  y = madd(tail, constant(LOG10_E_HIGH), y);
  y = madd(f, constant(LOG10_E_HIGH), y);
  return madd(e, constant(LOG10_2_HIGH), y);
}

/** Mask of the lanes that are not a positive normal number. */
// @ts-ignore: decorator
@inline export function logRare(x: v128): v128 {
  return i32x4.gt_s(i32x4.add(x, constant(ORDINARY_OFFSET)), constant(LAST_ORDINARY));
}

/** A logarithm's value where x is 0, negative, infinite or NaN; y elsewhere. */
// @ts-ignore: decorator
@inline function logEdges(x: v128, y: v128): v128 {
  const above = choose(f32x4.lt(x, constant(INFINITE)), y, x);
  const below = choose(f32x4.eq(x, constant(ZERO)), constant(NEGATIVE_INFINITE), constant(QUIET_NAN));
  return choose(f32x4.gt(x, constant(ZERO)), above, below);
}

/** x brought from the subnormal into the normal range. */
// @ts-ignore: decorator
@inline function lifted(x: v128): v128 {
  return f32x4.mul(x, constant(TWO_TO_23));
}

// @ts-ignore: decorator
@inline function isSubnormal(x: v128): v128 {
  return f32x4.lt(x, constant(SMALLEST_NORMAL));
}

// The rare cases are functions of their own, out of the way of the loops. Usual lanes keep the bits that the usual path
// gave them, so a value never depends on its neighbours.

/** Corrects y = logNormal(x) in the lanes that logRare marks. */
export function logMend(x: v128, y: v128): v128 {
  const subnormal = f32x4.add(logNormal(lifted(x)), constant(NEGATIVE_LN2_23));
  return logEdges(x, choose(isSubnormal(x), subnormal, y));
}

/** Corrects y = log2Normal(x) in the lanes that logRare marks. */
export function log2Mend(x: v128, y: v128): v128 {
  const subnormal = f32x4.add(log2Normal(lifted(x)), constant(NEGATIVE_23));
  return logEdges(x, choose(isSubnormal(x), subnormal, y));
}

/** Corrects y = log10Normal(x) in the lanes that logRare marks. */
export function log10Mend(x: v128, y: v128): v128 {
  const subnormal = f32x4.add(log10Normal(lifted(x)), constant(NEGATIVE_LOG10_2_23));
  return logEdges(x, choose(isSubnormal(x), subnormal, y));
}

/** Natural logarithm of any x, for callers with a loop of their own. */
// @ts-ignore: decorator
@inline export function log(x: v128): v128 {
  const y = logNormal(x);
  return v128.any_true(logRare(x)) ? logMend(x, y) : y;
}

/**
 * log(1 + x) for −1 < x < ∞. The rounding error of u = 1 + x is found exactly (Knuth's two-sum) and, scaled as u's
 * mantissa is, added to the fraction. Where u's exponent is 0 the fraction becomes x itself, so nothing is lost near
 * zero.
 */
// @ts-ignore: decorator
@inline export function log1pUsual(x: v128): v128 {
  const u = f32x4.add(x, constant(ONE));
  const big = f32x4.sub(u, constant(ONE));
  const error = f32x4.add(f32x4.sub(constant(ONE), f32x4.sub(u, big)), f32x4.sub(x, big));
  const e = exponentOf(u);
  const shift = i32x4.shl(e, 23);
  const f = f32x4.sub(i32x4.sub(u, shift), constant(ONE));
  // 2^−e, or 0 where that would be subnormal: there the error is far below the last bit.
  const scale = i32x4.max_s(i32x4.sub(constant(ONE), shift), constant(ZERO));
  // The sums give +0 for −0. The sign of the result is x's everywhere.
  return v128.or(logOf(madd(error, scale, f), f32x4.convert_i32x4_s(e)), signOf(x));
}

/** Mask of the lanes for which log1pUsual does not hold: x ≤ −1, infinite, NaN. */
// @ts-ignore: decorator
@inline export function log1pRare(x: v128): v128 {
  return logRare(f32x4.add(x, constant(ONE)));
}

/** Corrects y = log1pUsual(x) in the lanes that log1pRare marks. */
export function log1pMend(x: v128, y: v128): v128 {
  return logEdges(f32x4.add(x, constant(ONE)), y);
}
