import { fail } from '../../core/errors.js';

/** A picture as a decoder gives it: rows from the top, pixels from the left, the channels of a pixel side by side. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and opacity, 3 red, green and blue, 4 these and opacity. */
  readonly channels: number;
  /** Values are 0 … 255, or with 16 bits 0 … 65535. Channels that are not to be kept may follow those that count. */
  readonly data: Uint8Array | Uint8ClampedArray | Uint16Array;
  /** Elements from one pixel to the next; default `channels`. */
  readonly step?: number;
}

/** What a picture is turned into: three channels, these with opacity, one of brightness, or as many as the file has. */
export type ImageMode = 'rgb' | 'rgba' | 'gray' | 'unchanged';

const MODES: readonly ImageMode[] = ['rgb', 'rgba', 'gray', 'unchanged'];

export function checkMode(name: string, mode: ImageMode): ImageMode {
  if (!MODES.includes(mode)) {
    fail('argument', `${name}: mode must be one of ${MODES.join(', ')}, got '${String(mode)}'.`);
  }
  return mode;
}

/** The most pixels that are read unless more are allowed: as many as PIL takes before it speaks of decompression bombs. */
export const MAX_PIXELS = 178_956_970;

/** Throws for a picture that is larger than the caller allows. */
export function checkPixels(name: string, width: number, height: number, maxPixels: number): void {
  if (width * height > maxPixels) {
    fail(
      'data',
      `${name}: its header says ${width} × ${height} pixels, and at most ${maxPixels} are read. ` +
        'If that is right, pass a larger maxPixels.',
    );
  }
}

/** Exif's orientation: 1 as it should be seen; 2 … 8 mirrored, turned, or both (Exif 2.32, tag 0x0112). */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What a decoder finds in a file. */
export interface Decoded {
  readonly pixels: Pixels;
  readonly orientation: Orientation;
}

/** Channels one behind another: [C, H, W]. */
export interface Planes {
  readonly data: Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
  readonly shape: readonly [channels: number, height: number, width: number];
}

/**
 * How the stored rows are walked so that the picture comes out upright: the first pixel, and the steps along a shown row and
 * down a shown column, in stored pixels. Orientations from 5 on exchange width and height.
 */
function walk(width: number, height: number, orientation: Orientation): { from: number; along: number; down: number } {
  const [right, below] = [width - 1, (height - 1) * width];
  switch (orientation) {
    case 1:
      return { from: 0, along: 1, down: width };
    case 2:
      return { from: right, along: -1, down: width };
    case 3:
      return { from: below + right, along: -1, down: -width };
    case 4:
      return { from: below, along: 1, down: -width };
    case 5:
      return { from: 0, along: width, down: 1 };
    case 6:
      return { from: below, along: -width, down: 1 };
    case 7:
      return { from: below + right, along: -width, down: -1 };
    case 8:
      return { from: right, along: width, down: -1 };
  }
}

/**
 * The first three of four bytes of each pixel as planes, four pixels at a time: what decoders of JPEGs give, and most of all
 * pictures need. False, with nothing done, where memory does not lie so that whole words can be moved.
 */
function split(data: Pixels['data'], out: Pixels['data']): boolean {
  const size = data.length / 4;
  const little = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
  if (data.BYTES_PER_ELEMENT !== 1 || data.byteOffset % 4 !== 0 || size % 4 !== 0 || !little) return false;
  const pixels = new Uint32Array(data.buffer, data.byteOffset, size);
  const [red, green, blue] = [0, 1, 2].map((k) => new Uint32Array(out.buffer, out.byteOffset + k * size, size / 4)) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  for (let i = 0, k = 0; i < size; i += 4, k++) {
    const a = pixels[i] as number;
    const b = pixels[i + 1] as number;
    const c = pixels[i + 2] as number;
    const d = pixels[i + 3] as number;
    red[k] = (a & 255) | ((b & 255) << 8) | ((c & 255) << 16) | (d << 24);
    green[k] = ((a >>> 8) & 255) | (b & 0xff00) | ((c & 0xff00) << 8) | ((d & 0xff00) << 16);
    blue[k] = ((a >>> 16) & 255) | ((b >>> 8) & 0xff00) | (c & 0xff0000) | ((d & 0xff0000) << 8);
  }
  return true;
}

/**
 * The picture upright and as `mode` says. Opacity that is not asked for is left out, not blended in. Brightness is
 * ITU-R 601's, (19595 R + 38470 G + 7471 B + 32768) >> 16, as PIL's. Of 16 bits the upper 8 are kept, except when unchanged.
 */
export function toPlanes(pixels: Pixels, mode: ImageMode, orientation: Orientation): Planes {
  const { width, height, channels, data, step = channels } = pixels;
  const wide = data instanceof Uint16Array;
  const count = mode === 'unchanged' ? channels : { rgb: 3, rgba: 4, gray: 1 }[mode];
  const size = width * height;
  const out = wide && mode === 'unchanged' ? new Uint16Array(count * size) : new Uint8Array(count * size);
  const shift = wide && mode !== 'unchanged' ? 8 : 0;
  const turned = orientation >= 5;
  const [columns, rows] = turned ? [height, width] : [width, height];
  if (orientation === 1 && step === 4 && count === 3 && split(data, out))
    return { data: out, shape: [3, height, width] };
  const { from, along, down } = walk(width, height, orientation);

  // One kind of array, so that the loop over it stays fast whatever the decoder gave.
  const bytes = wide ? null : new Uint8Array(data.buffer, data.byteOffset, data.length);
  const hasColour = channels >= 3;
  const brightness = mode === 'gray' && hasColour;
  // Where each channel of the result stands in a pixel; −1 is opaque.
  const opacity = channels === 2 || channels === 4 ? channels - 1 : -1;
  const places = mode === 'unchanged' ? [...Array(channels).keys()] : hasColour ? [0, 1, 2] : [0, 0, 0];
  if (mode === 'rgba') places.push(opacity);

  for (let row = 0, to = 0; row < rows; row++) {
    let at = (from + row * down) * step;
    const stride = along * step;
    if (brightness) {
      for (const end = to + columns; to < end; to++, at += stride) {
        const r = (data[at] as number) >> shift;
        const g = (data[at + 1] as number) >> shift;
        const b = (data[at + 2] as number) >> shift;
        out[to] = (r * 19595 + g * 38470 + b * 7471 + 32768) >> 16;
      }
    } else if (count === 3 && hasColour && bytes !== null) {
      for (const end = to + columns; to < end; to++, at += stride) {
        out[to] = bytes[at] as number;
        out[to + size] = bytes[at + 1] as number;
        out[to + 2 * size] = bytes[at + 2] as number;
      }
    } else {
      for (let channel = 0; channel < count; channel++) {
        const place = places[channel] as number;
        const plane = channel * size + to;
        if (place < 0) out.fill(255, plane, plane + columns);
        else
          for (let k = 0, p = at + place; k < columns; k++, p += stride) out[plane + k] = (data[p] as number) >> shift;
      }
      to += columns;
    }
  }
  return { data: out, shape: [count, rows, columns] };
}
