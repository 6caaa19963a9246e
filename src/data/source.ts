import { FettleError, fail } from '../core/errors.js';
import { hasFiles, readChunks, readFile } from '../runtime/files.node.js';

/** Where bytes come from: a path (on Node, Deno and Bun), a URL, a Blob or File, or the bytes themselves. */
export type Source = string | URL | Blob | ArrayBuffer | ArrayBufferView;

/** Two letters at least, so that `C:\data` is a path. */
const SCHEME = /^[a-z][a-z0-9+.-]+:/i;

/** Whether a text is an address rather than a path. Where there are no files, everything is an address. */
export function isAddress(text: string): boolean {
  return SCHEME.test(text) || !hasFiles();
}

/** What to call a source in messages. */
export function nameOf(source: Source): string {
  if (typeof source === 'string') return source;
  if (source instanceof URL) return source.href;
  if (source instanceof Blob) return 'name' in source && typeof source.name === 'string' ? source.name : 'Blob';
  return 'bytes';
}

/** All bytes of a source. Throws an error of code 'data' that names a file or address that cannot be read. */
export async function readSource(source: Source): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof source === 'string') return isAddress(source) ? readAddress(source) : readFile(source);
  if (source instanceof URL) return readAddress(source.href);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) {
    // Bytes in shared memory are copied: what reads them later expects memory that nobody else writes to.
    return source.buffer instanceof ArrayBuffer
      ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
      : new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  }
  return fail('argument', `expected a path, a URL, a Blob or bytes, got ${String(source)}.`);
}

/**
 * The bytes of a source piece by piece, so that a file need not fit into memory. Each call begins anew. What is gzipped is
 * not unzipped.
 */
export async function* chunksOf(source: Source): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (typeof source === 'string' && !isAddress(source)) yield* readChunks(source);
  else if (typeof source === 'string' || source instanceof URL) {
    const address = String(source);
    if (address.startsWith('file:') && hasFiles()) yield* readChunks(pathOf(address));
    else yield* pieces(address, (await fetched(address)).body);
  } else if (source instanceof Blob) yield* pieces(nameOf(source), source.stream());
  else yield await readSource(source);
}

async function* pieces(
  name: string,
  stream: ReadableStream<Uint8Array> | null,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = stream?.getReader();
  try {
    for (;;) {
      const next = await reader?.read();
      if (next === undefined || next.done) return;
      yield next.value as Uint8Array<ArrayBuffer>;
    }
  } catch (cause) {
    throw new FettleError('data', `${name}: cannot be read to its end: ${String(cause)}.`, { cause });
  } finally {
    reader?.cancel().catch(() => {});
  }
}

async function readAddress(address: string): Promise<Uint8Array<ArrayBuffer>> {
  // fetch does not read files on Node.
  if (address.startsWith('file:') && hasFiles()) return readFile(pathOf(address));
  return new Uint8Array(await (await fetched(address)).arrayBuffer());
}

/** The answer to a request that succeeded. */
async function fetched(address: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (cause) {
    throw new FettleError('data', `${address}: cannot be fetched: ${String(cause)}.`, { cause });
  }
  if (!response.ok) fail('data', `${address}: cannot be fetched: ${response.status} ${response.statusText}.`);
  return response;
}

/** The path of a file: address, on every platform. */
function pathOf(address: string): string {
  const path = decodeURIComponent(new URL(address).pathname);
  return /^\/[a-z]:/i.test(path) ? path.slice(1) : path;
}
