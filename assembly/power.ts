/**
 * Powers and remainders, four lanes at a time. All but the last step is in double, so they are right to the last bit or
 * so.
 */
import { choose, constant, HALF, INFINITE, magnitude, ONE, QUIET_NAN, signOf, ZERO } from './math';
import {
  highWide,
  joinWide,
  lowWide,
  narrowIntegers,
  notAbove,
  notBelow,
  timesExp2,
  wideConstant,
  wideEntry,
  wideMadd,
} from './wide';

// log2((1 + s) / (1 − s)) / s in s² for √½ ≤ m < √2, s = (m − 1) / (m + 1).
const LOG2: usize = memory.data<f64>([
  0.2829211581657825, 0.31990430797875385, 0.4122092840726208, 0.5770779420754305, 0.9617966941142475,
  2.8853900817778495,
]);
const ONE_64: usize = memory.data<f64>([1]);
// High word of the double √½.
const SQRT_HALF_HIGH: usize = memory.data<i32>([0x3fe6a09e]);

/** log2 m for a double with √½ ≤ m < √2, plus e. */
// @ts-ignore: decorator
@inline function wideLog2(m: v128, e: v128): v128 {
  const one = wideConstant(ONE_64);
  const s = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one));
  const z = f64x2.mul(s, s);
  let p = wideEntry(LOG2, 0);
  p = wideMadd(p, z, wideEntry(LOG2, 1));
  p = wideMadd(p, z, wideEntry(LOG2, 2));
  p = wideMadd(p, z, wideEntry(LOG2, 3));
  p = wideMadd(p, z, wideEntry(LOG2, 4));
  p = wideMadd(p, z, wideEntry(LOG2, 5));
  return wideMadd(s, p, e);
}

/** a^y for finite a > 0 and finite y. */
// @ts-ignore: decorator
@inline function positivePower(a: v128, y: v128): v128 {
  const low = lowWide(a);
  const high = highWide(a);
  // The exponents are found in the high words of the doubles: there no float is subnormal.
  const top = v128.shuffle<i32>(low, high, 1, 3, 5, 7);
  const e = i32x4.shr_s(i32x4.sub(top, constant(SQRT_HALF_HIGH)), 20);
  const mantissa = i32x4.sub(top, i32x4.shl(e, 20));
  const bottom = narrowIntegers(low, high);
  const logLow = wideLog2(v128.shuffle<i32>(bottom, mantissa, 0, 4, 1, 5), f64x2.convert_low_i32x4_s(e));
  const logHigh = wideLog2(
    v128.shuffle<i32>(bottom, mantissa, 2, 6, 3, 7),
    f64x2.convert_low_i32x4_s(v128.shuffle<i32>(e, e, 2, 3, 2, 3)),
  );
  const exponentLow = notBelow(notAbove(f64x2.mul(logLow, lowWide(y))));
  const exponentHigh = notBelow(notAbove(f64x2.mul(logHigh, highWide(y))));
  return timesExp2(constant(ONE), exponentLow, exponentHigh);
}

/** x to the power y, with the special cases of C's pow. */
export function pow(x: v128, y: v128): v128 {
  const zero = constant(ZERO);
  const one = constant(ONE);
  const infinite = constant(INFINITE);
  const a = magnitude(x);
  const finite = v128.and(f32x4.lt(a, infinite), f32x4.lt(magnitude(y), infinite));
  const usual = v128.and(finite, f32x4.gt(a, zero));
  let p = positivePower(a, y);
  if (!i32x4.all_true(usual)) {
    // 0 or ∞, by whether base and exponent pull the same way.
    const edge = choose(v128.xor(f32x4.gt(a, one), f32x4.gt(y, zero)), zero, infinite);
    p = choose(usual, p, edge);
    p = choose(v128.or(f32x4.ne(x, x), f32x4.ne(y, y)), f32x4.add(x, y), p);
    // 1 to any power, −1 to an infinite one, and anything to the power 0, NaN included.
    const unit = v128.and(f32x4.eq(a, one), f32x4.eq(y, y));
    p = choose(v128.or(v128.or(unit, f32x4.eq(x, one)), f32x4.eq(y, zero)), one, p);
  }
  if (v128.any_true(signOf(x))) {
    const whole = f32x4.eq(f32x4.trunc(y), y);
    const half = f32x4.mul(y, constant(HALF));
    const odd = v128.and(whole, f32x4.ne(f32x4.trunc(half), half));
    p = v128.xor(p, v128.and(odd, signOf(x)));
    const unreal = v128.andnot(v128.and(usual, f32x4.lt(x, zero)), whole);
    p = choose(unreal, constant(QUIET_NAN), p);
  }
  return p;
}

