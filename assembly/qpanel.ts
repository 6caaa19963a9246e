/** The panels of int8 products, whose layout is drawn in qgemm.ts, and weights packed ahead of time. */
import { int, pointer } from './launch';
import { bytes } from './simd';

export const TILE_ROWS: i32 = 4;
export const TILE_COLUMNS: i32 = 8;
/** Bytes of a panel of B for each pair of k. */
export const PANEL_STEP: usize = 16;

/** Pairs of k of up to four rows of A, side by side; a single row by itself. Missing rows repeat the last. */
export function packTileRows(source: usize, stride: usize, rows: i32, K: i32, panel: usize): void {
  if (rows == 1) {
    let k = K;
    for (; k >= 8; k -= 8) {
      v128.store(panel, v128.load_ext<i8>(source));
      source += 8;
      panel += 16;
    }
    for (; k > 0; k -= 2) {
      store<i32>(panel, pairAt(source, k));
      source += 2;
      panel += 4;
    }
    return;
  }
  let p0 = source,
    p1 = source + stride;
  let p2 = rows > 2 ? p1 + stride : p1;
  let p3 = rows > 3 ? p2 + stride : p2;
  let k = K;
  for (; k >= 8; k -= 8) {
    const x0 = v128.load_ext<i8>(p0),
      x1 = v128.load_ext<i8>(p1);
    const x2 = v128.load_ext<i8>(p2),
      x3 = v128.load_ext<i8>(p3);
    const low01 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5),
      high01 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
    const low23 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5),
      high23 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
    v128.store(panel, v128.shuffle<i64>(low01, low23, 0, 2));
    v128.store(panel, v128.shuffle<i64>(low01, low23, 1, 3), 16);
    v128.store(panel, v128.shuffle<i64>(high01, high23, 0, 2), 32);
    v128.store(panel, v128.shuffle<i64>(high01, high23, 1, 3), 48);
    p0 += 8;
    p1 += 8;
    p2 += 8;
    p3 += 8;
    panel += 64;
  }
  for (; k > 0; k -= 2) {
    store<i32>(panel, pairAt(p0, k));
    store<i32>(panel, pairAt(p1, k), 4);
    store<i32>(panel, pairAt(p2, k), 8);
    store<i32>(panel, pairAt(p3, k), 12);
    p0 += 2;
    p1 += 2;
    p2 += 2;
    p3 += 2;
    panel += 16;
  }
}

/** Two int8 as two int16; beyond the last of `left` stands a zero. */
// @ts-ignore: decorator
@inline function pairAt(from: usize, left: i32): i32 {
  return (<i32>load<i8>(from) & 0xffff) | (left > 1 ? (<i32>load<i8>(from, 1)) << 16 : 0);
}

