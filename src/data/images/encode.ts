import { crc32 } from '../../core/crc.js';
import { fail, show } from '../../core/errors.js';
import { deflate } from '../../runtime/deflate.node.js';
import { Tensor } from '../../tensor.js';
import type { HostArray } from '../collate.js';
import { PNG_SIGNATURE } from './png.js';

/** PNG's number for pictures of so many channels. */
const KINDS: Readonly<Record<number, number>> = { 1: 0, 2: 4, 3: 2, 4: 6 };

function chunk(type: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crc32(bytes.subarray(4, 8 + content.length)));
  return bytes;
}

/** Numbers as bytes: those of bytes themselves, and brightness 0 … 1 times 255, rounded and kept within 0 … 255. */
function toBytes(data: ArrayLike<number>): ArrayLike<number> {
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return data;
  if (!(data instanceof Float32Array) && !(data instanceof Float64Array)) {
    return fail('dtype', 'encodePng: expected bytes, or float32 of brightness 0 … 1. Cast the image to uint8.');
  }
  const odd = data.findIndex((value) => Number.isNaN(value));
  if (odd >= 0) fail('data', `encodePng: element ${odd} is NaN.`);
  return Uint8ClampedArray.from(data, (value) => Math.floor(value * 255 + 0.5));
}

/**
 * The rows with, before each, the number of the filter that leaves the smallest differences in it (PNG specification, 12.7).
 */
function filtered(pixels: Uint8Array, height: number, length: number, distance: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(height * (length + 1));
  const line = new Uint8Array(length);
  for (let y = 0; y < height; y++) {
    const begin = y * length;
    let best = Infinity;
    for (let filter = 0; filter < 5; filter++) {
      let cost = 0;
      for (let i = 0; i < length; i++) {
        const left = i < distance ? 0 : (pixels[begin + i - distance] as number);
        const up = y === 0 ? 0 : (pixels[begin + i - length] as number);
        const corner = i < distance || y === 0 ? 0 : (pixels[begin + i - length - distance] as number);
        const value = ((pixels[begin + i] as number) - predicted(filter, left, up, corner)) & 255;
        line[i] = value;
        cost += value < 128 ? value : 256 - value;
      }
      if (cost >= best) continue;
      best = cost;
      out[y * (length + 1)] = filter;
      out.set(line, y * (length + 1) + 1);
    }
  }
  return out;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
}

/**
 * An image as the bytes of a PNG file, 8 bits a sample: a tensor or `{ data, shape }`, [C, H, W] of 1 to 4 channels or [H, W];
 * uint8 as it is, floats as brightness 0 … 1. To look at what transforms do to images.
 *
 * @example
 * const bytes = await data.encodePng(tensor(Uint8Array.of(0, 128, 255), [1, 1, 3]));
 * const image = await data.readImage(bytes, { mode: 'gray' });
 * image; // → [[[0, 128, 255]]]
 */
export async function encodePng(image: Tensor | HostArray): Promise<Uint8Array<ArrayBuffer>> {
  const shape = image.shape.length === 2 ? [1, ...image.shape] : image.shape;
  const [channels, height, width] = shape as [number, number, number];
  const kind = KINDS[channels];
  if (shape.length !== 3 || kind === undefined || height === 0 || width === 0) {
    return fail(
      'shape',
      `encodePng: expected an image [C, H, W] of 1 to 4 channels, or [H, W], got ${show(image.shape)}.`,
    );
  }
  const values = toBytes(image instanceof Tensor ? await image.data() : image.data);
  const size = height * width;
  const pixels = new Uint8Array(channels * size);
  for (let channel = 0, from = 0; channel < channels; channel++) {
    for (let to = channel; to < pixels.length; to += channels) pixels[to] = values[from++] as number;
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, kind], 8);
  const rows = filtered(pixels, height, width * channels, channels);
  const parts = [
    Uint8Array.from(PNG_SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', await deflate(rows, 'deflate')),
    chunk('IEND', new Uint8Array(0)),
  ];
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
