import { isOptions, readArguments } from '../core/arguments.js';
import { type DType, promote } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { keywords, leading, type Whole } from '../core/keywords.js';
import { normalizeDim, sizeOf } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { mul, sub } from './arithmetic.js';
import { expand } from './broadcast.js';
import { ones, tensor, zeros } from './create.js';
import { indexSelect } from './indexing.js';
import { cat, stack } from './join.js';
import { indicesLike } from './masked.js';
import { cast, flip, reshape, transpose, unsqueeze } from './movement.js';
import { checkTensor, knownValues } from './op.js';
import { roll } from './rearrange.js';
import { sum } from './reduce.js';
import { cumprod } from './scan.js';
import { listOf, type Tensors } from './stacking.js';
import { diag, diagonal, ontoDiagonal } from './triangle.js';

/** Tensors made of combinations of elements of others: grids, products, blocks, diagonals. */

export interface MeshgridOptions {
  /** 'ij': the first tensor runs along the first dimension; 'xy': along the second. Default 'ij'. */
  readonly indexing?: 'ij' | 'xy';
}

/** Coordinates of a grid: tensors of one dimension (or none), each repeated along the dimensions of the others. Views. */
export function meshgrid(...given: (Tensor | readonly Tensor[] | MeshgridOptions)[]): Tensor[] {
  const last = given[given.length - 1];
  const { indexing = 'ij' } = readArguments<MeshgridOptions>('meshgrid', isOptions(last) ? [last] : [], ['indexing']);
  if (indexing !== 'ij' && indexing !== 'xy') {
    fail('argument', `meshgrid: indexing must be 'ij' or 'xy', got '${String(indexing)}'.`);
  }
  const list = listOf('meshgrid', (isOptions(last) ? given.slice(0, -1) : given) as Tensors);
  if (list.length === 0) fail('argument', 'meshgrid: expected at least one tensor.');
  const odd = list.find((x) => x.ndim > 1);
  if (odd !== undefined) fail('shape', `meshgrid: expected tensors of one dimension, got ${show(odd.shape)}.`);
  const sizes = list.map((x) => x.numel());
  const grid = list.map((x, i) =>
    expand(
      reshape(
        x,
        sizes.map((_, d) => (d === i ? x.numel() : 1)),
      ),
      sizes,
    ),
  );
  return indexing === 'xy' && list.length > 1 ? grid.map((x) => transpose(x, 0, 1)) : grid;
}

/** All combinations of an element of each tensor [nᵢ], a row for each: [Π nᵢ, tensors]. Of one tensor, itself. */
export function cartesianProd(...tensors: Tensors): Tensor {
  const list = listOf('cartesianProd', tensors);
  const odd = list.find((x) => x.ndim !== 1);
  if (odd !== undefined) fail('shape', `cartesianProd: expected tensors of one dimension, got ${show(odd.shape)}.`);
  if (list.length === 1) return list[0] as Tensor;
  return stack(
    meshgrid(list).map((x) => reshape(x, [-1])),
    1,
  );
}

export interface CombinationsOptions {
  /** Elements in a combination. Default 2. */
  readonly r?: number;
  /** Whether one element may come several times. Default false. */
  readonly withReplacement?: boolean;
}

/** The combinations of `r` elements of `input` [n], in the order of their places, a row for each. */
export function combinations(input: Tensor, ...rest: (number | boolean | CombinationsOptions | undefined)[]): Tensor {
  checkTensor('combinations', input);
  const names = ['r', 'withReplacement'] as const;
  const { r = 2, withReplacement = false } = readArguments<CombinationsOptions>('combinations', rest, names);
  if (input.ndim !== 1) fail('shape', `combinations: expected one dimension, got ${show(input.shape)}.`);
  if (!Number.isInteger(r) || r < 0) fail('argument', `combinations: r must be a whole number ≥ 0, got ${r}.`);
  if (r === 0) return zeros([0], { dtype: input.dtype });
  const places: number[] = [];
  const chosen: number[] = [];
  const choose = (from: number): void => {
    if (chosen.length === r) {
      places.push(...chosen);
      return;
    }
    for (let i = from; i < input.numel(); i++) {
      chosen.push(i);
      choose(withReplacement ? i : i + 1);
      chosen.pop();
    }
  };
  choose(0);
  const line = indicesLike(input, Int32Array.from(places), [places.length], 'combinations');
  return reshape(indexSelect(input, 0, line), [places.length / r, r]);
}

