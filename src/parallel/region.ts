import { WasmDevice } from '../backend/wasm.js';
import { type TypedArray, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { fromHalf, toHalf } from '../core/half.js';
import type { Engine } from '../runtime/engine.js';
import { Tensor } from '../tensor.js';
import type { Shared } from './collective.js';

/** Elements as an exchange knows them; wider than dtypes, since counts and figures are exchanged too. */
export type Kind =
  | 'float32'
  | 'float64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  /** Bytes that are 0 or 1. */
  | 'bool';

/** Arrays with elements of each kind. */
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const;

function kindOf(array: TypedArray): Kind {
  if (array instanceof Uint8ClampedArray) return 'uint8';
  const found = (Object.keys(ARRAYS) as Kind[]).find((kind) => array instanceof ARRAYS[kind]);
  return (
    found ??
    fail('dtype', 'Collective: this kind of array cannot be exchanged. Use Float32Array, Float64Array or integers.')
  );
}

/** Memory that takes part in one operation. */
export interface Region {
  readonly kind: Kind;
  readonly length: number;
  /** The engine in whose memory it lies; null for memory that never moves. */
  readonly heap: Engine | null;
  /**
   * The elements where they lie. The heap's ArrayBuffer is another one after it has grown, so this is asked for each time, and
   * kept over no call that may allocate.
   */
  view(): TypedArray;
  /** Brings the elements to `view()`, where they lie elsewhere; undefined where they are there already. */
  load(): Promise<void> | undefined;
  /** Takes what `view()` holds back to where the elements belong. */
  store(): void;
  /** Lets go of the memory, which until then cannot be given to another tensor. */
  release(): void;
  /** Holds it once more, for somebody who needs it longer. */
  retain(): void;
}

const nothing = (): void => {};

function regionOfArray(array: TypedArray): Region {
  const kind = kindOf(array);
  return {
    kind,
    length: array.length,
    heap: null,
    view: () => array,
    load: () => undefined,
    store: nothing,
    release: nothing,
    retain: nothing,
  };
}

/** A stretch of the heap as an array. */
function viewOn(device: WasmDevice, kind: Kind, pointer: number, length: number): TypedArray {
  const { u8 } = device.engine;
  // Shared memory does as well, though a union of constructors does not say so.
  return new ARRAYS[kind](u8.buffer as ArrayBuffer, u8.byteOffset + pointer, length);
}

/** An array of this process in place of a tensor whose elements cannot be reached, or are halves that are to be added. */
function staged(tensor: Tensor, kind: Kind): Region {
  const { storage, offset } = tensor;
  const { device } = storage;
  const half = tensor.dtype === 'float16' && kind === 'float32';
  const size = traits[tensor.dtype].bytes;
  const length = tensor.numel();
  const array = new ARRAYS[kind](length);
  const take = (bytes: Uint8Array<ArrayBuffer>): void => {
    if (half) array.set(Float32Array.from(new Uint16Array(bytes.buffer, 0, length), fromHalf));
    else new Uint8Array(array.buffer).set(bytes);
  };
  return {
    kind,
    length,
    heap: null,
    view: () => array,
    load() {
      if (device instanceof WasmDevice) {
        take(device.readSync(storage, offset * size, length * size));
        return undefined;
      }
      return device.read(storage, offset * size, length * size).then(take);
    },
    store() {
      const bytes = half ? Uint16Array.from(array, toHalf) : array;
      device.write(storage, offset * size, new Uint8Array(bytes.buffer));
    },
    release: () => storage.release(),
    retain: () => void storage.retain(),
  };
}

/**
 * The memory of `data` for one operation, held until `release()`. Halves are widened where `arithmetic` is to be done on them;
 * they are bytes otherwise.
 */
export function regionOf(op: string, data: Shared, arithmetic: boolean): Region {
  if (!(data instanceof Tensor)) {
    if (!ArrayBuffer.isView(data) || data instanceof DataView) {
      fail('argument', `${op}: expected a tensor or a typed array, got ${typeof data}.`);
    }
    return regionOfArray(data as TypedArray);
  }
  data.check(op);
  if (!data.isContiguous()) {
    fail('argument', `${op}: expected a contiguous tensor, got ${show(data.shape)} with steps. Use x.contiguous().`);
  }
  const { dtype, offset } = data;
  const storage = data.storage.retain();
  const { device } = storage;
  if (!(device instanceof WasmDevice) || (dtype === 'float16' && arithmetic)) {
    return staged(data, dtype === 'float16' ? (arithmetic ? 'float32' : 'uint16') : dtype);
  }
  const kind = dtype === 'float16' ? 'uint16' : dtype;
  const length = data.numel();
  const pointer = storage.pointer + offset * traits[dtype].bytes;
  return {
    kind,
    length,
    heap: device.engine,
    view: () => viewOn(device, kind, pointer, length),
    load: () => undefined,
    store: nothing,
    release: () => storage.release(),
    retain: () => void storage.retain(),
  };
}
