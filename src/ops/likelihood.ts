import { noGrad } from '../autograd/index.js';
import * as elementary from '../core/elementary.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import type { NamedArguments } from '../core/named.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul, sub } from './arithmetic.js';
import { le, logicalNot, lt, where } from './compare.js';
import { checkHolds } from './indices.js';
import { GAUSSIAN_NAMES, POISSON_NAMES } from './lossnames.js';
import { detach, unsqueeze } from './movement.js';
import { checkTensor } from './op.js';
import { type LossOptions, type Reduction, readLoss, reduced } from './reduction.js';
import { clamp, exp, log, square } from './unary.js';

/** Negative log likelihoods of distributions. */

export interface PoissonNllOptions extends LossOptions {
  /** Whether input is the logarithm of the rate. Default true. */
  readonly logInput?: boolean;
  /** Whether to add Stirling's approximation of log(target!), for targets above 1. Default false. */
  readonly full?: boolean;
  /** Added to a rate before its logarithm is taken. Default 1e-8. */
  readonly eps?: number;
}

/** e^input − target · input, or input − target · log(input + eps) of rates: counts `target` as Poisson's distribution has them. */
export const poissonNllLoss = /* @__PURE__ */ leading(
  'poissonNllLoss',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: NamedArguments<PoissonNllOptions, typeof POISSON_NAMES>): Tensor => {
    const options = readLoss<PoissonNllOptions>('poissonNllLoss', rest, POISSON_NAMES);
    const { logInput = true, full = false, eps = 1e-8, reduction } = options;
    checkTensor('poissonNllLoss', input);
    checkTensor('poissonNllLoss', target, 'target');
    const loss = logInput ? sub(exp(input), mul(target, input)) : sub(input, mul(target, log(add(input, eps))));
    if (!full) return reduced(loss, reduction);
    const few = le(target, 1);
    const count = where(few, 1, target);
    const stirling = add(sub(mul(count, log(count)), count), mul(log(mul(count, 2 * Math.PI)), 0.5));
    return reduced(add(loss, where(few, 0, stirling)), reduction);
  },
);

export interface GaussianNllOptions {
  /** As all losses have it. Default 'mean'. */
  readonly reduction?: Reduction;
  /** Whether to add the constant ½ log 2π. Default false. */
  readonly full?: boolean;
  /** The least variance. Default 1e-6. */
  readonly eps?: number;
}

/** The variance with a last dimension of size 1 where one value stands for all of input's last dimension. */
function spreadVariance(input: Tensor, variance: Tensor): Tensor {
  if (sameShape(variance.shape, input.shape)) return variance;
  const lead = input.shape.slice(0, -1);
  if (input.ndim > 0 && sameShape(variance.shape, lead)) return unsqueeze(variance, -1);
  if (input.ndim > 0 && sameShape(variance.shape, [...lead, 1])) return variance;
  return fail(
    'shape',
    `gaussianNllLoss: variance must be ${show(input.shape)} as input is, or have 1 for its last size, or lack it, ` +
      `got ${show(variance.shape)}.`,
  );
}

/**
 * ½ (log v + (input − target)² / v), v the variance, no smaller than `eps`; the gradient does not see that limit
 * (Nix and Weigend 1994).
 */
export const gaussianNllLoss = /* @__PURE__ */ leading(
  'gaussianNllLoss',
  ['target', 'var'],
  (
    input: Tensor,
    target: Tensor,
    variance: Tensor,
    ...rest: NamedArguments<GaussianNllOptions, typeof GAUSSIAN_NAMES>
  ): Tensor => {
    const options = readLoss<GaussianNllOptions>('gaussianNllLoss', rest, GAUSSIAN_NAMES);
    const { full = false, eps = 1e-6, reduction } = options;
    checkTensor('gaussianNllLoss', input);
    checkTensor('gaussianNllLoss', target, 'target');
    checkTensor('gaussianNllLoss', variance, 'variance');
    const given = spreadVariance(input, variance);
    const lift = noGrad(() => {
      const v = detach(given);
      checkHolds(logicalNot(lt(v, 0)), () =>
        fail('argument', 'gaussianNllLoss: variance must not be negative anywhere.'),
      );
      return sub(clamp(v, { min: eps }), v);
    });
    const v = add(given, lift);
    const loss = mul(add(log(v), div(square(sub(input, target)), v)), 0.5);
    return reduced(full ? add(loss, 0.5 * elementary.log(2 * Math.PI)) : loss, reduction);
  },
);
