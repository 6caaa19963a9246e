import { packSparse, unpackSparse } from '../compress/bitmask.js';
import { compressedTypes } from '../compress/quantized.js';
import { fail } from '../core/errors.js';
import { openScope } from '../core/scope.js';
import { loadFile, saveFile } from '../io/index.js';
import { construct, describe, type LayerTypes, layerTypes, type Module, type Topology } from '../nn/index.js';

/**
 * A model in a file: a safetensors file that holds, besides the tensors, the structure of the model and whatever it needs to
 * be used, such as the normalization of its inputs. It loads without the source that defined the model.
 */

const FORMAT = 'fettle-model';
const VERSION = '1';

interface Header {
  readonly topology: Topology;
  /** Shapes of tensors that are stored sparse. */
  readonly sparse: Readonly<Record<string, readonly number[]>>;
  /** What the caller wanted to keep with the model, as JSON. */
  readonly about: unknown;
}

/** Layers of fettle/nn and of fettle/compress. */
const TYPES: LayerTypes = { ...layerTypes, ...compressedTypes };

export interface ModelFileOptions {
  /** Layer types of your own, by name. */
  readonly types?: LayerTypes;
}

/**
 * Writes `model`, with `about` (plain JSON) beside it. Tensors with many zeros are stored sparse. The file is written under a
 * temporary name and renamed, so it is never half there.
 */
export async function saveModel(path: string, model: Module, about: unknown = {}, { types }: ModelFileOptions = {}): Promise<void> {
  const scope = openScope();
  try {
    const { tensors, shapes } = packSparse(model.stateDict());
    const header: Header = { topology: describe(model, { ...TYPES, ...types }), sparse: shapes, about };
    const written = saveFile(path, tensors, { format: FORMAT, version: VERSION, model: JSON.stringify(header) });
    await written;
  } finally {
    scope.end();
  }
}

/** A model read from a file, in evaluation mode, and what was saved beside it. */
export interface LoadedModel {
  readonly model: Module;
  readonly about: unknown;
}

/** Reads what `saveModel` wrote. Throws for another kind of file, or one that does not hold what it says. */
export async function loadModel(path: string, { types }: ModelFileOptions = {}): Promise<LoadedModel> {
  const scope = openScope();
  try {
    const { tensors, metadata } = await loadFile(path);
    const { format, version, model: text } = metadata;
    if (format !== FORMAT || text === undefined) {
      fail('format', `${path}: this safetensors file holds tensors but no fettle model. Build the model and use loadStateDict().`);
    }
    if (version !== VERSION) fail('format', `${path}: model format ${version} is not known here, expected ${VERSION}.`);
    const header = parseHeader(path, text);
    const model = construct(header.topology, { ...TYPES, ...types });
    model.loadStateDict(unpackSparse({ tensors, shapes: header.sparse }));
    return { model: model.eval(), about: header.about };
  } finally {
    scope.end();
  }
}

function parseHeader(path: string, text: string): Header {
  try {
    const header = JSON.parse(text) as Header;
    if (typeof header.topology?.type === 'string' && typeof header.sparse === 'object') return header;
  } catch (error) {
    fail('format', `${path}: the description of the model is not JSON.`, error);
  }
  return fail('format', `${path}: the description of the model lacks its structure.`);
}
