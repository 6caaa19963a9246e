import { convolution } from '#binary';
import { record } from '../autograd/index.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add } from './arithmetic.js';
import type { Field } from './convfield.js';
import {
  forwardScratch,
  forwardWork,
  type Geometry,
  gradInputScratch,
  gradWeightScratch,
  gradWeightWork,
} from './convscratch.js';
import { contiguous, narrow, permute, reshape, squeeze, unsqueeze } from './movement.js';
import { dense, empty } from './op.js';
import { pad } from './pad.js';
import { sum } from './reduce.js';
import { overlap, type Slide, slide } from './slide.js';

/**
 * Convolution, as three bilinear maps of which each is made of the others' gradients: forward (x, w → y), backward to the
 * input (dy, w → dx) and backward to the weight (dy, x → dw). So second derivatives need nothing more. Transposed
 * convolution is the second of them. The kernels know images of two directions; lines are images one high, and volumes
 * are images whose channels are all slices that a kernel sees at once.
 */

/** The geometry in the order of the kernels' integer slots. */
function ints(g: Geometry): number[] {
  const { image, out, kernel, stride, padding, dilation } = g;
  const sizes = [g.n, g.c, image[0], image[1], g.oc, out[0], out[1], kernel[0], kernel[1]];
  return [...sizes, stride[0], stride[1], padding[0], padding[1], dilation[0], dilation[1], g.groups];
}

/** Multiply-adds that make a share worth a thread. */
const GRAIN = 1 << 18;

/** The same in items of `work`, which all products of the convolution are shared out among. */
export function convGrain(g: Geometry, work: number): number {
  const products = g.n * g.oc * sizeOf(g.out) * (g.c / g.groups) * sizeOf(g.kernel);
  return Math.max(1, Math.ceil((GRAIN * work) / Math.max(products, 1)));
}

/** x ∗ w (+ bias). All float32. */
function forward(x: Tensor, w: Tensor, bias: Tensor | null, g: Geometry): Tensor {
  const y = empty(x, [g.n, g.oc, ...g.out], 'float32', 'conv2d');
  const { work, least } = forwardWork(g);
  y.storage.device.launch({
    kernel: convolution.kernel('conv2d_f32'),
    work,
    grain: Math.max(least, convGrain(g, work)),
    writes: [y],
    reads: [dense(x), dense(w), bias === null ? null : dense(bias)],
    ints: [...ints(g), 0],
    scratch: forwardScratch(g),
  });
  const inputs = bias === null ? [x, w] : [x, w, bias];
  record('conv2d', inputs, [y], [x, w], ([dy], [p, q], needs) => [
    needs[0] ? toInput(dy as Tensor, q as Tensor, null, g) : null,
    needs[1] ? toWeight(dy as Tensor, p as Tensor, g) : null,
    needs[2] ? sum(dy as Tensor, [0, 2, 3]) : null,
  ]);
  return y;
}

/** The gradient of the input (+ bias); as an op of its own, transposed convolution. */
function toInput(dy: Tensor, w: Tensor, bias: Tensor | null, g: Geometry): Tensor {
  const dx = empty(dy, [g.n, g.c, ...g.image], 'float32', 'conv2dInput');
  dx.storage.device.launch({
    kernel: convolution.kernel('conv2d_grad_input_f32'),
    work: g.n,
    grain: convGrain(g, g.n),
    writes: [dx],
    reads: [dense(dy), dense(w), bias === null ? null : dense(bias)],
    ints: [...ints(g), 0],
    scratch: gradInputScratch(g),
  });
  const inputs = bias === null ? [dy, w] : [dy, w, bias];
  record('conv2dInput', inputs, [dx], [dy, w], ([v], [p, q], needs) => [
    needs[0] ? forward(v as Tensor, q as Tensor, null, g) : null,
    needs[1] ? toWeight(p as Tensor, v as Tensor, g) : null,
    needs[2] ? sum(v as Tensor, [0, 2, 3]) : null,
  ]);
  return dx;
}

/** The gradient of the weight, summed over the batch. */
function toWeight(dy: Tensor, x: Tensor, g: Geometry): Tensor {
  const dw = empty(dy, [g.oc, g.c / g.groups, ...g.kernel], 'float32', 'conv2dWeight');
  const work = gradWeightWork(g);
  dw.storage.device.launch({
    kernel: convolution.kernel('conv2d_grad_weight_f32'),
    work,
    grain: convGrain(g, work),
    writes: [dw],
    reads: [dense(dy), dense(x)],
    ints: ints(g),
    scratch: gradWeightScratch(g),
  });
  record('conv2dWeight', [dy, x], [dw], [dy, x], ([v], [p, q], needs) => [
    needs[0] ? forward(q as Tensor, v as Tensor, null, g) : null,
    needs[1] ? toInput(p as Tensor, v as Tensor, null, g) : null,
  ]);
  return dw;
}

