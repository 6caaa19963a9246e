import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import type { NamedArguments } from '../core/named.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { logSigmoid } from './activation.js';
import { add, div, mul, neg, sub } from './arithmetic.js';
import { gt, logicalAnd, where } from './compare.js';
import { tensor } from './create.js';
import { gather, indexSelect } from './indexing.js';
import { LOSS_NAMES, MULTI_MARGIN_NAMES, SOFT_NAMES } from './lossnames.js';
import { indicesLike } from './masked.js';
import { reshape, unsqueeze } from './movement.js';
import { checkTensor, knownValues } from './op.js';
import { sum } from './reduce.js';
import { type LossOptions, type Reduction, readLoss, reduced } from './reduction.js';

/** Losses of several classes that ask for a margin between those that are targets and those that are not. */

/** Scores [N, C] of input [N, C] or [C], and the class indices beside them, on the host. */
function readClasses(
  name: string,
  input: Tensor,
  target: Tensor,
): { rows: Tensor; labels: Int32Array; classes: number } {
  checkTensor(name, input);
  checkTensor(name, target, 'target');
  if (traits[target.dtype].isFloat || target.dtype === 'bool') {
    fail('dtype', `${name}: target must be class indices, got ${target.dtype}. Use .to('int32').`);
  }
  const classes = input.shape[input.ndim - 1] ?? 1;
  if (input.ndim > 2 || classes === 0) {
    fail('shape', `${name}: input must be [N, C] or [C] with at least one class, got ${show(input.shape)}.`);
  }
  return { rows: reshape(input, [-1, classes]), labels: Int32Array.from(knownValues(name, target)), classes };
}

/** Class indices as int32 on the device of `like`. */
function asIndex(like: Tensor, labels: Int32Array, shape: readonly number[]): Tensor {
  return indicesLike(like, labels, shape, 'class');
}

/** z where it is above 0 and `counts` holds, 0 elsewhere; so is its gradient, at 0 too. */
function above(z: Tensor, counts: Tensor): Tensor {
  return where(logicalAnd(gt(z, 0), counts), z, 0);
}

export interface MultiMarginOptions extends LossOptions {
  /** The power of what is missing, 1 or 2. Default 1. */
  readonly p?: number;
  /** How far the target's score is to stand out. Default 1. */
  readonly margin?: number;
  /** Weight of each class: [C]. */
  readonly weight?: Tensor | null;
}

/** Σ over other classes of max(0, margin − input[target] + input[class])ᵖ / C; input [N, C], target [N], or [C] and []. */
export const multiMarginLoss = /* @__PURE__ */ leading(
  'multiMarginLoss',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: NamedArguments<MultiMarginOptions, typeof MULTI_MARGIN_NAMES>): Tensor => {
    const options = readLoss<MultiMarginOptions>('multiMarginLoss', rest, MULTI_MARGIN_NAMES);
    const { p = 1, margin = 1, weight = null, reduction } = options;
    const { rows, labels, classes } = readClasses('multiMarginLoss', input, target);
    const n = rows.shape[0] as number;
    if (p !== 1 && p !== 2) fail('argument', `multiMarginLoss: p must be 1 or 2, got ${p}.`);
    if (labels.length !== n || target.ndim > 1) {
      fail('shape', `multiMarginLoss: input ${show(input.shape)} needs ${n} class indices, got ${show(target.shape)}.`);
    }
    if (weight !== null && !sameShape(weight.shape, [classes])) {
      fail('shape', `multiMarginLoss: weight must be [${classes}], one for each class, got ${show(weight.shape)}.`);
    }
    const wrong = labels.find((label) => label < 0 || label >= classes);
    if (wrong !== undefined) fail('data', `multiMarginLoss: label ${wrong} is none of ${classes} classes.`);
    const isOther = tensor(
      Uint8Array.from({ length: n * classes }, (_, i) => Number(labels[Math.floor(i / classes)] !== i % classes)),
      [n, classes],
      { dtype: 'bool' },
    );
    const own = gather(rows, 1, asIndex(rows, labels, [n, 1]));
    const missing = above(add(sub(rows, own), margin), isOther);
    const total = div(sum(p === 2 ? mul(missing, missing) : missing, 1), classes);
    const loss = weight === null ? total : mul(total, indexSelect(weight, 0, asIndex(rows, labels, [n])));
    return reduced(reduction === 'none' ? reshape(loss, target.shape) : loss, reduction);
  },
);

