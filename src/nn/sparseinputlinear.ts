import { readArguments } from '../core/arguments.js';
import { checkSize } from '../core/shape.js';
import { add, empty, matmul } from '../ops/index.js';
import { SparseTensor } from '../ops/sparse.js';
import type { Tensor } from '../tensor.js';
import { uniform_ } from './init.js';
import type { LinearOptions } from './linear.js';
import { Module, Parameter } from './module.js';
import { python } from './repr.js';

/**
 * y = x · weight + bias for batches of sparse rows: [N, inFeatures] → [N, outFeatures]. `weight` is [inFeatures, outFeatures],
 * transposed beside that of `Linear`, so that what a row reads lies together. A step under SGD without momentum, Adagrad or
 * SparseAdam costs what the entries of the batch cost, whatever the number of features. Dense batches are taken too.
 *
 * @example
 * const layer = new nn.SparseInputLinear(1_000_000, 2);
 * const x = sparse.csr([0, 2, 3], [5, 999_999, 0], tensor([1, 2, 3]), [2, 1_000_000]);
 * layer.forward(x).shape; // → [2, 2]
 */
export class SparseInputLinear extends Module {
  weight: Parameter;
  bias: Parameter | null;

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    ...rest: readonly [bias?: boolean | LinearOptions]
  ) {
    super();
    checkSize('SparseInputLinear', 'inFeatures', inFeatures);
    checkSize('SparseInputLinear', 'outFeatures', outFeatures);
    const { bias = true } = readArguments<LinearOptions>('SparseInputLinear', rest, ['bias']);
    this.weight = new Parameter(empty([inFeatures, outFeatures]));
    this.bias = bias ? new Parameter(empty([outFeatures])) : null;
    this.resetParameters();
  }

  /** Uniform in ±1 / √inFeatures, as `Linear` begins. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.inFeatures);
    uniform_(this.weight, -bound, bound);
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  forward(x: SparseTensor | Tensor): Tensor {
    const y = x instanceof SparseTensor ? x.matmul(this.weight) : matmul(x, this.weight);
    return this.bias === null ? y : add(y, this.bias);
  }

  protected override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${python(this.bias !== null)}`;
  }
}
