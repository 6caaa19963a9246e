import { readArguments } from '../core/arguments.js';
import { normalizeDim } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { indexSelect } from './indexing.js';
import { indicesLike } from './masked.js';
import { detach, reshape, transpose } from './movement.js';
import { checkTensor, knownValues } from './op.js';
import { orderOf } from './sort.js';

/** Elements or slices that differ. */

/** The places of rows in lexicographic order, NaN last. */
function rowOrder(rows: ArrayLike<number>, width: number, count: number): Int32Array {
  const compare = (i: number, j: number): number => {
    for (let k = 0; k < width; k++) {
      const [a, b] = [rows[i * width + k] as number, rows[j * width + k] as number];
      if (a < b) return -1;
      if (a > b) return 1;
      const order = Number(Number.isNaN(a)) - Number(Number.isNaN(b));
      if (order !== 0) return order;
    }
    return 0;
  };
  return Int32Array.from({ length: count }, (_, i) => i).sort(compare);
}

/** Whether two rows agree in every element. */
function equalRows(rows: ArrayLike<number>, width: number) {
  return (i: number, j: number): boolean => {
    for (let k = 0; k < width; k++) if (rows[i * width + k] !== rows[j * width + k]) return false;
    return true;
  };
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
export function unique(input: Tensor, options?: UniqueOptions): Tensor | Tensor[];
export function unique(
  input: Tensor,
  ...rest: (boolean | number | null | UniqueOptions | undefined)[]
): Tensor | Tensor[] {
  const names = ['sorted', 'returnInverse', 'returnCounts', 'dim'] as const;
  const {
    returnInverse = false,
    returnCounts = false,
    dim = null,
  } = readArguments<UniqueOptions>('unique', rest, names);
  checkTensor('unique', input);
  const d = dim === null ? 0 : normalizeDim('unique', dim, input.ndim);
  const x = detach(dim === null || input.ndim === 0 ? reshape(input, [-1]) : input);
  const count = x.shape[d] as number;
  // A row for each slice, read once: rows are what is compared.
  const lines = reshape(transpose(x, 0, d), [count, x.numel() === 0 ? 0 : x.numel() / count]);
  const rows = knownValues('unique', lines);
  const width = count === 0 ? 0 : rows.length / count;
  const isSame = equalRows(rows, width);
  const places =
    width === 1 ? knownValues('unique', orderOf(x, d, count, false, 'unique')) : rowOrder(rows, width, count);
  const inverse = new Int32Array(count);
  const firsts: number[] = [];
  const counts: number[] = [];
  places.forEach((place: number, i: number) => {
    if (i === 0 || !isSame(place, places[i - 1] as number)) {
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

export interface UniqueConsecutiveOptions {
  /** Also give the place of each element of the input in the result. Default false. */
  readonly returnInverse?: boolean;
  /** Also give how many follow one another. Default false. */
  readonly returnCounts?: boolean;
  /** Compare the slices along this dimension. Default: the elements. */
  readonly dim?: number | null;
}

/** As unique, but only what equals its predecessor is left out, and nothing is sorted. */
export function uniqueConsecutive(
  input: Tensor,
  options: UniqueConsecutiveOptions & ({ readonly returnInverse: true } | { readonly returnCounts: true }),
): Tensor[];
export function uniqueConsecutive(input: Tensor, options?: { readonly dim?: number | null }): Tensor;
export function uniqueConsecutive(
  input: Tensor,
  ...rest: (boolean | number | null | UniqueConsecutiveOptions | undefined)[]
): Tensor | Tensor[] {
  const name = 'uniqueConsecutive';
  checkTensor(name, input);
  const names = ['returnInverse', 'returnCounts', 'dim'] as const;
  const given = readArguments<UniqueConsecutiveOptions>(name, rest, names);
  const { returnInverse = false, returnCounts = false, dim = null } = given;
  const d = dim === null ? 0 : normalizeDim(name, dim, input.ndim);
  const x = detach(dim === null || input.ndim === 0 ? reshape(input, [-1]) : input);
  const count = x.shape[d] as number;
  const lines = reshape(transpose(x, 0, d), [count, x.numel() === 0 ? 0 : x.numel() / count]);
  const rows = knownValues(name, lines);
  const isSame = equalRows(rows, count === 0 ? 0 : rows.length / count);
  const inverse = new Int32Array(count);
  const firsts: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < count; i++) {
    if (i === 0 || !isSame(i, i - 1)) {
      firsts.push(i);
      counts.push(0);
    }
    inverse[i] = firsts.length - 1;
    counts[counts.length - 1] = (counts[counts.length - 1] as number) + 1;
  }
  const numbers = (data: Iterable<number>, shape: readonly number[]): Tensor =>
    indicesLike(x, Int32Array.from(data), shape, name);
  const values = indexSelect(x, d, numbers(firsts, [firsts.length]));
  if (!returnInverse && !returnCounts) return values;
  return [
    values,
    ...(returnInverse ? [numbers(inverse, dim === null ? input.shape : [count])] : []),
    ...(returnCounts ? [numbers(counts, [counts.length])] : []),
  ];
}
