import { record } from '../autograd/index.js';
import { within } from '../core/scope.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { indicesLike } from './masked.js';
import { transpose } from './movement.js';
import { dense, empty } from './op.js';

/** Products of sparse and dense matrices, as the kernels take them. */

/** Where the entries of a sparse matrix stand: compressed by rows, or by rows of blocks. */
export interface Layout {
  /** Where each row begins among the entries, and where the last one ends. */
  readonly heads: Int32Array<ArrayBuffer>;
  /** The column of each entry, counted in blocks. */
  readonly places: Int32Array<ArrayBuffer>;
  /** Where the value of each entry stands; null: in the same order. Without blocks. */
  readonly order: Int32Array<ArrayBuffer> | null;
  /** Rows and columns of a block. */
  readonly block: readonly [number, number];
}

/** Visits the elements of a layout row by row, with the number of the value of each. */
export function visitElements(
  { heads, places, order, block: [height, width] }: Layout,
  visit: (row: number, column: number, value: number) => void,
): void {
  for (let line = 0; line + 1 < heads.length; line++) {
    for (let r = 0; r < height; r++) {
      for (let p = heads[line] as number; p < (heads[line + 1] as number); p++) {
        for (let c = 0; c < width; c++) {
          const value = order === null ? (p * height + r) * width + c : (order[p] as number);
          visit(line * height + r, (places[p] as number) * width + c, value);
        }
      }
    }
  }
}

/** Counts of the numbers in [0, size) that `visit` is called with, added up from the front. */
export function headsOf(size: number, numbers: Iterable<number>): Int32Array<ArrayBuffer> {
  const heads = new Int32Array(size + 1);
  for (const number of numbers) heads[number + 1] = (heads[number + 1] as number) + 1;
  for (let i = 0; i < size; i++) heads[i + 1] = (heads[i + 1] as number) + (heads[i] as number);
  return heads;
}

/** The layout of the same elements by columns, each with the number of its value. */
function turned(layout: Layout, columns: number): Layout {
  const [rows, across, order]: [number[], number[], number[]] = [[], [], []];
  visitElements(layout, (row, column, value) => {
    rows.push(row);
    across.push(column);
    order.push(value);
  });
  const heads = headsOf(columns, across);
  const next = heads.slice();
  const places = new Int32Array(rows.length);
  const values = new Int32Array(rows.length);
  across.forEach((column, i) => {
    const to = next[column] as number;
    next[column] = to + 1;
    places[to] = rows[i] as number;
    values[to] = order[i] as number;
  });
  return { heads, places, order: values, block: [1, 1] };
}

/**
 * A layout on the device, and that of the transposed matrix, which is made when it is first wanted and serves from then on.
 */
export class Pattern {
  readonly heads: Tensor<'int32'>;
  readonly places: Tensor<'int32'>;
  readonly order: Tensor<'int32'> | null;
  private other: Pattern | null = null;

  constructor(
    like: Tensor,
    readonly rows: number,
    readonly columns: number,
    readonly layout: Layout,
  ) {
    const { heads, places, order } = layout;
    this.heads = indicesLike(like, heads, [heads.length], 'sparse');
    this.places = indicesLike(like, places, [places.length], 'sparse');
    this.order = order && indicesLike(like, order, [order.length], 'sparse');
  }

  get transposed(): Pattern {
    // It lives as long as this one, however short the scope is in which it is first wanted.
    if (this.other === null) {
      const layout = turned(this.layout, this.columns);
      this.other = within(this.heads.scope, () => new Pattern(this.heads, this.columns, this.rows, layout));
      this.other.other = this;
    }
    return this.other;
  }

  /** The tensors it consists of, without those of the transposed one. */
  tensors(): Tensor[] {
    return [this.heads, this.places, ...(this.order === null ? [] : [this.order])];
  }

  /** What has been made so far, of this and of the transposed one. */
  all(): Tensor[] {
    return [...this.tensors(), ...(this.other?.tensors() ?? [])];
  }

  /** 0 without blocks, else the columns of a block. */
  get blockColumns(): number {
    const [height, width] = this.layout.block;
    return height === 1 ? 0 : width;
  }

  /** Multiply-adds for a column of the dense matrix, by row of entries. */
  get weight(): number {
    const { heads, places, block } = this.layout;
    return Math.max(1, (places.length * block[0] * block[1]) / Math.max(1, heads.length - 1));
  }
}

const GRAIN = 2 ** 19;

/**
 * S · x for x [columns, N]: [rows, N]; or, where `across`, x · Sᵀ for x [N, columns]: [N, rows]. `values` are flat.
 */
export function multiply(pattern: Pattern, values: Tensor, x: Tensor, across: boolean): Tensor {
  const { rows, columns, layout } = pattern;
  const n = x.shape[across ? 0 : 1] as number;
  const y = empty(x, across ? [n, rows] : [rows, n], 'float32', 'sparseMatmul');
  y.storage.device.launch({
    kernel: 'sparseProduct_f32',
    work: n === 0 ? 0 : layout.heads.length - 1,
    grain: Math.max(1, Math.ceil(GRAIN / (pattern.weight * Math.max(1, n)))),
    writes: [y],
    reads: [pattern.heads, pattern.places, dense(values), pattern.order, dense(x)],
    ints: [rows, n, columns, pattern.blockColumns, across ? 1 : 0, layout.places.length],
    scratch: 512 + (pattern.order === null ? 0 : 4 * layout.places.length) + (across ? 128 * columns : 0),
  });
  record('sparseMatmul', [values, x], [y], [values, x, ...pattern.tensors()], ([g], [v, dense], needs) => [
    needs[0] ? sample(pattern, g as Tensor, dense as Tensor, across, (v as Tensor).numel()) : null,
    needs[1] ? multiply(pattern.transposed, v as Tensor, g as Tensor, across) : null,
  ]);
  return y;
}

/** The gradient of the values: g · xᵀ at the places of the entries (across: gᵀ · x), flat. */
function sample(pattern: Pattern, g: Tensor, x: Tensor, across: boolean, size: number): Tensor {
  const [p, q] = across ? [transpose(g, 0, 1), transpose(x, 0, 1)] : [g, x];
  const { layout, rows } = pattern;
  const n = p.shape[1] as number;
  const y = empty(g, [size], 'float32', 'sparseSample');
  y.storage.device.launch({
    kernel: 'sparseSample_f32',
    work: sizeOf(y.shape) === 0 ? 0 : layout.heads.length - 1,
    grain: Math.max(1, Math.ceil(GRAIN / (pattern.weight * Math.max(1, n)))),
    writes: [y],
    reads: [pattern.heads, pattern.places, pattern.order, dense(p), dense(q)],
    ints: [rows, n, pattern.blockColumns],
  });
  record('sparseSample', [g, x], [y], [g, x, ...pattern.tensors()], ([v], [left, right], needs) => [
    needs[0] ? multiply(pattern, v as Tensor, right as Tensor, across) : null,
    needs[1] ? multiply(pattern.transposed, v as Tensor, left as Tensor, across) : null,
  ]);
  return y;
}
