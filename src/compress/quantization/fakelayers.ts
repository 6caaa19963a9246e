import { noGrad } from '../../autograd/index.js';
import { scope } from '../../core/scoping.js';
import { Conv2d, type ConvOptions, Embedding, type EmbeddingLayerOptions, Linear } from '../../nn/index.js';
import { fakeQuantizePerChannelAffine, observeRange } from '../../ops/fakequantize.js';
import { abs, add, conv2d, div, embedding, full, gt, linear, mul, pad, reshape, sqrt, where } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { borderOf } from './convert.js';
import { FakeQuantize } from './fakequantize.js';
import type { Foldable, Norm } from './fold.js';

/** Layers that train as if they were quantized. */

export interface FakeLayerOptions {
  readonly bias?: boolean;
  /** One scale for each output unit instead of one for all weights. Default true. */
  readonly perChannel?: boolean;
  /** Whether inputs are mapped symmetrically around 0. Default false. */
  readonly symmetric?: boolean;
  /** The share of a batch in the moving average of the input's ranges. Default 0.01. */
  readonly averagingConstant?: number;
}

/** Weights in int8: ±127, over the range that they have now. */
function weightQuantizer(units: number, perChannel: boolean): FakeQuantize {
  const range = { quantMin: -127, quantMax: 127, symmetric: true, averagingConstant: 1 };
  return new FakeQuantize(perChannel ? { ...range, axis: 0, channels: units } : range);
}

/**
 * The factor of each output unit by which a norm will be folded, as it trains: weight / √(running variance + eps). Where it is
 * 0, 1 stands for it, since what is multiplied by it is divided by it again.
 */
function factorOf({ weight, runningVar, eps }: Norm): Tensor {
  const spread = sqrt(add(runningVar as Tensor, eps));
  const factor = weight === null ? div(1, spread) : div(weight, spread);
  return where(gt(abs(factor), 1e-12), factor, 1);
}

/**
 * The weight as int8 will hold it: with the factor of the norm behind the layer, quantized, and without the factor again
 * (Jacob et al. 2018, section 3.2, with running statistics for those of the batch, so that one pass does). The norm itself
 * runs as ever.
 */
function fakeWeight(layer: Foldable, quantizer: FakeQuantize, norm: Norm | null): Tensor {
  if (norm === null) return quantizer.forward(layer.weight);
  const factor = reshape(factorOf(norm), [-1, ...layer.weight.shape.slice(1).map(() => 1)]);
  return div(quantizer.forward(mul(layer.weight, factor)), factor);
}

/** The norm behind a layer: held so that it is no part of the layer, whose parameters keep their names. */
interface Behind {
  readonly norm: Norm;
}

const NAMES: Readonly<Record<string, string>> = {
  inputFakeQuant: 'input_fake_quant',
  weightFakeQuant: 'weight_fake_quant',
};

function inputQuantizer({ symmetric = false, averagingConstant = 0.01 }: FakeLayerOptions): FakeQuantize {
  return new FakeQuantize({ symmetric, averagingConstant });
}

/** A linear layer that trains as if its weight and its input were int8. */
export class QATLinear extends Linear {
  readonly inputFakeQuant: FakeQuantize;
  readonly weightFakeQuant: FakeQuantize;
  behind: Behind | null = null;

  constructor(
    inFeatures: number,
    outFeatures: number,
    readonly options: FakeLayerOptions = {},
  ) {
    super(inFeatures, outFeatures, { bias: options.bias ?? true });
    this.inputFakeQuant = inputQuantizer(options);
    this.weightFakeQuant = weightQuantizer(outFeatures, options.perChannel ?? true);
  }

  protected override stateName(property: string): string {
    return NAMES[property] ?? property;
  }

  override forward(x: Tensor): Tensor {
    return linear(
      this.inputFakeQuant.forward(x),
      fakeWeight(this, this.weightFakeQuant, this.behind?.norm ?? null),
      this.bias,
    );
  }
}

/** A convolution that trains as if its weight and its input were int8. */
export class QATConv2d extends Conv2d {
  readonly inputFakeQuant: FakeQuantize;
  readonly weightFakeQuant: FakeQuantize;
  behind: Behind | null = null;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: readonly [number, number],
    readonly options: FakeLayerOptions & ConvOptions = {},
  ) {
    const { perChannel: _, symmetric: __, averagingConstant: ___, ...conv } = options;
    super(inChannels, outChannels, kernelSize, conv);
    this.inputFakeQuant = inputQuantizer(options);
    this.weightFakeQuant = weightQuantizer(outChannels, options.perChannel ?? true);
  }

  protected override stateName(property: string): string {
    return NAMES[property] ?? property;
  }

  override forward(x: Tensor): Tensor {
    const { stride, dilation, groups, padding, paddingMode, bias } = this;
    const weight = fakeWeight(this, this.weightFakeQuant, this.behind?.norm ?? null);
    const input = this.inputFakeQuant.forward(x);
    if (paddingMode === 'zeros') return conv2d(input, weight, bias, { stride, padding, dilation, groups });
    // Padding repeats what is quantized already, so that it may come after it.
    const { border } = borderOf(this);
    const image = border === null ? input : pad(input, border, paddingMode);
    return conv2d(image, weight, bias, { stride, dilation, groups });
  }
}

/** A table that trains as if each of its rows were int8. */
export class QATEmbedding extends Embedding {
  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    readonly options: EmbeddingLayerOptions = {},
  ) {
    super(numEmbeddings, embeddingDim, options);
  }

  override forward(input: Tensor): Tensor {
    const { paddingIdx, scaleGradByFreq, embeddingDim } = this;
    const rows = reshape(embedding(input, this.weight, { paddingIdx, scaleGradByFreq }), [-1, embeddingDim]);
    return reshape(fakeRows(rows), [...input.shape, embeddingDim]);
  }
}

/** Every row of x within ±127 steps of its own. */
function fakeRows(x: Tensor): Tensor {
  const [count] = x.shape as [number];
  const { scale, zeroPoint } = scope(() =>
    noGrad(() => {
      const range = { share: 1, axis: 0, quantMin: -127, quantMax: 127, symmetric: true };
      return observeRange(x.detach(), full([count], Infinity), full([count], -Infinity), range);
    }),
  );
  return fakeQuantizePerChannelAffine(x, scale, zeroPoint, 0, -127, 127);
}
