import { fail } from '../../core/errors.js';
import { tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { nameOf, readSource, type Source } from '../source.js';
import { decodeJpeg, isJpeg } from './jpeg.js';
import { checkMode, type Decoded, type ImageMode, MAX_PIXELS, toPlanes } from './pixels.js';
import { decodePng, isPng } from './png.js';

export interface DecodeOptions {
  /**
   * 'rgb' (default) gives three channels, 'rgba' a fourth of opacity, 'gray' one of brightness, 'unchanged' those that the
   * file has: 1 grey, 2 grey and opacity, 3 colours, 4 colours and opacity. Palettes become the colours that they stand for.
   */
  readonly mode?: ImageMode;
  /** Whether to turn the picture as its Exif data say. Default true. */
  readonly applyOrientation?: boolean;
  /** Pictures of more pixels are refused before memory is taken for them. Default 178,956,970. */
  readonly maxPixels?: number;
}

/** A picture: bytes, or 16-bit numbers where 'unchanged' was asked for and the file has them; channels one behind another. */
export interface DecodedImage {
  readonly data: Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
  readonly shape: readonly [channels: number, height: number, width: number];
}

/** How other kinds of files begin, to tell what came. */
const OTHERS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['GIF', /^GIF8/],
  ['BMP', /^BM/],
  ['WebP', /^RIFF....WEBP/s],
  ['TIFF', /^(II\*\0|MM\0\*)/],
  ['AVIF', /^....ftypavi[fs]/s],
  ['HEIF', /^....ftyp(hei[cfmsx]|hev[cmsx]|mif1|msf1)/s],
  ['JPEG XL', /^(\xff\n|\0\0\0\fJXL )/],
  ['JPEG 2000', /^(\xff\x4f\xff\x51|\0\0\0\fjP {2})/],
  ['PNM', /^P[1-7]\s/],
  ['SVG', /^\s*<(\?xml|svg)/],
  ['MNG', /^\x8aMNG/],
];

/** Throws for bytes that begin neither as a PNG nor as a JPEG, and says what they are if that is known. */
export function kindOfImage(name: string, bytes: Uint8Array): 'png' | 'jpeg' {
  if (isPng(bytes)) return 'png';
  if (isJpeg(bytes)) return 'jpeg';
  if (bytes.length === 0) return fail('data', `${name}: the file is empty.`);
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  const other = OTHERS.find(([, pattern]) => pattern.test(start))?.[0];
  if (other !== undefined) {
    return fail('data', `${name}: a file of kind ${other}; PNG and JPEG can be read. Convert it to one of them.`);
  }
  const shown = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return fail('data', `${name}: neither a PNG nor a JPEG: it begins with ${shown}.`);
}

/** Decodes bytes; `name` stands for them in messages. */
export async function decodeBytes(name: string, bytes: Uint8Array, options: DecodeOptions): Promise<DecodedImage> {
  const { mode = 'rgb', applyOrientation = true, maxPixels = MAX_PIXELS } = options;
  checkMode('decodeImage', mode);
  const kind = kindOfImage(name, bytes);
  const decode = kind === 'png' ? decodePng : decodeJpeg;
  const { pixels, orientation }: Decoded = await decode(name, bytes, maxPixels);
  return toPlanes(pixels, mode, applyOrientation ? orientation : 1);
}

/**
 * Decodes a PNG or a JPEG from a path, a URL, a Blob or bytes, into planes [C, H, W].
 *
 * PNG: every colour type, 1 … 16 bits a sample, interlaced or not, palettes and transparent colours; pixels are those of PIL.
 * JPEG: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK, any subsampling of colours; on Node, Deno, Bun and edge
 * runtimes pixels are those of PIL to the bit (CMYK and YCCK: within a level where colours are not subsampled), in browsers
 * those of the browser's decoder. Colour profiles and gamma are not applied. Of 16 bits the upper 8 count, except in mode
 * 'unchanged'; opacity that is not asked for is left out, not blended in.
 *
 * A file that is cut short, damaged or of another kind, and one that claims a size that it cannot hold, throws an error of
 * code 'data' which names the file and says what is wrong and where.
 */
export async function decodeImage(source: Source, options: DecodeOptions = {}): Promise<DecodedImage> {
  checkMode('decodeImage', options.mode ?? 'rgb');
  return decodeBytes(nameOf(source), await readSource(source), options);
}

/** The same as a tensor [C, H, W]: uint8, or int32 where 'unchanged' finds 16 bits. torchvision's `io.read_image`. */
export async function readImage(source: Source, options: DecodeOptions = {}): Promise<Tensor<'uint8' | 'int32'>> {
  checkMode('readImage', options.mode ?? 'rgb');
  const { data, shape } = await decodeBytes(nameOf(source), await readSource(source), options);
  return tensor(data, [...shape]) as Tensor<'uint8' | 'int32'>;
}
