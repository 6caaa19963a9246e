import { fail } from '../../core/errors.js';
import type { Module } from '../../nn/index.js';
import type { StoredFormat } from '../../ops/storedweight.js';
import { converted, storedLayer, swap } from './convert.js';
import { layersOf } from './quantize.js';

/** Models whose weights alone take fewer bits. */

export interface WeightOnlyOptions {
  /** How a weight is stored. Default 'int8'. */
  readonly dtype?: StoredFormat;
  /** Neighbours in a row that share a scale: 32, 64, 128 or 256. Default 64. */
  readonly groupSize?: number;
  /** Whether whole numbers stand around 0, and not where the range of a group puts them. Default false. */
  readonly symmetric?: boolean;
  /** Names of layers, or of modules that hold them, to leave as they are. */
  readonly skip?: readonly string[];
}

/**
 * A copy of `model`, in evaluation mode, whose linear layers, convolutions and embeddings store their weights in `dtype` and
 * compute in float32. A linear layer that is given few rows reads a quarter (int8) or an eighth (int4) of the bytes.
 */
export function weightOnly<M extends Module>(model: M, options: WeightOnlyOptions = {}): M {
  const by = 'quantize.weightOnly';
  const { dtype = 'int8', groupSize = 64, symmetric = false, skip = [] } = options;
  if (![32, 64, 128, 256].includes(groupSize)) {
    fail('argument', `${by}: groupSize must be 32, 64, 128 or 256, got ${groupSize}.`);
  }
  return converted(model, (copy, gone) => {
    let root = copy;
    for (const [name, layer] of layersOf(by, copy, skip)) {
      root = swap(by, root, layer, storedLayer(name, layer, { dtype, groupSize, symmetric }));
      gone.push(layer);
    }
    return root;
  });
}

/** A copy of `model` that stores its weights as float16 or bfloat16: half of the memory, and of the file. */
export function halve<M extends Module>(
  model: M,
  { dtype = 'float16' }: { readonly dtype?: 'float16' | 'bfloat16' } = {},
): M {
  if (dtype !== 'float16' && dtype !== 'bfloat16') {
    fail('argument', `quantize.halve: dtype must be 'float16' or 'bfloat16', got '${String(dtype)}'.`);
  }
  return weightOnly(model, { dtype });
}
