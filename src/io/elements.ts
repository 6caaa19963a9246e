import { currentDevice } from '../backend/current.js';
import type { Device } from '../core/device.js';
import type { DType } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { fromHalf } from '../core/half.js';
import { type Shape, sizeOf } from '../core/shape.js';
import { allocate } from '../core/tensor.js';
import { tensor } from '../ops/index.js';
import { dense } from '../ops/op.js';
import type { Tensor } from '../tensor.js';

/** How files store elements; the names are those of safetensors. */
interface Storage {
  readonly bytes: number;
  /** The dtype it is read as. */
  readonly dtype: DType;
  /** Whether a tensor of that dtype has the same bytes. */
  readonly same: boolean;
  readonly read: (view: DataView, at: number, little: boolean) => number;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** bfloat16 is the upper half of a float32. */
function fromBrainFloat(half: number): number {
  bits[0] = half << 16;
  return float[0] as number;
}

/** Whole numbers wider than int32 are read as int32 and must fit; float64 is rounded to float32. */
export const STORAGES = {
  F64: { bytes: 8, dtype: 'float32', same: false, read: (v, at, l) => v.getFloat64(at, l) },
  F32: { bytes: 4, dtype: 'float32', same: true, read: (v, at, l) => v.getFloat32(at, l) },
  F16: { bytes: 2, dtype: 'float16', same: true, read: (v, at, l) => fromHalf(v.getUint16(at, l)) },
  BF16: { bytes: 2, dtype: 'float32', same: false, read: (v, at, l) => fromBrainFloat(v.getUint16(at, l)) },
  I64: { bytes: 8, dtype: 'int32', same: false, read: (v, at, l) => Number(v.getBigInt64(at, l)) },
  U64: { bytes: 8, dtype: 'int32', same: false, read: (v, at, l) => Number(v.getBigUint64(at, l)) },
  I32: { bytes: 4, dtype: 'int32', same: true, read: (v, at, l) => v.getInt32(at, l) },
  U32: { bytes: 4, dtype: 'int32', same: false, read: (v, at, l) => v.getUint32(at, l) },
  I16: { bytes: 2, dtype: 'int32', same: false, read: (v, at, l) => v.getInt16(at, l) },
  U16: { bytes: 2, dtype: 'int32', same: false, read: (v, at, l) => v.getUint16(at, l) },
  I8: { bytes: 1, dtype: 'int8', same: true, read: (v, at) => v.getInt8(at) },
  U8: { bytes: 1, dtype: 'uint8', same: true, read: (v, at) => v.getUint8(at) },
  BOOL: { bytes: 1, dtype: 'bool', same: false, read: (v, at) => Number(v.getUint8(at) !== 0) },
} as const satisfies Readonly<Record<string, Storage>>;

export type StorageName = keyof typeof STORAGES;

export function isStorageName(name: unknown): name is StorageName {
  return typeof name === 'string' && Object.hasOwn(STORAGES, name);
}

/** How each dtype is written. */
export const STORED_AS: { readonly [D in DType]: StorageName } = {
  float32: 'F32',
  float16: 'F16',
  int32: 'I32',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};

/** A tensor of elements as a file stores them. `bytes` has exactly as many as `shape` needs; `what` names it in errors. */
export function fromBytes(what: string, stored: StorageName, shape: Shape, bytes: Uint8Array, little = true): Tensor {
  const { dtype, same, read, bytes: size }: Storage = STORAGES[stored];
  if (same && (little || size === 1)) {
    const y = allocate(currentDevice(), [...shape], dtype, 'load');
    y.storage.device.write(y.storage, 0, bytes);
    return y;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = dtype === 'int32' ? new Int32Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) {
    const value = read(view, i * size, little);
    if (dtype === 'int32' && value !== (value | 0)) {
      fail('data', `${what}: element ${i} is ${value}, which int32 cannot hold; ${stored} is read as int32.`);
    }
    values[i] = value;
  }
  return tensor(values, shape, { dtype });
}

/** The elements of a tensor in row-major order. They are read when this is called, whatever happens to it afterwards. */
export function toBytes(what: string, x: Tensor): Promise<Uint8Array<ArrayBuffer>> {
  return reading(what, x, (device, storage, offset, bytes) => device.read(storage, offset, bytes));
}

/** The same at once, where the device can. */
export function toBytesSync(what: string, x: Tensor): Uint8Array<ArrayBuffer> {
  return reading(what, x, (device, storage, offset, bytes) => device.readSync(storage, offset, bytes));
}

function reading<T>(
  what: string,
  x: Tensor,
  read: (device: Device, storage: Tensor['storage'], offset: number, bytes: number) => T,
): T {
  x.check(what);
  const y = dense(x);
  const { bytes } = STORAGES[STORED_AS[x.dtype]];
  const elements = read(y.storage.device, y.storage, y.offset * bytes, y.numel() * bytes);
  if (y !== x) y.dispose();
  return elements;
}
