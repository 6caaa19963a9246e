import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { checkSize } from '../core/shape.js';
import { convFused } from '../ops/convfused.js';
import { conv1d, conv2d, conv3d, empty, type PadMode, type Pair, pad, type Single, type Triple } from '../ops/index.js';
import { type Extent, extents, type Rank } from '../ops/window.js';
import type { Tensor } from '../tensor.js';
import { type Fusible, isPlain, type Passed } from './fusible.js';
import { fans, kaimingUniform_, uniform_ } from './init.js';
import { Module, Parameter } from './module.js';
import { BatchNorm2d } from './norm.js';
import { python } from './repr.js';
import { ReLU } from './simple.js';

/** Layers that convolve. */

/** What lies around an image: zeros, its mirrored inside, its edge, or its other end. */
export type PaddingMode = 'zeros' | Exclude<PadMode, 'constant'>;

const PADDING_MODES: readonly PaddingMode[] = ['zeros', 'reflect', 'replicate', 'circular'];

export interface ConvOptions<S extends Extent = Pair> {
  /** Step of the kernel. Default 1. */
  readonly stride?: S;
  /** Elements around the image; 'valid' is none, 'same' as many as keep its size, with stride 1. Default 0. */
  readonly padding?: S | 'same' | 'valid';
  /** Distance of neighbouring taps. Default 1. */
  readonly dilation?: S;
  /** Input and output channels are cut into this many groups that do not see one another. Default 1. */
  readonly groups?: number;
  /** Whether to add a learned shift. Default true. */
  readonly bias?: boolean;
  /** What the padding holds. Default 'zeros'. */
  readonly paddingMode?: PaddingMode;
}

/** What follows the kernel's size, by position or by name. */
export type ConvArguments<S extends Extent = Pair> =
  | readonly [options?: ConvOptions<S>]
  | readonly [
      stride?: S,
      padding?: ConvOptions<S>['padding'] | ConvOptions<S>,
      dilation?: S | ConvOptions<S>,
      groups?: number | ConvOptions<S>,
      bias?: boolean | ConvOptions<S>,
      paddingMode?: PaddingMode | ConvOptions<S>,
      options?: ConvOptions<S>,
    ];

interface Settings {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: Extent;
  readonly stride?: Extent;
  readonly dilation?: Extent;
  readonly groups?: number;
  readonly bias?: boolean;
}

/** What convolutions and transposed ones have in common. `T` has a number for each direction. */
export abstract class Convolution<T extends readonly number[]> extends Module {
  weight: Parameter;
  bias: Parameter | null;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: T;
  readonly stride: T;
  readonly dilation: T;
  readonly groups: number;

  constructor(
    name: string,
    protected readonly rank: Rank,
    { inChannels, outChannels, kernelSize, stride = 1, dilation = 1, groups = 1, bias = true }: Settings,
    isTransposed: boolean,
  ) {
    super();
    checkSize(name, 'inChannels', inChannels);
    checkSize(name, 'outChannels', outChannels);
    if (!Number.isInteger(groups) || groups < 1 || inChannels % groups !== 0 || outChannels % groups !== 0) {
      fail(
        'argument',
        `${name}: groups must be a whole number that divides both channel counts, got ${groups} for ${inChannels} and ` +
          `${outChannels}.`,
      );
    }
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = extents(name, 'kernelSize', kernelSize, rank, 1) as unknown as T;
    this.stride = extents(name, 'stride', stride, rank, 1) as unknown as T;
    this.dilation = extents(name, 'dilation', dilation, rank, 1) as unknown as T;
    this.groups = groups;
    const [from, to] = isTransposed ? [outChannels, inChannels] : [inChannels, outChannels];
    this.weight = new Parameter(empty([to, from / groups, ...this.kernelSize]));
    this.bias = bias ? new Parameter(empty([outChannels])) : null;
    this.resetParameters();
  }

  /** Uniform in ±1 / √(channels of one weight × its field), as PyTorch begins. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    const { fanIn } = fans(this.weight);
    if (this.bias === null || fanIn === 0) return;
    const bound = 1 / Math.sqrt(fanIn);
    uniform_(this.bias, -bound, bound);
  }

  /** Sizes that differ from `usual`, as PyTorch prints them. */
  protected unusual(name: string, sizes: T | string, usual: number): string[] {
    if (typeof sizes === 'string') return [`${name}=${sizes}`];
    return sizes.every((s) => s === usual) ? [] : [`${name}=${python(sizes)}`];
  }

  /** What is printed, with `padding` and `others` where PyTorch has them. */
  protected print(padding: T | string, outputPadding: T | null, paddingMode: PaddingMode): string {
    return [
      `${this.inChannels}, ${this.outChannels}`,
      `kernel_size=${python(this.kernelSize)}`,
      `stride=${python(this.stride)}`,
      ...this.unusual('padding', padding, 0),
      ...this.unusual('dilation', this.dilation, 1),
      ...(outputPadding === null ? [] : this.unusual('output_padding', outputPadding, 0)),
      ...(this.groups === 1 ? [] : [`groups=${this.groups}`]),
      ...(this.bias === null ? ['bias=False'] : []),
      ...(paddingMode === 'zeros' ? [] : [`padding_mode=${paddingMode}`]),
    ].join(', ');
  }
}

