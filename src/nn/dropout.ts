import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import * as ops from '../ops/index.js';
import { overwrite } from '../ops/overwrite.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { python } from './repr.js';

/** Layers that drop at random in training, and are the identity in evaluation. */

export interface DropoutLayerOptions {
  /** Probability to drop. Default 0.5. */
  readonly p?: number;
  /** Whether the result takes the place of the input, under the rules of `copy_`. Default false. */
  readonly inplace?: boolean;
}

const NAMES = ['p', 'inplace'] as const;
type DropoutLayerArguments = NamedArguments<DropoutLayerOptions, typeof NAMES>;

abstract class Dropping extends Module {
  p: number;
  readonly inplace: boolean;

  constructor(...rest: DropoutLayerArguments) {
    super();
    const name = new.target.name;
    const { p = 0.5, inplace = false } = readArguments<DropoutLayerOptions>(name, rest, NAMES);
    if (!(typeof p === 'number' && p >= 0 && p <= 1)) {
      fail('argument', `${name}: p must be a number in [0, 1], got ${String(p)}.`);
    }
    this.p = p;
    this.inplace = inplace;
  }

  abstract override forward(x: Tensor): Tensor;

  protected override extraRepr(): string {
    return `p=${python(this.p)}, inplace=${python(this.inplace)}`;
  }
}

/** Drops elements with probability p in training; the identity in evaluation. */
export class Dropout extends Dropping {
  forward(x: Tensor): Tensor {
    return overwrite(x, this.inplace, (v) => ops.dropout(v, this.p, this.training));
  }
}

/** Drops whole channels of [N, C, L] or [C, L]. */
export class Dropout1d extends Dropping {
  forward(x: Tensor): Tensor {
    return ops.dropout1d(x, this.p, this.training, this.inplace);
  }
}

/** Drops whole channels of [N, C, H, W]. */
export class Dropout2d extends Dropping {
  forward(x: Tensor): Tensor {
    return ops.dropout2d(x, this.p, this.training, this.inplace);
  }
}

/** Drops whole channels of [N, C, D, H, W] or [C, D, H, W]. */
export class Dropout3d extends Dropping {
  forward(x: Tensor): Tensor {
    return ops.dropout3d(x, this.p, this.training, this.inplace);
  }
}

/** Dropout for SELU: mean and variance stay. */
export class AlphaDropout extends Dropping {
  forward(x: Tensor): Tensor {
    return ops.alphaDropout(x, this.p, this.training, this.inplace);
  }
}

/** `AlphaDropout` of whole channels [N, C, …]. */
export class FeatureAlphaDropout extends Dropping {
  forward(x: Tensor): Tensor {
    return ops.featureAlphaDropout(x, this.p, this.training, this.inplace);
  }
}
