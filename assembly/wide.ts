/**
 * Four float32 lanes as two float64 vectors, for the steps that single precision cannot carry: the range reduction of a
 * sine, the exponent of a power or of a Gaussian.
 */
import { scaleByPowerOfTwo, timesExp2Fraction } from './math';

// 1.5 · 2⁵²: adding it rounds a double to an integer and leaves that integer in the low word of the sum.
const ROUNDER_64: usize = memory.data<f64>([6755399441055744]);
const EXP2_HIGHEST_64: usize = memory.data<f64>([200]);
const EXP2_LOWEST_64: usize = memory.data<f64>([-200]);

/** The double at an address, in both lanes. */
// @ts-ignore: decorator
@inline export function wideConstant(address: usize): v128 {
  return v128.load64_splat(address);
}

/** Entry i of a table of doubles, in both lanes. */
// @ts-ignore: decorator
@inline export function wideEntry(table: usize, i: usize): v128 {
  return v128.load64_splat(table + (i << 3));
}

/** a · b + c in double. */
// @ts-ignore: decorator
@inline export function wideMadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

/** c − a · b in double. */
// @ts-ignore: decorator
@inline export function wideNmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_nmadd(a, b, c);
  return f64x2.sub(c, f64x2.mul(a, b));
}

/** Lanes 0 and 1 in double. */
// @ts-ignore: decorator
@inline export function lowWide(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

/** Lanes 2 and 3 in double. */
// @ts-ignore: decorator
@inline export function highWide(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
}

/** Back to four float32 lanes. */
// @ts-ignore: decorator
@inline export function joinWide(low: v128, high: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

/** x rounded to an integer, plus ROUNDER_64: its low word is the integer. */
// @ts-ignore: decorator
@inline export function wideRounded(x: v128): v128 {
  return f64x2.add(x, wideConstant(ROUNDER_64));
}

/** The integer, as a double, in a value that wideRounded or a multiply-add with ROUNDER_64 gave. */
// @ts-ignore: decorator
@inline export function wideInteger(rounded: v128): v128 {
  return f64x2.sub(rounded, wideConstant(ROUNDER_64));
}

/** The integers, as four 32-bit lanes, in two such values. */
// @ts-ignore: decorator
@inline export function narrowIntegers(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 0, 2, 4, 6);
}

/** The exponent −200 or more: 2^−200 is 0 to a float32. NaN stays, as in all of pmin and pmax with x first. */
// @ts-ignore: decorator
@inline export function notBelow(x: v128): v128 {
  return f64x2.pmax(x, wideConstant(EXP2_LOWEST_64));
}

/** The exponent, or 200 where it is more: 2^200 is infinite to a float32. */
// @ts-ignore: decorator
@inline export function notAbove(x: v128): v128 {
  return f64x2.pmin(x, wideConstant(EXP2_HIGHEST_64));
}

/**
 * factor · 2^x for an exponent given in double, of at most 250 in magnitude. The factor enters before the power of two
 * does, so that a product that is subnormal loses nothing on the way.
 */
// @ts-ignore: decorator
@inline export function timesExp2(factor: v128, low: v128, high: v128): v128 {
  const roundedLow = wideRounded(low);
  const roundedHigh = wideRounded(high);
  const r = joinWide(f64x2.sub(low, wideInteger(roundedLow)), f64x2.sub(high, wideInteger(roundedHigh)));
  return scaleByPowerOfTwo(timesExp2Fraction(factor, r), narrowIntegers(roundedLow, roundedHigh));
}
