import { joinBytes } from '../../core/bytes.js';
import { crc32 } from '../../core/crc.js';
import { fail } from '../../core/errors.js';
import { inflate, MOST_PER_BYTE } from '../../runtime/deflate.node.js';
import { orientationOf } from './exif.js';
import { checkPixels, type Decoded, type Orientation, type Pixels } from './pixels.js';
import { unfilter } from './unfilter.js';

/**
 * PNG (W3C Recommendation, third edition): a signature, and chunks of
 *
 *   length (uint32) │ type (4 letters) │ data │ CRC-32 of type and data
 *
 * IHDR comes first and IEND last; the data of all IDAT chunks together are one zlib stream of filtered rows.
 */
export const PNG_SIGNATURE: readonly number[] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export function isPng(bytes: Uint8Array): boolean {
  return bytes.length >= PNG_SIGNATURE.length && PNG_SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/** Bytes of a file that tell its size: the signature and all of IHDR. */
export const PNG_HEADER = 33;

/** Kinds of pixel by their number in the header: samples of each, and how many bits a sample may have. */
const KINDS: ReadonlyMap<number, { readonly samples: number; readonly depths: readonly number[] }> = new Map([
  [0, { samples: 1, depths: [1, 2, 4, 8, 16] }],
  [2, { samples: 3, depths: [8, 16] }],
  [3, { samples: 1, depths: [1, 2, 4, 8] }],
  [4, { samples: 2, depths: [8, 16] }],
  [6, { samples: 4, depths: [8, 16] }],
]);
const PALETTE = 3;

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly kind: number;
  readonly samples: number;
  readonly interlaced: boolean;
}

/** A checked file. */
interface Chunks {
  readonly header: PngHeader;
  readonly palette: Uint8Array | null;
  /** The data of tRNS: opacities of the palette, or the one colour that is transparent. */
  readonly transparency: Uint8Array | null;
  readonly data: readonly Uint8Array[];
  readonly orientation: Orientation;
}

function text(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

/** The header, from the first bytes of a file. */
export function readPngHeader(name: string, bytes: Uint8Array): PngHeader {
  if (bytes.length < PNG_HEADER) {
    fail('data', `${name}: cut short: a PNG begins with ${PNG_HEADER} bytes of header, ${bytes.length} are there.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(8) !== 13 || text(bytes, 12, 4) !== 'IHDR') {
    fail('data', `${name}: damaged: a PNG's first chunk is IHDR with 13 bytes, byte 8 begins another.`);
  }
  checkSum(name, 'IHDR', bytes, 8, 13);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, number, compression, filter, interlace] = bytes.subarray(24, 29) as unknown as number[];
  if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff) {
    fail('data', `${name}: damaged: its header says ${width} × ${height} pixels.`);
  }
  const kind = KINDS.get(number as number);
  if (kind === undefined || !kind.depths.includes(depth as number)) {
    return fail('data', `${name}: damaged: PNG has no colour type ${number} with ${depth} bits a sample.`);
  }
  if (compression !== 0 || filter !== 0 || (interlace !== 0 && interlace !== 1)) {
    const what = `compression ${compression}, filter method ${filter} and interlace method ${interlace}`;
    fail('data', `${name}: ${what} are unknown: PNG has 0, 0, and 0 or 1.`);
  }
  return {
    width,
    height,
    depth: depth as number,
    kind: number as number,
    samples: kind.samples,
    interlaced: interlace === 1,
  };
}

function checkSum(name: string, type: string, bytes: Uint8Array, at: number, length: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [stored, found] = [view.getUint32(at + 8 + length), crc32(bytes.subarray(at + 4, at + 8 + length))];
  if (stored !== found) {
    const hex = (value: number): string => value.toString(16).padStart(8, '0');
    fail('data', `${name}: damaged: chunk ${type} at byte ${at} has CRC ${hex(found)}, and ${hex(stored)} is stored.`);
  }
}

