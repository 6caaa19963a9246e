import { currentDevice } from '../backend/current.js';
import { checkDType, type DType, dtypeOfArray, type TypedArray, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { toHalf } from '../core/half.js';
import { checkShape, type Shape, sizeOf } from '../core/shape.js';
import { allocate, type NestedArray, type Tensor } from '../core/tensor.js';

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

/**
 * A tensor of the given numbers: nested arrays, one number, or a typed array with its shape. The data is copied. Without
 * `dtype`, a typed array keeps its kind, booleans give bool, and everything else float32.
 * Throws for ragged arrays and for a shape that does not hold as many elements as there are.
 */
export function tensor<D extends DType = 'float32'>(
  data: NestedArray | TypedArray,
  shape?: Shape | CreateOptions<D>,
  options?: CreateOptions<D>,
): Tensor<D> {
  const given = splitArguments(shape, options);
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

/** A tensor of the given shape whose elements are whatever was in memory. */
export function empty<D extends DType = 'float32'>(shape: Shape | number, options: CreateOptions<D> = {}): Tensor<D> {
  const sizes = typeof shape === 'number' ? [shape] : [...shape];
  checkShape('empty', sizes);
  const dtype = checkDType('empty', options.dtype ?? 'float32') as D;
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

/** A tensor of the given shape with every element `fillValue`. */
export function full<D extends DType = 'float32'>(
  shape: Shape | number,
  fillValue: number | boolean,
  options: CreateOptions<D> = {},
): Tensor<D> {
  const dtype = options.dtype ?? ((typeof fillValue === 'boolean' ? 'bool' : 'float32') as D);
  const y = empty(shape, { dtype });
  fillWith(y, fillValue);
  return finish(y, options);
}

export function zeros<D extends DType = 'float32'>(shape: Shape | number, options: CreateOptions<D> = {}): Tensor<D> {
  return full(shape, 0, { dtype: 'float32' as D, ...options });
}

export function ones<D extends DType = 'float32'>(shape: Shape | number, options: CreateOptions<D> = {}): Tensor<D> {
  return full(shape, 1, { dtype: 'float32' as D, ...options });
}

/** Like `full`, with the shape and, unless given, the dtype of `input`. */
export function fullLike(input: Tensor, fillValue: number | boolean, options: CreateOptions = {}): Tensor {
  return full(input.shape, fillValue, { dtype: input.dtype, ...options });
}

export function zerosLike(input: Tensor, options: CreateOptions = {}): Tensor {
  return fullLike(input, 0, options);
}

export function onesLike(input: Tensor, options: CreateOptions = {}): Tensor {
  return fullLike(input, 1, options);
}

export function emptyLike(input: Tensor, options: CreateOptions = {}): Tensor {
  return empty(input.shape, { dtype: input.dtype, ...options });
}

/**
 * start, start + step, … up to but not including end. `arange(end)` begins at 0. Whole numbers give int32, as PyTorch gives
 * its integer type; anything else float32.
 */
export function arange(
  start: number,
  end?: number | CreateOptions,
  step?: number | CreateOptions,
  options?: CreateOptions,
): Tensor {
  const numbers = [start, end, step].filter((v) => typeof v === 'number');
  const settings = [end, step, options].find((v) => typeof v === 'object') ?? {};
  const [from, to, by] = numbers.length === 1 ? [0, start, 1] : [start, numbers[1] as number, numbers[2] ?? 1];
  if (by === 0 || !Number.isFinite((to - from) / by))
    fail('argument', `arange: step must be finite and not 0, got ${by}.`);
  if ((to - from) / by < 0) fail('argument', `arange: from ${from} one cannot reach ${to} in steps of ${by}.`);
  const n = Math.ceil((to - from) / by);
  const dtype = settings.dtype ?? (numbers.every(Number.isInteger) ? 'int32' : 'float32');
  return tensor(
    Float64Array.from({ length: n }, (_, i) => from + i * by),
    { ...settings, dtype },
  );
}

/** `steps` numbers from `start` to `end`, both included, evenly apart. */
export function linspace(start: number, end: number, steps: number, options: CreateOptions = {}): Tensor {
  if (!Number.isInteger(steps) || steps < 0)
    fail('argument', `linspace: steps must be a whole number ≥ 0, got ${steps}.`);
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  // Counted from the nearer end, so that the last number is `end` exactly.
  const value = (i: number): number => (i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step);
  return tensor(
    Float64Array.from({ length: steps }, (_, i) => value(i)),
    options,
  );
}

/** `steps` powers of `base`, whose exponents run from `start` to `end`, both included, evenly apart. */
export function logspace(
  start: number,
  end: number,
  steps: number,
  base: number | CreateOptions = 10,
  options: CreateOptions = {},
): Tensor {
  if (!Number.isInteger(steps) || steps < 0)
    fail('argument', `logspace: steps must be a whole number ≥ 0, got ${steps}.`);
  const settings = typeof base === 'number' ? options : base;
  const radix = typeof base === 'number' ? base : ((base as { readonly base?: number }).base ?? 10);
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  const exponent = (i: number): number => (i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step);
  return tensor(
    Float64Array.from({ length: steps }, (_, i) => radix ** exponent(i)),
    settings,
  );
}

/** The identity matrix of n rows and m (default n) columns. */
export function eye(n: number, m: number | CreateOptions = n, options: CreateOptions = {}): Tensor {
  const columns = typeof m === 'number' ? m : n;
  const settings = typeof m === 'number' ? options : m;
  checkShape('eye', [n, columns]);
  const data = new Float32Array(n * columns);
  for (let i = 0; i < Math.min(n, columns); i++) data[i * columns + i] = 1;
  return tensor(data, [n, columns], { dtype: 'float32', ...settings });
}