/** Matrices along the diagonal of one, and 0 elsewhere; numbers and rows count as matrices of one row. */
export function blockDiag(...tensors: Tensors): Tensor {
  const list = listOf('blockDiag', tensors);
  const odd = list.find((x) => x.ndim > 2);
  if (odd !== undefined) fail('shape', `blockDiag: expected at most 2 dimensions, got ${show(odd.shape)}.`);
  if (list.length === 0) return zeros([1, 0]);
  const blocks = list.map((x) => (x.ndim === 2 ? x : reshape(x, [1, x.numel()])));
  const width = blocks.reduce((n, x) => n + (x.shape[1] as number), 0);
  const dtype = blocks.reduce<DType>((joint, x) => promote(joint, x.dtype), (blocks[0] as Tensor).dtype);
  let before = 0;
  const rows = blocks.map((x) => {
    const [height, own] = x.shape as [number, number];
    const left = zeros([height, before], { dtype });
    before += own;
    return cat([left, cast(x, dtype), zeros([height, width - before], { dtype })], 1);
  });
  return cat(rows, 0);
}

/** The Kronecker product: every element of `input` times all of `other`. */
export const kron = /* @__PURE__ */ keywords('kron', ['other'], (input: Tensor, other: Tensor): Tensor => {
  checkTensor('kron', input);
  checkTensor('kron', other, 'other');
  const rank = Math.max(input.ndim, other.ndim);
  const whole = (x: Tensor): number[] => [...new Array<number>(rank - x.ndim).fill(1), ...x.shape];
  const [a, b] = [whole(input), whole(other)];
  // The dimensions of both stand side by side in between.
  if (rank <= 4) {
    const product = mul(
      reshape(
        input,
        a.flatMap((size) => [size, 1]),
      ),
      reshape(
        other,
        b.flatMap((size) => [1, size]),
      ),
    );
    return reshape(
      product,
      a.map((size, i) => size * (b[i] as number)),
    );
  }
  return fail('unsupported', `kron: at most 4 dimensions, got ${show(input.shape)} and ${show(other.shape)}.`);
});

/** The cross product of vectors of three along `dim`; default the first dimension of size 3. Other dimensions broadcast. */
export const cross = /* @__PURE__ */ leading(
  'cross',
  ['other'],
  (input: Tensor, other: Tensor, ...rest: (number | null | { readonly dim?: number | null } | undefined)[]): Tensor => {
    checkTensor('cross', input);
    checkTensor('cross', other, 'other');
    const { dim = null } = readArguments<{ readonly dim?: number | null }>('cross', rest, ['dim']);
    const first = dim ?? input.shape.indexOf(3);
    if (first === -1 && dim === null) fail('shape', `cross: no dimension of ${show(input.shape)} has size 3.`);
    if (input.ndim !== other.ndim) {
      fail('shape', `cross: expected as many dimensions in both, got ${show(input.shape)} and ${show(other.shape)}.`);
    }
    const d = normalizeDim('cross', first, input.ndim);
    if (input.shape[d] !== 3 || other.shape[d] !== 3) {
      fail(
        'shape',
        `cross: vectors must have 3 elements, got ${show(input.shape)} and ${show(other.shape)} along dim ${first}.`,
      );
    }
    return sub(mul(roll(input, -1, d), roll(other, -2, d)), mul(roll(input, -2, d), roll(other, -1, d)));
  },
);

export interface VanderOptions {
  /** Columns. Default as many as rows. */
  readonly N?: number | null;
  /** Powers from 0 upwards, not downwards to 0. Default false. */
  readonly increasing?: boolean;
}

/** The Vandermonde matrix of `x` [n]: powers of each element, a row for each. */
export function vander(x: Tensor, ...rest: (number | null | boolean | VanderOptions | undefined)[]): Tensor {
  checkTensor('vander', x, 'x');
  const { N = null, increasing = false } = readArguments<VanderOptions>('vander', rest, ['N', 'increasing']);
  if (x.ndim !== 1) fail('shape', `vander: expected one dimension, got ${show(x.shape)}.`);
  const [rows, columns] = [x.numel(), N ?? x.numel()];
  if (!Number.isInteger(columns) || columns < 0)
    fail('argument', `vander: N must be a whole number ≥ 0, got ${columns}.`);
  if (columns === 0) return zeros([rows, 0], { dtype: x.dtype });
  const one = ones([rows, 1], { dtype: x.dtype });
  const powers = columns === 1 ? one : cat([one, cumprod(expand(unsqueeze(x, 1), [rows, columns - 1]), 1)], 1);
  return increasing ? powers : flip(powers, [1]);
}

export interface RepeatInterleaveOptions {
  readonly repeats?: number | Tensor;
  /** Default: the flattened input. */
  readonly dim?: number | null;
  /** Accepted for PyTorch's sake: the size of the result is counted. */
  readonly outputSize?: number | null;
}

/**
 * Each slice along `dim` repeated `repeats` times, a number or a tensor of one for each slice. Of a tensor alone, index i
 * repeated input[i] times.
 */
