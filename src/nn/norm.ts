import { noGrad } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { checkSize } from '../core/shape.js';
import {
  add,
  add_,
  batchNorm,
  div,
  instanceNorm,
  mul,
  neg,
  ones,
  reciprocal,
  sqrt,
  squeeze,
  sub,
  tensor,
  unsqueeze,
  zeros,
} from '../ops/index.js';
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

const BATCH_NORM_ARGUMENTS = ['eps', 'momentum', 'affine', 'trackRunningStats'] as const;

const BATCH_NORM_NAMES: Readonly<Record<string, string>> = {
  runningMean: 'running_mean',
  runningVar: 'running_var',
  numBatchesTracked: 'num_batches_tracked',
};

/** What batch and instance norm have in common: their parameters, their running statistics and how they print. */
export abstract class NormBase extends Module {
  weight: Parameter | null;
  bias: Parameter | null;
  readonly runningMean: Buffer | null;
  readonly runningVar: Buffer | null;
  readonly numBatchesTracked: Buffer | null;
  eps: number;
  momentum: number | null;

  /** `byDefault` is whether there are parameters and statistics where nothing is said of them. */
  constructor(
    readonly numFeatures: number,
    byDefault: boolean,
    rest: BatchNormArguments,
  ) {
    super();
    checkSize(new.target.name, 'numFeatures', numFeatures);
    const given = readArguments<BatchNormOptions>(new.target.name, rest, BATCH_NORM_ARGUMENTS);
    const { eps = 1e-5, momentum = 0.1, affine = byDefault, trackRunningStats = byDefault } = given;
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? new Parameter(ones(numFeatures)) : null;
    this.bias = affine ? new Parameter(zeros(numFeatures)) : null;
    this.runningMean = trackRunningStats ? new Buffer(zeros(numFeatures)) : null;
    this.runningVar = trackRunningStats ? new Buffer(ones(numFeatures)) : null;
    this.numBatchesTracked = trackRunningStats ? new Buffer(tensor(0, { dtype: 'int32' })) : null;
  }

  protected override stateName(property: string): string {
    return BATCH_NORM_NAMES[property] ?? property;
  }

  protected override extraRepr(): string {
    const [affine, tracks] = [this.weight !== null, this.runningMean !== null].map(python);
    return `${this.numFeatures}, eps=${python(this.eps)}, momentum=${python(this.momentum)}, affine=${affine}, track_running_stats=${tracks}`;
  }
}

abstract class BatchNorm extends NormBase {
  constructor(numFeatures: number, ...rest: BatchNormArguments) {
    super(numFeatures, true, rest);
  }

  protected abstract checkInput(x: Tensor): void;

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

  /**
   * What it does to each channel in evaluation: a factor, and what is added after it, both [numFeatures]. Null while it
   * depends on its batch: in training, or without running statistics.
   */
  asAffine(): { readonly scale: Tensor; readonly shift: Tensor } | null {
    const { weight, bias, eps, runningMean, runningVar } = this;
    if (this.training || runningMean === null || runningVar === null) return null;
    return scope(() => {
      const spread = sqrt(add(runningVar, eps));
      const scale = weight === null ? reciprocal(spread) : div(weight, spread);
      const centre = mul(runningMean, scale);
      return { scale, shift: bias === null ? neg(centre) : sub(bias, centre) };
    });
  }

  /** Counts the batch, and gives its share in the running statistics. */
  private nextMomentum(): number {
    if (this.numBatchesTracked === null) return this.momentum ?? 0;
    const tracked = this.numBatchesTracked;
    noGrad(() => scope(() => add_(tracked, 1)));
    // The count is read only where the share depends on it: a captured step reads nothing back.
    return this.momentum ?? 1 / tracked.item();
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

/** Batch normalization of [N, C, D, H, W]. */
export class BatchNorm3d extends BatchNorm {
  protected checkInput(x: Tensor): void {
    if (x.ndim !== 5 || x.shape[1] !== this.numFeatures) {
      fail('shape', `BatchNorm3d: expected [N, ${this.numFeatures}, D, H, W], got ${show(x.shape)}.`);
    }
  }
}

/** The arguments of an instance norm by name; what cannot be is refused before there are statistics. */
function checkInstanceNorm(name: string, rest: BatchNormArguments): BatchNormOptions {
  const options = readArguments<BatchNormOptions>(name, rest, BATCH_NORM_ARGUMENTS);
  if (options.momentum === null && options.trackRunningStats) {
    fail('argument', `${name}: momentum must be a number; there is no average of all batches, got null.`);
  }
  return options;
}

/** Instance normalization of samples of `directions` dimensions, one by one or in a batch. */
abstract class InstanceNorm extends NormBase {
  constructor(numFeatures: number, ...rest: BatchNormArguments) {
    super(numFeatures, false, [checkInstanceNorm(new.target.name, rest)]);
  }

  /** What follows the channels of an input. */
  protected abstract readonly directions: readonly string[];

  forward(x: Tensor): Tensor {
    const { weight, bias, eps, runningMean, runningVar, directions } = this;
    const rank = directions.length + 1;
    if (x.ndim !== rank && x.ndim !== rank + 1) {
      const one = ['C', ...directions].join(', ');
      fail('shape', `${this.constructor.name}: expected [N, ${one}] or [${one}], got ${show(x.shape)}.`);
    }
    if (x.ndim === rank) return squeeze(this.forward(unsqueeze(x, 0)), 0);
    const useInputStats = this.training || runningMean === null;
    const momentum = this.momentum ?? 0;
    return instanceNorm(x, { runningMean, runningVar, weight, bias, useInputStats, momentum, eps });
  }
}

/** Instance normalization of [N, C, L] or [C, L]. */
export class InstanceNorm1d extends InstanceNorm {
  protected get directions(): readonly string[] {
    return ['L'];
  }
}

/** Instance normalization of [N, C, H, W] or [C, H, W]. */
export class InstanceNorm2d extends InstanceNorm {
  protected get directions(): readonly string[] {
    return ['H', 'W'];
  }
}

/** Instance normalization of [N, C, D, H, W] or [C, D, H, W]. */
export class InstanceNorm3d extends InstanceNorm {
  protected get directions(): readonly string[] {
    return ['D', 'H', 'W'];
  }
}