/**
 * Σ over target classes t and other classes c of max(0, 1 − input[t] + input[c]) / C. Input is [N, C] or [C], and so is
 * target: class indices up to the first −1.
 */
export const multilabelMarginLoss = /* @__PURE__ */ leading(
  'multilabelMarginLoss',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: NamedArguments<LossOptions, typeof LOSS_NAMES>): Tensor => {
    const { reduction } = readLoss<LossOptions>('multilabelMarginLoss', rest, LOSS_NAMES);
    const { rows, labels, classes } = readClasses('multilabelMarginLoss', input, target);
    if (!sameShape(input.shape, target.shape)) {
      fail(
        'shape',
        `multilabelMarginLoss: target must be ${show(input.shape)} as input is, got ${show(target.shape)}.`,
      );
    }
    const wrong = labels.find((label) => label < -1 || label >= classes);
    if (wrong !== undefined)
      fail('data', `multilabelMarginLoss: label ${wrong} is none of ${classes} classes, nor −1.`);
    const n = rows.shape[0] as number;
    const listed = Array.from({ length: n }, (_, row) => {
      const list = [...labels.subarray(row * classes, (row + 1) * classes)];
      const end = list.indexOf(-1);
      return end < 0 ? list : list.slice(0, end);
    });
    const most = listed.reduce((m, list) => Math.max(m, list.length), 1);
    const places = Int32Array.from({ length: n * most }, (_, i) => listed[Math.floor(i / most)]?.[i % most] ?? 0);
    // For each listed target a row of classes, of which those count that are not listed themselves.
    const counts = Uint8Array.from({ length: n * most * classes }, (_, i) => {
      const list = listed[Math.floor(i / (most * classes))] as number[];
      return Number(Math.floor(i / classes) % most < list.length && !list.includes(i % classes));
    });
    const own = gather(rows, 1, asIndex(rows, places, [n, most]));
    const z = add(sub(unsqueeze(rows, 1), unsqueeze(own, 2)), 1);
    const missing = above(z, tensor(counts, [n, most, classes], { dtype: 'bool' }));
    const loss = div(sum(missing, [1, 2]), classes);
    return reduced(reduction === 'none' ? reshape(loss, input.shape.slice(0, -1)) : loss, reduction);
  },
);

export interface MultilabelSoftMarginOptions extends LossOptions {
  /** Weight of each class: [C]. */
  readonly weight?: Tensor | null;
}

/** The mean over classes, the last dimension, of −target · log σ(input) − (1 − target) · log σ(−input). */
export const multilabelSoftMarginLoss = /* @__PURE__ */ leading(
  'multilabelSoftMarginLoss',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: NamedArguments<MultilabelSoftMarginOptions, typeof SOFT_NAMES>): Tensor => {
    const options = readLoss<MultilabelSoftMarginOptions>('multilabelSoftMarginLoss', rest, SOFT_NAMES);
    const { weight = null, reduction } = options;
    checkTensor('multilabelSoftMarginLoss', input);
    checkTensor('multilabelSoftMarginLoss', target, 'target');
    const raw = neg(add(mul(target, logSigmoid(input)), mul(sub(1, target), logSigmoid(neg(input)))));
    const loss = weight === null ? raw : mul(raw, weight);
    const classes = input.shape[input.ndim - 1];
    if (classes === undefined) return fail('shape', 'multilabelSoftMarginLoss: input needs a class dimension, got [].');
    return reduced(div(sum(loss, -1), classes), reduction as Reduction);
  },
);
