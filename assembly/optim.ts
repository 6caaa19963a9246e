/**
 * Optimizer steps, fused and in place: one pass over parameter, gradient and state. The formulas and their float32
 * arithmetic are those of PyTorch's optimizers on the CPU (torch/optim/sgd.py, adam.py, …).
 *
 * Whatever PyTorch computes once a step in float64 (1 - beta1, lr / biasCorrection1, …) arrives computed, since
 * float32 of 1 - 0.9 is not 1 - float32 of 0.9. Work: elements.
 *
 * Everywhere g = ±grad, negative to maximize, plus weightDecay · param; decoupled weight decay is param ← decay · param in
 * place of that, with decay = 1 - lr · weightDecay.
 */
import { float, int, pointer, slot } from './launch';
import { loadUpTo4, storeUpTo4 } from './row';
import { bytes, madd, nmadd, splat } from './simd';

/**
 * The loop of every kernel below but sgd_f32 and adam_f32, whose numbers all fit into registers and are read once. The functor's method
 * step(r, at, n) updates four elements, or the last n, that lie `at` bytes into each of the record's tensors.
 */
function each<F>(r: usize, begin: i32, end: i32): void {
  const functor = changetype<F>(0);
  let at = bytes(begin);
  let n = end - begin;
  for (; n >= 4; n -= 4) {
    functor.step(r, at, 4);
    at += 16;
  }
  if (n > 0) functor.step(r, at, n);
}

/** Four elements `at` bytes into pointer slot i. */
// @ts-ignore: decorator
@inline function elements(r: usize, i: usize, at: usize, n: i32): v128 {
  return loadUpTo4(pointer(r, i) + at, n);
}

/** ±grad from pointer slot i, by the flag in slot `maximize`. */
// @ts-ignore: decorator
@inline function signed(r: usize, i: usize, maximize: usize, at: usize, n: i32): v128 {
  const g = elements(r, i, at, n);
  return int(r, maximize) ? f32x4.neg(g) : g;
}

/** g with L2 weight decay from slot `decay`. */
// @ts-ignore: decorator
@inline function decayed(r: usize, decay: usize, g: v128, p: v128): v128 {
  return float(r, decay) != 0 ? madd(p, number(r, decay), g) : g;
}

// The step's numbers are read from the record where they are used: there are more of them than vector registers, and a
// splatting load costs no more than the reload of a spilled one.
// @ts-ignore: decorator
@inline function number(r: usize, i: usize): v128 {
  return v128.load32_splat(slot(r, i));
}

/** average ← average + weight (g - average), and returns it. */
// @ts-ignore: decorator
@inline function lerp(average: usize, g: v128, weight: f32, n: i32): v128 {
  const old = loadUpTo4(average, n);
  const way = f32x4.sub(g, old);
  // torch.lerp goes from the nearer end: m + w (g - m) below one half, g - (1 - w) (g - m) from there on.
  const m = weight < 0.5 ? madd(splat(weight), way, old) : nmadd(splat(<f32>1 - weight), way, g);
  storeUpTo4(average, m, n);
  return m;
}

/** average ← keep · average + fresh · g², and returns it. */
// @ts-ignore: decorator
@inline function squares(average: usize, g: v128, keep: v128, fresh: v128, n: i32): v128 {
  const v = madd(f32x4.mul(g, g), fresh, f32x4.mul(loadUpTo4(average, n), keep));
  storeUpTo4(average, v, n);
  return v;
}

/**
 * grad ← ±grad + weightDecay param; buffer ← momentum buffer + (1 - dampening) grad, or grad at the first step;
 * param ← param - lr (nesterov ? grad + momentum buffer : buffer).
 * Slots: 0 param, 1 momentumBuffer or 0 (momentum is 0), 2 grad, 3 lr, 4 momentum, 5 oneMinusDampening, 6 weightDecay,
 * 7 count, 8 nesterov, 9 firstStep (the buffer is written, not read), 10 maximize. Work: count.
 */
