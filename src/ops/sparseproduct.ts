import { sparse } from '#binary';
import { deliverRows, isCapturing, record } from '../autograd/index.js';
import { within } from '../core/scope.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { indicesLike } from './masked.js';
import { transpose } from './movement.js';
import { dense, empty } from './op.js';
import { sum } from './reduce.js';
import { Rows, ranked } from './rowgradient.js';

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
export function headsOf(size: number, numbers: ArrayLike<number>): Int32Array<ArrayBuffer> {
  const heads = new Int32Array(size + 1);
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i] as number;
    heads[number + 1] = (heads[number + 1] as number) + 1;
  }
  for (let i = 0; i < size; i++) heads[i + 1] = (heads[i + 1] as number) + (heads[i] as number);
  return heads;
}

/** The places of `keys`, whole numbers in [0, size), in rising order; equal ones stay in the order that `before` has them in. */
export function ordered(
  keys: Int32Array,
  size: number,
  before: Int32Array<ArrayBuffer> | null = null,
): Int32Array<ArrayBuffer> {
  const next = headsOf(size, keys);
  const order = new Int32Array(keys.length);
  for (let k = 0; k < keys.length; k++) {
    const i = before === null ? k : (before[k] as number);
    const key = keys[i] as number;
    const to = next[key] as number;
    next[key] = to + 1;
    order[to] = i;
  }
  return order;
}

/** The layout of the same elements by columns, each with the number of its value. */
function turned(layout: Layout, columns: number): Layout {
  const { places, block } = layout;
  const count = places.length * block[0] * block[1];
  const [rows, across, values] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)];
  let at = 0;
  visitElements(layout, (row, column, value) => {
    rows[at] = row;
    across[at] = column;
    values[at++] = value;
  });
  const order = ordered(across, columns);
  return {
    heads: headsOf(columns, across),
    places: order.map((i) => rows[i] as number),
    order: order.map((i) => values[i] as number),
    block: [1, 1],
  };
}

/** The indices of a layout on the device. */
interface Indices {
  readonly heads: Tensor<'int32'>;
  readonly places: Tensor<'int32'>;
  readonly order: Tensor<'int32'> | null;
}

/** Puts the indices of a layout on the device of `like`. */
function upload(like: Tensor, { heads, places, order }: Layout): Indices {
  return {
    heads: indicesLike(like, heads, [heads.length], 'sparse'),
    places: indicesLike(like, places, [places.length], 'sparse'),
    order: order && indicesLike(like, order, [order.length], 'sparse'),
  };
}

/**
 * A layout on the device, and that of the transposed matrix, which is made when it is first wanted and serves from then on.
 */
export class Pattern {
  readonly heads: Tensor<'int32'>;
  readonly places: Tensor<'int32'>;
  readonly order: Tensor<'int32'> | null;
  private other: Pattern | null = null;
  private narrow: { readonly columns: Int32Array<ArrayBuffer>; readonly layout: Layout } | null = null;

  /** `like` is a tensor on the device to use, or the indices themselves where they are there. */
  constructor(
    like: Tensor | Indices,
    readonly rows: number,
    readonly columns: number,
    readonly layout: Layout,
  ) {
    ({ heads: this.heads, places: this.places, order: this.order } = 'heads' in like ? like : upload(like, layout));
  }

  get transposed(): Pattern {
    // It lives as long as this one, however short the scope is in which it is first wanted.
    return this.transposedIn(({ scope }, make) => within(scope, make));
  }

  /** The transposed pattern, whose tensors, if it is not there yet, are what `hold` makes of them. */
  transposedIn(hold: (heads: Tensor, make: () => Indices) => Indices): Pattern {
    if (this.other === null) {
      const layout = turned(this.layout, this.columns);
      const indices = hold(this.heads, () => upload(this.heads, layout));
      this.other = new Pattern(indices, this.columns, this.rows, layout);
      this.other.other = this;
    }
    return this.other;
  }

