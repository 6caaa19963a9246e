import { readArguments } from '../core/arguments.js';
import type { NamedArguments } from '../core/named.js';
import { checkSize } from '../core/shape.js';
import { bilinear, empty } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { uniform_ } from './init.js';
import type { LinearOptions } from './linear.js';
import { Module, Parameter } from './module.js';
import { python } from './repr.js';

/** y[o] = x1 · weight[o] · x2ᵀ + bias[o]: [.., in1Features] and [.., in2Features] → [.., outFeatures]. */
export class Bilinear extends Module {
  weight: Parameter;
  bias: Parameter | null;

  constructor(
    readonly in1Features: number,
    readonly in2Features: number,
    readonly outFeatures: number,
    ...rest: NamedArguments<LinearOptions, readonly ['bias']>
  ) {
    super();
    checkSize('Bilinear', 'in1Features', in1Features);
    checkSize('Bilinear', 'in2Features', in2Features);
    checkSize('Bilinear', 'outFeatures', outFeatures);
    const { bias = true } = readArguments<LinearOptions>('Bilinear', rest, ['bias']);
    this.weight = new Parameter(empty([outFeatures, in1Features, in2Features]));
    this.bias = bias ? new Parameter(empty([outFeatures])) : null;
    this.resetParameters();
  }

  /** Uniform in ±1 / √in1Features, as PyTorch begins. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features);
    uniform_(this.weight, -bound, bound);
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return bilinear(x1, x2, this.weight, this.bias);
  }

  protected override extraRepr(): string {
    const { in1Features, in2Features, outFeatures, bias } = this;
    return `in1_features=${in1Features}, in2_features=${in2Features}, out_features=${outFeatures}, bias=${python(bias !== null)}`;
  }
}