export function sgd_f32(r: usize, begin: i32, end: i32): void {
  const from = bytes(begin);
  let param = pointer(r, 0) + from;
  let buffer = pointer(r, 1);
  let grad = pointer(r, 2) + from;
  const decays = float(r, 6) != 0;
  const remembers = buffer != 0;
  const nesterov = int(r, 8) != 0;
  const first = int(r, 9) != 0;
  const sign = splat(int(r, 10) ? -1 : 1);
  const lr = splat(float(r, 3));
  const momentum = splat(float(r, 4));
  const fresh = splat(float(r, 5));
  const decay = splat(float(r, 6));
  buffer += from;
  let n = end - begin;
  for (; n >= 4; n -= 4) {
    sgd4(param, buffer, grad, 4, lr, momentum, fresh, decay, sign, decays, remembers, nesterov, first);
    param += 16;
    buffer += 16;
    grad += 16;
  }
  if (n > 0) sgd4(param, buffer, grad, n, lr, momentum, fresh, decay, sign, decays, remembers, nesterov, first);
}

// @ts-ignore: decorator
@inline function sgd4(
  param: usize,
  buffer: usize,
  grad: usize,
  n: i32,
  lr: v128,
  momentum: v128,
  fresh: v128,
  decay: v128,
  sign: v128,
  decays: bool,
  remembers: bool,
  nesterov: bool,
  first: bool,
): void {
  const p = loadUpTo4(param, n);
  let g = f32x4.mul(loadUpTo4(grad, n), sign);
  if (decays) g = madd(p, decay, g);
  if (remembers) {
    const b = first ? g : madd(g, fresh, f32x4.mul(loadUpTo4(buffer, n), momentum));
    storeUpTo4(buffer, b, n);
    g = nesterov ? madd(b, momentum, g) : b;
  }
  storeUpTo4(param, nmadd(g, lr, p), n);
}

/**
 * With g = ±grad, and decoupled weight decay (AdamW) param ← param · decay, otherwise g ← g + weightDecay param:
 *   m ← lerp(m, g, 1 - beta1);  v ← beta2 v + (1 - beta2) g²;  vMax ← max(vMax, v)
 *   param ← param - stepSize · m / (sqrt(vMax or v) / biasCorrection2Sqrt + eps).
 * D. P. Kingma, J. Ba, Adam, 2015; S. J. Reddi et al., On the convergence of Adam and beyond, 2018 (amsgrad);
 * I. Loshchilov, F. Hutter, Decoupled weight decay regularization, 2019.
 *
 * Slots: 0 param, 1 expAvg, 2 expAvgSq, 3 maxExpAvgSq or 0 (no amsgrad), 4 grad, 5 oneMinusBeta1, 6 beta2, 7 oneMinusBeta2,
 * 8 eps, 9 weightDecay, 10 decay = 1 - lr · weightDecay, 11 stepSize = lr / (1 - beta1^t),
 * 12 biasCorrection2Sqrt = sqrt(1 - beta2^t), 13 count, 14 decoupled, 15 maximize. Work: count.
 * Only slots 11 and 12 (and 10, with lr) change from step to step.
 */
export function adam_f32(r: usize, begin: i32, end: i32): void {
  const from = bytes(begin);
  let param = pointer(r, 0) + from;
  let expAvg = pointer(r, 1) + from;
  let expAvgSq = pointer(r, 2) + from;
  let largest = pointer(r, 3) ? pointer(r, 3) + from : 0;
  let grad = pointer(r, 4) + from;
  const flip = splat(int(r, 15) ? -1 : 1);
  const decouples = int(r, 14) != 0;
  const fresh = splat(float(r, 5));
  const keep = splat(float(r, 6));
  const inverse = splat(<f32>1 / float(r, 12));
  let n = end - begin;
  for (; n >= 4; n -= 4) {
    adam4(r, param, expAvg, expAvgSq, largest, grad, flip, decouples, fresh, keep, inverse, 4);
    param += 16;
    expAvg += 16;
    expAvgSq += 16;
    grad += 16;
    if (largest) largest += 16;
  }
  if (n > 0) adam4(r, param, expAvg, expAvgSq, largest, grad, flip, decouples, fresh, keep, inverse, n);
}

