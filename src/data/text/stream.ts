import { FettleError, fail } from '../../core/errors.js';
import { isGzip } from '../gzip.js';
import { chunksOf, nameOf, type Source } from '../source.js';

/** Text from files, piece by piece. */

/** The bytes of a source, unzipped where it is gzipped. */
async function* unzipped(source: Source): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const chunks = chunksOf(source);
  try {
    yield* unzippedFrom(source, chunks);
  } finally {
    // A reader that has seen enough leaves an open file behind otherwise.
    await chunks.return(undefined);
  }
}

async function* unzippedFrom(
  source: Source,
  chunks: AsyncGenerator<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const first = await chunks.next();
  if (first.done) return;
  if (!isGzip(first.value)) {
    yield first.value;
    yield* chunks;
    return;
  }
  let next: typeof first | null = first;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = next ?? (await chunks.next());
      next = null;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
  const reader = stream.pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value as Uint8Array<ArrayBuffer>;
    }
  } catch (cause) {
    if (cause instanceof FettleError) throw cause;
    throw new FettleError('format', `${nameOf(source)}: the gzip stream is damaged or cut short.`, { cause });
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** The text of a UTF-8 source piece by piece, cut anywhere, gzipped or not. Bytes that are no UTF-8 throw. */
export async function* textOf(source: Source): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (cause) {
      return fail('format', `${nameOf(source)}: not UTF-8 text.`, cause);
    }
  };
  for await (const bytes of unzipped(source)) yield decode(bytes);
  yield decode();
}

/** Characters in a line beyond which a file is not what it is taken for. */
const LONGEST = 2 ** 26;

/**
 * The lines of a UTF-8 source without their ends, \n or \r\n. An empty last line is left out. A line of more than 2²⁶ characters
 * throws, so that what is no text of lines, or unzips to nothing but one, does not fill the memory.
 */
export async function* linesOf(source: Source): AsyncGenerator<string> {
  let rest = '';
  let count = 0;
  for await (const text of textOf(source)) {
    const lines = text.split('\n');
    // What is left over is joined at its end alone: a long line comes in many pieces.
    lines[0] = rest + lines[0];
    rest = lines.pop() as string;
    count += lines.length;
    if (rest.length > LONGEST) {
      fail(
        'format',
        `${nameOf(source)}:${count + 1}: a line of more than ${LONGEST} characters. Is it a text of lines?`,
      );
    }
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
}
