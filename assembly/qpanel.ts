/** Rows of the left operand of an int8 product as panels of int16: [pair of k][rows of a tile][2], as qtile.ts reads them. */
import { quantized } from './quantize';
import { bytes } from './simd';

/** The sources of a row: int8 as it is, or float32 that is quantized on the way. */
export const FROM_I8: i32 = 0;
export const FROM_F32: i32 = 1;

/** Packs `count` rows into a panel of `height`; rows that are missing repeat the last. `map` is what `writeMap` laid out. */
export function packTile(
  source: i32,
  from: usize,
  stride: usize,
  count: i32,
  height: i32,
  k: i32,
  map: usize,
  panel: usize,
): void {
  for (let row = 0; row < height; row++) {
    const x = from + <usize>min(row, count - 1) * stride,
      to = panel + bytes(row);
    if (source == FROM_F32) packFloats(x, k, map, to, bytes(height));
    else packBytes(x, k, to, bytes(height));
  }
}

/** q − zeroPoint of k numbers, a pair each `step` bytes. Beyond an odd end stands a zero. */
export function packFloats(x: usize, k: i32, map: usize, to: usize, step: usize): void {
  const inverse = v128.load(map),
    low = v128.load(map, 16),
    high = v128.load(map, 32),
    magic = v128.load(map, 48);
  for (; k >= 8; k -= 8) {
    const left = quantized(v128.load(x), inverse, low, high, magic);
    const right = quantized(v128.load(x, 16), inverse, low, high, magic);
    to = spread(i16x8.narrow_i32x4_s(left, right), to, step);
    x += 32;
  }
  for (; k > 0; k -= 2) {
    let pair = i32x4.extract_lane(quantized(v128.load32_splat(x), inverse, low, high, magic), 0) & 0xffff;
    if (k > 1) {
      pair |= i32x4.extract_lane(quantized(v128.load32_splat(x, 4), inverse, low, high, magic), 0) << 16;
    }
    store<i32>(to, pair);
    x += 8;
    to += step;
  }
}

function packBytes(x: usize, k: i32, to: usize, step: usize): void {
  for (; k >= 8; k -= 8) {
    to = spread(v128.load_ext<i8>(x), to, step);
    x += 8;
  }
  for (; k > 0; k -= 2) {
    store<i32>(to, (<i32>load<i8>(x) & 0xffff) | (k > 1 ? (<i32>load<i8>(x, 1)) << 16 : 0));
    x += 2;
    to += step;
  }
}

/** Four words, `step` bytes apart; returns where the next belongs. */
// @ts-ignore: decorator
@inline function spread(words: v128, to: usize, step: usize): usize {
  v128.store32_lane(to, words, 0);
  v128.store32_lane(to + step, words, 1);
  v128.store32_lane(to + 2 * step, words, 2);
  v128.store32_lane(to + 3 * step, words, 3);
  return to + 4 * step;
}
