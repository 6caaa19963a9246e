import { currentDevice, onWasm, withinMemory } from '../../backend/current.js';
import { FettleError, fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { sizeOf } from '../../core/shape.js';
import { fromBytes, STORAGES } from '../../io/elements.js';
import { type Entry, type Header, readHeader } from '../../io/header.js';
import { parse } from '../../io/index.js';
import { construct, type LayerTypes, layerTypes, type Module, type StateDict, type Topology } from '../../nn/index.js';
import { setCodebook, UPDATES } from '../codebook/codebook.js';
import { compressedTypes } from '../layertypes.js';
import { setMask } from '../pruning/mask.js';
import { unpackSparse } from './bitmask.js';
import { type Description, parseDescription, parseFirst, STREAM, versionOf } from './description.js';
import { decode } from './form.js';
import { checkSeal } from './sealed.js';

export interface UnpackOptions {
  /** Layer types of your own, by name. */
  readonly types?: LayerTypes;
  /** What errors call the bytes. Default 'unpack'. */
  readonly file?: string;
}

/** A model out of a file, in evaluation mode, and what was kept with it. */
export interface Unpacked {
  readonly model: Module;
  readonly about: unknown;
}

/** Layers need some memory while they are made, and some that is no part of their state. */
const SPARE_BYTES = 1 << 20;

/**
 * The model that `pack` was given, masks and codebooks included. Everything is checked before anything is built: the checksum
 * of the file, its structure, the sizes of all that it holds, each code and each index; and no more memory is taken than what
 * is really there needs. Whatever is wrong is an error of code 'format', or 'memory' where the model is too large.
 */
export function unpack(bytes: Uint8Array | ArrayBuffer, { types, file = 'unpack' }: UnpackOptions = {}): Unpacked {
  const all = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  const known = { ...layerTypes, ...compressedTypes, ...types };
  const header = readHeader(file, all);
  if (versionOf(file, header) === '1') {
    const { topology, sparse, about } = parseFirst(file, header);
    const read = (): StateDict => unpackSparse({ tensors: parse(all, file).tensors, shapes: sparse });
    return { model: build(file, topology, read, known), about };
  }
  checkSeal(file, all);
  const description = parseDescription(file, header);
  const read = (): StateDict => readState(file, all, header, description);
  const constrained = (model: Module): void => constrain(file, model, description);
  return { model: build(file, description.topology, read, known, constrained), about: description.about };
}

function build(
  file: string,
  topology: Topology,
  read: () => StateDict,
  types: LayerTypes,
  finish: (model: Module) => void = () => {},
): Module {
  try {
    const unknown = typesIn(topology).find((type) => !Object.hasOwn(types, type));
    if (unknown !== undefined) fail('format', `unknown layer type '${unknown}'. Pass types for layers of your own.`);
    return placed(() =>
      scope(() => {
        const state = read();
        const held = Object.values(state).reduce((n, value) => n + value.storage.bytes, 0);
        // float16 becomes float32, and a mask and a codebook take as much again each.
        return withinMemory(8 * held + SPARE_BYTES, () => {
          const model = construct(topology, types);
          model.loadStateDict(state);
          finish(model);
          return model.eval();
        });
      }),
    );
  } catch (error) {
    // Whatever a constructor may say about its arguments, it is the file that is wrong; memory may be short all the same.
    const isShort = error instanceof RangeError || (error instanceof FettleError && error.code === 'memory');
    return fail(
      isShort ? 'memory' : 'format',
      `${file}: its model cannot be built: ${(error as Error).message}`,
      error,
    );
  }
}

/** A model on the current device: by way of wasm where a GPU would not tell at once what masks and codebooks are read from. */
function placed(make: () => Module): Module {
  const device = currentDevice();
  if (device.answersAtOnce) return make();
  const model = onWasm(make);
  try {
    return model.to(device.name);
  } catch (error) {
    model.dispose();
    throw error;
  }
}

function typesIn({ type, children = [] }: Topology): string[] {
  return [type, ...children.flatMap(([, child]) => typesIn(child))];
}

/** All tensors of a file by their names in the state dict. */
function readState(file: string, all: Uint8Array, { entries }: Header, description: Description): StateDict {
  const state = new Map(
    entries.map((entry) => {
      const name = entry.name.endsWith(STREAM) ? entry.name.slice(0, -STREAM.length) : entry.name;
      return [name, readTensor(`${file}: tensor '${name}'`, all, entry, description, name)];
    }),
  );
  if (state.size < entries.length) fail('format', `${file}: a tensor is there twice.`);
  for (const name of Object.keys(description.tensors)) {
    if (!entries.some((entry) => entry.name === name + STREAM)) fail('format', `${file}: tensor '${name}' is missing.`);
  }
  for (const [name, earlier] of Object.entries(description.shared)) {
    const value = state.get(earlier);
    if (value === undefined) fail('format', `${file}: '${name}' shares '${earlier}', which is not there.`);
    else state.set(name, value);
  }
  return Object.fromEntries(state);
}

function readTensor(what: string, all: Uint8Array, entry: Entry, description: Description, name: string) {
  const bytes = all.subarray(entry.begin, entry.end);
  if (entry.name === name) return fromBytes(what, entry.stored, entry.shape, bytes);
  const form = Object.hasOwn(description.tensors, name) ? description.tensors[name] : undefined;
  if (form === undefined || entry.stored !== 'U8') return fail('format', `${what}: nothing says how it is stored.`);
  const elements = decode(what, form, bytes);
  if (elements.length !== sizeOf(form.shape) * STORAGES[form.dtype].bytes)
    fail('format', `${what}: its size is wrong.`);
  return fromBytes(what, form.dtype, form.shape, elements);
}

/** Gives parameters the masks and codebooks that they had: what is 0 was pruned, and what differs is an entry. */
function constrain(file: string, model: Module, { pruned, clustered }: Description): void {
  const parameters = new Map(model.namedParameters({ removeDuplicate: false }));
  const parameterOf = (name: string) =>
    parameters.get(name) ?? fail('format', `${file}: it constrains '${name}', which is no parameter.`);
  for (const name of pruned) {
    const parameter = parameterOf(name);
    setMask(
      parameter,
      parameter.dataSync().map((value) => (value === 0 ? 0 : 1)),
    );
  }
  for (const [name, update] of Object.entries(clustered)) {
    const parameter = parameterOf(name);
    const rule =
      UPDATES.find((known) => known === update) ?? fail('format', `${file}: no codebook moves by '${update}'.`);
    const centroids = new Set(parameter.dataSync().filter((value) => value !== 0));
    setCodebook(parameter, Float32Array.from(centroids).sort(), rule);
  }
}
