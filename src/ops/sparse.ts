import { fail, show } from '../core/errors.js';
import { type Shape, sizeOf } from '../core/shape.js';
import type { NestedArray, Tensor } from '../core/tensor.js';
import { add } from './arithmetic.js';
import { gatherOp, scatterOp } from './indexing.js';
import { indicesLike } from './masked.js';
import { detach, reshape } from './movement.js';
import { checkTensor } from './op.js';
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
import { headsOf, type Layout, multiply, Pattern, visitElements } from './sparseproduct.js';

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
    const elements: Element[] = [];
    visitElements(this.pattern.layout, (row, column, value) => elements.push({ row, column, value }));
    return assemble(format, this.shape, elements, reshape(this.values, [this.nnz]), blockSize);
  }

  /** This matrix times a dense one, [columns, N] → [rows, N], or a vector, [columns] → [rows]. */
  matmul(other: Tensor): Tensor {
    checkTensor('sparse.matmul', other, 'other');
    const [rows, columns] = this.shape;
    if (other.ndim < 1 || other.ndim > 2 || other.shape[0] !== columns) {
      fail('shape', `sparse.matmul: expected [${columns}, N] or [${columns}], got ${show(other.shape)}.`);
    }
    const n = other.ndim === 1 ? 1 : (other.shape[1] as number);
    const y = multiply(this.pattern, this.flat(), reshape(checkFloat(other), [columns, n]), false);
    return other.ndim === 1 ? reshape(y, [rows]) : y;
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
  const numbers = valuesOf(name, values);
  checkCompressed(name, ['crowIndices', 'colIndices'], heads, places, rows, columns);
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
  const numbers = valuesOf(name, values);
  checkCompressed(name, ['ccolIndices', 'rowIndices'], heads, places, columns, rows);
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
  const numbers = valuesOf(name, values);
  const count = both.length / 2;
  checkCount(name, numbers, count);
  const [first, second] = [both.slice(0, count), both.slice(count)];
  for (let i = 0; i < count; i++) {
    const [row, column] = [first[i] as number, second[i] as number];
    if (row < 0 || row >= rows || column < 0 || column >= columns) {
      fail('argument', `${name}: [${row}, ${column}] lies outside of [${rows}, ${columns}].`);
    }
  }
  const elements = Array.from(first, (row, i) => ({ row, column: second[i] as number, value: i }));
  elements.sort(byRows);
  const layout: Layout = {
    heads: headsOf(rows, first),
    places: Int32Array.from(elements, ({ column }) => column),
    order: Int32Array.from(elements, ({ value }) => value),
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

/** The elements of blocks, one by one. */
function byElements(blocks: Layout): Layout {
  const [lines, places, order]: [number[], number[], number[]] = [[], [], []];
  visitElements(blocks, (row, column, value) => {
    lines.push(row);
    places.push(column);
    order.push(value);
  });
  const rows = (blocks.heads.length - 1) * blocks.block[0];
  return { heads: headsOf(rows, lines), places: Int32Array.from(places), order: Int32Array.from(order), block: [1, 1] };
}

interface Element {
  readonly row: number;
  readonly column: number;
  readonly value: number;
}

const byRows = (a: Element, b: Element): number => a.row - b.row || a.column - b.column || a.value - b.value;
const byColumns = (a: Element, b: Element): number => a.column - b.column || a.row - b.row || a.value - b.value;

/** A matrix of the given elements, which pick their numbers out of `flat`; equal places are added up. */
function assemble(
  format: SparseFormat,
  shape: readonly [number, number],
  elements: Element[],
  flat: Tensor,
  blockSize?: readonly [number, number],
): SparseTensor {
  const [rows, columns] = shape;
  if (format === 'bsr') return assembleBlocks(shape, elements, flat, blockSize);
  elements.sort(format === 'csc' ? byColumns : byRows);
  const kept: Element[] = [];
  const targets = new Int32Array(flat.numel());
  for (const element of elements) {
    const last = kept[kept.length - 1];
    if (last?.row !== element.row || last.column !== element.column) kept.push(element);
    targets[element.value] = kept.length - 1;
  }
  const index = indicesLike(flat, targets, [targets.length], 'sparse');
  const values = scatterOp(flat, index, 0, [kept.length]);
  const [r, c] = [kept.map(({ row }) => row), kept.map(({ column }) => column)];
  if (format === 'coo') return coo([r, c], values, shape);
  if (format === 'csr') return csr(headsOf(rows, r), Int32Array.from(c), values, shape);
  return csc(headsOf(columns, c), Int32Array.from(r), values, shape);
}

function assembleBlocks(
  shape: readonly [number, number],
  elements: readonly Element[],
  flat: Tensor,
  blockSize: readonly [number, number] | undefined,
): SparseTensor {
  if (blockSize === undefined) fail('argument', "sparse: the sizes of blocks are wanting: to('bsr', [4, 1]).");
  const [height, width] = blockSize;
  const [rows, columns] = shape;
  if (rows % height !== 0 || columns % width !== 0) {
    fail('shape', `sparse: ${show(shape)} cannot be cut into blocks of ${height} × ${width}.`);
  }
  const across = columns / width;
  const numbers = elements.map(({ row, column }) => Math.floor(row / height) * across + Math.floor(column / width));
  const blocks = [...new Set(numbers)].sort((a, b) => a - b);
  const ranks = new Map(blocks.map((block, i) => [block, i]));
  const targets = new Int32Array(flat.numel());
  elements.forEach(({ row, column, value }, i) => {
    const rank = ranks.get(numbers[i] as number) as number;
    targets[value] = (rank * height + (row % height)) * width + (column % width);
  });
  const index = indicesLike(flat, targets, [targets.length], 'sparse');
  const values = scatterOp(flat, index, 0, [blocks.length * height * width]);
  return bsr(
    headsOf(
      rows / height,
      blocks.map((block) => Math.floor(block / across)),
    ),
    Int32Array.from(blocks, (block) => block % across),
    reshape(values, [blocks.length, height, width]),
    shape,
  );
}

/** The elements of a dense matrix that are not 0, or, in 'bsr', the blocks that hold any. Gradients flow back to `x`. */
export function fromDense(
  x: Tensor,
  format: SparseFormat = 'csr',
  blockSize?: readonly [number, number],
): SparseTensor {
  checkTensor('sparse.fromDense', x);
  const [rows, columns] = checkShape('sparse.fromDense', x.shape);
  const numbers = checkValues('sparse.fromDense', x).dataSync();
  const elements: Element[] = [];
  const places: number[] = [];
  numbers.forEach((number, i) => {
    if (number === 0) return;
    elements.push({ row: Math.floor(i / columns), column: i % columns, value: places.length });
    places.push(i);
  });
  const index = indicesLike(x, Int32Array.from(places), [places.length], 'sparse');
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
