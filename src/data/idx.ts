import type { TypedArray } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import type { HostArray } from './collate.js';
import { gunzip, isGzip } from './gzip.js';
import { nameOf, readSource, type Source } from './source.js';

/**
 * The IDX format of MNIST (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"), big-endian:
 *
 *   0  0  type  rank │ size (uint32) × rank │ elements, the last dimension fastest
 */

interface ElementType {
  readonly name: string;
  readonly bytes: number;
  /** Makes the array that the elements are read into. */
  readonly make: (length: number) => TypedArray;
  readonly read: (view: DataView, at: number) => number;
}

const TYPES: ReadonlyMap<number, ElementType> = new Map([
  [0x08, { name: 'uint8', bytes: 1, make: (n) => new Uint8Array(n), read: (v, at) => v.getUint8(at) }],
  [0x09, { name: 'int8', bytes: 1, make: (n) => new Int8Array(n), read: (v, at) => v.getInt8(at) }],
  [0x0b, { name: 'int16', bytes: 2, make: (n) => new Int16Array(n), read: (v, at) => v.getInt16(at) }],
  [0x0c, { name: 'int32', bytes: 4, make: (n) => new Int32Array(n), read: (v, at) => v.getInt32(at) }],
  [0x0d, { name: 'float32', bytes: 4, make: (n) => new Float32Array(n), read: (v, at) => v.getFloat32(at) }],
  [0x0e, { name: 'float64', bytes: 8, make: (n) => new Float64Array(n), read: (v, at) => v.getFloat64(at) }],
]);

interface Header {
  readonly type: ElementType;
  readonly shape: number[];
  /** Bytes before the elements. */
  readonly length: number;
  /** Bytes of a whole file. */
  readonly total: number;
}

/** What the header says, checked. `rank` is how many dimensions there must be. */
function readHeader(name: string, bytes: Uint8Array, rank: number | undefined): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) fail('format', `${name}: not an IDX file: ${bytes.length} bytes are too few for a header.`);
  if (view.getUint16(0) !== 0) {
    fail('format', `${name}: not an IDX file: it must begin with two zero bytes, got ${bytes[0]} and ${bytes[1]}.`);
  }
  const code = view.getUint8(2);
  const type = TYPES.get(code);
  if (type === undefined)
    return fail('format', `${name}: unknown IDX element type 0x${code.toString(16).padStart(2, '0')}.`);
  const dims = view.getUint8(3);
  if (rank !== undefined && dims !== rank) {
    const hint = dims === 1 ? ' Is it a file of labels?' : dims === 3 ? ' Is it a file of images?' : '';
    fail('format', `${name}: expected ${rank} dimensions, the header says ${dims}.${hint}`);
  }
  const length = 4 + 4 * dims;
  if (bytes.length < length)
    fail('format', `${name}: cut short within the header: ${bytes.length} of ${length} bytes.`);
  const shape = Array.from({ length: dims }, (_, i) => view.getUint32(4 + 4 * i));
  const total = length + sizeOf(shape) * type.bytes;
  if (!Number.isSafeInteger(total)) fail('format', `${name}: the header's sizes ${show(shape)} are impossible.`);
  return { type, shape, length, total };
}

/**
 * Reads an IDX file, gzipped or not. A file that is cut short, too long, or not what `rank` (its number of dimensions) says
 * is an error of code 'format', found before memory is taken for its contents.
 */
export async function readIdx(source: Source, options: { readonly rank?: number } = {}): Promise<HostArray> {
  const name = nameOf(source);
  let bytes = await readSource(source);
  // The longest header is that of 255 dimensions; a shorter file gives what it has.
  if (isGzip(bytes))
    bytes = await gunzip(bytes, name, 4 + 4 * 255, (start) => readHeader(name, start, options.rank).total);
  const { type, shape, length, total } = readHeader(name, bytes, options.rank);
  if (bytes.length !== total) {
    const what = bytes.length < total ? 'cut short' : 'too long';
    fail('format', `${name}: ${what}: ${show(shape)} ${type.name} takes ${total} bytes, the file has ${bytes.length}.`);
  }
  if (type.bytes === 1) {
    const at = bytes.byteOffset + length;
    const elements = total - length;
    const data = type.name === 'int8' ? new Int8Array(bytes.buffer, at, elements) : bytes.subarray(length);
    return { data, shape };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + length, total - length);
  const data = type.make(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = type.read(view, i * type.bytes);
  return { data, shape };
}
