import { isGradEnabled } from '../../autograd/index.js';
import { scope } from '../../core/scoping.js';
import { type Fusible, isPlain, type Passed } from '../../nn/fusible.js';
import { BatchNorm2d, type Module, ReLU } from '../../nn/index.js';
import { python } from '../../nn/repr.js';
import { add, conv2d, mul, reshape, squeeze, unsqueeze } from '../../ops/index.js';
import { checkTensor } from '../../ops/op.js';
import { sparseConv2d } from '../../ops/sparseconv.js';
import type { Tensor } from '../../tensor.js';
import { SparseLayer, type SparseOptions } from './sparselayer.js';

export interface SparseConvOptions extends SparseOptions {
  readonly stride: readonly [number, number];
  /** Zeros around the image. */
  readonly padding: readonly [number, number] | 'same' | 'valid';
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

/** What follows the sums of a convolution. */
interface Epilogue {
  readonly scale: Tensor | null;
  readonly shift: Tensor | null;
  readonly relu: boolean;
}

/**
 * Cross-correlation of images with sparse filters: [N, inChannels, H, W] → [N, outChannels, OH, OW]; N may be absent. Without
 * gradients each kept weight multiplies the image shifted by its tap. It trains on what is kept, through the filters in full:
 * no faster than a dense convolution.
 */
export class SparseConv2d extends SparseLayer implements Fusible {
  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    readonly kernelSize: readonly [number, number],
    readonly options: SparseConvOptions,
  ) {
    super(outChannels, (inChannels / options.groups) * kernelSize[0] * kernelSize[1], options);
  }

  forward(x: Tensor): Tensor {
    checkTensor('SparseConv2d', x);
    if (x.ndim === 3) return squeeze(this.forward(unsqueeze(x, 0)), 0);
    const { inChannels, outChannels, kernelSize, values, bias } = this;
    const { stride, padding, dilation, groups } = this.options;
    if (isGradEnabled() && [x, values, bias].some((t) => t?.requiresGrad)) {
      const weight = reshape(this.toDense(), [outChannels, inChannels / groups, ...kernelSize]);
      return conv2d(x, weight, bias, { stride, padding, dilation, groups });
    }
    return this.convolve(x, { scale: null, shift: bias, relu: false });
  }

  /** Takes a BatchNorm2d in evaluation along, a ReLU, or one and then the other. */
  forwardThrough(x: Tensor, modules: readonly Module[], place: number): Passed | null {
    if (!isPlain(this, SparseConv2d) || x.ndim !== 4 || x.dtype !== 'float32') return null;
    const norm = modules[place + 1];
    const affine = isPlain(norm, BatchNorm2d) && norm.numFeatures === this.outChannels ? norm.asAffine() : null;
    const normed = affine === null ? 0 : 1;
    const relu = isPlain(modules[place + 1 + normed], ReLU);
    if (affine === null && !relu) return null;
    const { bias } = this;
    const y = scope(() => {
      if (affine === null) return this.convolve(x, { scale: null, shift: bias, relu });
      const { scale, shift } = affine;
      return this.convolve(x, { scale, shift: bias === null ? shift : add(mul(bias, scale), shift), relu });
    });
    affine?.scale.dispose();
    affine?.shift.dispose();
    return { y, taken: normed + Number(relu) };
  }

  private convolve(x: Tensor, epilogue: Epilogue): Tensor {
    const { stride, padding, dilation, groups } = this.options;
    const geometry = { kernel: this.kernelSize, stride, padding, dilation, groups };
    return sparseConv2d(x, this.pattern(), this.flat(), { ...geometry, ...epilogue });
  }

  protected override extraRepr(): string {
    const { stride, padding, dilation, groups } = this.options;
    const sizes = `${this.inChannels}, ${this.outChannels}, kernel_size=${python(this.kernelSize)}`;
    const zeros = typeof padding === 'string' ? padding : python(padding);
    const rest = `stride=${python(stride)}, padding=${zeros}, dilation=${python(dilation)}, groups=${groups}`;
    return `${sizes}, ${rest}, ${this.printed()}`;
  }
}
