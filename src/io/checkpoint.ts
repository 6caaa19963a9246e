import { fail } from '../core/errors.js';
import { readFile } from '../runtime/files.node.js';
import type { Tensor } from '../tensor.js';
import { fromExactJson, toExactJson } from './exact.js';
import { type NamedTensors, parse, saveFile, serialize } from './safetensors.js';

/**
 * A checkpoint is a safetensors file whose metadata hold, besides the format's name and version, everything that is no
 * tensor as one JSON text.
 */
const FORMAT = 'fettle-checkpoint';
const VERSION = '1';

export interface Checkpoint {
  readonly tensors: NamedTensors;
  /**
   * Numbers (all of them: NaN, the infinities and −0 too), texts, booleans, null, arrays, plain objects, and anything with a
   * toJSON(). Properties that are undefined are left out.
   */
  readonly state: unknown;
}

export interface LoadedCheckpoint<S> {
  readonly tensors: Record<string, Tensor>;
  readonly state: S;
}

function metadataOf({ state }: Checkpoint): Record<string, string> {
  return { format: FORMAT, version: VERSION, state: toExactJson(state) };
}

/** A checkpoint as bytes, where there are no files. Tensors and state may change as soon as this is called. */
export async function serializeCheckpoint(checkpoint: Checkpoint): Promise<Uint8Array<ArrayBuffer>> {
  return serialize(checkpoint.tensors, metadataOf(checkpoint));
}

/** What `serializeCheckpoint` was given. S is what the caller knows the state to be; it is not checked. */
export function parseCheckpoint<S = unknown>(
  bytes: Uint8Array | ArrayBuffer,
  file = 'checkpoint',
): LoadedCheckpoint<S> {
  const { tensors, metadata } = parse(bytes, file);
  try {
    const { format, version, state } = metadata;
    if (format !== FORMAT || state === undefined) {
      return fail('format', `${file}: not a checkpoint: tensors without a training state. Use loadFile().`);
    }
    if (version !== VERSION) {
      return fail(
        'format',
        `${file}: a checkpoint of version ${version}; this version of fettle reads version ${VERSION}.`,
      );
    }
    return { tensors, state: fromExactJson(state, `${file}: state`) as S };
  } catch (error) {
    for (const x of Object.values(tensors)) x.dispose();
    throw error;
  }
}

/**
 * Writes a checkpoint: under a temporary name, to the disk, and then renamed, so that a process killed at any moment leaves
 * either the one before or this one. Tensors and state may change as soon as this is called.
 */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  await saveFile(path, checkpoint.tensors, metadataOf(checkpoint));
}

/** Reads a checkpoint; see `parseCheckpoint`. */
export async function loadCheckpoint<S = unknown>(path: string): Promise<LoadedCheckpoint<S>> {
  return parseCheckpoint<S>(await readFile(path), path);
}
