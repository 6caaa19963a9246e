import { noGrad, record } from '../autograd/index.js';
import { traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import type { NamedArguments } from '../core/named.js';
import type { Tensor } from '../core/tensor.js';
import { sigmoid } from './activation.js';
import { add, div, mul, neg, sub } from './arithmetic.js';
import { ge, gt, le, logicalAnd, where } from './compare.js';
import { checkHolds } from './indices.js';
import { BCE_NAMES, BCE_WITH_LOGITS_NAMES } from './lossnames.js';
import { checkSame, type LossOptions, readLoss, reduced } from './reduction.js';
import { abs, clamp, exp, log, log1p } from './unary.js';

/** Losses of yes or no: binary cross entropy, of probabilities and of logits. */

export interface BceOptions extends LossOptions {
  /** Factor of each element's loss; broadcasts. */
  readonly weight?: Tensor | null;
}

/** Throws for targets that are whole numbers, and for inputs that are no probabilities where they are at hand. */
function checkProbabilities(input: Tensor, target: Tensor): void {
  if (!traits[target.dtype].isFloat) {
    fail('dtype', `bce: target must be float32, got ${target.dtype}. Use target.float().`);
  }
  if (!input.storage.device.answersAtOnce) {
    checkHolds(logicalAnd(ge(input, 0), le(input, 1)), () =>
      fail('data', 'bce: input must lie between 0 and 1. Use bceWithLogits for logits, or sigmoid before.'),
    );
    return;
  }
  for (const p of input.dataSync()) {
    if (!(p >= 0 && p <= 1)) {
      fail('data', `bce: input must lie between 0 and 1, got ${p}. Use bceWithLogits for logits, or sigmoid before.`);
    }
  }
}

/** −target · log(input) − (1 − target) · log(1 − input); the logarithms are cut at −100. */
export const bce = /* @__PURE__ */ leading(
  'bce',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: NamedArguments<BceOptions, typeof BCE_NAMES>): Tensor => {
    const { weight = null, reduction } = readLoss<BceOptions>('bce', rest, BCE_NAMES);
    checkSame('bce', input, target);
    checkProbabilities(input, target);
    const loss = noGrad(() => {
      const hit = clamp(log(input), -100);
      const miss = clamp(log(sub(1, input)), -100);
      return neg(add(mul(target, hit), mul(sub(1, target), miss)));
    });
    // The gradient of the loss that is not cut, kept finite at the ends by its divisor, as PyTorch defines it.
    record('bce', [input, target], [loss], [input, target], ([g], [x, t], needs) => {
      const [p, q] = [x as Tensor, sub(1, x as Tensor)];
      return [
        needs[0] ? div(mul(g as Tensor, sub(p, t as Tensor)), clamp(mul(p, q), 1e-12)) : null,
        needs[1] ? mul(g as Tensor, sub(log(q), log(p))) : null,
      ];
    });
    return reduced(weight === null ? loss : mul(loss, weight), reduction);
  },
);

export interface BceWithLogitsOptions extends BceOptions {
  /** Factor of the loss of positive targets; broadcasts. */
  readonly posWeight?: Tensor | null;
}

/** log(1 + e^{−x}), the loss of a logit whose target is 1. */
function softplusOfNegative(input: Tensor): Tensor {
  // max(−x, 0) + log1p(e^{−|x|}) neither overflows nor cancels, but has kinks at 0, which cancel only in the sum.
  const y = noGrad(() => add(where(gt(input, 0), 0, neg(input)), log1p(exp(neg(abs(input))))));
  record('softplus', [input], [y], [input], ([g], [x]) => [neg(mul(g as Tensor, sigmoid(neg(x as Tensor))))]);
  return y;
}

/** Binary cross entropy of logits: sigmoid and `bce` in one, without overflow. */
export const bceWithLogits = /* @__PURE__ */ leading(
  'bceWithLogits',
  ['target'],
  (
    input: Tensor,
    target: Tensor,
    ...rest: NamedArguments<BceWithLogitsOptions, typeof BCE_WITH_LOGITS_NAMES>
  ): Tensor => {
    const options = readLoss<BceWithLogitsOptions>('bceWithLogits', rest, BCE_WITH_LOGITS_NAMES);
    const { weight = null, posWeight = null, reduction } = options;
    checkSame('bceWithLogits', input, target);
    const factor = posWeight === null ? 1 : add(mul(sub(posWeight, 1), target), 1);
    const loss = add(mul(sub(1, target), input), mul(softplusOfNegative(input), factor));
    return reduced(weight === null ? loss : mul(loss, weight), reduction);
  },
);

/** `bce` under PyTorch's name. */
export const binaryCrossEntropy = bce;
/** `bceWithLogits` under PyTorch's name. */
export const binaryCrossEntropyWithLogits = bceWithLogits;
