import type { NamedArguments } from '../core/named.js';
import * as ops from '../ops/index.js';
import * as names from '../ops/lossnames.js';
import type { Tensor } from '../tensor.js';
import { bufferOf, Loss } from './lossbase.js';
import type { Buffer } from './module.js';

/** Losses as modules: of classes, of numbers, of distributions. */

/** Softmax cross entropy of logits and class indices or probabilities. */
export class CrossEntropyLoss extends Loss<ops.CrossEntropyOptions> {
  readonly weight: Buffer | null;

  constructor(...rest: NamedArguments<ops.CrossEntropyOptions, typeof names.CROSS_ENTROPY_NAMES>) {
    super('CrossEntropyLoss', rest, names.CROSS_ENTROPY_NAMES);
    this.weight = bufferOf(this.options.weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.crossEntropy(input, target, { ...this.options, weight: this.weight });
  }
}

/** Negative log likelihood of log-probabilities at class indices. */
export class NLLLoss extends Loss<ops.NllOptions> {
  readonly weight: Buffer | null;

  constructor(...rest: NamedArguments<ops.NllOptions, typeof names.NLL_NAMES>) {
    super('NLLLoss', rest, names.NLL_NAMES);
    this.weight = bufferOf(this.options.weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.nllLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/** (input − target)². */
export class MSELoss extends Loss<ops.LossOptions> {
  constructor(...rest: NamedArguments<ops.LossOptions, typeof names.LOSS_NAMES>) {
    super('MSELoss', rest, names.LOSS_NAMES);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.mseLoss(input, target, this.options);
  }
}

/** |input − target|. */
export class L1Loss extends Loss<ops.LossOptions> {
  constructor(...rest: NamedArguments<ops.LossOptions, typeof names.LOSS_NAMES>) {
    super('L1Loss', rest, names.LOSS_NAMES);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.l1Loss(input, target, this.options);
  }
}

/** A square near 0, a line beyond beta. */
export class SmoothL1Loss extends Loss<ops.SmoothL1Options> {
  constructor(...rest: NamedArguments<ops.SmoothL1Options, typeof names.SMOOTH_NAMES>) {
    super('SmoothL1Loss', rest, names.SMOOTH_NAMES);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.smoothL1Loss(input, target, this.options);
  }
}

/** A square near 0, a line beyond delta. */
export class HuberLoss extends Loss<ops.HuberOptions> {
  constructor(...rest: NamedArguments<ops.HuberOptions, typeof names.HUBER_NAMES>) {
    super('HuberLoss', rest, names.HUBER_NAMES);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.huberLoss(input, target, this.options);
  }
}

/** Kullback–Leibler divergence of log-probabilities from probabilities. */
export class KLDivLoss extends Loss<ops.KlDivOptions> {
  constructor(...rest: NamedArguments<ops.KlDivOptions, typeof names.KL_NAMES>) {
    super('KLDivLoss', rest, names.KL_NAMES, names.KL_REDUCTIONS);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.klDiv(input, target, this.options);
  }
}

/** Binary cross entropy of probabilities. */
export class BCELoss extends Loss<ops.BceOptions> {
  readonly weight: Buffer | null;

  constructor(...rest: NamedArguments<ops.BceOptions, typeof names.BCE_NAMES>) {
    super('BCELoss', rest, names.BCE_NAMES);
    this.weight = bufferOf(this.options.weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.bce(input, target, { ...this.options, weight: this.weight });
  }
}

/** Binary cross entropy of logits. */
export class BCEWithLogitsLoss extends Loss<ops.BceWithLogitsOptions> {
  readonly weight: Buffer | null;
  readonly posWeight: Buffer | null;

  constructor(...rest: NamedArguments<ops.BceWithLogitsOptions, typeof names.BCE_WITH_LOGITS_NAMES>) {
    super('BCEWithLogitsLoss', rest, names.BCE_WITH_LOGITS_NAMES);
    this.weight = bufferOf(this.options.weight);
    this.posWeight = bufferOf(this.options.posWeight);
  }

  protected override stateName(property: string): string {
    return property === 'posWeight' ? 'pos_weight' : property;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.bceWithLogits(input, target, { ...this.options, weight: this.weight, posWeight: this.posWeight });
  }
}

/** Negative log likelihood of counts. */
export class PoissonNLLLoss extends Loss<ops.PoissonNllOptions> {
  constructor(...rest: NamedArguments<ops.PoissonNllOptions, typeof names.POISSON_NAMES>) {
    super('PoissonNLLLoss', rest, names.POISSON_NAMES);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.poissonNllLoss(input, target, this.options);
  }
}

/** Negative log likelihood of normally distributed targets. */
export class GaussianNLLLoss extends Loss<ops.GaussianNllOptions> {
  constructor(...rest: NamedArguments<ops.GaussianNllOptions, typeof names.GAUSSIAN_NAMES>) {
    super('GaussianNLLLoss', rest, names.GAUSSIAN_NAMES);
  }

  forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    return ops.gaussianNllLoss(input, target, variance, this.options);
  }
}
