/**
 * The inner loops of sparse products: a row of S, or four rows that share their places, times a strip of columns of X.
 *
 * A nonzero costs one splat, one index and a load and a multiply-add for each vector of the strip: loads are what binds
 * it, so that strips are as wide as the registers allow, twelve vectors. Unrolled, or with several rows in one function, V8
 * spills.
 */
import { bytes, madd } from './simd';

/** Rows of a block. */
export const BLOCK: i32 = 4;
/** Columns of the widest strip, and of the narrowest, which is also that of blocks. */
export const WIDEST: i32 = 48;
export const NARROWEST: i32 = 8;
/** Bytes of four rows of a strip of results. */
export const RESULTS: usize = 768;

/**
 * Row i of S, or of its blocks, by the columns of a strip. What a place counts is `stride` bytes apart in X: its rows, or,
 * with 1, bytes. Rows of Y are `down` bytes apart.
 */
export type Tile = (i: i32, x: usize, stride: usize, y: usize, down: usize) => void;

// The product under way. A module variable is private to an instance, and an instance runs one kernel at a time.
let heads: usize = 0;
let places: usize = 0;
let values: usize = 0;

/** Says what the tiles multiply by. */
export function multiplyBy(headsAt: usize, placesAt: usize, valuesAt: usize): void {
  heads = headsAt;
  places = placesAt;
  values = valuesAt;
}

/** The loop for a strip `full` columns wide. They are called by reference: inlined into their callers, they would spill. */
export function tileOf(blockColumns: i32, full: i32): Tile {
  if (blockColumns == 1) return blockTile;
  if (blockColumns) return squareTile;
  return full == 48 ? row48 : full == 32 ? row32 : full == 16 ? row16 : row8;
}

/**
 * The width of the strip for the `left` columns that remain: at most `widest`, at least 8, and where what is beyond the
 * end is there to be read (`padded`), wider than `left` if that is less work.
 */
export function stripWidth(left: i32, widest: i32, padded: bool): i32 {
  if (widest >= 48 && (left >= 48 || (padded && left > 32))) return 48;
  if (widest >= 32 && (left >= 32 || (padded && left > 24))) return 32;
  if (widest >= 16 && (left >= 16 || (padded && left > 8))) return 16;
  return 8;
}

/** Rows of k numbers become [k][full]; columns beyond `count` become 0. */
export function turnStrip(x: usize, count: i32, k: i32, full: i32, to: usize): void {
  const step = bytes(full),
    stride = bytes(k);
  let row = 0;
  for (; row + 4 <= count; row += 4) {
    let p = x + <usize>row * stride,
      q = to + bytes(row),
      left = k;
    for (; left >= 4; left -= 4) {
      turnFour(v128.load(p), v128.load(p + stride), v128.load(p + 2 * stride), v128.load(p + 3 * stride), q, step);
      p += 16;
      q += 4 * step;
    }
    for (; left > 0; left--) {
      for (let lane: usize = 0; lane < 4; lane++) store<f32>(q + (lane << 2), load<f32>(p + lane * stride));
      p += 4;
      q += step;
    }
  }
  for (; row < full; row++) {
    let p = x + <usize>row * stride,
      q = to + bytes(row);
    for (let left = k; left > 0; left--) {
      store<f32>(q, row < count ? load<f32>(p) : 0);
      p += 4;
      q += step;
    }
  }
}

/** Four vectors as four columns, `step` bytes a row. */
// @ts-ignore: decorator
@inline export function turnFour(x0: v128, x1: v128, x2: v128, x3: v128, to: usize, step: usize): void {
  const low01 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5),
    high01 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
  const low23 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5),
    high23 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(to + step, v128.shuffle<i64>(low01, low23, 1, 3));
  v128.store(to + 2 * step, v128.shuffle<i64>(high01, high23, 0, 2));
  v128.store(to + 3 * step, v128.shuffle<i64>(high01, high23, 1, 3));
}

/**
 * Takes up to four rows of `full` results to columns of Y: max(result · scale + shift, floor), each a vector with a number for
 * each row. pmax keeps NaN.
 */
export function turnResults(
  from: usize,
  rows: i32,
  full: i32,
  count: i32,
  to: usize,
  down: usize,
  scale: v128,
  shift: v128,
  floor: v128,
): void {
  const step = bytes(full);
  let j = 0;
  if (rows == 4) {
    for (; j + 4 <= count; j += 4) {
      const x = from + bytes(j),
        x0 = v128.load(x),
        x1 = v128.load(x + step),
        x2 = v128.load(x + 2 * step),
        x3 = v128.load(x + 3 * step);
      const low01 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5),
        high01 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
      const low23 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5),
        high23 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
      const q = to + <usize>j * down;
      v128.store(q, finish(v128.shuffle<i64>(low01, low23, 0, 2), scale, shift, floor));
      v128.store(q + down, finish(v128.shuffle<i64>(low01, low23, 1, 3), scale, shift, floor));
      v128.store(q + 2 * down, finish(v128.shuffle<i64>(high01, high23, 0, 2), scale, shift, floor));
      v128.store(q + 3 * down, finish(v128.shuffle<i64>(high01, high23, 1, 3), scale, shift, floor));
    }
  }
  for (; j < count; j++) {
    const x = from + bytes(j);
    let four = v128.load32_zero(x);
    if (rows > 1) four = v128.load32_lane(x + step, four, 1);
    if (rows > 2) four = v128.load32_lane(x + 2 * step, four, 2);
    if (rows > 3) four = v128.load32_lane(x + 3 * step, four, 3);
    four = finish(four, scale, shift, floor);
    const q = to + <usize>j * down;
    v128.store32_lane(q, four, 0);
    if (rows > 1) v128.store32_lane(q, four, 1, 4);
    if (rows > 2) v128.store32_lane(q, four, 2, 8);
    if (rows > 3) v128.store32_lane(q, four, 3, 12);
  }
}

