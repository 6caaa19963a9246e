/** Layer norm: rows normalized over their columns, and the gradients. Instance and group norm are layer norm too. */
import { float, int, pointer, scratch } from './launch';
import { dotDeviation, loadPart, loadUpTo4, storePart, storeUpTo4, sumOf, sumOfDeviations, sumOfSquares } from './row';
import { bytes, madd, splat } from './simd';

/** Rows whose terms a column sums in float32 before the sum joins its float64 total. */
const BLOCK: i32 = 64;

/** Squared means above this many variances are far enough from 0 that their rounding shows. */
const FAR: f32 = 1024;

/**
 * y = (x - mean) rstd weight + bias, with rstd = 1 / sqrt(var + eps) of the biased variance. y may be x.
 * Slots: 0 y [rows, cols], 1 mean [rows], 2 rstd [rows], 3 x [rows, cols], 4 weight [cols] or 0, 5 bias [cols] or 0,
 * 6 eps, 7 rows, 8 cols. Work: rows.
 */
export function layerNorm_f32(r: usize, begin: i32, end: i32): void {
  const eps = float(r, 6);
  const cols = int(r, 8);
  const stride = bytes(cols);
  const share: f64 = 1.0 / <f64>cols;
  for (let row = begin; row < end; row++) {
    let y = pointer(r, 0) + <usize>row * stride;
    let x = pointer(r, 3) + <usize>row * stride;
    let weight = pointer(r, 4);
    let bias = pointer(r, 5);
    const mean = <f32>(sumOf(x, cols) * share);
    const centre = splat(mean);
    let variance = <f32>(sumOfSquares(x, cols, centre) * share);
    let rest: f32 = 0;
    if (mean * mean > FAR * (variance + eps)) {
      rest = <f32>(sumOfDeviations(x, cols, centre) * share);
      variance = max<f32>(variance - rest * rest, 0);
    }
    const rstd = <f32>1 / sqrt<f32>(variance + eps);
    store<f32>(pointer(r, 1) + bytes(row), mean);
    store<f32>(pointer(r, 2) + bytes(row), rstd);
    const scale = splat(rstd);
    const shift = splat(-rest * rstd);
    let n = cols;
    for (; n >= 4; n -= 4) {
      normalize(y, x, 4, centre, scale, shift, weight, bias);
      x += 16;
      y += 16;
      if (weight) weight += 16;
      if (bias) bias += 16;
    }
    if (n > 0) normalize(y, x, n, centre, scale, shift, weight, bias);
  }
}

// @ts-ignore: decorator
@inline function normalize(
  y: usize,
  x: usize,
  n: i32,
  centre: v128,
  scale: v128,
  shift: v128,
  weight: usize,
  bias: usize,
): void {
  let v = madd(f32x4.sub(loadUpTo4(x, n), centre), scale, shift);
  if (weight) v = f32x4.mul(v, loadUpTo4(weight, n));
  if (bias) v = f32x4.add(v, loadUpTo4(bias, n));
  storeUpTo4(y, v, n);
}

/**
 * dx = rstd (g - mean(g) - x̂ mean(g x̂)) with g = dy weight and x̂ = (x - mean) rstd. dx may be dy or x.
 * Slots: 0 dx [rows, cols], 1 dy, 2 x, 3 mean [rows], 4 rstd [rows], 5 weight [cols] or 0, 6 rows, 7 cols. Work: rows.
 * Scratch: 4 · cols bytes.
 */
export function layerNorm_grad_f32(r: usize, begin: i32, end: i32): void {
  const weight = pointer(r, 5);
  const cols = int(r, 7);
  const stride = bytes(cols);
  const share: f64 = 1.0 / <f64>cols;
  for (let row = begin; row < end; row++) {
    let dx = pointer(r, 0) + <usize>row * stride;
    const dy = pointer(r, 1) + <usize>row * stride;
    let x = pointer(r, 2) + <usize>row * stride;
    const centre = v128.load32_splat(pointer(r, 3) + bytes(row));
    const rstd = load<f32>(pointer(r, 4) + bytes(row));
    let g = dy;
    if (weight) {
      g = scratch();
      let to = g;
      let from = dy;
      let w = weight;
      let n = cols;
      for (; n >= 4; n -= 4) {
        v128.store(to, f32x4.mul(v128.load(from), v128.load(w)));
        to += 16;
        from += 16;
        w += 16;
      }
      if (n > 0) storePart(to, f32x4.mul(loadPart(from, n), loadPart(w, n)), n);
    }
    const mean = <f32>(sumOf(g, cols) * share);
    const slope = <f32>(dotDeviation(g, x, cols, centre) * <f64>rstd * <f64>rstd * share);
    // (g - mean) - (x - centre) slope, then rstd: x̂ itself is never formed.
    const meanOfG = splat(mean);
    const down = splat(-slope);
    const scale = splat(rstd);
    let n = cols;
    for (; n >= 4; n -= 4) {
      slope4(dx, g, x, 4, centre, down, meanOfG, scale);
      dx += 16;
      x += 16;
      g += 16;
    }
    if (n > 0) slope4(dx, g, x, n, centre, down, meanOfG, scale);
  }
}

// @ts-ignore: decorator
@inline function slope4(
  dx: usize,
  g: usize,
  x: usize,
  n: i32,
  centre: v128,
  down: v128,
  mean: v128,
  scale: v128,
): void {
  const v = madd(f32x4.sub(loadUpTo4(x, n), centre), down, f32x4.sub(loadUpTo4(g, n), mean));
  storeUpTo4(dx, f32x4.mul(v, scale), n);
}

