import { fail, show } from '../../core/errors.js';
import { fromHalf, toHalf } from '../../core/half.js';
import { MAX_RANK, sizeOf } from '../../core/shape.js';
import { isStorageName, STORAGES, type StorageName } from '../../io/elements.js';
import { BitReader, BitWriter } from './bits.js';
import { codedBits, codeLengths, Decoder, writeCoded } from './huffman.js';
import {
  checkClaim,
  GAP_WIDTHS,
  gapCounts,
  gapSymbols,
  gapsOf,
  maskSymbols,
  type Places,
  placing,
  readPlaces,
} from './places.js';

/**
 * How one tensor is stored where it is not stored as it is: a stream of bits that holds
 *
 *   places of elements ≠ 0 (none where all are stored) │ codebook (none where values are stored as they are) │ values
 *
 * with the lengths of Huffman's words before whatever is coded. No step loses anything, unless `half` says so.
 */
export interface Form {
  readonly shape: readonly number[];
  readonly dtype: StorageName;
  readonly places?: Places;
  readonly codebook?: {
    /** Distinct values. */
    readonly entries: number;
    readonly coded: boolean;
  };
  /** Whether float32 values are rounded to float16. */
  readonly half?: true;
}

/** Elements as whole numbers that have their bits. */
export type Elements = Uint32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** More distinct values than this are no codebook. */
const MOST_ENTRIES = 4096;

/** Share of zeros below which their places take about what they save. */
const WORTH_IT = 0.03;

/** A row of symbols, and the cheapest way to write it. */
interface Row {
  readonly symbols: ArrayLike<number>;
  readonly width: number;
  /** Lengths of Huffman's words, where that takes fewer bits. */
  readonly lengths: Uint8Array | null;
  readonly bits: number;
}

function rowOf(symbols: ArrayLike<number>, width: number, alphabet: number): Row {
  const counts = new Uint32Array(alphabet);
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] as number;
    counts[symbol] = (counts[symbol] as number) + 1;
  }
  return { symbols, width, ...cheapest(counts, width) };
}

/** Whether Huffman's words are shorter for symbols that occur so often, and what the shorter way takes. */
function cheapest(counts: Uint32Array, width: number): Pick<Row, 'lengths' | 'bits'> {
  const total = counts.reduce((n, count) => n + count, 0);
  // Without symbols there are no words, and no code is complete.
  if (total === 0) return { lengths: null, bits: 0 };
  const lengths = codeLengths(counts);
  const coded = codedBits(counts, lengths);
  return coded < total * width ? { lengths, bits: coded } : { lengths: null, bits: total * width };
}

function writeRow(writer: BitWriter, { symbols, width, lengths }: Row): void {
  if (lengths !== null) writeCoded(writer, lengths, symbols);
  else for (let i = 0; i < symbols.length; i++) writer.write(symbols[i] as number, width);
}

/** Gives the symbols of a row, one by one. */
function readRow(reader: BitReader, coded: boolean, width: number, alphabet: number): () => number {
  if (!coded) return () => reader.read(width);
  const decoder = new Decoder(reader, alphabet);
  return () => decoder.next();
}

/** Bits of a code that tells `entries` values apart. */
function codeWidth(entries: number): number {
  return Math.max(1, 32 - Math.clz32(entries - 1));
}

function writeWide(writer: BitWriter, value: number, width: number): void {
  if (width > 16) writer.write(value >>> 16, width - 16);
  writer.write(value & 0xffff, Math.min(width, 16));
}

function readWide(reader: BitReader, width: number): number {
  const high = width > 16 ? reader.read(width - 16) : 0;
  return high * 0x10000 + reader.read(Math.min(width, 16));
}

/** Values and how they are written: as they are, or as codes of a codebook. */
interface Values {
  readonly entries: Elements | null;
  readonly row: Row | null;
  readonly bits: number;
}

