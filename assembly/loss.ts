/**
 * Cross entropy with class indices, fused: log-softmax, the row's loss and, later, the gradient from the saved
 * log-probabilities alone.
 *
 * PyTorch's definition with class weights w and label smoothing s over C classes, for a row with target t:
 *   loss = -(1 - s) w[t] logp[t] - (s / C) Σ_c w[c] logp[c],
 * and `mean` divides the sum of the losses by Σ w[t] over the rows that are not ignored. With q[c] = (s / C) w[c], plus
 * (1 - s) w[t] at c = t, the loss is -Σ q[c] logp[c], and its gradient is p[c] Σ q - q[c].
 */
import { exp4 } from './exponential';
import { float, int, pointer } from './launch';
import { dot, loadUpTo4, storeUpTo4, sumOf } from './row';
import { logSoftmaxRow } from './softmax';
import { bytes, nmadd, splat } from './simd';

// @ts-ignore: decorator
@inline function at(p: usize, i: i32): f32 {
  return load<f32>(p + bytes(i));
}

/**
 * Slots: 0 rowLoss [rows], 1 rowWeight [rows] or 0, 2 logProbs [rows, cols], 3 x [rows, cols], 4 target (int32) [rows],
 * 5 weight [cols] or 0, 6 labelSmoothing, 7 rows, 8 cols, 9 ignoreIndex. Work: rows. logProbs may be x.
 *
 * rowWeight receives weight[target] (1 without weights, 0 for an ignored row), so that the mean is
 * sum(rowLoss) / sum(rowWeight). A target outside 0..cols-1 that is not ignoreIndex reads nothing and gives NaN.
 */
export function crossEntropy_f32(r: usize, begin: i32, end: i32): void {
  const rowLoss = pointer(r, 0);
  const rowWeight = pointer(r, 1);
  const weight = pointer(r, 5);
  const smoothing = float(r, 6);
  const cols = int(r, 8);
  const ignore = int(r, 9);
  const spread = smoothing / <f32>cols;
  for (let row = begin; row < end; row++) {
    const offset = <usize>row * bytes(cols);
    const logProbs = pointer(r, 2) + offset;
    logSoftmaxRow(logProbs, pointer(r, 3) + offset, cols);
    const target = load<i32>(pointer(r, 4) + bytes(row));
    let loss: f32 = 0;
    let scale: f32 = 0;
    if (target != ignore) {
      if (<u32>target < <u32>cols) {
        scale = weight ? at(weight, target) : 1;
        loss = -(scale * at(logProbs, target));
        if (smoothing != 0) {
          const all = <f32>(weight ? dot(logProbs, weight, cols) : sumOf(logProbs, cols));
          loss = (<f32>1 - smoothing) * loss - spread * all;
        }
      } else {
        scale = NaN;
        loss = NaN;
      }
    }
    store<f32>(rowLoss + bytes(row), loss);
    if (rowWeight) store<f32>(rowWeight + bytes(row), scale);
  }
}

/**
 * dx = rowScale · (p Σq - q); 0 in an ignored row, NaN in a row whose target is out of range.
 * Slots: 0 dx [rows, cols], 1 logProbs [rows, cols], 2 target (int32) [rows], 3 rowScale, 4 weight [cols] or 0,
 * 5 labelSmoothing, 6 rows, 7 cols, 8 ignoreIndex, 9 rowScaleStride. Work: rows. dx may be logProbs.
 *
 * rowScale is the loss's gradient for each row: rowScaleStride is 1 for one number a row (reduction 'none'), 0 for one
 * number in all (dLoss for 'sum', dLoss / Σ rowWeight for 'mean').
 */
export function crossEntropy_grad_f32(r: usize, begin: i32, end: i32): void {
  const target = pointer(r, 2);
  const weight = pointer(r, 4);
  const smoothing = float(r, 5);
  const cols = int(r, 7);
  const ignore = int(r, 8);
  const stride = int(r, 9);
  const spread = smoothing / <f32>cols;
  const total = weight ? spread * <f32>sumOf(weight, cols) : smoothing;
  for (let row = begin; row < end; row++) {
    const offset = <usize>row * bytes(cols);
    let dx = pointer(r, 0) + offset;
    const t = load<i32>(target + bytes(row));
    if (t == ignore) {
      memory.fill(dx, 0, bytes(cols));
      continue;
    }
    const known = <u32>t < <u32>cols;
    const scale = known ? at(pointer(r, 3), row * stride) : NaN;
    const hit = (<f32>1 - smoothing) * (known && weight ? at(weight, t) : 1);
    let logProbs = pointer(r, 1) + offset;
    const hitAt = dx + bytes(t);
    const mass = splat(scale * (hit + total));
    const share = splat(scale * spread);
    let w = weight;
    let n = cols;
    for (; n >= 8 && smoothing == 0; n -= 8) {
      const a = exp4(v128.load(logProbs));
      const b = exp4(v128.load(logProbs, 16));
      v128.store(dx, f32x4.mul(a, mass));
      v128.store(dx, f32x4.mul(b, mass), 16);
      logProbs += 32;
      dx += 32;
    }
    for (; n > 0; n -= 4) {
      let g = f32x4.mul(exp4(loadUpTo4(logProbs, n)), mass);
      if (smoothing != 0) {
        if (w) {
          g = nmadd(share, loadUpTo4(w, n), g);
          w += 16;
        } else g = f32x4.sub(g, share);
      }
      storeUpTo4(dx, g, n);
      logProbs += 16;
      dx += 16;
    }
    if (known) store<f32>(hitAt, load<f32>(hitAt) - scale * hit);
  }
}
