import { fail } from '../../core/errors.js';
import { orientationOf } from './exif.js';
import { checkPixels, type Decoded, type Orientation } from './pixels.js';

/**
 * JPEG (ITU-T T.81): segments that begin with 0xFF and a marker. Compressed data follow a start of scan up to the next
 * marker; within them 0xFF is followed by 0, or by one of the eight restart markers.
 *
 * What a file says of itself is read here, and that it is whole is checked here; the picture is made by a library.
 */
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const DHT = 0xc4;
const DAC = 0xcc;
const TEM = 0x01;
const APP1 = 0xe1;
const APP2 = 0xe2;
const APP14 = 0xee;

/** More scans than any encoder writes; each costs a pass over the picture, and nearly no bytes. */
const MOST_SCANS = 500;

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes.length >= 3 && bytes[0] === 0xff && bytes[1] === SOI && bytes[2] === 0xff;
}

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  readonly components: number;
}

/** A file that is whole. */
export interface JpegFile extends JpegHeader {
  readonly orientation: Orientation;
  /** What Adobe's marker says about four components: 2 for YCCK; null without one. */
  readonly adobe: number | null;
  /** Segments about colour management and orientation, which a decoder is not to act on: [begin, end) each. */
  readonly aside: readonly (readonly [begin: number, end: number])[];
}

const restart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7;
const frame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && marker !== DHT && marker !== DAC;

/** Why a frame cannot be read, of those that are not baseline (SOF0), extended (SOF1) or progressive (SOF2). */
function otherFrame(marker: number): string {
  if (marker === 0xc3) return 'lossless';
  if (marker === 0xc9 || marker === 0xca) return 'arithmetic-coded';
  return marker === 0xcb ? 'lossless and arithmetic-coded' : 'hierarchical';
}

function readFrame(name: string, marker: number, segment: Uint8Array, at: number): JpegHeader {
  if (marker > 0xc2) {
    fail(
      'data',
      `${name}: ${otherFrame(marker)} JPEG (byte ${at}) cannot be read. Save it as baseline or progressive.`,
    );
  }
  const [precision, h1, h0, w1, w0, components] = segment as unknown as number[];
  if (segment.length < 6 || segment.length !== 6 + 3 * (components as number)) {
    fail('data', `${name}: damaged: the frame header at byte ${at} has ${segment.length} bytes.`);
  }
  if (precision !== 8) fail('data', `${name}: JPEG with ${precision} bits a sample cannot be read, only with 8.`);
  const height = ((h1 as number) << 8) | (h0 as number);
  const width = ((w1 as number) << 8) | (w0 as number);
  if (width === 0 || height === 0) fail('data', `${name}: damaged: its header says ${width} × ${height} pixels.`);
  if (components !== 1 && components !== 3 && components !== 4) {
    fail('data', `${name}: JPEG with ${components} components cannot be read, only with 1, 3 or 4.`);
  }
  return { width, height, components: components as number };
}

/** The segment at `at`: its marker, and where its content lies; null where bytes run out. */
function segmentAt(name: string, bytes: Uint8Array, at: number): { marker: number; begin: number; end: number } | null {
  let place = at;
  if (bytes[place] !== undefined && bytes[place] !== 0xff)
    fail('data', `${name}: damaged: no marker at byte ${place}.`);
  while (bytes[place] === 0xff) place++;
  const marker = bytes[place];
  if (marker === undefined) return null;
  const begin = place + 1;
  if (marker === EOI || marker === SOI || marker === TEM || restart(marker)) return { marker, begin, end: begin };
  if (begin + 2 > bytes.length) return null;
  const length = ((bytes[begin] as number) << 8) | (bytes[begin + 1] as number);
  if (length < 2) fail('data', `${name}: damaged: the segment at byte ${at} has a length of ${length}.`);
  return begin + length > bytes.length ? null : { marker, begin: begin + 2, end: begin + length };
}

/** Width, height and components, from the beginning of a file; null where more of it is needed. */
export function readJpegHeader(name: string, bytes: Uint8Array): JpegHeader | null {
  for (let at = 2; ; ) {
    const segment = segmentAt(name, bytes, at);
    if (segment === null) return null;
    const { marker, begin, end } = segment;
    if (frame(marker)) return readFrame(name, marker, bytes.subarray(begin, end), at);
    if (marker === SOS || marker === EOI) fail('data', `${name}: damaged: no frame header before byte ${at}.`);
    at = end;
  }
}

