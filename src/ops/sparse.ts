import { fail, show } from '../core/errors.js';
import { normalizeDim, type Shape, sizeOf } from '../core/shape.js';
import type { NestedArray, Tensor } from '../core/tensor.js';
import { add } from './arithmetic.js';
import { gatherOp, scatterOp } from './indexing.js';
import { indicesLike } from './masked.js';
import { detach, reshape } from './movement.js';
import { checkTensor, knownValues } from './op.js';
import { arranged, byElements, type Elements, elementsOf, pickLines } from './sparseelements.js';
import {
  checkCompressed,
  checkCount,
  checkFloat,
  checkShape,
  checkValues,
  type Indices,
  numbersOf,
  valuesOf,
} from './sparseparts.js';
import { headsOf, type Layout, multiply, ordered, Pattern, visitElements } from './sparseproduct.js';

export type { Indices } from './sparseparts.js';

/**
 * Sparse matrices: float32 values at places that are given by indices. Products with dense tensors have gradients to the
 * values and to the dense side, which can be differentiated again; there is no gradient beyond the places.
 */

/** Coordinates; compressed rows; compressed columns; compressed rows of blocks. */
export type SparseFormat = 'coo' | 'csr' | 'csc' | 'bsr';

interface Parts {
  readonly format: SparseFormat;
  readonly shape: readonly [number, number];
  readonly values: Tensor;
  readonly pattern: Pattern;
  /** As given: crow and column, ccol and row, or rows and columns of coordinates. */
  readonly first: Int32Array<ArrayBuffer>;
  readonly second: Int32Array<ArrayBuffer>;
}

/**
 * A sparse matrix. It is freed with `dispose()`, or, unless it is kept, at the end of the scope it was made in.
 *
 * @example
 * const a = sparse.csr([0, 1, 3], [1, 0, 2], tensor([5, 6, 7]), [2, 3]);
 * a.matmul(tensor([[1], [10], [100]])).toArray(); // → [[50], [706]]
 */
export class SparseTensor {
  readonly format: SparseFormat;
  readonly shape: readonly [number, number];
  /** The numbers, in the order of the indices: [nnz]; of blocks: [blocks, block rows, block columns]. */
  readonly values: Tensor;
  private readonly pattern: Pattern;
  private readonly first: Int32Array<ArrayBuffer>;
  private readonly second: Int32Array<ArrayBuffer>;

  constructor({ format, shape, values, pattern, first, second }: Parts) {
    this.format = format;
    this.shape = shape;
    this.values = values;
    this.pattern = pattern;
    this.first = first;
    this.second = second;
  }

  /** Number of stored values, zeros among them included. */
  get nnz(): number {
    return this.values.numel();
  }

  get requiresGrad(): boolean {
    return this.values.requiresGrad;
  }

  /** Rows and columns of a block; 1 and 1 without blocks. */
  get blockSize(): readonly [number, number] {
    return this.format === 'bsr' ? (this.values.shape.slice(1) as unknown as [number, number]) : [1, 1];
  }

  /** Where each row (of blocks) begins among the values: [rows + 1]. Of csr and bsr. */
  get crowIndices(): Int32Array<ArrayBuffer> {
    return this.part('crowIndices', this.first, 'csr', 'bsr');
  }

  /** The column (of blocks) of each value: [nnz]. Of csr and bsr. */
  get colIndices(): Int32Array<ArrayBuffer> {
    return this.part('colIndices', this.second, 'csr', 'bsr');
  }

  /** Where each column begins among the values: [columns + 1]. Of csc. */
  get ccolIndices(): Int32Array<ArrayBuffer> {
    return this.part('ccolIndices', this.first, 'csc');
  }

  /** The row of each value: [nnz]. Of csc. */
  get rowIndices(): Int32Array<ArrayBuffer> {
    return this.part('rowIndices', this.second, 'csc');
  }

  /** The rows and the columns of the values: two arrays [nnz]. Of coo. */
  get indices(): readonly [Int32Array<ArrayBuffer>, Int32Array<ArrayBuffer>] {
    return [this.part('indices', this.first, 'coo'), this.part('indices', this.second, 'coo')];
  }

