import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { conv2d, empty, type Pair, pair } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { fans, kaimingUniform_, uniform_ } from './init.js';
import { Module, Parameter } from './module.js';
import { python } from './repr.js';

export interface ConvOptions {
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
  /** Input and output channels are cut into this many groups that do not see one another. Default 1. */
  readonly groups?: number;
  /** Whether to add a learned shift. Default true. */
  readonly bias?: boolean;
}

/** What follows the kernel's size, by position or by name. */
export type ConvArguments =
  | readonly [options?: ConvOptions]
  | readonly [
      stride?: Pair,
      padding?: Pair | ConvOptions,
      dilation?: Pair | ConvOptions,
      groups?: number | ConvOptions,
      bias?: boolean | ConvOptions,
    ];

/** Cross-correlation of images: [N, inChannels, H, W] → [N, outChannels, OH, OW]. */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: Pair,
    ...rest: ConvArguments
  ) {
    super();
    const names = ['stride', 'padding', 'dilation', 'groups', 'bias'] as const;
    const given = readArguments<ConvOptions>('Conv2d', rest, names);
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = given;
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      fail(
        'argument',
        `Conv2d: groups must divide both channel counts, got ${groups} for ${inChannels} and ${outChannels}.`,
      );
    }
    this.kernelSize = pair('Conv2d', 'kernelSize', kernelSize, 1);
    this.stride = pair('Conv2d', 'stride', stride, 1);
    this.padding = pair('Conv2d', 'padding', padding, 0);
    this.dilation = pair('Conv2d', 'dilation', dilation, 1);
    this.groups = groups;
    this.weight = new Parameter(empty([outChannels, inChannels / groups, ...this.kernelSize]));
    this.bias = bias ? new Parameter(empty([outChannels])) : null;
    this.resetParameters();
  }

  /** Uniform in ±1 / √(inputs that meet in one output), as PyTorch begins. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    if (this.bias === null) return;
    const bound = 1 / Math.sqrt(fans(this.weight).fanIn);
    uniform_(this.bias, -bound, bound);
  }

  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    return conv2d(x, this.weight, this.bias, { stride, padding, dilation, groups });
  }

  protected override extraRepr(): string {
    const parts = [
      `${this.inChannels}, ${this.outChannels}`,
      `kernel_size=${python(this.kernelSize)}`,
      `stride=${python(this.stride)}`,
    ];
    if (this.padding.some((p) => p !== 0)) parts.push(`padding=${python(this.padding)}`);
    if (this.dilation.some((d) => d !== 1)) parts.push(`dilation=${python(this.dilation)}`);
    if (this.groups !== 1) parts.push(`groups=${this.groups}`);
    if (this.bias === null) parts.push('bias=False');
    return parts.join(', ');
  }
}
