/**
 * Batch norm over N and the L = H·W positions of each channel of x [N, C, L].
 *
 * L = 1 is what a batch norm behind a linear layer sees. There channels lie next to each other, so that the kernels
 * take four channels at a time down the rows, where otherwise they take the N planes of one channel after another.
 */
import { float, int, pointer } from './launch';
import { dotDeviation, loadPart, loadUpTo4, storePart, storeUpTo4, sumOf, sumOfDeviations, sumOfSquares } from './row';
import { bytes, madd, nmadd, splat } from './simd';

/** Rows whose terms are summed in float32 before the sum joins a float64 total, for L = 1. */
const BLOCK: i32 = 64;

/** Four float64 totals, two a vector. */
let totalLow: v128 = i32x4.splat(0);
let totalHigh: v128 = i32x4.splat(0);

// @ts-ignore: decorator
@inline function addToTotal(v: v128): void {
  totalLow = f64x2.add(totalLow, f64x2.promote_low_f32x4(v));
  totalHigh = f64x2.add(totalHigh, f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 1)));
}

// @ts-ignore: decorator
@inline function clearTotal(): void {
  totalLow = i32x4.splat(0);
  totalHigh = i32x4.splat(0);
}

// @ts-ignore: decorator
@inline function takeTotal(divisor: f64): v128 {
  const d = f64x2.splat(divisor);
  const low = f32x4.demote_f64x2_zero(f64x2.div(totalLow, d));
  return v128.shuffle<i64>(low, f32x4.demote_f64x2_zero(f64x2.div(totalHigh, d)), 0, 2);
}

const PLAIN: i32 = 0;
const SQUARED_DEVIATION: i32 = 1;
const DEVIATION: i32 = 2;
const PRODUCT_WITH_DEVIATION: i32 = 3;

/** Squared means above this many variances are far enough from 0 that their rounding shows. */
const FAR: f32 = 1024;

/** Sums of a, (a - centre)², a - centre or a (b - centre) down up to four columns, divided by `divisor`. `term` is a constant. */
// @ts-ignore: decorator
@inline function columns(
  term: i32,
  a: usize,
  b: usize,
  rows: i32,
  stride: usize,
  n: i32,
  centre: v128,
  divisor: f64,
): v128 {
  clearTotal();
  for (let row = 0; row < rows; row += BLOCK) {
    let sum = i32x4.splat(0);
    for (let i = min(BLOCK, rows - row); i > 0; i--) {
      const v = loadUpTo4(a, n);
      if (term == PLAIN) sum = f32x4.add(sum, v);
      else if (term == SQUARED_DEVIATION) {
        const d = f32x4.sub(v, centre);
        sum = madd(d, d, sum);
      } else if (term == DEVIATION) sum = f32x4.add(sum, f32x4.sub(v, centre));
      else {
        sum = madd(v, f32x4.sub(loadUpTo4(b, n), centre), sum);
        b += stride;
      }
      a += stride;
    }
    addToTotal(sum);
  }
  return takeTotal(divisor);
}

/**
 * Mean and biased variance of each channel, and the running statistics moved towards them in place:
 * running += momentum (batch - running), where the running variance takes the unbiased one, var · n / (n - 1).
 * `rest` is what float32 has rounded off the mean, where the mean is so far from 0 that it shows.
 * Slots: 0 mean [C], 1 var [C], 2 rest [C], 3 runningMean [C] or 0, 4 runningVar [C] or 0, 5 x [N, C, L], 6 momentum,
 * 7 N, 8 C, 9 L. Work: C.
 */
export function batchNormStats_f32(r: usize, begin: i32, end: i32): void {
  const rows = int(r, 7);
  const length = int(r, 9);
  const stride = bytes(int(r, 8)) * <usize>length;
  const count = <f64>rows * <f64>length;
  const x = pointer(r, 5);
  const step = length == 1 ? 4 : 1;
  for (let c = begin; c < end; c += step) {
    const n = min(step, end - c);
    let mean = i32x4.splat(0);
    let variance = mean;
    let rest = mean;
    if (length == 1) {
      mean = columns(PLAIN, x + bytes(c), 0, rows, stride, n, mean, count);
      variance = columns(SQUARED_DEVIATION, x + bytes(c), 0, rows, stride, n, mean, count);
      if (isFar(mean, variance)) rest = columns(DEVIATION, x + bytes(c), 0, rows, stride, n, mean, count);
    } else {
      const first = x + <usize>c * bytes(length);
      let total: f64 = 0;
      for (let i = 0; i < rows; i++) total += sumOf(first + <usize>i * stride, length);
      mean = splat(<f32>(total / count));
      total = 0;
      for (let i = 0; i < rows; i++) total += sumOfSquares(first + <usize>i * stride, length, mean);
      variance = splat(<f32>(total / count));
      if (isFar(mean, variance)) {
        total = 0;
        for (let i = 0; i < rows; i++) total += sumOfDeviations(first + <usize>i * stride, length, mean);
        rest = splat(<f32>(total / count));
      }
    }
    variance = f32x4.pmax(nmadd(rest, rest, variance), i32x4.splat(0));
    storeUpTo4(pointer(r, 0) + bytes(c), mean, n);
    storeUpTo4(pointer(r, 1) + bytes(c), variance, n);
    storeUpTo4(pointer(r, 2) + bytes(c), rest, n);
    if (pointer(r, 3)) move(pointer(r, 3) + bytes(c), mean, n, float(r, 6));
    if (pointer(r, 4)) {
      const unbiased = f32x4.mul(variance, splat(<f32>(count / (count - 1))));
      move(pointer(r, 4) + bytes(c), unbiased, n, float(r, 6));
    }
  }
}

