import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { type InplaceArguments, Overwriting, usualDim } from './overwriting.js';
import { python } from './repr.js';

/** Layers without parameters: activations, reshaping. */

export class Identity extends Module {
  /** Takes any arguments and ignores them, so that it can stand in for any layer. */
  constructor(..._ignored: readonly unknown[]) {
    super();
  }

  forward(x: Tensor): Tensor {
    return x;
  }
}

export class ReLU extends Overwriting {
  constructor(...rest: InplaceArguments) {
    super('ReLU', rest);
  }

  protected compute(x: Tensor): Tensor {
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

export class SiLU extends Overwriting {
  constructor(...rest: InplaceArguments) {
    super('SiLU', rest);
  }

  protected compute(x: Tensor): Tensor {
    return ops.silu(x);
  }
}

export class GELU extends Module {
  readonly options: ops.GeluOptions;

  constructor(...rest: NamedArguments<ops.GeluOptions, readonly ['approximate']>) {
    super();
    this.options = readArguments<ops.GeluOptions>('GELU', rest, ['approximate']);
  }

  forward(x: Tensor): Tensor {
    return ops.gelu(x, this.options);
  }

  protected override extraRepr(): string {
    return `approximate='${this.options.approximate ?? 'none'}'`;
  }
}

export class Softmax extends Module {
  readonly dim: number | null;

  constructor(...rest: NamedArguments<{ dim?: number | null }, readonly ['dim']>) {
    super();
    this.dim = readArguments<{ dim?: number | null }>('Softmax', rest, ['dim']).dim ?? null;
  }

  forward(x: Tensor): Tensor {
    return ops.softmax(x, this.dim ?? usualDim('Softmax', x));
  }

  protected override extraRepr(): string {
    return `dim=${python(this.dim)}`;
  }
}

export class LogSoftmax extends Module {
  readonly dim: number | null;

  constructor(...rest: NamedArguments<{ dim?: number | null }, readonly ['dim']>) {
    super();
    this.dim = readArguments<{ dim?: number | null }>('LogSoftmax', rest, ['dim']).dim ?? null;
  }

  forward(x: Tensor): Tensor {
    return ops.logSoftmax(x, this.dim ?? usualDim('LogSoftmax', x));
  }

  protected override extraRepr(): string {
    return `dim=${python(this.dim)}`;
  }
}

const FLATTEN_NAMES = ['startDim', 'endDim'] as const;
type FlattenOptions = { readonly startDim?: number; readonly endDim?: number };

/** Joins dimensions startDim … endDim; by default all but the batch. */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(...rest: NamedArguments<FlattenOptions, typeof FLATTEN_NAMES>) {
    super();
    const { startDim = 1, endDim = -1 } = readArguments<FlattenOptions>('Flatten', rest, FLATTEN_NAMES);
    this.startDim = startDim;
    this.endDim = endDim;
  }

  forward(x: Tensor): Tensor {
    return ops.flatten(x, this.startDim, this.endDim);
  }

  protected override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/** Splits dimension `dim` into dimensions of the given sizes. */
export class Unflatten extends Module {
  constructor(
    readonly dim: number,
    readonly unflattenedSize: readonly number[],
  ) {
    super();
    if (!Array.isArray(unflattenedSize) || !unflattenedSize.every(Number.isInteger)) {
      fail('argument', 'Unflatten: unflattenedSize must be an array of whole numbers.');
    }
  }

  forward(x: Tensor): Tensor {
    return ops.unflatten(x, this.dim, this.unflattenedSize);
  }

  protected override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=${python(this.unflattenedSize)}`;
  }
}