  /** The same places with other values, of the same shape. */
  withValues(values: Tensor): SparseTensor {
    if (show(values.shape) !== show(this.values.shape)) {
      fail('shape', `withValues: expected ${show(this.values.shape)}, got ${show(values.shape)}.`);
    }
    return new SparseTensor({ ...this.parts(), values: checkValues('withValues', values) });
  }

  /** The same numbers without their history. */
  detach(): SparseTensor {
    return this.withValues(detach(this.values));
  }

  /** All numbers, with zeros where none is stored; of places that come twice, the sum. */
  toDense(): Tensor {
    const [rows, columns] = this.shape;
    const places = new Int32Array(this.nnz);
    visitElements(this.pattern.layout, (row, column, value) => {
      places[value] = row * columns + column;
    });
    const index = indicesLike(this.values, places, [places.length], 'toDense');
    const flat = reshape(this.values, [places.length]);
    return reshape(scatterOp(flat, index, 0, [rows * columns]), [rows, columns]);
  }

  /** The transposed matrix, on the same values: rows of csr become columns of csc. Blocks must become csr first. */
  t(): SparseTensor {
    const { first, second, pattern, values } = this;
    const shape = [this.shape[1], this.shape[0]] as const;
    const turned = { shape, values, pattern: pattern.transposed };
    if (this.format === 'coo') return new SparseTensor({ ...turned, format: 'coo', first: second, second: first });
    if (this.format === 'bsr') fail('unsupported', "t: of a bsr matrix; use .to('csr').t().");
    return new SparseTensor({ ...turned, format: this.format === 'csr' ? 'csc' : 'csr', first, second });
  }

  /** The same matrix in another format, differentiable; for 'bsr' the sizes of its blocks must be given. */
  to(format: SparseFormat, blockSize?: readonly [number, number]): SparseTensor {
    return assemble(format, this.shape, elementsOf(this.pattern.layout, this.nnz), this.flat(), blockSize);
  }

  /** The same matrix with its places in order and what comes twice added up, differentiable. Of coo, others have it so. */
  coalesce(): SparseTensor {
    return this.format === 'coo' ? this.to('coo') : this.withValues(this.values);
  }

  /**
   * The rows (dim 0) or columns (dim 1) at `index`, in that order and as often as they are named, differentiable; coo and csr
   * become csr, csc stays. Blocks must become csr first.
   */
  indexSelect(dim: number, index: Indices): SparseTensor {
    const along = normalizeDim('sparse.indexSelect', dim, 2);
    if (this.format === 'bsr') fail('unsupported', "indexSelect: of a bsr matrix; use .to('csr').");
    const wanted = numbersOf('sparse.indexSelect', 'index', index);
    const size = this.shape[along] as number;
    const odd = wanted.find((line) => line < 0 || line >= size);
    if (odd !== undefined) fail('argument', `sparse.indexSelect: index must lie in [0, ${size}), got ${odd}.`);
    const lines = along === 0 ? this.pattern.layout : this.pattern.transposed.layout;
    const other = this.shape[1 - along] as number;
    const picked = pickLines(lines, wanted);
    const numbers = gatherOp(this.flat(), indicesLike(this.values, picked.order, [picked.order.length], 'sparse'), 0);
    const elements = { ...picked, order: picked.order.map((_, i) => i) };
    const turned = { rows: elements.columns, columns: elements.rows, order: elements.order };
    const shape: readonly [number, number] = along === 0 ? [wanted.length, other] : [other, wanted.length];
    return assemble(this.format === 'csc' ? 'csc' : 'csr', shape, along === 0 ? elements : turned, numbers);
  }

  /** `length` rows (dim 0) or columns (dim 1) from `start` on, as `indexSelect`. */
  narrow(dim: number, start: number, length: number): SparseTensor {
    const size = this.shape[normalizeDim('sparse.narrow', dim, 2)] as number;
    if (![start, length].every(Number.isInteger) || start < 0 || length < 0 || start + length > size) {
      fail('argument', `sparse.narrow: ${length} from ${start} on lies outside of the ${size} there are.`);
    }
    return this.indexSelect(
      dim,
      Int32Array.from({ length }, (_, i) => start + i),
    );
  }

