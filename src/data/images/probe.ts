import { readEnds } from '../../runtime/files.node.js';
import { isAddress, nameOf, readSource, type Source } from '../source.js';
import { kindOfImage } from './decode.js';
import { readJpeg, readJpegHeader } from './jpeg.js';
import { checkPixels, MAX_PIXELS } from './pixels.js';
import { checkPng, readPngHeader } from './png.js';

/** Bytes from the beginning, in which nearly every file tells its size. */
const HEAD = 1 << 16;
/** Bytes from the end: PNG's last chunk has 12, JPEG's last marker 2. */
const TAIL = 12;
const IEND = [0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82];

interface Ends {
  readonly first: Uint8Array<ArrayBuffer>;
  readonly last: Uint8Array<ArrayBuffer>;
}

/** The ends of what can be read in part. */
async function endsOf(source: Source): Promise<Ends> {
  if (typeof source === 'string' && !isAddress(source)) return readEnds(source, HEAD, TAIL);
  if (source instanceof Blob) {
    const piece = async (begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> =>
      new Uint8Array(await source.slice(begin, end).arrayBuffer());
    return { first: await piece(0, HEAD), last: await piece(Math.max(0, source.size - TAIL), source.size) };
  }
  const bytes = await readSource(source);
  return { first: bytes.subarray(0, HEAD), last: bytes.subarray(Math.max(0, bytes.length - TAIL)) };
}

const endsWith = (bytes: Uint8Array, end: readonly number[]): boolean =>
  bytes.length >= end.length && end.every((byte, i) => bytes[bytes.length - end.length + i] === byte);

/**
 * Throws, as decoding would, for a file of another kind, of a size that cannot be read, or cut short. Only its two ends are
 * looked at, unless these leave a doubt; damage in between shows when it is decoded.
 */
export async function probeImage(source: Source): Promise<void> {
  const name = nameOf(source);
  const { first, last } = await endsOf(source);
  if (kindOfImage(name, first) === 'png') {
    const { width, height } = readPngHeader(name, first);
    checkPixels(name, width, height, MAX_PIXELS);
    if (!endsWith(last, IEND)) checkPng(name, await readSource(source), MAX_PIXELS);
    return;
  }
  const header = readJpegHeader(name, first);
  if (header === null || !endsWith(last, [0xff, 0xd9])) {
    readJpeg(name, await readSource(source), MAX_PIXELS);
    return;
  }
  checkPixels(name, header.width, header.height, MAX_PIXELS);
}
