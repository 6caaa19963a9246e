import { isGradEnabled, record } from '../autograd/index.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import type { NamedArguments } from '../core/named.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul, neg, sub } from './arithmetic.js';
import { eq, ne, where } from './compare.js';
import { gather, indexSelect } from './indexing.js';
import { checkRange } from './indices.js';
import { CROSS_ENTROPY_NAMES, NLL_NAMES } from './lossnames.js';
import { cast, permute, reshape } from './movement.js';
import { checkTensor, convert, dense, empty, op } from './op.js';
import { sum } from './reduce.js';
import { type LossOptions, type Read, readLoss, reduced } from './reduction.js';
import { at, integers, type Reference, spread } from './sheet.js';
import { logSoftmax, softmax } from './softmax.js';

/** Losses of classes: cross entropy of logits, and the likelihood of log-probabilities. */

export interface NllOptions extends LossOptions {
  /** Weight of each class: [C]. */
  readonly weight?: Tensor | null;
  /** Targets of this value are left out. Default −100. */
  readonly ignoreIndex?: number;
}

export interface CrossEntropyOptions extends NllOptions {
  /** Share of the target given evenly to all classes. Default 0. */
  readonly labelSmoothing?: number;
}

/** [N, C, d…] as rows [N · d…, C]. */
function classRows(input: Tensor): Tensor {
  if (input.ndim === 1) return reshape(input, [1, -1]);
  if (input.ndim === 2) return input;
  const order = [0, ...input.shape.map((_, i) => i).slice(2), 1];
  return reshape(permute(input, order), [-1, input.shape[1] as number]);
}

/** The number of classes of [N, C, d…]. Throws unless there is a weight for each, if any. */
function countClasses(name: string, input: Tensor, weight: Tensor | null): number {
  const classes =
    input.shape[input.ndim === 1 ? 0 : 1] ?? fail('shape', `${name}: input needs a class dimension, got [].`);
  if (weight !== null && !sameShape(weight.shape, [classes])) {
    fail('shape', `${name}: weight must be [${classes}], one for each class, got ${show(weight.shape)}.`);
  }
  return classes;
}

/** Throws unless there is a class index for each row of classes. */
function checkLabels(name: string, input: Tensor, target: Tensor): void {
  const expected = classShape(input);
  if (!sameShape(target.shape, expected)) {
    fail(
      'shape',
      `${name}: for input ${show(input.shape)} class indices must be ${show(expected)}, got ${show(target.shape)}.`,
    );
  }
}

/** The shape of [N, C, d…] without its classes. */
function classShape(input: Tensor): number[] {
  return input.ndim === 1 ? [] : [input.shape[0] as number, ...input.shape.slice(2)];
}

/** 0 … c − 1 as one row of int32. */
function classRow(like: Tensor, c: number): Tensor {
  const classes = empty(like, [1, c], 'int32', 'classes');
  const values = Int32Array.from({ length: c }, (_, i) => i);
  classes.storage.device.write(classes.storage, 0, new Uint8Array(values.buffer));
  return classes;
}

/** The gradient of `crossEntropyRows` from ops that can be differentiated: (softmax · Σq − q) · rowScale. */
function crossEntropyGrad(x: Tensor, target: Tensor, rowScale: Tensor, options: Read<CrossEntropyOptions>): Tensor {
  const { weight = null, ignoreIndex = -100, labelSmoothing = 0 } = options;
  const [n, c] = x.shape as [number, number];
  const column = reshape(target, [n, 1]);
  const hot = cast(eq(column, classRow(x, c)), 'float32');
  const smooth = add(mul(hot, 1 - labelSmoothing), labelSmoothing / c);
  const weighted = weight === null ? smooth : mul(smooth, weight);
  const q = mul(weighted, cast(ne(column, ignoreIndex), 'float32'));
  return mul(sub(mul(softmax(x, 1), sum(q, 1, true)), q), rowScale.ndim === 0 ? rowScale : reshape(rowScale, [n, 1]));
}