/** max(x · scale + shift, floor), keeping NaN. */
// @ts-ignore: decorator
@inline export function finish(x: v128, scale: v128, shift: v128, floor: v128): v128 {
  return f32x4.pmax(madd(x, scale, shift), floor);
}

/** Row i of S by 48 columns. */
function row48(i: i32, x: usize, stride: usize, y: usize, _down: usize): void {
  let c0 = f32x4.splat(0),
    c1 = f32x4.splat(0),
    c2 = f32x4.splat(0),
    c3 = f32x4.splat(0);
  let c4 = f32x4.splat(0),
    c5 = f32x4.splat(0),
    c6 = f32x4.splat(0),
    c7 = f32x4.splat(0);
  let c8 = f32x4.splat(0),
    c9 = f32x4.splat(0),
    c10 = f32x4.splat(0),
    c11 = f32x4.splat(0);
  const first = bytes(load<i32>(heads + bytes(i)));
  let p = places + first,
    v = values + first;
  const end = places + bytes(load<i32>(heads + bytes(i), 4));
  while (p < end) {
    const a = v128.load32_splat(v),
      from = x + <usize>load<u32>(p) * stride;
    c0 = madd(a, v128.load(from), c0);
    c1 = madd(a, v128.load(from, 16), c1);
    c2 = madd(a, v128.load(from, 32), c2);
    c3 = madd(a, v128.load(from, 48), c3);
    c4 = madd(a, v128.load(from, 64), c4);
    c5 = madd(a, v128.load(from, 80), c5);
    c6 = madd(a, v128.load(from, 96), c6);
    c7 = madd(a, v128.load(from, 112), c7);
    c8 = madd(a, v128.load(from, 128), c8);
    c9 = madd(a, v128.load(from, 144), c9);
    c10 = madd(a, v128.load(from, 160), c10);
    c11 = madd(a, v128.load(from, 176), c11);
    p += 4;
    v += 4;
  }
  v128.store(y, c0);
  v128.store(y, c1, 16);
  v128.store(y, c2, 32);
  v128.store(y, c3, 48);
  v128.store(y, c4, 64);
  v128.store(y, c5, 80);
  v128.store(y, c6, 96);
  v128.store(y, c7, 112);
  v128.store(y, c8, 128);
  v128.store(y, c9, 144);
  v128.store(y, c10, 160);
  v128.store(y, c11, 176);
}

/** Row i of S by 32 columns. */
function row32(i: i32, x: usize, stride: usize, y: usize, _down: usize): void {
  let c0 = f32x4.splat(0),
    c1 = f32x4.splat(0),
    c2 = f32x4.splat(0),
    c3 = f32x4.splat(0);
  let c4 = f32x4.splat(0),
    c5 = f32x4.splat(0),
    c6 = f32x4.splat(0),
    c7 = f32x4.splat(0);
  const first = bytes(load<i32>(heads + bytes(i)));
  let p = places + first,
    v = values + first;
  const end = places + bytes(load<i32>(heads + bytes(i), 4));
  while (p < end) {
    const a = v128.load32_splat(v),
      from = x + <usize>load<u32>(p) * stride;
    c0 = madd(a, v128.load(from), c0);
    c1 = madd(a, v128.load(from, 16), c1);
    c2 = madd(a, v128.load(from, 32), c2);
    c3 = madd(a, v128.load(from, 48), c3);
    c4 = madd(a, v128.load(from, 64), c4);
    c5 = madd(a, v128.load(from, 80), c5);
    c6 = madd(a, v128.load(from, 96), c6);
    c7 = madd(a, v128.load(from, 112), c7);
    p += 4;
    v += 4;
  }
  v128.store(y, c0);
  v128.store(y, c1, 16);
  v128.store(y, c2, 32);
  v128.store(y, c3, 48);
  v128.store(y, c4, 64);
  v128.store(y, c5, 80);
  v128.store(y, c6, 96);
  v128.store(y, c7, 112);
}

