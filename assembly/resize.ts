/**
 * Resizing a part of an image: along its rows first, into scratch, and then down its columns.
 *
 * Bytes are bytes in between, too, and weights whole numbers, as in Pillow (Resample.c), which has 22 bits where these are
 * 14: a result differs where it lies within a few hundredths of a half between two grey levels.
 */
import { int, pointer, scratch } from './launch';
import { SHIFT, weightsOf } from './resizeweights';
import { loadUpTo4, storeUpTo4 } from './row';
import { bytes } from './simd';

const HALF: i32 = 1 << (SHIFT - 1);

/**
 * y[n, c] is the box (top, left, height, width) of x[n, c], resized to [outH, outW].
 *
 * Slots: 0 y [N, C, outH, outW], 1 x [N, C, H, W], 2 boxes [N, 4], 3 C, 4 H, 5 W, 6 outH, 7 outW, 8 filter (0 bilinear, 1
 * bicubic; 2 and 3 the same without antialiasing), 9 and 10 taps along x and y: weights kept for an output, for bytes a
 * multiple of 8 along x and of 2 along y.
 * Work: N · C planes. Scratch: as below, for the tallest box.
 *
 *   ┌────────────┬──────────────────┬────────────────┬───────────┬────────────┬──────────────────┐
 *   │ work       │ starts, lengths  │ weights        │ padded    │ tail       │ lines            │
 *   │ 8 · taps   │ 4 · out each     │ of both        │ line      │ 16 bytes   │ height + 1       │
 *   └────────────┴──────────────────┴────────────────┴───────────┴────────────┴──────────────────┘
 */
export function resize_u8(r: usize, begin: i32, end: i32): void {
  resize<u8, i16>(r, begin, end);
}

export function resize_f32(r: usize, begin: i32, end: i32): void {
  resize<f32, f32>(r, begin, end);
}

function resize<T, W>(r: usize, begin: i32, end: i32): void {
  const channels = int(r, 3);
  const w = int(r, 5);
  const outH = int(r, 6);
  const outW = int(r, 7);
  const filter = int(r, 8);
  const tapsX = int(r, 9);
  const tapsY = int(r, 10);
  const inPlane = <usize>(int(r, 4) * w) * sizeof<T>();
  const outPlane = <usize>(outH * outW) * sizeof<T>();
  // Four outputs are made together, so the last ones have companions that weigh nothing.
  const columns = (outW + 3) & ~3;
  const work = scratch();
  const startsX = work + ((<usize>max(tapsX, tapsY)) << 3);
  const lengthsX = startsX + bytes(columns);
  const startsY = lengthsX + bytes(columns);
  const lengthsY = startsY + bytes(outH);
  const weightsX = (lengthsY + bytes(outH) + 15) & ~15;
  const weightsY = (weightsX + <usize>(columns * tapsX) * sizeof<W>() + 15) & ~15;
  const padded = (weightsY + <usize>(outH * tapsY) * sizeof<W>() + 15) & ~15;
  const tail = padded + (<usize>(tapsX + 15) & ~15);
  const lines = tail + 16;
  const stride = <usize>((outW + 15) & ~15) * sizeof<T>();
  let image = -1;
  for (let plane = begin; plane < end; plane++) {
    const n = plane / channels;
    const box = pointer(r, 2) + <usize>n * 16;
    const height = load<i32>(box, 8);
    const width = load<i32>(box, 12);
    if (n != image) {
      weightsOf<W>(startsX, lengthsX, weightsX, work, width, outW, tapsX, filter);
      weightsOf<W>(startsY, lengthsY, weightsY, work, height, outH, tapsY, filter);
      const from = weightsX + <usize>(outW * tapsX) * sizeof<W>();
      memory.fill(from, 0, weightsX + <usize>(columns * tapsX) * sizeof<W>() - from);
      memory.fill(startsX + bytes(outW), 0, bytes(columns - outW));
      memory.fill(lengthsX + bytes(outW), 0, bytes(columns - outW));
      image = n;
    }
    let x = pointer(r, 1) + <usize>plane * inPlane + <usize>(load<i32>(box) * w + load<i32>(box, 4)) * sizeof<T>();
    let line = lines;
    for (let row = 0; row < height; row++) {
      if (width == outW) memory.copy(line, x, <usize>outW * sizeof<T>());
      else if (isFloat<T>()) alongFloats(line, x, startsX, lengthsX, weightsX, tapsX, outW);
      else {
        let from = x;
        if (width < tapsX) {
          memory.copy(padded, x, <usize>width);
          from = padded;
        }
        if (tapsX == 8) alongBytes(line, from, startsX, weightsX, 8, outW);
        else alongBytes(line, from, startsX, weightsX, tapsX, outW);
      }
      x += <usize>w * sizeof<T>();
      line += stride;
    }
    let y = pointer(r, 0) + <usize>plane * outPlane;
    for (let oy = 0; oy < outH; oy++) {
      const from = lines + <usize>load<i32>(startsY + bytes(oy)) * stride;
      const length = load<i32>(lengthsY + bytes(oy));
      const weights = weightsY + <usize>(oy * tapsY) * sizeof<W>();
      if (isFloat<T>()) downFloats(y, from, stride, length, weights, outW);
      else downBytes(y, from, stride, tapsY, weights, outW, tail);
      y += <usize>outW * sizeof<T>();
    }
  }
}

