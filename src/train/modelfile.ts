import { codebookOf } from '../compress/codebook/codebook.js';
import { maskOf, replaceMask } from '../compress/pruning/mask.js';
import { pack } from '../compress/storing/pack.js';
import { unpack } from '../compress/storing/unpack.js';
import { FettleError, fail } from '../core/errors.js';
import type { Preprocessor } from '../data/preprocessing/preprocessor.js';
import { nameOf, readSource, type Source } from '../data/source.js';
import { download } from '../nn/download.js';
import { cloneModule, type LayerTypes, type Module, type Parameter } from '../nn/index.js';
import { writeFile } from '../runtime/files.node.js';
import type { Tensor } from '../tensor.js';

/**
 * A model in a file: what `pack` makes of it, a safetensors file that holds, besides the tensors, the structure of the model and
 * whatever it needs to be used, such as the normalization of its inputs. It loads without the source that defined the model.
 */

export interface ModelFileOptions {
  /** Layer types of your own, by name. */
  readonly types?: LayerTypes;
}

export interface SaveModelOptions extends ModelFileOptions {
  /**
   * The fitted preprocessing of the inputs: a scaler, a Pipeline. It stands in the file as `about.preprocessing`, and loadModel
   * gives it back ready to be used.
   */
  readonly preprocessing?: Preprocessor;
}

/**
 * Writes `model`, with `about` (plain JSON) beside it; `pack` says how, and loses nothing. The file is written under a temporary
 * name and renamed, so it is never half there. A model on a GPU stays there; one with codebooks has to be downloaded first.
 */
export async function saveModel(
  path: string,
  model: Module,
  about: unknown = {},
  { types, preprocessing }: SaveModelOptions = {},
): Promise<void> {
  const all = preprocessing === undefined ? about : withPreprocessing(about, preprocessing);
  const answering = await answeringCopy(model);
  try {
    await writeFile(path, [pack(answering, { about: all, ...(types === undefined ? {} : { types }) })]);
  } finally {
    if (answering !== model) answering.dispose();
  }
}

/** The model itself, or a copy on wasm where its device does not tell its weights at once. */
async function answeringCopy(model: Module): Promise<Module> {
  const isLate = (x: Tensor): boolean => !x.storage.device.answersAtOnce;
  if (![...model.parameters(), ...model.buffers()].some(isLate)) return model;
  const parameters = new Map(model.namedParameters());
  const clustered = [...parameters].find(([, parameter]) => codebookOf(parameter) !== null);
  if (clustered !== undefined) {
    fail('device', `saveModel: '${clustered[0]}' has a codebook, and lies on a GPU. Use await download(model) first.`);
  }
  const copy = await download(cloneModule(model));
  for (const [name, parameter] of copy.namedParameters()) {
    const mask = maskOf(parameters.get(name) as Parameter);
    if (mask !== null) replaceMask(parameter, Float32Array.from(await mask.data()));
  }
  return copy;
}

/** `about` with the preprocessing among its fields. */
function withPreprocessing(about: unknown, preprocessing: Preprocessor): unknown {
  if (typeof about !== 'object' || about === null || Array.isArray(about) || 'preprocessing' in about) {
    fail('argument', 'saveModel: with { preprocessing }, about must be an object without a field of that name.');
  }
  return { ...about, preprocessing: preprocessing.toJSON() };
}

/** A model read from a file, in evaluation mode, and what was saved beside it. */
export interface LoadedModel {
  readonly model: Module;
  readonly about: unknown;
  /** What its inputs must go through, as it was fitted; null where the file has none. */
  readonly preprocessing: Preprocessor | null;
}

/**
 * Reads what `saveModel` wrote, or `pack` made, now or by an earlier version: from a path, a URL, a Blob or bytes. Throws for
 * another kind of file, or one that does not hold what it says.
 */
export async function loadModel(source: Source, { types }: ModelFileOptions = {}): Promise<LoadedModel> {
  const file = nameOf(source);
  const { model, about } = unpack(await readSource(source), { file, ...(types === undefined ? {} : { types }) });
  try {
    return { model, about, preprocessing: await preprocessingIn(file, about) };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

async function preprocessingIn(file: string, about: unknown): Promise<Preprocessor | null> {
  if (typeof about !== 'object' || about === null || !('preprocessing' in about)) return null;
  const { preprocessing } = about;
  // A program may have put something of its own there.
  if (typeof preprocessing !== 'object' || preprocessing === null || !('kind' in preprocessing)) return null;
  // Fetched here, since a program whose models need none is lighter without it.
  const { preprocessorFromJSON } = await import('../data/preprocessing/restore.js');
  try {
    return preprocessorFromJSON(preprocessing);
  } catch (cause) {
    throw new FettleError('format', `${file}: its preprocessing cannot be restored: ${String(cause)}.`, { cause });
  }
}