abstract class Conv<S extends Extent, T extends readonly number[]> extends Convolution<T> {
  readonly padding: T | 'same' | 'valid';
  readonly paddingMode: PaddingMode;

  constructor(
    name: string,
    rank: Rank,
    inChannels: number,
    outChannels: number,
    kernelSize: S,
    rest: ConvArguments<S>,
  ) {
    const names = ['stride', 'padding', 'dilation', 'groups', 'bias', 'paddingMode'] as const;
    const options = readArguments<ConvOptions<Extent>>(name, rest, names);
    const { padding = 0, paddingMode = 'zeros' } = options;
    if (!PADDING_MODES.includes(paddingMode)) {
      fail('argument', `${name}: paddingMode must be one of ${PADDING_MODES.join(', ')}, got ${String(paddingMode)}.`);
    }
    if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid') {
      fail('argument', `${name}: padding must be whole numbers, 'same' or 'valid', got '${String(padding)}'.`);
    }
    const sides = typeof padding === 'string' ? padding : extents(name, 'padding', padding, rank, 0);
    const steps = extents(name, 'stride', options.stride ?? 1, rank, 1);
    if (padding === 'same' && steps.some((s) => s !== 1)) {
      fail('argument', `${name}: padding 'same' needs stride 1, got ${String(options.stride)}.`);
    }
    super(name, rank, { ...options, inChannels, outChannels, kernelSize }, false);
    this.padding = sides as T | 'same' | 'valid';
    this.paddingMode = paddingMode;
  }

  protected abstract convolve(x: Tensor, padding: T | 'same' | 'valid'): Tensor;

  forward(x: Tensor): Tensor {
    if (this.paddingMode === 'zeros') return this.convolve(x, this.padding);
    const padded = pad(x, this.border(), this.paddingMode);
    return this.convolve(padded, 'valid');
  }

  /** Elements before and after each direction, the last direction first. */
  private border(): number[] {
    const { padding, kernelSize, dilation } = this;
    return kernelSize.flatMap((_, i) => {
      const d = kernelSize.length - 1 - i;
      if (padding === 'valid') return [0, 0];
      if (padding !== 'same') return [padding[d] as number, padding[d] as number];
      const total = (dilation[d] as number) * ((kernelSize[d] as number) - 1);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    });
  }

  protected override extraRepr(): string {
    return this.print(this.padding, null, this.paddingMode);
  }
}

/** Cross-correlation of lines: [N, inChannels, L] → [N, outChannels, OL]; N may be absent. */
export class Conv1d extends Conv<Single, readonly [number]> {
  constructor(inChannels: number, outChannels: number, kernelSize: Single, ...rest: ConvArguments<Single>) {
    super('Conv1d', 1, inChannels, outChannels, kernelSize, rest);
  }

  protected convolve(x: Tensor, padding: readonly [number] | 'same' | 'valid'): Tensor {
    const { stride, dilation, groups } = this;
    return conv1d(x, this.weight, this.bias, { stride, padding, dilation, groups });
  }
}

/** Cross-correlation of images: [N, inChannels, H, W] → [N, outChannels, OH, OW]; N may be absent. */
export class Conv2d extends Conv<Pair, readonly [number, number]> implements Fusible {
  constructor(inChannels: number, outChannels: number, kernelSize: Pair, ...rest: ConvArguments<Pair>) {
    super('Conv2d', 2, inChannels, outChannels, kernelSize, rest);
  }

  protected convolve(x: Tensor, padding: readonly [number, number] | 'same' | 'valid'): Tensor {
    const { stride, dilation, groups } = this;
    return conv2d(x, this.weight, this.bias, { stride, padding, dilation, groups });
  }

  /** Takes a BatchNorm2d in evaluation along, a ReLU, or one and then the other. */
  forwardThrough(x: Tensor, modules: readonly Module[], place: number): Passed | null {
    if (!isPlain(this, Conv2d) || this.paddingMode !== 'zeros') return null;
    if (x.ndim !== 4 || x.dtype !== 'float32' || this.weight.dtype !== 'float32') return null;
    const norm = modules[place + 1];
    const affine = isPlain(norm, BatchNorm2d) && norm.numFeatures === this.outChannels ? norm.asAffine() : null;
    const normed = affine === null ? 0 : 1;
    const relu = isPlain(modules[place + 1 + normed], ReLU);
    if (affine === null && !relu) return null;
    const { stride, padding, dilation, groups, bias } = this;
    const y = convFused(x, this.weight, { bias, stride, padding, dilation, groups }, { ...affine, relu });
    affine?.scale.dispose();
    affine?.shift.dispose();
    return { y, taken: normed + Number(relu) };
  }
}

/** Cross-correlation of volumes: [N, inChannels, D, H, W] → [N, outChannels, OD, OH, OW]; N may be absent. */
export class Conv3d extends Conv<Triple, readonly [number, number, number]> {
  constructor(inChannels: number, outChannels: number, kernelSize: Triple, ...rest: ConvArguments<Triple>) {
    super('Conv3d', 3, inChannels, outChannels, kernelSize, rest);
  }

  protected convolve(x: Tensor, padding: readonly [number, number, number] | 'same' | 'valid'): Tensor {
    const { stride, dilation, groups } = this;
    return conv3d(x, this.weight, this.bias, { stride, padding, dilation, groups });
  }
}
