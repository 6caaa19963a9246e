import { readArguments } from '../core/arguments.js';
import { checkSize } from '../core/shape.js';
import { empty, linear } from '../ops/index.js';
import { linearRelu } from '../ops/matmul.js';
import type { Tensor } from '../tensor.js';
import { type Fusible, isPlain, type Passed } from './fusible.js';
import { fans, kaimingUniform_, uniform_ } from './init.js';
import { Module, Parameter } from './module.js';
import { python } from './repr.js';
import { ReLU } from './simple.js';

export interface LinearOptions {
  /** Whether to add a learned shift. Default true. */
  readonly bias?: boolean;
}

/** y = x · weightᵀ + bias: [.., inFeatures] → [.., outFeatures]. */
export class Linear extends Module implements Fusible {
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

  /** Takes a ReLU along. */
  forwardThrough(x: Tensor, modules: readonly Module[], place: number): Passed | null {
    if (!isPlain(this, Linear) || !isPlain(modules[place + 1], ReLU)) return null;
    return { y: linearRelu(x, this.weight, this.bias), taken: 1 };
  }

  protected override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${python(this.bias !== null)}`;
  }
}
