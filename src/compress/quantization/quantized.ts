import { isGradEnabled } from '../../autograd/index.js';
import { fail, show } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import { type Fusible, isPlain, type Passed } from '../../nn/fusible.js';
import { Buffer, Module, type PaddingMode, ReLU } from '../../nn/index.js';
import { pad, reshape, squeeze, unsqueeze, zeros } from '../../ops/index.js';
import * as int8 from '../../ops/quantized.js';
import type { Tensor } from '../../tensor.js';

/** Layers that compute in int8. */

const NAMES: Readonly<Record<string, string>> = { inputScale: 'input_scale', inputZeroPoint: 'input_zero_point' };

/** What is done to the result within the same pass. */
export type Activation = 'relu' | undefined;

/** Throws where a gradient is wanted of a layer that has none. */
export function refuseGradient(layer: Module, x: Tensor): void {
  if (!isGradEnabled() || !x.requiresGrad) return;
  const name = layer.constructor.name;
  fail(
    'autograd',
    `${name}: it is for inference and has no gradient, but its input requires one. ` +
      'Call the model within noGrad(), or train with quantize.qat(model) before quantize.convert.',
  );
}

/** What weights have been packed, as they were at that version, and the numbers of the input's map. */
interface Prepared {
  readonly weight: Buffer;
  readonly version: number;
  readonly affine: int8.Affine | null;
}

/** By layer: a copy of one has weights of its own, which have not been packed. */
const prepared = new WeakMap<Quantized, Prepared>();

/** What both quantized layers hold: int8 weights, a scale for each output unit, and the map of the input. */
export abstract class Quantized extends Module implements Fusible {
  readonly weight: Buffer;
  readonly scale: Buffer;
  readonly bias: Buffer | null;
  /** How the input is mapped to int8; null where the range of each input decides. */
  readonly inputScale: Buffer | null;
  readonly inputZeroPoint: Buffer | null;
  /** The weights as the product wants them: buffers, so that they are freed with the module, but no part of its state. */
  private panels: Buffer | null = null;

  constructor(weightShape: readonly number[], bias: boolean, dynamic: boolean) {
    super();
    const units = weightShape[0] as number;
    this.weight = new Buffer(zeros(weightShape, { dtype: 'int8' }));
    this.scale = new Buffer(zeros([units]));
    this.bias = bias ? new Buffer(zeros([units])) : null;
    this.inputScale = dynamic ? null : new Buffer(zeros([]));
    this.inputZeroPoint = dynamic ? null : new Buffer(zeros([], { dtype: 'int32' }));
  }

  protected override stateName(property: string): string {
    return NAMES[property] ?? property;
  }

  /** The layer's own way to lay out its weights. */
  protected abstract pack(): int8.PackedWeight;

  protected abstract compute(x: Tensor, activation: Activation): Tensor;

  forward(x: Tensor): Tensor {
    return this.compute(x, undefined);
  }

  /** Takes a ReLU along. */
  forwardThrough(x: Tensor, modules: readonly Module[], place: number): Passed | null {
    const type = this.constructor as { readonly prototype: Quantized };
    const own = type.prototype === QuantizedLinear.prototype || type.prototype === QuantizedConv2d.prototype;
    if (!own || !isPlain(this, type) || !isPlain(modules[place + 1], ReLU)) return null;
    return { y: this.compute(x, 'relu'), taken: 1 };
  }

  /** The weights as real numbers. */
  dequantized(): Float32Array {
    const scales = this.scale.dataSync();
    const inner = this.weight.numel() / scales.length;
    return Float32Array.from(this.weight.dataSync(), (q, i) => q * (scales[Math.floor(i / inner)] as number));
  }

  /** On a GPU, which does not tell them at once, weights could not be packed any more. */
  protected override beforeMove(): void {
    if (this.weight.storage.device.answersAtOnce) this.prepare();
  }

