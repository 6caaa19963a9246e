/**
 * Connectionist temporal classification (Graves et al. 2006, sections 4.1 and 4.2): the likelihood of a label sequence,
 * summed over all its alignments, and its gradient. All in logarithms, four states at a time.
 *
 * A sequence of S labels has L = 2 S + 1 states, blanks around and between its labels: b l₁ b l₂ b. A step in time stays,
 * goes to the next state, or skips a blank between two labels that differ:
 *   α(t, s) = log p(t, l_s) + logsumexp(α(t − 1, s), α(t − 1, s − 1), α(t − 1, s − 2) where l_s ≠ l_{s − 2}),
 * and β is the same from the end. A row of states has PAD places of −Infinity on both sides, so that no step looks where
 * nothing is; a row of labels has blanks there, which are classes that can be read.
 */
import { exp4, log4 } from './exponential';
import { int, pointer, scratch } from './launch';
import { maximum } from './math';
import { bytes } from './simd';

/** Places before the first state and behind the last one, whose number is rounded up to whole vectors. */
const PAD: i32 = 4;

const NEGATIVE_INFINITY: usize = memory.data<u32>([0xff800000]);

// @ts-ignore: decorator
@inline function nothing(): v128 {
  return v128.load32_splat(NEGATIVE_INFINITY);
}

/** log(eᵃ + eᵇ + eᶜ); −Infinity where all three are, NaN where one is. */
function logSum(a: v128, b: v128, c: v128): v128 {
  const top = maximum(maximum(a, b), c);
  // Without a single path the difference below would be ∞ − ∞.
  const shift = v128.andnot(top, f32x4.eq(top, nothing()));
  const total = f32x4.add(f32x4.add(exp4(f32x4.sub(a, shift)), exp4(f32x4.sub(b, shift))), exp4(f32x4.sub(c, shift)));
  return f32x4.add(log4(total), shift);
}

/** Log-probabilities of four states' labels. */
// @ts-ignore: decorator
@inline function emission(logProbs: usize, labels: usize): v128 {
  let v = v128.load32_zero(logProbs + bytes(load<i32>(labels)));
  v = v128.load32_lane(logProbs + bytes(load<i32>(labels, 4)), v, 1);
  v = v128.load32_lane(logProbs + bytes(load<i32>(labels, 8)), v, 2);
  return v128.load32_lane(logProbs + bytes(load<i32>(labels, 12)), v, 3);
}

/** Sets `count` floats, a multiple of four, to −Infinity. */
function clear(row: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) v128.store(row + bytes(i), nothing());
}

/**
 * Slots: 0 loss [N], 1 alpha [N, T, P], 2 logProbs [T, N, C], 3 labels (int32) [N, P], 4 inputLengths (int32) [N],
 * 5 targetLengths (int32) [N], 6 T, 7 N, 8 C, 9 P. Work: N. P is the length of a padded row.
 *
 * The loss is −log likelihood; Infinity where no alignment is long enough.
 */
export function ctc_f32(r: usize, begin: i32, end: i32): void {
  const maxTime = int(r, 6);
  const batch = int(r, 7);
  const classes = int(r, 8);
  const pitch = int(r, 9);
  for (let n = begin; n < end; n++) {
    const time = load<i32>(pointer(r, 4) + bytes(n));
    const count = load<i32>(pointer(r, 5) + bytes(n));
    const labels = pointer(r, 3) + bytes(n * pitch + PAD);
    let row = pointer(r, 1) + bytes(n * maxTime * pitch);
    let logProbs = pointer(r, 2) + bytes(n * classes);
    const loss = pointer(r, 0) + bytes(n);
    if (time == 0) {
      store<f32>(loss, count == 0 ? 0 : Infinity);
      continue;
    }
    clear(row, pitch);
    store<f32>(row, load<f32>(logProbs + bytes(load<i32>(labels))), PAD << 2);
    if (count > 0) store<f32>(row, load<f32>(logProbs + bytes(load<i32>(labels, 4))), (PAD + 1) << 2);
    for (let t = 1; t < time; t++) {
      const before = row + (PAD << 2);
      row += bytes(pitch);
      logProbs += bytes(batch * classes);
      clear(row, pitch);
      for (let s = 0; s <= 2 * count; s += 4) {
        const at = bytes(s);
        const differs = i32x4.ne(v128.load(labels + at), v128.load(labels + at - 8));
        const skip = v128.bitselect(v128.load(before + at - 8), nothing(), differs);
        const paths = logSum(v128.load(before + at), v128.load(before + at - 4), skip);
        v128.store(row + at, f32x4.add(paths, emission(logProbs, labels + at)), PAD << 2);
      }
    }
    const last = row + bytes(2 * count + PAD);
    const inLabel = count > 0 ? f32x4.splat(load<f32>(last - 4)) : nothing();
    store<f32>(loss, -f32x4.extract_lane(logSum(v128.load32_splat(last), inLabel, nothing()), 0));
  }
}

