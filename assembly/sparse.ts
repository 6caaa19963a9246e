/**
 * A sparse matrix times a dense one.
 *
 *       Y (M × N)  =  S (M × K, compressed by rows or by rows of blocks)  ·  X (K × N)
 *
 * Columns of X are taken in strips of 32 (blocks: of 8), so that the rows of X that neighbouring rows of S pick stay in the
 * cache. A nonzero costs one splat and eight multiply-adds; a block is the dense tile of four rows and eight columns
 * with an index load in place of the next row of X. What is left of N is taken in strips of 8, the last of them overlapping
 * the one before.
 *
 * Both dense matrices may lie transposed, as a linear layer has them (a row for each item of the batch): a strip of X is then
 * transposed into scratch and padded, and four rows of results are transposed on the way out. A single column has loops
 * of its own, and so have a few.
 *
 * Every number of Y is summed over its row of S from left to right (a single column: in four or two partial sums), whatever
 * the share of the work.
 */
import { int, pointer, scratch } from './launch';
import { bytes, horizontalSum, madd } from './simd';

/** Rows of a block. */
const BLOCK: i32 = 4;
const STRIP: i32 = 32;
const NARROW: i32 = 8;
/** Scratch: four rows of a strip of results, then values in order, then a strip of X. */
const RESULTS: usize = 512;

/** Row i of S, or of its blocks, by the columns of a strip. Rows of X are `stride` bytes apart, and those of Y `down`. */
type Tile = (i: i32, x: usize, stride: usize, y: usize, down: usize) => void;

// The product under way. A module variable is private to an instance, and an instance runs one kernel at a time.
let heads: usize = 0;
let places: usize = 0;
let values: usize = 0;
/** Columns of a block; 0: there are no blocks. */
let width: i32 = 0;

/**
 * Y = S · X.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | Y | M × N; transposed: N × M |
 * | 1 | heads | int32, M + 1 (blocks: ceil(M / 4) + 1): where each row of S begins among its entries |
 * | 2 | places | int32: the column of each entry, counted in blocks |
 * | 3 | values | of the entries; a block's are its rows one after another |
 * | 4 | order | int32: where the value of each entry stands among `values`; 0: in the same order. Without blocks |
 * | 5 | X | K × N; transposed: N × K |
 * | 6, 7, 8 | M, N, K | |
 * | 9 | blockColumns | 0 no blocks, 1 or 4: blocks of 4 × 1 or 4 × 4, where M is a multiple of 4 |
 * | 10 | transposed | 1: X and Y are |
 * | 11 | entries | of S |
 *
 * Work: rows of S, or rows of blocks.
 * Scratch in bytes: 512 + (order ? 4 · entries : 0) + (transposed ? 128 · K : 0).
 */
export function sparseProduct_f32(r: usize, begin: i32, end: i32): void {
  const N = int(r, 7);
  heads = pointer(r, 1);
  places = pointer(r, 2);
  values = pointer(r, 3);
  width = int(r, 9);
  let room = scratch() + RESULTS;
  if (pointer(r, 4)) {
    putInOrder(pointer(r, 4), load<i32>(heads + bytes(begin)), load<i32>(heads + bytes(end)), room);
    values = room;
    room += bytes(int(r, 11));
  }
  if (N == 1) {
    if (width) blockColumn(pointer(r, 5), pointer(r, 0), begin, end);
    else column(pointer(r, 5), pointer(r, 0), begin, end);
    return;
  }
  const transposed = int(r, 10) != 0;
  if (!transposed && N < NARROW) {
    few(pointer(r, 5), pointer(r, 0), N, begin, end);
    return;
  }
  let j = 0;
  if (width == 0) for (; j + STRIP <= N; j += STRIP) strip(r, j, STRIP, STRIP, begin, end, room);
  for (; j < N; j += NARROW) {
    if (transposed) strip(r, j, min(NARROW, N - j), NARROW, begin, end, room);
    else strip(r, min(j, N - NARROW), NARROW, NARROW, begin, end, room);
  }
}

function putInOrder(order: usize, first: i32, last: i32, to: usize): void {
  for (let i = first; i < last; i++) {
    store<f32>(to + bytes(i), load<f32>(values + bytes(load<i32>(order + bytes(i)))));
  }
}

/** Columns [j, j + count) of the result, as a strip `full` wide, for rows (of blocks) [begin, end). */
function strip(r: usize, j: i32, count: i32, full: i32, begin: i32, end: i32, room: usize): void {
  const M = int(r, 6),
    N = int(r, 7),
    K = int(r, 8),
    transposed = int(r, 10) != 0;
  let x = pointer(r, 5) + bytes(j),
    stride = bytes(N);
  if (transposed) {
    turnStrip(pointer(r, 5) + bytes(j * K), count, K, full, room);
    x = room;
    stride = bytes(full);
  }
  const results = scratch();
  // Called by reference, each loop stays a function of its own: inlined here, it would spill.
  const tile: Tile = width == 1 ? blockTile : width ? squareTile : full == STRIP ? wideRow : narrowRow;
  const height = width ? 1 : transposed ? BLOCK : 1;
  const y = pointer(r, 0) + bytes(transposed ? j * M : j);
  for (let i = begin; i < end; i += height) {
    const rows = min(height, end - i),
      first = width ? i * BLOCK : i;
    const to = transposed ? results : y + <usize>first * stride;
    for (let row = 0; row < rows; row++) tile(i + row, x, stride, to + <usize>row * stride, stride);
    if (transposed) turnResults(results, width ? BLOCK : rows, full, count, y + bytes(first), bytes(M));
  }
}