// @ts-ignore: decorator
@inline function adam4(
  r: usize,
  param: usize,
  expAvg: usize,
  expAvgSq: usize,
  largest: usize,
  grad: usize,
  flip: v128,
  decouples: bool,
  fresh: v128,
  keep: v128,
  inverse: v128,
  n: i32,
): void {
  let p = loadUpTo4(param, n);
  let g = f32x4.mul(loadUpTo4(grad, n), flip);
  if (decouples) p = f32x4.mul(p, number(r, 10));
  else g = decayed(r, 9, g, p);
  const old = loadUpTo4(expAvg, n);
  const way = f32x4.sub(g, old);
  // As in lerp.
  const m = float(r, 5) < 0.5 ? madd(fresh, way, old) : nmadd(f32x4.sub(splat(1), fresh), way, g);
  storeUpTo4(expAvg, m, n);
  let v = squares(expAvgSq, g, keep, number(r, 7), n);
  if (largest) {
    v = f32x4.max(loadUpTo4(largest, n), v);
    storeUpTo4(largest, v, n);
  }
  // A product with the correction's inverse, because roots and quotients are what the loop waits for.
  const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(v), inverse), number(r, 8));
  storeUpTo4(param, nmadd(number(r, 11), f32x4.div(m, denominator), p), n);
}

/**
 * square ← alpha square + (1 - alpha) g²;  centered: average ← lerp(average, g, 1 - alpha), and
 * rms = sqrt(square - average²) + eps, otherwise rms = sqrt(square) + eps;
 * with momentum buffer ← momentum buffer + g / rms, param ← param - lr buffer, otherwise param ← param - lr g / rms.
 * T. Tieleman, G. Hinton, RMSprop, 2012; A. Graves, Generating sequences with recurrent neural networks, 2013 (centered).
 *
 * Slots: 0 param, 1 square, 2 average or 0 (not centered), 3 momentumBuffer or 0 (no momentum), 4 grad, 5 lr, 6 alpha,
 * 7 oneMinusAlpha, 8 eps, 9 momentum, 10 weightDecay, 11 count, 12 maximize. Work: count.
 */
export function rmsprop_f32(r: usize, begin: i32, end: i32): void {
  each<RMSprop>(r, begin, end);
}

@unmanaged
class RMSprop {
  @inline step(r: usize, at: usize, n: i32): void {
    const p = elements(r, 0, at, n);
    const g = decayed(r, 10, signed(r, 4, 12, at, n), p);
    let v = squares(pointer(r, 1) + at, g, number(r, 6), number(r, 7), n);
    if (pointer(r, 2)) {
      const m = lerp(pointer(r, 2) + at, g, float(r, 7), n);
      v = nmadd(m, m, v);
    }
    const rms = f32x4.add(f32x4.sqrt(v), number(r, 8));
    if (pointer(r, 3)) {
      const buffer = madd(elements(r, 3, at, n), number(r, 9), f32x4.div(g, rms));
      storeUpTo4(pointer(r, 3) + at, buffer, n);
      storeUpTo4(pointer(r, 0) + at, nmadd(number(r, 5), buffer, p), n);
    } else {
      storeUpTo4(pointer(r, 0) + at, f32x4.sub(p, f32x4.div(f32x4.mul(number(r, 5), g), rms)), n);
    }
  }
}

/**
 * sum ← sum + g²;  param ← param - stepSize g / (sqrt(sum) + eps), stepSize = lr / (1 + (t - 1) lrDecay).
 * J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods, 2011.
 *
 * Slots: 0 param, 1 sum, 2 grad, 3 stepSize, 4 eps, 5 weightDecay, 6 count, 7 maximize. Work: count.
 */
export function adagrad_f32(r: usize, begin: i32, end: i32): void {
  each<Adagrad>(r, begin, end);
}

@unmanaged
class Adagrad {
  @inline step(r: usize, at: usize, n: i32): void {
    const p = elements(r, 0, at, n);
    const g = decayed(r, 5, signed(r, 2, 7, at, n), p);
    const sum = madd(g, g, elements(r, 1, at, n));
    storeUpTo4(pointer(r, 1) + at, sum, n);
    const rms = f32x4.add(f32x4.sqrt(sum), number(r, 4));
    storeUpTo4(pointer(r, 0) + at, f32x4.sub(p, f32x4.div(f32x4.mul(number(r, 3), g), rms)), n);
  }
}

