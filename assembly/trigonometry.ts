/** Sine, cosine, tangent and their inverses, four lanes at a time. */
import { choose, constant, entry, HALF, INFINITE, magnitude, negate, ONE, SIGN_BIT, signOf, ZERO } from './math';
import { madd, nmadd } from './simd';
import { highWide, joinWide, lowWide, narrowIntegers, wideConstant, wideInteger, wideNmadd, wideRounded } from './wide';

const TWO_OVER_PI: usize = memory.data<f64>([0.6366197723675814]);
// π/2 in two doubles. The first has 25 significant bits, so its product with a quarter count below 2²⁸ is exact.
const HALF_PI_HIGH: usize = memory.data<f64>([1.5707963109016418]);
const HALF_PI_LOW: usize = memory.data<f64>([1.5893254773528196e-8]);
const REDUCTION_LIMIT: usize = memory.data<f32>([4e8]);
// (sin r − r) / r³ and (cos r − 1 + r²/2) / r⁴ in r² for |r| ≤ π/4 (Cephes).
const SIN: usize = memory.data<f32>([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]);
const COS: usize = memory.data<f32>([2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]);
// (tan r − r) / r³ in r² for |r| ≤ π/4 (Cephes).
const TAN: usize = memory.data<f32>([
  9.38540185543e-3, 3.11992232697e-3, 2.44301354525e-2, 5.34112807005e-2, 1.33387994085e-1, 3.33331568548e-1,
]);
// (asin x − x) / x³ in x² for |x| ≤ 1/2 (Cephes).
const ASIN: usize = memory.data<f32>([
  4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1,
]);
// (atan t − t) / t³ in t² for |t| ≤ 1.
const ATAN: usize = memory.data<f32>([
  -0.00178751873, 0.0108872745, -0.0311269071, 0.057906501, -0.0840047449, 0.109511748, -0.142640516, 0.19998531,
  -0.333332986,
]);
// π/2 · 2⁻⁶²: a quarter turn in the fixed-point numbers of largeQuarters.
const QUARTER_TURN: f64 = 3.406121580086554e-19;
// The first 256 bits of 2/π.
const TWO_OVER_PI_BITS: usize = memory.data<u32>([
  0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
]);
const INTEGER_ONE: usize = memory.data<i32>([1]);
// π and π/2 in two floats.
const PI: usize = memory.data<f32>([3.14159274]);
const PI_LOW: usize = memory.data<f32>([-8.74227766e-8]);
const HALF_PI: usize = memory.data<f32>([1.57079637]);
const HALF_PI_REST: usize = memory.data<f32>([-4.37113883e-8]);

/** Mask of the lanes beyond the fast range reduction. */
// @ts-ignore: decorator
@inline export function trigonometricRare(x: v128): v128 {
  return f32x4.gt(magnitude(x), constant(REDUCTION_LIMIT));
}

/** The nearest multiple of π/2, rounded as wideRounded does. */
// @ts-ignore: decorator
@inline function quarters(wide: v128): v128 {
  return wideRounded(f64x2.mul(wide, wideConstant(TWO_OVER_PI)));
}

/** x less that many quarter turns, in [−π/4, π/4]. */
// @ts-ignore: decorator
@inline function reduced(wide: v128, rounded: v128): v128 {
  const n = wideInteger(rounded);
  return wideNmadd(n, wideConstant(HALF_PI_LOW), wideNmadd(n, wideConstant(HALF_PI_HIGH), wide));
}

/** The sine or cosine of r, whichever the parity of the quadrant asks for, with the quadrant's sign. */
// @ts-ignore: decorator
@inline export function sineOfQuadrant(r: v128, quadrant: v128): v128 {
  const z = f32x4.mul(r, r);
  let s = entry(SIN, 0);
  s = madd(s, z, entry(SIN, 1));
  s = madd(s, z, entry(SIN, 2));
  s = madd(f32x4.mul(s, z), r, r);
  let c = entry(COS, 0);
  c = madd(c, z, entry(COS, 1));
  c = madd(c, z, entry(COS, 2));
  c = madd(f32x4.mul(c, z), z, nmadd(constant(HALF), z, constant(ONE)));
  // Bit 0 of the quadrant chooses, bit 1 is the sign.
  const odd = i32x4.shr_s(i32x4.shl(quadrant, 31), 31);
  return v128.xor(choose(odd, c, s), v128.and(i32x4.shl(quadrant, 30), constant(SIGN_BIT)));
}

/** sin x for |x| ≤ 4e8. */
// @ts-ignore: decorator
@inline export function sinUsual(x: v128): v128 {
  const a = magnitude(x);
  const low = lowWide(a);
  const high = highWide(a);
  const n = quarters(low);
  const m = quarters(high);
  const y = sineOfQuadrant(joinWide(reduced(low, n), reduced(high, m)), narrowIntegers(n, m));
  return v128.xor(y, signOf(x));
}