/** The parts of a file. Throws unless it is whole and every checksum is right. */
export function checkPng(name: string, bytes: Uint8Array, maxPixels: number): Chunks {
  const header = readPngHeader(name, bytes);
  checkPixels(name, header.width, header.height, maxPixels);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let palette: Uint8Array | null = null;
  let transparency: Uint8Array | null = null;
  let orientation: Orientation = 1;
  for (let at = PNG_HEADER; ; ) {
    const left = bytes.length - at;
    if (left < 12) fail('data', `${name}: cut short at byte ${bytes.length}: the last chunk, IEND, is missing.`);
    const length = view.getUint32(at);
    const type = text(bytes, at + 4, 4);
    if (!/^[A-Za-z]{4}$/.test(type)) fail('data', `${name}: damaged: no chunk begins at byte ${at}.`);
    if (length > left - 12) {
      fail('data', `${name}: cut short: chunk ${type} at byte ${at} takes ${length + 12} bytes, ${left} are left.`);
    }
    checkSum(name, type, bytes, at, length);
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'IEND') break;
    if (type === 'IDAT') data.push(content);
    else if (type === 'PLTE') palette = content;
    else if (type === 'tRNS') transparency = content;
    else if (type === 'eXIf') orientation = orientationOf(content);
    // A capital first letter says that the image cannot be shown without knowing the chunk.
    else if (/^[A-Z]/.test(type)) fail('data', `${name}: chunk ${type} at byte ${at} is of an unknown kind.`);
    at += 12 + length;
  }
  if (data.length === 0) fail('data', `${name}: damaged: it has no image data (no chunk IDAT).`);
  checkColours(name, header, palette, transparency);
  return { header, palette, transparency, data, orientation };
}

function checkColours(
  name: string,
  { kind, samples }: PngHeader,
  palette: Uint8Array | null,
  transparency: Uint8Array | null,
): void {
  if (kind === PALETTE) {
    const length = palette?.length ?? 0;
    if (length === 0 || length % 3 !== 0 || length > 768) {
      fail(
        'data',
        `${name}: damaged: its palette (chunk PLTE) must have 1 … 256 colours of 3 bytes, got ${length} bytes.`,
      );
    }
  }
  if (transparency === null) return;
  const room = kind === PALETTE ? (palette?.length ?? 0) / 3 : 2 * samples;
  const fits = kind === PALETTE ? transparency.length <= room : kind < PALETTE && transparency.length === room;
  if (!fits) {
    fail(
      'data',
      `${name}: damaged: its transparency (chunk tRNS) has ${transparency.length} bytes, room is for ${room}.`,
    );
  }
}

/** Every how many pixels a pass of Adam7 takes one, and from where on. */
const ADAM7 = [
  { x: 0, y: 0, right: 8, down: 8 },
  { x: 4, y: 0, right: 8, down: 8 },
  { x: 0, y: 4, right: 4, down: 8 },
  { x: 2, y: 0, right: 4, down: 4 },
  { x: 0, y: 2, right: 2, down: 4 },
  { x: 1, y: 0, right: 2, down: 2 },
  { x: 0, y: 1, right: 1, down: 2 },
] as const;

/** Rows that were filtered together: all, or those of one pass. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly right: number;
  readonly down: number;
  readonly columns: number;
  readonly rows: number;
  /** Bytes of a row, without that of its filter. */
  readonly length: number;
}

