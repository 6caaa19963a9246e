/** Pixels: bytes or float32 in memory, float32 in the four lanes of a vector. */
import { gather, loadFour, storeFew, storeLanes } from './lanes';
import { splat } from './simd';

/** The value of a white pixel. */
// @ts-ignore: decorator
@inline export function white<T>(): f32 {
  return isFloat<T>() ? 1 : 255;
}

/** n neighbouring pixels, 1 to 4. Lanes past the last repeat the first. */
// @ts-ignore: decorator
@inline export function readPixels<T>(x: usize, n: i32): v128 {
  const raw = n == 4 ? loadFour<T>(x) : gather<T>(x, sizeof<T>(), n);
  return isFloat<T>() ? raw : f32x4.convert_i32x4_s(raw);
}

/** Stores the first n lanes, 1 to 4. Bytes lose their fraction, as casts to integers do. */
// @ts-ignore: decorator
@inline export function writePixels<T>(y: usize, v: v128, n: i32): void {
  const raw = isFloat<T>() ? v : i32x4.trunc_sat_f32x4_s(v);
  if (n == 4) storeLanes<f32, T>(y, raw);
  else storeFew<T>(y, raw, n);
}

/** Between black and white. What is no number becomes black, as a byte; as a float it stays. */
// @ts-ignore: decorator
@inline export function clampPixels<T>(v: v128): v128 {
  return f32x4.min(f32x4.max(v, splat(0)), splat(white<T>()));
}
