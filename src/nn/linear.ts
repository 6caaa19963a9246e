import { readArguments } from '../core/arguments.js';
import { checkSize } from '../core/shape.js';
import { empty, linear } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { fans, kaimingUniform_, uniform_ } from './init.js';
import { Module, Parameter } from './module.js';
import { python } from './repr.js';

export interface LinearOptions {
  /** Whether to add a learned shift. Default true. */
  readonly bias?: boolean;
}

/** y = x · weightᵀ + bias: [.., inFeatures] → [.., outFeatures]. */
export class Linear extends Module {
  weight: Parameter;
  bias: Parameter | null;

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    ...rest: readonly [bias?: boolean | LinearOptions]
  ) {
    super();
    checkSize('Linear', 'inFeatures', inFeatures);
    checkSize('Linear', 'outFeatures', outFeatures);
    const { bias = true } = readArguments<LinearOptions>('Linear', rest, ['bias']);
    this.weight = new Parameter(empty([outFeatures, inFeatures]));
    this.bias = bias ? new Parameter(empty([outFeatures])) : null;
    this.resetParameters();
  }

  /** Uniform in ±1 / √inFeatures, as PyTorch begins. */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    if (this.bias === null) return;
    const bound = 1 / Math.sqrt(fans(this.weight).fanIn);
    uniform_(this.bias, -bound, bound);
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }

  protected override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${python(this.bias !== null)}`;
  }
}