/** Up to eight rows of the transposed B become a panel, eight pairs of k at a time. Missing rows repeat the last. */
export function packPanel(source: usize, stride: usize, count: i32, K: i32, panel: usize): void {
  let p0 = source;
  let p1 = count > 1 ? p0 + stride : p0;
  let p2 = count > 2 ? p1 + stride : p1;
  let p3 = count > 3 ? p2 + stride : p2;
  let p4 = count > 4 ? p3 + stride : p3;
  let p5 = count > 5 ? p4 + stride : p4;
  let p6 = count > 6 ? p5 + stride : p5;
  let p7 = count > 7 ? p6 + stride : p6;
  let k = K;
  for (; k >= 16; k -= 16) {
    const x0 = v128.load(p0),
      x1 = v128.load(p1),
      x2 = v128.load(p2),
      x3 = v128.load(p3);
    const low01 = v128.shuffle<i16>(x0, x1, 0, 8, 1, 9, 2, 10, 3, 11);
    const high01 = v128.shuffle<i16>(x0, x1, 4, 12, 5, 13, 6, 14, 7, 15);
    const low23 = v128.shuffle<i16>(x2, x3, 0, 8, 1, 9, 2, 10, 3, 11);
    const high23 = v128.shuffle<i16>(x2, x3, 4, 12, 5, 13, 6, 14, 7, 15);
    const x4 = v128.load(p4),
      x5 = v128.load(p5),
      x6 = v128.load(p6),
      x7 = v128.load(p7);
    const low45 = v128.shuffle<i16>(x4, x5, 0, 8, 1, 9, 2, 10, 3, 11);
    const high45 = v128.shuffle<i16>(x4, x5, 4, 12, 5, 13, 6, 14, 7, 15);
    const low67 = v128.shuffle<i16>(x6, x7, 0, 8, 1, 9, 2, 10, 3, 11);
    const high67 = v128.shuffle<i16>(x6, x7, 4, 12, 5, 13, 6, 14, 7, 15);
    storePairs(low01, low23, low45, low67, panel);
    storePairs(high01, high23, high45, high67, panel + 64);
    p0 += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
    p4 += 16;
    p5 += 16;
    p6 += 16;
    p7 += 16;
    panel += 128;
  }
  for (; k > 0; k -= 2) {
    storePair(p0, k, panel);
    storePair(p1, k, panel + 2);
    storePair(p2, k, panel + 4);
    storePair(p3, k, panel + 6);
    storePair(p4, k, panel + 8);
    storePair(p5, k, panel + 10);
    storePair(p6, k, panel + 12);
    storePair(p7, k, panel + 14);
    p0 += 2;
    p1 += 2;
    p2 += 2;
    p3 += 2;
    p4 += 2;
    p5 += 2;
    p6 += 2;
    p7 += 2;
    panel += PANEL_STEP;
  }
}

/** Four rows of a panel from interleaved pairs: x01 holds pairs 0 … 3 of rows 0 and 1 in turn, and so on. */
// @ts-ignore: decorator
@inline function storePairs(x01: v128, x23: v128, x45: v128, x67: v128, to: usize): void {
  const low03 = v128.shuffle<i32>(x01, x23, 0, 4, 1, 5),
    high03 = v128.shuffle<i32>(x01, x23, 2, 6, 3, 7);
  const low47 = v128.shuffle<i32>(x45, x67, 0, 4, 1, 5),
    high47 = v128.shuffle<i32>(x45, x67, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(low03, low47, 0, 2));
  v128.store(to, v128.shuffle<i64>(low03, low47, 1, 3), 16);
  v128.store(to, v128.shuffle<i64>(high03, high47, 0, 2), 32);
  v128.store(to, v128.shuffle<i64>(high03, high47, 1, 3), 48);
}

// @ts-ignore: decorator
@inline function storePair(from: usize, left: i32, to: usize): void {
  store<i8>(to, load<i8>(from));
  store<i8>(to, left > 1 ? load<i8>(from, 1) : 0, 1);
}

/**
 * Packs weights for `qgemm_*`, once for as long as they last, and adds them up for its zero point.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | packed | 16 · ceil(N / 8) · ceil(K / 2) bytes |
 * | 1 | sums | int32, N: the sum of each row of B; 0 if not wanted |
 * | 2 | B | int8, N × K |
 * | 3, 4, 5 | N, K, ldb | ldb in elements |
 *
 * Work: ceil(N / 8).
 */
export function qpack_i8(r: usize, begin: i32, end: i32): void {
  const N = int(r, 3),
    k = int(r, 4),
    stride = <usize>int(r, 5);
  const panel = <usize>((k + 1) / 2) * PANEL_STEP;
  for (let item = begin; item < end; item++) {
    const j = item * TILE_COLUMNS,
      count = min(TILE_COLUMNS, N - j),
      rows = pointer(r, 2) + <usize>j * stride;
    packPanel(rows, stride, count, k, pointer(r, 0) + <usize>item * panel);
    if (pointer(r, 1) == 0) continue;
    for (let row = 0; row < count; row++) {
      store<i32>(pointer(r, 1) + bytes(j + row), sumOf(rows + <usize>row * stride, k));
    }
  }
}

function sumOf(x: usize, k: i32): i32 {
  let sums = i32x4.splat(0);
  for (; k >= 16; k -= 16) {
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v128.load(x))));
    x += 16;
  }
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2);
  sum += i32x4.extract_lane(sums, 3);
  for (; k > 0; k--) {
    sum += load<i8>(x);
    x++;
  }
  return sum;
}
