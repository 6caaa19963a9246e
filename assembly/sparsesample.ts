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
    height = int(r, 8) ? 4 : 1,
    isPlain = height == 1 && pointer(r, 3) == 0;
  for (let i = begin * height; i < end * height; i++) {
    const g = pointer(r, 4) + bytes(i * N);
    let j = 0;
    for (; j + STRIP <= N; j += STRIP) wideDots(r, i, height, g, j, isPlain ? fours(r, i, g, j) : 0);
    if (j < N || N == 0) lastDots(r, i, height, g, j);
  }
}

type Fours = (g: usize, x: usize, stride: usize, from: usize, end: usize, to: usize, adds: bool) => void;

/** 32 columns of row i for as many entries as there are fours of; returns how many. */
function fours(r: usize, i: i32, g: usize, j: i32): i32 {
  const first = load<i32>(pointer(r, 1) + bytes(i)),
    count = (load<i32>(pointer(r, 1) + bytes(i), 4) - first) & ~3,
    from = pointer(r, 2) + bytes(first),
    to = pointer(r, 0) + bytes(first);
  // Called by reference, it stays a function of its own: inlined here, it would spill.
  const loop: Fours = fourDots;
  loop(g + bytes(j), pointer(r, 5) + bytes(j), bytes(int(r, 7)), from, from + bytes(count), to, j > 0);
  return count;
}

/** Sums of 32 products for each of four neighbouring entries at a time, which are then added up side by side. */
function fourDots(g: usize, x: usize, stride: usize, from: usize, end: usize, to: usize, adds: bool): void {
  const g0 = v128.load(g),
    g1 = v128.load(g, 16),
    g2 = v128.load(g, 32),
    g3 = v128.load(g, 48);
  const g4 = v128.load(g, 64),
    g5 = v128.load(g, 80),
    g6 = v128.load(g, 96),
    g7 = v128.load(g, 112);
  while (from < end) {
    let at = x + <usize>load<u32>(from) * stride;
    let s0 = f32x4.mul(g0, v128.load(at));
    s0 = madd(g1, v128.load(at, 16), s0);
    s0 = madd(g2, v128.load(at, 32), s0);
    s0 = madd(g3, v128.load(at, 48), s0);
    s0 = madd(g4, v128.load(at, 64), s0);
    s0 = madd(g5, v128.load(at, 80), s0);
    s0 = madd(g6, v128.load(at, 96), s0);
    s0 = madd(g7, v128.load(at, 112), s0);
    at = x + <usize>load<u32>(from, 4) * stride;
    let s1 = f32x4.mul(g0, v128.load(at));
    s1 = madd(g1, v128.load(at, 16), s1);
    s1 = madd(g2, v128.load(at, 32), s1);
    s1 = madd(g3, v128.load(at, 48), s1);
    s1 = madd(g4, v128.load(at, 64), s1);
    s1 = madd(g5, v128.load(at, 80), s1);
    s1 = madd(g6, v128.load(at, 96), s1);
    s1 = madd(g7, v128.load(at, 112), s1);
    // Each half: lanes 0 and 2, 1 and 3 of either sum added.
    const low = f32x4.add(v128.shuffle<i32>(s0, s1, 0, 4, 1, 5), v128.shuffle<i32>(s0, s1, 2, 6, 3, 7));
    at = x + <usize>load<u32>(from, 8) * stride;
    let s2 = f32x4.mul(g0, v128.load(at));
    s2 = madd(g1, v128.load(at, 16), s2);
    s2 = madd(g2, v128.load(at, 32), s2);
    s2 = madd(g3, v128.load(at, 48), s2);
    s2 = madd(g4, v128.load(at, 64), s2);
    s2 = madd(g5, v128.load(at, 80), s2);
    s2 = madd(g6, v128.load(at, 96), s2);
    s2 = madd(g7, v128.load(at, 112), s2);
    at = x + <usize>load<u32>(from, 12) * stride;
    let s3 = f32x4.mul(g0, v128.load(at));
    s3 = madd(g1, v128.load(at, 16), s3);
    s3 = madd(g2, v128.load(at, 32), s3);
    s3 = madd(g3, v128.load(at, 48), s3);
    s3 = madd(g4, v128.load(at, 64), s3);
    s3 = madd(g5, v128.load(at, 80), s3);
    s3 = madd(g6, v128.load(at, 96), s3);
    s3 = madd(g7, v128.load(at, 112), s3);
    const high = f32x4.add(v128.shuffle<i32>(s2, s3, 0, 4, 1, 5), v128.shuffle<i32>(s2, s3, 2, 6, 3, 7));
    let sums = f32x4.add(v128.shuffle<i64>(low, high, 0, 2), v128.shuffle<i64>(low, high, 1, 3));
    if (adds) sums = f32x4.add(sums, v128.load(to));
    v128.store(to, sums);
    from += 16;
    to += 16;
  }
}

/** Where the sum of entry p, row `row` and column `column` of a block belongs. */
// @ts-ignore: decorator
@inline function target(r: usize, height: i32, width: i32, p: i32, row: i32, column: i32): usize {
  const at = pointer(r, 3) ? load<i32>(pointer(r, 3) + bytes(p)) : (p * height + row) * width + column;
  return pointer(r, 0) + bytes(at);
}

/** Adds 32 columns to the sums of row i, but for the first `done` entries; the first ones replace what is there. */
function wideDots(r: usize, i: i32, height: i32, g: usize, j: i32, done: i32): void {
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
  for (let p = load<i32>(heads) + done, last = load<i32>(heads, 4); p < last; p++) {
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
