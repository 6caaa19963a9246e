import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import {
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type Pair,
  type Single,
  type Triple,
} from '../ops/index.js';
import { type Extent, extents, type Rank } from '../ops/window.js';
import type { Tensor } from '../tensor.js';
import { Convolution } from './conv.js';

/** Layers of transposed convolution, which make small images larger. */

export interface ConvTransposeOptions<S extends Extent = Pair> {
  /** Step of the kernel over the result. Default 1. */
  readonly stride?: S;
  /** How much of the result's edge is left out. Default 0. */
  readonly padding?: S;
  /** Size added to the end of the result. Default 0. */
  readonly outputPadding?: S;
  /** Input and output channels are cut into this many groups that do not see one another. Default 1. */
  readonly groups?: number;
  /** Whether to add a learned shift. Default true. */
  readonly bias?: boolean;
  /** Distance of neighbouring taps. Default 1. */
  readonly dilation?: S;
  /** What the padding holds: zeros, as nothing else has a meaning here. */
  readonly paddingMode?: 'zeros';
}

/** What follows the kernel's size, by position or by name. */
export type ConvTransposeArguments<S extends Extent = Pair> =
  | readonly [options?: ConvTransposeOptions<S>]
  | readonly [
      stride?: S,
      padding?: S | ConvTransposeOptions<S>,
      outputPadding?: S | ConvTransposeOptions<S>,
      groups?: number | ConvTransposeOptions<S>,
      bias?: boolean | ConvTransposeOptions<S>,
      dilation?: S | ConvTransposeOptions<S>,
      paddingMode?: 'zeros' | ConvTransposeOptions<S>,
      options?: ConvTransposeOptions<S>,
    ];

export interface OutputSizeOptions {
  /** The result's size, where several lead to one input. */
  readonly outputSize?: readonly number[] | null;
}

/** What follows the inputs of a layer that may be told the size of its result, by position or by name. */
export type OutputSizeArguments = readonly [outputSize?: readonly number[] | null | OutputSizeOptions];

abstract class ConvTranspose<S extends Extent, T extends readonly number[]> extends Convolution<T> {
  readonly padding: T;
  readonly outputPadding: T;

  constructor(
    name: string,
    rank: Rank,
    inChannels: number,
    outChannels: number,
    kernelSize: S,
    rest: ConvTransposeArguments<S>,
  ) {
    const names = ['stride', 'padding', 'outputPadding', 'groups', 'bias', 'dilation', 'paddingMode'] as const;
    const options = readArguments<ConvTransposeOptions<Extent>>(name, rest, names);
    const { padding = 0, outputPadding = 0, paddingMode = 'zeros' } = options;
    if (paddingMode !== 'zeros') {
      fail('argument', `${name}: paddingMode can only be 'zeros', got '${String(paddingMode)}'.`);
    }
    const [cut, more] = [
      extents(name, 'padding', padding, rank, 0),
      extents(name, 'outputPadding', outputPadding, rank, 0),
    ];
    super(name, rank, { ...options, inChannels, outChannels, kernelSize }, true);
    this.padding = cut as unknown as T;
    this.outputPadding = more as unknown as T;
  }

  protected abstract transposed(x: Tensor, outputPadding: T): Tensor;

  /** `outputSize` is the result's size, with or without N and channels; it takes the place of `outputPadding`. */
  forward(x: Tensor, ...rest: OutputSizeArguments): Tensor {
    const { outputSize = null } = readArguments<OutputSizeOptions>(this.constructor.name, rest, ['outputSize']);
    if (outputSize === null) return this.transposed(x, this.outputPadding);
    return this.transposed(x, this.paddingFor(x, outputSize));
  }

  /** The outputPadding with which the result has the size `outputSize`. */
  private paddingFor(x: Tensor, outputSize: readonly number[]): T {
    const { rank, stride, padding, dilation, kernelSize } = this;
    const name = this.constructor.name;
    const lead = x.ndim - rank;
    const sizes = outputSize.length === x.ndim ? outputSize.slice(lead) : outputSize;
    const least = x.shape
      .slice(lead)
      .map(
        (s, i) =>
          (s - 1) * (stride[i] as number) -
          2 * (padding[i] as number) +
          (dilation[i] as number) * ((kernelSize[i] as number) - 1) +
          1,
      );
    const isNear = (s: number, i: number): boolean =>
      Number.isInteger(s) && s >= (least[i] as number) && s < (least[i] as number) + (stride[i] as number);
    if (sizes.length !== rank || !sizes.every(isNear)) {
      const most = least.map((s, i) => s + (stride[i] as number) - 1);
      fail(
        'argument',
        `${name}: outputSize must lie between ${show(least)} and ${show(most)} for ${show(x.shape)}, got ` +
          `${show(outputSize)}.`,
      );
    }
    return sizes.map((s, i) => s - (least[i] as number)) as unknown as T;
  }

  protected override extraRepr(): string {
    return this.print(this.padding, this.outputPadding, 'zeros');
  }
}

/** Transposed convolution of lines: [N, inChannels, L] → [N, outChannels, OL]; N may be absent. */
export class ConvTranspose1d extends ConvTranspose<Single, readonly [number]> {
  constructor(inChannels: number, outChannels: number, kernelSize: Single, ...rest: ConvTransposeArguments<Single>) {
    super('ConvTranspose1d', 1, inChannels, outChannels, kernelSize, rest);
  }

  protected transposed(x: Tensor, outputPadding: readonly [number]): Tensor {
    const { stride, padding, groups, dilation } = this;
    const options = { stride, padding, outputPadding, groups, dilation };
    return convTranspose1d(x, this.weight, this.bias, options);
  }
}

/** Transposed convolution of images: [N, inChannels, H, W] → [N, outChannels, OH, OW]; N may be absent. */
export class ConvTranspose2d extends ConvTranspose<Pair, readonly [number, number]> {
  constructor(inChannels: number, outChannels: number, kernelSize: Pair, ...rest: ConvTransposeArguments<Pair>) {
    super('ConvTranspose2d', 2, inChannels, outChannels, kernelSize, rest);
  }

  protected transposed(x: Tensor, outputPadding: readonly [number, number]): Tensor {
    const { stride, padding, groups, dilation } = this;
    const options = { stride, padding, outputPadding, groups, dilation };
    return convTranspose2d(x, this.weight, this.bias, options);
  }
}

/** Transposed convolution of volumes: [N, inChannels, D, H, W] → [N, outChannels, OD, OH, OW]; N may be absent. */
export class ConvTranspose3d extends ConvTranspose<Triple, readonly [number, number, number]> {
  constructor(inChannels: number, outChannels: number, kernelSize: Triple, ...rest: ConvTransposeArguments<Triple>) {
    super('ConvTranspose3d', 3, inChannels, outChannels, kernelSize, rest);
  }

  protected transposed(x: Tensor, outputPadding: readonly [number, number, number]): Tensor {
    const { stride, padding, groups, dilation } = this;
    const options = { stride, padding, outputPadding, groups, dilation };
    return convTranspose3d(x, this.weight, this.bias, options);
  }
}
