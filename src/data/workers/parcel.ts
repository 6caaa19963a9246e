import { currentDevice } from '../../backend/current.js';
import type { DType } from '../../core/dtype.js';
import { traits } from '../../core/dtype.js';
import { sizeOf } from '../../core/shape.js';
import { allocate } from '../../core/tensor.js';
import { contiguous } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import type { Construction } from '../transforms/transform.js';

/** A tensor's numbers on no device: its elements, one behind another, as the bytes that they are. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A value in the form in which it goes from one thread to another. */
export type Parcel =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'array'; readonly array: ArrayBufferView }
  | { readonly kind: 'list'; readonly items: readonly Parcel[] }
  | { readonly kind: 'record'; readonly keys: readonly string[]; readonly items: readonly Parcel[] }
  | ({ readonly kind: 'tensor' | 'host' } & HostTensor)
  | Made;

/** What is made anew where it arrives. */
export interface Made extends Omit<Construction, 'args'> {
  readonly kind: 'made';
  readonly args: readonly Parcel[];
}

/** What packing leaves to those who know where a parcel goes. */
export interface Carrier {
  /** The bytes of a tensor, in memory that can go along. */
  tensor(x: Tensor): Uint8Array;
  /** An array that can go along. */
  array(array: ArrayBufferView): ArrayBufferView;
  /** Whether an object is to go by `other`, though it may be plain data. */
  claims?(value: object): boolean;
  /** Whatever is neither data nor a tensor: an object of a class, or a function. `path` says where it was found. */
  other(value: unknown, path: string): Parcel;
}

/** A tensor to be: packed as one, though it is on no device yet. */
export class HostNumbers implements HostTensor {
  constructor(
    readonly dtype: DType,
    readonly shape: readonly number[],
    readonly bytes: Uint8Array,
  ) {}
}

/** A tensor that arrives as a HostTensor. */
export class OnHost {
  constructor(readonly tensor: Tensor) {}
}

/** The bytes of a tensor; into memory of the caller's, if it is given. */
export function bytesOf(x: Tensor, into?: Uint8Array<ArrayBuffer>): Uint8Array {
  x.check('DataLoader');
  const whole = contiguous(x);
  const size = traits[x.dtype].bytes;
  const bytes = whole.storage.device.readSync(whole.storage, whole.offset * size, byteLength(x), into);
  if (whole !== x) whole.dispose();
  return bytes;
}

/** How many bytes the elements of a tensor are. */
export function byteLength({ dtype, shape }: Pick<HostTensor, 'dtype' | 'shape'>): number {
  return sizeOf(shape) * traits[dtype].bytes;
}

/** A tensor of these bytes. */
export function tensorOf({ dtype, shape, bytes }: HostTensor): Tensor {
  const y = allocate(currentDevice(), [...shape], dtype, 'batch');
  y.storage.device.write(y.storage, 0, bytes);
  return y as Tensor;
}

/** Objects that threads copy for each other as they are. */
function isCloned(value: object): boolean {
  const kinds = [Date, RegExp, Map, Set, ArrayBuffer, Error, globalThis.Blob];
  return kinds.some((kind) => kind !== undefined && value instanceof kind);
}

/** Packs a value. */
export function pack(value: unknown, carrier: Carrier, path = ''): Parcel {
  if (typeof value === 'function' || typeof value === 'symbol') return carrier.other(value, path);
  if (typeof value !== 'object' || value === null) return { kind: 'value', value };
  if (carrier.claims?.(value)) return carrier.other(value, path);
  if (value instanceof Tensor) return tensorParcel('tensor', value, carrier);
  if (value instanceof HostNumbers) return { kind: 'tensor', ...value };
  if (value instanceof OnHost) return tensorParcel('host', value.tensor, carrier);
  if (ArrayBuffer.isView(value)) return { kind: 'array', array: carrier.array(value) };
  if (Array.isArray(value)) {
    return { kind: 'list', items: value.map((item, i) => pack(item, carrier, `${path}[${i}]`)) };
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    const entries = Object.entries(value);
    const items = entries.map(([key, item]) => pack(item, carrier, path === '' ? key : `${path}.${key}`));
    return { kind: 'record', keys: entries.map(([key]) => key), items };
  }
  if (value instanceof URL) return { kind: 'made', type: 'URL', args: [{ kind: 'value', value: value.href }] };
  return isCloned(value) ? { kind: 'value', value } : carrier.other(value, path);
}

function tensorParcel(kind: 'tensor' | 'host', x: Tensor, carrier: Carrier): Parcel {
  return { kind, dtype: x.dtype, shape: [...x.shape], bytes: carrier.tensor(x) };
}

/** Unpacks a parcel; `make` makes what has to be made anew. */
export function unpack(parcel: Parcel, make: (made: Made) => unknown): unknown {
  switch (parcel.kind) {
    case 'value':
      return parcel.value;
    case 'array':
      return parcel.array;
    case 'list':
      return parcel.items.map((item) => unpack(item, make));
    case 'record':
      return Object.fromEntries(parcel.items.map((item, i) => [parcel.keys[i], unpack(item, make)]));
    case 'tensor':
      return tensorOf(parcel);
    case 'host':
      return { dtype: parcel.dtype, shape: parcel.shape, bytes: parcel.bytes } satisfies HostTensor;
    case 'made':
      return make(parcel);
  }
}

/** Every tensor in a parcel. */
export function tensorsIn(parcel: Parcel): HostTensor[] {
  if (parcel.kind === 'tensor' || parcel.kind === 'host') return [parcel];
  if (parcel.kind === 'list' || parcel.kind === 'record') return parcel.items.flatMap(tensorsIn);
  return parcel.kind === 'made' ? parcel.args.flatMap(tensorsIn) : [];
}
