/**
 * The inner loops of convolution: a tile of outputs accumulates in registers while a list of taps goes by.
 *
 * A tap is one (channel, kernel row, kernel column). In the padded source its element stands at a fixed distance from
 * an output's position, the same for every output, so that a list of byte offsets describes any kernel size, dilation
 * and stride, and neighbouring outputs are neighbouring floats: no column matrix is ever written.
 *
 * Nothing but stores of the raw sums may follow a loop: with a relu there, V8's scheduler spills half the sums within
 * it.
 *
 * Every output adds its taps in the order of the list by itself, whatever tile it falls into. Results therefore do not
 * depend on tiling or on how the work is split.
 */
import { madd } from './simd';

/**
 * Channels of the large tile; the small one has four. With eight outputs, two source vectors and one weight, six
 * channels fill the 15 vector registers V8 hands out if a multiply-add is one instruction, and five if the product
 * needs one too.
 */
export const LARGE: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;

/**
 * LARGE channels × 8 outputs.
 *   weights        LARGE a tap
 *   offsets, stop  the list of taps
 *   x0, x1         source positions of outputs 0–3 and 4–7
 *   y0, y1         where they go; `plane` bytes from one channel to the next, the first `rows` channels are stored
 *   biases         LARGE of them; last, because V8 leaves the first five arguments in registers and reads one that it does not
 *                  from the stack in every turn of the loop
 */
export function largeTile(
  weights: usize,
  offsets: usize,
  stop: usize,
  x0: usize,
  x1: usize,
  y0: usize,
  y1: usize,
  plane: usize,
  rows: i32,
  biases: usize,
): void {
  let a0 = v128.load32_splat(biases);
  let b0 = a0;
  let a1 = v128.load32_splat(biases, 4);
  let b1 = a1;
  let a2 = v128.load32_splat(biases, 8);
  let b2 = a2;
  let a3 = v128.load32_splat(biases, 12);
  let b3 = a3;
  let a4 = v128.load32_splat(biases, 16);
  let b4 = a4;
  let a5 = a0;
  let b5 = a0;
  if (LARGE == 6) {
    a5 = v128.load32_splat(biases, 20);
    b5 = a5;
  }
  while (offsets < stop) {
    const at = load<usize>(offsets);
    const u = v128.load(x0 + at);
    const v = v128.load(x1 + at);
    const w0 = v128.load32_splat(weights);
    a0 = madd(w0, u, a0);
    b0 = madd(w0, v, b0);
    const w1 = v128.load32_splat(weights, 4);
    a1 = madd(w1, u, a1);
    b1 = madd(w1, v, b1);
    const w2 = v128.load32_splat(weights, 8);
    a2 = madd(w2, u, a2);
    b2 = madd(w2, v, b2);
    const w3 = v128.load32_splat(weights, 12);
    a3 = madd(w3, u, a3);
    b3 = madd(w3, v, b3);
    const w4 = v128.load32_splat(weights, 16);
    a4 = madd(w4, u, a4);
    b4 = madd(w4, v, b4);
    if (LARGE == 6) {
      const w5 = v128.load32_splat(weights, 20);
      a5 = madd(w5, u, a5);
      b5 = madd(w5, v, b5);
    }
    offsets += 4;
    weights += 4 * LARGE;
  }
  put(y0, y1, a0, b0);
  if (rows < 2) return;
  y0 += plane;
  y1 += plane;
  put(y0, y1, a1, b1);
  if (rows < 3) return;
  y0 += plane;
  y1 += plane;
  put(y0, y1, a2, b2);
  if (rows < 4) return;
  y0 += plane;
  y1 += plane;
  put(y0, y1, a3, b3);
  if (rows < 5) return;
  y0 += plane;
  y1 += plane;
  put(y0, y1, a4, b4);
  if (LARGE < 6 || rows < 6) return;
  put(y0 + plane, y1 + plane, a5, b5);
}

// @ts-ignore: decorator
@inline function put(y0: usize, y1: usize, a: v128, b: v128): void {
  v128.store(y0, a);
  v128.store(y1, b);
}

/** 4 channels × 8 outputs; arguments as for largeTile. */
export function smallTile(
  weights: usize,
  offsets: usize,
  stop: usize,
  x0: usize,
  x1: usize,
  y0: usize,
  y1: usize,
  plane: usize,
  rows: i32,
  biases: usize,
): void {
  let a0 = v128.load32_splat(biases);
  let b0 = a0;
  let a1 = v128.load32_splat(biases, 4);
  let b1 = a1;
  let a2 = v128.load32_splat(biases, 8);
  let b2 = a2;
  let a3 = v128.load32_splat(biases, 12);
  let b3 = a3;
  while (offsets < stop) {
    const at = load<usize>(offsets);
    const u = v128.load(x0 + at);
    const v = v128.load(x1 + at);
    const w0 = v128.load32_splat(weights);
    a0 = madd(w0, u, a0);
    b0 = madd(w0, v, b0);
    const w1 = v128.load32_splat(weights, 4);
    a1 = madd(w1, u, a1);
    b1 = madd(w1, v, b1);
    const w2 = v128.load32_splat(weights, 8);
    a2 = madd(w2, u, a2);
    b2 = madd(w2, v, b2);
    const w3 = v128.load32_splat(weights, 12);
    a3 = madd(w3, u, a3);
    b3 = madd(w3, v, b3);
    offsets += 4;
    weights += 16;
  }
  put(y0, y1, a0, b0);
  if (rows < 2) return;
  y0 += plane;
  y1 += plane;
  put(y0, y1, a1, b1);
  if (rows < 3) return;
  y0 += plane;
  y1 += plane;
  put(y0, y1, a2, b2);
  if (rows < 4) return;
  put(y0 + plane, y1 + plane, a3, b3);
}