/** cos x for |x| ≤ 4e8: the sine a quarter turn on. */
// @ts-ignore: decorator
@inline export function cosUsual(x: v128): v128 {
  const low = lowWide(x);
  const high = highWide(x);
  const n = quarters(low);
  const m = quarters(high);
  const quadrant = i32x4.add(narrowIntegers(n, m), constant(INTEGER_ONE));
  return sineOfQuadrant(joinWide(reduced(low, n), reduced(high, m)), quadrant);
}

/** tan x for |x| ≤ 4e8: −1 / tan r in the odd quadrants. */
// @ts-ignore: decorator
@inline export function tanUsual(x: v128): v128 {
  const a = magnitude(x);
  const low = lowWide(a);
  const high = highWide(a);
  const n = quarters(low);
  const m = quarters(high);
  const r = joinWide(reduced(low, n), reduced(high, m));
  const z = f32x4.mul(r, r);
  let p = entry(TAN, 0);
  p = madd(p, z, entry(TAN, 1));
  p = madd(p, z, entry(TAN, 2));
  p = madd(p, z, entry(TAN, 3));
  p = madd(p, z, entry(TAN, 4));
  p = madd(p, z, entry(TAN, 5));
  const y = madd(f32x4.mul(p, z), r, r);
  const odd = i32x4.shr_s(i32x4.shl(narrowIntegers(n, m), 31), 31);
  return v128.xor(choose(odd, f32x4.div(negate(constant(ONE)), y), y), signOf(x));
}

/**
 * x in quarter turns modulo 4, as a 64-bit fixed-point number with two integer bits, for x ≥ 2²⁸ (Payne and Hanek,
 * "Radian Reduction for Trigonometric Functions", 1983). x is an integer m times 2^e. Of 2/π · 2^e only 96 bits matter:
 * those above turn whole circles, those below move the result by less than 2⁻⁶⁰.
 */
function largeQuarters(x: f32): u64 {
  const bits = reinterpret<u32>(x);
  const m = <u64>((bits & 0x7fffff) | 0x800000);
  // Lanes that need no such care come along, hence the bound.
  const skipped = max(<i32>((bits >> 23) & 255) - 152, 0);
  const words = TWO_OVER_PI_BITS + ((<usize>(skipped >> 5)) << 2);
  const shift = <u64>(skipped & 31);
  const w0 = <u64>load<u32>(words);
  const w1 = <u64>load<u32>(words, 4);
  const w2 = <u64>load<u32>(words, 8);
  const w3 = <u64>load<u32>(words, 12);
  const high = (((w0 << 32) | w1) << shift) | ((w2 << shift) >> 32);
  const low = ((((w2 << 32) | w3) << shift) >> 32) & 0xffffffff;
  return m * high + ((m * low) >> 32);
}

/** sin(|x| + offset · π/2) for |x| ≥ 2²⁸. */
function sineOfLarge(x: v128, offset: i32): v128 {
  let r = f32x4.splat(0);
  let quadrant = i32x4.splat(0);
  // Rotating by one lane a turn keeps the lane numbers constant, as the instructions require.
  for (let i = 0; i < 4; i++) {
    const turns = largeQuarters(f32x4.extract_lane(x, 0));
    const nearest = (turns + (1 << 61)) >> 62;
    const angle = <f64>(<i64>(turns - (nearest << 62))) * QUARTER_TURN;
    r = v128.shuffle<i32>(f32x4.replace_lane(r, 0, <f32>angle), r, 1, 2, 3, 0);
    quadrant = v128.shuffle<i32>(i32x4.replace_lane(quadrant, 0, <i32>nearest + offset), r, 1, 2, 3, 0);
    x = v128.shuffle<i32>(x, x, 1, 2, 3, 0);
  }
  return sineOfQuadrant(r, quadrant);
}

/** Corrects y = sinUsual(x) in the lanes that trigonometricRare marks. sin(±∞) is NaN, as sinUsual says. */
export function sinMend(x: v128, y: v128): v128 {
  return choose(largeFinite(x), v128.xor(sineOfLarge(x, 0), signOf(x)), y);
}

/** Corrects y = cosUsual(x) in the lanes that trigonometricRare marks. */
export function cosMend(x: v128, y: v128): v128 {
  return choose(largeFinite(x), sineOfLarge(x, 1), y);
}

/** Corrects y = tanUsual(x) in the lanes that trigonometricRare marks. */
export function tanMend(x: v128, y: v128): v128 {
  const tangent = f32x4.div(sineOfLarge(x, 0), sineOfLarge(x, 1));
  return choose(largeFinite(x), v128.xor(tangent, signOf(x)), y);
}

