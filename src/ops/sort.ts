import { noGrad, record } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import { normalizeDim, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { div, mul } from './arithmetic.js';
import { eq, isnan, logicalAnd, logicalOr } from './compare.js';
import { parseReduce, type ReduceOptions } from './fold.js';
import { gather, indexSelect } from './indexing.js';
import { indicesLike } from './masked.js';
import { cast, clone, detach, reshape, select, transpose } from './movement.js';
import { checkTensor, scalarLike } from './op.js';
import { sum, type ValuesAndIndices, valuesAndIndices } from './reduce.js';

/**
 * Ops that need an order. The order of a dimension is found on the host, from the values as they are read back; the values
 * themselves are then gathered by the found indices on the device, which is also where their gradients flow. NaN is larger
 * than every number, and equal values keep their order.
 */

/** Values in ascending order with NaN last: the comparison of two, by their places. */
function ascending(values: ArrayLike<number>) {
  return (i: number, j: number): number => {
    const [a, b] = [values[i] as number, values[j] as number];
    if (a < b) return -1;
    if (a > b) return 1;
    return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  };
}

/** For each line along d, the places of its first `count` elements in order: shape of input with `count` at d. */
function orderOf(input: Tensor, d: number, count: number, descending: boolean, label: string): Tensor<'int32'> {
  const values = input.dataSync();
  const n = input.shape[d] ?? 1;
  const inner = sizeOf(input.shape.slice(d + 1));
  const outer = sizeOf(input.shape.slice(0, d));
  const shape = input.shape.map((size, i) => (i === d ? count : size));
  const out = new Int32Array(outer * count * inner);
  const line = new Float64Array(n);
  const upwards = ascending(line);
  const compare = descending ? (i: number, j: number): number => upwards(j, i) : upwards;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < inner; c++) {
      for (let i = 0; i < n; i++) line[i] = values[(o * n + i) * inner + c] as number;
      // The sort of typed arrays is stable.
      const places = Int32Array.from({ length: n }, (_, i) => i).sort(compare);
      for (let i = 0; i < count; i++) out[(o * count + i) * inner + c] = places[i] as number;
    }
  }
  return indicesLike(input, out, shape, label);
}

export interface SortOptions {
  /** Default −1. */
  readonly dim?: number;
  /** Largest first. Default false. */
  readonly descending?: boolean;
  /** Accepted for PyTorch's sake: equal values always keep their order. */
  readonly stable?: boolean;
}

function parseSort(dim: number | SortOptions, descending: boolean | SortOptions): Required<SortOptions> {
  const options = { ...(typeof descending === 'object' ? descending : {}), ...(typeof dim === 'object' ? dim : {}) };
  return {
    dim: typeof dim === 'number' ? dim : (options.dim ?? -1),
    descending: typeof descending === 'boolean' ? descending : (options.descending ?? false),
    stable: true,
  };
}

/** The elements along `dim` in order, and where they come from: `{ values, indices }`. NaN counts as the largest. */
export function sort(
  input: Tensor,
  dim: number | SortOptions = {},
  descending: boolean | SortOptions = {},
): ValuesAndIndices {
  checkTensor('sort', input);
  const given = parseSort(dim, descending);
  const d = normalizeDim('sort', given.dim, input.ndim);
  const indices = orderOf(input, d, input.shape[d] ?? 1, given.descending, 'sort');
  return valuesAndIndices(gather(input, d, indices), indices);
}

