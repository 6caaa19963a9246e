import { fail } from '../core/errors.js';
import { openScope } from '../core/scope.js';
import { loadCheckpoint, saveCheckpoint } from '../io/index.js';
import type { StateDict } from '../nn/index.js';
import { Tensor } from '../tensor.js';
import type { TrainerState } from './trainer.js';

/** A trainer's state in a file. Tensors, wherever they stand in the state, are stored as such; the rest is JSON. */

interface TensorReference {
  readonly $tensor: string;
}

function isReference(value: unknown): value is TensorReference {
  return typeof value === 'object' && value !== null && typeof (value as TensorReference).$tensor === 'string';
}

/** `value` with its tensors replaced by names under which they are put into `tensors`. */
function extract(value: unknown, path: string, tensors: StateDict): unknown {
  if (value instanceof Tensor) {
    tensors[path] = value;
    return { $tensor: path };
  }
  if (Array.isArray(value)) return value.map((item, i) => extract(item, `${path}/${i}`, tensors));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, extract(item, `${path}/${key}`, tensors)]));
  }
  return value;
}

function restore(value: unknown, tensors: StateDict): unknown {
  if (isReference(value)) {
    return tensors[value.$tensor] ?? fail('format', `checkpoint: the tensor '${value.$tensor}' is missing.`);
  }
  if (Array.isArray(value)) return value.map((item) => restore(item, tensors));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, restore(item, tensors)]));
  }
  return value;
}

/** Writes a trainer's state, and `about` (plain JSON) with it; atomically, so that a killed process leaves a whole file. */
export async function saveTraining(path: string, state: TrainerState, about: unknown = {}): Promise<void> {
  const tensors: StateDict = {};
  const plain = extract(state, 'trainer', tensors);
  await saveCheckpoint(path, { tensors, state: { trainer: plain, about } });
}

/**
 * Reads what `saveTraining` wrote and hands it to `use`, typically to call `trainer.load(state)`; the tensors of the state
 * are freed afterwards.
 */
export async function loadTraining<T>(path: string, use: (state: TrainerState, about: unknown) => T): Promise<T> {
  const scope = openScope();
  try {
    const { tensors, state } = await loadCheckpoint<{ trainer: unknown; about: unknown }>(path);
    return use(restore(state.trainer, tensors) as TrainerState, state.about);
  } finally {
    scope.end();
  }
}
