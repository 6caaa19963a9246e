import { currentDevice } from '../backend/current.js';
import { checkOptions, isOptions, readArguments } from '../core/arguments.js';
import { checkDType, type DType, dtypeOfArray, type TypedArray, traits } from '../core/dtype.js';
import * as elementary from '../core/elementary.js';
import { fail, show } from '../core/errors.js';
import { toHalf } from '../core/half.js';
import { leading } from '../core/keywords.js';
import type { Plus1, RankOf } from '../core/rank.js';
import { checkShape, type Shape, sizeOf } from '../core/shape.js';
import { CREATE_NAMES, readSizes } from '../core/sizes.js';
import { allocate, type NestedArray, refuseStranger, type Tensor } from '../core/tensor.js';

export interface CreateOptions<D extends DType = DType> {
  /** Element type. Default: float32, or what the data suggests. */
  readonly dtype?: D;
  /** Whether gradients flow back to this tensor. Default false. */
  readonly requiresGrad?: boolean;
}

/** Nested arrays flattened, and the shape they have. */
function flatten(data: NestedArray): { shape: number[]; flat: (number | boolean)[] } {
  const shape: number[] = [];
  for (let level = data; Array.isArray(level); level = level[0] as NestedArray) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  const flat: (number | boolean)[] = [];
  const walk = (value: NestedArray, depth: number): void => {
    if (Array.isArray(value)) {
      if (depth >= shape.length || value.length !== shape[depth]) {
        fail(
          'shape',
          `tensor: nested arrays must be rectangular; at depth ${depth} expected ${shape[depth] ?? 'a number'}, got ${value.length} entries.`,
        );
      }
      for (const item of value) walk(item, depth + 1);
      return;
    }
    if (depth !== shape.length)
      fail('shape', `tensor: nested arrays must be rectangular; expected an array at depth ${depth}.`);
    if (typeof value !== 'number' && typeof value !== 'boolean') {
      refuseStranger('tensor', value);
      fail('argument', `tensor: expected numbers, got ${value === null ? 'null' : typeof value}.`);
    }
    flat.push(value);
  };
  walk(data, 0);
  return { shape, flat };
}

/** The bytes of `values` as elements of `dtype`: truncated for integers, 0 or 1 for bool. */
function encode(values: ArrayLike<number | boolean>, dtype: DType): Uint8Array {
  const n = values.length;
  if (dtype === 'float16')
    return new Uint8Array(Uint16Array.from({ length: n }, (_, i) => toHalf(Number(values[i]))).buffer);
  if (dtype === 'bool') return Uint8Array.from({ length: n }, (_, i) => (values[i] ? 1 : 0));
  const array =
    dtype === 'float32'
      ? new Float32Array(n)
      : dtype === 'int32'
        ? new Int32Array(n)
        : dtype === 'int8'
          ? new Int8Array(n)
          : new Uint8Array(n);
  for (let i = 0; i < n; i++) array[i] = Number(values[i]);
  return new Uint8Array(array.buffer);
}

/** Whether the bytes of `data` already are the elements of `dtype`. */
function sameLayout(data: ArrayBufferView, dtype: DType): boolean {
  return (
    (dtype === 'float32' && data instanceof Float32Array) ||
    (dtype === 'int32' && (data instanceof Int32Array || data instanceof Uint32Array)) ||
    (dtype === 'int8' && data instanceof Int8Array) ||
    (dtype === 'uint8' && (data instanceof Uint8Array || data instanceof Uint8ClampedArray))
  );
}

function finish<D extends DType>(y: Tensor<D>, options: CreateOptions): Tensor<D> {
  if (options.requiresGrad) y.requiresGrad = true;
  return y;
}

/** The second argument of `tensor`: a shape, options, or a shape and then options. */
function splitArguments<D extends DType>(
  shape: Shape | CreateOptions<D> | undefined,
  options: CreateOptions<D> | undefined,
): { shape: Shape | undefined; options: CreateOptions<D> } {
  if (shape === undefined || Array.isArray(shape)) return { shape: shape as Shape | undefined, options: options ?? {} };
  return { shape: undefined, options: shape as CreateOptions<D> };
}

/** The dtype that data suggests. */
export type NaturalDType<T> = T extends Int32Array | Uint32Array
  ? 'int32'
  : T extends Int8Array
    ? 'int8'
    : T extends Uint8Array | Uint8ClampedArray
      ? 'uint8'
      : ElementOf<T> extends boolean
        ? 'bool'
        : 'float32';

// Arrays of a depth that only the data knows would have no end here.
type ElementOf<T> = NestedArray extends T ? number : T extends readonly (infer E)[] ? ElementOf<E> : T;

