/** The error function, the normal distribution and the units built on them, four lanes at a time. */
import {
  choose,
  constant,
  entry,
  expClamped,
  INFINITE,
  logNormal,
  magnitude,
  negate,
  ONE,
  QUIET_NAN,
  signOf,
  TWO,
  ZERO,
} from './math';
import { madd } from './simd';
import { highWide, joinWide, lowWide, notBelow, timesExp2, wideConstant, wideMadd } from './wide';

// For |x| beyond 0.9277 the first table is a polynomial p with erf x = 1 − e^p; below it, the second is
// (erf x / x − 1) in x² (Norbert Juffa's coefficients).
const ERF_FAR: usize = memory.data<f32>([
  -1.7285347e-5, 3.83197126e-4, -3.88396438e-3, 2.42546219e-2, -1.06777877e-1, -6.34846687e-1, -1.28717512e-1,
]);
const ERF_NEAR: usize = memory.data<f32>([
  -5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1,
]);
const ERF_LIMIT: usize = memory.data<f32>([0.927734375]);

/** erf x. */
// @ts-ignore: decorator
@inline export function erf(x: v128): v128 {
  const a = magnitude(x);
  const z = f32x4.mul(x, x);
  let far = madd(entry(ERF_FAR, 0), a, entry(ERF_FAR, 1));
  far = madd(far, z, madd(entry(ERF_FAR, 2), a, entry(ERF_FAR, 3)));
  far = madd(far, a, entry(ERF_FAR, 4));
  far = madd(far, a, entry(ERF_FAR, 5));
  far = madd(far, a, entry(ERF_FAR, 6));
  const one = constant(ONE);
  far = f32x4.sub(one, expClamped(f32x4.sub(f32x4.mul(far, a), a)));
  let near = entry(ERF_NEAR, 0);
  near = madd(near, z, entry(ERF_NEAR, 1));
  near = madd(near, z, entry(ERF_NEAR, 2));
  near = madd(near, z, entry(ERF_NEAR, 3));
  near = madd(near, z, entry(ERF_NEAR, 4));
  near = madd(near, z, entry(ERF_NEAR, 5));
  near = madd(near, a, a);
  return v128.or(choose(f32x4.gt(a, constant(ERF_LIMIT)), far, near), signOf(x));
}

// −log2(e) / 2.
const NEGATIVE_HALF_LOG2_E: usize = memory.data<f64>([-0.7213475204444817]);
const ONE_64: usize = memory.data<f64>([1]);
// With a = |x| and q = 1 / (1 + 0.4 a), the upper tail of the normal distribution is q P(q) e^(−a²/2) for a ≤ 14.8,
// where it is far below the smallest float. This is Abramowitz and Stegun's form 7.1.26, fitted to float32 with more
// terms.
const TAIL_SCALE: usize = memory.data<f64>([0.4]);
const TAIL: usize = memory.data<f32>([
  0.0322648101, -0.177074268, 0.382873654, -0.374711543, 0.119973592, -0.027051907, 0.0913901329, 0.133131579,
  0.159628078, 0.15957588,
]);

// @ts-ignore: decorator
@inline function tailVariable(wide: v128): v128 {
  const one = wideConstant(ONE_64);
  return f64x2.div(one, wideMadd(f64x2.abs(wide), wideConstant(TAIL_SCALE), one));
}

/**
 * factor · e^(−x²/2) times the polynomial q P(q), from x in double. The square is taken in double because rounded to
 * float it would cost the tail all its digits; q, because the polynomial doubles q's error.
 */
// @ts-ignore: decorator
@inline function timesTail(factor: v128, low: v128, high: v128): v128 {
  const lowQ = tailVariable(low);
  const highQ = tailVariable(high);
  const q = joinWide(lowQ, highQ);
  let p = entry(TAIL, 0);
  p = madd(p, q, entry(TAIL, 1));
  p = madd(p, q, entry(TAIL, 2));
  p = madd(p, q, entry(TAIL, 3));
  p = madd(p, q, entry(TAIL, 4));
  p = madd(p, q, entry(TAIL, 5));
  p = madd(p, q, entry(TAIL, 6));
  p = madd(p, q, entry(TAIL, 7));
  p = madd(p, q, entry(TAIL, 8));
  p = madd(p, q, entry(TAIL, 9));
  // Rounded once behind both products: each rounding before that would cost a result half of its last place.
  const first = f64x2.mul(f64x2.mul(lowWide(factor), lowQ), lowWide(p));
  const second = f64x2.mul(f64x2.mul(highWide(factor), highQ), highWide(p));
  return timesBell(joinWide(first, second), low, high);
}