function valuesOf(values: Elements, width: number): Values {
  const plain: Values = { entries: null, row: null, bits: values.length * width };
  const codes = new Map<number, number>();
  for (const value of values) {
    if (codes.has(value)) continue;
    codes.set(value, 0);
    if (codes.size > MOST_ENTRIES) return plain;
  }
  if (codes.size === 0) return plain;
  const entries = values.slice(0, codes.size);
  let next = 0;
  for (const value of codes.keys()) entries[next++] = value;
  entries.sort();
  entries.forEach((value, code) => {
    codes.set(value, code);
  });
  const row = rowOf(
    Uint16Array.from(values, (value) => codes.get(value) as number),
    codeWidth(entries.length),
    entries.length,
  );
  const bits = entries.length * width + row.bits;
  return bits < plain.bits ? { entries, row, bits } : plain;
}

/** The places of elements ≠ 0 in the order of `turned`. */
function keptPlaces(elements: Elements, shape: readonly number[], turned: boolean): Uint32Array {
  const place = placing(shape, turned);
  let count = 0;
  for (const element of elements) if (element !== 0) count++;
  const kept = new Uint32Array(count);
  let next = 0;
  for (let i = 0; i < elements.length; i++) if (elements[place(i)] !== 0) kept[next++] = i;
  return kept;
}

interface Sparse {
  readonly places: Places;
  readonly row: Row;
  readonly kept: Uint32Array;
}

/** The cheapest way to say where elements ≠ 0 stand. */
function cheapestPlaces(elements: Elements, shape: readonly number[]): Sparse {
  const size = elements.length;
  let best: Sparse | null = null;
  for (const turned of shape.length > 1 ? [false, true] : [false]) {
    const kept = keptPlaces(elements, shape, turned);
    const gaps = gapsOf(kept, size);
    // Which width is best is told by how often each gap occurs; symbols are made for that one alone.
    const widths = GAP_WIDTHS.map((width) => ({ width, bits: cheapest(gapCounts(gaps, width), width).bits }));
    const { width } = widths.reduce((a, b) => (b.bits < a.bits ? b : a));
    const rows: [Places['as'], Row][] = [
      ['gaps', rowOf(gapSymbols(kept, size, width), width, 2 ** width)],
      ['mask', rowOf(maskSymbols(kept, size), 8, 256)],
    ];
    for (const [as, row] of rows) {
      if (best !== null && best.row.bits <= row.bits) continue;
      const { width, lengths } = row;
      const places: Places = { as, width, coded: lengths !== null, kept: kept.length, ...(turned ? { turned } : {}) };
      best = { places, row, kept };
    }
  }
  return best as Sparse;
}

/** A tensor's form, and the stream of it. */
export interface Encoded {
  readonly form: Form;
  readonly stream: Uint8Array<ArrayBuffer>;
}

/** Elements of a tensor in its smallest form; null where that is smaller by less than the `worth` bytes it takes to say. */
export function encode(
  bytes: Uint8Array<ArrayBuffer>,
  shape: readonly number[],
  dtype: StorageName,
  { worth, half }: { worth: number; half: boolean },
): Encoded | null {
  const elements = elementsOf(bytes, dtype, half);
  const width = 8 * elements.BYTES_PER_ELEMENT;
  const all = valuesOf(elements, width);
  let zeros = 0;
  for (const element of elements) if (element === 0) zeros++;
  const sparse = zeros >= WORTH_IT * elements.length && zeros > 0 ? cheapestPlaces(elements, shape) : null;
  const left = sparse === null ? null : valuesOf(elementsAt(elements, sparse, shape), width);
  const sparseBits = sparse === null || left === null ? Infinity : sparse.row.bits + left.bits;
  const places = sparseBits < all.bits ? sparse : null;
  const values = places === null ? all : (left as Values);
  if (Math.min(sparseBits, all.bits) / 8 + worth > elements.byteLength) return null;
  const writer = new BitWriter();
  if (places !== null) writeRow(writer, places.row);
  if (values.row === null) {
    for (const element of places === null ? elements : elementsAt(elements, places, shape))
      writeWide(writer, element, width);
  } else {
    for (const entry of values.entries as Elements) writeWide(writer, entry, width);
    writeRow(writer, values.row);
  }
  const { entries, row } = values;
  const form: Form = {
    shape,
    dtype,
    ...(places === null ? {} : { places: places.places }),
    ...(entries === null ? {} : { codebook: { entries: entries.length, coded: (row as Row).lengths !== null } }),
    ...(half ? { half } : {}),
  };
  return { form, stream: writer.end() };
}