/**
 * m ← lerp(m, g, 1 - beta1);  u ← max(beta2 u, |g| + eps);  param ← param - stepSize m / u, stepSize = lr / (1 - beta1^t).
 * D. P. Kingma, J. Ba, Adam, 2015, section 7.1.
 *
 * Slots: 0 param, 1 expAvg, 2 expInf, 3 grad, 4 oneMinusBeta1, 5 beta2, 6 eps, 7 weightDecay, 8 stepSize, 9 count,
 * 10 maximize. Work: count.
 */
export function adamax_f32(r: usize, begin: i32, end: i32): void {
  each<Adamax>(r, begin, end);
}

@unmanaged
class Adamax {
  @inline step(r: usize, at: usize, n: i32): void {
    const p = elements(r, 0, at, n);
    const g = decayed(r, 7, signed(r, 3, 10, at, n), p);
    const m = lerp(pointer(r, 1) + at, g, float(r, 4), n);
    const norm = f32x4.max(f32x4.mul(elements(r, 2, at, n), number(r, 5)), f32x4.add(f32x4.abs(g), number(r, 6)));
    storeUpTo4(pointer(r, 2) + at, norm, n);
    storeUpTo4(pointer(r, 0) + at, f32x4.sub(p, f32x4.div(f32x4.mul(number(r, 8), m), norm)), n);
  }
}

/**
 * m ← lerp(m, g, 1 - beta1);  v ← beta2 v + (1 - beta2) g²;  d = sqrt(v / (1 - beta2^t)) + eps;
 * param ← param - gradStep g / d - averageStep m / d.
 * T. Dozat, Incorporating Nesterov momentum into Adam, 2016.
 *
 * Slots: 0 param, 1 expAvg, 2 expAvgSq, 3 grad, 4 oneMinusBeta1, 5 beta2, 6 oneMinusBeta2, 7 eps, 8 weightDecay, 9 decay,
 * 10 biasCorrection2, 11 gradStep = lr (1 - mu_t) / (1 - Π mu_1…t), 12 averageStep = lr mu_t+1 / (1 - Π mu_1…t+1),
 * 13 count, 14 decoupled, 15 maximize. Work: count.
 */
export function nadam_f32(r: usize, begin: i32, end: i32): void {
  each<NAdam>(r, begin, end);
}

@unmanaged
class NAdam {
  @inline step(r: usize, at: usize, n: i32): void {
    let p = elements(r, 0, at, n);
    let g = signed(r, 3, 15, at, n);
    if (int(r, 14)) p = f32x4.mul(p, number(r, 9));
    else g = decayed(r, 8, g, p);
    const m = lerp(pointer(r, 1) + at, g, float(r, 4), n);
    const v = squares(pointer(r, 2) + at, g, number(r, 5), number(r, 6), n);
    const d = f32x4.add(f32x4.sqrt(f32x4.div(v, number(r, 10))), number(r, 7));
    p = f32x4.sub(p, f32x4.div(f32x4.mul(number(r, 11), g), d));
    p = f32x4.sub(p, f32x4.div(f32x4.mul(number(r, 12), m), d));
    storeUpTo4(pointer(r, 0) + at, p, n);
  }
}

/**
 * m ← lerp(m, g, 1 - beta1);  v ← beta2 v + (1 - beta2) g²;
 * param ← param - stepSize m · (rectified ? rectification / (sqrt(v) + eps) : 1).
 * L. Liu et al., On the variance of the adaptive learning rate and beyond, 2020, algorithm 2.
 *
 * Slots: 0 param, 1 expAvg, 2 expAvgSq, 3 grad, 4 oneMinusBeta1, 5 beta2, 6 oneMinusBeta2, 7 eps, 8 weightDecay, 9 decay,
 * 10 stepSize = lr / (1 - beta1^t), 11 rectification = r_t sqrt(1 - beta2^t), 12 count, 13 rectified, 14 decoupled,
 * 15 maximize. Work: count.
 */