/** The rank of nested arrays, or of a typed array, which is one row. */
export type NaturalRank<T> = NestedArray extends T
  ? number
  : T extends readonly (infer E)[]
    ? Plus1<NaturalRank<E>>
    : T extends ArrayBufferView
      ? 1
      : 0;

/**
 * A tensor of the given numbers: nested arrays, one number, or a typed array with its shape. The data is copied. Without
 * `dtype`, a typed array keeps its kind, booleans give bool, and everything else float32.
 * Throws for ragged arrays and for a shape that does not hold as many elements as there are.
 */
export function tensor<T extends NestedArray | TypedArray, D extends DType = NaturalDType<T>>(
  data: T,
  options?: CreateOptions<D>,
): Tensor<D, NaturalRank<T>>;
export function tensor<T extends NestedArray | TypedArray, const S extends Shape, D extends DType = NaturalDType<T>>(
  data: T,
  shape: S,
  options?: CreateOptions<D>,
): Tensor<D, RankOf<S>>;
export function tensor<D extends DType>(
  data: NestedArray | TypedArray,
  shape?: Shape | CreateOptions<D>,
  options?: CreateOptions<D>,
): Tensor<D>;
export function tensor<D extends DType>(
  data: NestedArray | TypedArray,
  shape?: Shape | CreateOptions<D>,
  options?: CreateOptions<D>,
): Tensor<D> {
  const given = splitArguments(shape, options);
  checkOptions('tensor', given.options, CREATE_NAMES);
  const isTyped = ArrayBuffer.isView(data);
  const { flat, shape: found } = isTyped ? { flat: data as TypedArray, shape: [data.length] } : flatten(data);
  const natural = isTyped ? dtypeOfArray(data) : flat.length > 0 && typeof flat[0] === 'boolean' ? 'bool' : 'float32';
  const dtype = checkDType('tensor', given.options.dtype ?? natural) as D;
  const target = given.shape ?? found;
  checkShape('tensor', target);
  if (sizeOf(target) !== flat.length) {
    fail('shape', `tensor: shape ${show(target)} holds ${sizeOf(target)} elements, the data has ${flat.length}.`);
  }
  const y = allocate(currentDevice(), [...target], dtype, 'tensor');
  const bytes =
    isTyped && sameLayout(data, dtype)
      ? new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
      : encode(flat as ArrayLike<number | boolean>, dtype);
  y.storage.device.write(y.storage, 0, bytes);
  return finish(y, given.options);
}

export interface SizeOption {
  readonly size: Shape | number;
}

/** A tensor of the given sizes whose elements are whatever was in memory. */
export function empty<const S extends Shape | number, D extends DType = 'float32'>(
  size: S,
  options?: CreateOptions<D>,
): Tensor<D, RankOf<S>>;
export function empty<S extends number[]>(...sizes: S): Tensor<'float32', RankOf<S>>;
export function empty<D extends DType = 'float32'>(
  ...given: [...sizes: number[], options: CreateOptions<D>]
): Tensor<D>;
export function empty<D extends DType = 'float32'>(options: CreateOptions<D> & SizeOption): Tensor<D>;
export function empty(...given: readonly unknown[]): Tensor {
  const { sizes, options } = readSizes<CreateOptions>('empty', given);
  const dtype = checkDType('empty', options.dtype ?? 'float32');
  return finish(allocate(currentDevice(), sizes, dtype, 'empty'), options);
}

const scratch = new Float32Array(1);
const scratchBits = new Int32Array(scratch.buffer);

/** Sets every element. `y` must be contiguous. */
function fillWith(y: Tensor, value: number | boolean): void {
  const number = Number(value);
  const { bytes, isFloat } = traits[y.dtype];
  if (bytes === 2) {
    y.storage.device.write(y.storage, 0, encode(new Float64Array(y.numel()).fill(number), 'float16'));
    return;
  }
  scratch[0] = number;
  const bits = y.dtype === 'bool' ? Number(number !== 0) : isFloat ? (scratchBits[0] as number) : number | 0;
  y.storage.device.launch({
    kernel: `fill_b${bytes}`,
    work: y.numel(),
    grain: 65536,
    writes: [y],
    reads: [],
    ints: [bits],
  });
}

export interface FullOptions<D extends DType = DType> extends CreateOptions<D> {
  readonly fillValue: number | boolean;
}

