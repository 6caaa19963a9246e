/** Binary arithmetic. Slots and work: see zip.ts. */
import { maximum, minimum } from './math';
import { floorDivide, fmod, pow, remainder } from './power';
import { madd, splat } from './simd';
import { atan2 } from './trigonometry';
import { narrowIntegers, wideRounded } from './wide';
import { zip } from './zip';

@unmanaged
class Add {
  @inline v(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}

export function add_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Add>(r, begin, end);
}

@unmanaged
class Subtract {
  @inline v(a: v128, b: v128): v128 {
    return f32x4.sub(a, b);
  }
}

export function sub_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Subtract>(r, begin, end);
}

@unmanaged
class Multiply {
  @inline v(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}

export function mul_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Multiply>(r, begin, end);
}

@unmanaged
class Divide {
  @inline v(a: v128, b: v128): v128 {
    return f32x4.div(a, b);
  }
}

export function div_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Divide>(r, begin, end);
}

/** NaN where either operand is. */
@unmanaged
class Maximum {
  @inline v(a: v128, b: v128): v128 {
    return maximum(a, b);
  }
}

export function maximum_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Maximum>(r, begin, end);
}

/** NaN where either operand is. */
@unmanaged
class Minimum {
  @inline v(a: v128, b: v128): v128 {
    return minimum(a, b);
  }
}

export function minimum_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Minimum>(r, begin, end);
}

/** a + alpha b. */
@unmanaged
class AddScaled {
  alpha: f32;

  @inline v(a: v128, b: v128): v128 {
    return madd(b, splat(this.alpha), a);
  }
}

export function addScaled_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, AddScaled>(r, begin, end);
}

@unmanaged
class Pow {
  v(a: v128, b: v128): v128 {
    return pow(a, b);
  }
}

export function pow_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Pow>(r, begin, end);
}

@unmanaged
class Atan2 {
  v(a: v128, b: v128): v128 {
    return atan2(a, b);
  }
}

export function atan2_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Atan2>(r, begin, end);
}

/** C's fmod: the remainder has a's sign. */
@unmanaged
class Fmod {
  v(a: v128, b: v128): v128 {
    return fmod(a, b);
  }
}

export function fmod_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Fmod>(r, begin, end);
}

/** Python's %: the remainder has b's sign. */
@unmanaged
class Remainder {
  v(a: v128, b: v128): v128 {
    return remainder(a, b);
  }
}

export function remainder_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, Remainder>(r, begin, end);
}

/** Python's //. */
@unmanaged
class FloorDivide {
  v(a: v128, b: v128): v128 {
    return floorDivide(a, b);
  }
}

export function floorDivide_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, f32, FloorDivide>(r, begin, end);
}

// ── integers ────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * ⌊a / b⌋ in double, which holds the quotient of two integers to within far less than its distance from the next one.
 */
// @ts-ignore: decorator
@inline function floorQuotient(a: v128, b: v128): v128 {
  const low = f64x2.floor(f64x2.div(f64x2.convert_low_i32x4_s(a), f64x2.convert_low_i32x4_s(b)));
  const highA = f64x2.convert_low_i32x4_s(v128.shuffle<i64>(a, a, 1, 1));
  const highB = f64x2.convert_low_i32x4_s(v128.shuffle<i64>(b, b, 1, 1));
  const high = f64x2.floor(f64x2.div(highA, highB));
  // The rounding constant leaves the integer's low 32 bits, so that −2³¹ / −1 wraps as integers do.
  const quotient = narrowIntegers(wideRounded(low), wideRounded(high));
  return v128.and(quotient, i32x4.ne(b, i32x4.splat(0)));
}

@unmanaged
class AddInt {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.add(a, b);
  }
}

export function add_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, AddInt>(r, begin, end);
}

@unmanaged
class SubtractInt {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.sub(a, b);
  }
}

export function sub_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, SubtractInt>(r, begin, end);
}

@unmanaged
class MultiplyInt {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.mul(a, b);
  }
}

export function mul_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, MultiplyInt>(r, begin, end);
}

@unmanaged
class MaximumInt {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.max_s(a, b);
  }
}

export function maximum_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, MaximumInt>(r, begin, end);
}

@unmanaged
class MinimumInt {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.min_s(a, b);
  }
}

export function minimum_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, MinimumInt>(r, begin, end);
}

/** Python's //. By zero it gives 0, as NumPy does. */
@unmanaged
class FloorDivideInt {
  v(a: v128, b: v128): v128 {
    return floorQuotient(a, b);
  }
}

export function floorDivide_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, FloorDivideInt>(r, begin, end);
}

/** Python's %: the remainder has b's sign. By zero it gives 0, as NumPy does. */
@unmanaged
class RemainderInt {
  v(a: v128, b: v128): v128 {
    const r = i32x4.sub(a, i32x4.mul(floorQuotient(a, b), b));
    return v128.and(r, i32x4.ne(b, i32x4.splat(0)));
  }
}

export function remainder_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, i32, RemainderInt>(r, begin, end);
}

// ── bytes and booleans ──────────────────────────────────────────────────────────────────────────────────────────────

/** 1 where x is not 0. */
// @ts-ignore: decorator
@inline function isTrue(x: v128): v128 {
  return v128.andnot(i8x16.splat(1), i8x16.eq(x, i8x16.splat(0)));
}

@unmanaged
class MaximumByte {
  @inline v(a: v128, b: v128): v128 {
    return i8x16.max_u(a, b);
  }
}

export function maximum_u8(r: usize, begin: i32, end: i32): void {
  zip<u8, u8, MaximumByte>(r, begin, end);
}

@unmanaged
class MinimumByte {
  @inline v(a: v128, b: v128): v128 {
    return i8x16.min_u(a, b);
  }
}

export function minimum_u8(r: usize, begin: i32, end: i32): void {
  zip<u8, u8, MinimumByte>(r, begin, end);
}

@unmanaged
class LogicalAnd {
  @inline v(a: v128, b: v128): v128 {
    return v128.and(isTrue(a), isTrue(b));
  }
}

export function logicalAnd_u8(r: usize, begin: i32, end: i32): void {
  zip<u8, u8, LogicalAnd>(r, begin, end);
}

@unmanaged
class LogicalOr {
  @inline v(a: v128, b: v128): v128 {
    return isTrue(v128.or(a, b));
  }
}

export function logicalOr_u8(r: usize, begin: i32, end: i32): void {
  zip<u8, u8, LogicalOr>(r, begin, end);
}

@unmanaged
class LogicalXor {
  @inline v(a: v128, b: v128): v128 {
    return v128.xor(isTrue(a), isTrue(b));
  }
}

export function logicalXor_u8(r: usize, begin: i32, end: i32): void {
  zip<u8, u8, LogicalXor>(r, begin, end);
}