// @ts-ignore: decorator
@inline function largeFinite(x: v128): v128 {
  return v128.and(trigonometricRare(x), f32x4.lt(magnitude(x), constant(INFINITE)));
}

// ── inverses ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** atan t for 0 ≤ t ≤ 1. */
// @ts-ignore: decorator
@inline function atanFraction(t: v128): v128 {
  const z = f32x4.mul(t, t);
  let p = entry(ATAN, 0);
  p = madd(p, z, entry(ATAN, 1));
  p = madd(p, z, entry(ATAN, 2));
  p = madd(p, z, entry(ATAN, 3));
  p = madd(p, z, entry(ATAN, 4));
  p = madd(p, z, entry(ATAN, 5));
  p = madd(p, z, entry(ATAN, 6));
  p = madd(p, z, entry(ATAN, 7));
  p = madd(p, z, entry(ATAN, 8));
  return madd(f32x4.mul(p, z), t, t);
}

/** π/2 − y. */
// @ts-ignore: decorator
@inline function complement(y: v128): v128 {
  return f32x4.sub(constant(HALF_PI), f32x4.sub(y, constant(HALF_PI_REST)));
}

/** atan|x|, or π/2 − atan(1 / |x|) where |x| is above 1. */
// @ts-ignore: decorator
@inline export function atan(x: v128): v128 {
  const a = magnitude(x);
  const one = constant(ONE);
  const y = atanFraction(f32x4.div(f32x4.pmin(a, one), f32x4.pmax(a, one)));
  return v128.or(choose(f32x4.gt(a, one), complement(y), y), signOf(x));
}

/** asin s for 0 ≤ s ≤ 1/2, given z = s². */
// @ts-ignore: decorator
@inline function asinFraction(s: v128, z: v128): v128 {
  let p = entry(ASIN, 0);
  p = madd(p, z, entry(ASIN, 1));
  p = madd(p, z, entry(ASIN, 2));
  p = madd(p, z, entry(ASIN, 3));
  p = madd(p, z, entry(ASIN, 4));
  return madd(f32x4.mul(p, z), s, s);
}

/** asin a, or π/2 − 2 asin √((1 − a) / 2) where a = |x| is above 1/2. */
// @ts-ignore: decorator
@inline export function asin(x: v128): v128 {
  const a = magnitude(x);
  const large = f32x4.gt(a, constant(HALF));
  const z = choose(large, f32x4.mul(constant(HALF), f32x4.sub(constant(ONE), a)), f32x4.mul(a, a));
  const y = asinFraction(choose(large, f32x4.sqrt(z), a), z);
  return v128.or(choose(large, complement(f32x4.add(y, y)), y), signOf(x));
}

/** π/2 − asin x for |x| ≤ 1/2; beyond, 2 asin √((1 − |x|) / 2), or π less that where x is negative. */
// @ts-ignore: decorator
@inline export function acos(x: v128): v128 {
  const a = magnitude(x);
  const large = f32x4.gt(a, constant(HALF));
  const z = choose(large, f32x4.mul(constant(HALF), f32x4.sub(constant(ONE), a)), f32x4.mul(a, a));
  const y = asinFraction(choose(large, f32x4.sqrt(z), a), z);
  const twice = f32x4.add(y, y);
  const negative = f32x4.lt(x, constant(ZERO));
  const outer = choose(negative, f32x4.sub(constant(PI), f32x4.sub(twice, constant(PI_LOW))), twice);
  return choose(large, outer, complement(v128.xor(y, signOf(x))));
}

/** The angle of the point (x, y), in [−π, π], with the conventions of IEEE 754 for zeros and infinities. */
export function atan2(y: v128, x: v128): v128 {
  const a = magnitude(y);
  const b = magnitude(x);
  const steep = f32x4.gt(a, b);
  const small = choose(steep, b, a);
  const large = choose(steep, a, b);
  let t = f32x4.div(small, large);
  // 0/0 stands for 0 and ∞/∞ for 1; any other NaN is a NaN that came in.
  t = choose(f32x4.eq(large, constant(ZERO)), constant(ZERO), t);
  t = choose(f32x4.eq(small, constant(INFINITE)), constant(ONE), t);
  let angle = atanFraction(t);
  angle = choose(steep, complement(angle), angle);
  const left = f32x4.sub(constant(PI), f32x4.sub(angle, constant(PI_LOW)));
  angle = choose(i32x4.shr_s(x, 31), left, angle);
  // t is NaN only if an operand is: the comparisons above may have hidden that.
  angle = choose(v128.or(f32x4.ne(x, x), f32x4.ne(y, y)), f32x4.add(x, y), angle);
  return v128.or(angle, signOf(y));
}