/** factor · e^(−x²/2), from x in double. */
// @ts-ignore: decorator
@inline function timesBell(factor: v128, low: v128, high: v128): v128 {
  const k = wideConstant(NEGATIVE_HALF_LOG2_E);
  const exponentLow = notBelow(f64x2.mul(f64x2.mul(low, low), k));
  return timesExp2(factor, exponentLow, notBelow(f64x2.mul(f64x2.mul(high, high), k)));
}

const SQRT_2: usize = memory.data<f64>([1.4142135623730951]);

/** 1 − erf x: twice the upper tail of the normal distribution at √2 |x|, or 2 less that. */
// @ts-ignore: decorator
@inline export function erfc(x: v128): v128 {
  const scale = wideConstant(SQRT_2);
  const two = constant(TWO);
  const tail = timesTail(two, f64x2.mul(lowWide(x), scale), f64x2.mul(highWide(x), scale));
  return choose(f32x4.lt(x, constant(ZERO)), f32x4.sub(two, tail), tail);
}

// erf⁻¹(x) / x by minimax, with w = −log(1 − x²) (the form of M. Giles, "Approximating the erfinv function", 2011): in
// w − 2.5 for w < 5, and in √w − 3 up to the last number below 1, where w is 15.95.
const ERFINV_NEAR: usize = memory.data<f32>([
  -8.79105647e-9, 2.32326443e-8, 4.66170664e-7, -3.46270476e-6, -4.96334785e-6, 2.18344439e-4, -1.25274188e-3,
  -4.17738678e-3, 2.46640286e-1, 1.50140936,
]);
const ERFINV_FAR: usize = memory.data<f32>([
  -1.87621268e-4, 1.03540916e-4, 1.32711791e-3, -3.67690564e-3, 5.75083028e-3, -7.62094217e-3, 9.43716049e-3,
  1.00167393, 2.83297696,
]);
const ERFINV_SPLIT: usize = memory.data<f32>([5]);
const ERFINV_NEAR_CENTRE: usize = memory.data<f32>([2.5]);
const ERFINV_FAR_CENTRE: usize = memory.data<f32>([3]);

/** The number whose erf is x; infinite at ±1, NaN beyond. */
// @ts-ignore: decorator
@inline export function erfinv(x: v128): v128 {
  const one = constant(ONE);
  const a = magnitude(x);
  // Both factors keep what 1 − x² would round away.
  const w = negate(logNormal(f32x4.mul(f32x4.sub(one, a), f32x4.add(one, a))));
  const s = f32x4.sub(w, constant(ERFINV_NEAR_CENTRE));
  let near = entry(ERFINV_NEAR, 0);
  near = madd(near, s, entry(ERFINV_NEAR, 1));
  near = madd(near, s, entry(ERFINV_NEAR, 2));
  near = madd(near, s, entry(ERFINV_NEAR, 3));
  near = madd(near, s, entry(ERFINV_NEAR, 4));
  near = madd(near, s, entry(ERFINV_NEAR, 5));
  near = madd(near, s, entry(ERFINV_NEAR, 6));
  near = madd(near, s, entry(ERFINV_NEAR, 7));
  near = madd(near, s, entry(ERFINV_NEAR, 8));
  near = madd(near, s, entry(ERFINV_NEAR, 9));
  const t = f32x4.sub(f32x4.sqrt(w), constant(ERFINV_FAR_CENTRE));
  let far = entry(ERFINV_FAR, 0);
  far = madd(far, t, entry(ERFINV_FAR, 1));
  far = madd(far, t, entry(ERFINV_FAR, 2));
  far = madd(far, t, entry(ERFINV_FAR, 3));
  far = madd(far, t, entry(ERFINV_FAR, 4));
  far = madd(far, t, entry(ERFINV_FAR, 5));
  far = madd(far, t, entry(ERFINV_FAR, 6));
  far = madd(far, t, entry(ERFINV_FAR, 7));
  far = madd(far, t, entry(ERFINV_FAR, 8));
  const inside = f32x4.mul(x, choose(f32x4.lt(w, constant(ERFINV_SPLIT)), near, far));
  const edge = choose(f32x4.eq(a, one), v128.or(constant(INFINITE), signOf(x)), constant(QUIET_NAN));
  return choose(f32x4.lt(a, one), inside, edge);
}

