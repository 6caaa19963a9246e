import { pooling } from '#binary';
import { record } from '../autograd/index.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { dense, empty } from './op.js';

/**
 * Linear maps along one dimension, given by the few terms of each of their rows. Resizing is separable and linear, so that
 * every mode of `interpolate` is a table of this kind, and its gradient the transposed table.
 */

/** y[p] = Σ weights[k] · x[places[k]] over the k from begins[p] up to, not including, begins[p + 1]. */
export interface Table {
  readonly columns: number;
  readonly begins: Int32Array;
  readonly places: Int32Array;
  readonly weights: Float32Array;
}

/** The terms of one row. */
export type Terms = readonly (readonly [place: number, weight: number])[];

/** A table of `rows` rows over `columns` columns. */
export function tableOf(rows: number, columns: number, of: (row: number) => Terms): Table {
  const terms = Array.from({ length: rows }, (_, row) => of(row));
  const begins = new Int32Array(rows + 1);
  terms.forEach((row, p) => {
    begins[p + 1] = (begins[p] as number) + row.length;
  });
  const all = terms.flat();
  return {
    columns,
    begins,
    places: Int32Array.from(all, ([place]) => place),
    weights: Float32Array.from(all, ([, weight]) => weight),
  };
}

function transposed({ columns, begins, places, weights }: Table): Table {
  const rows = begins.length - 1;
  const terms: [number, number][][] = Array.from({ length: columns }, () => []);
  for (let p = 0; p < rows; p++) {
    for (let k = begins[p] as number; k < (begins[p + 1] as number); k++) {
      terms[places[k] as number]?.push([p, weights[k] as number]);
    }
  }
  return tableOf(columns, rows, (row) => terms[row] as Terms);
}

function upload(like: Tensor, data: Int32Array | Float32Array): Tensor {
  const y = empty(like, [data.length], 'int32', 'resample');
  y.storage.device.write(y.storage, 0, new Uint8Array(data.buffer));
  return y;
}

/** The map of `table` along dimension d of x, float32. */
export function resample(x: Tensor, d: number, table: Table): Tensor {
  const rows = table.begins.length - 1;
  const y = empty(
    x,
    x.shape.map((s, i) => (i === d ? rows : s)),
    'float32',
    'resample',
  );
  const inner = sizeOf(x.shape.slice(d + 1));
  const held = [table.begins, table.places, table.weights].map((data) => upload(x, data));
  y.storage.device.launch({
    kernel: pooling.kernel('resample_f32'),
    work: inner === 0 ? 0 : y.numel() / inner,
    grain: Math.max(1, Math.floor(16384 / Math.max(inner, 1))),
    writes: [y],
    reads: [dense(x), ...held],
    ints: [rows, table.columns, inner],
  });
  for (const t of held) t.dispose();
  record('resample', [x], [y], [], ([g]) => [resample(g as Tensor, d, transposed(table))]);
  return y;
}