// Below it a quotient of two floats, rounded to a double, cannot reach the next integer, and the product of its integer
// part and the divisor is exact.
const QUOTIENT_LIMIT: f64 = 268435456;
const QUOTIENT_LIMIT_64: usize = memory.data<f64>([268435456]);

/** a − trunc(a / b) b, exact, for a quotient below 2²⁸. */
// @ts-ignore: decorator
@inline function wideRemainder(a: v128, b: v128, quotient: v128): v128 {
  return f64x2.sub(a, f64x2.mul(f64x2.trunc(quotient), b));
}

/** a mod b for 0 < b, 0 ≤ a, one lane: a long division of 28 bits a step. */
function longRemainder(a: f64, b: f64): f64 {
  let quotient = a / b;
  while (quotient >= QUOTIENT_LIMIT && quotient < Infinity) {
    const power = reinterpret<f64>(reinterpret<u64>(quotient) & 0x7ff0000000000000);
    const step = b * power * (2 / QUOTIENT_LIMIT);
    a -= trunc(a / step) * step;
    quotient = a / b;
  }
  return a - trunc(quotient) * b;
}

/** C's fmod: the exact remainder of a / b, with a's sign. */
export function fmod(a: v128, b: v128): v128 {
  const infinite = constant(INFINITE);
  const dividend = magnitude(a);
  const divisor = magnitude(b);
  const lowA = lowWide(dividend);
  const highA = highWide(dividend);
  const lowB = lowWide(divisor);
  const highB = highWide(divisor);
  const low = f64x2.div(lowA, lowB);
  const high = f64x2.div(highA, highB);
  let r = joinWide(wideRemainder(lowA, lowB, low), wideRemainder(highA, highB, high));
  const limit = wideConstant(QUOTIENT_LIMIT_64);
  const long = v128.shuffle<i32>(f64x2.ge(low, limit), f64x2.ge(high, limit), 0, 2, 4, 6);
  const possible = v128.and(f32x4.lt(dividend, infinite), f32x4.gt(divisor, constant(ZERO)));
  if (v128.any_true(v128.and(long, possible))) {
    const divided = f32x4(
      <f32>longRemainder(f32x4.extract_lane(dividend, 0), f32x4.extract_lane(divisor, 0)),
      <f32>longRemainder(f32x4.extract_lane(dividend, 1), f32x4.extract_lane(divisor, 1)),
      <f32>longRemainder(f32x4.extract_lane(dividend, 2), f32x4.extract_lane(divisor, 2)),
      <f32>longRemainder(f32x4.extract_lane(dividend, 3), f32x4.extract_lane(divisor, 3)),
    );
    r = choose(long, divided, r);
  }
  // A finite number is its own remainder modulo ∞, and nothing has one modulo 0.
  r = choose(f32x4.gt(divisor, dividend), dividend, r);
  r = choose(possible, r, constant(QUIET_NAN));
  r = choose(f32x4.ne(b, b), b, r);
  return v128.or(r, signOf(a));
}

/** Python's and PyTorch's remainder: fmod moved by one divisor where its sign is not the divisor's. */
export function remainder(a: v128, b: v128): v128 {
  const r = fmod(a, b);
  const zero = constant(ZERO);
  const opposite = v128.xor(f32x4.lt(r, zero), f32x4.lt(b, zero));
  return choose(v128.and(f32x4.ne(r, zero), opposite), f32x4.add(r, b), r);
}

/** Python's and PyTorch's floor division: ⌊a / b⌋ of the exact quotient, and a / b where b is 0. */
export function floorDivide(a: v128, b: v128): v128 {
  const zero = constant(ZERO);
  const r = fmod(a, b);
  const opposite = v128.xor(f32x4.lt(r, zero), f32x4.lt(b, zero));
  const down = v128.and(v128.and(f32x4.ne(r, zero), opposite), constant(ONE));
  const quotient = f32x4.sub(f32x4.div(f32x4.sub(a, r), b), down);
  // (a − r) / b is an integer but for its rounding.
  let floor = f32x4.floor(quotient);
  floor = f32x4.add(floor, v128.and(f32x4.gt(f32x4.sub(quotient, floor), constant(HALF)), constant(ONE)));
  const ratio = f32x4.div(a, b);
  floor = choose(f32x4.eq(quotient, zero), signOf(ratio), floor);
  return choose(f32x4.eq(b, zero), ratio, floor);
}
