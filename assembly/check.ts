/** Kernels that compute nothing: they refuse what the kernels after them could not take. */
import { int, pointer, refuse } from './launch';

/**
 * Refuses unless each element is `except`, or at least `low` and less than `high`.
 *
 *   slots: x (pointer) · low, high, except (ints)
 *   work:  elements of x, which is contiguous
 */
export function inRange_i32(r: usize, begin: i32, end: i32): void {
  const x = pointer(r, 0);
  const low = i32x4.splat(int(r, 1));
  const high = i32x4.splat(int(r, 2));
  const except = i32x4.splat(int(r, 3));
  let outside = i32x4.splat(0);
  let at = x + ((<usize>begin) << 2);
  let left = end - begin;
  while (left >= 4) {
    outside = v128.or(outside, isOutside(v128.load(at), low, high, except));
    at += 16;
    left -= 4;
  }
  while (left > 0) {
    outside = v128.or(outside, isOutside(v128.load32_splat(at), low, high, except));
    at += 4;
    left--;
  }
  if (v128.any_true(outside)) refuse();
}

// @ts-ignore: decorator
@inline function isOutside(x: v128, low: v128, high: v128, except: v128): v128 {
  return v128.andnot(v128.or(i32x4.lt_s(x, low), i32x4.ge_s(x, high)), i32x4.eq(x, except));
}
