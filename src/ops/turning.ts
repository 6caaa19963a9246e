import { fail, show } from '../core/errors.js';
import { keywords, type Whole } from '../core/keywords.js';
import { broadcastShapes as joint, normalizeDim, type Shape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { expand, sumTo } from './broadcast.js';
import { cast, flip, reshape, transpose, view } from './movement.js';
import { checkTensor } from './op.js';
import { movedim } from './rearrange.js';
import { listOf, type Tensors } from './stacking.js';

/** Turning and broadcasting, and the other names that PyTorch has for it. */

/** transpose() under its other names. */
export const swapaxes = /* @__PURE__ */ keywords(
  'swapaxes',
  ['axis0', 'axis1'],
  (input: Tensor, axis0: number, axis1: number): Tensor => transpose(input, axis0, axis1),
);
export const swapdims = transpose;

/** movedim() under its other name. */
export const moveaxis = movedim;

/** The elements in one dimension: a view where strides allow it. */
export function ravel(input: Tensor): Tensor {
  return reshape(input, [-1]);
}

/** The transpose of the last two dimensions: a view. */
export function adjoint(input: Tensor): Tensor {
  checkTensor('adjoint', input);
  if (input.ndim < 2) fail('shape', `adjoint: expected at least 2 dimensions, got ${show(input.shape)}.`);
  return transpose(input, -2, -1);
}

/** `input` turned `k` times by 90° in the plane of two dimensions, from the first towards the second. */
export const rot90 = /* @__PURE__ */ keywords(
  'rot90',
  ['k', 'dims'],
  (input: Tensor, k: Whole = 1, dims: readonly number[] = [0, 1]): Tensor => {
    checkTensor('rot90', input);
    if (!Number.isInteger(k)) fail('argument', `rot90: k must be a whole number, got ${k}.`);
    if (dims.length !== 2 || input.ndim < 2) {
      fail('argument', `rot90: expected two dimensions to turn in, got ${show(dims)} for ${show(input.shape)}.`);
    }
    const [a, b] = dims.map((d) => normalizeDim('rot90', d, input.ndim)) as [number, number];
    if (a === b) fail('argument', `rot90: dims must differ, got ${show(dims)}.`);
    const turns = ((k % 4) + 4) % 4;
    if (turns === 0) return flip(input, []);
    if (turns === 1) return transpose(flip(input, [b]), a, b);
    if (turns === 2) return flip(input, [a, b]);
    return transpose(flip(input, [a]), a, b);
  },
);

/** A copy with the order of columns reversed. */
export function fliplr(input: Tensor): Tensor {
  checkTensor('fliplr', input);
  if (input.ndim < 2) fail('shape', `fliplr: expected at least 2 dimensions, got ${show(input.shape)}.`);
  return flip(input, [1]);
}

/** A copy with the order of rows reversed. */
export function flipud(input: Tensor): Tensor {
  checkTensor('flipud', input);
  if (input.ndim < 1) fail('shape', `flipud: expected at least 1 dimension, got ${show(input.shape)}.`);
  return flip(input, [0]);
}

/** expand() to a shape: a view. */
export const broadcastTo = /* @__PURE__ */ keywords(
  'broadcastTo',
  ['size'],
  (input: Tensor, size: readonly number[]): Tensor => {
    return expand(input, size);
  },
);

/** The shape that shapes broadcast to. */
export function broadcastShapes(...shapes: readonly (Shape | number)[]): number[] {
  const all = shapes.map((shape) => (typeof shape === 'number' ? [shape] : shape));
  return [...all.reduce<Shape>((shape, other) => joint('broadcastShapes', shape, other), [])];
}

/** Views of tensors in the shape that they broadcast to. */
export function broadcastTensors(...tensors: Tensors): Tensor[] {
  const list = listOf('broadcastTensors', tensors);
  const shape = broadcastShapes(...list.map((x) => x.shape));
  return list.map((x) => expand(x, shape));
}

/** expand() to the shape of `other`. */
export const expandAs = /* @__PURE__ */ keywords('expandAs', ['other'], (input: Tensor, other: Tensor): Tensor => {
  checkTensor('expandAs', other, 'other');
  return expand(input, other.shape);
});

/** view() with the shape of `other`. */
export const viewAs = /* @__PURE__ */ keywords('viewAs', ['other'], (input: Tensor, other: Tensor): Tensor => {
  checkTensor('viewAs', other, 'other');
  return view(input, other.shape);
});

/** reshape() to the shape of `other`. */
export const reshapeAs = /* @__PURE__ */ keywords('reshapeAs', ['other'], (input: Tensor, other: Tensor): Tensor => {
  checkTensor('reshapeAs', other, 'other');
  return reshape(input, other.shape);
});

/** `input` in the dtype of `other`. */
export const typeAs = /* @__PURE__ */ keywords('typeAs', ['other'], (input: Tensor, other: Tensor): Tensor => {
  checkTensor('typeAs', other, 'other');
  return cast(input, other.dtype);
});

/** The sum over what broadcasting `size` to input's shape would repeat. */
export function sumToSize(input: Tensor, ...size: number[] | [readonly number[]]): Tensor {
  checkTensor('sumToSize', input);
  const shape = (Array.isArray(size[0]) ? size[0] : size) as readonly number[];
  const lead = input.ndim - shape.length;
  if (lead < 0 || shape.some((s, i) => s !== 1 && s !== input.shape[lead + i])) {
    fail('shape', `sumToSize: ${show(shape)} does not broadcast to ${show(input.shape)}.`);
  }
  return sumTo(input, shape);
}