/**
 * The gradient for log-probabilities, as PyTorch defines it: that of the logits before the log-softmax which made them,
 *   dx(t, c) = g · (p(t, c) − Σ over states s of class c: e^(α(t, s) + β(t, s) + loss − log p(t, c))),
 * 0 behind the end of an input. Slots: 0 dx [T, N, C], 1 logProbs [T, N, C], 2 labels (int32) [N, P], 3 inputLengths
 * (int32) [N], 4 targetLengths (int32) [N], 5 alpha [N, T, P], 6 loss [N], 7 g [N], 8 T, 9 N, 10 C, 11 P, 12 whether an
 * infinite loss has no gradient. Work: N. Scratch: 2 P floats.
 */
export function ctc_grad_f32(r: usize, begin: i32, end: i32): void {
  const maxTime = int(r, 8);
  const batch = int(r, 9);
  const classes = int(r, 10);
  const pitch = int(r, 11);
  for (let n = begin; n < end; n++) {
    const time = load<i32>(pointer(r, 3) + bytes(n));
    const count = load<i32>(pointer(r, 4) + bytes(n));
    const labels = pointer(r, 2) + bytes(n * pitch + PAD);
    const loss = load<f32>(pointer(r, 6) + bytes(n));
    const g = load<f32>(pointer(r, 7) + bytes(n));
    const step = bytes(batch * classes);
    const dx = pointer(r, 0) + bytes(n * classes);
    for (let t = 0; t < maxTime; t++) memory.fill(dx + <usize>t * step, 0, bytes(classes));
    if (time == 0 || (loss == Infinity && int(r, 12) != 0)) continue;
    let after = scratch();
    let row = after + bytes(pitch);
    clear(after, pitch);
    for (let t = time - 1; t >= 0; t--) {
      const logProbs = pointer(r, 1) + <usize>t * step + bytes(n * classes);
      const target = dx + <usize>t * step;
      const alpha = pointer(r, 5) + bytes((n * maxTime + t) * pitch + PAD);
      clear(row, pitch);
      if (t == time - 1) {
        const last = row + bytes(2 * count + PAD);
        store<f32>(last, load<f32>(logProbs + bytes(load<i32>(labels + bytes(2 * count)))));
        if (count > 0) store<f32>(last - 4, load<f32>(logProbs + bytes(load<i32>(labels + bytes(2 * count - 1)))));
      }
      for (let s = 0; s <= 2 * count; s += 4) {
        const at = bytes(s);
        const emitted = emission(logProbs, labels + at);
        let beta = v128.load(row + at, PAD << 2);
        if (t < time - 1) {
          const differs = i32x4.ne(v128.load(labels + at), v128.load(labels + at, 8));
          const skip = v128.bitselect(v128.load(after + at, (PAD + 2) << 2), nothing(), differs);
          const paths = logSum(v128.load(after + at, PAD << 2), v128.load(after + at, (PAD + 1) << 2), skip);
          beta = f32x4.add(paths, emitted);
          v128.store(row + at, beta, PAD << 2);
        }
        // The share of all alignments that pass through each state at this time.
        const both = f32x4.add(v128.load(alpha + at), beta);
        const share = exp4(f32x4.add(both, f32x4.sub(f32x4.splat(loss), emitted)));
        // A state that no alignment reaches has no share, even where its class is impossible too.
        const reached = v128.andnot(share, f32x4.eq(both, nothing()));
        collect(target, labels + at, reached, 2 * count + 1 - s);
      }
      for (let c = 0; c < classes; c++) {
        const at = target + bytes(c);
        const logProb = load<f32>(logProbs + bytes(c));
        const p = f32x4.extract_lane(exp4(f32x4.splat(logProb)), 0);
        // PyTorch computes −∞ + loss − logProb, which is no number for an impossible class or an impossible sequence.
        const lost = loss == Infinity || logProb == -Infinity;
        store<f32>(at, lost ? NaN : (p - load<f32>(at)) * g);
      }
      const other = after;
      after = row;
      row = other;
    }
  }
}

/** Adds the first `count` of four shares to their classes' places. */
function collect(target: usize, labels: usize, shares: v128, count: i32): void {
  add(target + bytes(load<i32>(labels)), f32x4.extract_lane(shares, 0));
  if (count > 1) add(target + bytes(load<i32>(labels, 4)), f32x4.extract_lane(shares, 1));
  if (count > 2) add(target + bytes(load<i32>(labels, 8)), f32x4.extract_lane(shares, 2));
  if (count > 3) add(target + bytes(load<i32>(labels, 12)), f32x4.extract_lane(shares, 3));
}

// @ts-ignore: decorator
@inline function add(p: usize, x: f32): void {
  store<f32>(p, load<f32>(p) + x);
}
