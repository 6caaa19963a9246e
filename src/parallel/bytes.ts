import { WasmDevice } from '../backend/wasm.js';
import { traits } from '../core/dtype.js';
import type { Tensor } from '../core/tensor.js';
import { byteLength } from '../data/workers/parcel.js';
import { contiguous } from '../ops/index.js';

/** The bytes of tensors, on their way from one thread to another. */

/** The memory of a contiguous tensor where it lies, if it is the wasm device's. Growing the heap outdates it. */
export function memoryOf(x: Tensor): Uint8Array | undefined {
  const { device, pointer } = x.storage;
  if (!(device instanceof WasmDevice)) return undefined;
  const begin = pointer + x.offset * traits[x.dtype].bytes;
  return device.engine.u8.subarray(begin, begin + byteLength(x));
}

/** The same where other threads can be handed it. */
export function sharedMemoryOf(x: Tensor): Uint8Array | undefined {
  const memory = memoryOf(x);
  const isShared = typeof SharedArrayBuffer !== 'undefined' && memory?.buffer instanceof SharedArrayBuffer;
  return isShared ? memory : undefined;
}

/** The memory that other threads can be handed and that the tensors' addresses are meant in; undefined where there is none. */
export function sharedHeapOf(x: Tensor): SharedArrayBuffer | undefined {
  const { device } = x.storage;
  if (typeof SharedArrayBuffer === 'undefined' || !(device instanceof WasmDevice)) return undefined;
  const { buffer } = device.engine.u8;
  return buffer instanceof SharedArrayBuffer ? buffer : undefined;
}

/** Where a contiguous tensor of the wasm device begins in its memory, in bytes. */
export function pointerTo(x: Tensor): number {
  return x.storage.pointer + x.offset * traits[x.dtype].bytes;
}

/** Writes the bytes of `x` into `into`, on any device: gives a promise only where the device does not answer at once. */
export function copyOut(x: Tensor, into: Uint8Array): Promise<void> | undefined {
  const whole = contiguous(x);
  const done = (bytes: Uint8Array): void => {
    into.set(bytes);
    if (whole !== x) whole.dispose();
  };
  const memory = memoryOf(whole);
  const { storage, offset, dtype } = whole;
  if (memory === undefined) {
    return storage.device.read(storage, offset * traits[dtype].bytes, byteLength(x)).then(done);
  }
  done(memory);
  return undefined;
}

/** Writes the bytes of tensors into `into`, one behind another. */
export function copyAll(tensors: readonly Tensor[], into: Uint8Array): Promise<unknown> | undefined {
  const late: Promise<void>[] = [];
  let at = 0;
  for (const x of tensors) {
    const coming = copyOut(x, into.subarray(at, at + byteLength(x)));
    if (coming !== undefined) late.push(coming);
    at += byteLength(x);
  }
  return late.length > 0 ? Promise.all(late) : undefined;
}

/** A copy of the bytes of a contiguous tensor, where its device can answer at once. */
export function copyOf(x: Tensor): Uint8Array<ArrayBuffer> {
  return x.storage.device.readSync(x.storage, x.offset * traits[x.dtype].bytes, byteLength(x));
}

/** Overwrites a contiguous tensor with bytes. */
export function copyIn(x: Tensor, bytes: Uint8Array): void {
  x.storage.device.write(x.storage, x.offset * traits[x.dtype].bytes, bytes);
  x.storage.touch('DataParallel');
}

/** How many bytes tensors take, one behind another. */
export function bytesIn(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, x) => sum + byteLength(x), 0);
}

/** The bytes of tensors, one behind another. */
export async function joined(tensors: readonly Tensor[]): Promise<Uint8Array<ArrayBuffer>> {
  const all = new Uint8Array(bytesIn(tensors));
  await copyAll(tensors, all);
  return all;
}

/** Overwrites tensors with what stands at these addresses of a memory. */
export function fetchFrom(heap: SharedArrayBuffer, at: Float64Array, tensors: readonly Tensor[]): void {
  tensors.forEach((x, i) => {
    copyIn(x, new Uint8Array(heap, at[i] as number, byteLength(x)));
  });
}

/** Overwrites tensors with what `joined` gave. */
export function spread(tensors: readonly Tensor[], bytes: Uint8Array): void {
  let at = 0;
  for (const x of tensors) {
    copyIn(x, bytes.subarray(at, at + byteLength(x)));
    at += byteLength(x);
  }
}
