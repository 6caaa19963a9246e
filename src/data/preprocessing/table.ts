import { fail, show } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import { cast, tensor } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';

/**
 * What preprocessing works on: a sample in each row. A tensor's first dimension counts samples, and each place in the other
 * dimensions is a feature of its own: images [N, 1, 8, 8] have 64 features.
 */
export type Samples = Tensor | readonly (readonly number[])[];

/** The same kind as came in: a float32 tensor for a tensor, rows for rows. */
export type SamplesLike<X extends Samples> = X extends Tensor ? Tensor<'float32'> : number[][];

/** Samples as numbers: `rows` × `features` of them, row by row. */
export interface Table {
  readonly data: ArrayLike<number>;
  readonly rows: number;
  readonly features: number;
}

/** Reads samples, and throws for what no statistics can be made of: none at all, ragged rows, infinities. NaN may be there. */
export function readTable(name: string, x: Samples): Table {
  const table = x instanceof Tensor ? tensorTable(name, x) : rowsTable(name, x);
  const { data, rows, features } = table;
  if (rows === 0 || features === 0)
    fail('data', `${name}: expected at least one sample with one feature, got ${rows} × ${features}.`);
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (Math.abs(value) === Number.POSITIVE_INFINITY) {
      fail(
        'data',
        `${name}: sample ${Math.floor(i / features)} has ${value} in feature ${i % features}. Replace it, NaN means missing.`,
      );
    }
  }
  return table;
}

function tensorTable(name: string, x: Tensor): Table {
  if (x.ndim < 2) {
    fail(
      'shape',
      `${name}: expected samples [N, features …], got ${show(x.shape)}. Use reshape(-1, 1) for one feature.`,
    );
  }
  return { data: x.dataSync(), rows: x.shape[0] as number, features: sizeOf(x.shape.slice(1)) };
}

function rowsTable(name: string, x: readonly (readonly number[])[]): Table {
  if (!Array.isArray(x) || !x.every(Array.isArray)) {
    return fail(
      'argument',
      `${name}: expected a tensor [N, features …] or an array with an array of numbers for each sample.`,
    );
  }
  const features = x[0]?.length ?? 0;
  const odd = x.findIndex((row) => row.length !== features);
  if (odd >= 0) fail('shape', `${name}: sample 0 has ${features} features, sample ${odd} has ${x[odd]?.length}.`);
  const wrong = x.findIndex((row) => row.some((value) => typeof value !== 'number'));
  if (wrong >= 0) fail('argument', `${name}: sample ${wrong} holds something that is no number.`);
  return { data: Float64Array.from(x.flat()), rows: x.length, features };
}

/** Throws unless samples have as many features as were fitted. */
export function checkFeatures(name: string, x: Samples, fitted: number): void {
  const found = x instanceof Tensor ? sizeOf(x.shape.slice(1)) : (x[0]?.length ?? fitted);
  if (found !== fitted) fail('shape', `${name}: it was fitted to ${fitted} features, these samples have ${found}.`);
  if (!(x instanceof Tensor) && x.some((row) => row.length !== fitted)) {
    fail('shape', `${name}: every sample must have ${fitted} features.`);
  }
}

/** A function of each value and its feature, on rows. */
export function mapRows(
  x: readonly (readonly number[])[],
  change: (value: number, feature: number) => number,
): number[][] {
  return x.map((row) => row.map(change));
}

/** A value for each feature as a float32 tensor that broadcasts over samples. */
export function perFeature(x: Tensor, values: ArrayLike<number>): Tensor<'float32'> {
  return tensor(Float32Array.from(values), x.shape.slice(1));
}

/**
 * What float32 leaves of each value. Subtracting a value and then what its rounding left out is nearly as exact as float64
 * would be, where subtracting the rounded value alone loses a mean that is large beside its spread.
 */
export function roundedOff(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values, (value) => value - Math.fround(value));
}

/** `x` in float32. */
export function floats(x: Tensor): Tensor<'float32'> {
  return cast(x, 'float32');
}

/** A function of all values of a feature at once, on samples of any kind: `change(column, feature)` changes `column` in place. */
export function mapColumns<X extends Samples>(
  x: X,
  change: (column: Float64Array, feature: number) => void,
): SamplesLike<X> {
  const [data, rows, features] =
    x instanceof Tensor
      ? [x.dataSync(), x.shape[0] as number, sizeOf(x.shape.slice(1))]
      : [x.flat(), x.length, x[0]?.length ?? 0];
  const out = new Float64Array(rows * features);
  const column = new Float64Array(rows);
  for (let f = 0; f < features; f++) {
    for (let r = 0; r < rows; r++) column[r] = data[r * features + f] as number;
    change(column, f);
    for (let r = 0; r < rows; r++) out[r * features + f] = column[r] as number;
  }
  return likeSamples(x, out, features);
}

/** `rows` × `features` values as the kind that came in; a tensor keeps its shape where it keeps its features. */
export function likeSamples<X extends Samples>(x: X, values: Float64Array, features: number): SamplesLike<X> {
  if (x instanceof Tensor) {
    const isSame = sizeOf(x.shape.slice(1)) === features;
    return tensor(Float32Array.from(values), isSame ? x.shape : [x.shape[0] as number, features]) as SamplesLike<X>;
  }
  return Array.from({ length: x.length }, (_, r) =>
    Array.from(values.subarray(r * features, (r + 1) * features)),
  ) as SamplesLike<X>;
}

/** The values of feature `f` that are there, NaN left out. */
export function presentOf({ data, rows, features }: Table, f: number): Float64Array {
  const column = new Float64Array(rows);
  let n = 0;
  for (let r = 0; r < rows; r++) {
    const value = data[r * features + f] as number;
    if (!Number.isNaN(value)) column[n++] = value;
  }
  return column.subarray(0, n);
}

/** The samples of two tables, one behind the other. */
export function joinTables(a: Table | null, b: Table): Table {
  if (a === null) return { ...b, data: Float64Array.from(b.data) };
  const data = new Float64Array(a.data.length + b.data.length);
  data.set(a.data);
  data.set(b.data, a.data.length);
  return { data, rows: a.rows + b.rows, features: b.features };
}

/** The samples that were fitted before, for statistics that need them all. */
export function kept(kind: string, table: Table | null): Table {
  return (
    table ??
    fail('state', `${kind}.partialFit: a restored ${kind} no longer has the samples it was fitted to. Fit it anew.`)
  );
}
