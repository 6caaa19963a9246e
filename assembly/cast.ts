/**
 * Conversions between element types, as C and PyTorch make them. float16 is storage: its elements are u16 here. A bool
 * is a u8 of 0 or 1, so a bool's source kernels are u8's. Slots and work: see map.ts.
 */
import { map } from './map';
import { choose, constant, HALF, INFINITE, magnitude, SIGN_BIT, ZERO } from './math';

const LOW_BYTE: usize = memory.data<i32>([0xff]);
const INTEGER_ONE: usize = memory.data<i32>([1]);
const HALF_SIGN: usize = memory.data<i32>([0x8000]);
const HALF_MAGNITUDE: usize = memory.data<i32>([0x7fff]);
const HALF_INFINITE: usize = memory.data<i32>([0x7c00]);
const HALF_NAN: usize = memory.data<i32>([0x7e00]);
const TWO_TO_112: usize = memory.data<f32>([5.192296858534828e33]);
// The largest finite float16, 13 bits to the left.
const LAST_FINITE_HALF: usize = memory.data<i32>([0x0f7fe000]);
// −112 in the exponent field, and just under half of the last bit that stays.
const HALF_REBIAS: usize = memory.data<u32>([0xc8000fff]);
const SMALLEST_NORMAL_HALF: usize = memory.data<f32>([6.103515625e-5]);
// From here on the nearest float16 is infinite.
const HALF_OVERFLOW: usize = memory.data<f32>([65520]);

/** Widening the element is all there is to do. */
@unmanaged
class Identity {
  @inline v(x: v128): v128 {
    return x;
  }
}

export function cast_i8_i32(r: usize, begin: i32, end: i32): void {
  map<i8, i32, Identity>(r, begin, end);
}

export function cast_u8_i32(r: usize, begin: i32, end: i32): void {
  map<u8, i32, Identity>(r, begin, end);
}

/** i8 and u8 share their bits. */
@unmanaged
class Bytes {
  @inline v(x: v128): v128 {
    return x;
  }
}

export function cast_i8_u8(r: usize, begin: i32, end: i32): void {
  map<i8, u8, Bytes>(r, begin, end);
}

export function cast_u8_i8(r: usize, begin: i32, end: i32): void {
  cast_i8_u8(r, begin, end);
}

@unmanaged
class IntToFloat {
  @inline v(x: v128): v128 {
    return f32x4.convert_i32x4_s(x);
  }
}

export function cast_i32_f32(r: usize, begin: i32, end: i32): void {
  map<i32, f32, IntToFloat>(r, begin, end);
}

export function cast_i8_f32(r: usize, begin: i32, end: i32): void {
  map<i8, f32, IntToFloat>(r, begin, end);
}

export function cast_u8_f32(r: usize, begin: i32, end: i32): void {
  map<u8, f32, IntToFloat>(r, begin, end);
}

/** Toward zero. Beyond the integers the nearest one; NaN gives 0. */
@unmanaged
class FloatToInt {
  @inline v(x: v128): v128 {
    return i32x4.trunc_sat_f32x4_s(x);
  }
}

export function cast_f32_i32(r: usize, begin: i32, end: i32): void {
  map<f32, i32, FloatToInt>(r, begin, end);
}

/** Through int32, of which the low byte stays. */
@unmanaged
class FloatToByte {
  @inline v(x: v128): v128 {
    return v128.and(i32x4.trunc_sat_f32x4_s(x), constant(LOW_BYTE));
  }
}

export function cast_f32_i8(r: usize, begin: i32, end: i32): void {
  map<f32, i8, FloatToByte>(r, begin, end);
}

export function cast_f32_u8(r: usize, begin: i32, end: i32): void {
  map<f32, u8, FloatToByte>(r, begin, end);
}

@unmanaged
class IntToByte {
  @inline v(x: v128): v128 {
    return v128.and(x, constant(LOW_BYTE));
  }
}

export function cast_i32_i8(r: usize, begin: i32, end: i32): void {
  map<i32, i8, IntToByte>(r, begin, end);
}

export function cast_i32_u8(r: usize, begin: i32, end: i32): void {
  map<i32, u8, IntToByte>(r, begin, end);
}

/** 1 for all but ±0, and so for NaN. */
@unmanaged
class FloatToBool {
  @inline v(x: v128): v128 {
    return i32x4.shr_u(f32x4.ne(x, constant(ZERO)), 31);
  }
}

export function cast_f32_bool(r: usize, begin: i32, end: i32): void {
  map<f32, u8, FloatToBool>(r, begin, end);
}

@unmanaged
class IntToBool {
  @inline v(x: v128): v128 {
    return i32x4.shr_u(i32x4.ne(x, constant(ZERO)), 31);
  }
}

export function cast_i32_bool(r: usize, begin: i32, end: i32): void {
  map<i32, u8, IntToBool>(r, begin, end);
}

@unmanaged
class ByteToBool {
  @inline v(x: v128): v128 {
    return v128.andnot(i8x16.splat(1), i8x16.eq(x, i8x16.splat(0)));
  }
}

export function cast_i8_bool(r: usize, begin: i32, end: i32): void {
  map<i8, u8, ByteToBool>(r, begin, end);
}

export function cast_u8_bool(r: usize, begin: i32, end: i32): void {
  cast_i8_bool(r, begin, end);
}

@unmanaged
class HalfToFloat {
  @inline v(x: v128): v128 {
    const sign = i32x4.shl(v128.and(x, constant(HALF_SIGN)), 16);
    const bits = i32x4.shl(v128.and(x, constant(HALF_MAGNITUDE)), 13);
    // Read as a float the magnitude is 2⁻¹¹² of what it should be, for subnormals too.
    const y = f32x4.mul(bits, constant(TWO_TO_112));
    const special = i32x4.gt_s(bits, constant(LAST_FINITE_HALF));
    return v128.or(v128.or(y, sign), v128.and(special, constant(INFINITE)));
  }
}

export function cast_f16_f32(r: usize, begin: i32, end: i32): void {
  map<u16, f32, HalfToFloat>(r, begin, end);
}

@unmanaged
class FloatToHalf {
  @inline v(x: v128): v128 {
    const a = magnitude(x);
    const sign = i32x4.shr_u(v128.and(x, constant(SIGN_BIT)), 16);
    // Normal results: rebias the exponent and round the 13 bits that go to even. The carry may reach the exponent,
    // and from the last finite number leads to infinity.
    const even = v128.and(i32x4.shr_u(a, 13), constant(INTEGER_ONE));
    const normal = i32x4.shr_u(i32x4.add(i32x4.add(a, even), constant(HALF_REBIAS)), 13);
    // Subnormal results: adding 1/2 makes the float unit round at the right bit.
    const subnormal = i32x4.sub(f32x4.add(a, constant(HALF)), constant(HALF));
    let y = choose(f32x4.lt(a, constant(SMALLEST_NORMAL_HALF)), subnormal, normal);
    y = choose(f32x4.ge(a, constant(HALF_OVERFLOW)), constant(HALF_INFINITE), y);
    y = choose(f32x4.ne(x, x), constant(HALF_NAN), y);
    return v128.or(y, sign);
  }
}

export function cast_f32_f16(r: usize, begin: i32, end: i32): void {
  map<f32, u16, FloatToHalf>(r, begin, end);
}
