import { FettleError, fail } from '../core/errors.js';

/** Deflate makes at most 1032 bytes of one (zlib's technical details), so a file that claims more is lying. */
const MOST_PER_BYTE = 1032;

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * The bytes that a gzip stream holds. `sizeOf` says how many there must be, from the first `head` of them; memory is taken
 * only when that is known and possible, and a stream that holds fewer or more is an error of code 'format'.
 */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  head: number,
  sizeOf: (start: Uint8Array) => number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    let start = new Uint8Array(0);
    let out: Uint8Array<ArrayBuffer> | null = null;
    let filled = 0;
    const put = (chunk: Uint8Array): void => {
      if (out === null) return;
      if (filled + chunk.length > out.length) {
        fail('format', `${name}: its header promises ${out.length} bytes, but more than that follow.`);
      }
      out.set(chunk, filled);
      filled += chunk.length;
    };
    const begin = (): void => {
      const size = sizeOf(start);
      if (size > bytes.length * MOST_PER_BYTE) {
        fail(
          'format',
          `${name}: its header promises ${size} bytes, which ${bytes.length} compressed ones cannot hold.`,
        );
      }
      out = new Uint8Array(size);
      put(start);
    };
    for (let next = await read(reader, name); next !== null; next = await read(reader, name)) {
      if (out !== null) {
        put(next);
        continue;
      }
      const joined = new Uint8Array(start.length + next.length);
      joined.set(start);
      joined.set(next, start.length);
      start = joined;
      if (start.length >= head) begin();
    }
    if (out === null) begin();
    const all = out as unknown as Uint8Array<ArrayBuffer>;
    if (filled < all.length) fail('format', `${name}: cut short: ${all.length} bytes expected, ${filled} found.`);
    return all;
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>, name: string): Promise<Uint8Array | null> {
  try {
    const { value, done } = await reader.read();
    return done ? null : value;
  } catch (cause) {
    throw new FettleError('format', `${name}: the gzip stream is damaged or cut short.`, { cause });
  }
}