/**
 * dweight = Σ_rows dy x̂ and dbias = Σ_rows dy. Sums run down the columns in float32 for 64 rows, then in float64.
 * Slots: 0 dweight [cols] or 0, 1 dbias [cols] or 0, 2 dy [rows, cols], 3 x, 4 mean [rows], 5 rstd [rows], 6 rows, 7
 * cols.
 * Work: cols. Scratch: 256 bytes.
 */
export function layerNorm_grad_weight_f32(r: usize, begin: i32, end: i32): void {
  // Sixteen columns are a cache line, so that a long matrix is read from memory once.
  let col = begin;
  for (; col + 16 <= end; col += 16) sixteenColumns(r, col);
  for (; col < end; col += 4) upTo4Columns(r, col, end - col);
}

// @ts-ignore: decorator
@inline function low(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

// @ts-ignore: decorator
@inline function high(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 1));
}

/** Two pairs of float64 as four float32. */
// @ts-ignore: decorator
@inline function join(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2);
}

/** Adds four float32 sums to the four float64 totals at p. */
// @ts-ignore: decorator
@inline function addTo(p: usize, v: v128): void {
  v128.store(p, f64x2.add(v128.load(p), low(v)), 0);
  v128.store(p, f64x2.add(v128.load(p, 16), high(v)), 16);
}

function sixteenColumns(r: usize, col: i32): void {
  const rows = int(r, 6);
  const stride = bytes(int(r, 7));
  let dy = pointer(r, 2) + bytes(col);
  let x = pointer(r, 3) + bytes(col);
  let mean = pointer(r, 4);
  let rstd = pointer(r, 5);
  const totals = scratch();
  memory.fill(totals, 0, 256);
  for (let row = 0; row < rows; row += BLOCK) {
    let w0 = i32x4.splat(0);
    let w1 = w0;
    let w2 = w0;
    let w3 = w0;
    let b0 = w0;
    let b1 = w0;
    let b2 = w0;
    let b3 = w0;
    const stop = mean + bytes(min(BLOCK, rows - row));
    while (mean < stop) {
      const m = v128.load32_splat(mean);
      const s = v128.load32_splat(rstd);
      const g0 = v128.load(dy);
      const g1 = v128.load(dy, 16);
      w0 = madd(g0, f32x4.mul(f32x4.sub(v128.load(x), m), s), w0);
      w1 = madd(g1, f32x4.mul(f32x4.sub(v128.load(x, 16), m), s), w1);
      b0 = f32x4.add(b0, g0);
      b1 = f32x4.add(b1, g1);
      const g2 = v128.load(dy, 32);
      const g3 = v128.load(dy, 48);
      w2 = madd(g2, f32x4.mul(f32x4.sub(v128.load(x, 32), m), s), w2);
      w3 = madd(g3, f32x4.mul(f32x4.sub(v128.load(x, 48), m), s), w3);
      b2 = f32x4.add(b2, g2);
      b3 = f32x4.add(b3, g3);
      dy += stride;
      x += stride;
      mean += 4;
      rstd += 4;
    }
    addTo(totals, w0);
    addTo(totals + 32, w1);
    addTo(totals + 64, w2);
    addTo(totals + 96, w3);
    addTo(totals + 128, b0);
    addTo(totals + 160, b1);
    addTo(totals + 192, b2);
    addTo(totals + 224, b3);
  }
  const dweight = pointer(r, 0);
  const dbias = pointer(r, 1);
  for (let i: usize = 0; i < 4; i++) {
    const w = totals + (i << 5);
    const to = bytes(col) + (i << 4);
    if (dweight) v128.store(dweight + to, join(v128.load(w), v128.load(w, 16)));
    if (dbias) v128.store(dbias + to, join(v128.load(w, 128), v128.load(w, 144)));
  }
}

function upTo4Columns(r: usize, col: i32, n: i32): void {
  const rows = int(r, 6);
  const stride = bytes(int(r, 7));
  let dy = pointer(r, 2) + bytes(col);
  let x = pointer(r, 3) + bytes(col);
  let mean = pointer(r, 4);
  let rstd = pointer(r, 5);
  let wLow = i32x4.splat(0);
  let wHigh = wLow;
  let bLow = wLow;
  let bHigh = wLow;
  for (let row = 0; row < rows; row += BLOCK) {
    let w = i32x4.splat(0);
    let b = w;
    const stop = mean + bytes(min(BLOCK, rows - row));
    while (mean < stop) {
      const g = loadUpTo4(dy, n);
      const centred = f32x4.sub(loadUpTo4(x, n), v128.load32_splat(mean));
      w = madd(g, f32x4.mul(centred, v128.load32_splat(rstd)), w);
      b = f32x4.add(b, g);
      dy += stride;
      x += stride;
      mean += 4;
      rstd += 4;
    }
    wLow = f64x2.add(wLow, low(w));
    wHigh = f64x2.add(wHigh, high(w));
    bLow = f64x2.add(bLow, low(b));
    bHigh = f64x2.add(bHigh, high(b));
  }
  if (pointer(r, 0)) storeUpTo4(pointer(r, 0) + bytes(col), join(wLow, wHigh), n);
  if (pointer(r, 1)) storeUpTo4(pointer(r, 1) + bytes(col), join(bLow, bHigh), n);
}
