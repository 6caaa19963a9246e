import { joinBytes } from '../core/bytes.js';
import { fail } from '../core/errors.js';
import { readFile, writeFile } from '../runtime/files.node.js';
import { Tensor } from '../tensor.js';
import { parseNpy, serializeNpy } from './npy.js';
import type { NamedTensors } from './safetensors.js';
import { readDirectory, readMember, writeArchive } from './zip.js';

/** NumPy's format for several arrays: a zip archive in which the array x is the member x.npy. */
const ENDING = '.npy';

export interface NpzReadOptions {
  /** Read these arrays alone. Default: all of them. */
  readonly names?: readonly string[];
}

export interface NpzOptions {
  /** Whether to deflate the arrays, as `numpy.savez_compressed`. Default false, as `numpy.savez`. */
  readonly compressed?: boolean;
}

/**
 * The arrays in the bytes of an npz file, by name, as tensors on the current device; dtypes as in `parse` of safetensors. A
 * file that is cut short or damaged throws an error of code 'format', and no memory is taken for what it cannot hold.
 *
 * @example
 * const bytes = await io.serializeNpz({ weight: tensor([[1, 2]]), bias: tensor([3]) });
 * const { weight, bias } = await io.parseNpz(bytes);
 * weight; // → [[1, 2]]
 * bias; // → [3]
 */
export async function parseNpz(
  bytes: Uint8Array | ArrayBuffer,
  file = 'npz',
  options: NpzReadOptions = {},
): Promise<Record<string, Tensor>> {
  // What reads the members expects memory that nobody else writes to, and that of a worker may be shared.
  const own = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  const all = own.buffer instanceof ArrayBuffer ? (own as Uint8Array<ArrayBuffer>) : own.slice();
  const members = new Map(readDirectory(file, all).map((member) => [member.name, member]));
  const known = [...members.keys()]
    .filter((name) => name.endsWith(ENDING))
    .map((name) => name.slice(0, -ENDING.length));
  const wanted = options.names ?? known;
  if (options.names === undefined) {
    const other = [...members.keys()].find((name) => !name.endsWith(ENDING) && !name.endsWith('/'));
    if (other !== undefined)
      fail('format', `${file}: member '${other}' is no array: its name must end with ${ENDING}.`);
  }
  const contents: [string, Uint8Array][] = [];
  for (const name of wanted) {
    const member = members.get(name + ENDING);
    if (member === undefined) {
      return fail('argument', `${file}: there is no array '${name}'. It has ${known.join(', ') || 'none'}.`);
    }
    contents.push([name, await readMember(file, all, member)]);
  }
  // Tensors are made once nothing is waited for any more: a scope that is open elsewhere would free those made before.
  const tensors: [string, Tensor][] = [];
  try {
    for (const [name, content] of contents) tensors.push([name, parseNpy(content, `${file}: array '${name}'`)]);
  } catch (error) {
    for (const [, x] of tensors) x.dispose();
    throw error;
  }
  // Entries rather than assignments: an array may be called __proto__.
  return Object.fromEntries(tensors);
}

async function partsOf(
  what: string,
  tensors: NamedTensors | readonly Tensor[],
  { compressed = false }: NpzOptions,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const entries: [string, Tensor][] = isList(tensors)
    ? tensors.map((x, i) => [`arr_${i}`, x])
    : isMap(tensors)
      ? [...tensors]
      : Object.entries(tensors);
  for (const [name, x] of entries) {
    if (!(x instanceof Tensor)) fail('argument', `${what}: '${name}' must be a Tensor.`);
  }
  // All are read before anything is waited for, so that they may change or be disposed afterwards.
  const contents = await Promise.all(entries.map(([, x]) => serializeNpy(x)));
  const members = entries.map(([name], i) => [name + ENDING, contents[i] as Uint8Array<ArrayBuffer>] as const);
  return writeArchive(what, members, compressed);
}

function isMap(tensors: NamedTensors): tensors is ReadonlyMap<string, Tensor> {
  return tensors instanceof Map;
}

function isList(tensors: NamedTensors | readonly Tensor[]): tensors is readonly Tensor[] {
  return Array.isArray(tensors);
}

/** Tensors as the bytes of an npz file: by name, or in a list, whose arrays are called arr_0, arr_1, … as NumPy does. */
export async function serializeNpz(
  tensors: NamedTensors | readonly Tensor[],
  options: NpzOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return joinBytes(await partsOf('serializeNpz', tensors, options));
}

/** Writes tensors to an npz file, atomically; see `serializeNpz`. */
export async function saveNpz(
  path: string,
  tensors: NamedTensors | readonly Tensor[],
  options: NpzOptions = {},
): Promise<void> {
  await writeFile(path, await partsOf(path, tensors, options));
}

/** Reads an npz file; see `parseNpz`. */
export async function loadNpz(path: string, options: NpzReadOptions = {}): Promise<Record<string, Tensor>> {
  return parseNpz(await readFile(path), path, options);
}
