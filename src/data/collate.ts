import type { DType, TypedArray } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { sameShape, sizeOf } from '../core/shape.js';
import { stack, tensor } from '../ops/index.js';
import { Tensor } from '../tensor.js';

/** Numbers that are not on a device: what a dataset reads from files, and what can be handed from thread to thread. */
export interface HostArray {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}

/**
 * What a batch of samples of type T looks like: a tensor, arrays and objects of them, lists of anything else.
 * `[Tensor, number]` gives `[Tensor, Tensor]`; `{ image: Tensor, name: string }` gives `{ image: Tensor, name: string[] }`.
 */
export type Collated<T> =
  T extends Tensor<infer D>
    ? Tensor<D>
    : T extends number | boolean | TypedArray | HostArray
      ? Tensor
      : T extends string
        ? string[]
        : T extends readonly unknown[]
          ? { -readonly [K in keyof T]: Collated<T[K]> }
          : T extends object
            ? { -readonly [K in keyof T]: Collated<T[K]> }
            : T[];

type Kind = 'tensor' | 'number' | 'boolean' | 'typed array' | 'host array' | 'array' | 'object' | 'other';

function isHostArray(value: object): value is HostArray {
  return 'data' in value && 'shape' in value && ArrayBuffer.isView(value.data) && Array.isArray(value.shape);
}

function kindOf(value: unknown): Kind {
  if (value instanceof Tensor) return 'tensor';
  if (typeof value === 'number' || typeof value === 'boolean') return typeof value as 'number' | 'boolean';
  if (ArrayBuffer.isView(value)) return 'typed array';
  if (Array.isArray(value)) return 'array';
  if (typeof value !== 'object' || value === null) return 'other';
  if (isHostArray(value)) return 'host array';
  return Object.getPrototypeOf(value) === Object.prototype ? 'object' : 'other';
}

interface ArrayKind {
  new (length: number): TypedArray;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
}

/** What becomes of samples that belong together. */
export interface Joiner {
  /** Room for the numbers of a batch. */
  room(kind: ArrayKind, length: number): TypedArray;
  /** The batch that these numbers are; without `dtype`, the one that tensors of such numbers have. */
  join(data: TypedArray, shape: readonly number[], dtype?: DType): unknown;
  stack(tensors: readonly Tensor[]): Tensor;
}

const TENSORS: Joiner = {
  room: (kind, length) => new kind(length),
  join: (data, shape, dtype) => tensor(data, shape, dtype === undefined ? {} : { dtype }),
  stack: (tensors) => stack(tensors),
};

/** Arrays of one kind and shape, one behind another, as one with a new first dimension. */
function join(arrays: readonly HostArray[], joiner: Joiner): unknown {
  const { data, shape } = arrays[0] as HostArray;
  const size = sizeOf(shape);
  const all = joiner.room(data.constructor as unknown as ArrayKind, arrays.length * size);
  arrays.forEach((array, i) => {
    if (!sameShape(array.shape, shape) || array.data.constructor !== data.constructor || array.data.length !== size) {
      const [a, b] = [array.data.constructor.name, data.constructor.name];
      fail(
        'shape',
        `collate: samples of a batch must have one shape and kind: sample 0 is ${b} ${show(shape)}, ` +
          `sample ${i} is ${a} ${show(array.shape)} of ${array.data.length} elements. Resize them, or pass a collate of your own.`,
      );
    }
    all.set(array.data, i * size);
  });
  return joiner.join(all, [arrays.length, ...shape]);
}

function numbers(values: readonly number[], joiner: Joiner): unknown {
  // JavaScript has one kind of number, so the values decide: class labels come out as int32, measurements as float32.
  const whole = values.every((v) => Number.isInteger(v) && Math.abs(v) < 2 ** 31);
  return joiner.join(whole ? Int32Array.from(values) : Float32Array.from(values), [values.length]);
}

/**
 * Joins samples to a batch, as PyTorch's `default_collate`: tensors, typed arrays and `{ data, shape }` are stacked along a
 * new first dimension, numbers become an int32 tensor where all are whole and a float32 tensor otherwise, booleans a bool
 * tensor; arrays are joined position by position, plain objects key by key; anything else becomes a list.
 * Throws where samples differ in kind, shape, length or keys.
 */
export function defaultCollate<T>(samples: readonly T[]): Collated<T> {
  return collateWith(samples, TENSORS) as Collated<T>;
}

/** The same, with what `joiner` makes in place of tensors. */
export function collateWith(samples: readonly unknown[], joiner: Joiner): unknown {
  if (samples.length === 0) fail('argument', 'collate: expected at least one sample.');
  return collate(samples, joiner);
}

function collate(samples: readonly unknown[], joiner: Joiner): unknown {
  const first = samples[0];
  const kind = kindOf(first);
  samples.forEach((sample, i) => {
    const other = kindOf(sample);
    if (other !== kind) fail('data', `collate: sample 0 of the batch is a ${kind}, sample ${i} is a ${other}.`);
  });
  switch (kind) {
    case 'tensor':
      return joiner.stack(samples as readonly Tensor[]);
    case 'number':
      return numbers(samples as readonly number[], joiner);
    case 'boolean':
      return joiner.join(Uint8Array.from(samples, Number), [samples.length], 'bool');
    case 'typed array':
      return join(
        (samples as readonly TypedArray[]).map((data) => ({ data, shape: [data.length] })),
        joiner,
      );
    case 'host array':
      return join(samples as readonly HostArray[], joiner);
    case 'array': {
      const { length } = first as readonly unknown[];
      const odd = (samples as readonly unknown[][]).findIndex((sample) => sample.length !== length);
      if (odd >= 0) {
        const other = (samples[odd] as readonly unknown[]).length;
        fail('data', `collate: sample 0 of the batch has ${length} entries, sample ${odd} has ${other}.`);
      }
      return Array.from({ length }, (_, k) =>
        collate(
          (samples as readonly unknown[][]).map((sample) => sample[k]),
          joiner,
        ),
      );
    }
    case 'object': {
      const keys = Object.keys(first as object);
      const odd = (samples as readonly object[]).findIndex(
        (sample) => Object.keys(sample).length !== keys.length || !keys.every((key) => Object.hasOwn(sample, key)),
      );
      if (odd >= 0) {
        const other = Object.keys(samples[odd] as object).join(', ');
        fail('data', `collate: sample 0 of the batch has the keys ${keys.join(', ')}, sample ${odd} has ${other}.`);
      }
      const column = (key: string): unknown[] => (samples as readonly Record<string, unknown>[]).map((s) => s[key]);
      return Object.fromEntries(keys.map((key) => [key, collate(column(key), joiner)]));
    }
    default:
      return [...samples];
  }
}
