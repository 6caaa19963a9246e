import { readArguments } from '../core/arguments.js';
import * as ops from '../ops/index.js';
import { type LPPoolArguments, readLPPool } from '../ops/lppool.js';
import { extents, type Rank } from '../ops/window.js';
import type { Tensor } from '../tensor.js';
import type { OutputSizeArguments, OutputSizeOptions } from './convtranspose.js';
import { Module } from './module.js';
import { python } from './repr.js';

/** Pools of another kind: norms of windows, and the way back from maxima. */

export interface MaxUnpoolLayerOptions<S extends ops.Extent> {
  /** Step of the window. Default: its size. */
  readonly stride?: S | null;
  readonly padding?: S;
}

export type MaxUnpoolLayerArguments<S extends ops.Extent> =
  | readonly [options?: MaxUnpoolLayerOptions<S>]
  | readonly [stride?: S | null, padding?: S | MaxUnpoolLayerOptions<S>];

abstract class MaxUnpool<S extends ops.Extent> extends Module {
  readonly options: MaxUnpoolLayerOptions<S>;
  protected abstract readonly rank: Rank;

  constructor(
    readonly kernelSize: S,
    ...rest: MaxUnpoolLayerArguments<S>
  ) {
    super();
    this.options = readArguments<MaxUnpoolLayerOptions<S>>(new.target.name, rest, ['stride', 'padding']);
  }

  protected size(rest: OutputSizeArguments): OutputSizeOptions {
    return readArguments<OutputSizeOptions>(this.constructor.name, rest, ['outputSize']);
  }

  protected override extraRepr(): string {
    const { stride, padding = 0 } = this.options;
    const [size, step, pad] = [this.kernelSize, stride ?? this.kernelSize, padding].map((v) =>
      python(extents(this.constructor.name, 'size', v, this.rank, 0)),
    );
    return `kernel_size=${size}, stride=${step}, padding=${pad}`;
  }
}

/** Values at the places that MaxPool1d found, zeros elsewhere: [N, C, L] → [N, C, OL]. */
export class MaxUnpool1d extends MaxUnpool<ops.Single> {
  protected readonly rank = 1;

  forward(x: Tensor, indices: Tensor, ...rest: OutputSizeArguments): Tensor {
    return ops.maxUnpool1d(x, indices, this.kernelSize, { ...this.options, ...this.size(rest) });
  }
}

/** Values at the places that MaxPool2d found, zeros elsewhere: [N, C, H, W] → [N, C, OH, OW]. */
export class MaxUnpool2d extends MaxUnpool<ops.Pair> {
  protected readonly rank = 2;

  forward(x: Tensor, indices: Tensor, ...rest: OutputSizeArguments): Tensor {
    return ops.maxUnpool2d(x, indices, this.kernelSize, { ...this.options, ...this.size(rest) });
  }
}

/** Values at the places that MaxPool3d found, zeros elsewhere: [N, C, D, H, W] → [N, C, OD, OH, OW]. */
export class MaxUnpool3d extends MaxUnpool<ops.Triple> {
  protected readonly rank = 3;

  forward(x: Tensor, indices: Tensor, ...rest: OutputSizeArguments): Tensor {
    return ops.maxUnpool3d(x, indices, this.kernelSize, { ...this.options, ...this.size(rest) });
  }
}

abstract class LPPool<S extends ops.Extent> extends Module {
  readonly options: ops.LPPoolOptions<S>;

  constructor(
    readonly normType: number,
    readonly kernelSize: S,
    ...rest: LPPoolArguments<S>
  ) {
    super();
    this.options = readLPPool(new.target.name, rest);
  }

  protected override extraRepr(): string {
    const { stride = null, ceilMode = false } = this.options;
    const [size, step] = [this.kernelSize, stride].map(python);
    return `norm_type=${python(this.normType)}, kernel_size=${size}, stride=${step}, ceil_mode=${python(ceilMode)}`;
  }
}

/** The norm (Σ xᵖ)^(1/p) of each window, p = `normType`: [N, C, L] → [N, C, OL]. */
export class LPPool1d extends LPPool<ops.Single> {
  forward(x: Tensor): Tensor {
    return ops.lpPool1d(x, this.normType, this.kernelSize, this.options);
  }
}

/** The norm (Σ xᵖ)^(1/p) of each window, p = `normType`: [N, C, H, W] → [N, C, OH, OW]. */
export class LPPool2d extends LPPool<ops.Pair> {
  forward(x: Tensor): Tensor {
    return ops.lpPool2d(x, this.normType, this.kernelSize, this.options);
  }
}
