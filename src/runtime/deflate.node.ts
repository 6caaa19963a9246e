/**
 * Deflate, both ways, by the zlib that the runtime has: on Node, Deno and Bun node:zlib, elsewhere the streams of the web
 * platform. How long the result must be is known beforehand, so that no file can ask for more memory than it was promised.
 */
import type * as Zlib from 'node:zlib';
import { type ErrorCode, FettleError, fail } from '../core/errors.js';
import { hasFiles } from './files.node.js';

/** With zlib's header and checksum, or without. */
export type Deflated = 'deflate' | 'deflate-raw';

/** Deflate makes at most 1032 bytes of one (zlib's technical details), so a file that claims more is lying. */
export const MOST_PER_BYTE = 1032;

/** The name of the module is not a literal, so that bundlers for browsers do not look for it. */
async function load(): Promise<typeof Zlib | null> {
  if (!hasFiles()) return null;
  const name = ['node', 'zlib'].join(':');
  // An edge runtime may say that it is Node and still have no such module; it has the streams.
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name).then(
    (module: typeof Zlib) => module,
    () => null,
  );
}

let loading: Promise<typeof Zlib | null> | undefined;

function zlib(): Promise<typeof Zlib | null> {
  loading ??= load();
  return loading;
}

/**
 * The `size` bytes that `bytes` hold deflated; `what` names them in messages. Memory is taken only for a size that so few
 * bytes can hold. A damaged stream, and one that holds fewer or more bytes, throws an error of code `code`.
 */
export async function inflate(
  what: string,
  bytes: Uint8Array<ArrayBuffer>,
  size: number,
  form: Deflated,
  code: ErrorCode = 'data',
): Promise<Uint8Array<ArrayBuffer>> {
  const spoilt: Spoilt = {
    damaged: (cause) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new FettleError(code, `${what}: the compressed bytes are damaged or cut short (${reason}).`, { cause });
    },
    tooLong: () => fail(code, `${what}: ${size} bytes are promised, but more than that follow.`),
  };
  if (size > bytes.length * MOST_PER_BYTE) {
    fail(code, `${what}: ${size} bytes are promised, which ${bytes.length} compressed ones cannot hold.`);
  }
  const native = await zlib();
  const all = native
    ? inflateNative(native, bytes, size, form, spoilt)
    : await inflateStream(bytes, size, form, spoilt);
  if (all.length !== size) fail(code, `${what}: cut short: ${size} bytes expected, ${all.length} found.`);
  return all;
}

/** What to throw for a stream that does not hold what was promised. */
interface Spoilt {
  readonly damaged: (cause: unknown) => never;
  readonly tooLong: () => never;
}

function inflateNative(
  { inflateSync, inflateRawSync }: typeof Zlib,
  bytes: Uint8Array,
  size: number,
  form: Deflated,
  spoilt: Spoilt,
): Uint8Array<ArrayBuffer> {
  try {
    // zlib asks for chunks of this size, so one that fits saves it a copy; a single byte more tells that there are more.
    const options = { maxOutputLength: Math.max(size, 1), chunkSize: Math.min(Math.max(size + 1, 64), 1 << 26) };
    const all = form === 'deflate' ? inflateSync(bytes, options) : inflateRawSync(bytes, options);
    return new Uint8Array(all.buffer as ArrayBuffer, all.byteOffset, all.byteLength);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') return spoilt.tooLong();
    return spoilt.damaged(cause);
  }
}

async function inflateStream(
  bytes: Uint8Array<ArrayBuffer>,
  size: number,
  form: Deflated,
  spoilt: Spoilt,
): Promise<Uint8Array<ArrayBuffer>> {
  const all = new Uint8Array(size);
  let filled = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(form)).getReader();
  try {
    for (;;) {
      const next = await reader.read().catch(spoilt.damaged);
      if (next.done) return all.subarray(0, filled);
      if (filled + next.value.length > size) return spoilt.tooLong();
      all.set(next.value, filled);
      filled += next.value.length;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** `bytes` deflated. */
export async function deflate(bytes: Uint8Array<ArrayBuffer>, form: Deflated): Promise<Uint8Array<ArrayBuffer>> {
  const native = await zlib();
  if (native) {
    const packed = form === 'deflate' ? native.deflateSync(bytes) : native.deflateRawSync(bytes);
    return new Uint8Array(packed);
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream(form));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
