/** A minimal PNG encoder (W3C PNG specification, third edition): 8-bit grey or RGB, one deflate stream. */
import { deflateSync } from 'node:zlib';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const GREY = 0;
const TRUECOLOR = 2;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? 0xedb88320 ^ (remainder >>> 1) : remainder >>> 1;
  return remainder;
});

function crc32(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) remainder = (CRC_TABLE[(remainder ^ byte) & 0xff] ?? 0) ^ (remainder >>> 8);
  return (remainder ^ 0xffffffff) >>> 0;
}

/** A chunk is its length, a four-letter type, the data, and a check sum over type and data. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** An image as bytes. */
export interface Bitmap {
  /** `height * width * channels` values, 0 to 255, rows from top to bottom, channels last. */
  readonly pixels: Uint8Array | readonly number[];
  readonly width: number;
  readonly height: number;
  readonly channels?: 1 | 3;
}

/**
 * Encodes `bitmap` as PNG.
 * @throws RangeError where the number of pixels does not match the size.
 */
export function encodePng(bitmap: Bitmap): Uint8Array {
  const { pixels, width, height, channels = 1 } = bitmap;
  const stride = width * channels;
  if (pixels.length !== stride * height) {
    throw new RangeError(
      `encodePng: expected ${height} × ${width} × ${channels} = ${stride * height} values, got ${pixels.length}.`,
    );
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8;
  header[9] = channels === 3 ? TRUECOLOR : GREY;
  // Each row begins with the number of its filter; 0 (none) is best for images as small as these.
  const rows = new Uint8Array((stride + 1) * height);
  for (let y = 0; y < height; y++) rows.set(pixels.slice(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  const chunks = [
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', new Uint8Array(0)),
  ];
  const bytes = new Uint8Array(chunks.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of chunks) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** The same as an address that can stand in `src`. */
export function pngDataUri(bitmap: Bitmap): string {
  return `data:image/png;base64,${Buffer.from(encodePng(bitmap)).toString('base64')}`;
}
