import { fail, show } from '../../core/errors.js';
import { checkSize, sizeOf } from '../../core/shape.js';
import { type Fusible, isPlain, type Passed } from '../../nn/fusible.js';
import { type Module, ReLU } from '../../nn/index.js';
import { reshape } from '../../ops/index.js';
import { checkTensor } from '../../ops/op.js';
import { checkFloat } from '../../ops/sparseparts.js';
import { multiply } from '../../ops/sparseproduct.js';
import type { Tensor } from '../../tensor.js';
import { SparseLayer, type SparseOptions } from './sparselayer.js';

/**
 * y = x · weightᵀ + bias with sparse weights [outFeatures, inFeatures]: [.., inFeatures] → [.., outFeatures]. It trains: the
 * gradient of the weights is computed where they are kept and nowhere else.
 */
export class SparseLinear extends SparseLayer implements Fusible {
  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    options: SparseOptions,
  ) {
    checkSize('SparseLinear', 'inFeatures', inFeatures);
    checkSize('SparseLinear', 'outFeatures', outFeatures);
    super(outFeatures, inFeatures, options);
  }

  forward(x: Tensor): Tensor {
    return this.product(x, false);
  }

  /** Takes a ReLU along. */
  forwardThrough(x: Tensor, modules: readonly Module[], place: number): Passed | null {
    if (!isPlain(this, SparseLinear) || !isPlain(modules[place + 1], ReLU)) return null;
    return { y: this.product(x, true), taken: 1 };
  }

  private product(x: Tensor, relu: boolean): Tensor {
    const { inFeatures, outFeatures, bias } = this;
    checkTensor('SparseLinear', x);
    if (x.ndim === 0 || x.shape[x.ndim - 1] !== inFeatures) {
      fail('shape', `SparseLinear: the last size of input must be ${inFeatures}, got ${show(x.shape)}.`);
    }
    const lead = x.shape.slice(0, -1);
    const rows = reshape(checkFloat(x), [sizeOf(lead), inFeatures]);
    const y = multiply(this.pattern(x.requiresGrad), this.flat(), rows, true, { bias, relu });
    return reshape(y, [...lead, outFeatures]);
  }

  protected override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, ${this.printed()}`;
  }
}