/** Rows of k numbers become [k][full]; columns beyond `count` become 0. */
function turnStrip(x: usize, count: i32, k: i32, full: i32, to: usize): void {
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
@inline function turnFour(x0: v128, x1: v128, x2: v128, x3: v128, to: usize, step: usize): void {
  const low01 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5),
    high01 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
  const low23 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5),
    high23 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(to + step, v128.shuffle<i64>(low01, low23, 1, 3));
  v128.store(to + 2 * step, v128.shuffle<i64>(high01, high23, 0, 2));
  v128.store(to + 3 * step, v128.shuffle<i64>(high01, high23, 1, 3));
}

/** Takes up to four rows of `full` results to columns of Y. */
function turnResults(from: usize, rows: i32, full: i32, count: i32, to: usize, down: usize): void {
  const step = bytes(full);
  let j = 0;
  if (rows == 4) {
    for (; j + 4 <= count; j += 4) {
      const x = from + bytes(j);
      const x2 = v128.load(x + 2 * step),
        x3 = v128.load(x + 3 * step);
      turnFour(v128.load(x), v128.load(x + step), x2, x3, to + <usize>j * down, down);
    }
  }
  for (; j < count; j++) {
    for (let row = 0; row < rows; row++) {
      store<f32>(to + <usize>j * down + bytes(row), load<f32>(from + <usize>row * step + bytes(j)));
    }
  }
}

/** Row i of S by 32 columns. */
function wideRow(i: i32, x: usize, stride: usize, y: usize, _down: usize): void {
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

/** Row i of S by eight columns. */
function narrowRow(i: i32, x: usize, stride: usize, y: usize, _down: usize): void {
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

/** A single column: four partial sums hide the latency of an addition. */
function column(x: usize, y: usize, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) {
    const first = bytes(load<i32>(heads + bytes(i)));
    let p = places + first,
      v = values + first;
    const stop = places + bytes(load<i32>(heads + bytes(i), 4));
    let s0: f32 = 0,
      s1: f32 = 0,
      s2: f32 = 0,
      s3: f32 = 0;
    for (; p + 16 <= stop; p += 16) {
      s0 += load<f32>(v) * load<f32>(x + (load<u32>(p) << 2));
      s1 += load<f32>(v, 4) * load<f32>(x + (load<u32>(p, 4) << 2));
      s2 += load<f32>(v, 8) * load<f32>(x + (load<u32>(p, 8) << 2));
      s3 += load<f32>(v, 12) * load<f32>(x + (load<u32>(p, 12) << 2));
      v += 16;
    }
    for (; p < stop; p += 4) {
      s0 += load<f32>(v) * load<f32>(x + (load<u32>(p) << 2));
      v += 4;
    }
    store<f32>(y + bytes(i), s0 + s1 + (s2 + s3));
  }
}

/** A single column by blocks: four rows at a time, or four partial sums of each of four rows. */
function blockColumn(x: usize, y: usize, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) {
    let p = places + bytes(load<i32>(heads + bytes(i))),
      v = values + bytes(load<i32>(heads + bytes(i)) * BLOCK * width);
    const stop = places + bytes(load<i32>(heads + bytes(i), 4));
    let s0 = f32x4.splat(0),
      s1 = f32x4.splat(0),
      s2 = f32x4.splat(0),
      s3 = f32x4.splat(0);
    if (width == 1) {
      for (; p + 8 <= stop; p += 8) {
        s0 = madd(v128.load(v), v128.load32_splat(x + (load<u32>(p) << 2)), s0);
        s1 = madd(v128.load(v, 16), v128.load32_splat(x + (load<u32>(p, 4) << 2)), s1);
        v += 32;
      }
      if (p < stop) s0 = madd(v128.load(v), v128.load32_splat(x + (load<u32>(p) << 2)), s0);
      v128.store(y + bytes(i * BLOCK), f32x4.add(s0, s1));
    } else {
      for (; p < stop; p += 4) {
        const four = v128.load(x + (load<u32>(p) << 4));
        s0 = madd(v128.load(v), four, s0);
        s1 = madd(v128.load(v, 16), four, s1);
        s2 = madd(v128.load(v, 32), four, s2);
        s3 = madd(v128.load(v, 48), four, s3);
        v += 64;
      }
      const to = y + bytes(i * BLOCK);
      store<f32>(to, horizontalSum(s0));
      store<f32>(to, horizontalSum(s1), 4);
      store<f32>(to, horizontalSum(s2), 8);
      store<f32>(to, horizontalSum(s3), 12);
    }
  }
}

/** Fewer columns than a strip: the sums of a row gather in Y itself. */
function few(x: usize, y: usize, N: i32, begin: i32, end: i32): void {
  const height = width ? BLOCK : 1,
    across = max(1, width);
  for (let i = begin; i < end; i++) {
    const first = load<i32>(heads + bytes(i)),
      last = load<i32>(heads + bytes(i), 4);
    for (let row = 0; row < height; row++) {
      const to = y + bytes((i * height + row) * N);
      for (let j = 0; j < N; j++) store<f32>(to + bytes(j), 0);
      for (let p = first; p < last; p++) {
        let from = x + bytes(load<i32>(places + bytes(p)) * across * N),
          v = values + bytes((p * height + row) * across);
        for (let column = 0; column < across; column++) {
          const a = load<f32>(v);
          for (let j = 0; j < N; j++) {
            store<f32>(to + bytes(j), load<f32>(to + bytes(j)) + a * load<f32>(from));
            from += 4;
          }
          v += 4;
        }
      }
    }
  }
}
