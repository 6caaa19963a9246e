import { fail } from '../core/errors.js';
import * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { python } from './repr.js';

/** Layers without parameters: activations, reshaping, dropout. */

export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return ops.relu(x);
  }
}

export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return ops.sigmoid(x);
  }
}

export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return ops.tanh(x);
  }
}

export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return ops.silu(x);
  }
}

export class GELU extends Module {
  constructor(readonly options: ops.GeluOptions = {}) {
    super();
  }

  forward(x: Tensor): Tensor {
    return ops.gelu(x, this.options);
  }

  protected override extraRepr(): string {
    return `approximate='${this.options.approximate ?? 'none'}'`;
  }
}

export class Softmax extends Module {
  constructor(readonly dim: number) {
    super();
  }

  forward(x: Tensor): Tensor {
    return ops.softmax(x, this.dim);
  }

  protected override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

export class LogSoftmax extends Module {
  constructor(readonly dim: number) {
    super();
  }

  forward(x: Tensor): Tensor {
    return ops.logSoftmax(x, this.dim);
  }

  protected override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/** Joins dimensions startDim … endDim; by default all but the batch. */
export class Flatten extends Module {
  constructor(
    readonly startDim = 1,
    readonly endDim = -1,
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return ops.flatten(x, this.startDim, this.endDim);
  }

  protected override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/** Drops elements with probability p in training; the identity in evaluation. */
export class Dropout extends Module {
  constructor(readonly p = 0.5) {
    super();
    if (!(typeof p === 'number' && p >= 0 && p <= 1)) {
      fail('argument', `Dropout: p must be a number in [0, 1], got ${String(p)}.`);
    }
  }

  forward(x: Tensor): Tensor {
    return ops.dropout(x, this.p, this.training);
  }

  protected override extraRepr(): string {
    return `p=${python(this.p)}, inplace=False`;
  }
}