/**
 * x Φ(x), where Φ is the normal distribution: −|x| times the upper tail where x is negative, x less that where it is
 * not. −∞ gives NaN, as ∞ · 0 does in PyTorch; pmax(0, NaN) is 0, and keeps that from +∞.
 */
// @ts-ignore: decorator
@inline export function gelu(x: v128): v128 {
  const zero = constant(ZERO);
  const tail = timesTail(magnitude(x), lowWide(x), highWide(x));
  return choose(f32x4.lt(x, zero), negate(tail), f32x4.sub(x, f32x4.pmax(zero, tail)));
}

// 1 / √(2π).
const BELL_HEIGHT: usize = memory.data<f32>([0.3989422804]);

/** The derivative of x Φ(x): Φ(x) + x φ(x), where φ is the normal density. */
// @ts-ignore: decorator
@inline export function geluSlope(x: v128): v128 {
  const low = lowWide(x);
  const high = highWide(x);
  const one = constant(ONE);
  const tail = timesTail(one, low, high);
  const distribution = choose(f32x4.lt(x, constant(ZERO)), tail, f32x4.sub(one, tail));
  return madd(f32x4.mul(x, constant(BELL_HEIGHT)), timesBell(one, low, high), distribution);
}

// −2 √(2/π) log2 e and that times 0.044715.
const GELU_TANH_LINEAR: usize = memory.data<f64>([-2.302208198144325]);
const GELU_TANH_CUBIC: usize = memory.data<f64>([-0.1029432395800235]);
// Where the logistic factor, 2³⁰ times it too, has long been 0 to a float32.
const GELU_TANH_HIGHEST: usize = memory.data<f32>([12]);
const TWO_TO_30: usize = memory.data<f32>([1073741824]);
const TWO_TO_MINUS_30: usize = memory.data<f32>([9.31322574615478515625e-10]);

/** −2u log2 e for u = √(2/π) (a + 0.044715 a³). */
// @ts-ignore: decorator
@inline function tanhExponent(a: v128): v128 {
  const square = f64x2.mul(a, a);
  return f64x2.mul(a, wideMadd(square, wideConstant(GELU_TANH_CUBIC), wideConstant(GELU_TANH_LINEAR)));
}

/** factor · e^−2|u|, the exponential in geluTanh. */
// @ts-ignore: decorator
@inline function tanhDecay(factor: v128, x: v128): v128 {
  const a = f32x4.pmin(magnitude(x), constant(GELU_TANH_HIGHEST));
  return timesExp2(factor, tanhExponent(lowWide(a)), tanhExponent(highWide(a)));
}

/**
 * x (1 + tanh u) / 2 = x / (1 + e^−2u) (Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016). Written with e =
 * e^−2|u|, so that the left tail keeps its digits.
 */
// @ts-ignore: decorator
@inline export function geluTanh(x: v128): v128 {
  // Of a subnormal e, little would be left to multiply x with: 2³⁰ e is none before the product is.
  const raised = tanhDecay(constant(TWO_TO_30), x);
  const down = constant(TWO_TO_MINUS_30);
  const far = f32x4.mul(f32x4.mul(x, raised), down);
  return f32x4.div(choose(f32x4.lt(x, constant(ZERO)), far, x), madd(raised, down, constant(ONE)));
}

// 2 √(2/π) and that times 3 · 0.044715.
const SLOPE_LINEAR: usize = memory.data<f32>([1.5957691216]);
const SLOPE_CUBIC: usize = memory.data<f32>([0.2140644488]);

/** The derivative of geluTanh: s + x s (1 − s) (2u)′ with s = 1 / (1 + e^−2u). */
// @ts-ignore: decorator
@inline export function geluTanhSlope(x: v128): v128 {
  const e = tanhDecay(constant(ONE), x);
  const one = constant(ONE);
  const q = f32x4.div(one, f32x4.add(one, e));
  const far = f32x4.mul(e, q);
  const s = choose(f32x4.lt(x, constant(ZERO)), far, q);
  // Bounded, because beyond the bound `far` is 0 and x² may be infinite.
  const a = f32x4.pmin(magnitude(x), constant(GELU_TANH_HIGHEST));
  const slope = madd(f32x4.mul(a, a), constant(SLOPE_CUBIC), constant(SLOPE_LINEAR));
  return madd(f32x4.mul(f32x4.mul(v128.or(a, signOf(x)), slope), far), q, s);
}
