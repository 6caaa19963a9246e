/** The product of two dense matrices at the places of a sparse one: the gradient of the sparse matrix's values. */
import { int, pointer } from './launch';
import { bytes, horizontalSum, madd } from './simd';

/** Columns of G that stay in registers while its row meets the rows of X. */
const STRIP: i32 = 32;

/**
 * values[entry at (i, k)] = Σⱼ G[i, j] · X[k, j].
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0 | values | of the entries, a block's rows one after another |
 * | 1, 2, 3 | heads, places, order | int32, as for `sparseProduct_f32` |
 * | 4, 5 | G, X | M × N, K × N |
 * | 6, 7 | M, N | |
 * | 8 | blockColumns | 0 no blocks, 1 or 4: blocks of 4 × 1 or 4 × 4 |
 *
 * Work: rows of S, or rows of blocks.
 */
export function sparseSample_f32(r: usize, begin: i32, end: i32): void {
  const N = int(r, 7),
    height = int(r, 8) ? 4 : 1;
  for (let i = begin * height; i < end * height; i++) {
    const g = pointer(r, 4) + bytes(i * N);
    let j = 0;
    for (; j + STRIP <= N; j += STRIP) wideDots(r, i, height, g, j);
    if (j < N || N == 0) lastDots(r, i, height, g, j);
  }
}

/** Where the sum of entry p, row `row` and column `column` of a block belongs. */
// @ts-ignore: decorator
@inline function target(r: usize, height: i32, width: i32, p: i32, row: i32, column: i32): usize {
  const at = pointer(r, 3) ? load<i32>(pointer(r, 3) + bytes(p)) : (p * height + row) * width + column;
  return pointer(r, 0) + bytes(at);
}

/** Adds 32 columns to the sums of row i; the first ones replace what is there. */
function wideDots(r: usize, i: i32, height: i32, g: usize, j: i32): void {
  const width = max(1, int(r, 8)),
    line = i / height,
    stride = bytes(int(r, 7)),
    x = pointer(r, 5) + bytes(j),
    heads = pointer(r, 1) + bytes(line);
  const g0 = v128.load(g + bytes(j)),
    g1 = v128.load(g + bytes(j), 16),
    g2 = v128.load(g + bytes(j), 32),
    g3 = v128.load(g + bytes(j), 48);
  const g4 = v128.load(g + bytes(j), 64),
    g5 = v128.load(g + bytes(j), 80),
    g6 = v128.load(g + bytes(j), 96),
    g7 = v128.load(g + bytes(j), 112);
  for (let p = load<i32>(heads), last = load<i32>(heads, 4); p < last; p++) {
    const place = load<i32>(pointer(r, 2) + bytes(p)) * width;
    for (let column = 0; column < width; column++) {
      const from = x + <usize>(place + column) * stride;
      let s0 = f32x4.mul(g0, v128.load(from)),
        s1 = f32x4.mul(g1, v128.load(from, 16));
      s0 = madd(g2, v128.load(from, 32), s0);
      s1 = madd(g3, v128.load(from, 48), s1);
      s0 = madd(g4, v128.load(from, 64), s0);
      s1 = madd(g5, v128.load(from, 80), s1);
      s0 = madd(g6, v128.load(from, 96), s0);
      s1 = madd(g7, v128.load(from, 112), s1);
      const to = target(r, height, width, p, i - line * height, column),
        sum = horizontalSum(f32x4.add(s0, s1));
      store<f32>(to, j == 0 ? sum : load<f32>(to) + sum);
    }
  }
}

/** The same for the columns that are left over. */
function lastDots(r: usize, i: i32, height: i32, g: usize, j: i32): void {
  const N = int(r, 7),
    width = max(1, int(r, 8)),
    line = i / height,
    heads = pointer(r, 1) + bytes(line);
  for (let p = load<i32>(heads), last = load<i32>(heads, 4); p < last; p++) {
    const place = load<i32>(pointer(r, 2) + bytes(p)) * width;
    for (let column = 0; column < width; column++) {
      const x = pointer(r, 5) + bytes((place + column) * N);
      let four = f32x4.splat(0),
        at = j;
      for (; at + 4 <= N; at += 4) four = madd(v128.load(g + bytes(at)), v128.load(x + bytes(at)), four);
      let sum = horizontalSum(four);
      for (; at < N; at++) sum += load<f32>(g + bytes(at)) * load<f32>(x + bytes(at));
      const to = target(r, height, width, p, i - line * height, column);
      store<f32>(to, j == 0 ? sum : load<f32>(to) + sum);
    }
  }
}
