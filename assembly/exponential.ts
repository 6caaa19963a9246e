/**
 * exp and log of four floats, over the whole range, within 2 ULP.
 *
 * The polynomials are those of Cephes (S. Moshier, expf.c and logf.c). Every constant is read from a table, because V8
 * builds a vector constant anew in every iteration of a loop, which costs more than the load.
 */
import { madd, nmadd } from './simd';

const TABLE: usize = memory.data<f32>([
  // exp: the clamps, log2(e), the rounding constant 1.5 * 2^23, ln 2 in two parts, the polynomial.
  89.0, -104.0, 1.44269504088896341, 12582912.0, 0.693359375, -2.1219444e-4, 1.98756915e-4, 1.3981999507e-3,
  8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1.0,
  // log: 13 the smallest normal number, 14 2^23, 15 23, 16.. the polynomial.
  1.17549435e-38, 8388608.0, 23.0, 7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1,
  -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1, 0.5,
]);

/** 127, the exponent's bias; the bits of sqrt(1/2); quiet NaN, Inf, -Inf. */
const BITS: usize = memory.data<u32>([127, 0x3f3504f3, 0x7fc00000, 0x7f800000, 0xff800000]);

// @ts-ignore: decorator
@inline function constant(i: usize): v128 {
  return v128.load32_splat(TABLE + (i << 2));
}

// @ts-ignore: decorator
@inline function bits(i: usize): v128 {
  return v128.load32_splat(BITS + (i << 2));
}

/**
 * e^x. Overflows to Inf above 88.72, is subnormal below -87.34 and 0 below -103.98; NaN stays NaN.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2, and e^x = 2^n e^r. Adding 1.5 * 2^23 rounds x log2(e) to the integer n and
 * leaves n in the low bits of the sum. 2^n is applied in two halves, since 2^128 and 2^-150 are no float32 of their
 * own.
 */
// @ts-ignore: decorator
@inline export function exp4(x: v128): v128 {
  // The operand order keeps NaN: pmin(a, b) is b < a ? b : a.
  x = f32x4.pmax(f32x4.pmin(x, constant(0)), constant(1));
  const shifted = madd(x, constant(2), constant(3));
  const n = f32x4.sub(shifted, constant(3));
  const r = nmadd(n, constant(5), nmadd(n, constant(4), x));
  let p = madd(constant(6), r, constant(7));
  p = madd(p, r, constant(8));
  p = madd(p, r, constant(9));
  p = madd(p, r, constant(10));
  p = madd(p, r, constant(11));
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), constant(12));
  const whole = i32x4.sub(shifted, constant(3));
  const half = i32x4.shr_s(whole, 1);
  const bias = bits(0);
  const scale = i32x4.shl(i32x4.add(half, bias), 23);
  const rest = i32x4.shl(i32x4.add(i32x4.sub(whole, half), bias), 23);
  return f32x4.mul(f32x4.mul(p, scale), rest);
}

/**
 * ln x. -Inf at 0 and -0, NaN below, Inf at Inf; subnormal arguments are scaled up first.
 *
 * x = 2^e m with m in [sqrt(1/2), sqrt(2)), and ln x = e ln 2 + ln m.
 */
// @ts-ignore: decorator
@inline export function log4(x: v128): v128 {
  const zero = i32x4.splat(0);
  const subnormal = f32x4.lt(x, constant(13));
  const scaled = v128.bitselect(f32x4.mul(x, constant(14)), x, subnormal);
  const offset = i32x4.sub(scaled, bits(1));
  const exponent = i32x4.shr_s(offset, 23);
  const m = i32x4.sub(scaled, i32x4.shl(exponent, 23));
  const e = f32x4.sub(f32x4.convert_i32x4_s(exponent), v128.and(subnormal, constant(15)));
  const f = f32x4.sub(m, constant(12));
  const z = f32x4.mul(f, f);
  let p = madd(constant(16), f, constant(17));
  p = madd(p, f, constant(18));
  p = madd(p, f, constant(19));
  p = madd(p, f, constant(20));
  p = madd(p, f, constant(21));
  p = madd(p, f, constant(22));
  p = madd(p, f, constant(23));
  p = madd(p, f, constant(24));
  p = f32x4.mul(f32x4.mul(p, f), z);
  p = madd(e, constant(5), p);
  p = nmadd(constant(25), z, p);
  let y = madd(e, constant(4), f32x4.add(f, p));
  y = v128.bitselect(y, bits(2), f32x4.gt(x, zero));
  y = v128.bitselect(bits(3), y, f32x4.eq(x, bits(3)));
  return v128.bitselect(bits(4), y, f32x4.eq(x, zero));
}

/** ln of one float, by the same arithmetic as log4. */
export function log(x: f32): f32 {
  return f32x4.extract_lane(log4(f32x4.splat(x)), 0);
}