/** Where the compressed data that begin at `from` end: at the next marker that is none of a restart. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at)) {
    const next = bytes[at + 1];
    if (next === undefined) return bytes.length;
    if (next === 0xff) at++;
    else if (next === 0 || restart(next)) at += 2;
    else return at;
  }
  return bytes.length;
}

function startsWith(bytes: Uint8Array, begin: number, end: number, word: string): boolean {
  return end - begin >= word.length && [...word].every((letter, i) => bytes[begin + i] === letter.charCodeAt(0));
}

/** What the file says of itself. Throws unless it is whole: down to the marker of its end, and large enough for its size. */
export function readJpeg(name: string, bytes: Uint8Array, maxPixels: number): JpegFile {
  let header: JpegHeader | null = null;
  let orientation: Orientation = 1;
  let adobe: number | null = null;
  const aside: [number, number][] = [];
  let scans = 0;
  let packed = 0;
  for (let at = 2; ; ) {
    const segment = segmentAt(name, bytes, at);
    if (segment === null) {
      return fail('data', `${name}: cut short at byte ${bytes.length}: the marker of its end is missing.`);
    }
    const { marker, begin, end } = segment;
    if (marker === EOI) break;
    if (marker === APP1 || marker === APP2) aside.push([at, end]);
    if (marker === APP1 && startsWith(bytes, begin, end, 'Exif\0\0'))
      orientation = orientationOf(bytes.subarray(begin + 6, end));
    if (marker === APP14 && startsWith(bytes, begin, end, 'Adobe') && end - begin >= 12)
      adobe = bytes[begin + 11] as number;
    if (frame(marker)) {
      if (header !== null) fail('data', `${name}: damaged: a second frame header at byte ${at}.`);
      header = readFrame(name, marker, bytes.subarray(begin, end), at);
      checkPixels(name, header.width, header.height, maxPixels);
    }
    at = end;
    if (marker !== SOS) continue;
    if (header === null) fail('data', `${name}: damaged: a scan without a frame header at byte ${at}.`);
    if (++scans > MOST_SCANS) fail('data', `${name}: more than ${MOST_SCANS} scans: no encoder writes such a file.`);
    at = endOfScan(bytes, end);
    packed += at - end;
  }
  if (header === null || scans === 0) return fail('data', `${name}: damaged: there is no picture in it.`);
  // A block of 8 × 8 pixels takes a bit at least; of the three components two may have a block for each 16 of the first.
  const { width, height } = header;
  if (Math.ceil(width / 8) * Math.ceil(height / 8) > packed * 8 * 16) {
    fail('data', `${name}: its header says ${width} × ${height} pixels, which ${packed} bytes of data cannot hold.`);
  }
  return { ...header, orientation, adobe, aside };
}

/** The file without what it says about colour management and orientation. */
function withoutAside(bytes: Uint8Array, aside: JpegFile['aside']): Uint8Array<ArrayBuffer> {
  const kept = new Uint8Array(bytes.length - aside.reduce((n, [begin, end]) => n + end - begin, 0));
  let [from, to] = [0, 0];
  for (const [begin, end] of [...aside, [bytes.length, bytes.length] as const]) {
    kept.set(bytes.subarray(from, begin), to);
    to += begin - from;
    from = end;
  }
  return kept;
}

/**
 * The picture in the bytes of a JPEG file, and how it has to be turned. Colours are as they are stored: profiles are not
 * applied. Four components (CMYK, YCCK) become red, green and blue as in PIL: inverted, and without a profile.
 */
export async function decodeJpeg(name: string, bytes: Uint8Array, maxPixels: number): Promise<Decoded> {
  const file = readJpeg(name, bytes, maxPixels);
  const { orientation } = file;
  if (file.components === 4) {
    const { decodeCmyk } = await import('./cmyk.js');
    return { pixels: decodeCmyk(name, bytes, file), orientation };
  }
  const plain = withoutAside(bytes, file.aside);
  const { decodeOnPlatform } = await import('./platform.js');
  const shown = await decodeOnPlatform(name, plain, file);
  if (shown !== null) return { pixels: shown, orientation };
  const { decodeWithLibrary } = await import('./mozjpeg.js');
  return { pixels: await decodeWithLibrary(name, plain, file), orientation };
}
