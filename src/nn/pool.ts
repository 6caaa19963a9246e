import { readArguments } from '../core/arguments.js';
import * as ops from '../ops/index.js';
import { type AvgPoolArguments, readAvgPool } from '../ops/poolfield.js';
import { extents } from '../ops/window.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { python } from './repr.js';

/** Maximum and average pools of windows. */

/** What follows the window's size, by position or by name; a layer has `returnIndices` before `ceilMode`. */
export type MaxPoolLayerArguments<S extends ops.Extent, I extends boolean> =
  | readonly [options?: ops.MaxPoolOptions<S, I>]
  | readonly [
      stride?: S | null,
      padding?: S | ops.MaxPoolOptions<S, I>,
      dilation?: S | ops.MaxPoolOptions<S, I>,
      returnIndices?: I | ops.MaxPoolOptions<S, I>,
      ceilMode?: boolean | ops.MaxPoolOptions<S, I>,
      options?: ops.MaxPoolOptions<S, I>,
    ];

abstract class MaxPool<S extends ops.Extent, I extends boolean> extends Module {
  readonly options: ops.MaxPoolOptions<S, I>;

  constructor(
    readonly kernelSize: S,
    ...rest: MaxPoolLayerArguments<S, I>
  ) {
    super();
    const names = ['stride', 'padding', 'dilation', 'returnIndices', 'ceilMode'] as const;
    this.options = readArguments<ops.MaxPoolOptions<S, I>>(new.target.name, rest, names);
  }

  abstract override forward(x: Tensor): ops.Pooled<I>;

  protected override extraRepr(): string {
    const { stride, padding = 0, dilation = 1, ceilMode = false } = this.options;
    const [size, step, pad, spread] = [this.kernelSize, stride ?? this.kernelSize, padding, dilation].map(python);
    return `kernel_size=${size}, stride=${step}, padding=${pad}, dilation=${spread}, ceil_mode=${python(ceilMode)}`;
  }
}

/** The largest element of each window: [N, C, L] → [N, C, OL]; with `returnIndices`, `{ values, indices }`. */
export class MaxPool1d<I extends boolean = false> extends MaxPool<ops.Single, I> {
  forward(x: Tensor): ops.Pooled<I> {
    return ops.maxPool1d(x, this.kernelSize, this.options) as ops.Pooled<I>;
  }
}

/** The largest element of each window: [N, C, H, W] → [N, C, OH, OW]; with `returnIndices`, `{ values, indices }`. */
export class MaxPool2d<I extends boolean = false> extends MaxPool<ops.Pair, I> {
  forward(x: Tensor): ops.Pooled<I> {
    return ops.maxPool2d(x, this.kernelSize, this.options) as ops.Pooled<I>;
  }
}

/** The largest element of each window: [N, C, D, H, W] → [N, C, OD, OH, OW]; with `returnIndices`, `{ values, indices }`. */
export class MaxPool3d<I extends boolean = false> extends MaxPool<ops.Triple, I> {
  forward(x: Tensor): ops.Pooled<I> {
    return ops.maxPool3d(x, this.kernelSize, this.options) as ops.Pooled<I>;
  }
}

abstract class AvgPool<S extends ops.Extent> extends Module {
  readonly options: ops.AvgPoolOptions<S>;

  constructor(
    readonly kernelSize: S,
    ...rest: AvgPoolArguments<S>
  ) {
    super();
    this.options = readAvgPool(new.target.name, rest);
  }

  /** Sizes as this layer prints them. */
  protected print(size: ops.Extent): string {
    return python(size);
  }

  protected override extraRepr(): string {
    const { stride, padding = 0 } = this.options;
    const [size, step, pad] = [this.kernelSize, stride ?? this.kernelSize, padding].map((v) => this.print(v));
    return `kernel_size=${size}, stride=${step}, padding=${pad}`;
  }
}

/** The mean of each window: [N, C, L] → [N, C, OL]. */
export class AvgPool1d extends AvgPool<ops.Single> {
  forward(x: Tensor): Tensor {
    return ops.avgPool1d(x, this.kernelSize, this.options);
  }

  protected override print(size: ops.Extent): string {
    return python(extents('AvgPool1d', 'size', size, 1, 0));
  }
}

/** The mean of each window: [N, C, H, W] → [N, C, OH, OW]. */
export class AvgPool2d extends AvgPool<ops.Pair> {
  forward(x: Tensor): Tensor {
    return ops.avgPool2d(x, this.kernelSize, this.options);
  }
}

/** The mean of each window: [N, C, D, H, W] → [N, C, OD, OH, OW]. */
export class AvgPool3d extends AvgPool<ops.Triple> {
  forward(x: Tensor): Tensor {
    return ops.avgPool3d(x, this.kernelSize, this.options);
  }
}
