import { fail } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { parseCheckpoint, saveCheckpoint } from '../io/index.js';
import type { StateDict } from '../nn/index.js';
import { readFile } from '../runtime/files.node.js';
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
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, extract(item, `${path}/${key}`, tensors)]),
    );
  }
  return value;
}

interface Saved {
  readonly trainer: unknown;
  readonly about: unknown;
}

function isTraining(trainer: unknown): boolean {
  const state = trainer as Partial<TrainerState> | null | undefined;
  const hasParts = [state?.model, state?.masks, state?.random].every(
    (part) => typeof part === 'object' && part !== null,
  );
  return hasParts && Number.isInteger(state?.epoch) && Array.isArray(state?.history);
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
  return readTraining(await readFile(path), path, use);
}

/** The same from the bytes of the file; messages call it `name`. */
export function readTraining<T>(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  use: (state: TrainerState, about: unknown) => T,
): T {
  return scope(() => {
    const { tensors, state } = parseCheckpoint<Partial<Saved> | null>(bytes, name);
    if (state === null || !isTraining(state.trainer)) {
      return fail(
        'format',
        `${name}: a checkpoint, but not of a training. Use loadCheckpoint() for what saveCheckpoint() wrote.`,
      );
    }
    return use(restore(state.trainer, tensors) as TrainerState, state.about);
  });
}
