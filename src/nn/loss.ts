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
