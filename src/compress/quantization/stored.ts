import { fail, show } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import { type Fusible, isPlain, type Passed } from '../../nn/fusible.js';
import { Buffer, Module, type PaddingMode, ReLU } from '../../nn/index.js';
import { convFused } from '../../ops/convfused.js';
import { conv2d, linear, pad, relu, reshape, squeeze, unsqueeze, zeros } from '../../ops/index.js';
import {
  areFew,
  STORED_FORMATS,
  type StoredFormat,
  type StoredMatrix,
  storedBytes,
  storedLinear,
  storedRows,
} from '../../ops/storedweight.js';
import type { Tensor } from '../../tensor.js';
import { type Activation, refuseGradient } from './quantized.js';

/** Layers whose weights alone take fewer bits: 4, 8 or 16 a number, widened as they are read. Arithmetic is float32. */

export interface StoredLayerOptions {
  /** How a weight is stored: in groups that share a scale, or as a shorter float. Default 'int8'. */
  readonly dtype?: StoredFormat;
  /** Neighbours in a row that share a scale: a multiple of 32. Default 64. */
  readonly groupSize?: number;
}

/** What these layers hold: the bytes of a matrix, with scales and zeros by group for int8 and int4. */
export abstract class WeightOnly extends Module {
  readonly weight: Buffer;
  readonly scale: Buffer | null;
  readonly zero: Buffer | null;
  readonly dtype: StoredFormat;
  readonly groupSize: number;

  constructor(
    name: string,
    private readonly rows: number,
    private readonly columns: number,
    { dtype = 'int8', groupSize = 64 }: StoredLayerOptions,
    largestGroup = Infinity,
  ) {
    super();
    if (!STORED_FORMATS.includes(dtype)) {
      fail('argument', `${name}: dtype must be one of ${STORED_FORMATS.join(', ')}, got '${String(dtype)}'.`);
    }
    if (!(Number.isInteger(groupSize) && groupSize > 0 && groupSize % 32 === 0)) {
      fail('argument', `${name}: groupSize must be a multiple of 32, got ${groupSize}. Try 32, 64 or 128.`);
    }
    if (groupSize > largestGroup) {
      fail('argument', `${name}: groupSize must not exceed ${largestGroup}, got ${groupSize}.`);
    }
    this.dtype = dtype;
    this.groupSize = groupSize;
    this.weight = new Buffer(zeros([storedBytes(dtype, rows, columns)], { dtype: 'uint8' }));
    const isGrouped = dtype === 'int8' || dtype === 'int4';
    const groups = [rows, Math.ceil(columns / groupSize)];
    this.scale = isGrouped ? new Buffer(zeros(groups)) : null;
    this.zero = isGrouped ? new Buffer(zeros(groups, { dtype: 'int8' })) : null;
  }

  protected matrix(): StoredMatrix {
    const { dtype: format, rows, columns, groupSize: group, scale, zero } = this;
    return { format, rows, columns, group, weight: this.weight as Tensor as Tensor<'uint8'>, scale, zero };
  }

  /** The weights as real numbers. */
  dequantized(): Float32Array {
    const wide = storedRows(this.matrix());
    try {
      return wide.dataSync();
    } finally {
      wide.dispose();
    }
  }

  /** The options of this layer, as its constructor takes them. */
  storedOptions(): Required<StoredLayerOptions> {
    return { dtype: this.dtype, groupSize: this.groupSize };
  }

  protected printFormat(): string {
    return this.scale === null ? `dtype=${this.dtype}` : `dtype=${this.dtype}, group_size=${this.groupSize}`;
  }
}

export interface WeightOnlyLinearOptions extends StoredLayerOptions {
  /** Whether a shift is added. Default true. */
  readonly bias?: boolean;
}

/** Largest group whose products with 16-bit inputs sum up in int32. */
const LARGEST_GROUP = 256;

/**
 * y = x · weightᵀ + bias with stored weights: [.., inFeatures] → [.., outFeatures]. For inference. Up to eight rows (of
 * float16 and bfloat16: one) are multiplied with the stored form itself, which reads a quarter or an eighth of the bytes;
 * there, beside int8 and int4, x is rounded to 16 bits a row. For more rows the weights are widened first.
 */
