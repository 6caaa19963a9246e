/** The logistic function, tanh and the other hyperbolic functions and their inverses, four lanes at a time. */
import {
  choose,
  constant,
  entry,
  expClamped,
  expNegative,
  HALF,
  halfExp,
  INFINITE,
  log1pUsual,
  magnitude,
  ONE,
  QUIET_NAN,
  SIGN_BIT,
  signOf,
  TWO,
  ZERO,
} from './math';
import { madd } from './simd';

const QUARTER: usize = memory.data<f32>([0.25]);
const LN2: usize = memory.data<f32>([0.693147182]);
// Beyond it x² + 1 is x² and log(1 + x) is log x, to the last bit.
const TWO_TO_25: usize = memory.data<f32>([33554432]);
// (tanh x / x − 1) / x² in x² for |x| ≤ 0.625 (Cephes).
const TANH: usize = memory.data<f32>([
  -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1,
]);
const TANH_LIMIT: usize = memory.data<f32>([0.625]);
// (sinh x / x − 1) / x² in x² for |x| ≤ 1 (Cephes).
const SINH: usize = memory.data<f32>([2.03721912945e-4, 8.33028376239e-3, 1.66667160211e-1]);
// Where tanh(log(1 + e^x)) is 1 and e^x (e^x + 2) still finite.
const MISH_HIGHEST: usize = memory.data<f32>([20]);

/** −|x|. */
// @ts-ignore: decorator
@inline function negativeMagnitude(x: v128): v128 {
  return v128.or(x, constant(SIGN_BIT));
}

/**
 * 1 / (1 + e^−x), written with e^−|x| so that nothing overflows and the left tail keeps its digits:
 * e^−|x| / (1 + e^−|x|) where x is negative.
 */
// @ts-ignore: decorator
@inline export function sigmoid(x: v128): v128 {
  const e = expNegative(negativeMagnitude(x));
  const one = constant(ONE);
  return f32x4.div(choose(f32x4.lt(x, constant(ZERO)), e, one), f32x4.add(e, one));
}

/** log(1 + e^x) = max(x, 0) + log(1 + e^−|x|). */
// @ts-ignore: decorator
@inline export function softplus(x: v128): v128 {
  return f32x4.add(f32x4.pmax(x, constant(ZERO)), log1pUsual(expNegative(negativeMagnitude(x))));
}

/** log(1 / (1 + e^−x)) = min(x, 0) − log(1 + e^−|x|). */
// @ts-ignore: decorator
@inline export function logSigmoid(x: v128): v128 {
  return f32x4.sub(f32x4.pmin(x, constant(ZERO)), log1pUsual(expNegative(negativeMagnitude(x))));
}

/** tanh(log(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2). */
// @ts-ignore: decorator
@inline export function tanhSoftplus(x: v128): v128 {
  const e = expNegative(f32x4.pmin(x, constant(MISH_HIGHEST)));
  const n = madd(e, e, f32x4.add(e, e));
  return f32x4.div(n, f32x4.add(n, constant(TWO)));
}

/** x + x³ P(x²) near zero, 1 − 2 / (e^2x + 1) beyond. */
// @ts-ignore: decorator
@inline export function tanh(x: v128): v128 {
  const a = magnitude(x);
  const z = f32x4.mul(x, x);
  let p = entry(TANH, 0);
  p = madd(p, z, entry(TANH, 1));
  p = madd(p, z, entry(TANH, 2));
  p = madd(p, z, entry(TANH, 3));
  p = madd(p, z, entry(TANH, 4));
  const near = madd(f32x4.mul(p, z), a, a);
  const one = constant(ONE);
  const far = f32x4.sub(one, f32x4.div(constant(TWO), f32x4.add(expClamped(f32x4.add(a, a)), one)));
  return v128.or(choose(f32x4.gt(a, constant(TANH_LIMIT)), far, near), signOf(x));
}

/** x + x³ P(x²) up to 1, e^x / 2 − e^−x / 2 beyond. */
// @ts-ignore: decorator
@inline export function sinh(x: v128): v128 {
  const a = magnitude(x);
  const z = f32x4.mul(a, a);
  let p = entry(SINH, 0);
  p = madd(p, z, entry(SINH, 1));
  p = madd(p, z, entry(SINH, 2));
  const near = madd(f32x4.mul(p, z), a, a);
  const half = halfExp(a);
  const far = f32x4.sub(half, f32x4.div(constant(QUARTER), half));
  return v128.or(choose(f32x4.gt(a, constant(ONE)), far, near), signOf(x));
}

// @ts-ignore: decorator
@inline export function cosh(x: v128): v128 {
  const half = halfExp(magnitude(x));
  return f32x4.add(half, f32x4.div(constant(QUARTER), half));
}

/** log(a + √(a² + 1)) = log(1 + a + a² / (1 + √(a² + 1))). */
// @ts-ignore: decorator
@inline export function asinh(x: v128): v128 {
  const a = magnitude(x);
  const z = f32x4.mul(a, a);
  const one = constant(ONE);
  const w = f32x4.add(a, f32x4.div(z, f32x4.add(one, f32x4.sqrt(f32x4.add(z, one)))));
  return v128.or(inverseHyperbolic(w, a), signOf(x));
}

/** log(x + √(x² − 1)) = log(1 + t + √(t (t + 2))) with t = x − 1. */
// @ts-ignore: decorator
@inline export function acosh(x: v128): v128 {
  const t = f32x4.sub(x, constant(ONE));
  const w = f32x4.add(t, f32x4.sqrt(f32x4.mul(t, f32x4.add(t, constant(TWO)))));
  return choose(f32x4.lt(x, constant(ONE)), constant(QUIET_NAN), inverseHyperbolic(w, x));
}

/** log(1 + w), or log 2a where a is so large that w may have overflowed. */
// @ts-ignore: decorator
@inline function inverseHyperbolic(w: v128, a: v128): v128 {
  const large = f32x4.gt(a, constant(TWO_TO_25));
  const y = f32x4.add(log1pUsual(choose(large, a, w)), v128.and(large, constant(LN2)));
  return choose(f32x4.lt(a, constant(INFINITE)), y, a);
}

/** log((1 + a) / (1 − a)) / 2 = log(1 + 2a / (1 − a)) / 2. */
// @ts-ignore: decorator
@inline export function atanh(x: v128): v128 {
  const a = magnitude(x);
  const one = constant(ONE);
  const y = f32x4.mul(constant(HALF), log1pUsual(f32x4.div(f32x4.add(a, a), f32x4.sub(one, a))));
  const edge = choose(f32x4.eq(a, one), constant(INFINITE), constant(QUIET_NAN));
  return v128.or(choose(f32x4.lt(a, one), y, edge), signOf(x));
}
