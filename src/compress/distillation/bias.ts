import { noGrad } from '../../autograd/index.js';
import * as elementary from '../../core/elementary.js';
import { fail, show } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import type { Linear } from '../../nn/index.js';
import { add_, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';

export interface CorrectBiasOptions {
  /** The classes whose bias may change. Default: all. */
  readonly classes?: readonly number[];
  /** The share of each class [C] among the samples. Default: all the same. */
  readonly shares?: readonly number[];
}

/** Rounds after which shares that still move are taken as they are. */
const ROUNDS = 1000;
/** Relative change at which shares stand still. */
const STILL = 1e-7;

/**
 * Corrects the biases of a classifier that was trained on another mix of classes than it will meet, as a student is whose
 * transfer set lacks a class: its bias there is much too low (Hinton, Vinyals, Dean 2015, "Distilling the knowledge in a neural
 * network", section 3). Adds to the bias of the last layer what makes the mean predicted probability of each of `classes`, over
 * samples of the usual mix, what the class's share is. No sample needs a label. Found by setting one class after another right
 * in turn, which is iterative proportional fitting (Deming and Stephan 1940). Returns what was added to each class, [C].
 *
 * `logits` [N, C] are what the classifier with this last layer says of the samples now.
 */
export function correctBias(layer: Linear, logits: Tensor, options: CorrectBiasOptions = {}): Float32Array {
  const shift = biasShift(logits, options);
  const { bias } = layer;
  if (bias === null) return fail('argument', 'correctBias: the layer has no bias. Give the last layer one.');
  if (bias.numel() !== shift.length) {
    fail(
      'shape',
      `correctBias: the layer has ${bias.numel()} outputs, logits ${show(logits.shape)} have ${shift.length}.`,
    );
  }
  noGrad(() => scope(() => void add_(bias, tensor(shift))));
  return shift;
}

/** What `correctBias` would add to each class's bias, [C]. */
export function biasShift(logits: Tensor, options: CorrectBiasOptions = {}): Float32Array {
  const [samples, classes] = logits.shape as readonly [number, number];
  if (logits.ndim !== 2 || samples === 0)
    fail('shape', `correctBias: expected logits [N, C], got ${show(logits.shape)}.`);
  const { classes: free = Array.from({ length: classes }, (_, c) => c) } = options;
  const { shares = new Array<number>(classes).fill(1 / classes) } = options;
  for (const c of free) {
    if (!Number.isInteger(c) || c < 0 || c >= classes)
      fail('argument', `correctBias: there is no class ${c} of ${classes}.`);
    if (!((shares[c] as number) > 0 && (shares[c] as number) < 1)) {
      fail('argument', `correctBias: the share of class ${c} must be between 0 and 1, got ${shares[c]}.`);
    }
  }
  const total = shares.reduce((a, b) => a + b, 0);
  if (shares.length !== classes || Math.abs(total - 1) > 1e-3) {
    fail(
      'argument',
      `correctBias: expected shares of ${classes} classes that add up to 1, got ${shares.length} that add up to ${total}.`,
    );
  }
  return fit(logits.dataSync(), classes, free, shares);
}

/** Shifts of the free classes at which the mean probability of each is its share. */
function fit(
  logits: ArrayLike<number>,
  classes: number,
  free: readonly number[],
  shares: readonly number[],
): Float32Array {
  const samples = logits.length / classes;
  const shift = new Float64Array(classes);
  // All classes at once are scaled to their shares; one among others changes its odds against them together.
  const isAll = new Set(free).size === classes;
  for (let round = 0; round < ROUNDS; round++) {
    let change = 0;
    for (const group of isAll ? [free] : free.map((c) => [c])) {
      const sums = sumsOfProbabilities(logits, shift);
      for (const c of group) {
        const [now, goal] = [(sums[c] as number) / samples, shares[c] as number];
        const step = elementary.log(goal / now) - (isAll ? 0 : elementary.log((1 - goal) / (1 - now)));
        if (!Number.isFinite(step)) return fail('data', `correctBias: class ${c} has probability ${now} everywhere.`);
        shift[c] = (shift[c] as number) + step;
        change = Math.max(change, Math.abs(step));
      }
    }
    if (change < STILL) break;
  }
  return Float32Array.from(shift);
}

/** The sum of each class's probability over all samples. */
function sumsOfProbabilities(logits: ArrayLike<number>, shift: Float64Array): Float64Array {
  const classes = shift.length;
  const sums = new Float64Array(classes);
  const row = new Float64Array(classes);
  for (let begin = 0; begin < logits.length; begin += classes) {
    let top = -Infinity;
    for (let c = 0; c < classes; c++) {
      row[c] = (logits[begin + c] as number) + (shift[c] as number);
      top = Math.max(top, row[c] as number);
    }
    let total = 0;
    for (let c = 0; c < classes; c++) {
      row[c] = elementary.exp((row[c] as number) - top);
      total += row[c] as number;
    }
    for (let c = 0; c < classes; c++) sums[c] = (sums[c] as number) + (row[c] as number) / total;
  }
  return sums;
}