export function radam_f32(r: usize, begin: i32, end: i32): void {
  each<RAdam>(r, begin, end);
}

@unmanaged
class RAdam {
  @inline step(r: usize, at: usize, n: i32): void {
    let p = elements(r, 0, at, n);
    let g = signed(r, 3, 15, at, n);
    if (int(r, 14)) p = f32x4.mul(p, number(r, 9));
    else g = decayed(r, 8, g, p);
    const m = lerp(pointer(r, 1) + at, g, float(r, 4), n);
    const v = squares(pointer(r, 2) + at, g, number(r, 5), number(r, 6), n);
    let way = f32x4.mul(m, number(r, 10));
    if (int(r, 13)) way = f32x4.mul(way, f32x4.div(number(r, 11), f32x4.add(f32x4.sqrt(v), number(r, 7))));
    storeUpTo4(pointer(r, 0) + at, f32x4.sub(p, way), n);
  }
}

/**
 * square ← rho square + (1 - rho) g²;  way = sqrt(deltas + eps) / sqrt(square + eps) · g;
 * deltas ← rho deltas + (1 - rho) way²;  param ← param - lr way.
 * M. D. Zeiler, Adadelta, 2012.
 *
 * Slots: 0 param, 1 square, 2 deltas, 3 grad, 4 lr, 5 rho, 6 oneMinusRho, 7 eps, 8 weightDecay, 9 count, 10 maximize.
 * Work: count.
 */
export function adadelta_f32(r: usize, begin: i32, end: i32): void {
  each<Adadelta>(r, begin, end);
}

@unmanaged
class Adadelta {
  @inline step(r: usize, at: usize, n: i32): void {
    const p = elements(r, 0, at, n);
    const eps = number(r, 7);
    const g = decayed(r, 8, signed(r, 3, 10, at, n), p);
    const square = squares(pointer(r, 1) + at, g, number(r, 5), number(r, 6), n);
    const deltas = elements(r, 2, at, n);
    const ratio = f32x4.div(f32x4.sqrt(f32x4.add(deltas, eps)), f32x4.sqrt(f32x4.add(square, eps)));
    const way = f32x4.mul(ratio, g);
    squares(pointer(r, 2) + at, way, number(r, 5), number(r, 6), n);
    storeUpTo4(pointer(r, 0) + at, nmadd(number(r, 4), way, p), n);
  }
}

/**
 * With the sign of grad · previous: stepSize ← clamp(stepSize · (positive etaPlus, negative etaMinus, zero 1), least, most);
 * where it is negative g ← 0;  param ← param - sign(g) stepSize;  previous ← g.
 * M. Riedmiller, H. Braun, A direct adaptive method for faster backpropagation learning: the RPROP algorithm, 1993; the
 * variant without weight backtracking.
 *
 * Slots: 0 param, 1 previous, 2 stepSize, 3 grad, 4 etaMinus, 5 etaPlus, 6 least, 7 most, 8 count, 9 maximize.
 * Work: count.
 */
export function rprop_f32(r: usize, begin: i32, end: i32): void {
  each<Rprop>(r, begin, end);
}

@unmanaged
class Rprop {
  @inline step(r: usize, at: usize, n: i32): void {
    const zero = i32x4.splat(0);
    const g = signed(r, 3, 9, at, n);
    const product = f32x4.mul(g, elements(r, 1, at, n));
    const turned = f32x4.lt(product, zero);
    // NaN is neither above nor below 0, and its factor is 1, as that of 0.
    let eta = v128.bitselect(number(r, 5), splat(1), f32x4.gt(product, zero));
    eta = v128.bitselect(number(r, 4), eta, turned);
    const step = f32x4.min(f32x4.max(f32x4.mul(elements(r, 2, at, n), eta), number(r, 6)), number(r, 7));
    storeUpTo4(pointer(r, 2) + at, step, n);
    const kept = v128.andnot(g, turned);
    storeUpTo4(pointer(r, 1) + at, kept, n);
    const up = v128.and(f32x4.lt(kept, zero), step);
    const down = v128.and(f32x4.gt(kept, zero), step);
    storeUpTo4(pointer(r, 0) + at, f32x4.add(f32x4.sub(elements(r, 0, at, n), down), up), n);
  }
}

