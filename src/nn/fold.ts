import * as ops from '../ops/index.js';
import { readUnfold, type UnfoldArguments } from '../ops/unfold.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { python } from './repr.js';

/** Images as columns of their windows, and back. */

function describe({ dilation = 1, padding = 0, stride = 1 }: ops.UnfoldOptions): string {
  return `dilation=${python(dilation)}, padding=${python(padding)}, stride=${python(stride)}`;
}

/** The windows of images as columns: [N, C, H, W] → [N, C · KH · KW, L]. */
export class Unfold extends Module {
  readonly options: ops.UnfoldOptions;

  constructor(
    readonly kernelSize: ops.Pair,
    ...rest: UnfoldArguments
  ) {
    super();
    this.options = readUnfold('Unfold', rest);
  }

  forward(x: Tensor): Tensor {
    return ops.unfold(x, this.kernelSize, this.options);
  }

  protected override extraRepr(): string {
    return `kernel_size=${python(this.kernelSize)}, ${describe(this.options)}`;
  }
}

/** Columns of windows added up to images: [N, C · KH · KW, L] → [N, C, …outputSize]. */
export class Fold extends Module {
  readonly options: ops.UnfoldOptions;

  constructor(
    readonly outputSize: ops.Pair,
    readonly kernelSize: ops.Pair,
    ...rest: UnfoldArguments
  ) {
    super();
    this.options = readUnfold('Fold', rest);
  }

  forward(x: Tensor): Tensor {
    return ops.fold(x, this.outputSize, this.kernelSize, this.options);
  }

  protected override extraRepr(): string {
    const [image, size] = [this.outputSize, this.kernelSize].map(python);
    return `output_size=${image}, kernel_size=${size}, ${describe(this.options)}`;
  }
}