/** Whether the mean of some channel is. */
function isFar(mean: v128, variance: v128): bool {
  return v128.any_true(f32x4.gt(f32x4.mul(mean, mean), f32x4.mul(variance, splat(FAR))));
}

// PyTorch's own form, momentum · batch + (1 - momentum) · running.
function move(p: usize, batch: v128, n: i32, momentum: f32): void {
  const kept = f32x4.mul(loadUpTo4(p, n), splat(1 - momentum));
  storeUpTo4(p, f32x4.add(f32x4.mul(batch, splat(momentum)), kept), n);
}

/** weight / sqrt(var + eps) for up to four channels. */
function scaleOf(variance: usize, weight: usize, eps: f32, n: i32): v128 {
  const rstd = f32x4.div(splat(1), f32x4.sqrt(f32x4.add(loadUpTo4(variance, n), splat(eps))));
  return weight ? f32x4.mul(rstd, loadUpTo4(weight, n)) : rstd;
}

// @ts-ignore: decorator
@inline function firstLane(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 0, 0, 0, 0);
}

/**
 * y = (x - mean) weight / sqrt(var + eps) + bias: in training with the batch's statistics, in evaluation with the
 * running ones. y may be x.
 * Slots: 0 y [N, C, L], 1 x, 2 mean [C], 3 var [C], 4 weight [C] or 0, 5 bias [C] or 0, 6 rest of the mean [C] or 0,
 * 7 eps, 8 N, 9 C, 10 L, 11 relu (0 or 1, applied last). Work: N · C.
 */
export function batchNormApply_f32(r: usize, begin: i32, end: i32): void {
  const mean = pointer(r, 2);
  const variance = pointer(r, 3);
  const weight = pointer(r, 4);
  const bias = pointer(r, 5);
  const rest = pointer(r, 6);
  const eps = float(r, 7);
  const channels = int(r, 9);
  const length = int(r, 10);
  const floor = splat(int(r, 11) ? 0 : -Infinity);
  const flat = length == 1;
  let c = begin % channels;
  for (let item = begin; item < end; ) {
    const n = flat ? min(4, min(end - item, channels - c)) : 1;
    const at = bytes(c);
    let scale = scaleOf(variance + at, weight ? weight + at : 0, eps, n);
    let centre = loadUpTo4(mean + at, n);
    let shift = bias ? loadUpTo4(bias + at, n) : i32x4.splat(0);
    if (rest) shift = nmadd(loadUpTo4(rest + at, n), scale, shift);
    if (!flat) {
      scale = firstLane(scale);
      centre = firstLane(centre);
      shift = firstLane(shift);
    }
    const offset = <usize>item * bytes(length);
    normalize(pointer(r, 0) + offset, pointer(r, 1) + offset, flat ? n : length, centre, scale, shift, floor);
    item += n;
    c += n;
    if (c == channels) c = 0;
  }
}

function normalize(y: usize, x: usize, n: i32, centre: v128, scale: v128, shift: v128, floor: v128): void {
  for (; n >= 4; n -= 4) {
    normalize4(y, x, 4, centre, scale, shift, floor);
    x += 16;
    y += 16;
  }
  if (n > 0) normalize4(y, x, n, centre, scale, shift, floor);
}

// @ts-ignore: decorator
@inline function normalize4(y: usize, x: usize, n: i32, centre: v128, scale: v128, shift: v128, floor: v128): void {
  const v = madd(f32x4.sub(loadUpTo4(x, n), centre), scale, shift);
  // pmax(v, floor) is v < floor ? floor : v, which keeps NaN.
  storeUpTo4(y, f32x4.pmax(v, floor), n);
}

