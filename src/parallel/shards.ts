/** Batches, cut into parts for several threads and put together again. */
import { fail, show } from '../core/errors.js';
import { type Carrier, type Parcel, pack, unpack } from '../data/workers/parcel.js';
import { cat, contiguous, narrow } from '../ops/index.js';
import { Tensor } from '../tensor.js';
import { copyOf, sharedMemoryOf } from './bytes.js';

/** A part of a batch: where it begins, how many samples it has, and its values in the shape of the batch's. */
export interface Shard {
  readonly samples: number;
  readonly value: unknown;
}

/** Where parts begin and end: of `size` samples each, the last one smaller; or as many as `parts` of about one size. */
export function cuts(
  samples: number,
  { size, parts }: { readonly size?: number | undefined; readonly parts: number },
): number[] {
  const count = size === undefined ? Math.min(parts, samples) : Math.ceil(samples / size);
  return Array.from({ length: count + 1 }, (_, i) =>
    size === undefined ? Math.floor((i * samples) / count) : Math.min(i * size, samples),
  );
}

/** Every tensor in lists and plain objects. */
export function tensorsOf(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsOf);
  return isRecord(value) ? Object.values(value).flatMap(tensorsOf) : [];
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The same structure with other tensors in it. */
export function mapTensors(value: unknown, change: (x: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTensors(item, change));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTensors(item, change)]));
}

/** How many samples a batch has: as its tensors have in dimension `dim`, in which they must be one size. */
export function samplesOf(name: string, batch: unknown, dim: number): number {
  const tensors = tensorsOf(batch);
  for (const x of tensors) x.check(name);
  const sizes = tensors.filter((x) => x.ndim > 0).map((x) => x.shape[dim]);
  const [first] = sizes;
  if (first === undefined) fail('argument', `${name}: a batch needs a tensor with samples in dim ${dim}, it has none.`);
  if (first === 0 || sizes.some((size) => size !== first)) {
    const shapes = tensors.map(({ shape }) => show(shape)).join(', ');
    fail('shape', `${name}: the tensors of a batch must have one size > 0 in dim ${dim}, got ${shapes}.`);
  }
  return first;
}

/** A batch in parts: tensors are cut along `dim`, and all else goes with each part. Made in the innermost scope. */
export function shardsOf(batch: unknown, ends: readonly number[], dim: number): Shard[] {
  return ends.slice(1).map((end, i) => {
    const begin = ends[i] as number;
    const part = (x: Tensor): Tensor => (x.ndim === 0 ? x : contiguous(narrow(x.detach(), dim, begin, end - begin)));
    return { samples: end - begin, value: ends.length === 2 ? mapTensors(batch, whole) : mapTensors(batch, part) };
  });
}

function whole(x: Tensor): Tensor {
  return contiguous(x.detach());
}

/** A part on its way to another thread: its tensors as shared memory, if there is such, or as copies, which `send` lists. */
export function parcelOf(name: string, value: unknown, send: ArrayBuffer[]): Parcel {
  const carrier: Carrier = {
    tensor: (x) => {
      const shared = sharedMemoryOf(x);
      if (shared !== undefined) return shared;
      const copy = copyOf(x);
      send.push(copy.buffer);
      return copy;
    },
    array: (array) => array,
    other: (item, path) => {
      const kind = typeof item === 'object' ? item?.constructor?.name : typeof item;
      return fail('argument', `${name}: ${path || 'an item'} is a ${kind}, which cannot be sent between threads.`);
    },
  };
  return pack(value, carrier);
}

/** What a thread gave, as tensors here. */
export function received(parcel: Parcel): unknown {
  return unpack(parcel, () => undefined);
}

/** Outputs for the parts of a batch as the output for the whole: tensors stand one behind another along `dim`. */
export function gathered(name: string, parts: readonly unknown[], dim: number): unknown {
  const [first] = parts;
  if (parts.length === 1) return first;
  if (first instanceof Tensor) {
    const tensors = parts as readonly Tensor[];
    if (first.ndim === 0) {
      fail('shape', `${name}: the output has no dimension for samples, so parts of a batch cannot be put together.`);
    }
    return cat([...tensors], dim);
  }
  if (Array.isArray(first)) {
    return first.map((_, i) =>
      gathered(
        name,
        parts.map((part) => (part as readonly unknown[])[i]),
        dim,
      ),
    );
  }
  if (!isRecord(first)) return first;
  const entries = Object.keys(first).map((key) => [
    key,
    gathered(
      name,
      parts.map((part) => (part as Readonly<Record<string, unknown>>)[key]),
      dim,
    ),
  ]);
  return Object.fromEntries(entries);
}
