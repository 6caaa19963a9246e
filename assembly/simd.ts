/** The few vector helpers that every kernel file needs, so that one source gives the strict and the relaxed binary. */

/** a · b + c: fused in the relaxed binary where the processor can, two roundings in the strict one. */
// @ts-ignore: decorator
@inline export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c − a · b. */
// @ts-ignore: decorator
@inline export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

// @ts-ignore: decorator
@inline export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** (x0 + x1) + (x2 + x3), in this order in every runtime. */
// @ts-ignore: decorator
@inline export function horizontalSum(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

/** Bytes of n float32. */
// @ts-ignore: decorator
@inline export function bytes(n: i32): usize {
  return (<usize>n) << 2;
}