  /** Whether so few columns have entries that a gradient by column is worth its sorting. Without blocks. */
  get isScattered(): boolean {
    const { places, block } = this.layout;
    return block[0] === 1 && this.columns >= 4096 && 4 * places.length <= this.columns;
  }

  /** The columns that have entries, and the layout of the transposed matrix with those alone. */
  get inUse(): { readonly columns: Int32Array<ArrayBuffer>; readonly layout: Layout } {
    if (this.narrow === null) {
      const { heads, places, order } = this.layout;
      const { distinct, ranks } = ranked(places);
      const layout = turned({ heads, places: ranks, order, block: [1, 1] }, distinct.length);
      this.narrow = { columns: distinct, layout };
    }
    return this.narrow;
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

/** What follows a product x · Sᵀ. */
export interface SparseEpilogue {
  /** Added to every row: [rows of S], float32. */
  readonly bias?: Tensor | null;
  /** Whether negative results become 0; where no gradient is wanted. */
  readonly relu?: boolean;
}

/**
 * S · x for x [columns, N]: [rows, N]; or, where `across`, x · Sᵀ for x [N, columns]: [N, rows], and what follows it. `values`
 * are flat. `table` is what x is another shape of.
 */
export function multiply(
  pattern: Pattern,
  values: Tensor,
  x: Tensor,
  across: boolean,
  { bias = null, relu = false, table = x }: SparseEpilogue & { readonly table?: Tensor } = {},
): Tensor {
  const { rows, columns, layout } = pattern;
  const n = x.shape[across ? 0 : 1] as number;
  const y = empty(x, across ? [n, rows] : [rows, n], 'float32', 'sparseMatmul');
  y.storage.device.launch({
    kernel: sparse.kernel('sparseProduct_f32'),
    work: n === 0 ? 0 : layout.heads.length - 1,
    grain: Math.max(1, Math.ceil(GRAIN / (pattern.weight * Math.max(1, n)))),
    writes: [y],
    reads: [pattern.heads, pattern.places, dense(values), pattern.order, dense(x), bias && dense(bias)],
    ints: [rows, n, columns, pattern.blockColumns, across ? 1 : 0, layout.places.length, relu ? 1 : 0],
    scratch: 768 + (pattern.order === null ? 0 : 4 * layout.places.length) + (across ? 192 * columns : 0),
  });
  const inputs = bias === null ? [values, x] : [values, x, bias];
  record('sparseMatmul', inputs, [y], [values, x, ...pattern.tensors()], ([g], [v, dense], needs) => [
    needs[0] ? sample(pattern, g as Tensor, dense as Tensor, across, (v as Tensor).numel()) : null,
    needs[1] ? gradientOf(table, pattern, v as Tensor, g as Tensor, across) : null,
    ...(bias === null ? [] : [needs[2] ? sum(g as Tensor, 0) : null]),
  ]);
  return y;
}

/** The gradient of the dense matrix; null where it, a leaf, has been given that of the few rows that were read. */
function gradientOf(table: Tensor, pattern: Pattern, values: Tensor, g: Tensor, across: boolean): Tensor | null {
  const rows = (): Rows => {
    const { columns, layout } = pattern.inUse;
    const used = new Pattern(pattern.heads, columns.length, pattern.rows, layout);
    return new Rows(columns, multiply(used, values, g, false), table.shape);
  };
  if (!across && pattern.isScattered && !isCapturing() && deliverRows(table, rows)) return null;
  return multiply(pattern.transposed, values, g, across);
}

/** The gradient of the values: g · xᵀ at the places of the entries (across: gᵀ · x), flat. */
function sample(pattern: Pattern, g: Tensor, x: Tensor, across: boolean, size: number): Tensor {
  const [p, q] = across ? [transpose(g, 0, 1), transpose(x, 0, 1)] : [g, x];
  const { layout, rows } = pattern;
  const n = p.shape[1] as number;
  const y = empty(g, [size], 'float32', 'sparseSample');
  y.storage.device.launch({
    kernel: sparse.kernel('sparseSample_f32'),
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
