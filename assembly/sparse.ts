/**
 * A sparse matrix times a dense one.
 *
 *       Y (M × N)  =  S (M × K, compressed by rows or by rows of blocks)  ·  X (K × N)
 *
 * Columns of X are taken in strips of 48, 32, 16 and 8 (blocks: of 8), so that the rows of X that neighbouring rows of S pick
 * stay in the cache. What is left of N is an overlapping strip of 8. A block is the dense tile of four rows and eight columns
 * with an index load in place of the next row of X.
 *
 * Both dense matrices may lie transposed, as a linear layer has them (a row for each item of the batch): a strip of X is then
 * transposed into scratch and padded, and four rows of results are transposed on the way out, where a bias is added and relu
 * applied. A single column has loops of its own, and so have a few.
 *
 * Every number of Y is summed over its row of S from left to right (a single column: in four or two partial sums), whatever
 * the share of the work.
 */
import { int, pointer, scratch } from './launch';
import { bytes, horizontalSum, madd } from './simd';
import {
  BLOCK,
  multiplyBy,
  NARROWEST,
  RESULTS,
  stripWidth,
  tileOf,
  turnResults,
  turnStrip,
  WIDEST,
} from './sparsetile';

// The product under way. A module variable is private to an instance, and an instance runs one kernel at a time.
let heads: usize = 0;
let places: usize = 0;
let values: usize = 0;
/** Columns of a block; 0: there are no blocks. */
let width: i32 = 0;
/** A number for each row of Y, or 0; what results are no lower than. */
let bias: usize = 0;
let floor: f32 = 0;

/**
 * Y = S · X, or relu(S · X + bias).
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | Y | M × N; transposed: N × M |
 * | 1 | heads | int32, M + 1 (blocks: ceil(M / 4) + 1): where each row of S begins among its entries |
 * | 2 | places | int32: the column of each entry, counted in blocks |
 * | 3 | values | of the entries; a block's are its rows one after another |
 * | 4 | order | int32: where the value of each entry stands among `values`; 0: in the same order. Without blocks |
 * | 5 | X | K × N; transposed: N × K |
 * | 6 | bias | M, or 0. With it or relu, X and Y must be transposed |
 * | 7, 8, 9 | M, N, K | |
 * | 10 | blockColumns | 0 no blocks, 1 or 4: blocks of 4 × 1 or 4 × 4, where M is a multiple of 4 |
 * | 11 | transposed | 1: X and Y are |
 * | 12 | entries | of S |
 * | 13 | relu | 1: negative results become 0 |
 *
 * Work: rows of S, or rows of blocks.
 * Scratch in bytes: 768 + (order ? 4 · entries : 0) + (transposed ? 192 · K : 0).
 */
export function sparseProduct_f32(r: usize, begin: i32, end: i32): void {
  const N = int(r, 8);
  heads = pointer(r, 1);
  places = pointer(r, 2);
  values = pointer(r, 3);
  bias = pointer(r, 6);
  width = int(r, 10);
  floor = int(r, 13) ? 0 : -Infinity;
  let room = scratch() + RESULTS;
  if (pointer(r, 4)) {
    putInOrder(pointer(r, 4), load<i32>(heads + bytes(begin)), load<i32>(heads + bytes(end)), room);
    values = room;
    room += bytes(int(r, 12));
  }
  multiplyBy(heads, places, values);
  if (N == 1) {
    if (width) blockColumn(pointer(r, 5), pointer(r, 0), begin, end);
    else column(pointer(r, 5), pointer(r, 0), begin, end);
    return;
  }
  const transposed = int(r, 11) != 0;
  if (!transposed && N < NARROWEST) {
    few(pointer(r, 5), pointer(r, 0), N, begin, end);
    return;
  }
  const widest = width ? NARROWEST : WIDEST;
  for (let j = 0; j < N; ) {
    const full = stripWidth(N - j, widest, transposed),
      count = min(full, N - j);
    strip(r, transposed ? j : min(j, N - full), count, full, begin, end, room);
    j += count;
  }
}

function putInOrder(order: usize, first: i32, last: i32, to: usize): void {
  for (let i = first; i < last; i++) {
    store<f32>(to + bytes(i), load<f32>(values + bytes(load<i32>(order + bytes(i)))));
  }
}

