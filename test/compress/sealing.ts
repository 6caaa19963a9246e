import { crc32 } from '../../src/compress/storing/crc32.js';

/** Packed files that have been changed, and say nothing of it: what is wrong with them has to be found without the checksum. */

interface Json {
  __metadata__: Record<string, string>;
  [name: string]: unknown;
}

/** The header of a safetensors file as JSON, and all behind it. */
export function split(bytes: Uint8Array): { header: Json; data: Uint8Array } {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Json;
  return { header, data: bytes.subarray(8 + length) };
}

/** The file of such parts, with the checksum that it ought to have. */
export function join({ header, data }: { header: Json; data: Uint8Array }): Uint8Array {
  const { crc32: _, ...metadata } = header.__metadata__;
  const text = new TextEncoder().encode(
    JSON.stringify({ ...header, __metadata__: { crc32: '00000000', ...metadata } }),
  );
  const made = new Uint8Array(8 + text.length + data.length);
  new DataView(made.buffer).setBigUint64(0, BigInt(text.length), true);
  made.set(text, 8);
  made.set(data, 8 + text.length);
  return reseal(made);
}

const DIGITS = 8 + '{"__metadata__":{"crc32":"'.length;

/** The same bytes with the checksum that they ought to have. */
export function reseal(bytes: Uint8Array): Uint8Array {
  const made = bytes.slice();
  made.fill(0x30, DIGITS, DIGITS + 8);
  made.set(new TextEncoder().encode(crc32(made).toString(16).padStart(8, '0')), DIGITS);
  return made;
}