function passesOf({ width, height, depth, samples, interlaced }: PngHeader): Pass[] {
  return (interlaced ? ADAM7 : [{ x: 0, y: 0, right: 1, down: 1 }])
    .map((pass) => {
      const columns = Math.ceil((width - pass.x) / pass.right);
      const rows = Math.ceil((height - pass.y) / pass.down);
      return { ...pass, columns, rows, length: Math.ceil((columns * samples * depth) / 8) };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [first] = parts;
  if (parts.length === 1 && first?.buffer instanceof ArrayBuffer) return first as Uint8Array<ArrayBuffer>;
  return joinBytes(parts);
}

/** The picture in the bytes of a PNG file, all of which were checked, and how it has to be turned. */
export async function decodePng(name: string, bytes: Uint8Array, maxPixels: number): Promise<Decoded> {
  const chunks = checkPng(name, bytes, maxPixels);
  const { header, orientation } = chunks;
  const { width, height, depth, samples } = header;
  const passes = passesOf(header);
  const size = passes.reduce((n, { rows, length }) => n + rows * (length + 1), 0);
  const packed = chunks.data.reduce((n, part) => n + part.length, 0);
  if (size > packed * MOST_PER_BYTE) {
    fail('data', `${name}: its header says ${width} × ${height} pixels, which ${packed} bytes of data cannot hold.`);
  }
  const rows = await inflate(`${name}: image data`, joined(chunks.data), size, 'deflate');
  const distance = Math.max(1, (samples * depth) / 8);
  let start = 0;
  for (const { rows: count, length } of passes) {
    unfilter(name, rows, start, count, length, distance);
    start += count * (length + 1);
  }
  const values = valuesOf(header, passes, rows);
  const { kind } = header;
  if (kind === PALETTE) return { pixels: colour(name, chunks, values), orientation };
  const pixels: Pixels = { width, height, channels: samples, data: spread(values, depth) };
  return { pixels: chunks.transparency ? withOpacity(pixels, chunks.transparency, values) : pixels, orientation };
}

/** The samples as they are stored, pixel by pixel. `rows` may be used up. */
function valuesOf(header: PngHeader, passes: readonly Pass[], rows: Uint8Array<ArrayBuffer>): Uint8Array | Uint16Array {
  const { width, height, depth, samples, interlaced } = header;
  const count = width * height * samples;
  if (depth === 8 && !interlaced) {
    const length = width * samples;
    for (let y = 0; y < height; y++) rows.copyWithin(y * length, y * (length + 1) + 1, (y + 1) * (length + 1));
    return rows.subarray(0, count);
  }
  const values = depth === 16 ? new Uint16Array(count) : new Uint8Array(count);
  const mask = (1 << depth) - 1;
  let start = 0;
  for (const { x, y, right, down, columns, rows: lines, length } of passes) {
    for (let line = 0; line < lines; line++, start += length + 1) {
      const begin = start + 1;
      let to = ((y + line * down) * width + x) * samples;
      const gap = (right - 1) * samples;
      for (let column = 0, k = 0; column < columns; column++, to += gap) {
        for (let s = 0; s < samples; s++, k++, to++) {
          if (depth === 8) values[to] = rows[begin + k] as number;
          else if (depth === 16) {
            values[to] = ((rows[begin + 2 * k] as number) << 8) | (rows[begin + 2 * k + 1] as number);
          } else {
            const bit = k * depth;
            values[to] = ((rows[begin + (bit >> 3)] as number) >> (8 - depth - (bit & 7))) & mask;
          }
        }
      }
    }
  }
  return values;
}

/** Values of fewer than 8 bits spread over 0 … 255. */
function spread(values: Uint8Array | Uint16Array, depth: number): Uint8Array | Uint16Array {
  if (depth >= 8) return values;
  const factor = 255 / ((1 << depth) - 1);
  return values.map((value) => value * factor);
}

function colour(name: string, { header, palette, transparency }: Chunks, values: Uint8Array | Uint16Array): Pixels {
  const { width, height } = header;
  const colours = palette as Uint8Array;
  const known = colours.length / 3;
  const channels = transparency ? 4 : 3;
  const data = new Uint8Array(values.length * channels);
  for (let i = 0, to = 0; i < values.length; i++, to += channels) {
    const value = values[i] as number;
    if (value >= known) {
      const place = `row ${Math.floor(i / width)}, column ${i % width}`;
      fail('data', `${name}: damaged: ${place} has colour ${value}, and its palette has ${known}.`);
    }
    data[to] = colours[3 * value] as number;
    data[to + 1] = colours[3 * value + 1] as number;
    data[to + 2] = colours[3 * value + 2] as number;
    if (transparency) data[to + 3] = transparency[value] ?? 255;
  }
  return { width, height, channels, data };
}

/** One colour, compared at the depth at which it is stored, is transparent, and every other opaque. */
function withOpacity(pixels: Pixels, transparency: Uint8Array, values: Uint8Array | Uint16Array): Pixels {
  const { channels: samples, data } = pixels;
  const key = Array.from({ length: samples }, (_, s) => {
    return ((transparency[2 * s] as number) << 8) | (transparency[2 * s + 1] as number);
  });
  const channels = samples + 1;
  const count = values.length / samples;
  const opaque = data instanceof Uint16Array ? 65535 : 255;
  const out = data instanceof Uint16Array ? new Uint16Array(count * channels) : new Uint8Array(count * channels);
  for (let i = 0; i < count; i++) {
    let same = true;
    for (let s = 0; s < samples; s++) {
      out[i * channels + s] = data[i * samples + s] as number;
      same &&= values[i * samples + s] === key[s];
    }
    out[i * channels + samples] = same ? 0 : opaque;
  }
  return { ...pixels, channels, data: out };
}