  /** This matrix times a dense one, [columns, N] → [rows, N], or a vector, [columns] → [rows]. */
  matmul(other: Tensor): Tensor {
    checkTensor('sparse.matmul', other, 'other');
    const [rows, columns] = this.shape;
    if (other.ndim < 1 || other.ndim > 2 || other.shape[0] !== columns) {
      fail('shape', `sparse.matmul: expected [${columns}, N] or [${columns}], got ${show(other.shape)}.`);
    }
    checkFloat(other);
    if (other.ndim === 2) return multiply(this.pattern, this.flat(), other, false);
    return reshape(multiply(this.pattern, this.flat(), reshape(other, [columns, 1]), false, { table: other }), [rows]);
  }

  /** x · thisᵀ for x [.., columns], as a linear layer multiplies by its weights [rows, columns]: [.., rows]. */
  applyTo(x: Tensor): Tensor {
    return across('sparse.linear', x, this.shape[1], this.shape[0], this.pattern, this.flat());
  }

  /** x · this for x [.., rows]: [.., columns]. */
  multipliedBy(x: Tensor): Tensor {
    return across('sparse.matmul', x, this.shape[0], this.shape[1], this.pattern.transposed, this.flat());
  }

  /** Keeps the matrix beyond the scope that it was made in. */
  keep(): this {
    this.values.keep();
    for (const part of this.pattern.all()) part.keep();
    return this;
  }

  /** Frees the indices and the values, also of what shares them: `t()`, `detach()`, `withValues()`. */
  dispose(): void {
    this.values.dispose();
    for (const part of this.pattern.all()) part.dispose();
  }

  toString(): string {
    const [rows, columns] = this.shape;
    return `SparseTensor(${this.format}, [${rows}, ${columns}], nnz=${this.nnz})`;
  }

  private flat(): Tensor {
    return reshape(this.values, [this.nnz]);
  }

  private parts(): Parts {
    const { format, shape, values, pattern, first, second } = this;
    return { format, shape, values, pattern, first, second };
  }

  private part(name: string, part: Int32Array<ArrayBuffer>, ...formats: SparseFormat[]): Int32Array<ArrayBuffer> {
    if (!formats.includes(this.format)) {
      fail('unsupported', `${name}: a matrix in ${this.format} has none. Use .to('${formats[0]}').`);
    }
    return part;
  }
}

/** x [.., from] times the transposed matrix of `pattern`: [.., to]. */
function across(name: string, x: Tensor, from: number, to: number, pattern: Pattern, values: Tensor): Tensor {
  checkTensor(name, x);
  if (x.ndim < 1 || x.shape[x.ndim - 1] !== from) {
    fail('shape', `${name}: the last size of input must be ${from}, got ${show(x.shape)}.`);
  }
  const lead = x.shape.slice(0, -1);
  const y = multiply(pattern, values, reshape(checkFloat(x), [sizeOf(lead), from]), true);
  return reshape(y, [...lead, to]);
}

/** A matrix by compressed rows: crowIndices [rows + 1], colIndices [nnz] rising within a row, values [nnz]. */
export function csr(crowIndices: Indices, colIndices: Indices, values: Tensor | number[], shape: Shape): SparseTensor {
  const name = 'sparse.csr';
  const [rows, columns] = checkShape(name, shape);
  const heads = numbersOf(name, 'crowIndices', crowIndices);
  const places = numbersOf(name, 'colIndices', colIndices);
  checkCompressed(name, ['crowIndices', 'colIndices'], heads, places, rows, columns);
  const numbers = valuesOf(name, values);
  checkCount(name, numbers, places.length);
  const pattern = new Pattern(numbers, rows, columns, { heads, places, order: null, block: [1, 1] });
  return new SparseTensor({
    format: 'csr',
    shape: [rows, columns],
    values: numbers,
    pattern,
    first: heads,
    second: places,
  });
}

