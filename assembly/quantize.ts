/** The way between float32 and int8. */
import { float, int, pointer } from './launch';
import { bytes } from './simd';

/**
 * clamp(roundHalfEven(x), low, high) + shift in int32, for bounds that already lack the shift. Clamping comes first, in
 * float32, where neither a large x nor an infinite one can overflow; a NaN passes it and becomes 0.
 */
// @ts-ignore: decorator
@inline export function rounded(x: v128, low: v128, high: v128, shift: v128): v128 {
  const whole = f32x4.pmin(f32x4.pmax(f32x4.nearest(x), low), high);
  return i32x4.add(i32x4.trunc_sat_f32x4_s(whole), shift);
}

/**
 * y = clamp(roundHalfEven(x · inverseScale) + zeroPoint, min, max), float32 to int8; a NaN becomes zeroPoint, which must
 * lie between the bounds. The parameters belong to all numbers or, where slots 2 and 3 are given, to a channel: that of
 * number i is floor(i / inner) mod channels.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0, 1 | y, x | int8, float32 |
 * | 2 | inverseScales | float32 per channel; 0: slot 4 for all |
 * | 3 | zeroPoints | int32 per channel; 0: slot 5 for all |
 * | 4 | inverseScale | float32 |
 * | 5, 6, 7 | zeroPoint, min, max | min ≥ −128, max ≤ 127 |
 * | 8, 9 | inner, channels | length of a channel's run, and how many take turns; read if slot 2 or 3 is given |
 *
 * Work: the numbers.
 */
export function quantize_i8(r: usize, begin: i32, end: i32): void {
  while (begin < end) {
    const channel = channelOf(r, 8, begin),
      last = endOfRun(r, 8, begin, end);
    const inverse = pointer(r, 2) ? load<f32>(pointer(r, 2) + bytes(channel)) : float(r, 4);
    const zeroPoint = pointer(r, 3) ? load<i32>(pointer(r, 3) + bytes(channel)) : int(r, 5);
    const low = <f32>(int(r, 6) - zeroPoint),
      high = <f32>(int(r, 7) - zeroPoint);
    const y = pointer(r, 0) + <usize>begin,
      x = pointer(r, 1) + bytes(begin);
    quantizeRun(y, x, last - begin, inverse, zeroPoint, low, high);
    begin = last;
  }
}

function quantizeRun(y: usize, x: usize, count: i32, inverse: f32, zeroPoint: i32, low: f32, high: f32): void {
  const factor = f32x4.splat(inverse),
    shift = i32x4.splat(zeroPoint);
  const least = f32x4.splat(low),
    most = f32x4.splat(high);
  for (; count >= 16; count -= 16) {
    const q0 = rounded(f32x4.mul(v128.load(x), factor), least, most, shift);
    const q1 = rounded(f32x4.mul(v128.load(x, 16), factor), least, most, shift);
    const q2 = rounded(f32x4.mul(v128.load(x, 32), factor), least, most, shift);
    const q3 = rounded(f32x4.mul(v128.load(x, 48), factor), least, most, shift);
    v128.store(y, i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(q0, q1), i16x8.narrow_i32x4_s(q2, q3)));
    x += 64;
    y += 16;
  }
  for (; count > 0; count--) {
    store<i8>(y, <i8>i32x4.extract_lane(rounded(f32x4.mul(v128.load32_splat(x), factor), least, most, shift), 0));
    x += 4;
    y++;
  }
}

/**
 * y = (q − zeroPoint) · scale, int8 to float32; channels as for `quantize_i8`.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0, 1 | y, q | float32, int8 |
 * | 2 | scales | float32 per channel; 0: slot 4 for all |
 * | 3 | zeroPoints | int32 per channel; 0: slot 5 for all |
 * | 4 | scale | float32 |
 * | 5 | zeroPoint | |
 * | 6, 7 | inner, channels | read if slot 2 or 3 is given |
 *
 * Work: the numbers.
 */
export function dequantize_f32(r: usize, begin: i32, end: i32): void {
  while (begin < end) {
    const channel = channelOf(r, 6, begin),
      last = endOfRun(r, 6, begin, end);
    const scale = pointer(r, 2) ? load<f32>(pointer(r, 2) + bytes(channel)) : float(r, 4);
    const zeroPoint = pointer(r, 3) ? load<i32>(pointer(r, 3) + bytes(channel)) : int(r, 5);
    dequantizeRun(pointer(r, 0) + bytes(begin), pointer(r, 1) + <usize>begin, last - begin, scale, zeroPoint);
    begin = last;
  }
}

function dequantizeRun(y: usize, q: usize, count: i32, scale: f32, zeroPoint: i32): void {
  const factor = f32x4.splat(scale),
    shift = i32x4.splat(zeroPoint);
  for (; count >= 8; count -= 8) {
    const x = v128.load_ext<i8>(q);
    const left = i32x4.sub(i32x4.extend_low_i16x8_s(x), shift),
      right = i32x4.sub(i32x4.extend_high_i16x8_s(x), shift);
    v128.store(y, f32x4.mul(f32x4.convert_i32x4_s(left), factor));
    v128.store(y, f32x4.mul(f32x4.convert_i32x4_s(right), factor), 16);
    q += 8;
    y += 32;
  }
  for (; count > 0; count--) {
    store<f32>(y, <f32>(<i32>load<i8>(q) - zeroPoint) * scale);
    q++;
    y += 4;
  }
}

/** Channel of number i, where slots at and at + 1 hold inner and channels. */
// @ts-ignore: decorator
@inline function channelOf(r: usize, at: usize, i: i32): i32 {
  return pointer(r, 2) | pointer(r, 3) ? (i / int(r, at)) % int(r, at + 1) : 0;
}

/** Where the run of numbers that share the channel of number i ends, within a share of the work that ends at `end`. */
// @ts-ignore: decorator
@inline function endOfRun(r: usize, at: usize, i: i32, end: i32): i32 {
  return pointer(r, 2) | pointer(r, 3) ? min(end, (i / int(r, at) + 1) * int(r, at)) : end;
}
