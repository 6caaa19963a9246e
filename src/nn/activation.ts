import * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Module, Parameter } from './module.js';
import { float, python } from './repr.js';

/** The rest of the activations as layers: those with parameters, and those that stand in for ReLU, sigmoid and tanh. */

export class ReLU6 extends Module {
  forward(x: Tensor): Tensor {
    return ops.relu6(x);
  }
}

export class SELU extends Module {
  forward(x: Tensor): Tensor {
    return ops.selu(x);
  }
}

export class Mish extends Module {
  forward(x: Tensor): Tensor {
    return ops.mish(x);
  }
}

export class Softsign extends Module {
  forward(x: Tensor): Tensor {
    return ops.softsign(x);
  }
}

export class LogSigmoid extends Module {
  forward(x: Tensor): Tensor {
    return ops.logSigmoid(x);
  }
}

export class Hardsigmoid extends Module {
  forward(x: Tensor): Tensor {
    return ops.hardsigmoid(x);
  }
}

export class Hardswish extends Module {
  forward(x: Tensor): Tensor {
    return ops.hardswish(x);
  }
}

/** `negativeSlope` · x below 0. */
export class LeakyReLU extends Module {
  constructor(readonly negativeSlope = 0.01) {
    super();
  }

  forward(x: Tensor): Tensor {
    return ops.leakyRelu(x, this.negativeSlope);
  }

  protected override extraRepr(): string {
    return `negative_slope=${float(this.negativeSlope)}`;
  }
}

export class ELU extends Module {
  constructor(readonly alpha = 1) {
    super();
  }

  forward(x: Tensor): Tensor {
    return ops.elu(x, this.alpha);
  }

  protected override extraRepr(): string {
    return `alpha=${float(this.alpha)}`;
  }
}

export class CELU extends Module {
  constructor(readonly alpha = 1) {
    super();
  }

  forward(x: Tensor): Tensor {
    return ops.celu(x, this.alpha);
  }

  protected override extraRepr(): string {
    return `alpha=${float(this.alpha)}`;
  }
}

export class Softplus extends Module {
  constructor(
    readonly beta = 1,
    readonly threshold = 20,
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return ops.softplus(x, this.beta, this.threshold);
  }

  protected override extraRepr(): string {
    return `beta=${python(this.beta)}, threshold=${python(this.threshold)}`;
  }
}

export class Hardtanh extends Module {
  constructor(
    readonly minVal = -1,
    readonly maxVal = 1,
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return ops.hardtanh(x, this.minVal, this.maxVal);
  }

  protected override extraRepr(): string {
    return `min_val=${float(this.minVal)}, max_val=${float(this.maxVal)}`;
  }
}

/** x where it is above `threshold`, `value` elsewhere. */
export class Threshold extends Module {
  constructor(
    readonly threshold: number,
    readonly value: number,
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return ops.threshold(x, this.threshold, this.value);
  }

  protected override extraRepr(): string {
    return `threshold=${python(this.threshold)}, value=${python(this.value)}`;
  }
}

/** The first half along `dim` times the sigmoid of the second. */
export class GLU extends Module {
  constructor(readonly dim = -1) {
    super();
  }

  forward(x: Tensor): Tensor {
    return ops.glu(x, this.dim);
  }

  protected override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/** Learned slopes below 0: one, or one for each channel. All begin at `init`. */
export class PReLU extends Module {
  readonly weight: Parameter;

  constructor(
    readonly numParameters = 1,
    readonly init = 0.25,
  ) {
    super();
    this.weight = new Parameter(ops.full([numParameters], init));
  }

  forward(x: Tensor): Tensor {
    return ops.prelu(x, this.weight);
  }

  protected override extraRepr(): string {
    return `num_parameters=${this.numParameters}`;
  }
}
