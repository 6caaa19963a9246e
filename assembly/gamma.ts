/**
 * The logarithm of the gamma function and its derivatives, a lane at a time in double: they are seldom a network's inner
 * loop, and near their zeros single precision would lose every digit. Slots and work: see map.ts.
 *
 * All three go up to an argument where Stirling's series (DLMF 5.11) holds, by the recurrence of the gamma function (DLMF
 * 5.5.1), and reach negative arguments by reflection (DLMF 5.5.3).
 */
import { map } from './map';

const PI: f64 = 3.141592653589793;
const LN2: f64 = 0.6931471805599453;
const HALF_LOG_TWO_PI: f64 = 0.9189385332046728;
/** From here on eight terms of the asymptotic series reach double precision. */
const FAR: f64 = 10;

/** log x of a positive normal number: the exponent's share, and twice the inverse hyperbolic tangent for the mantissa's. */
function log(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let p: f64 = 0;
  for (let k = 21; k > 0; k -= 2) p = p * z + 1 / <f64>k;
  return 2 * s * p + <f64>exponent * LN2;
}

/** sin πr for |r| ≤ 1/2, by its Taylor series. */
function sinPi(r: f64): f64 {
  const t = PI * r;
  const z = t * t;
  let p: f64 = 1;
  for (let k = 22; k > 0; k -= 2) p = 1 - (z * p) / <f64>(k * (k + 1));
  return t * p;
}

/** cos πr for |r| ≤ 1/2. */
function cosPi(r: f64): f64 {
  const t = PI * r;
  const z = t * t;
  let p: f64 = 1;
  for (let k = 22; k > 0; k -= 2) p = 1 - (z * p) / <f64>(k * (k - 1));
  return p;
}

/** The distance of x from the nearest whole number, with its sign. */
// @ts-ignore: decorator
@inline function fromWhole(x: f64): f64 {
  return x - nearest(x);
}

/** Whether x is 0, −1, −2, …: where the gamma function has its poles. */
// @ts-ignore: decorator
@inline function isPole(x: f64): bool {
  return x <= 0 && floor(x) == x;
}

/** log Γ(x) for x ≥ 1/2. */
function lgammaAbove(x: f64): f64 {
  let product: f64 = 1;
  while (x < FAR) {
    product *= x;
    x += 1;
  }
  const z = 1 / (x * x);
  let series: f64 = 1.0 / 156;
  series = series * z - 691.0 / 360360;
  series = series * z + 1.0 / 1188;
  series = series * z - 1.0 / 1680;
  series = series * z + 1.0 / 1260;
  series = series * z - 1.0 / 360;
  series = series * z + 1.0 / 12;
  return (x - 0.5) * log(x) - x + HALF_LOG_TWO_PI + series / x - log(product);
}

/** log |Γ(x)|; infinite at the poles and at both infinities. */
function lgamma(x: f64): f64 {
  if (x != x) return x;
  if (abs(x) == Infinity || isPole(x)) return Infinity;
  // The zeros, where the series leaves its rounding.
  if (x == 1 || x == 2) return 0;
  if (x >= 0.5) return lgammaAbove(x);
  return log(PI / abs(sinPi(fromWhole(x)))) - lgammaAbove(1 - x);
}

/** Γ′(x) / Γ(x); infinite at ±0, NaN at the other poles. */
function digamma(x: f64): f64 {
  if (x == 0) return copysign(Infinity, -x);
  if (x == Infinity) return x;
  if (isPole(x) || x != x) return NaN;
  let y: f64 = 0;
  if (x < 0) {
    const r = fromWhole(x);
    y = (-PI * cosPi(r)) / sinPi(r);
    x = 1 - x;
  }
  while (x < FAR) {
    y -= 1 / x;
    x += 1;
  }
  const z = 1 / (x * x);
  let series: f64 = 1.0 / 12;
  series = series * z - 691.0 / 32760;
  series = series * z + 1.0 / 132;
  series = series * z - 1.0 / 240;
  series = series * z + 1.0 / 252;
  series = series * z - 1.0 / 120;
  series = series * z + 1.0 / 12;
  return y + log(x) - 0.5 / x - series * z;
}

