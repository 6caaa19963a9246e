/** The innermost loops of products with few rows, which read the matrix where it lies. */
import { TILE_STRIDE } from './microkernel';
import { bytes, madd, splat } from './simd';

/**
 * Inner products read both operands where they lie: sums[j] = x · w[j], the product with a transposed matrix whose rows
 * w[j] stand `stride` bytes apart. The loops leave four partial sums of each product, from sums + DOT_LANES on, and
 * `sumLanes` adds them up. `sums` has room for 256 bytes.
 */
const DOT_LANES: usize = 64;

/**
 * Partial sums of the products of x with w[0] … w[7], eight steps of k at a time. Rows beyond `count` repeat the last. Like
 * the register tiles, these loops are given where the k numbers of x and of w[0] end.
 */
function lanesOfOne(k: i32, endX: usize, endW: usize, stride: usize, count: i32, sums: usize): void {
  let s0 = splat(0),
    s1 = splat(0),
    s2 = splat(0),
    s3 = splat(0);
  let s4 = splat(0),
    s5 = splat(0),
    s6 = splat(0),
    s7 = splat(0);
  let x = endX - bytes(k),
    w = endW - bytes(k);
  let w1 = count > 1 ? w + stride : w;
  let w2 = count > 2 ? w1 + stride : w1;
  let w3 = count > 3 ? w2 + stride : w2;
  let w4 = count > 4 ? w3 + stride : w3;
  let w5 = count > 5 ? w4 + stride : w4;
  let w6 = count > 6 ? w5 + stride : w5;
  let w7 = count > 7 ? w6 + stride : w6;
  while (x < endX) {
    const v = v128.load(x),
      next = v128.load(x, 16);
    s0 = madd(next, v128.load(w, 16), madd(v, v128.load(w), s0));
    w += 32;
    s1 = madd(next, v128.load(w1, 16), madd(v, v128.load(w1), s1));
    w1 += 32;
    s2 = madd(next, v128.load(w2, 16), madd(v, v128.load(w2), s2));
    w2 += 32;
    s3 = madd(next, v128.load(w3, 16), madd(v, v128.load(w3), s3));
    w3 += 32;
    s4 = madd(next, v128.load(w4, 16), madd(v, v128.load(w4), s4));
    w4 += 32;
    s5 = madd(next, v128.load(w5, 16), madd(v, v128.load(w5), s5));
    w5 += 32;
    s6 = madd(next, v128.load(w6, 16), madd(v, v128.load(w6), s6));
    w6 += 32;
    s7 = madd(next, v128.load(w7, 16), madd(v, v128.load(w7), s7));
    w7 += 32;
    x += 32;
  }
  v128.store(sums, s0, DOT_LANES);
  v128.store(sums, s1, DOT_LANES + 16);
  v128.store(sums, s2, DOT_LANES + 32);
  v128.store(sums, s3, DOT_LANES + 48);
  v128.store(sums, s4, DOT_LANES + 64);
  v128.store(sums, s5, DOT_LANES + 80);
  v128.store(sums, s6, DOT_LANES + 96);
  v128.store(sums, s7, DOT_LANES + 112);
}

/** Partial sums of the products of x and of y with w[0] … w[3], four steps of k at a time. */
function lanesOfTwo(k: i32, endX: usize, endY: usize, endW: usize, stride: usize, count: i32, sums: usize): void {
  let s0 = splat(0),
    s1 = splat(0),
    s2 = splat(0),
    s3 = splat(0);
  let t0 = splat(0),
    t1 = splat(0),
    t2 = splat(0),
    t3 = splat(0);
  let x = endX - bytes(k),
    y = endY - bytes(k),
    w = endW - bytes(k);
  let w1 = count > 1 ? w + stride : w;
  let w2 = count > 2 ? w1 + stride : w1;
  let w3 = count > 3 ? w2 + stride : w2;
  while (x < endX) {
    const u = v128.load(x),
      v = v128.load(y);
    const r0 = v128.load(w);
    s0 = madd(u, r0, s0);
    t0 = madd(v, r0, t0);
    const r1 = v128.load(w1);
    s1 = madd(u, r1, s1);
    t1 = madd(v, r1, t1);
    const r2 = v128.load(w2);
    s2 = madd(u, r2, s2);
    t2 = madd(v, r2, t2);
    const r3 = v128.load(w3);
    s3 = madd(u, r3, s3);
    t3 = madd(v, r3, t3);
    x += 16;
    y += 16;
    w += 16;
    w1 += 16;
    w2 += 16;
    w3 += 16;
  }
  v128.store(sums, s0, DOT_LANES);
  v128.store(sums, s1, DOT_LANES + 16);
  v128.store(sums, s2, DOT_LANES + 32);
  v128.store(sums, s3, DOT_LANES + 48);
  v128.store(sums, t0, DOT_LANES + 64);
  v128.store(sums, t1, DOT_LANES + 80);
  v128.store(sums, t2, DOT_LANES + 96);
  v128.store(sums, t3, DOT_LANES + 112);
}

/** Four sums of lanes at `to`, each (a0 + a1) + (a2 + a3) like `horizontalSum`, from the four vectors at `from`. */
// @ts-ignore: decorator
@inline function sumLanes(from: usize, to: usize): void {
  const a = v128.load(from),
    b = v128.load(from, 16),
    c = v128.load(from, 32),
    d = v128.load(from, 48);
  const ab01 = v128.shuffle<i32>(a, b, 0, 4, 1, 5),
    ab23 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cd01 = v128.shuffle<i32>(c, d, 0, 4, 1, 5),
    cd23 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  const sum01 = f32x4.add(v128.shuffle<i64>(ab01, cd01, 0, 2), v128.shuffle<i64>(ab01, cd01, 1, 3));
  const sum23 = f32x4.add(v128.shuffle<i64>(ab23, cd23, 0, 2), v128.shuffle<i64>(ab23, cd23, 1, 3));
  v128.store(to, f32x4.add(sum01, sum23));
}