export function repeatInterleave(
  input: Tensor,
  ...rest: (number | Tensor | null | RepeatInterleaveOptions | undefined)[]
): Tensor {
  const name = 'repeatInterleave';
  checkTensor(name, input);
  const given = readArguments<RepeatInterleaveOptions>(name, rest, ['repeats', 'dim', 'outputSize']);
  const { dim = null } = given;
  if (given.repeats === undefined) {
    const counts = countsOf(name, input, input.numel());
    return placesOf(input, counts);
  }
  const line = dim === null ? reshape(input, [-1]) : input;
  const d = dim === null ? 0 : normalizeDim(name, dim, input.ndim);
  return indexSelect(line, d, placesOf(input, countsOf(name, given.repeats, line.shape[d] ?? 1)));
}

/** How often each of `size` slices is repeated. */
function countsOf(name: string, repeats: number | Tensor, size: number): number[] {
  const list = repeats instanceof Tensor ? Array.from(knownValues(name, repeats)) : [repeats];
  if (repeats instanceof Tensor && (repeats.ndim > 1 || repeats.dtype === 'float32')) {
    fail(
      'argument',
      `${name}: repeats must be whole numbers in one dimension, got ${repeats.dtype} ${show(repeats.shape)}.`,
    );
  }
  if (list.some((count) => !Number.isInteger(count) || count < 0)) {
    fail('argument', `${name}: repeats must be whole numbers ≥ 0, got ${show(list)}.`);
  }
  if (list.length === 1) return new Array<number>(size).fill(list[0] as number);
  if (list.length !== size) fail('shape', `${name}: expected ${size} repeats, one for each slice, got ${list.length}.`);
  return list;
}

function placesOf(like: Tensor, counts: readonly number[]): Tensor<'int32'> {
  const places = counts.flatMap((count, i) => new Array<number>(count).fill(i));
  return indicesLike(like, Int32Array.from(places), [places.length], 'repeatInterleave');
}

/** Matrices with the last dimension of `input` on their diagonal, in dimensions dim1 and dim2 of the result. */
export const diagEmbed = /* @__PURE__ */ keywords(
  'diagEmbed',
  ['offset', 'dim1', 'dim2'],
  (input: Tensor, offset: Whole = 0, dim1: Whole = -2, dim2: Whole = -1): Tensor => {
    checkTensor('diagEmbed', input);
    if (input.ndim === 0) fail('shape', 'diagEmbed: a tensor without dimensions has no diagonal to give, got [].');
    const rank = input.ndim + 1;
    const [d1, d2] = [normalizeDim('diagEmbed', dim1, rank), normalizeDim('diagEmbed', dim2, rank)];
    if (d1 === d2) fail('argument', `diagEmbed: dim1 and dim2 must differ, got ${dim1} and ${dim2}.`);
    const size = (input.shape[input.ndim - 1] as number) + Math.abs(offset);
    const rest = [...input.shape.slice(0, -1)];
    const shape = Array.from({ length: rank }, (_, d) => (d === d1 || d === d2 ? size : (rest.shift() as number)));
    return ontoDiagonal(input, shape, offset, d1, d2);
  },
);

/** A matrix with all of `input` on its diagonal, `offset` above it. */
export const diagflat = /* @__PURE__ */ keywords('diagflat', ['offset'], (input: Tensor, offset: Whole = 0): Tensor => {
  checkTensor('diagflat', input);
  return diag(reshape(input, [sizeOf(input.shape)]), offset);
});

/** The sum of a matrix's diagonal. */
export function trace(input: Tensor): Tensor {
  checkTensor('trace', input);
  if (input.ndim !== 2) fail('shape', `trace: expected a matrix, got ${show(input.shape)}.`);
  return sum(diagonal(input));
}

function triangleIndices(
  name: string,
  row: number,
  col: number,
  offset: number,
  keeps: (shift: number) => boolean,
): Tensor {
  if (![row, col].every((size) => Number.isInteger(size) && size >= 0) || !Number.isInteger(offset)) {
    fail('argument', `${name}: expected whole numbers, and sizes ≥ 0, got ${row}, ${col} and ${offset}.`);
  }
  const rows: number[] = [];
  const columns: number[] = [];
  for (let i = 0; i < row; i++) {
    for (let j = 0; j < col; j++) {
      if (!keeps(j - i - offset)) continue;
      rows.push(i);
      columns.push(j);
    }
  }
  return tensor(Int32Array.from([...rows, ...columns]), [2, rows.length]);
}

/** Rows and columns of the lower triangle of a row × col matrix, up to `offset` above the diagonal: int32 [2, n]. */
export const trilIndices = /* @__PURE__ */ keywords(
  'trilIndices',
  ['col', 'offset'],
  (row: number, col: number, offset: Whole = 0): Tensor =>
    triangleIndices('trilIndices', row, col, offset, (shift) => shift <= 0),
);

/** Rows and columns of the upper triangle of a row × col matrix, from `offset` above the diagonal: int32 [2, n]. */
export const triuIndices = /* @__PURE__ */ keywords(
  'triuIndices',
  ['col', 'offset'],
  (row: number, col: number, offset: Whole = 0): Tensor =>
    triangleIndices('triuIndices', row, col, offset, (shift) => shift >= 0),
);
