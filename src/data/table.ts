import { fail, show } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import { cast, tensor } from '../ops/index.js';
import { Tensor } from '../tensor.js';

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

/** Statistics as JSON has them: it knows no NaN, which a feature without a single value has. */
export function toNumbers(values: ArrayLike<number>): (number | null)[] {
  return Array.from(values, (value) => (Number.isNaN(value) ? null : value));
}

export function fromNumbers(name: string, what: string, value: unknown): Float64Array {
  if (!Array.isArray(value) || !value.every((v) => v === null || typeof v === 'number')) {
    return fail('format', `${name}: ${what} must be an array of numbers.`);
  }
  return Float64Array.from(value, (v: number | null) => v ?? Number.NaN);
}

/** The fields of a saved preprocessor of this kind. */
export function fieldsOf(kind: string, json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || !('kind' in json) || json.kind !== kind) {
    const found = typeof json === 'object' && json !== null && 'kind' in json ? String(json.kind) : typeof json;
    return fail('format', `${kind}.fromJSON: expected what ${kind}.toJSON gave, got ${found}.`);
  }
  return json as Record<string, unknown>;
}
