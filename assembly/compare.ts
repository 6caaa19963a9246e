/** Comparisons: a bool, which is a u8 of 0 or 1, from two operands of one type. Slots and work: see zip.ts. */
import { zip } from './zip';

@unmanaged
class Equal {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(f32x4.eq(a, b), 31);
  }
}

export function eq_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, u8, Equal>(r, begin, end);
}

@unmanaged
class EqualInt {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(i32x4.eq(a, b), 31);
  }
}

export function eq_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, u8, EqualInt>(r, begin, end);
}

@unmanaged
class EqualByte {
  @inline v(a: v128, b: v128): v128 {
    return v128.and(i8x16.eq(a, b), i8x16.splat(1));
  }
}

export function eq_u8(r: usize, begin: i32, end: i32): void {
  zip<u8, u8, EqualByte>(r, begin, end);
}

/** True where either operand is NaN. */
@unmanaged
class NotEqual {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(f32x4.ne(a, b), 31);
  }
}

export function ne_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, u8, NotEqual>(r, begin, end);
}

@unmanaged
class NotEqualInt {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(i32x4.ne(a, b), 31);
  }
}

export function ne_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, u8, NotEqualInt>(r, begin, end);
}

@unmanaged
class NotEqualByte {
  @inline v(a: v128, b: v128): v128 {
    return v128.and(i8x16.ne(a, b), i8x16.splat(1));
  }
}

export function ne_u8(r: usize, begin: i32, end: i32): void {
  zip<u8, u8, NotEqualByte>(r, begin, end);
}

@unmanaged
class Less {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(f32x4.lt(a, b), 31);
  }
}

export function lt_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, u8, Less>(r, begin, end);
}

@unmanaged
class LessInt {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(i32x4.lt_s(a, b), 31);
  }
}

export function lt_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, u8, LessInt>(r, begin, end);
}

@unmanaged
class LessOrEqual {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(f32x4.le(a, b), 31);
  }
}

export function le_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, u8, LessOrEqual>(r, begin, end);
}

@unmanaged
class LessOrEqualInt {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(i32x4.le_s(a, b), 31);
  }
}

export function le_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, u8, LessOrEqualInt>(r, begin, end);
}

@unmanaged
class Greater {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(f32x4.gt(a, b), 31);
  }
}

export function gt_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, u8, Greater>(r, begin, end);
}

@unmanaged
class GreaterInt {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(i32x4.gt_s(a, b), 31);
  }
}

export function gt_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, u8, GreaterInt>(r, begin, end);
}

@unmanaged
class GreaterOrEqual {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(f32x4.ge(a, b), 31);
  }
}

export function ge_f32(r: usize, begin: i32, end: i32): void {
  zip<f32, u8, GreaterOrEqual>(r, begin, end);
}

@unmanaged
class GreaterOrEqualInt {
  @inline v(a: v128, b: v128): v128 {
    return i32x4.shr_u(i32x4.ge_s(a, b), 31);
  }
}

export function ge_i32(r: usize, begin: i32, end: i32): void {
  zip<i32, u8, GreaterOrEqualInt>(r, begin, end);
}
