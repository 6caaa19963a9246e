import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { checkSize } from '../core/shape.js';
import {
  groupNorm,
  type LocalResponseNormOptions,
  layerNorm,
  localResponseNorm,
  ones,
  rmsNorm,
  zeros,
} from '../ops/index.js';
import type { LocalResponseNormArguments } from '../ops/normalize.js';
import type { Tensor } from '../tensor.js';
import { Module, Parameter } from './module.js';
import { float, python } from './repr.js';

/** Normalization that is the same in training and evaluation. */

export interface LayerNormLayerOptions {
  readonly eps?: number;
  /** Whether scale and shift are learned. Default true. */
  readonly elementwiseAffine?: boolean;
  /** Whether, where a scale is learned, a shift is too. Default true. */
  readonly bias?: boolean;
}

/** Layer normalization over the last dimensions, of sizes `normalizedShape`. */
export class LayerNorm extends Module {
  weight: Parameter | null;
  bias: Parameter | null;
  readonly normalizedShape: readonly number[];
  eps: number;

  constructor(
    normalizedShape: number | readonly number[],
    ...rest: readonly [
      eps?: number | LayerNormLayerOptions,
      elementwiseAffine?: boolean | LayerNormLayerOptions,
      bias?: boolean | LayerNormLayerOptions,
    ]
  ) {
    super();
    const given = readArguments<LayerNormLayerOptions>('LayerNorm', rest, ['eps', 'elementwiseAffine', 'bias']);
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = given;
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : null;
    this.bias = elementwiseAffine && bias ? new Parameter(zeros(this.normalizedShape)) : null;
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

export interface RMSNormOptions {
  /** Added to the mean square. Default: the spacing of float32 at 1. */
  readonly eps?: number | null;
  /** Whether a scale is learned. Default true. */
  readonly elementwiseAffine?: boolean;
}

/** Division by the root mean square over the last dimensions, of sizes `normalizedShape` (Zhang and Sennrich 2019). */
export class RMSNorm extends Module {
  weight: Parameter | null;
  readonly normalizedShape: readonly number[];
  eps: number | null;

  constructor(
    normalizedShape: number | readonly number[],
    ...rest: readonly [eps?: number | null | RMSNormOptions, elementwiseAffine?: boolean | RMSNormOptions]
  ) {
    super();
    const given = readArguments<RMSNormOptions>('RMSNorm', rest, ['eps', 'elementwiseAffine']);
    const { eps = null, elementwiseAffine = true } = given;
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : null;
  }

  forward(x: Tensor): Tensor {
    const { weight, eps } = this;
    return rmsNorm(x, this.normalizedShape, { weight, eps });
  }

  protected override extraRepr(): string {
    const { normalizedShape, eps, weight } = this;
    return `${python(normalizedShape)}, eps=${python(eps)}, elementwise_affine=${python(weight !== null)}`;
  }
}

export interface GroupNormLayerOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Whether a scale and a shift are learned for each channel. Default true. */
  readonly affine?: boolean;
}

/** Normalization of the channels of [N, C, …] in groups (Wu and He 2018). */
export class GroupNorm extends Module {
  weight: Parameter | null;
  bias: Parameter | null;
  eps: number;

  constructor(
    readonly numGroups: number,
    readonly numChannels: number,
    ...rest: readonly [eps?: number | GroupNormLayerOptions, affine?: boolean | GroupNormLayerOptions]
  ) {
    super();
    checkSize('GroupNorm', 'numGroups', numGroups);
    checkSize('GroupNorm', 'numChannels', numChannels);
    if (numChannels % numGroups !== 0) {
      fail('argument', `GroupNorm: numGroups must divide numChannels, got ${numGroups} and ${numChannels}.`);
    }
    const { eps = 1e-5, affine = true } = readArguments<GroupNormLayerOptions>('GroupNorm', rest, ['eps', 'affine']);
    this.eps = eps;
    this.weight = affine ? new Parameter(ones(numChannels)) : null;
    this.bias = affine ? new Parameter(zeros(numChannels)) : null;
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return groupNorm(x, this.numGroups, { weight, bias, eps });
  }

  protected override extraRepr(): string {
    const { numGroups, numChannels, eps, weight } = this;
    return `${numGroups}, ${numChannels}, eps=${python(eps)}, affine=${python(weight !== null)}`;
  }
}

/** Division of channels by the responses of their neighbours (Krizhevsky, Sutskever, Hinton 2012). */
export class LocalResponseNorm extends Module {
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(
    readonly size: number,
    ...rest: LocalResponseNormArguments
  ) {
    super();
    const names = ['alpha', 'beta', 'k'] as const;
    const {
      alpha = 1e-4,
      beta = 0.75,
      k = 1,
    } = readArguments<LocalResponseNormOptions>('LocalResponseNorm', rest, names);
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  forward(x: Tensor): Tensor {
    const { alpha, beta, k } = this;
    return localResponseNorm(x, this.size, { alpha, beta, k });
  }

  protected override extraRepr(): string {
    // The default is a float in PyTorch, and prints as one.
    const k = this.k === 1 ? float(this.k) : python(this.k);
    return `${this.size}, alpha=${python(this.alpha)}, beta=${python(this.beta)}, k=${k}`;
  }
}