/** A matrix by compressed columns: ccolIndices [columns + 1], rowIndices [nnz] rising within a column, values [nnz]. */
export function csc(ccolIndices: Indices, rowIndices: Indices, values: Tensor | number[], shape: Shape): SparseTensor {
  const name = 'sparse.csc';
  const [rows, columns] = checkShape(name, shape);
  const heads = numbersOf(name, 'ccolIndices', ccolIndices);
  const places = numbersOf(name, 'rowIndices', rowIndices);
  checkCompressed(name, ['ccolIndices', 'rowIndices'], heads, places, columns, rows);
  const numbers = valuesOf(name, values);
  checkCount(name, numbers, places.length);
  const pattern = new Pattern(numbers, columns, rows, { heads, places, order: null, block: [1, 1] }).transposed;
  return new SparseTensor({
    format: 'csc',
    shape: [rows, columns],
    values: numbers,
    pattern,
    first: heads,
    second: places,
  });
}

/** A matrix by coordinates: indices [2, nnz], rows and columns, in any order; values [nnz]. What comes twice is added up. */
export function coo(indices: Indices, values: Tensor | number[], shape: Shape): SparseTensor {
  const name = 'sparse.coo';
  const [rows, columns] = checkShape(name, shape);
  const both = numbersOf(name, 'indices', indices);
  const count = both.length >> 1;
  const [first, second] = [both.slice(0, count), both.slice(count)];
  if (second.length !== count) {
    fail('shape', `${name}: indices must be [2, nnz], as many columns as rows, got ${both.length} numbers.`);
  }
  for (let i = 0; i < count; i++) {
    const [row, column] = [first[i] as number, second[i] as number];
    if (row < 0 || row >= rows || column < 0 || column >= columns) {
      fail('argument', `${name}: [${row}, ${column}] lies outside of [${rows}, ${columns}].`);
    }
  }
  const numbers = valuesOf(name, values);
  checkCount(name, numbers, count);
  const order = ordered(first, rows, ordered(second, columns));
  const layout: Layout = {
    heads: headsOf(rows, first),
    places: order.map((i) => second[i] as number),
    order,
    block: [1, 1],
  };
  const pattern = new Pattern(numbers, rows, columns, layout);
  return new SparseTensor({ format: 'coo', shape: [rows, columns], values: numbers, pattern, first, second });
}

/**
 * A matrix by compressed rows of blocks: crowIndices [rows / block rows + 1], colIndices [blocks] counted in blocks, values
 * [blocks, block rows, block columns]. Blocks of 4 × 1 and 4 × 4 have products of their own; others are multiplied as csr.
 */
export function bsr(
  crowIndices: Indices,
  colIndices: Indices,
  values: Tensor | NestedArray,
  shape: Shape,
): SparseTensor {
  const name = 'sparse.bsr';
  const [rows, columns] = checkShape(name, shape);
  const heads = numbersOf(name, 'crowIndices', crowIndices);
  const places = numbersOf(name, 'colIndices', colIndices);
  const numbers = valuesOf(name, values);
  const [count, height = 0, width = 0] = numbers.shape as [number, number?, number?];
  if (numbers.ndim !== 3 || count !== places.length || height < 1 || width < 1) {
    fail('shape', `${name}: values must be [${places.length}, block rows, block columns], got ${show(numbers.shape)}.`);
  }
  if (rows % height !== 0 || columns % width !== 0) {
    fail('shape', `${name}: ${show([rows, columns])} cannot be cut into blocks of ${height} × ${width}.`);
  }
  checkCompressed(name, ['crowIndices', 'colIndices'], heads, places, rows / height, columns / width);
  const blocks: Layout = { heads, places, order: null, block: [height, width] };
  const isDirect = height === 4 && (width === 1 || width === 4);
  const pattern = new Pattern(
    numbers,
    rows,
    columns,
    isDirect || (height === 1 && width === 1) ? blocks : byElements(blocks),
  );
  return new SparseTensor({
    format: 'bsr',
    shape: [rows, columns],
    values: numbers,
    pattern,
    first: heads,
    second: places,
  });
}

