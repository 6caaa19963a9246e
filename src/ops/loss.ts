import { noGrad, record } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { div, mul, neg, sub } from './arithmetic.js';
import { sumTo } from './broadcast.js';
import { gt, lt, ne, where } from './compare.js';
import { HUBER_NAMES, KL_NAMES, KL_REDUCTIONS, LOSS_NAMES, SMOOTH_NAMES } from './lossnames.js';
import { checkTensor } from './op.js';
import { sum } from './reduce.js';
import { checkAlike, type LossOptions, type Reduction, readLoss, reduced } from './reduction.js';
import { abs, clamp, exp, log } from './unary.js';

/** Losses of regression: how far numbers and distributions are from targets. */

/** PyTorch's three ways to say how a loss is reduced, by position or by name. */
export type LossArguments = NamedArguments<LossOptions, typeof LOSS_NAMES>;

/** (input − target)². */
export const mseLoss = /* @__PURE__ */ leading(
  'mseLoss',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: LossArguments): Tensor => {
    const { reduction } = readLoss<LossOptions>('mseLoss', rest, LOSS_NAMES);
    checkAlike('mseLoss', input, target);
    const distance = sub(input, target);
    return reduced(mul(distance, distance), reduction);
  },
);

/** |input − target|. */
export const l1Loss = /* @__PURE__ */ leading(
  'l1Loss',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: LossArguments): Tensor => {
    const { reduction } = readLoss<LossOptions>('l1Loss', rest, LOSS_NAMES);
    checkAlike('l1Loss', input, target);
    return reduced(abs(sub(input, target)), reduction);
  },
);

export interface HuberOptions {
  /** As all losses have it. Default 'mean'. */
  readonly reduction?: Reduction;
  /** Where the square turns into a line. Default 1. */
  readonly delta?: number;
}

/**
 * c · (|d| − ½ c) with c = |d| cut off at `limit`: ½ d² below it, a line beyond. In this form no branch computes a square
 * that overflows, so the slope of the line holds up to infinity.
 */
function huber(distance: Tensor, limit: number): Tensor {
  const d = abs(distance);
  const cut = clamp(d, { max: limit });
  return mul(cut, sub(d, mul(cut, 0.5)));
}

/** ½ d² for |d| < delta, delta · (|d| − ½ delta) beyond; d = input − target (Huber 1964). */
export const huberLoss = /* @__PURE__ */ leading(
  'huberLoss',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: NamedArguments<HuberOptions, typeof HUBER_NAMES>): Tensor => {
    const { reduction, delta = 1 } = readLoss<HuberOptions>('huberLoss', rest, HUBER_NAMES);
    checkAlike('huberLoss', input, target);
    if (!(delta > 0)) fail('argument', `huberLoss: delta must be greater than 0, got ${delta}.`);
    return reduced(huber(sub(input, target), delta), reduction);
  },
);

export interface SmoothL1Options extends LossOptions {
  /** Where the square turns into a line. Default 1; 0 gives `l1Loss`. */
  readonly beta?: number;
}

/** ½ d² / beta for |d| < beta, |d| − ½ beta beyond; d = input − target. */
export const smoothL1Loss = /* @__PURE__ */ leading(
  'smoothL1Loss',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: NamedArguments<SmoothL1Options, typeof SMOOTH_NAMES>): Tensor => {
    const { reduction, beta = 1 } = readLoss<SmoothL1Options>('smoothL1Loss', rest, SMOOTH_NAMES);
    checkAlike('smoothL1Loss', input, target);
    if (!(beta >= 0)) fail('argument', `smoothL1Loss: beta must not be negative, got ${beta}.`);
    return reduced(beta === 0 ? cone(input, target) : div(huber(sub(input, target), beta), beta), reduction);
  },
);

/** |input − target|, which at 0 falls along both as PyTorch has it here; `l1Loss` has no slope there. */
function cone(input: Tensor, target: Tensor): Tensor {
  const d = noGrad(() => sub(input, target));
  const y = noGrad(() => abs(d));
  record('smoothL1Loss', [input, target], [y], [d], ([gradient], [held]) => {
    const [g, d] = [gradient as Tensor, held as Tensor];
    const { shape: from } = input;
    const { shape: to } = target;
    return [sumTo(where(gt(d, 0), g, neg(g)), from), sumTo(where(lt(d, 0), g, neg(g)), to)];
  });
  return y;
}

export interface KlDivOptions extends Omit<LossOptions, 'reduction'> {
  /** 'batchmean' divides the sum by the first size, which is what the definition says. Default 'mean'. */
  readonly reduction?: Reduction | 'batchmean';
  /** Whether target is given as logarithms too. Default false. */
  readonly logTarget?: boolean;
}

/** target · (log target − input), input holding log-probabilities; 0 where target is 0. */
export const klDiv = /* @__PURE__ */ leading(
  'klDiv',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: NamedArguments<KlDivOptions, typeof KL_NAMES>): Tensor => {
    const { reduction, logTarget = false } = readLoss<KlDivOptions>('klDiv', rest, KL_NAMES, KL_REDUCTIONS);
    checkTensor('klDiv', input);
    checkTensor('klDiv', target, 'target');
    const loss = logTarget
      ? mul(exp(target), sub(target, input))
      : sub(where(ne(target, 0), mul(target, log(target)), 0), mul(target, input));
    if (reduction === 'batchmean') return div(sum(loss), input.shape[0] ?? 1);
    return reduced(loss, reduction);
  },
);
