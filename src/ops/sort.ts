import { indexing } from '#binary';
import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { normalizeDim, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { gather } from './indexing.js';
import { checkTensor, convert, dense, empty, suffix } from './op.js';
import { type ValuesAndIndices, valuesAndIndices } from './reduce.js';

/**
 * Sorting. A kernel finds the order of a dimension; the values are then gathered by the found indices, which is also where
 * their gradients flow. NaN is larger than every number, and equal values keep their order.
 */

/** For each line along d, the places of its first `count` elements in order: shape of input with `count` at d. */
export function orderOf(input: Tensor, d: number, count: number, descending: boolean, label: string): Tensor<'int32'> {
  const x = dense(convert(input, traits[input.dtype].isFloat ? 'float32' : 'int32'));
  const n = input.shape[d] ?? 1;
  const inner = sizeOf(input.shape.slice(d + 1));
  const outer = sizeOf(input.shape.slice(0, d));
  const y = empty(
    x,
    input.shape.map((size, i) => (i === d ? count : size)),
    'int32',
    label,
  );
  y.storage.device.launch({
    kernel: indexing.kernel(`order_${suffix(x.dtype)}`),
    work: count === 0 ? 0 : outer * inner,
    grain: Math.max(1, Math.floor(2048 / Math.max(n, 1))),
    writes: [y],
    reads: [x],
    ints: [outer, n, inner, count, Number(descending)],
    scratch: 16 * n,
  });
  return y;
}

export interface SortOptions {
  /** Default −1. */
  readonly dim?: number;
  /** Largest first. Default false. */
  readonly descending?: boolean;
  /** Accepted for PyTorch's sake: equal values always keep their order. */
  readonly stable?: boolean;
}

/** `sort()`, `sort(1)`, `sort(1, true)`, `sort(1, { descending: true })` and `sort({ dim: 1 })` are all understood. */
export type SortArguments = (number | boolean | SortOptions | undefined)[];

function parseSort(name: string, input: Tensor, rest: SortArguments): { d: number; descending: boolean } {
  checkTensor(name, input);
  const { dim = -1, descending = false } = readArguments<SortOptions>(name, rest, ['dim', 'descending', 'stable']);
  return { d: normalizeDim(name, dim, input.ndim), descending };
}

/** The elements along `dim` in order, and where they come from: `{ values, indices }`. NaN counts as the largest. */
export function sort(input: Tensor, ...rest: SortArguments): ValuesAndIndices {
  const { d, descending } = parseSort('sort', input, rest);
  const indices = orderOf(input, d, input.shape[d] ?? 1, descending, 'sort');
  return valuesAndIndices(gather(input, d, indices), indices);
}

/** The indices that put `input` in order along `dim`; int32. */
export function argsort(input: Tensor, ...rest: SortArguments): Tensor<'int32'> {
  const { d, descending } = parseSort('argsort', input, rest);
  return orderOf(input, d, input.shape[d] ?? 1, descending, 'argsort');
}

/** The elements in ascending order along the first dimension. */
export function msort(input: Tensor): Tensor {
  return sort(input, 0).values;
}

export interface TopkOptions {
  /** Default −1. */
  readonly dim?: number;
  /** The largest, else the smallest. Default true. */
  readonly largest?: boolean;
  /** Accepted for PyTorch's sake: the result is always in order. */
  readonly sorted?: boolean;
}

/** The `k` largest (or smallest) elements along `dim`, in order, and where they are: `{ values, indices }`. */
export const topk = /* @__PURE__ */ leading(
  'topk',
  ['k'],
  (input: Tensor, k: number, ...rest: (number | boolean | TopkOptions | undefined)[]): ValuesAndIndices => {
    checkTensor('topk', input);
    const { dim = -1, largest = true } = readArguments<TopkOptions>('topk', rest, ['dim', 'largest', 'sorted']);
    const d = normalizeDim('topk', dim, input.ndim);
    const size = input.shape[d] ?? 1;
    if (!Number.isInteger(k) || k < 0 || k > size) {
      fail('argument', `topk: k must be a whole number in [0, ${size}], the size of dim ${d}, got ${k}.`);
    }
    const indices = orderOf(input, d, k, largest, 'topk');
    return valuesAndIndices(gather(input, d, indices), indices);
  },
);