/** Row i of S by 16 columns. */
function row16(i: i32, x: usize, stride: usize, y: usize, _down: usize): void {
  let c0 = f32x4.splat(0),
    c1 = f32x4.splat(0),
    c2 = f32x4.splat(0),
    c3 = f32x4.splat(0);
  const first = bytes(load<i32>(heads + bytes(i)));
  let p = places + first,
    v = values + first;
  const end = places + bytes(load<i32>(heads + bytes(i), 4));
  while (p < end) {
    const a = v128.load32_splat(v),
      from = x + <usize>load<u32>(p) * stride;
    c0 = madd(a, v128.load(from), c0);
    c1 = madd(a, v128.load(from, 16), c1);
    c2 = madd(a, v128.load(from, 32), c2);
    c3 = madd(a, v128.load(from, 48), c3);
    p += 4;
    v += 4;
  }
  v128.store(y, c0);
  v128.store(y, c1, 16);
  v128.store(y, c2, 32);
  v128.store(y, c3, 48);
}

/** Row i of S by eight columns. */
function row8(i: i32, x: usize, stride: usize, y: usize, _down: usize): void {
  let c0 = f32x4.splat(0),
    c1 = f32x4.splat(0);
  const first = bytes(load<i32>(heads + bytes(i)));
  let p = places + first,
    v = values + first;
  const end = places + bytes(load<i32>(heads + bytes(i), 4));
  while (p < end) {
    const a = v128.load32_splat(v),
      from = x + <usize>load<u32>(p) * stride;
    c0 = madd(a, v128.load(from), c0);
    c1 = madd(a, v128.load(from, 16), c1);
    p += 4;
    v += 4;
  }
  v128.store(y, c0);
  v128.store(y, c1, 16);
}

/** Row i of blocks of 4 × 1 by eight columns. */
function blockTile(i: i32, x: usize, stride: usize, y: usize, down: usize): void {
  let c00 = f32x4.splat(0),
    c01 = f32x4.splat(0),
    c10 = f32x4.splat(0),
    c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0),
    c21 = f32x4.splat(0),
    c30 = f32x4.splat(0),
    c31 = f32x4.splat(0);
  const first = bytes(load<i32>(heads + bytes(i)));
  let p = places + first,
    v = values + (first << 2);
  const end = places + bytes(load<i32>(heads + bytes(i), 4));
  while (p < end) {
    const from = x + <usize>load<u32>(p) * stride;
    const b0 = v128.load(from),
      b1 = v128.load(from, 16);
    const a0 = v128.load32_splat(v);
    c00 = madd(a0, b0, c00);
    c01 = madd(a0, b1, c01);
    const a1 = v128.load32_splat(v, 4);
    c10 = madd(a1, b0, c10);
    c11 = madd(a1, b1, c11);
    const a2 = v128.load32_splat(v, 8);
    c20 = madd(a2, b0, c20);
    c21 = madd(a2, b1, c21);
    const a3 = v128.load32_splat(v, 12);
    c30 = madd(a3, b0, c30);
    c31 = madd(a3, b1, c31);
    p += 4;
    v += 16;
  }
  v128.store(y, c00);
  v128.store(y, c01, 16);
  v128.store(y + down, c10);
  v128.store(y + down, c11, 16);
  v128.store(y + 2 * down, c20);
  v128.store(y + 2 * down, c21, 16);
  v128.store(y + 3 * down, c30);
  v128.store(y + 3 * down, c31, 16);
}

/** Row i of blocks of 4 × 4 by eight columns. The column of a block moves on with each turn of the inner loop. */
function squareTile(i: i32, x: usize, stride: usize, y: usize, down: usize): void {
  let c00 = f32x4.splat(0),
    c01 = f32x4.splat(0),
    c10 = f32x4.splat(0),
    c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0),
    c21 = f32x4.splat(0),
    c30 = f32x4.splat(0),
    c31 = f32x4.splat(0);
  const first = bytes(load<i32>(heads + bytes(i)));
  let p = places + first,
    v = values + (first << 4);
  const end = places + bytes(load<i32>(heads + bytes(i), 4)),
    four = stride << 2;
  while (p < end) {
    let from = x + <usize>load<u32>(p) * four;
    const stop = v + 16;
    while (v < stop) {
      const b0 = v128.load(from),
        b1 = v128.load(from, 16);
      const a0 = v128.load32_splat(v);
      c00 = madd(a0, b0, c00);
      c01 = madd(a0, b1, c01);
      const a1 = v128.load32_splat(v, 16);
      c10 = madd(a1, b0, c10);
      c11 = madd(a1, b1, c11);
      const a2 = v128.load32_splat(v, 32);
      c20 = madd(a2, b0, c20);
      c21 = madd(a2, b1, c21);
      const a3 = v128.load32_splat(v, 48);
      c30 = madd(a3, b0, c30);
      c31 = madd(a3, b1, c31);
      from += stride;
      v += 4;
    }
    v += 48;
    p += 4;
  }
  v128.store(y, c00);
  v128.store(y, c01, 16);
  v128.store(y + down, c10);
  v128.store(y + down, c11, 16);
  v128.store(y + 2 * down, c20);
  v128.store(y + 2 * down, c21, 16);
  v128.store(y + 3 * down, c30);
  v128.store(y + 3 * down, c31, 16);
}