/** The elements that are not 0, in the order of their places. */
function elementsAt(elements: Elements, { kept, places }: Sparse, shape: readonly number[]): Elements {
  const place = placing(shape, places.turned === true);
  const left = elements.slice(0, kept.length);
  kept.forEach((at, i) => {
    left[i] = elements[place(at)] as number;
  });
  return left;
}

function elementsOf(bytes: Uint8Array<ArrayBuffer>, dtype: StorageName, half: boolean): Elements {
  const { buffer } = bytes;
  if (half) return Uint16Array.from(new Float32Array(buffer), toHalf);
  const { bytes: width } = STORAGES[dtype];
  if (width === 4) return new Uint32Array(buffer);
  return width === 2 ? new Uint16Array(buffer) : bytes;
}

/** The elements that a stream of this form holds, as bytes. Throws where it holds anything else. */
export function decode(what: string, form: Form, stream: Uint8Array): Uint8Array<ArrayBuffer> {
  const { shape, dtype, places, codebook, half = false } = form;
  const size = sizeOf(shape);
  const { bytes: width } = half ? STORAGES.F16 : STORAGES[dtype];
  const count = places?.kept ?? size;
  if (places !== undefined) checkClaim(what, places, size, stream.length);
  // Of every value at least one bit is there, and of values without a codebook all of them.
  const least = codebook === undefined ? 8 * width * count : count;
  if (least > 8 * stream.length || (codebook?.entries ?? 0) * width > stream.length) {
    fail('format', `${what}: ${stream.length} bytes are too few for its ${count} values.`);
  }
  const reader = new BitReader(what, stream);
  const kept =
    places === undefined
      ? null
      : readPlaces(reader, places, size, readRow(reader, places.coded, places.width, 2 ** places.width));
  const next = valueReader(reader, form, 8 * width);
  const elements: Elements =
    width === 4 ? new Uint32Array(size) : width === 2 ? new Uint16Array(size) : new Uint8Array(size);
  const place = placing(shape, places?.turned === true);
  for (let i = 0; i < count; i++) elements[kept === null ? i : place(kept[i] as number)] = next();
  reader.end();
  return new Uint8Array(half ? Float32Array.from(elements, fromHalf).buffer : elements.buffer);
}

function valueReader(reader: BitReader, { codebook }: Form, width: number): () => number {
  if (codebook === undefined) return () => readWide(reader, width);
  const { entries, coded } = codebook;
  const values = Uint32Array.from({ length: entries }, () => readWide(reader, width));
  const code = readRow(reader, coded, codeWidth(entries), entries);
  return () => {
    const at = code();
    if (at >= entries) fail('format', `${reader.what}: code ${at} is beyond its ${entries} values.`);
    return values[at] as number;
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWithin(value: unknown, low: number, high: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high;
}

/** The form that `value`, which comes out of a file, describes. */
export function checkForm(what: string, value: unknown): Form {
  const wrong = (part: string): never => fail('format', `${what}: its ${part} is not one: ${JSON.stringify(value)}.`);
  if (!isRecord(value)) return wrong('form');
  const { shape, dtype, places, codebook, half } = value;
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every((s) => isWithin(s, 0, 2 ** 31)))
    return wrong('shape');
  if (!isWithin(sizeOf(shape), 0, 2 ** 31)) return fail('format', `${what}: ${show(shape)} has too many elements.`);
  if (!isStorageName(dtype) || STORAGES[dtype].bytes > 4) return wrong('dtype');
  if (half !== undefined && (half !== true || dtype !== 'F32')) return wrong('rounding to float16');
  if (places !== undefined) {
    if (!isRecord(places) || typeof places.coded !== 'boolean' || !isWithin(places.kept, 0, sizeOf(shape)))
      return wrong('record of places');
    const { as, width, turned } = places;
    if (!(as === 'mask' && width === 8) && !(as === 'gaps' && isWithin(width, 2, 8))) return wrong('record of places');
    if (turned !== undefined && turned !== true) return wrong('record of places');
  }
  if (codebook !== undefined) {
    if (!isRecord(codebook) || !isWithin(codebook.entries, 1, MOST_ENTRIES) || typeof codebook.coded !== 'boolean')
      return wrong('codebook');
  }
  return value as unknown as Form;
}
