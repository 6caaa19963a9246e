import { readArguments } from '../core/arguments.js';
import * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { python } from './repr.js';

/** Pools whose windows follow from the size of the result. */

abstract class AdaptivePool extends Module {
  constructor(readonly outputSize: ops.OutputSize) {
    super();
  }

  protected override extraRepr(): string {
    return `output_size=${python(this.outputSize)}`;
  }
}

/** The means of `outputSize` regions: [N, C, L] → [N, C, outputSize]. */
export class AdaptiveAvgPool1d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return ops.adaptiveAvgPool1d(x, this.outputSize);
  }
}

/** The means of regions: [N, C, H, W] → [N, C, …outputSize]; null keeps a size. */
export class AdaptiveAvgPool2d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return ops.adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** The means of regions: [N, C, D, H, W] → [N, C, …outputSize]; null keeps a size. */
export class AdaptiveAvgPool3d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return ops.adaptiveAvgPool3d(x, this.outputSize);
  }
}

abstract class AdaptiveMaxPool<I extends boolean> extends AdaptivePool {
  readonly options: ops.AdaptiveMaxPoolOptions<I>;

  constructor(outputSize: ops.OutputSize, ...rest: readonly [returnIndices?: I | ops.AdaptiveMaxPoolOptions<I>]) {
    super(outputSize);
    this.options = readArguments<ops.AdaptiveMaxPoolOptions<I>>(new.target.name, rest, ['returnIndices']);
  }
}

/** The largest elements of `outputSize` regions: [N, C, L] → [N, C, outputSize]; with `returnIndices`, `{ values, indices }`. */
export class AdaptiveMaxPool1d<I extends boolean = false> extends AdaptiveMaxPool<I> {
  forward(x: Tensor): ops.Pooled<I> {
    return ops.adaptiveMaxPool1d(x, this.outputSize, this.options) as ops.Pooled<I>;
  }
}

/** The largest elements of regions: [N, C, H, W] → [N, C, …outputSize]; with `returnIndices`, `{ values, indices }`. */
export class AdaptiveMaxPool2d<I extends boolean = false> extends AdaptiveMaxPool<I> {
  forward(x: Tensor): ops.Pooled<I> {
    return ops.adaptiveMaxPool2d(x, this.outputSize, this.options) as ops.Pooled<I>;
  }
}

/** The largest elements of regions: [N, C, D, H, W] → [N, C, …outputSize]; with `returnIndices`, `{ values, indices }`. */
export class AdaptiveMaxPool3d<I extends boolean = false> extends AdaptiveMaxPool<I> {
  forward(x: Tensor): ops.Pooled<I> {
    return ops.adaptiveMaxPool3d(x, this.outputSize, this.options) as ops.Pooled<I>;
  }
}
