import { noGrad } from '../../autograd/index.js';
import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { Buffer, Module } from '../../nn/index.js';
import { fakeQuantizePerChannelAffine, fakeQuantizePerTensorAffine, observeRange } from '../../ops/fakequantize.js';
import { full } from '../../ops/index.js';
import type { Affine } from '../../ops/quantized.js';
import type { Tensor } from '../../tensor.js';

export interface FakeQuantizeOptions {
  /** The whole numbers. Default −128 … 127. */
  readonly quantMin?: number;
  readonly quantMax?: number;
  /** Whether the range is taken as symmetric around 0. Default false. */
  readonly symmetric?: boolean;
  /** The dimension whose slices have a range each, and how many they are. Default one range. */
  readonly axis?: number | null;
  readonly channels?: number;
  /** The share of a batch in the moving average of ranges; 1 takes that of each batch. Default 0.01. */
  readonly averagingConstant?: number;
}

const NAMES: Readonly<Record<string, string>> = { minVal: 'min_val', maxVal: 'max_val' };

/**
 * Quantizes and widens again what passes, x → (clamp(round(x / scale) + zero) − zero) · scale, over a moving average of its
 * ranges. In training, and until something has passed, the range is observed. The gradient goes straight through, and is 0
 * where x was clamped.
 */
export class FakeQuantize extends Module {
  readonly minVal: Buffer;
  readonly maxVal: Buffer;
  /** Whether ranges are observed in training. */
  observes = true;
  /** Whether what passes is quantized. */
  quantizes = true;
  readonly options: Required<FakeQuantizeOptions>;

  constructor(options: FakeQuantizeOptions = {}) {
    super();
    const { quantMin = -128, quantMax = 127, symmetric = false } = options;
    const { axis = null, channels = 1, averagingConstant = 0.01 } = options;
    if (!(Number.isInteger(quantMin) && Number.isInteger(quantMax) && quantMin < 0 && quantMax > 0)) {
      fail(
        'argument',
        `FakeQuantize: quantMin and quantMax must be whole numbers around 0, got ${quantMin}, ${quantMax}.`,
      );
    }
    if (!(averagingConstant > 0 && averagingConstant <= 1)) {
      fail('argument', `FakeQuantize: averagingConstant must lie in (0, 1], got ${averagingConstant}.`);
    }
    this.options = { quantMin, quantMax, symmetric, axis, channels, averagingConstant };
    this.minVal = new Buffer(full([channels], Infinity));
    this.maxVal = new Buffer(full([channels], -Infinity));
  }

  protected override stateName(property: string): string {
    return NAMES[property] ?? property;
  }

  /** Whether it has seen a range. */
  get isReady(): boolean {
    return Number.isFinite(this.minVal.dataSync()[0]);
  }

  /** The map of the range as it is, for one range. */
  affine(): Affine {
    return scope(() => {
      const { scale, zeroPoint } = noGrad(() => this.map(null));
      return { scale: scale.item(), zeroPoint: zeroPoint.item() };
    });
  }

  private map(x: Tensor | null): { scale: Tensor; zeroPoint: Tensor } {
    const { averagingConstant: share, axis, quantMin, quantMax, symmetric } = this.options;
    return observeRange(x, this.minVal, this.maxVal, { share, axis, quantMin, quantMax, symmetric });
  }

  forward(x: Tensor): Tensor {
    const watches = (this.training && this.observes) || this.options.averagingConstant === 1 || !this.isReady;
    const { scale, zeroPoint } = this.map(watches ? x.detach() : null);
    if (!this.quantizes) return x;
    const { axis, quantMin, quantMax } = this.options;
    return axis === null
      ? fakeQuantizePerTensorAffine(x, scale, zeroPoint, quantMin, quantMax)
      : fakeQuantizePerChannelAffine(x, scale, zeroPoint, axis, quantMin, quantMax);
  }

  protected override extraRepr(): string {
    const { quantMin, quantMax, symmetric, axis } = this.options;
    return `quant_min=${quantMin}, quant_max=${quantMax}${symmetric ? ', symmetric' : ''}${axis === null ? '' : `, axis=${axis}`}`;
  }
}
