import { fail } from './errors.js';
import { fromHalf } from './half.js';

/** Element types. float16 is a storage type: arithmetic on it runs in float32. bool is one byte, 0 or 1. */
export type DType = 'float32' | 'float16' | 'int32' | 'int8' | 'uint8' | 'bool';

/** The array that `data()` gives for each dtype; float16 is widened on the way out. */
export interface ArrayOf {
  float32: Float32Array<ArrayBuffer>;
  float16: Float32Array<ArrayBuffer>;
  int32: Int32Array<ArrayBuffer>;
  int8: Int8Array<ArrayBuffer>;
  uint8: Uint8Array<ArrayBuffer>;
  bool: Uint8Array<ArrayBuffer>;
}

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray;

interface Traits {
  /** Bytes an element takes. */
  readonly bytes: 1 | 2 | 4;
  /** How kernels of this dtype are named: `add_f32`. */
  readonly suffix: 'f32' | 'f16' | 'i32' | 'i8' | 'u8';
  readonly isFloat: boolean;
  /** The dtype whose kernels compute for this one: narrow types are storage, arithmetic is 32 bits wide. */
  readonly compute: 'float32' | 'int32' | 'bool';
  /** Rank in type promotion: the higher of two wins, floats over integers over bool. */
  readonly rank: number;
}

export const traits: { readonly [D in DType]: Traits } = {
  bool: { bytes: 1, suffix: 'u8', isFloat: false, compute: 'bool', rank: 0 },
  uint8: { bytes: 1, suffix: 'u8', isFloat: false, compute: 'int32', rank: 1 },
  int8: { bytes: 1, suffix: 'i8', isFloat: false, compute: 'int32', rank: 2 },
  int32: { bytes: 4, suffix: 'i32', isFloat: false, compute: 'int32', rank: 3 },
  float16: { bytes: 2, suffix: 'f16', isFloat: true, compute: 'float32', rank: 4 },
  float32: { bytes: 4, suffix: 'f32', isFloat: true, compute: 'float32', rank: 5 },
};

export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && value in traits;
}

/** Throws unless `dtype` is one of fettle's, naming those that are. */
export function checkDType(op: string, dtype: unknown): DType {
  if (isDType(dtype)) return dtype;
  return fail('dtype', `${op}: unknown dtype ${String(dtype)}. Use one of ${Object.keys(traits).join(', ')}.`);
}

/** The dtype of `a ∘ b`. uint8 with int8 needs more than 8 bits and becomes int32. */
export function promote(a: DType, b: DType): DType {
  if (a === b) return a;
  if ((a === 'uint8' && b === 'int8') || (a === 'int8' && b === 'uint8')) return 'int32';
  return traits[a].rank >= traits[b].rank ? a : b;
}

/** The dtype of `a ∘ number`: a number never widens a tensor of its own kind, as in PyTorch. */
export function promoteScalar(a: DType, value: number | boolean): DType {
  if (typeof value === 'boolean' || traits[a].isFloat) return a;
  if (!Number.isInteger(value)) return 'float32';
  return a === 'bool' ? 'int32' : a;
}

/** The dtype whose storage a typed array matches; Float64Array and the wider integers are narrowed, as documented. */
export function dtypeOfArray(array: ArrayBufferView): DType {
  if (array instanceof Float32Array || array instanceof Float64Array) return 'float32';
  if (array instanceof Int8Array) return 'int8';
  if (array instanceof Uint8Array || array instanceof Uint8ClampedArray) return 'uint8';
  if (
    array instanceof Int32Array ||
    array instanceof Uint32Array ||
    array instanceof Int16Array ||
    array instanceof Uint16Array
  ) {
    return 'int32';
  }
  return fail(
    'dtype',
    'tensor: this kind of array has no dtype. Use Float32Array, Int32Array, Int8Array or Uint8Array.',
  );
}

/** A copy of `bytes` as the array that `data()` promises. `bytes` must hold whole elements. */
export function decode<D extends DType>(dtype: D, bytes: Uint8Array<ArrayBuffer>): ArrayOf[D];
export function decode(dtype: DType, bytes: Uint8Array<ArrayBuffer>): ArrayOf[DType] {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'int32':
      return new Int32Array(buffer, byteOffset, byteLength / 4);
    case 'int8':
      return new Int8Array(buffer, byteOffset, byteLength);
    case 'float16':
      return Float32Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2), fromHalf);
    default:
      return new Uint8Array(buffer, byteOffset, byteLength);
  }
}
