import * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/** Losses as modules. */

export class CrossEntropyLoss extends Module {
  constructor(readonly options: ops.CrossEntropyOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.crossEntropy(input, target, this.options);
  }
}

export class MSELoss extends Module {
  constructor(readonly options: ops.LossOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.mseLoss(input, target, this.options);
  }
}

export class L1Loss extends Module {
  constructor(readonly options: ops.LossOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.l1Loss(input, target, this.options);
  }
}

export class KLDivLoss extends Module {
  constructor(readonly options: ops.KlDivOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.klDiv(input, target, this.options);
  }
}

export class BCEWithLogitsLoss extends Module {
  constructor(readonly options: ops.BceWithLogitsOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.bceWithLogits(input, target, this.options);
  }
}

export class NLLLoss extends Module {
  constructor(readonly options: ops.CrossEntropyOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.nllLoss(input, target, this.options);
  }
}

export class BCELoss extends Module {
  constructor(readonly options: ops.BceOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.bce(input, target, this.options);
  }
}

export class SmoothL1Loss extends Module {
  constructor(readonly options: ops.SmoothL1Options = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.smoothL1Loss(input, target, this.options);
  }
}

export class HuberLoss extends Module {
  constructor(readonly options: ops.HuberOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.huberLoss(input, target, this.options);
  }
}

export class CosineEmbeddingLoss extends Module {
  constructor(readonly options: ops.MarginOptions = {}) {
    super();
  }

  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return ops.cosineEmbeddingLoss(input1, input2, target, this.options);
  }
}

export class MarginRankingLoss extends Module {
  constructor(readonly options: ops.MarginOptions = {}) {
    super();
  }

  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return ops.marginRankingLoss(input1, input2, target, this.options);
  }
}

export class TripletMarginLoss extends Module {
  constructor(readonly options: ops.TripletMarginOptions = {}) {
    super();
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    return ops.tripletMarginLoss(anchor, positive, negative, this.options);
  }
}

export class HingeEmbeddingLoss extends Module {
  constructor(readonly options: ops.MarginOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.hingeEmbeddingLoss(input, target, this.options);
  }
}

export class SoftMarginLoss extends Module {
  constructor(readonly options: ops.LossOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.softMarginLoss(input, target, this.options);
  }
}

export class PoissonNLLLoss extends Module {
  constructor(readonly options: ops.PoissonNllOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.poissonNllLoss(input, target, this.options);
  }
}

export class GaussianNLLLoss extends Module {
  constructor(readonly options: ops.GaussianNllOptions = {}) {
    super();
  }

  forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    return ops.gaussianNllLoss(input, target, variance, this.options);
  }
}

/** x1 · x2 / (‖x1‖ · ‖x2‖) along a dimension. */
export class CosineSimilarity extends Module {
  constructor(
    readonly dim = 1,
    readonly eps = 1e-8,
  ) {
    super();
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return ops.cosineSimilarity(x1, x2, this.dim, this.eps);
  }
}

/** ‖x1 − x2 + eps‖ₚ along the last dimension. */
export class PairwiseDistance extends Module {
  constructor(
    readonly p = 2,
    readonly eps = 1e-6,
    readonly keepdim = false,
  ) {
    super();
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return ops.pairwiseDistance(x1, x2, { p: this.p, eps: this.eps, keepdim: this.keepdim });
  }
}
