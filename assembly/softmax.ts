/** Softmax and log-softmax over the last dimension, and their gradients. Every kernel's work items are rows. */
import { exp4, log } from './exponential';
import { int, pointer } from './launch';
import { dot, firstLanes, loadPart, loadUpTo4, storePart, storeUpTo4, sumOf } from './row';
import { bytes, horizontalSum, nmadd, splat } from './simd';

/** Elements whose exponentials are summed in float32 before the sum joins a float64 total. */
const BLOCK: i32 = 512;

/**
 * The largest element of a row in every lane. A NaN may be dropped here, because the sum of exponentials carries it. A
 * row of -Inf alone yields -Inf, so that x - max is NaN, as in PyTorch.
 */
export function rowMax(x: usize, n: i32): v128 {
  const lowest = splat(-Infinity);
  let m0 = lowest;
  let m1 = lowest;
  const by8 = x + bytes(n & ~7);
  while (x < by8) {
    m0 = f32x4.pmax(m0, v128.load(x));
    m1 = f32x4.pmax(m1, v128.load(x, 16));
    x += 32;
  }
  if (n & 4) {
    m0 = f32x4.pmax(m0, v128.load(x));
    x += 16;
  }
  const rest = n & 3;
  if (rest) m1 = f32x4.pmax(m1, v128.bitselect(loadPart(x, rest), lowest, firstLanes(rest)));
  const m = f32x4.pmax(m0, m1);
  const pairs = f32x4.pmax(m, v128.shuffle<i32>(m, m, 2, 3, 0, 1));
  return f32x4.pmax(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2));
}

// Whether the exponentials are kept is known when this is inlined: softmax keeps them, log-softmax needs their sum
// alone.
// @ts-ignore: decorator
@inline function exponentials(keep: bool, y: usize, x: usize, n: i32, shift: v128): f32 {
  let total: f64 = 0;
  while (n >= 8) {
    const block = min(n, BLOCK) & ~7;
    let s0 = i32x4.splat(0);
    let s1 = s0;
    const end = x + bytes(block);
    while (x < end) {
      const a = exp4(f32x4.sub(v128.load(x), shift));
      const b = exp4(f32x4.sub(v128.load(x, 16), shift));
      s0 = f32x4.add(s0, a);
      s1 = f32x4.add(s1, b);
      if (keep) {
        v128.store(y, a);
        v128.store(y, b, 16);
        y += 32;
      }
      x += 32;
    }
    total += <f64>horizontalSum(f32x4.add(s0, s1));
    n -= block;
  }
  while (n > 0) {
    let a = exp4(f32x4.sub(loadUpTo4(x, n), shift));
    if (n < 4) a = v128.and(a, firstLanes(n));
    total += <f64>horizontalSum(a);
    if (keep) {
      storeUpTo4(y, a, n);
      y += 16;
    }
    x += 16;
    n -= 4;
  }
  return <f32>total;
}

/** Sum of e^(x - shift) over a row. */
export function sumOfExponentials(x: usize, n: i32, shift: v128): f32 {
  return exponentials(false, 0, x, n, shift);
}

/**
 * y = x - max - ln Σ e^(x - max). The two are subtracted one after the other: their sum would lose ln Σ for a large
 * max.
 */
export function logSoftmaxRow(y: usize, x: usize, n: i32): void {
  const shift = rowMax(x, n);
  const logSum = splat(log(sumOfExponentials(x, n, shift)));
  const end = y + bytes(n & ~3);
  while (y < end) {
    v128.store(y, f32x4.sub(f32x4.sub(v128.load(x), shift), logSum));
    x += 16;
    y += 16;
  }
  const rest = n & 3;
  if (rest) storePart(y, f32x4.sub(f32x4.sub(loadPart(x, rest), shift), logSum), rest);
}

/**
 * y = softmax(x) along rows. y may be x.
 * Slots: 0 y, 1 x, 2 rows, 3 cols. Work: rows.
 */
export function softmax_f32(r: usize, begin: i32, end: i32): void {
  const cols = int(r, 3);
  const stride = bytes(cols);
  for (let row = begin; row < end; row++) {
    const x = pointer(r, 1) + <usize>row * stride;
    let y = pointer(r, 0) + <usize>row * stride;
    const sum = exponentials(true, y, x, cols, rowMax(x, cols));
    const scale = splat(<f32>1 / sum);
    const stop = y + bytes(cols & ~3);
    while (y < stop) {
      v128.store(y, f32x4.mul(v128.load(y), scale));
      y += 16;
    }
    const rest = cols & 3;
    if (rest) storePart(y, f32x4.mul(loadPart(y, rest), scale), rest);
  }
}

/**
 * y = log softmax(x) along rows. y may be x.
 * Slots: 0 y, 1 x, 2 rows, 3 cols. Work: rows.
 */
export function logSoftmax_f32(r: usize, begin: i32, end: i32): void {
  const cols = int(r, 3);
  const stride = bytes(cols);
  for (let row = begin; row < end; row++) {
    logSoftmaxRow(pointer(r, 0) + <usize>row * stride, pointer(r, 1) + <usize>row * stride, cols);
  }
}

/**
 * dx = y (dy - Σ dy y), where y is softmax's result. dx may be dy or y.
 * Slots: 0 dx, 1 dy, 2 y, 3 rows, 4 cols. Work: rows.
 */
export function softmax_grad_f32(r: usize, begin: i32, end: i32): void {
  const cols = int(r, 4);
  const stride = bytes(cols);
  for (let row = begin; row < end; row++) {
    const offset = <usize>row * stride;
    let dx = pointer(r, 0) + offset;
    let dy = pointer(r, 1) + offset;
    let y = pointer(r, 2) + offset;
    const mean = splat(<f32>dot(dy, y, cols));
    const stop = dx + bytes(cols & ~3);
    while (dx < stop) {
      v128.store(dx, f32x4.mul(v128.load(y), f32x4.sub(v128.load(dy), mean)));
      dx += 16;
      dy += 16;
      y += 16;
    }
    const rest = cols & 3;
    if (rest) storePart(dx, f32x4.mul(loadPart(y, rest), f32x4.sub(loadPart(dy, rest), mean)), rest);
  }
}

/**
 * dx = dy - e^y Σ dy, where y is logSoftmax's result. dx may be dy or y.
 * Slots: 0 dx, 1 dy, 2 y, 3 rows, 4 cols. Work: rows.
 */
export function logSoftmax_grad_f32(r: usize, begin: i32, end: i32): void {
  const cols = int(r, 4);
  const stride = bytes(cols);
  for (let row = begin; row < end; row++) {
    const offset = <usize>row * stride;
    let dx = pointer(r, 0) + offset;
    let dy = pointer(r, 1) + offset;
    let y = pointer(r, 2) + offset;
    const sum = splat(<f32>sumOf(dy, cols));
    let n = cols;
    for (; n >= 8; n -= 8) {
      const a = exp4(v128.load(y));
      const b = exp4(v128.load(y, 16));
      const c = v128.load(dy, 16);
      v128.store(dx, nmadd(a, sum, v128.load(dy)));
      v128.store(dx, nmadd(b, sum, c), 16);
      dx += 32;
      dy += 32;
      y += 32;
    }
    for (; n > 0; n -= 4) {
      storeUpTo4(dx, nmadd(exp4(loadUpTo4(y, n)), sum, loadUpTo4(dy, n)), n);
      dx += 16;
      dy += 16;
      y += 16;
    }
  }
}