  /** The packed weights and the input's map, made anew when the buffers have been written. */
  protected prepare(): { packed: int8.PackedWeight; scale: Tensor; bias: Tensor | null; input: int8.Affine | null } {
    const { weight, inputScale, inputZeroPoint } = this;
    const version =
      weight.storage.version + (inputScale?.storage.version ?? 0) + (inputZeroPoint?.storage.version ?? 0);
    let known = prepared.get(this);
    if (this.panels === null || known?.version !== version || known.weight !== weight) {
      this.panels?.dispose();
      this.panels = new Buffer(this.pack().panels, false);
      const affine =
        inputScale === null || inputZeroPoint === null
          ? null
          : { scale: inputScale.item(), zeroPoint: inputZeroPoint.item() };
      known = { weight, version, affine };
      prepared.set(this, known);
    }
    const n = weight.shape[0] as number;
    const k = n === 0 ? 0 : weight.numel() / n;
    const packed = { panels: this.panels as Tensor<'int8'>, n, k };
    return { packed, scale: this.scale, bias: this.bias, input: known.affine };
  }
}

export interface QuantizedLinearOptions {
  /** Whether a shift is added. Default true. */
  readonly bias?: boolean;
  /** Whether the range of each input is mapped to int8, and not one that was observed before. Default false. */
  readonly dynamic?: boolean;
}

/** y = x · weightᵀ + bias, multiplied in int8: [.., inFeatures] → float32 [.., outFeatures]. For inference. */
export class QuantizedLinear extends Quantized {
  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    { bias = true, dynamic = false }: QuantizedLinearOptions = {},
  ) {
    super([outFeatures, inFeatures], bias, dynamic);
  }

  protected compute(x: Tensor, activation: Activation): Tensor {
    refuseGradient(this, x);
    if (x.shape[x.ndim - 1] !== this.inFeatures) {
      fail('shape', `QuantizedLinear: expected [.., ${this.inFeatures}], got ${show(x.shape)}.`);
    }
    const { packed, ...product } = this.prepare();
    if (x.ndim === 2) return int8.quantizedLinear(x, packed, { ...product, activation });
    const rows = reshape(x, [sizeOf(x.shape.slice(0, -1)), this.inFeatures]);
    const y = int8.quantizedLinear(rows, packed, { ...product, activation });
    return reshape(y, [...x.shape.slice(0, -1), this.outFeatures]);
  }

  protected override pack(): int8.PackedWeight {
    return int8.packLinear(this.weight);
  }

  protected override extraRepr(): string {
    const input = this.inputScale === null ? ', input=dynamic' : '';
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, dtype=int8${input}`;
  }
}

export interface QuantizedConvOptions {
  readonly stride: readonly [number, number];
  /** Zeros above and below, left and right of the image. */
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly bias?: boolean;
  /** What is put around the image before: left, right, above, below. */
  readonly border?: readonly [number, number, number, number];
  /** What the border holds. Default 'zeros'. */
  readonly paddingMode?: PaddingMode;
}

/**
 * Convolution multiplied in int8: [N, inChannels, H, W] → float32 [N, outChannels, OH, OW]; N may be absent. For inference.
 */
export class QuantizedConv2d extends Quantized {
  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    readonly kernelSize: readonly [number, number],
    readonly options: QuantizedConvOptions,
  ) {
    super([outChannels, inChannels, ...kernelSize], options.bias ?? true, false);
  }

  protected compute(x: Tensor, activation: Activation): Tensor {
    refuseGradient(this, x);
    if (x.ndim === 3) return squeeze(this.compute(unsqueeze(x, 0), activation), 0);
    if (x.ndim !== 4 || x.shape[1] !== this.inChannels) {
      fail('shape', `QuantizedConv2d: expected [N, ${this.inChannels}, H, W], got ${show(x.shape)}.`);
    }
    const { packed, input, ...product } = this.prepare();
    const { stride, padding, dilation, border, paddingMode = 'zeros' } = this.options;
    const image = border === undefined ? x : pad(x, border, paddingMode === 'zeros' ? 'constant' : paddingMode);
    const window = { kernel: this.kernelSize, stride, padding, dilation };
    const y = int8.quantizedConv2d(image, packed, window, { ...product, input: input as int8.Affine, activation });
    if (image !== x) image.dispose();
    return y;
  }

  protected override pack(): int8.PackedWeight {
    return int8.packConv2d(this.weight);
  }

  protected override extraRepr(): string {
    return `${this.inChannels}, ${this.outChannels}, kernel_size=(${this.kernelSize.join(', ')}), dtype=int8`;
  }
}