/** Columns [j, j + count) of the result, as a strip `full` wide, for rows (of blocks) [begin, end). */
function strip(r: usize, j: i32, count: i32, full: i32, begin: i32, end: i32, room: usize): void {
  const M = int(r, 7),
    N = int(r, 8),
    K = int(r, 9),
    transposed = int(r, 11) != 0;
  let x = pointer(r, 5) + bytes(j),
    stride = bytes(N);
  if (transposed) {
    turnStrip(pointer(r, 5) + bytes(j * K), count, K, full, room);
    x = room;
    stride = bytes(full);
  }
  const results = scratch();
  const tile = tileOf(width, full);
  const height = width ? 1 : transposed ? BLOCK : 1;
  const y = pointer(r, 0) + bytes(transposed ? j * M : j);
  for (let i = begin; i < end; i += height) {
    const rows = min(height, end - i),
      first = width ? i * BLOCK : i;
    const to = transposed ? results : y + <usize>first * stride;
    for (let row = 0; row < rows; row++) tile(i + row, x, stride, to + <usize>row * stride, stride);
    if (!transposed) continue;
    const present = width ? BLOCK : rows;
    const one = f32x4.splat(1);
    turnResults(
      results,
      present,
      full,
      count,
      y + bytes(first),
      bytes(M),
      one,
      shifts(first, present),
      f32x4.splat(floor),
    );
  }
}

/** What is added to up to four rows of results. */
function shifts(first: i32, rows: i32): v128 {
  if (bias == 0) return f32x4.splat(0);
  const at = bias + bytes(first);
  if (rows == 4) return v128.load(at);
  let four = v128.load32_zero(at);
  if (rows > 1) four = v128.load32_lane(at, four, 1, 4);
  if (rows > 2) four = v128.load32_lane(at, four, 2, 8);
  return four;
}

/** A sum with what follows it: the bias of row i, relu. */
// @ts-ignore: decorator
@inline function finished(sum: f32, i: i32): f32 {
  const y = bias ? sum + load<f32>(bias + bytes(i)) : sum;
  return y < floor ? floor : y;
}

/** A single column: four partial sums side by side, whose numbers of X are loaded two by two. */
function column(x: usize, y: usize, begin: i32, end: i32): void {
  for (let i = begin; i < end; i++) {
    const first = bytes(load<i32>(heads + bytes(i)));
    let p = places + first,
      v = values + first;
    const stop = places + bytes(load<i32>(heads + bytes(i), 4));
    let four = f32x4.splat(0);
    for (; p + 16 <= stop; p += 16) {
      // Two places in one load: loads are what binds this loop.
      const low = load<u64>(p),
        high = load<u64>(p, 8);
      let x01 = v128.load32_zero(x + ((<usize>(<u32>low)) << 2)),
        x23 = v128.load32_zero(x + ((<usize>(<u32>high)) << 2));
      x01 = v128.load32_lane(x + ((<usize>(low >> 32)) << 2), x01, 1);
      x23 = v128.load32_lane(x + ((<usize>(high >> 32)) << 2), x23, 1);
      four = madd(v128.load(v), v128.shuffle<i64>(x01, x23, 0, 2), four);
      v += 16;
    }
    let rest: f32 = 0;
    for (; p < stop; p += 4) {
      rest += load<f32>(v) * load<f32>(x + (load<u32>(p) << 2));
      v += 4;
    }
    store<f32>(y + bytes(i), finished(horizontalSum(four) + rest, i));
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
      const sum = f32x4.add(f32x4.add(s0, s1), shifts(i * BLOCK, BLOCK));
      v128.store(y + bytes(i * BLOCK), f32x4.pmax(sum, f32x4.splat(floor)));
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
      store<f32>(to, finished(horizontalSum(s0), i * BLOCK));
      store<f32>(to, finished(horizontalSum(s1), i * BLOCK + 1), 4);
      store<f32>(to, finished(horizontalSum(s2), i * BLOCK + 2), 8);
      store<f32>(to, finished(horizontalSum(s3), i * BLOCK + 3), 12);
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