/** Throws for a label that is no class. */
function checkLabelRange(name: string, labels: Tensor, classes: number, ignoreIndex: number): void {
  const what = `none of ${classes} classes, 0 … ${classes - 1}. Check the labels, or ignoreIndex.`;
  checkRange(
    labels,
    0,
    classes,
    (label) => `${name}: ${label === 'an index' ? 'a label' : `label ${label}`} is ${what}`,
    ignoreIndex,
  );
}

/** Class-index cross entropy on rows [n, c]: one kernel forward, one backward. Gives the loss of each row and its weight. */
function crossEntropyRows(input: Tensor, target: Tensor, options: Read<CrossEntropyOptions>): Tensor {
  const { weight = null, ignoreIndex = -100, labelSmoothing = 0, reduction } = options;
  const x = dense(convert(input, 'float32'));
  const labels = dense(convert(target, 'int32'));
  const classWeight = weight === null ? null : dense(weight);
  const [rows, cols] = x.shape as [number, number];
  checkLabelRange('crossEntropy', labels, cols, ignoreIndex);
  const rowLoss = empty(x, [rows], 'float32', 'crossEntropy');
  const rowWeight = empty(x, [rows], 'float32', 'crossEntropy');
  const logProbs = empty(x, x.shape, 'float32', 'crossEntropy');
  const grain = Math.max(1, Math.floor(16384 / Math.max(cols, 1)));
  x.storage.device.launch({
    kernel: 'crossEntropy_f32',
    work: rows,
    grain,
    writes: [rowLoss, rowWeight, logProbs],
    reads: [x, labels, classWeight],
    floats: [labelSmoothing],
    ints: [rows, cols, ignoreIndex],
  });
  const total = reduction === 'mean' ? sum(rowWeight) : null;
  const y = reduction === 'none' ? rowLoss : total === null ? sum(rowLoss) : div(sum(rowLoss), total);
  const saved = [input, logProbs, labels, ...(total === null ? [] : [total])];
  record('crossEntropy', [input], [y], saved, ([gradient], [raw, logs, labels, total]) => {
    const g = gradient as Tensor;
    const rowScale = total === undefined ? g : div(g, total);
    if (isGradEnabled()) return [crossEntropyGrad(raw as Tensor, labels as Tensor, rowScale, options)];
    const dx = empty(g, (logs as Tensor).shape, 'float32', 'crossEntropy');
    g.storage.device.launch({
      kernel: 'crossEntropy_grad_f32',
      work: rows,
      grain,
      writes: [dx],
      reads: [logs as Tensor, labels as Tensor, dense(rowScale), classWeight],
      floats: [labelSmoothing],
      ints: [rows, cols, ignoreIndex, reduction === 'none' ? 1 : 0],
    });
    return [dx];
  });
  return y;
}

/** The float64 oracle of cross entropy with class indices, mean over rows. */
function crossEntropyOracle([x, t]: readonly Reference[], args: readonly unknown[]): Reference {
  const [input, target] = [x as Reference, t as Reference];
  const { ignoreIndex = -100, labelSmoothing = 0, reduction = 'mean' } = (args[0] ?? {}) as CrossEntropyOptions;
  const [n, c] = input.shape as [number, number];
  const losses = Array.from({ length: n }, (_, row) => {
    const label = target.data[row] as number;
    if (label === ignoreIndex) return 0;
    const values = Array.from({ length: c }, (_, j) => at(input, [row, j]));
    const top = Math.max(...values);
    const total = top + Math.log(values.reduce((a, v) => a + Math.exp(v - top), 0));
    const logs = values.map((v) => v - total);
    const even = logs.reduce((a, v) => a + v, 0) / c;
    return -(1 - labelSmoothing) * (logs[label] as number) - labelSmoothing * even;
  });
  if (reduction === 'none') return { shape: [n], data: Float64Array.from(losses) };
  const kept = Array.from(target.data).filter((label) => label !== ignoreIndex).length;
  const total = losses.reduce((a, b) => a + b, 0);
  return { shape: [], data: Float64Array.of(reduction === 'sum' ? total : total / kept) };
}

/**
 * Softmax cross entropy: input [N, C, d…] holds logits, target [N, d…] class indices (int32), or [N, C, d…] probabilities.
 */
