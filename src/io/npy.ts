import { fail, show } from '../core/errors.js';
import { MAX_RANK, sizeOf } from '../core/shape.js';
import { contiguous, permute } from '../ops/index.js';
import { readFile, writeFile } from '../runtime/files.node.js';
import type { Tensor } from '../tensor.js';
import { fromBytes, STORAGES, type StorageName, toBytes } from './elements.js';

/**
 * NumPy's file format for one array (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html):
 *
 *   \x93 N U M P Y │ version (2 bytes) │ length of the header (uint16, from version 2 on uint32) │ header │ elements
 *
 * The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
 */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy's names without the byte order. */
const CODES: Readonly<Record<string, StorageName>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  u8: 'U64',
  i4: 'I32',
  u4: 'U32',
  i2: 'I16',
  u2: 'U16',
  i1: 'I8',
  u1: 'U8',
  b1: 'BOOL',
};

const DESCR: { readonly [D in Tensor['dtype']]: string } = {
  float32: '<f4',
  float16: '<f2',
  int32: '<i4',
  int8: '|i1',
  uint8: '|u1',
  bool: '|b1',
};

interface Parsed {
  readonly stored: StorageName;
  readonly little: boolean;
  readonly fortran: boolean;
  readonly shape: number[];
  /** Where the elements begin. */
  readonly start: number;
}

function readHeader(file: string, bytes: Uint8Array): Parsed {
  if (bytes.length < 10 || !MAGIC.every((byte, i) => bytes[i] === byte)) fail('format', `${file}: not an npy file.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6] as number;
  if (version < 1 || version > 3) fail('format', `${file}: version ${version} of the npy format is unknown.`);
  const wide = version > 1;
  if (wide && bytes.length < 12) fail('format', `${file}: cut short within the header.`);
  const start = wide ? 12 + view.getUint32(8, true) : 10 + view.getUint16(8, true);
  if (start > bytes.length) fail('format', `${file}: cut short within the header: ${bytes.length} of ${start} bytes.`);
  const header = new TextDecoder().decode(bytes.subarray(wide ? 12 : 10, start));
  const descr = /'descr'\s*:\s*'([<>|=])([a-z]\d+)'/.exec(header);
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header);
  const sizes = /'shape'\s*:\s*\(\s*((?:\d+\s*,\s*)*(?:\d+)?)\s*\)/.exec(header);
  if (descr === null || fortran === null || sizes === null) {
    return fail(
      'format',
      `${file}: unknown header ${header.trim().slice(0, 200)}. Only arrays of one plain type can be read.`,
    );
  }
  const stored = CODES[descr[2] as string];
  if (stored === undefined) {
    return fail('format', `${file}: unknown type '${descr[2]}'. Known are ${Object.keys(CODES).join(', ')}.`);
  }
  const shape = (sizes[1] as string)
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number);
  if (shape.length > MAX_RANK) fail('format', `${file}: at most ${MAX_RANK} dimensions, got ${show(shape)}.`);
  const total = start + sizeOf(shape) * STORAGES[stored].bytes;
  if (total !== bytes.length) {
    const what = total > bytes.length ? 'cut short' : 'too long';
    fail(
      'format',
      `${file}: ${what}: ${stored} ${show(shape)} takes ${total} bytes with the header, the file has ${bytes.length}.`,
    );
  }
  return { stored, little: descr[1] !== '>', fortran: fortran[1] === 'True', shape, start };
}

/** The array in the bytes of an npy file, as a tensor on the current device; dtypes as in `parse` of safetensors. */
export function parseNpy(bytes: Uint8Array | ArrayBuffer, file = 'npy'): Tensor {
  const all = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  const { stored, little, fortran, shape, start } = readHeader(file, all);
  if (!fortran) return fromBytes(file, stored, shape, all.subarray(start), little);
  // Fortran's order is that of the array with its dimensions in reverse.
  const reversed = fromBytes(file, stored, [...shape].reverse(), all.subarray(start), little);
  const turned = permute(
    reversed,
    shape.map((_, i) => shape.length - 1 - i),
  );
  const y = contiguous(turned);
  if (y !== turned) turned.dispose();
  reversed.dispose();
  return y;
}

/** A tensor as the bytes of an npy file. */
export async function serializeNpy(x: Tensor): Promise<Uint8Array<ArrayBuffer>> {
  const elements = await toBytes('serializeNpy', x);
  const shape = `(${x.shape.join(', ')}${x.shape.length === 1 ? ',' : ''})`;
  const header = `{'descr': '${DESCR[x.dtype]}', 'fortran_order': False, 'shape': ${shape}, }`;
  // The elements begin at a multiple of 64 bytes; a line break ends the padding.
  const start = Math.ceil((10 + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(start + elements.length).fill(0x20, 0, start);
  bytes.set([...MAGIC, 1, 0, (start - 10) & 255, (start - 10) >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes[start - 1] = 0x0a;
  bytes.set(elements, start);
  return bytes;
}

/** Writes a tensor to an npy file, atomically. */
export async function saveNpy(path: string, x: Tensor): Promise<void> {
  await writeFile(path, [await serializeNpy(x)]);
}

/** Reads an npy file. */
export async function loadNpy(path: string): Promise<Tensor> {
  return parseNpy(await readFile(path), path);
}
