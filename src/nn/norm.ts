import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { checkSize } from '../core/shape.js';
import { batchNorm, layerNorm, ones, tensor, zeros } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Buffer, Module, Parameter } from './module.js';
import { python } from './repr.js';

export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Share of a batch in the running statistics; null averages all batches evenly. Default 0.1. */
  readonly momentum?: number | null;
  /** Whether scale and shift are learned. Default true. */
  readonly affine?: boolean;
  /** Whether running statistics are kept; without them evaluation uses the batch too. Default true. */
  readonly trackRunningStats?: boolean;
}

/** What follows the number of features, by position or by name. */
export type BatchNormArguments =
  | readonly [options?: BatchNormOptions]
  | readonly [
      eps?: number,
      momentum?: number | null | BatchNormOptions,
      affine?: boolean | BatchNormOptions,
      trackRunningStats?: boolean | BatchNormOptions,
    ];

const BATCH_NORM_NAMES: Readonly<Record<string, string>> = {
  runningMean: 'running_mean',
  runningVar: 'running_var',
  numBatchesTracked: 'num_batches_tracked',
};

abstract class BatchNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly runningMean: Buffer | null;
  readonly runningVar: Buffer | null;
  readonly numBatchesTracked: Buffer | null;
  readonly eps: number;
  readonly momentum: number | null;

  constructor(
    readonly numFeatures: number,
    ...rest: BatchNormArguments
  ) {
    super();
    checkSize(new.target.name, 'numFeatures', numFeatures);
    const names = ['eps', 'momentum', 'affine', 'trackRunningStats'] as const;
    const given = readArguments<BatchNormOptions>(new.target.name, rest, names);
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = given;
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? new Parameter(ones(numFeatures)) : null;
    this.bias = affine ? new Parameter(zeros(numFeatures)) : null;
    this.runningMean = trackRunningStats ? new Buffer(zeros(numFeatures)) : null;
    this.runningVar = trackRunningStats ? new Buffer(ones(numFeatures)) : null;
    this.numBatchesTracked = trackRunningStats ? new Buffer(tensor(0, { dtype: 'int32' })) : null;
  }

  protected abstract checkInput(x: Tensor): void;

  protected override stateName(property: string): string {
    return BATCH_NORM_NAMES[property] ?? property;
  }

  forward(x: Tensor): Tensor {
    this.checkInput(x);
    const { weight, bias, eps, runningMean, runningVar } = this;
    return batchNorm(x, runningMean, runningVar, {
      weight,
      bias,
      eps,
      training: this.training || runningMean === null,
      momentum: this.training ? this.nextMomentum() : 0,
    });
  }

  /** Counts the batch, and gives its share in the running statistics. */
  private nextMomentum(): number {
    if (this.numBatchesTracked === null) return this.momentum ?? 0;
    const { storage, offset } = this.numBatchesTracked;
    const count = this.numBatchesTracked.item() + 1;
    storage.device.write(storage, offset * 4, new Uint8Array(Int32Array.of(count).buffer));
    return this.momentum ?? 1 / count;
  }

  protected override extraRepr(): string {
    const [affine, tracks] = [this.weight !== null, this.runningMean !== null].map(python);
    return `${this.numFeatures}, eps=${python(this.eps)}, momentum=${python(this.momentum)}, affine=${affine}, track_running_stats=${tracks}`;
  }
}

/** Batch normalization of [N, C] or [N, C, L]. */
export class BatchNorm1d extends BatchNorm {
  protected checkInput(x: Tensor): void {
    if ((x.ndim !== 2 && x.ndim !== 3) || x.shape[1] !== this.numFeatures) {
      fail(
        'shape',
        `BatchNorm1d: expected [N, ${this.numFeatures}] or [N, ${this.numFeatures}, L], got ${show(x.shape)}.`,
      );
    }
  }
}

/** Batch normalization of [N, C, H, W]. */
export class BatchNorm2d extends BatchNorm {
  protected checkInput(x: Tensor): void {
    if (x.ndim !== 4 || x.shape[1] !== this.numFeatures) {
      fail('shape', `BatchNorm2d: expected [N, ${this.numFeatures}, H, W], got ${show(x.shape)}.`);
    }
  }
}

export interface LayerNormLayerOptions {
  readonly eps?: number;
  /** Whether scale and shift are learned. Default true. */
  readonly elementwiseAffine?: boolean;
}

/** Layer normalization over the last dimensions, of sizes `normalizedShape`. */
export class LayerNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly normalizedShape: readonly number[];
  readonly eps: number;

  constructor(
    normalizedShape: number | readonly number[],
    ...rest: readonly [eps?: number | LayerNormLayerOptions, elementwiseAffine?: boolean | LayerNormLayerOptions]
  ) {
    super();
    const given = readArguments<LayerNormLayerOptions>('LayerNorm', rest, ['eps', 'elementwiseAffine']);
    const { eps = 1e-5, elementwiseAffine = true } = given;
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : null;
    this.bias = elementwiseAffine ? new Parameter(zeros(this.normalizedShape)) : null;
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return layerNorm(x, this.normalizedShape, { weight, bias, eps });
  }

  protected override extraRepr(): string {
    const { normalizedShape, eps, weight } = this;
    return `${python(normalizedShape)}, eps=${python(eps)}, elementwise_affine=${python(weight !== null)}`;
  }
}