/** A tensor of the given sizes with every element `fillValue`. */
export function full<const S extends Shape | number, D extends DType = 'float32'>(
  size: S,
  fillValue: number | boolean | FullOptions<D>,
  options?: CreateOptions<D>,
): Tensor<D, RankOf<S>>;
export function full<D extends DType = 'float32'>(options: FullOptions<D> & SizeOption): Tensor<D>;
export function full(...given: readonly unknown[]): Tensor {
  const names = ['size', 'fillValue', ...CREATE_NAMES] as const;
  const read = readArguments<Partial<FullOptions & SizeOption>>('full', given, names);
  const { size, fillValue, ...options } = read;
  if (size === undefined) fail('argument', 'full: size is missing.');
  if (typeof fillValue !== 'number' && typeof fillValue !== 'boolean') {
    fail('argument', `full: fillValue must be a number or a boolean, got ${String(fillValue)}.`);
  }
  const y = empty(size, { dtype: options.dtype ?? (typeof fillValue === 'boolean' ? 'bool' : 'float32') });
  fillWith(y, fillValue);
  return finish(y, options);
}

/** A tensor of the given sizes, one by one or in an array, with every element 0. */
export function zeros<const S extends Shape | number, D extends DType = 'float32'>(
  size: S,
  options?: CreateOptions<D>,
): Tensor<D, RankOf<S>>;
export function zeros<S extends number[]>(...sizes: S): Tensor<'float32', RankOf<S>>;
export function zeros<D extends DType = 'float32'>(
  ...given: [...sizes: number[], options: CreateOptions<D>]
): Tensor<D>;
export function zeros<D extends DType = 'float32'>(options: CreateOptions<D> & SizeOption): Tensor<D>;
export function zeros(...given: readonly unknown[]): Tensor {
  const { sizes, options } = readSizes<CreateOptions>('zeros', given);
  return full(sizes, 0, { dtype: 'float32', ...options });
}

/** A tensor of the given sizes, one by one or in an array, with every element 1. */
export function ones<const S extends Shape | number, D extends DType = 'float32'>(
  size: S,
  options?: CreateOptions<D>,
): Tensor<D, RankOf<S>>;
export function ones<S extends number[]>(...sizes: S): Tensor<'float32', RankOf<S>>;
export function ones<D extends DType = 'float32'>(...given: [...sizes: number[], options: CreateOptions<D>]): Tensor<D>;
export function ones<D extends DType = 'float32'>(options: CreateOptions<D> & SizeOption): Tensor<D>;
export function ones(...given: readonly unknown[]): Tensor {
  const { sizes, options } = readSizes<CreateOptions>('ones', given);
  return full(sizes, 1, { dtype: 'float32', ...options });
}

/** Like `full`, with the shape and, unless given, the dtype of `input`. */
export const fullLike = /* @__PURE__ */ leading(
  'fullLike',
  ['fillValue'],
  (input: Tensor, fillValue: number | boolean, options: CreateOptions = {}): Tensor => {
    return full(input.shape, fillValue, { dtype: input.dtype, ...options });
  },
);

/** Zeros, with the shape and, unless given, the dtype of `input`. */
export function zerosLike(input: Tensor, options: CreateOptions = {}): Tensor {
  return fullLike(input, 0, options);
}

/** Ones, with the shape and, unless given, the dtype of `input`. */
export function onesLike(input: Tensor, options: CreateOptions = {}): Tensor {
  return fullLike(input, 1, options);
}

/** Whatever was in memory, with the shape and, unless given, the dtype of `input`. */
export function emptyLike(input: Tensor, options: CreateOptions = {}): Tensor {
  return empty(input.shape, { dtype: input.dtype, ...options });
}

export interface RangeOptions extends CreateOptions {
  /** Default 0. */
  readonly start?: number;
  readonly end?: number;
  /** Default 1. */
  readonly step?: number;
}

/**
 * start, start + step, … up to but not including end. `arange(end)` begins at 0. Whole numbers give int32, as PyTorch gives
 * its integer type; anything else float32.
 */
export function arange(end: number, options?: Omit<RangeOptions, 'start'>): Tensor;
export function arange(start: number, end: number, options?: Omit<RangeOptions, 'start' | 'end'>): Tensor;
export function arange(start: number, end: number, step: number, options?: CreateOptions): Tensor;
export function arange(options: RangeOptions & { readonly end: number }): Tensor;
export function arange(...given: readonly unknown[]): Tensor {
  const last = given[given.length - 1];
  const named: RangeOptions = isOptions(last) ? last : {};
  const numbers = (isOptions(last) ? given.slice(0, -1) : given).filter((value) => value !== undefined);
  // One number is the end, unless the end has its name.
  const isEnd = numbers.length === 1 && named.end === undefined;
  const names = ['start', 'end', 'step', ...CREATE_NAMES] as const;
  const read = readArguments<RangeOptions>('arange', [...(isEnd ? [undefined] : []), ...numbers, named], names);
  const { start: from = 0, end: to, step: by = 1, ...options } = read;
  if (typeof to !== 'number') fail('argument', `arange: end must be a number, got ${String(to)}.`);
  if (by === 0 || !Number.isFinite((to - from) / by))
    fail('argument', `arange: step must be finite and not 0, got ${by}.`);
  if ((to - from) / by < 0) fail('argument', `arange: from ${from} one cannot reach ${to} in steps of ${by}.`);
  const n = Math.ceil((to - from) / by);
  const dtype = options.dtype ?? ([from, to, by].every(Number.isInteger) ? 'int32' : 'float32');
  return tensor(
    Float64Array.from({ length: n }, (_, i) => from + i * by),
    { ...options, dtype },
  );
}

