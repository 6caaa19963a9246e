import { record } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import { broadcastStrides, type Shape, sameShape, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { checkTensor, dense, empty, op, SUM_SCRATCH, suffix } from './op.js';
import { at, build, spread } from './sheet.js';

/** Repeating along dimensions and summing over them: each is the other's gradient, so they share a file. */

/** The shape `expand` is asked for, with −1 (leave this size) filled in. */
function expandedShape(shape: Shape, sizes: readonly number[]): number[] {
  const lead = sizes.length - shape.length;
  const target = sizes.map((size, i) => (size === -1 && i >= lead ? (shape[i - lead] as number) : size));
  const fits =
    lead >= 0 && shape.every((size, i) => size === 1 || size === target[lead + i]) && target.every((s) => s >= 0);
  if (!fits) {
    fail(
      'shape',
      `expand: ${show(shape)} cannot be repeated to ${show(sizes)}; only sizes of 1 and new leading dimensions can.`,
    );
  }
  return target;
}

/** Repeats dimensions of size 1 without copying: a view whose stride there is 0. −1 leaves a size as it is. */
export const expand = op(
  (input: Tensor, ...sizes: number[] | [readonly number[]]): Tensor => {
    checkTensor('expand', input);
    const wanted = (Array.isArray(sizes[0]) ? sizes[0] : sizes) as readonly number[];
    const shape = expandedShape(input.shape, wanted);
    const y = input.strided(shape, broadcastStrides(input.shape, input.strides, shape), input.offset);
    const from = input.shape;
    record('expand', [input], [y], [], ([g]) => [sumTo(g as Tensor, from)]);
    return y;
  },
  {
    name: 'expand',
    family: 'movement',
    doc: 'A view of `input` with dimensions of size 1 repeated to `sizes`; −1 keeps a size.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [sizes]) => {
      const target = expandedShape((x as { shape: Shape }).shape, sizes as number[]);
      return build(target, (i) => at(x as never, i));
    },
    samples: () => [
      { inputs: [spread([3, 1])], args: [[3, 4]] },
      { inputs: [spread([1, 3])], args: [[2, 5, 3]] },
      { inputs: [spread([2, 1, 3])], args: [[-1, 4, -1]] },
      { inputs: [spread([])], args: [[2, 2]] },
    ],
  },
);

/** Sums over the dimensions that broadcasting to `input`'s shape would repeat, giving `shape`. */
export function sumTo(input: Tensor, shape: Shape): Tensor {
  if (sameShape(input.shape, shape)) return input;
  const lead = input.ndim - shape.length;
  const reduced = input.shape.map((size, i) => i < lead || (shape[i - lead] === 1 && size !== 1));
  let x = dense(input);
  let sizes = [...input.shape];
  // Runs of summed dimensions are one kernel each: outer × run × inner.
  for (let d = 0; d < reduced.length; ) {
    if (!reduced[d]) {
      d++;
      continue;
    }
    let end = d;
    while (end < reduced.length && reduced[end]) end++;
    const outer = sizeOf(sizes.slice(0, d));
    const run = sizeOf(sizes.slice(d, end));
    const inner = sizeOf(sizes.slice(end));
    sizes = sizes.map((size, i) => (i >= d && i < end ? 1 : size));
    const y = empty(input, sizes, input.dtype, 'sum');
    y.storage.device.launch({
      kernel: `sum_${suffix(input.dtype)}`,
      work: outer * inner,
      grain: 4096,
      writes: [y],
      reads: [x],
      ...(input.dtype === 'float32' ? { floats: [1] } : {}),
      ints: [outer, run, inner],
      scratch: SUM_SCRATCH,
    });
    x = y;
    d = end;
  }
  const y = x.strided(shape, broadcastStrides(shape, x.strides.slice(lead), shape), x.offset);
  const from = input.shape;
  record('sumTo', [input], [y], [], ([g]) => [expand(g as Tensor, from)]);
  return y;
}
