/** Gaussian blur, and any other blur whose weights are the product of a row's and a column's. */
import { int, pointer, scratch } from './launch';
import { readPixels, white, writePixels } from './pixels';
import { bytes, madd, splat } from './simd';

/**
 * y[n, c, i, j] = Σ across[n, k] Σ down[n, l] x[n, c, i + l - L / 2, j + k - K / 2], where pixels beyond an edge are those
 * within, mirrored about the outermost (K / 2 < W, L / 2 < H). Bytes are weighed in float32 and rounded.
 * Slots: 0 y [N, C, H, W], 1 x, 2 across [N, K], 3 down [N, L], 4 C, 5 H, 6 W, 7 K, 8 L; K and L are odd.
 * Work: N · C · H rows. Scratch: 4 bytes for each of W + K + 32 pixels.
 */
export function blur_u8(r: usize, begin: i32, end: i32): void {
  blur<u8>(r, begin, end);
}

export function blur_f32(r: usize, begin: i32, end: i32): void {
  blur<f32>(r, begin, end);
}

function blur<T>(r: usize, begin: i32, end: i32): void {
  const h = int(r, 5);
  const w = int(r, 6);
  const across = int(r, 7);
  const down = int(r, 8);
  const line = <usize>w * sizeof<T>();
  const border = across >> 1;
  const column = scratch() + bytes(border);
  for (let row = begin; row < end; row++) {
    const plane = row / h;
    const n = plane / int(r, 4);
    const i = row - plane * h;
    const x = pointer(r, 1) + <usize>plane * <usize>h * line;
    const weights = pointer(r, 3) + bytes(n * down);
    let j = 0;
    for (; j + 16 <= w; j += 16)
      sixteenDown<T>(column + bytes(j), x + <usize>j * sizeof<T>(), i, h, line, weights, down);
    for (; j < w; j += 4) {
      const count = min(4, w - j);
      let sum = splat(0);
      for (let l = 0; l < down; l++) {
        const from = x + <usize>mirrored(i + l - (down >> 1), h) * line + <usize>j * sizeof<T>();
        sum = madd(v128.load32_splat(weights + bytes(l)), readPixels<T>(from, count), sum);
      }
      v128.store(column + bytes(j), sum);
    }
    for (let j = 1; j <= border; j++) {
      store<f32>(column - bytes(j), load<f32>(column + bytes(j)));
      store<f32>(column + bytes(w - 1 + j), load<f32>(column + bytes(w - 1 - j)));
    }
    const y = pointer(r, 0) + <usize>row * line;
    const own = pointer(r, 2) + bytes(n * across);
    for (j = 0; j < w; j += 16) {
      sixteenAcross<T>(y + <usize>j * sizeof<T>(), column + bytes(j - border), min(16, w - j), own, across);
    }
  }
}

// Sixteen pixels at a time: four sums are under way at once, where one would wait for itself at every weight.

// @ts-ignore: decorator
@inline function sixteenDown<T>(y: usize, x: usize, i: i32, h: i32, line: usize, weights: usize, down: i32): void {
  let s0 = splat(0);
  let s1 = splat(0);
  let s2 = splat(0);
  let s3 = splat(0);
  for (let l = 0; l < down; l++) {
    const weight = v128.load32_splat(weights + bytes(l));
    const from = x + <usize>mirrored(i + l - (down >> 1), h) * line;
    s0 = madd(weight, readPixels<T>(from, 4), s0);
    s1 = madd(weight, readPixels<T>(from + 4 * sizeof<T>(), 4), s1);
    s2 = madd(weight, readPixels<T>(from + 8 * sizeof<T>(), 4), s2);
    s3 = madd(weight, readPixels<T>(from + 12 * sizeof<T>(), 4), s3);
  }
  v128.store(y, s0);
  v128.store(y, s1, 16);
  v128.store(y, s2, 32);
  v128.store(y, s3, 48);
}

/** Stores `count` of sixteen pixels; what is read for the others is scratch. */
// @ts-ignore: decorator
@inline function sixteenAcross<T>(y: usize, x: usize, count: i32, weights: usize, across: i32): void {
  let s0 = splat(0);
  let s1 = splat(0);
  let s2 = splat(0);
  let s3 = splat(0);
  for (let k = 0; k < across; k++) {
    const weight = v128.load32_splat(weights + bytes(k));
    const from = x + bytes(k);
    s0 = madd(weight, v128.load(from), s0);
    s1 = madd(weight, v128.load(from, 16), s1);
    s2 = madd(weight, v128.load(from, 32), s2);
    s3 = madd(weight, v128.load(from, 48), s3);
  }
  rounded<T>(y, s0, min(4, count));
  if (count > 4) rounded<T>(y + 4 * sizeof<T>(), s1, min(4, count - 4));
  if (count > 8) rounded<T>(y + 8 * sizeof<T>(), s2, min(4, count - 8));
  if (count > 12) rounded<T>(y + 12 * sizeof<T>(), s3, min(4, count - 12));
}

// @ts-ignore: decorator
@inline function rounded<T>(y: usize, v: v128, n: i32): void {
  writePixels<T>(y, isFloat<T>() ? v : f32x4.min(f32x4.nearest(v), splat(white<T>())), n);
}

// @ts-ignore: decorator
@inline function mirrored(i: i32, size: i32): i32 {
  if (i < 0) return -i;
  return i < size ? i : 2 * (size - 1) - i;
}