/**
 * 1 channel × 32 outputs, for depthwise convolution: eight sums hide the latency of the multiply-adds.
 * `table` holds eight entries (distance of four outputs' source position from x, of their place from y); if `to`
 * is not 0, the outputs go there instead, one after another.
 */
export function lineTile(
  weights: usize,
  offsets: usize,
  stop: usize,
  x: usize,
  y: usize,
  table: usize,
  to: usize,
  bias: usize,
): void {
  let s0 = v128.load32_splat(bias);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  const x0 = x + load<usize>(table);
  const x1 = x + load<usize>(table, 16);
  const x2 = x + load<usize>(table, 32);
  const x3 = x + load<usize>(table, 48);
  const x4 = x + load<usize>(table, 64);
  const x5 = x + load<usize>(table, 80);
  const x6 = x + load<usize>(table, 96);
  const x7 = x + load<usize>(table, 112);
  while (offsets < stop) {
    const at = load<usize>(offsets);
    const w = v128.load32_splat(weights);
    s0 = madd(w, v128.load(x0 + at), s0);
    s1 = madd(w, v128.load(x1 + at), s1);
    s2 = madd(w, v128.load(x2 + at), s2);
    s3 = madd(w, v128.load(x3 + at), s3);
    s4 = madd(w, v128.load(x4 + at), s4);
    s5 = madd(w, v128.load(x5 + at), s5);
    s6 = madd(w, v128.load(x6 + at), s6);
    s7 = madd(w, v128.load(x7 + at), s7);
    offsets += 4;
    weights += 4;
  }
  if (to) {
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
    v128.store(to, s4, 64);
    v128.store(to, s5, 80);
    v128.store(to, s6, 96);
    v128.store(to, s7, 112);
    return;
  }
  v128.store(y + load<usize>(table, 4), s0);
  v128.store(y + load<usize>(table, 20), s1);
  v128.store(y + load<usize>(table, 36), s2);
  v128.store(y + load<usize>(table, 52), s3);
  v128.store(y + load<usize>(table, 68), s4);
  v128.store(y + load<usize>(table, 84), s5);
  v128.store(y + load<usize>(table, 100), s6);
  v128.store(y + load<usize>(table, 116), s7);
}

/**
 * One channel, 3 × 3 taps, stride 1: the nine weights stay in registers, and two output rows share the rows they read.
 * `weights` holds the bias and the nine. At least two rows and four columns; the last of each are computed twice if
 * need be.
 */
export function squareLines(
  weights: usize,
  x: usize,
  y: usize,
  rows: i32,
  cols: i32,
  sourceDown: usize,
  down: usize,
): void {
  const w0 = v128.load32_splat(weights, 4);
  const w1 = v128.load32_splat(weights, 8);
  const w2 = v128.load32_splat(weights, 12);
  const w3 = v128.load32_splat(weights, 16);
  const w4 = v128.load32_splat(weights, 20);
  const w5 = v128.load32_splat(weights, 24);
  const w6 = v128.load32_splat(weights, 28);
  const w7 = v128.load32_splat(weights, 32);
  const w8 = v128.load32_splat(weights, 36);
  const last = (<usize>(cols - 4)) << 2;
  for (let pair = 0; pair < rows; pair += 2) {
    const row = <usize>min(pair, rows - 2);
    const x0 = x + row * sourceDown;
    const x1 = x0 + sourceDown;
    const x2 = x1 + sourceDown;
    const x3 = x2 + sourceDown;
    const y0 = y + row * down;
    const y1 = y0 + down;
    for (let at: usize = 0; ; ) {
      let v = v128.load(x0 + at);
      let s = madd(v, w0, v128.load32_splat(weights));
      v = v128.load(x0 + at, 4);
      s = madd(v, w1, s);
      v = v128.load(x0 + at, 8);
      s = madd(v, w2, s);
      v = v128.load(x1 + at);
      s = madd(v, w3, s);
      let t = madd(v, w0, v128.load32_splat(weights));
      v = v128.load(x1 + at, 4);
      s = madd(v, w4, s);
      t = madd(v, w1, t);
      v = v128.load(x1 + at, 8);
      s = madd(v, w5, s);
      t = madd(v, w2, t);
      v = v128.load(x2 + at);
      s = madd(v, w6, s);
      t = madd(v, w3, t);
      v = v128.load(x2 + at, 4);
      s = madd(v, w7, s);
      t = madd(v, w4, t);
      v = v128.load(x2 + at, 8);
      s = madd(v, w8, s);
      t = madd(v, w5, t);
      t = madd(v128.load(x3 + at), w6, t);
      t = madd(v128.load(x3 + at, 4), w7, t);
      t = madd(v128.load(x3 + at, 8), w8, t);
      v128.store(y0 + at, s);
      v128.store(y1 + at, t);
      if (at == last) break;
      at = min(at + 16, last);
    }
  }
}