function isPlanar(f: Field): f is Geometry & Field {
  return f.image.length === 2;
}

/** The last two directions of a field; a line gets a first one of size 1. */
function planar(f: Field): Geometry {
  if (isPlanar(f)) return f;
  const two = (sizes: readonly number[], one: number) =>
    [one, ...sizes].slice(-2) as unknown as readonly [number, number];
  return {
    ...f,
    image: two(f.image, 1),
    out: two(f.out, 1),
    kernel: two(f.kernel, 1),
    stride: two(f.stride, 1),
    padding: two(f.padding, 0),
    dilation: two(f.dilation, 1),
  };
}

/** The field of the slices of a volume: every depth of the result is an image, with kernel-depth times the channels. */
function slices(f: Field): { geometry: Geometry; along: Slide; before: number; after: number } {
  const [size, count] = [f.kernel[0] as number, f.out[0] as number];
  const along = { size, step: f.stride[0] as number, dilation: f.dilation[0] as number, count };
  const before = f.padding[0] as number;
  const reached = (count - 1) * along.step + (size - 1) * along.dilation + 1;
  return {
    geometry: { ...planar(f), n: f.n * count, c: f.c * size },
    along,
    before,
    after: Math.max(0, reached - before - (f.image[0] as number)),
  };
}

/** weight [OC, C / groups, KD, KH, KW] of a volume as that of its slices. */
function sliceWeight(w: Tensor): Tensor {
  const [oc, c, depth, ...kernel] = w.shape as [number, number, number, ...number[]];
  return reshape(w, [oc, c * depth, ...kernel]);
}

/** Frees steps on the way to a result; what gradients need of them is held by the graph. */
function drop(...steps: readonly Tensor[]): void {
  for (const step of steps) step.dispose();
}

/** Convolution of volumes: x [N, C, D, H, W] → [N, OC, OD, OH, OW]. */
function volume(x: Tensor, w: Tensor, bias: Tensor | null, f: Field): Tensor {
  const { geometry, along, before, after } = slices(f);
  const padded = before + after > 0 ? pad(x, [0, 0, 0, 0, before, after]) : x;
  // [N, C, OD, H, W, KD] → [N, OD, C, KD, H, W]
  const windows = slide(padded, 2, along);
  const ordered = permute(windows, [0, 2, 1, 5, 3, 4]);
  const columns = reshape(ordered, [geometry.n, geometry.c, ...geometry.image]);
  if (padded !== x) drop(padded);
  drop(windows, ordered);
  const y = forward(columns, sliceWeight(w), bias, geometry);
  drop(columns);
  const depths = permute(reshape(y, [f.n, along.count, f.oc, ...geometry.out]), [0, 2, 1, 3, 4]);
  return contiguous(depths);
}

/** The gradient of a volume, y [N, OC, OD, OH, OW] → [N, C, D, H, W], plus bias [C] where there is one. */
function volumeBack(y: Tensor, w: Tensor, bias: Tensor | null, f: Field): Tensor {
  const { geometry, along, before, after } = slices(f);
  const images = reshape(permute(y, [0, 2, 1, 3, 4]), [geometry.n, f.oc, ...geometry.out]);
  const columns = toInput(images, sliceWeight(w), null, geometry);
  // [N · OD, C · KD, H, W] → [N, C, OD, H · W, KD]
  const plane = sizeOf(geometry.image);
  const windows = permute(reshape(columns, [f.n, along.count, f.c, along.size, plane]), [0, 2, 1, 4, 3]);
  drop(columns);
  const depth = f.image[0] as number;
  const whole = overlap(windows, [f.n, f.c, before + depth + after, plane], 2, along);
  drop(windows);
  const inside = reshape(contiguous(narrow(whole, 2, before, depth)), [f.n, f.c, ...f.image]);
  return bias === null ? inside : add(inside, reshape(bias, [f.c, 1, 1, 1]));
}

/** Convolution in one to three directions: x [N, C, …] → [N, OC, …]. All float32. */
export function convolve(x: Tensor, w: Tensor, bias: Tensor | null, f: Field): Tensor {
  if (f.image.length === 3) return volume(x, w, bias, f);
  if (f.image.length === 2) return forward(x, w, bias, planar(f));
  return squeeze(forward(unsqueeze(x, 2), unsqueeze(w, 2), bias, planar(f)), 2);
}

/** The gradient of its input, plus bias [C] where there is one: y [N, OC, …] → [N, C, …]. */
export function convolveBack(y: Tensor, w: Tensor, bias: Tensor | null, f: Field): Tensor {
  if (f.image.length === 3) return volumeBack(y, w, bias, f);
  if (f.image.length === 2) return toInput(y, w, bias, planar(f));
  return squeeze(toInput(unsqueeze(y, 2), unsqueeze(w, 2), bias, planar(f)), 2);
}