/** Adds the last k < 4 products to each of `count` sums. */
// @ts-ignore: decorator
@inline function addLast(k: i32, x: usize, w: usize, stride: usize, count: i32, sums: usize): void {
  if (k == 0) return;
  for (let j = 0; j < count; j++) {
    let sum = load<f32>(sums);
    for (let p: usize = 0; p < bytes(k); p += 4) sum += load<f32>(x + p) * load<f32>(w + p);
    store<f32>(sums, sum);
    w += stride;
    sums += 4;
  }
}

/** sums[j] = x · w[j] for j < count ≤ 8. */
export function dotsOfOne(k: i32, x: usize, w: usize, stride: usize, count: i32, sums: usize): void {
  const whole = bytes(k & ~7);
  x += whole;
  w += whole;
  lanesOfOne(k & ~7, x, w, stride, count, sums);
  if (k & 4) {
    let row = w,
      lanes = sums + DOT_LANES;
    for (let j = 0; j < count; j++) {
      v128.store(lanes, madd(v128.load(x), v128.load(row), v128.load(lanes)));
      row += stride;
      lanes += 16;
    }
    x += 16;
    w += 16;
  }
  sumLanes(sums + DOT_LANES, sums);
  sumLanes(sums + DOT_LANES + 64, sums + 16);
  addLast(k & 3, x, w, stride, count, sums);
}

/** Two rows, x · w[j] and TILE_STRIDE bytes behind it y · w[j], for j < count ≤ 8: to the bit the sums of `dotsOfOne`. */
export function dotsOfTwo(k: i32, x: usize, y: usize, w: usize, stride: usize, count: i32, sums: usize): void {
  const lanes = sums + DOT_LANES,
    whole = k & ~3;
  x += bytes(whole);
  y += bytes(whole);
  w += bytes(whole);
  lanesOfTwo(whole, x, y, w, stride, count, sums);
  sumLanes(lanes, sums);
  sumLanes(lanes + 64, sums + TILE_STRIDE);
  if (count > 4) {
    lanesOfTwo(whole, x, y, w + 4 * stride, stride, count - 4, sums);
    sumLanes(lanes, sums + 16);
    sumLanes(lanes + 64, sums + TILE_STRIDE + 16);
  }
  addLast(k & 3, x, w, stride, count, sums);
  addLast(k & 3, y, w, stride, count, sums + TILE_STRIDE);
}

/** The sums of `columns` columns, each down its k rows: in vectors too, as all the other columns, so that it rounds alike. */
function addColumns(k: i32, x: usize, step: usize, b: usize, stride: usize, columns: i32, sums: usize): void {
  for (; columns > 0; columns--) {
    let sum = v128.load32_zero(sums),
      from = b,
      factor = x;
    for (let left = k; left > 0; left--) {
      sum = madd(v128.load32_zero(factor), v128.load32_zero(from), sum);
      factor += step;
      from += stride;
    }
    v128.store_lane<f32>(sums, sum, 0);
    sums += 4;
    b += 4;
  }
}

/**
 * sums[j] += x[0] · b[0][j] + … + x[k−1] · b[k−1][j] for `columns` j: a row vector times a matrix, row by row as it lies
 * in memory, four rows in one pass over the sums. `step` is the distance of the x, `stride` that of the rows, in bytes;
 * `endB` is the address of row k, and `endSums` that behind the last sum. Every column rounds alike, wherever a share of
 * the columns ends.
 */
export function addRows(k: i32, x: usize, step: usize, endB: usize, stride: usize, columns: i32, endSums: usize): void {
  const start = endSums - bytes(columns),
    full = endSums - bytes(columns & 7);
  let b = endB - <usize>k * stride;
  addColumns(k, x, step, b + (full - start), stride, columns & 7, full);
  for (; k >= 4; k -= 4) {
    const x0 = v128.load32_splat(x);
    x += step;
    const x1 = v128.load32_splat(x);
    x += step;
    const x2 = v128.load32_splat(x);
    x += step;
    const x3 = v128.load32_splat(x);
    x += step;
    let to = start;
    let b0 = b;
    let b1 = b0 + stride;
    let b2 = b1 + stride;
    let b3 = b2 + stride;
    b = b3 + stride;
    while (to < full) {
      let left = v128.load(to),
        right = v128.load(to, 16);
      left = madd(x0, v128.load(b0), left);
      right = madd(x0, v128.load(b0, 16), right);
      left = madd(x1, v128.load(b1), left);
      right = madd(x1, v128.load(b1, 16), right);
      left = madd(x2, v128.load(b2), left);
      right = madd(x2, v128.load(b2, 16), right);
      left = madd(x3, v128.load(b3), left);
      right = madd(x3, v128.load(b3, 16), right);
      v128.store(to, left);
      v128.store(to, right, 16);
      to += 32;
      b0 += 32;
      b1 += 32;
      b2 += 32;
      b3 += 32;
    }
  }
  for (; k >= 1; k -= 1) {
    const x0 = v128.load32_splat(x);
    x += step;
    let to = start;
    let b0 = b;
    b = b0 + stride;
    while (to < full) {
      let left = v128.load(to),
        right = v128.load(to, 16);
      left = madd(x0, v128.load(b0), left);
      right = madd(x0, v128.load(b0, 16), right);
      v128.store(to, left);
      v128.store(to, right, 16);
      to += 32;
      b0 += 32;
    }
  }
}
