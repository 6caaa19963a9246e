import { readArguments } from '../core/arguments.js';
import { fail, show, warnOnce } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { div, mul, sub } from './arithmetic.js';
import { ones } from './create.js';
import { matmul } from './matmul.js';
import { reshape, transpose, unsqueeze } from './movement.js';
import { checkTensor } from './op.js';
import { sum } from './reduce.js';
import { diagonal } from './triangle.js';
import { clamp, sqrt } from './unary.js';

/** How variables vary together. */

export interface CovOptions {
  /** What is subtracted from the number of observations: 1 (default) is unbiased, 0 is the plain average. */
  readonly correction?: number;
  /** How often each observation counts: whole numbers [N]. */
  readonly fweights?: Tensor | null;
  /** How much each observation matters: [N]. */
  readonly aweights?: Tensor | null;
}

function checkWeights(name: string, weights: Tensor, observations: number): void {
  checkTensor('cov', weights, name);
  if (weights.ndim === 1 && weights.shape[0] === observations) return;
  fail('shape', `cov: ${name} must be [${observations}], one for each observation, got ${show(weights.shape)}.`);
}

/** Covariances of variables: input [variables, observations] → [variables, variables]; of one variable, also [observations], → []. */
export function cov(input: Tensor, ...rest: (number | CovOptions | undefined)[]): Tensor {
  checkTensor('cov', input);
  const given = readArguments<CovOptions>('cov', rest, ['correction', 'fweights', 'aweights']);
  const { correction = 1, fweights = null, aweights = null } = given;
  if (input.ndim > 2) fail('shape', `cov: expected [variables, observations], got ${show(input.shape)}.`);
  const x = input.ndim < 2 ? reshape(input, [1, sizeOf(input.shape)]) : input;
  const observations = x.shape[1] as number;
  if (fweights !== null) checkWeights('fweights', fweights, observations);
  if (aweights !== null) checkWeights('aweights', aweights, observations);
  const counts = fweights ?? ones([observations]);
  const weights = aweights === null ? counts : mul(counts, aweights);
  const total = sum(weights);
  const mean = div(sum(mul(x, weights), 1, true), total);
  const lost = aweights === null ? correction : mul(div(sum(mul(weights, aweights)), total), correction);
  const freedom = sub(total, lost);
  const isKnown = freedom.storage.device.answersAtOnce;
  if (isKnown && Number(freedom.dataSync()[0]) <= 0) warnOnce('cov: the correction leaves no degree of freedom.');
  const centred = sub(x, mean);
  const c = div(matmul(centred, transpose(mul(centred, weights), 0, 1)), clamp(freedom, 0));
  return x.shape[0] === 1 ? reshape(c, []) : c;
}

/** Pearson's correlation coefficients of variables: input [variables, observations] → [variables, variables]; of one → []. */
export function corrcoef(input: Tensor): Tensor {
  checkTensor('corrcoef', input);
  if (input.ndim > 2) fail('shape', `corrcoef: expected [variables, observations], got ${show(input.shape)}.`);
  const c = cov(input);
  if (c.ndim === 0) return div(c, c);
  const deviation = sqrt(diagonal(c));
  return clamp(div(div(c, unsqueeze(deviation, 1)), deviation), -1, 1);
}
