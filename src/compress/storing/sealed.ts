import { fail } from '../../core/errors.js';
import { type Planned, writeHeader } from '../../io/header.js';
import { crc32 } from './crc32.js';

/**
 * A safetensors file that tells whether it is as it was written: the CRC-32 of all its bytes, its own digits taken for zeros,
 * stands in the metadata, and always at the same place.
 */

const BEFORE = '{"__metadata__":{"crc32":"';
const UNKNOWN = '00000000';
/** Behind the length of the header and what precedes the digits. */
const PLACE = 8 + BEFORE.length;

/** Tensors, each with its elements, and metadata as one file. */
export function seal(
  parts: readonly (Planned & { readonly elements: Uint8Array })[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const header = writeHeader(parts, { crc32: UNKNOWN, ...metadata });
  const bytes = new Uint8Array(parts.reduce((n, { elements }) => n + elements.length, header.length));
  bytes.set(header);
  let at = header.length;
  for (const { elements } of parts) {
    bytes.set(elements, at);
    at += elements.length;
  }
  bytes.set(new TextEncoder().encode(crc32(bytes).toString(16).padStart(UNKNOWN.length, '0')), PLACE);
  return bytes;
}

/** Throws unless the file is as `seal` made it. */
export function checkSeal(file: string, bytes: Uint8Array): void {
  const text = (from: number, to: number): string => new TextDecoder('latin1').decode(bytes.subarray(from, to));
  const end = PLACE + UNKNOWN.length;
  if (text(8, PLACE) !== BEFORE) {
    fail('format', `${file}: its checksum is not where fettle puts it; another program has written the file anew.`);
  }
  const zeros = new TextEncoder().encode(UNKNOWN);
  const found = crc32(bytes.subarray(end), crc32(zeros, crc32(bytes.subarray(0, PLACE))));
  if (text(PLACE, end) !== found.toString(16).padStart(UNKNOWN.length, '0')) {
    fail('format', `${file}: damaged: its bytes do not have the checksum that it says. Copy it again.`);
  }
}
