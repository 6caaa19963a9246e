import { fail } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import type { StateDict } from '../../nn/index.js';
import { tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';

/**
 * Sparse tensors as version 1 of model files stored them: the weights that are left, and one bit for each place that tells
 * whether it has one.
 */

const MASK = '#mask';
const VALUES = '#values';

/** Stored tensors, and the shapes of those among them that were packed. */
export interface Packed {
  readonly tensors: StateDict;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** The tensors that version 1 had packed. Throws when a packed tensor's parts do not fit together. */
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