// @ts-ignore: decorator
@inline function alongBytes(y: usize, x: usize, starts: usize, weights: usize, taps: i32, count: i32): void {
  const line = (<usize>taps) << 1;
  for (let o = 0; o < count; o += 4) {
    const a = weighed(x + load<i32>(starts), weights, taps);
    const b = weighed(x + load<i32>(starts, 4), weights + line, taps);
    const c = weighed(x + load<i32>(starts, 8), weights + 2 * line, taps);
    const d = weighed(x + load<i32>(starts, 12), weights + 3 * line, taps);
    const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
    const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 2, 4, 6), v128.shuffle<i32>(c, d, 1, 3, 5, 7));
    const sums = i32x4.add(v128.shuffle<i32>(ab, cd, 0, 2, 4, 6), v128.shuffle<i32>(ab, cd, 1, 3, 5, 7));
    const rounded = i32x4.shr_s(i32x4.add(sums, i32x4.splat(HALF)), SHIFT);
    const words = i16x8.narrow_i32x4_s(rounded, rounded);
    v128.store32_lane(y, i8x16.narrow_i16x8_u(words, words), 0);
    y += 4;
    starts += 16;
    weights += 4 * line;
  }
}

/** `taps` bytes, weighed; the sum is that of the four lanes. */
// @ts-ignore: decorator
@inline function weighed(x: usize, weights: usize, taps: i32): v128 {
  let sum = i32x4.dot_i16x8_s(v128.load8x8_u(x), v128.load(weights));
  for (let k = 8; k < taps; k += 8) {
    x += 8;
    weights += 16;
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load8x8_u(x), v128.load(weights)));
  }
  return sum;
}

/** Sixteen columns at a time; two lines in turn, whose bytes lie side by side as the two weights do. */
function downBytes(y: usize, x: usize, stride: usize, taps: i32, weights: usize, count: i32, tail: usize): void {
  const half = i32x4.splat(HALF);
  for (; count > 0; count -= 16) {
    let s0 = half;
    let s1 = half;
    let s2 = half;
    let s3 = half;
    let from = x;
    for (let k = 0; k < taps; k += 2) {
      const pair = v128.load32_splat(weights + ((<usize>k) << 1));
      const a = v128.load(from);
      const b = v128.load(from + stride);
      const low = v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const high = v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(low), pair));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(low), pair));
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(high), pair));
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(high), pair));
      from += 2 * stride;
    }
    const left = i16x8.narrow_i32x4_s(i32x4.shr_s(s0, SHIFT), i32x4.shr_s(s1, SHIFT));
    const right = i16x8.narrow_i32x4_s(i32x4.shr_s(s2, SHIFT), i32x4.shr_s(s3, SHIFT));
    const pixels = i8x16.narrow_i16x8_u(left, right);
    if (count >= 16) v128.store(y, pixels);
    else {
      v128.store(tail, pixels);
      memory.copy(y, tail, count);
    }
    y += 16;
    x += 16;
  }
}

function alongFloats(y: usize, x: usize, starts: usize, lengths: usize, weights: usize, taps: i32, count: i32): void {
  for (let o = 0; o < count; o++) {
    const length = load<i32>(lengths + bytes(o));
    const from = x + bytes(load<i32>(starts + bytes(o)));
    const own = weights + bytes(o * taps);
    let sum: f32 = 0;
    for (let k = 0; k < length; k++) sum += load<f32>(from + bytes(k)) * load<f32>(own + bytes(k));
    store<f32>(y + bytes(o), sum);
  }
}

function downFloats(y: usize, x: usize, stride: usize, length: i32, weights: usize, count: i32): void {
  for (; count > 0; count -= 4) {
    let sum = f32x4.splat(0);
    let from = x;
    for (let k = 0; k < length; k++) {
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(weights + bytes(k)), loadUpTo4(from, count)));
      from += stride;
    }
    storeUpTo4(y, sum, count);
    y += 16;
    x += 16;
  }
}
