import { convolution } from '#binary';
import { isGradEnabled } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { relu as reluOf } from './activation.js';
import { add, mul } from './arithmetic.js';
import { conv2d } from './conv.js';
import { type ConvOptions, convField } from './convfield.js';
import { convGrain } from './convmaps.js';
import { forwardScratch, forwardWork, type Geometry } from './convscratch.js';
import { reshape } from './movement.js';
import { checkDevice, checkTensor, dense, empty } from './op.js';

/** What follows the sums of a convolution, in this order. */
export interface Epilogue {
  /** Multiplies each output channel, its bias included: [OC]. */
  readonly scale?: Tensor | null;
  /** Added to each output channel: [OC]. */
  readonly shift?: Tensor | null;
  /** Whether negative results become 0. Default false. */
  readonly relu?: boolean;
}

const column = (x: Tensor): Tensor => reshape(x, [-1, 1, 1]);

/** The same from ops that can be differentiated. */
function composed(input: Tensor, weight: Tensor, options: ConvOptions, after: Epilogue): Tensor {
  const { scale = null, shift = null, relu = false } = after;
  let y = conv2d(input, weight, options);
  if (scale !== null) y = mul(y, column(scale));
  if (shift !== null) y = add(y, column(shift));
  return relu ? reluOf(y) : y;
}

/**
 * A convolution and what follows it, in one pass over the result: conv2d(input, weight) · scale + shift, then relu.
 * Input [N, C, H, W] and all others are float32. The scale goes into the weights, so that rounding differs from that of the
 * single ops. Where a gradient is wanted, it is those ops.
 */
export function convFused(input: Tensor, weight: Tensor, options: ConvOptions, after: Epilogue): Tensor {
  const name = 'conv2d';
  const { scale = null, shift = null, relu = false } = after;
  const { bias = null } = options;
  const given = [input, weight, bias, scale, shift].filter((t) => t !== null);
  for (const t of given) {
    checkTensor(name, t);
    if (t.dtype !== 'float32') fail('dtype', `${name}: expected float32, got ${t.dtype}.`);
    checkDevice(name, input, t);
  }
  const field = convField(name, 2, input, weight, options);
  const shape = [field.n, field.oc, ...field.out];
  for (const t of [scale, shift]) {
    if (t !== null && !sameShape(t.shape, [field.oc]))
      fail('shape', `${name}: scale and shift must be [${field.oc}], got ${show(t.shape)}.`);
  }
  if (isGradEnabled() && given.some((t) => t.requiresGrad)) return composed(input, weight, options, after);

  const scaled = bias !== null && scale !== null ? mul(bias, scale) : bias;
  const added = scaled !== null && shift !== null ? add(scaled, shift) : (scaled ?? shift);
  const y = empty(input, shape, 'float32', name);
  // A field in two directions is the kernels' geometry.
  const g = field as Geometry;
  const { n, c, image, oc, out, kernel, stride, padding, dilation, groups } = g;
  const { work, least } = forwardWork(g);
  const sizes = [n, c, ...image, oc, ...out, ...kernel, ...stride, ...padding, ...dilation, groups];
  y.storage.device.launch({
    kernel: convolution.kernel('conv2d_fused_f32'),
    work,
    grain: Math.max(least, convGrain(g, work)),
    writes: [y],
    reads: [input, weight, added, scale].map((t) => (t === null ? null : dense(t))),
    ints: [...sizes, relu ? 1 : 0],
    scratch: forwardScratch(g),
  });
  return y;
}