/**
 * param ← shrink · param - eta g, shrink = 1 - lambda eta;  average ← average + mu (param - average), or param where mu is 1.
 * B. T. Polyak, A. B. Juditsky, Acceleration of stochastic approximation by averaging, 1992.
 *
 * Slots: 0 param, 1 average, 2 grad, 3 eta, 4 shrink, 5 mu, 6 weightDecay, 7 count, 8 maximize. Work: count.
 */
export function asgd_f32(r: usize, begin: i32, end: i32): void {
  each<ASGD>(r, begin, end);
}

@unmanaged
class ASGD {
  @inline step(r: usize, at: usize, n: i32): void {
    const old = elements(r, 0, at, n);
    const g = decayed(r, 6, signed(r, 2, 8, at, n), old);
    const p = nmadd(number(r, 3), g, f32x4.mul(old, number(r, 4)));
    storeUpTo4(pointer(r, 0) + at, p, n);
    const average = elements(r, 1, at, n);
    const moved = madd(f32x4.sub(p, average), number(r, 5), average);
    storeUpTo4(pointer(r, 1) + at, float(r, 5) == 1 ? p : moved, n);
  }
}

/**
 * param ← decay · param - lr sign(beta1 m + (1 - beta1) g);  m ← beta2 m + (1 - beta2) g.
 * X. Chen et al., Symbolic discovery of optimization algorithms, 2023, algorithm 2 (Lion).
 *
 * Slots: 0 param, 1 expAvg, 2 grad, 3 lr, 4 beta1, 5 oneMinusBeta1, 6 beta2, 7 oneMinusBeta2, 8 decay, 9 count, 10 maximize.
 * Work: count.
 */
export function lion_f32(r: usize, begin: i32, end: i32): void {
  each<Lion>(r, begin, end);
}

@unmanaged
class Lion {
  @inline step(r: usize, at: usize, n: i32): void {
    const zero = i32x4.splat(0);
    const lr = number(r, 3);
    const g = signed(r, 2, 10, at, n);
    const m = elements(r, 1, at, n);
    const way = madd(m, number(r, 4), f32x4.mul(g, number(r, 5)));
    storeUpTo4(pointer(r, 1) + at, madd(m, number(r, 6), f32x4.mul(g, number(r, 7))), n);
    const p = f32x4.mul(elements(r, 0, at, n), number(r, 8));
    const down = v128.and(f32x4.gt(way, zero), lr);
    const up = v128.and(f32x4.lt(way, zero), lr);
    storeUpTo4(pointer(r, 0) + at, f32x4.add(f32x4.sub(p, down), up), n);
  }
}

/**
 * grad ← grad · min(1, maxNorm / (norm + 1e-6)), the norm read from memory, so that no device has to wait for it.
 *
 * Slots: 0 grad, 1 norm (one float), 2 maxNorm, 3 count. Work: count.
 */
export function clipNorm_f32(r: usize, begin: i32, end: i32): void {
  each<ClipNorm>(r, begin, end);
}

@unmanaged
class ClipNorm {
  @inline step(r: usize, at: usize, n: i32): void {
    // A norm that is NaN makes the factor, and so the gradients, NaN, as in PyTorch.
    const factor = min<f32>(1, float(r, 2) / (load<f32>(pointer(r, 1)) + <f32>1e-6));
    storeUpTo4(pointer(r, 0) + at, f32x4.mul(elements(r, 0, at, n), splat(factor)), n);
  }
}

/** average ← lerp(average, param, weight). Slots: 0 average, 1 param, 2 weight, 3 count. Work: count. */
export function average_f32(r: usize, begin: i32, end: i32): void {
  each<Average>(r, begin, end);
}

@unmanaged
class Average {
  @inline step(r: usize, at: usize, n: i32): void {
    lerp(pointer(r, 0) + at, elements(r, 1, at, n), float(r, 2), n);
  }
}