/** The indices that put `input` in order along `dim`; int32. */
export function argsort(
  input: Tensor,
  dim: number | SortOptions = {},
  descending: boolean | SortOptions = {},
): Tensor<'int32'> {
  checkTensor('argsort', input);
  const given = parseSort(dim, descending);
  const d = normalizeDim('argsort', given.dim, input.ndim);
  return orderOf(input, d, input.shape[d] ?? 1, given.descending, 'argsort');
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
export function topk(input: Tensor, k: number, dim: number | TopkOptions = {}, largest?: boolean): ValuesAndIndices {
  checkTensor('topk', input);
  const options: TopkOptions = typeof dim === 'object' ? dim : { dim };
  const d = normalizeDim('topk', options.dim ?? -1, input.ndim);
  const size = input.shape[d] ?? 1;
  if (!Number.isInteger(k) || k < 0 || k > size) {
    fail('argument', `topk: k must be a whole number in [0, ${size}], the size of dim ${d}, got ${k}.`);
  }
  const indices = orderOf(input, d, k, largest ?? options.largest ?? true, 'topk');
  return valuesAndIndices(gather(input, d, indices), indices);
}

/**
 * The median of all elements, the lower of two; with `dim`, `{ values, indices }` along it. NaN where there is one. Without
 * `dim` equal elements share the gradient, with it one of them has it.
 */
export function median(input: Tensor): Tensor;
export function median(input: Tensor, dim: number | ReduceOptions, keepdim?: boolean): ValuesAndIndices;
export function median(input: Tensor, dim?: number | ReduceOptions, keepdim?: boolean): Tensor | ValuesAndIndices {
  checkTensor('median', input);
  if (dim === undefined) return medianOfAll(input);
  const given = parseReduce([dim, keepdim]);
  const d = normalizeDim('median', given.dim as number, input.ndim);
  const size = input.shape[d] ?? 1;
  if (size === 0)
    fail('shape', `median: dim ${d} of ${show(input.shape)} is empty, and there is no median of nothing.`);
  const order = orderOf(input, d, size, false, 'median');
  const data = order.dataSync();
  const values = input.dataSync();
  const inner = sizeOf(input.shape.slice(d + 1));
  const shape = input.shape.map((s, i) => (i === d ? 1 : s));
  const middle = Int32Array.from({ length: sizeOf(shape) }, (_, lane) => {
    const base = Math.floor(lane / inner) * size * inner + (lane % inner);
    const ranked = (rank: number): number => data[base + rank * inner] as number;
    const valueAt = (rank: number): number => values[base + ranked(rank) * inner] as number;
    if (!Number.isNaN(valueAt(size - 1))) return ranked((size - 1) >> 1);
    // NaN stand at the end in their order; the first of them counts.
    let first = size - 1;
    while (first > 0 && Number.isNaN(valueAt(first - 1))) first--;
    return ranked(first);
  });
  const kept = indicesLike(input, middle, shape, 'median');
  const picked = gather(input, d, kept);
  if (given.keepdim || input.ndim === 0) return valuesAndIndices(picked, kept);
  return valuesAndIndices(select(picked, d, 0), select(kept, d, 0) as Tensor<'int32'>);
}

function medianOfAll(input: Tensor): Tensor {
  if (input.numel === 0) return scalarLike(input, NaN, input.dtype);
  const values = input.dataSync();
  const places = Int32Array.from({ length: values.length }, (_, i) => i).sort(ascending(values));
  const last = places[places.length - 1] as number;
  const place = Number.isNaN(values[last]) ? last : (places[(places.length - 1) >> 1] as number);
  const y = noGrad(() => clone(select(reshape(input, [-1]), 0, place)));
  record('median', [input], [y], [input, y], ([g], [x, m]) => {
    const [held, best] = [x as Tensor, m as Tensor];
    const share = cast(logicalOr(eq(held, best), logicalAnd(isnan(held), isnan(best))), 'float32');
    return [mul(share, div(g as Tensor, sum(share)))];
  });
  return y;
}

export interface UniqueOptions {
  /** Accepted for PyTorch's sake: the result is always in order. */
  readonly sorted?: boolean;
  /** Also give the place of each element of the input in the result. Default false. */
  readonly returnInverse?: boolean;
  /** Also give how often each comes. Default false. */
  readonly returnCounts?: boolean;
  /** Compare the slices along this dimension. Default: the elements. */
  readonly dim?: number | null;
}

/**
 * The different elements of `input`, ascending; with `dim`, its different slices in lexicographic order. With
 * `returnInverse` or `returnCounts` an array: the values, then the indices and counts asked for. No NaN equals another.
 */
export function unique(
  input: Tensor,
  options: UniqueOptions & ({ readonly returnInverse: true } | { readonly returnCounts: true }),
): Tensor[];
export function unique(input: Tensor, options?: { readonly sorted?: boolean; readonly dim?: number | null }): Tensor;
export function unique(
  input: Tensor,
  { returnInverse = false, returnCounts = false, dim = null }: UniqueOptions = {},
): Tensor | Tensor[] {
  checkTensor('unique', input);
  const d = dim === null ? 0 : normalizeDim('unique', dim, input.ndim);
  const x = detach(dim === null || input.ndim === 0 ? reshape(input, [-1]) : input);
  const count = x.shape[d] as number;
  // A row for each slice, read once: rows are what is compared.
  const rows = reshape(transpose(x, 0, d), [count, x.numel === 0 ? 0 : x.numel / count]).dataSync();
  const width = count === 0 ? 0 : rows.length / count;
  const upwards = ascending(rows);
  const compare = (i: number, j: number): number => {
    for (let k = 0; k < width; k++) {
      const order = upwards(i * width + k, j * width + k);
      if (order !== 0) return order;
    }
    return 0;
  };
  const equal = (i: number, j: number): boolean => {
    for (let k = 0; k < width; k++) if (rows[i * width + k] !== rows[j * width + k]) return false;
    return true;
  };
  const places = Int32Array.from({ length: count }, (_, i) => i).sort(compare);
  const inverse = new Int32Array(count);
  const firsts: number[] = [];
  const counts: number[] = [];
  places.forEach((place, i) => {
    if (i === 0 || !equal(place, places[i - 1] as number)) {
      firsts.push(place);
      counts.push(0);
    }
    inverse[place] = firsts.length - 1;
    counts[counts.length - 1] = (counts[counts.length - 1] as number) + 1;
  });
  const numbers = (data: Iterable<number>, shape: readonly number[]): Tensor =>
    indicesLike(x, Int32Array.from(data), shape, 'unique');
  const values = indexSelect(x, d, numbers(firsts, [firsts.length]));
  if (!returnInverse && !returnCounts) return values;
  return [
    values,
    ...(returnInverse ? [numbers(inverse, dim === null ? input.shape : [count])] : []),
    ...(returnCounts ? [numbers(counts, [counts.length])] : []),
  ];
}
