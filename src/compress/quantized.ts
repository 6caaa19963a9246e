import { fail, show } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import { Buffer, type LayerType, Module } from '../nn/index.js';
import { reshape, zeros } from '../ops/index.js';
import * as int8 from '../ops/quantized.js';
import type { Tensor } from '../tensor.js';

/** Layers that compute in int8. */

const NAMES: Readonly<Record<string, string>> = { inputScale: 'input_scale', inputZeroPoint: 'input_zero_point' };

/** What both quantized layers hold: int8 weights, a scale for each output unit, and the map of the input. */
abstract class Quantized extends Module {
  readonly weight: Buffer;
  readonly scale: Buffer;
  readonly bias: Buffer | null;
  readonly inputScale: Buffer;
  readonly inputZeroPoint: Buffer;
  /** The weights as the product wants them: buffers, so that they are freed with the module, but no part of its state. */
  private panels: Buffer | null = null;
  private affine: int8.Affine = { scale: 1, zeroPoint: 0 };
  private packedVersion = -1;

  constructor(weightShape: readonly number[], bias: boolean) {
    super();
    const units = weightShape[0] as number;
    this.weight = new Buffer(zeros(weightShape, { dtype: 'int8' }));
    this.scale = new Buffer(zeros([units]));
    this.bias = bias ? new Buffer(zeros([units])) : null;
    this.inputScale = new Buffer(zeros([]));
    this.inputZeroPoint = new Buffer(zeros([], { dtype: 'int32' }));
  }

  protected override stateName(property: string): string {
    return NAMES[property] ?? property;
  }

  /** The layer's own way to lay out its weights. */
  protected abstract pack(): int8.PackedWeight;

  /** The packed weights and the input's map, made anew when the buffers have been written. */
  protected prepare(): { packed: int8.PackedWeight; product: int8.QuantizedProduct } {
    const version = this.weight.storage.version + this.inputScale.storage.version + this.inputZeroPoint.storage.version;
    if (this.panels === null || version !== this.packedVersion) {
      this.panels?.dispose();
      this.panels = new Buffer(this.pack().panels, false);
      this.affine = { scale: this.inputScale.item(), zeroPoint: this.inputZeroPoint.item() };
      this.packedVersion = version;
    }
    const n = this.weight.shape[0] as number;
    const k = n === 0 ? 0 : this.weight.numel() / n;
    const packed = { panels: this.panels as Tensor<'int8'>, n, k };
    return { packed, product: { scale: this.scale, bias: this.bias, input: this.affine } };
  }
}

/** y = x · weightᵀ + bias, multiplied in int8: [.., inFeatures] → float32 [.., outFeatures]. For inference. */
export class QuantizedLinear extends Quantized {
  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    { bias = true }: { readonly bias?: boolean } = {},
  ) {
    super([outFeatures, inFeatures], bias);
  }

  forward(x: Tensor): Tensor {
    if (x.shape[x.ndim - 1] !== this.inFeatures) {
      fail('shape', `QuantizedLinear: expected [.., ${this.inFeatures}], got ${show(x.shape)}.`);
    }
    const { packed, product } = this.prepare();
    const rows = reshape(x, [sizeOf(x.shape.slice(0, -1)), this.inFeatures]);
    const y = int8.quantizedLinear(rows, packed, product);
    return reshape(y, [...x.shape.slice(0, -1), this.outFeatures]);
  }

  protected override pack(): int8.PackedWeight {
    return int8.packLinear(this.weight);
  }

  protected override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, dtype=int8`;
  }
}

export interface QuantizedConvOptions {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly bias?: boolean;
}

/** Convolution multiplied in int8: [N, inChannels, H, W] → float32 [N, outChannels, OH, OW]. For inference. */
export class QuantizedConv2d extends Quantized {
  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    readonly kernelSize: readonly [number, number],
    readonly options: QuantizedConvOptions,
  ) {
    super([outChannels, inChannels, ...kernelSize], options.bias ?? true);
  }

  forward(x: Tensor): Tensor {
    if (x.ndim !== 4 || x.shape[1] !== this.inChannels) {
      fail('shape', `QuantizedConv2d: expected [N, ${this.inChannels}, H, W], got ${show(x.shape)}.`);
    }
    const { packed, product } = this.prepare();
    const { stride, padding, dilation } = this.options;
    return int8.quantizedConv2d(x, packed, { kernel: this.kernelSize, stride, padding, dilation }, product);
  }

  protected override pack(): int8.PackedWeight {
    return int8.packConv2d(this.weight);
  }

  protected override extraRepr(): string {
    return `${this.inChannels}, ${this.outChannels}, kernel_size=(${this.kernelSize.join(', ')}), dtype=int8`;
  }
}

/** The layers that compression makes, by name: pass them where a saved model is built. */
export const compressedTypes: Readonly<Record<string, LayerType>> = {
  QuantizedLinear: {
    describe: (module) => {
      const m = module as QuantizedLinear;
      return [m.inFeatures, m.outFeatures, { bias: m.bias !== null }];
    },
    build: (args) => new QuantizedLinear(...(args as ConstructorParameters<typeof QuantizedLinear>)),
  },
  QuantizedConv2d: {
    describe: (module) => {
      const m = module as QuantizedConv2d;
      return [m.inChannels, m.outChannels, m.kernelSize, { ...m.options, bias: m.bias !== null }];
    },
    build: (args) => new QuantizedConv2d(...(args as ConstructorParameters<typeof QuantizedConv2d>)),
  },
};