/** xⁿ for a whole n ≥ 0. */
function power(x: f64, n: i32): f64 {
  let y: f64 = 1;
  for (; n > 0; n >>= 1) {
    if (n & 1) y *= x;
    x *= x;
  }
  return y;
}

/** Hurwitz's zeta function Σ (x + k)⁻ˢ for a whole s ≥ 2: term by term, and the rest by Euler and Maclaurin (DLMF 25.11.5). */
function zeta(s: i32, x: f64): f64 {
  let y: f64 = 0;
  while (x < FAR + <f64>s) {
    y += 1 / power(x, s);
    x += 1;
  }
  let term = 1 / power(x, s);
  y += term * (x / <f64>(s - 1) + 0.5);
  const z = 1 / (x * x);
  // B₂ⱼ / (2j)! · s (s + 1) … (s + 2j − 2) · x⁻ˢ⁻²ʲ⁺¹, of which each follows from the one before it.
  term *= <f64>s / x;
  y += term / 12;
  term *= <f64>((s + 1) * (s + 2)) * z;
  y -= term / 720;
  term *= <f64>((s + 3) * (s + 4)) * z;
  y += term / 30240;
  term *= <f64>((s + 5) * (s + 6)) * z;
  y -= term / 1209600;
  term *= <f64>((s + 7) * (s + 8)) * z;
  return y + term / 47900160;
}

/** The nth derivative of digamma, n ≥ 1: (−1)ⁿ⁺¹ n! ζ(n + 1, x). */
function polygamma(n: i32, x: f64): f64 {
  if (x != x || x == -Infinity) return NaN;
  let factor: f64 = n & 1 ? 1 : -1;
  for (let k = 2; k <= n; k++) factor *= <f64>k;
  if (isPole(x)) return factor * Infinity;
  if (x == Infinity) return factor * 0;
  if (n > 1 || x > 0) return factor * zeta(n + 1, x);
  const s = sinPi(fromWhole(x)) / PI;
  return 1 / (s * s) - zeta(2, 1 - x);
}

// @ts-ignore: decorator
@inline function join(a: f64, b: f64, c: f64, d: f64): v128 {
  const low = f32x4.replace_lane(f32x4.splat(<f32>a), 1, <f32>b);
  return f32x4.replace_lane(f32x4.replace_lane(low, 2, <f32>c), 3, <f32>d);
}

@unmanaged
class Lgamma {
  v(x: v128): v128 {
    return join(
      lgamma(<f64>f32x4.extract_lane(x, 0)),
      lgamma(<f64>f32x4.extract_lane(x, 1)),
      lgamma(<f64>f32x4.extract_lane(x, 2)),
      lgamma(<f64>f32x4.extract_lane(x, 3)),
    );
  }
}

export function lgamma_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Lgamma>(r, begin, end);
}

@unmanaged
class Digamma {
  v(x: v128): v128 {
    return join(
      digamma(<f64>f32x4.extract_lane(x, 0)),
      digamma(<f64>f32x4.extract_lane(x, 1)),
      digamma(<f64>f32x4.extract_lane(x, 2)),
      digamma(<f64>f32x4.extract_lane(x, 3)),
    );
  }
}

export function digamma_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Digamma>(r, begin, end);
}

/** The order of the derivative is a float slot, a whole number ≥ 1. */
@unmanaged
class Polygamma {
  order: f32;

  v(x: v128): v128 {
    const n = <i32>this.order;
    return join(
      polygamma(n, <f64>f32x4.extract_lane(x, 0)),
      polygamma(n, <f64>f32x4.extract_lane(x, 1)),
      polygamma(n, <f64>f32x4.extract_lane(x, 2)),
      polygamma(n, <f64>f32x4.extract_lane(x, 3)),
    );
  }
}

export function polygamma_f32(r: usize, begin: i32, end: i32): void {
  map<f32, f32, Polygamma>(r, begin, end);
}
