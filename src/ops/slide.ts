import { convolution } from '#binary';
import { record } from '../autograd/index.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { dense, empty } from './op.js';

/** Windows that slide along one dimension, as a view, and the sum that is its gradient. */

export interface Slide {
  /** Elements in a window. */
  readonly size: number;
  /** From one window to the next. */
  readonly step: number;
  /** From one element of a window to the next. */
  readonly dilation: number;
  /** How many windows there are. */
  readonly count: number;
}

/** A view of [.., n, ..] with `count` windows along d, and their elements in a new last dimension: [.., count, .., size]. */
export function slide(input: Tensor, d: number, s: Slide): Tensor {
  const stride = input.strides[d] ?? 1;
  const shape = [...input.shape, s.size];
  const strides = [...input.strides, stride * s.dilation];
  if (input.ndim > 0) {
    shape[d] = s.count;
    strides[d] = stride * s.step;
  }
  const y = input.strided(shape, strides, input.offset);
  const from = input.shape;
  record('unfold', [input], [y], [], ([g]) => [overlap(g as Tensor, from, d, s)]);
  return y;
}

/** Tensor of `shape` in which the windows along d of `input` [.., count, .., size] are added up. float32. */
export function overlap(input: Tensor, shape: readonly number[], d: number, s: Slide): Tensor {
  const y = empty(input, shape, 'float32', 'unfold');
  const inner = sizeOf(shape.slice(d + 1));
  const outer = sizeOf(shape.slice(0, d));
  const n = shape[d] ?? 1;
  // The kernel wants a window's elements before the windows.
  const order = input.shape.map((_, i) => i);
  order.splice(d, 0, ...order.splice(-1));
  const moved = input.strided(
    order.map((i) => input.shape[i] as number),
    order.map((i) => input.strides[i] as number),
    input.offset,
  );
  const columns = dense(moved);
  y.storage.device.launch({
    kernel: convolution.kernel('fold_f32'),
    work: inner * n === 0 ? 0 : outer,
    grain: Math.max(1, Math.floor(32768 / Math.max(1, inner * n))),
    writes: [y],
    reads: [columns],
    // Windows side by side lie in one line, so that lines are as long as they can be.
    ints:
      inner === 1
        ? [outer, 1, n, 1, s.count, 1, s.size, 1, s.step, 0, 0, 1, s.dilation]
        : [outer, n, inner, s.count, inner, s.size, 1, s.step, 1, 0, 0, s.dilation, 1],
  });
  moved.dispose();
  if (columns !== moved) columns.dispose();
  record('fold', [input], [y], [], ([g]) => [slide(g as Tensor, d, s)]);
  return y;
}
