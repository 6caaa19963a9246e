/** From float32 to int8. */
import { float, int, pointer } from './launch';
import { bytes } from './simd';

/** The bounds of int8. */
const LEAST: i32 = -128;
const MOST: i32 = 127;
/** 1.5 · 2²³: what is added to it is rounded to a whole number, halves to even, and stands in its low bits. */
const MAGIC: f32 = 12582912;

/** The map x → q − zeroPoint in four vectors: inverse scale, least and most value, MAGIC. A kernel lays it out in scratch. */
export const MAP_BYTES: usize = 64;

export function writeMap(to: usize, inverseScale: f32, zeroPoint: i32): void {
  v128.store(to, f32x4.splat(inverseScale));
  v128.store(to, f32x4.splat(<f32>(LEAST - zeroPoint)), 16);
  v128.store(to, f32x4.splat(<f32>(MOST - zeroPoint)), 32);
  v128.store(to, f32x4.splat(MAGIC), 48);
}

/**
 * clamp(roundHalfEven(x · inverse), low, high) in int32. The bounds are whole, so clamping first changes nothing but
 * what could overflow; a NaN becomes 0, the zero point.
 */
// @ts-ignore: decorator
@inline export function quantized(x: v128, inverse: v128, low: v128, high: v128, magic: v128): v128 {
  const scaled = f32x4.pmin(f32x4.pmax(f32x4.mul(x, inverse), low), high);
  return v128.and(i32x4.sub(f32x4.add(scaled, magic), magic), f32x4.eq(x, x));
}

/**
 * y = clamp(roundHalfEven(x · inverseScale) + zeroPoint, −128, 127), float32 to int8; a NaN becomes zeroPoint, which must
 * lie within int8.
 * Slots: 0 y (int8), 1 x, 2 inverseScale (float32), 3 zeroPoint. Work: the numbers.
 */
export function quantize_i8(r: usize, begin: i32, end: i32): void {
  const zeroPoint = int(r, 3);
  const inverse = f32x4.splat(float(r, 2)),
    low = f32x4.splat(<f32>(LEAST - zeroPoint)),
    high = f32x4.splat(<f32>(MOST - zeroPoint)),
    magic = f32x4.splat(MAGIC),
    shift = i32x4.splat(zeroPoint);
  let y = pointer(r, 0) + <usize>begin,
    x = pointer(r, 1) + bytes(begin);
  let count = end - begin;
  for (; count >= 8; count -= 8) {
    const left = i32x4.add(quantized(v128.load(x), inverse, low, high, magic), shift);
    const right = i32x4.add(quantized(v128.load(x, 16), inverse, low, high, magic), shift);
    const q = i16x8.narrow_i32x4_s(left, right);
    v128.store64_lane(y, i8x16.narrow_i16x8_s(q, q), 0);
    x += 32;
    y += 8;
  }
  for (; count > 0; count--) {
    const q = quantized(v128.load32_splat(x), inverse, low, high, magic);
    store<i8>(y, <i8>(i32x4.extract_lane(q, 0) + zeroPoint));
    x += 4;
    y++;
  }
}
