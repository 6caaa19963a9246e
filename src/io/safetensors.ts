import { joinBytes } from '../core/bytes.js';
import { fail } from '../core/errors.js';
import { readFile, writeFile } from '../runtime/files.node.js';
import { Tensor } from '../tensor.js';
import { fromBytes, STORAGES, STORED_AS, toBytes } from './elements.js';
import { readHeader, writeHeader } from './header.js';

/** Tensors by name, as `stateDict()` gives them. */
export type NamedTensors = Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>;

/** What a safetensors file holds. */
export interface Loaded {
  readonly tensors: Record<string, Tensor>;
  /** Texts that were stored with them. */
  readonly metadata: Readonly<Record<string, string>>;
}

function isMap(tensors: NamedTensors): tensors is ReadonlyMap<string, Tensor> {
  return tensors instanceof Map;
}

/** Header and tensors as they follow one another in the file. All tensors are read before this returns. */
async function partsOf(tensors: NamedTensors, metadata: Readonly<Record<string, string>>): Promise<Uint8Array[]> {
  const all: readonly [string, Tensor][] = isMap(tensors) ? [...tensors] : Object.entries(tensors);
  const planned = all.map(([name, x]) => {
    if (!(x instanceof Tensor)) fail('argument', `safetensors: '${name}' must be a Tensor.`);
    return { name, x, stored: STORED_AS[x.dtype], shape: x.shape };
  });
  const width = (p: { stored: (typeof STORED_AS)[Tensor['dtype']] }): number => STORAGES[p.stored].bytes;
  planned.sort((a, b) => width(b) - width(a) || (a.name < b.name ? -1 : Number(a.name > b.name)));
  const header = writeHeader(planned, metadata);
  return [header, ...(await Promise.all(planned.map(({ name, x }) => toBytes(`safetensors '${name}'`, x))))];
}

/**
 * Tensors and metadata as the bytes of a safetensors file. The tensors may change or be disposed as soon as this is called.
 */
export async function serialize(
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return joinBytes(await partsOf(tensors, metadata));
}

/**
 * The tensors in the bytes of a safetensors file, on the current device. F32, F16, I32, I8, U8 and BOOL keep their dtype;
 * F64 and BF16 become float32, other whole numbers int32, which must hold them. Anything wrong with the file throws an error
 * of code 'format' before memory is taken. `file` names it in errors.
 *
 * @example
 * const bytes = await io.serialize({ weight: tensor([[1, 2], [3, 4]]) }, { author: 'me' });
 * const { tensors, metadata } = io.parse(bytes);
 * tensors.weight; // → [[1, 2], [3, 4]]
 * metadata.author; // → 'me'
 */
export function parse(bytes: Uint8Array | ArrayBuffer, file = 'safetensors'): Loaded {
  const all = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  if (!(all instanceof Uint8Array)) {
    const came = (bytes as unknown) instanceof Promise ? 'a promise: await it' : String(bytes);
    fail('argument', `parse: expected the bytes of a safetensors file as a Uint8Array or an ArrayBuffer, got ${came}.`);
  }
  const { entries, metadata } = readHeader(file, all);
  const tensors: [string, Tensor][] = [];
  try {
    for (const { name, stored, shape, begin, end } of entries) {
      tensors.push([name, fromBytes(`${file}: tensor '${name}'`, stored, shape, all.subarray(begin, end))]);
    }
  } catch (error) {
    for (const [, x] of tensors) x.dispose();
    throw error;
  }
  // Entries rather than assignments: a tensor may be called __proto__.
  return { tensors: Object.fromEntries(tensors), metadata };
}

/**
 * Writes tensors and metadata to a safetensors file: under a temporary name, to the disk, and then renamed, so that the file
 * is never half written. The tensors may change or be disposed as soon as this is called.
 */
export async function saveFile(
  path: string,
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFile(path, await partsOf(tensors, metadata));
}

/** Reads a safetensors file; see `parse`. */
export async function loadFile(path: string): Promise<Loaded> {
  return parse(await readFile(path), path);
}
