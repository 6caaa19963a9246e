import { indexing } from '#binary';
import { noGrad } from '../autograd/index.js';
import type { Owned, Scope } from '../core/scope.js';
import { scope } from '../core/scoping.js';
import { type Shape, sizeOf } from '../core/shape.js';
import type { RowGradient, Tensor } from '../core/tensor.js';
import { indicesLike } from './masked.js';
import { dense, empty, scalarLike } from './op.js';

/** Rows of a table: read, written, and the gradient of a table of which a few were read. */

/** Copies of the rows of `x` [n, ..] at `rows` [m]: [m, ..]. Nothing is recorded. */
export function readRows(x: Tensor, rows: Tensor): Tensor {
  const shape = [rows.numel(), ...x.shape.slice(1)];
  const y = empty(x, shape, 'float32', 'rows');
  const length = sizeOf(shape.slice(1));
  y.storage.device.launch({
    kernel: indexing.kernel('gatherRows_b4'),
    work: length === 0 ? 0 : rows.numel(),
    grain: Math.max(1, Math.floor(16384 / Math.max(length, 1))),
    writes: [y],
    reads: [dense(x), rows],
    ints: [rows.numel(), length],
  });
  return y;
}

/** Writes the rows `y` [m, ..] to the places `rows` [m], each of which comes once, of a contiguous `x` [n, ..]. */
export function writeRows(x: Tensor, rows: Tensor, y: Tensor): void {
  const length = sizeOf(x.shape.slice(1));
  x.storage.device.launch({
    kernel: indexing.kernel('putRows_b4'),
    work: length === 0 ? 0 : rows.numel(),
    grain: Math.max(1, Math.floor(16384 / Math.max(length, 1))),
    writes: [x],
    reads: [dense(y), rows],
    ints: [rows.numel(), length],
  });
}

/** Zeros of `shape` with y[i, ..] added at row rows[i]. Nothing is recorded. */
export function addedRows(y: Tensor, rows: Tensor, shape: Shape): Tensor {
  const length = sizeOf(shape.slice(1));
  const x = empty(y, shape, 'float32', 'rows');
  x.storage.device.launch({ kernel: 'fill_b4', work: x.numel(), grain: 65536, writes: [x], reads: [], ints: [0] });
  x.storage.device.launch({
    kernel: indexing.kernel('scatterAddRows_f32'),
    work: length,
    writes: [x],
    reads: [dense(y), rows],
    ints: [rows.numel(), length],
  });
  return x;
}

/** How often each of so many rows comes among `index` [n]: float32 [rows, 1]. */
export function countedRows(index: Tensor, rows: number): Tensor {
  const one = scalarLike(index, 1, 'float32');
  return addedRows(dense(one.strided([index.numel(), 1], [0, 0], 0)), dense(index), [rows, 1]);
}

const DIGIT = 11;
const RADIX = 2 ** DIGIT;

/** The places of `numbers`, whole and ≥ 0, in rising order of them: sorted digit by digit, which no comparing sort keeps up with. */
function sortedPlaces(numbers: Int32Array): Int32Array {
  let most = 0;
  for (let i = 0; i < numbers.length; i++) most = Math.max(most, numbers[i] as number);
  let order = new Int32Array(numbers.length);
  let other = new Int32Array(numbers.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  const starts = new Int32Array(RADIX + 1);
  for (let shift = 0; shift < 31 && most >>> shift > 0; shift += DIGIT) {
    starts.fill(0);
    for (let i = 0; i < numbers.length; i++) {
      const digit = ((numbers[i] as number) >>> shift) & (RADIX - 1);
      starts[digit + 1] = (starts[digit + 1] as number) + 1;
    }
    for (let d = 0; d < RADIX; d++) starts[d + 1] = (starts[d + 1] as number) + (starts[d] as number);
    for (let k = 0; k < order.length; k++) {
      const i = order[k] as number;
      const digit = ((numbers[i] as number) >>> shift) & (RADIX - 1);
      const to = starts[digit] as number;
      starts[digit] = to + 1;
      other[to] = i;
    }
    [order, other] = [other, order];
  }
  return order;
}

/** The different ones among `numbers`, rising, and the place of each of `numbers` among them. */
export function ranked(numbers: Int32Array): {
  readonly distinct: Int32Array<ArrayBuffer>;
  readonly ranks: Int32Array<ArrayBuffer>;
} {
  const order = sortedPlaces(numbers);
  const distinct = new Int32Array(numbers.length);
  const ranks = new Int32Array(numbers.length);
  let found = 0;
  for (let k = 0; k < order.length; k++) {
    const i = order[k] as number;
    const number = numbers[i] as number;
    if (found === 0 || distinct[found - 1] !== number) distinct[found++] = number;
    ranks[i] = found - 1;
  }
  return { distinct: distinct.slice(0, found), ranks };
}

function joined(a: Int32Array, b: Int32Array): Int32Array {
  const both = new Int32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** See `RowGradient`. */
export class Rows implements RowGradient {
  scope: Scope | null = null;

  /** `shape` is that of the leaf. */
  constructor(
    readonly rows: Int32Array<ArrayBuffer>,
    readonly values: Tensor,
    readonly shape: Shape,
  ) {}

  plus(other: RowGradient): Rows {
    const { distinct, ranks } = ranked(joined(this.rows, other.rows));
    const sums = scope(() =>
      noGrad(() => {
        const shape = [distinct.length, ...this.shape.slice(1)];
        const at = (ranks: Int32Array): Tensor => indicesLike(this.values, ranks, [ranks.length], 'rows');
        const mine = addedRows(this.values, at(ranks.subarray(0, this.rows.length)), shape);
        mine.storage.device.launch({
          kernel: indexing.kernel('scatterAddRows_f32'),
          work: sizeOf(shape.slice(1)),
          writes: [mine],
          reads: [other.values, at(ranks.subarray(this.rows.length))],
          ints: [other.rows.length, sizeOf(shape.slice(1))],
        });
        return mine;
      }),
    );
    return new Rows(distinct, sums, this.shape);
  }

  toDense(): Tensor {
    return scope(() =>
      noGrad(() => {
        const { values, rows, shape } = this;
        return addedRows(values, indicesLike(values, rows, [rows.length], 'rows'), shape);
      }),
    );
  }

  dispose(): void {
    this.values.dispose();
  }

  reach(visit: (owned: Owned) => void): void {
    visit(this.values);
  }
}
