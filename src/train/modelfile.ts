import { type Packed, packSparse, unpackSparse } from '../compress/bitmask.js';
import { compressedTypes } from '../compress/quantized.js';
import { FettleError, fail } from '../core/errors.js';
import { openScope } from '../core/scope.js';
import { scope } from '../core/scoping.js';
import { parse, saveFile } from '../io/index.js';
import { construct, describe, type LayerTypes, layerTypes, type Module, type Topology } from '../nn/index.js';
import { readFile } from '../runtime/files.node.js';

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
export async function saveModel(
  path: string,
  model: Module,
  about: unknown = {},
  { types }: ModelFileOptions = {},
): Promise<void> {
  // Not open while the file is being written: it would free what the caller makes meanwhile.
  const packing = openScope();
  let written: Promise<void>;
  try {
    const { tensors, shapes } = packSparse(model.stateDict());
    const header: Header = { topology: describe(model, { ...TYPES, ...types }), sparse: shapes, about };
    written = saveFile(path, tensors, { format: FORMAT, version: VERSION, model: JSON.stringify(header) });
  } finally {
    packing.end();
  }
  await written;
}

/** A model read from a file, in evaluation mode, and what was saved beside it. */
export interface LoadedModel {
  readonly model: Module;
  readonly about: unknown;
}

/** Reads what `saveModel` wrote. Throws for another kind of file, or one that does not hold what it says. */
export async function loadModel(path: string, { types }: ModelFileOptions = {}): Promise<LoadedModel> {
  const bytes = await readFile(path);
  return scope(() => {
    const { tensors, metadata } = parse(bytes, path);
    const { format, version, model: text } = metadata;
    if (format !== FORMAT || text === undefined) {
      fail(
        'format',
        `${path}: this safetensors file holds tensors but no fettle model. Build the model and use loadStateDict().`,
      );
    }
    if (version !== VERSION) fail('format', `${path}: model format ${version} is not known here, expected ${VERSION}.`);
    const { topology, sparse, about } = parseHeader(path, text);
    const model = build(path, topology, { tensors, shapes: sparse }, { ...TYPES, ...types });
    return { model: model.eval(), about };
  });
}

function build(path: string, topology: Topology, packed: Packed, types: LayerTypes): Module {
  let model: Module | null = null;
  try {
    const unknown = typesIn(topology).find((type) => !Object.hasOwn(types, type));
    if (unknown !== undefined) fail('format', `unknown layer type '${unknown}'. Pass types for layers of your own.`);
    const state = unpackSparse(packed);
    model = construct(topology, types);
    model.loadStateDict(state);
    return model;
  } catch (error) {
    model?.dispose();
    // Whatever a constructor may say about its arguments, it is the file that is wrong; memory may be short all the same.
    const code = error instanceof FettleError && error.code === 'memory' ? 'memory' : 'format';
    return fail(code, `${path}: its model cannot be built: ${(error as Error).message}`, error);
  }
}

function typesIn({ type, children = [] }: Topology): string[] {
  return [type, ...children.flatMap(([, child]) => typesIn(child))];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTopology(value: unknown): value is Topology {
  if (!isRecord(value) || typeof value.type !== 'string') return false;
  const { args = [], children = [] } = value;
  if (!Array.isArray(args) || !Array.isArray(children)) return false;
  return children.every((entry) => Array.isArray(entry) && typeof entry[0] === 'string' && isTopology(entry[1]));
}

function parseHeader(path: string, text: string): Header {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    return fail('format', `${path}: the description of the model is not JSON.`, error);
  }
  if (!isRecord(header) || !isTopology(header.topology) || !isRecord(header.sparse)) {
    return fail('format', `${path}: the description of the model lacks its structure.`);
  }
  return header as unknown as Header;
}