export const crossEntropy = op(
  leading(
    'crossEntropy',
    ['target'],
    (
      input: Tensor,
      target: Tensor,
      ...rest: NamedArguments<CrossEntropyOptions, typeof CROSS_ENTROPY_NAMES>
    ): Tensor => {
      checkTensor('crossEntropy', input);
      checkTensor('crossEntropy', target, 'target');
      const options = readLoss<CrossEntropyOptions>('crossEntropy', rest, CROSS_ENTROPY_NAMES);
      const { weight = null, reduction, labelSmoothing = 0 } = options;
      if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
        fail('argument', `crossEntropy: labelSmoothing must be in [0, 1], got ${labelSmoothing}.`);
      }
      const classes = countClasses('crossEntropy', input, weight);
      if (traits[target.dtype].isFloat) {
        if (!sameShape(input.shape, target.shape)) {
          fail(
            'shape',
            `crossEntropy: class probabilities must have input's shape ${show(input.shape)}, got ${show(target.shape)}. ` +
              'Are these class indices? Then make them whole numbers: target.int().',
          );
        }
        const rows = classRows(input);
        const goal = classRows(target);
        const smooth = labelSmoothing > 0 ? add(mul(goal, 1 - labelSmoothing), labelSmoothing / classes) : goal;
        const loss = neg(sum(mul(logSoftmax(rows, 1), weight === null ? smooth : mul(smooth, weight)), 1));
        return reduced(reduction === 'none' ? reshape(loss, classShape(input)) : loss, reduction);
      }
      checkLabels('crossEntropy', input, target);
      const loss = crossEntropyRows(classRows(input), reshape(target, [-1]), options);
      return reduction === 'none' ? reshape(loss, target.shape) : loss;
    },
  ),
  {
    name: 'crossEntropy',
    family: 'loss',
    doc: 'Softmax cross entropy of logits [N, C, d…] and class indices [N, d…] or probabilities [N, C, d…].',
    dtypes: ['float32,int32'],
    differentiable: [true, false],
    oracle: crossEntropyOracle,
    samples: () => [
      { inputs: [spread([5, 3]), integers([5], 0, 3)] },
      { inputs: [spread([17, 10], -8, 8), integers([17], 0, 10)], args: [{ labelSmoothing: 0.1 }] },
      { inputs: [spread([5, 3]), integers([5], 0, 3)], args: [{ ignoreIndex: 1 }] },
      { inputs: [spread([5, 3]), integers([5], 0, 3)], args: [{ reduction: 'none' }] },
      { inputs: [spread([5, 3]), integers([5], 0, 3)], args: [{ reduction: 'sum', ignoreIndex: 2 }] },
    ],
    tolerance: 3e-6,
  },
);

/** Negative log likelihood of log-probabilities [N, C, d…] at class indices [N, d…]. */
export const nllLoss = /* @__PURE__ */ leading(
  'nllLoss',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: NamedArguments<NllOptions, typeof NLL_NAMES>): Tensor => {
    checkTensor('nllLoss', input);
    checkTensor('nllLoss', target, 'target');
    const { weight = null, ignoreIndex = -100, reduction } = readLoss<NllOptions>('nllLoss', rest, NLL_NAMES);
    countClasses('nllLoss', input, weight);
    if (traits[target.dtype].isFloat) {
      fail('dtype', `nllLoss: target must be class indices, got ${target.dtype}. Use target.int().`);
    }
    checkLabels('nllLoss', input, target);
    const rows = classRows(input);
    const labels = reshape(convert(target, 'int32'), [-1]);
    checkLabelRange('nllLoss', labels, rows.shape[1] as number, ignoreIndex);
    const isKept = ne(labels, ignoreIndex);
    // An ignored label may be no class at all; class 0 stands in for it, and is not looked at.
    const places = where(isKept, labels, 0);
    const picked = reshape(gather(rows, 1, reshape(places, [-1, 1])), [-1]);
    const weights = where(isKept, weight === null ? 1 : indexSelect(weight, 0, places), 0);
    const loss = where(isKept, neg(weight === null ? picked : mul(picked, weights)), 0);
    if (reduction === 'mean') return div(sum(loss), sum(weights));
    return reduction === 'none' ? reshape(loss, target.shape) : reduced(loss, reduction);
  },
);
