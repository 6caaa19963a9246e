import { FettleError } from '../../core/errors.js';
import { hasFiles } from '../../runtime/files.node.js';
import type { JpegHeader } from './jpeg.js';
import type { Pixels } from './pixels.js';

/**
 * The picture in a JPEG file of one or three components by the browser's own decoder, or null where there is none. It is
 * asked to manage no colours; the file has been rid of profiles and of its orientation. A JPEG has no opacity, so that the
 * way over a canvas, which stores colours multiplied by it, changes nothing.
 */
export async function decodeOnPlatform(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  { width, height, components }: JpegHeader,
): Promise<Pixels | null> {
  if (hasFiles() || typeof createImageBitmap !== 'function' || typeof OffscreenCanvas !== 'function') return null;
  const blob = new Blob([bytes], { type: 'image/jpeg' });
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  } catch (cause) {
    throw new FettleError('data', `${name}: damaged: this browser cannot decode it (${String(cause)}).`, { cause });
  }
  try {
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    // Browsers limit the size of a canvas; the library has no such limit.
    if (context === null || bitmap.width !== width || bitmap.height !== height) return null;
    context.drawImage(bitmap, 0, 0);
    return { width, height, channels: components, step: 4, data: context.getImageData(0, 0, width, height).data };
  } finally {
    bitmap.close();
  }
}
