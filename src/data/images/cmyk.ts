import decode from 'jpeg-js/lib/decoder.js';
import { fail } from '../../core/errors.js';
import type { JpegFile } from './jpeg.js';
import type { Pixels } from './pixels.js';

/** Adobe's segment, which says that the four components are cyan, magenta, yellow and black as they are. */
const ADOBE = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0];

/** Of megapixels and megabytes: files are measured before they come here. */
const UNBOUNDED = 2 ** 31;

/**
 * The picture in a file of four components, by jpeg-js, a decoder in JavaScript: the one in WebAssembly knows no way from
 * these to red, green and blue. Components of fewer samples are enlarged without smoothing.
 */
export function decodeCmyk(name: string, bytes: Uint8Array, { width, height, adobe }: JpegFile): Pixels {
  // The decoder insists on Adobe's segment; files without it are meant the same way.
  let file = bytes;
  if (adobe === null) {
    file = new Uint8Array(bytes.length + ADOBE.length);
    file.set(bytes.subarray(0, 2));
    file.set(ADOBE, 2);
    file.set(bytes.subarray(2), 2 + ADOBE.length);
  }
  let shown: { readonly width: number; readonly height: number; readonly data: Uint8Array };
  try {
    shown = decode(file, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: UNBOUNDED,
      maxMemoryUsageInMB: UNBOUNDED,
    });
  } catch (cause) {
    return fail('data', `${name}: damaged: ${cause instanceof Error ? cause.message : String(cause)}.`, cause);
  }
  if (shown.width !== width || shown.height !== height) {
    fail('data', `${name}: damaged: ${shown.width} × ${shown.height} pixels came out of ${width} × ${height}.`);
  }
  return { width, height, channels: 3, data: shown.data };
}
