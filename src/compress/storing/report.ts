import { fail } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import { STORAGES, type StorageName } from '../../io/elements.js';
import { readHeader } from '../../io/header.js';
import { parseDescription, STREAM, versionOf } from './description.js';
import type { Form } from './form.js';
import { checkSeal } from './sealed.js';

/** How a tensor lies in a file. */
export interface PackedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** What is stored, e.g. 'F16', and how, e.g. 'gaps of 5 bits (Huffman), codebook of 32 (Huffman)'. */
  readonly method: string;
  readonly elements: number;
  /** Elements that are stored: those other than 0, where only they are. */
  readonly kept: number;
  readonly bytes: number;
  /** Of all elements, kept or not. */
  readonly bitsPerWeight: number;
}

export interface PackReport {
  /** Of the whole file. */
  readonly bytes: number;
  /** What is not elements: names, structure, checksum, and what was kept with the model. */
  readonly overhead: number;
  /** What all elements take as they are in memory. */
  readonly denseBytes: number;
  /** denseBytes / bytes. */
  readonly ratio: number;
  /** In the order of the file. */
  readonly tensors: readonly PackedTensor[];
}

/** Where the bytes of a packed model go; nothing is built. Every byte is counted. */
export function packReport(bytes: Uint8Array): PackReport {
  const header = readHeader('packReport', bytes);
  if (versionOf('packReport', header) === '1') {
    return fail('format', 'packReport: a file of version 1. Pack its model anew: pack(unpack(bytes).model).');
  }
  checkSeal('packReport', bytes);
  const forms = parseDescription('packReport', header).tensors;
  const tensors = header.entries.map((entry): PackedTensor & { dense: number } => {
    const packed = entry.name.endsWith(STREAM);
    const name = packed ? entry.name.slice(0, -STREAM.length) : entry.name;
    const form: Form = (packed ? forms[name] : undefined) ?? { shape: entry.shape, dtype: entry.stored };
    const elements = sizeOf(form.shape);
    const size = entry.end - entry.begin;
    return {
      name,
      shape: form.shape,
      method: methodOf(form, packed),
      elements,
      kept: form.places?.kept ?? elements,
      bytes: size,
      bitsPerWeight: elements === 0 ? 0 : (8 * size) / elements,
      dense: elements * STORAGES[memoryOf(form.dtype, packed)].bytes,
    };
  });
  const stored = tensors.reduce((n, tensor) => n + tensor.bytes, 0);
  const denseBytes = tensors.reduce((n, { dense }) => n + dense, 0);
  return {
    bytes: bytes.length,
    overhead: bytes.length - stored,
    denseBytes,
    ratio: denseBytes / bytes.length,
    tensors: tensors.map(({ dense: _, ...tensor }) => tensor),
  };
}

/** Parameters that are stored as float16 are float32 in memory. */
function memoryOf(dtype: StorageName, packed: boolean): StorageName {
  return dtype === 'F16' && !packed ? 'F32' : dtype;
}

function methodOf({ dtype, places, codebook, half }: Form, packed: boolean): string {
  const type = half ? 'F16' : dtype;
  if (!packed) return type;
  const coded = (is: boolean): string => (is ? ' (Huffman)' : '');
  const where =
    places === undefined
      ? []
      : [`${places.as === 'mask' ? 'bit mask' : `gaps of ${places.width} bits`}${coded(places.coded)}`];
  const what = codebook === undefined ? type : `codebook of ${codebook.entries} ${type}${coded(codebook.coded)}`;
  return [...where, what].join(', ');
}