export class WeightOnlyLinear extends WeightOnly implements Fusible {
  readonly bias: Buffer | null;

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    { bias = true, ...options }: WeightOnlyLinearOptions = {},
  ) {
    super('WeightOnlyLinear', outFeatures, inFeatures, options, LARGEST_GROUP);
    this.bias = bias ? new Buffer(zeros([outFeatures])) : null;
  }

  forward(x: Tensor): Tensor {
    return this.compute(x, undefined);
  }

  /** Takes a ReLU along. */
  forwardThrough(x: Tensor, modules: readonly Module[], place: number): Passed | null {
    if (!isPlain(this, WeightOnlyLinear) || !isPlain(modules[place + 1], ReLU)) return null;
    return { y: this.compute(x, 'relu'), taken: 1 };
  }

  private compute(x: Tensor, activation: Activation): Tensor {
    refuseGradient(this, x);
    if (x.shape[x.ndim - 1] !== this.inFeatures) {
      fail('shape', `WeightOnlyLinear: expected [.., ${this.inFeatures}], got ${show(x.shape)}.`);
    }
    const lead = x.shape.slice(0, -1);
    const count = sizeOf(lead);
    if (areFew(count, this.dtype)) {
      const y = storedLinear(reshape(x, [count, this.inFeatures]), this.matrix(), this.bias, activation ?? null);
      return reshape(y, [...lead, this.outFeatures]);
    }
    const wide = storedRows(this.matrix());
    const y = linear(x, wide, this.bias);
    wide.dispose();
    return activation === 'relu' ? relu(y) : y;
  }

  protected override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, ${this.printFormat()}`;
  }
}

export interface WeightOnlyConvOptions extends StoredLayerOptions {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number] | 'same' | 'valid';
  readonly dilation: readonly [number, number];
  readonly groups: number;
  readonly bias?: boolean;
  /** What is put around the image before: left, right, above, below. */
  readonly border?: readonly [number, number, number, number];
  /** What the border holds. Default 'zeros'. */
  readonly paddingMode?: PaddingMode;
}

/** Convolution with stored weights, widened at each call: [N, inChannels, H, W] → [N, outChannels, OH, OW]. For inference. */
export class WeightOnlyConv2d extends WeightOnly implements Fusible {
  readonly bias: Buffer | null;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    readonly kernelSize: readonly [number, number],
    readonly options: WeightOnlyConvOptions,
  ) {
    const { dtype, groupSize } = options;
    const stored = { ...(dtype === undefined ? {} : { dtype }), ...(groupSize === undefined ? {} : { groupSize }) };
    super('WeightOnlyConv2d', outChannels, (inChannels / options.groups) * kernelSize[0] * kernelSize[1], stored);
    this.bias = (options.bias ?? true) ? new Buffer(zeros([outChannels])) : null;
  }

  forward(x: Tensor): Tensor {
    return this.compute(x, undefined);
  }

  /** Takes a ReLU along. */
  forwardThrough(x: Tensor, modules: readonly Module[], place: number): Passed | null {
    if (!isPlain(this, WeightOnlyConv2d) || !isPlain(modules[place + 1], ReLU)) return null;
    return { y: this.compute(x, 'relu'), taken: 1 };
  }

  private compute(x: Tensor, activation: Activation): Tensor {
    refuseGradient(this, x);
    if (x.ndim === 3) return squeeze(this.compute(unsqueeze(x, 0), activation), 0);
    const { bias, kernelSize } = this;
    const { stride, padding, dilation, groups, border, paddingMode = 'zeros' } = this.options;
    const image = border === undefined ? x : pad(x, border, paddingMode === 'zeros' ? 'constant' : paddingMode);
    const wide = storedRows(this.matrix());
    const weight = reshape(wide, [this.outChannels, this.inChannels / groups, ...kernelSize]);
    const options = { bias, stride, padding, dilation, groups };
    const isFused = activation === 'relu' && image.dtype === 'float32';
    const y = isFused ? convFused(image, weight, options, { relu: true }) : conv2d(image, weight, options);
    weight.dispose();
    wide.dispose();
    if (image !== x) image.dispose();
    return activation === 'relu' && !isFused ? relu(y) : y;
  }

  protected override extraRepr(): string {
    const { inChannels, outChannels, kernelSize } = this;
    return `${inChannels}, ${outChannels}, kernel_size=(${kernelSize.join(', ')}), ${this.printFormat()}`;
  }
}

/** A table whose rows are widened as they are read: indices [..] → float32 [.., embeddingDim]. For inference. */
export class WeightOnlyEmbedding extends WeightOnly {
  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    options: StoredLayerOptions = {},
  ) {
    super('WeightOnlyEmbedding', numEmbeddings, embeddingDim, options);
  }

  forward(input: Tensor): Tensor {
    return reshape(storedRows(this.matrix(), input), [...input.shape, this.embeddingDim]);
  }

  protected override extraRepr(): string {
    return `${this.numEmbeddings}, ${this.embeddingDim}, ${this.printFormat()}`;
  }
}
