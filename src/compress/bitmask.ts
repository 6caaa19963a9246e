import { fail } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import type { StateDict } from '../nn/index.js';
import { tensor } from '../ops/index.js';
import type { Tensor } from '../tensor.js';

/**
 * Sparse tensors as they are stored: the weights that are left, and one bit for each place that tells whether it has one. At
 * 90 % zeros a float32 tensor takes 0.1 + 1/32 of its size.
 */

const MASK = '#mask';
const VALUES = '#values';

/** Share of zeros from which the bit mask is smaller than what it saves; a little above 1/32. */
const WORTH_IT = 0.05;

function packOne(values: Float32Array): { mask: Uint8Array<ArrayBuffer>; kept: Float32Array<ArrayBuffer> } {
  const mask = new Uint8Array(Math.ceil(values.length / 8));
  const kept: number[] = [];
  values.forEach((value, i) => {
    // −0 is a value of its own and is kept.
    if (Object.is(value, 0)) return;
    mask[i >>> 3] = (mask[i >>> 3] as number) | (1 << (i & 7));
    kept.push(value);
  });
  return { mask, kept: Float32Array.from(kept) };
}

/** Stored tensors, and the shapes of those among them that were packed. */
export interface Packed {
  readonly tensors: StateDict;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** Packs the float32 tensors of `state` that have many zeros; the others are passed on as they are. */
export function packSparse(state: StateDict): Packed {
  const tensors: StateDict = {};
  const shapes: Record<string, readonly number[]> = {};
  for (const [name, value] of Object.entries(state)) {
    const values = value.dataSync();
    const zeros = values instanceof Float32Array ? values.reduce((n, v) => n + (Object.is(v, 0) ? 1 : 0), 0) : 0;
    if (!(values instanceof Float32Array) || zeros < WORTH_IT * values.length || values.length < 64) {
      tensors[name] = value;
      continue;
    }
    const { mask, kept } = packOne(values);
    tensors[name + MASK] = tensor(mask, { dtype: 'uint8' });
    tensors[name + VALUES] = tensor(kept);
    shapes[name] = value.shape;
  }
  return { tensors, shapes };
}

/** What `packSparse` was given. Throws when a packed tensor's parts do not fit together. */
export function unpackSparse({ tensors, shapes }: Packed): StateDict {
  const state: StateDict = {};
  for (const [name, value] of Object.entries(tensors)) {
    if (!name.endsWith(MASK) && !name.endsWith(VALUES)) state[name] = value;
  }
  for (const [name, shape] of Object.entries(shapes)) {
    state[name] = unpackOne(name, shape, tensors[name + MASK], tensors[name + VALUES]);
  }
  return state;
}

function unpackOne(
  name: string,
  shape: readonly number[],
  mask: Tensor | undefined,
  values: Tensor | undefined,
): Tensor {
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    fail(
      'format',
      `sparse tensor '${name}': its shape must be an array of whole numbers ≥ 0, got ${JSON.stringify(shape)}.`,
    );
  }
  const size = sizeOf(shape);
  if (mask?.dtype !== 'uint8' || values?.dtype !== 'float32' || mask.numel() !== Math.ceil(size / 8)) {
    return fail(
      'format',
      `sparse tensor '${name}': expected a uint8 mask of ${Math.ceil(size / 8)} bytes and float32 values.`,
    );
  }
  const bits = mask.dataSync();
  const kept = values.dataSync();
  const full = new Float32Array(size);
  let next = 0;
  for (let i = 0; i < size; i++) if ((bits[i >>> 3] as number) & (1 << (i & 7))) full[i] = kept[next++] ?? NaN;
  if (next !== kept.length)
    fail('format', `sparse tensor '${name}': its mask has ${next} weights, the file ${kept.length}.`);
  return tensor(full, shape);
}
