import { fail, show } from '../core/errors.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { checkTensor } from './op.js';
import { mean, sum } from './reduce.js';

/** What all losses have in common: a last step that makes one number of many. */

export type Reduction = 'mean' | 'sum' | 'none';

export interface LossOptions {
  /** 'mean' and 'sum' give a zero-dimensional tensor, 'none' a loss for each element. Default 'mean'. */
  readonly reduction?: Reduction;
}

export function checkReduction(reduction: unknown): void {
  if (reduction === 'mean' || reduction === 'sum' || reduction === 'none') return;
  fail('argument', `loss: reduction must be 'mean', 'sum' or 'none', got '${String(reduction)}'.`);
}

export function reduced(loss: Tensor, reduction: Reduction = 'mean'): Tensor {
  checkReduction(reduction);
  return reduction === 'mean' ? mean(loss) : reduction === 'sum' ? sum(loss) : loss;
}

/** Throws unless input and target are tensors of one shape. */
export function checkSame(name: string, input: Tensor, target: Tensor): void {
  checkTensor(name, input);
  checkTensor(name, target, 'target');
  if (!sameShape(input.shape, target.shape)) {
    fail('shape', `${name}: input and target must have one shape, got ${show(input.shape)} and ${show(target.shape)}.`);
  }
}