/**
 * With x̂ = (x - mean) / sqrt(var + eps): dbias = Σ dy, dweight = Σ dy x̂ and
 * dx = weight / sqrt(var + eps) · (dy - mean(dy) - x̂ mean(dy x̂)) in training, where the statistics depend on x;
 * dx = weight / sqrt(var + eps) · dy in evaluation, where they do not. dx may be dy.
 * Slots: 0 dx [N, C, L] or 0, 1 dweight [C] or 0, 2 dbias [C] or 0, 3 dy [N, C, L], 4 x, 5 mean [C], 6 var [C],
 * 7 weight [C] or 0, 8 eps, 9 N, 10 C, 11 L, 12 training (0 or 1). Work: C.
 */
export function batchNorm_grad_f32(r: usize, begin: i32, end: i32): void {
  const dx = pointer(r, 0);
  const dy = pointer(r, 3);
  const x = pointer(r, 4);
  const weight = pointer(r, 7);
  const eps = float(r, 8);
  const rows = int(r, 9);
  const length = int(r, 11);
  const stride = bytes(int(r, 10)) * <usize>length;
  const count = <f64>rows * <f64>length;
  const training = int(r, 12);
  const flat = length == 1;
  const step = flat ? 4 : 1;
  for (let c = begin; c < end; c += step) {
    const n = min(step, end - c);
    const first = <usize>c * bytes(length);
    let centre = loadUpTo4(pointer(r, 5) + bytes(c), n);
    let sum = i32x4.splat(0);
    let product = sum;
    if (flat) {
      sum = columns(PLAIN, dy + first, 0, rows, stride, n, centre, 1);
      product = columns(PRODUCT_WITH_DEVIATION, dy + first, x + first, rows, stride, n, centre, 1);
    } else {
      centre = firstLane(centre);
      let a: f64 = 0;
      let b: f64 = 0;
      for (let i = 0; i < rows; i++) {
        const at = first + <usize>i * stride;
        a += sumOf(dy + at, length);
        b += dotDeviation(dy + at, x + at, length, centre);
      }
      sum = splat(<f32>a);
      product = splat(<f32>b);
    }
    const rstd = scaleOf(pointer(r, 6) + bytes(c), 0, eps, n);
    const dweight = f32x4.mul(product, rstd);
    if (pointer(r, 1)) storeUpTo4(pointer(r, 1) + bytes(c), dweight, n);
    if (pointer(r, 2)) storeUpTo4(pointer(r, 2) + bytes(c), sum, n);
    if (!dx) continue;
    const share = splat(training ? <f32>(1 / count) : 0);
    // dx = scale (dy - (x - centre) slope - mean).
    let scale = scaleOf(pointer(r, 6) + bytes(c), weight ? weight + bytes(c) : 0, eps, n);
    let slope = f32x4.mul(f32x4.mul(dweight, rstd), share);
    let mean = f32x4.mul(sum, share);
    if (!flat) {
      scale = firstLane(scale);
      slope = firstLane(slope);
      mean = firstLane(mean);
    }
    for (let i = 0; i < rows; i++) {
      const at = first + <usize>i * stride;
      if (training) slopeAndShift(dx + at, dy + at, x + at, flat ? n : length, centre, slope, mean, scale);
      else slopeOnly(dx + at, dy + at, flat ? n : length, scale);
    }
  }
}

function slopeAndShift(
  dx: usize,
  dy: usize,
  x: usize,
  n: i32,
  centre: v128,
  slope: v128,
  mean: v128,
  scale: v128,
): void {
  const down = f32x4.neg(slope);
  for (; n >= 4; n -= 4) {
    slope4(dx, dy, x, 4, centre, down, mean, scale);
    dx += 16;
    dy += 16;
    x += 16;
  }
  if (n > 0) slope4(dx, dy, x, n, centre, down, mean, scale);
}

// @ts-ignore: decorator
@inline function slope4(
  dx: usize,
  dy: usize,
  x: usize,
  n: i32,
  centre: v128,
  down: v128,
  mean: v128,
  scale: v128,
): void {
  const v = madd(f32x4.sub(loadUpTo4(x, n), centre), down, f32x4.sub(loadUpTo4(dy, n), mean));
  storeUpTo4(dx, f32x4.mul(v, scale), n);
}

function slopeOnly(dx: usize, dy: usize, n: i32, scale: v128): void {
  for (; n >= 4; n -= 4) {
    v128.store(dx, f32x4.mul(v128.load(dy), scale));
    dx += 16;
    dy += 16;
  }
  if (n > 0) storePart(dx, f32x4.mul(loadPart(dy, n), scale), n);
}
