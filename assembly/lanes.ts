/**
 * Elements in memory and lanes in a vector.
 *
 * Elementwise kernels compute in four lanes of 32 bits whatever the element's size is: bytes and float16 are widened
 * when they are loaded and narrowed when they are stored. Only where both sides are bytes do sixteen lanes of 8 bits
 * travel together. float16 is storage, so its element type here is u16.
 */

/** Elements that travel together between operands of type X and a result of type Y. */
// @ts-ignore: decorator
@inline export function laneCount<X, Y>(): i32 {
  return sizeof<X>() == 1 && sizeof<Y>() == 1 ? 16 : 4;
}

/** laneCount contiguous elements. */
// @ts-ignore: decorator
@inline export function loadLanes<X, Y>(x: usize): v128 {
  if (laneCount<X, Y>() == 16) return v128.load(x);
  return loadFour<X>(x);
}

/** Four contiguous elements in lanes of 32 bits. */
// @ts-ignore: decorator
@inline export function loadFour<X>(x: usize): v128 {
  if (sizeof<X>() == 4) return v128.load(x);
  if (sizeof<X>() == 2) return i32x4.extend_low_i16x8_u(v128.load64_zero(x));
  const packed = v128.load32_zero(x);
  if (isSigned<X>()) return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(packed));
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(packed));
}

/** One element in every lane. */
// @ts-ignore: decorator
@inline export function loadSplat<X, Y>(x: usize): v128 {
  if (laneCount<X, Y>() == 16) return v128.load8_splat(x);
  if (sizeof<X>() == 4) return v128.load32_splat(x);
  return i32x4.splat(<i32>load<X>(x));
}

/** Lanes of 32 bits to elements of type Y, in the vector's low bytes. Bytes and float16 take each lane's low bits. */
// @ts-ignore: decorator
@inline export function narrow<Y>(v: v128): v128 {
  if (sizeof<Y>() == 4) return v;
  if (sizeof<Y>() == 2) return i16x8.narrow_i32x4_u(v, v);
  const words = i16x8.narrow_i32x4_u(v, v);
  return i8x16.narrow_i16x8_u(words, words);
}

/** Stores laneCount contiguous elements. */
// @ts-ignore: decorator
@inline export function storeLanes<X, Y>(y: usize, v: v128): void {
  if (laneCount<X, Y>() == 16 || sizeof<Y>() == 4) v128.store(y, v);
  else if (sizeof<Y>() == 2) v128.store64_lane(y, narrow<Y>(v), 0);
  else v128.store32_lane(y, narrow<Y>(v), 0);
}

/**
 * n elements, at most four, `step` bytes apart. Lanes past the last repeat the first, so that no lane computes with
 * anything that is not an operand.
 */
export function gather<X>(x: usize, step: usize, n: i32): v128 {
  if (n == 4 && step == sizeof<X>()) return loadFour<X>(x);
  let v = i32x4.splat(lane<X>(x));
  if (n > 1) v = i32x4.replace_lane(v, 1, lane<X>(x + step));
  if (n > 2) v = i32x4.replace_lane(v, 2, lane<X>(x + 2 * step));
  if (n > 3) v = i32x4.replace_lane(v, 3, lane<X>(x + 3 * step));
  return v;
}

/** k contiguous words: four at once, or as many as there are. */
// @ts-ignore: decorator
@inline export function loadUpToFour(x: usize, k: i32): v128 {
  return k == 4 ? v128.load(x) : gather<f32>(x, 4, k);
}

// @ts-ignore: decorator
@inline function lane<X>(x: usize): i32 {
  if (sizeof<X>() == 4) return load<i32>(x);
  return <i32>load<X>(x);
}

/** Stores the first n lanes, at most four, contiguously. */
export function storeFew<Y>(y: usize, v: v128, n: i32): void {
  v = narrow<Y>(v);
  if (sizeof<Y>() == 4) {
    if (n == 4) v128.store(y, v);
    else {
      v128.store32_lane(y, v, 0);
      if (n > 1) v128.store32_lane(y, v, 1, 4);
      if (n > 2) v128.store32_lane(y, v, 2, 8);
    }
  } else if (sizeof<Y>() == 2) {
    v128.store16_lane(y, v, 0);
    if (n > 1) v128.store16_lane(y, v, 1, 2);
    if (n > 2) v128.store16_lane(y, v, 2, 4);
    if (n > 3) v128.store16_lane(y, v, 3, 6);
  } else {
    v128.store8_lane(y, v, 0);
    if (n > 1) v128.store8_lane(y, v, 1, 1);
    if (n > 2) v128.store8_lane(y, v, 2, 2);
    if (n > 3) v128.store8_lane(y, v, 3, 3);
  }
}
