/** Binary kernels on the bits of their operands, and whole-number theory. Slots and work: see zip.ts. */
import { choose, constant, INFINITE, magnitude, signOf } from './math';
import { joinWide, highWide, lowWide } from './wide';
import { zip } from './zip';

@unmanaged
class And {
  @inline v(a: v128, b: v128): v128 {
    return v128.and(a, b);
  }
}

export function bitwiseAnd_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, And>(r, begin, end);
}

@unmanaged
class Or {
  @inline v(a: v128, b: v128): v128 {
    return v128.or(a, b);
  }
}

export function bitwiseOr_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, Or>(r, begin, end);
}

@unmanaged
class Xor {
  @inline v(a: v128, b: v128): v128 {
    return v128.xor(a, b);
  }
}

export function bitwiseXor_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, Xor>(r, begin, end);
}

/** Lanes as they come from a function of two integers. */
// @ts-ignore: decorator
@inline function join(a: i32, b: i32, c: i32, d: i32): v128 {
  return i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(a), 1, b), 2, c), 3, d);
}

/** a · 2ᵇ; 0 where every bit has left, and for negative b. */
// @ts-ignore: decorator
@inline function shiftedLeft(a: i32, b: i32): i32 {
  return <u32>b > 31 ? 0 : a << b;
}

@unmanaged
class ShiftLeft {
  v(a: v128, b: v128): v128 {
    return join(
      shiftedLeft(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0)),
      shiftedLeft(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1)),
      shiftedLeft(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2)),
      shiftedLeft(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3)),
    );
  }
}

export function bitwiseLeftShift_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, ShiftLeft>(r, begin, end);
}

/** ⌊a / 2ᵇ⌋; what is left of the sign where every bit has left, and for negative b. */
// @ts-ignore: decorator
@inline function shiftedRight(a: i32, b: i32): i32 {
  return a >> (<u32>b > 31 ? 31 : b);
}

@unmanaged
class ShiftRight {
  v(a: v128, b: v128): v128 {
    return join(
      shiftedRight(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0)),
      shiftedRight(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1)),
      shiftedRight(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2)),
      shiftedRight(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3)),
    );
  }
}

export function bitwiseRightShift_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, ShiftRight>(r, begin, end);
}

/** Euclid's algorithm. */
function divisor(a: i32, b: i32): i32 {
  let x = <u32>abs(a);
  let y = <u32>abs(b);
  while (y != 0) {
    const rest = x % y;
    x = y;
    y = rest;
  }
  return x;
}

@unmanaged
class Gcd {
  v(a: v128, b: v128): v128 {
    return join(
      divisor(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0)),
      divisor(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1)),
      divisor(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2)),
      divisor(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3)),
    );
  }
}

export function gcd_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, Gcd>(r, begin, end);
}

/** aᵇ, wrapping; below b = 0 the quotient's whole part, which is 0 but for a = ±1. */
function power(a: i32, b: i32): i32 {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
  let y = 1;
  for (; b > 0; b >>= 1) {
    if (b & 1) y *= a;
    a *= a;
  }
  return y;
}

@unmanaged
class PowerInt {
  v(a: v128, b: v128): v128 {
    return join(
      power(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0)),
      power(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1)),
      power(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2)),
      power(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3)),
    );
  }
}

export function pow_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, PowerInt>(r, begin, end);
}

/** |a| with the sign of b. */
@unmanaged
class Copysign {
  @inline v(a: v128, b: v128): v128 {
    return v128.or(magnitude(a), signOf(b));
  }
}

export function copysign_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Copysign>(r, begin, end);
}

// @ts-ignore: decorator
@inline function wideHypot(a: v128, b: v128): v128 {
  return f64x2.sqrt(f64x2.add(f64x2.mul(a, a), f64x2.mul(b, b)));
}

/** √(a² + b²), in double: the squares of all float32 numbers and their sum fit. Infinite beside NaN too. */
@unmanaged
class Hypot {
  v(a: v128, b: v128): v128 {
    const y = joinWide(wideHypot(lowWide(a), lowWide(b)), wideHypot(highWide(a), highWide(b)));
    const infinite = constant(INFINITE);
    const long = v128.or(f32x4.eq(magnitude(a), infinite), f32x4.eq(magnitude(b), infinite));
    return choose(long, infinite, y);
  }
}

export function hypot_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Hypot>(r, begin, end);
}