/** A matrix of the given elements, which pick their numbers out of `flat`; equal places are added up. */
function assemble(
  format: SparseFormat,
  shape: readonly [number, number],
  elements: Elements,
  flat: Tensor,
  blockSize?: readonly [number, number],
): SparseTensor {
  const blocks = format === 'bsr' ? checkBlocks('sparse', shape, blockSize) : ([1, 1] as const);
  const [height, width] = blocks;
  const [down, across] = [shape[0] / height, shape[1] / width];
  const { lines, places, targets } = arranged(elements, flat.numel(), [down, across], blocks, format !== 'csc');
  const kept = lines.length;
  const index = indicesLike(flat, targets, [targets.length], 'sparse');
  const values = scatterOp(flat, index, 0, [kept * height * width]);
  if (format === 'csr') return csr(headsOf(down, lines), places, values, shape);
  if (format === 'csc') return csc(headsOf(across, places), lines, values, shape);
  if (format === 'bsr') return bsr(headsOf(down, lines), places, reshape(values, [kept, height, width]), shape);
  const both = new Int32Array(2 * kept);
  both.set(lines);
  both.set(places, kept);
  return coo(both, values, shape);
}

function checkBlocks(
  name: string,
  [rows, columns]: readonly [number, number],
  blockSize: readonly [number, number] | undefined,
): readonly [number, number] {
  if (blockSize === undefined) return fail('argument', `${name}: the sizes of blocks are wanting: to('bsr', [4, 1]).`);
  const [height, width] = blockSize;
  const isSize = (size: number): boolean => Number.isInteger(size) && size >= 1;
  if (!isSize(height) || !isSize(width) || rows % height !== 0 || columns % width !== 0) {
    fail('shape', `${name}: ${show([rows, columns])} cannot be cut into blocks of ${height} × ${width}.`);
  }
  return blockSize;
}

/** The elements of a dense matrix that are not 0, or, in 'bsr', the blocks that hold any. Gradients flow back to `x`. */
export function fromDense(
  x: Tensor,
  format: SparseFormat = 'csr',
  blockSize?: readonly [number, number],
): SparseTensor {
  checkTensor('sparse.fromDense', x);
  const [rows, columns] = checkShape('sparse.fromDense', x.shape);
  const numbers = knownValues('sparse.fromDense', checkValues('sparse.fromDense', x));
  let count = 0;
  for (const number of numbers) count += Number(number !== 0);
  const places = new Int32Array(count);
  let at = 0;
  numbers.forEach((number, i) => {
    if (number !== 0) places[at++] = i;
  });
  const elements: Elements = {
    rows: places.map((place) => Math.floor(place / columns)),
    columns: places.map((place) => place % columns),
    order: places.map((_, i) => i),
  };
  const index = indicesLike(x, places, [count], 'sparse');
  const flat = gatherOp(reshape(x, [rows * columns]), index, 0);
  return assemble(format, [rows, columns], elements, flat, blockSize);
}

/** The product of a sparse matrix and a dense tensor, in either order: the result is dense. */
export function matmul(a: SparseTensor, b: Tensor): Tensor;
export function matmul(a: Tensor, b: SparseTensor): Tensor;
export function matmul(a: SparseTensor | Tensor, b: SparseTensor | Tensor): Tensor {
  if (a instanceof SparseTensor) {
    if (b instanceof SparseTensor) fail('unsupported', 'sparse.matmul: one side must be dense. Use b.toDense().');
    return a.matmul(b);
  }
  if (!(b instanceof SparseTensor)) fail('argument', 'sparse.matmul: one side must be sparse. Use matmul(a, b).');
  return b.multipliedBy(a);
}

/** x · weightᵀ + bias for x [.., in] and sparse weights [out, in]: [.., out]. */
export function linear(x: Tensor, weight: SparseTensor, bias: Tensor | null = null): Tensor {
  const y = weight.applyTo(x);
  return bias === null ? y : add(y, bias);
}