export interface SpaceOptions extends CreateOptions {
  readonly start: number;
  readonly end: number;
  readonly steps: number;
}

/** `steps` numbers from `start` to `end`, both included, evenly apart, after `map`. */
function space(name: string, { start, end, steps }: Partial<SpaceOptions>, map: (x: number) => number): Float64Array {
  if (typeof start !== 'number' || typeof end !== 'number') {
    return fail('argument', `${name}: start and end must be numbers, got ${String(start)} and ${String(end)}.`);
  }
  if (!Number.isInteger(steps) || (steps as number) < 0) {
    fail('argument', `${name}: steps must be a whole number ≥ 0, got ${String(steps)}.`);
  }
  const count = steps as number;
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  // Counted from the nearer end, so that the last number is `end` exactly.
  const value = (i: number): number => (i < count / 2 ? start + i * step : end - (count - 1 - i) * step);
  return Float64Array.from({ length: count }, (_, i) => map(value(i)));
}

/** `steps` numbers from `start` to `end`, both included, evenly apart. */
export function linspace(start: number, end: number, steps: number, options?: CreateOptions): Tensor;
export function linspace(start: number, end: number, options: Omit<SpaceOptions, 'start' | 'end'>): Tensor;
export function linspace(start: number, options: Omit<SpaceOptions, 'start'>): Tensor;
export function linspace(options: SpaceOptions): Tensor;
export function linspace(...given: readonly unknown[]): Tensor {
  const names = ['start', 'end', 'steps', ...CREATE_NAMES] as const;
  const { start, end, steps, ...options } = readArguments<Partial<SpaceOptions>>('linspace', given, names);
  return tensor(
    space('linspace', { start, end, steps } as Partial<SpaceOptions>, (x) => x),
    { dtype: 'float32', ...options },
  );
}

export interface LogspaceOptions extends SpaceOptions {
  /** Default 10. */
  readonly base?: number;
}

/** `steps` powers of `base`, whose exponents run from `start` to `end`, both included, evenly apart. */
export function logspace(
  start: number,
  end: number,
  steps: number,
  base?: number | Omit<LogspaceOptions, 'start' | 'end' | 'steps'>,
  options?: CreateOptions,
): Tensor;
export function logspace(start: number, end: number, options: Omit<LogspaceOptions, 'start' | 'end'>): Tensor;
export function logspace(start: number, options: Omit<LogspaceOptions, 'start'>): Tensor;
export function logspace(options: LogspaceOptions): Tensor;
export function logspace(...given: readonly unknown[]): Tensor {
  const names = ['start', 'end', 'steps', 'base', ...CREATE_NAMES] as const;
  const read = readArguments<Partial<LogspaceOptions>>('logspace', given, names);
  const { start, end, steps, base = 10, ...options } = read;
  return tensor(
    space('logspace', { start, end, steps } as Partial<SpaceOptions>, (x) => elementary.pow(base, x)),
    { dtype: 'float32', ...options },
  );
}

export interface EyeOptions extends CreateOptions {
  readonly n: number;
  /** Default n. */
  readonly m?: number;
}

/** The identity matrix of n rows and m (default n) columns. */
export function eye(n: number, m?: number | Omit<EyeOptions, 'n'>, options?: CreateOptions): Tensor;
export function eye(options: EyeOptions): Tensor;
export function eye(...given: readonly unknown[]): Tensor {
  const read = readArguments<Partial<EyeOptions>>('eye', given, ['n', 'm', ...CREATE_NAMES]);
  const { n = Number.NaN, m: columns = n, ...options } = read;
  checkShape('eye', [n, columns]);
  const data = new Float32Array(n * columns);
  for (let i = 0; i < Math.min(n, columns); i++) data[i * columns + i] = 1;
  return tensor(data, [n, columns], { dtype: 'float32', ...options });
}
