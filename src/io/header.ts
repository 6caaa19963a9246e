import { fail, show } from '../core/errors.js';
import { MAX_RANK, sizeOf } from '../core/shape.js';
import { isStorageName, STORAGES, type StorageName } from './elements.js';

/**
 * The header of a safetensors file (https://github.com/huggingface/safetensors, "Format"):
 *
 *   length of the header (uint64) │ header: JSON, padded with spaces │ elements of all tensors, without gaps
 *
 * The JSON maps each name to its dtype, its shape and where its elements begin and end, counted from the end of the header.
 */

/** Where one tensor lies. */
export interface Entry {
  readonly name: string;
  readonly stored: StorageName;
  readonly shape: readonly number[];
  /** First byte and the byte behind the last, counted from the beginning of the file. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly Entry[];
  readonly metadata: Readonly<Record<string, string>>;
}

const METADATA = '__metadata__';
/** The limit of the reference implementation. */
const LONGEST = 100_000_000;
const ALIGNMENT = 8;

/** Reads and checks a header; nothing is allocated for what it promises. `file` names it in errors. */
export function readHeader(file: string, bytes: Uint8Array): Header {
  if (bytes.length < 8)
    fail('format', `${file}: not a safetensors file: ${bytes.length} bytes are too few for a header.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const low = view.getUint32(0, true);
  const length = view.getUint32(4, true) * 2 ** 32 + low;
  if (length > LONGEST) {
    fail('format', `${file}: not a safetensors file: a header of ${length} bytes, at most ${LONGEST} are allowed.`);
  }
  const start = 8 + length;
  if (start > bytes.length) {
    fail('format', `${file}: cut short: the header takes ${length} bytes, ${bytes.length - 8} are there.`);
  }
  const json = parseJson(file, bytes.subarray(8, start));
  const { [METADATA]: metadata, ...tensors } = json;
  const entries = Object.entries(tensors).map(([name, value]) => readEntry(file, name, value, start));
  checkCover(file, entries, start, bytes.length);
  return { entries, metadata: readMetadata(file, metadata) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(file: string, bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== 0x7b) fail('format', `${file}: not a safetensors file: its header must begin with {.`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return fail('format', `${file}: its header is not JSON in UTF-8: ${why}.`, cause);
  }
  return isRecord(json) ? json : fail('format', `${file}: its header must be a JSON object.`);
}

function readMetadata(file: string, metadata: unknown): Record<string, string> {
  if (metadata === undefined) return {};
  if (!isRecord(metadata)) return fail('format', `${file}: ${METADATA} must be an object of texts.`);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') fail('format', `${file}: ${METADATA}.${key} must be a text, got ${typeof value}.`);
  }
  return metadata as Record<string, string>;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readEntry(file: string, name: string, value: unknown, start: number): Entry {
  const what = `${file}: tensor '${name}'`;
  if (!isRecord(value)) return fail('format', `${what}: expected an object with dtype, shape and data_offsets.`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isStorageName(dtype)) {
    return fail(
      'format',
      `${what}: unknown dtype ${JSON.stringify(dtype)}. Known are ${Object.keys(STORAGES).join(', ')}.`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    return fail('format', `${what}: shape must be an array of whole numbers ≥ 0, got ${JSON.stringify(shape)}.`);
  }
  if (shape.length > MAX_RANK) fail('format', `${what}: at most ${MAX_RANK} dimensions, got ${show(shape)}.`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return fail('format', `${what}: data_offsets must be two whole numbers ≥ 0, got ${JSON.stringify(offsets)}.`);
  }
  const [begin, end] = offsets as [number, number];
  const size = sizeOf(shape) * STORAGES[dtype].bytes;
  if (!isCount(size) || end - begin !== size) {
    fail(
      'format',
      `${what}: ${dtype} ${show(shape)} takes ${size} bytes, its offsets ${begin} … ${end} have ${end - begin}.`,
    );
  }
  return { name, stored: dtype, shape, begin: start + begin, end: start + end };
}

/** Tensors must lie one behind another and fill the file: no gap, no overlap, nothing missing and nothing left over. */
function checkCover(file: string, entries: readonly Entry[], start: number, length: number): void {
  let at = start;
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== at) {
      const what =
        entry.begin < at ? 'overlaps the one before it' : `leaves a gap of ${entry.begin - at} bytes before it`;
      fail('format', `${file}: tensor '${entry.name}' ${what}.`);
    }
    at = entry.end;
  }
  if (at > length)
    fail('format', `${file}: cut short: its tensors take ${at} bytes with the header, ${length} are there.`);
  if (at < length) fail('format', `${file}: ${length - at} bytes follow the last tensor.`);
}

/** A tensor that is to be written. */
export interface Planned {
  readonly name: string;
  readonly stored: StorageName;
  readonly shape: readonly number[];
}

/**
 * The header for tensors that are written in this order, padded so that their elements begin at a multiple of 8 bytes. With
 * the widest elements first every tensor is then aligned to its own.
 */
export function writeHeader(planned: readonly Planned[], metadata: Readonly<Record<string, string>>): Uint8Array {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') fail('argument', `safetensors: metadata must be texts, ${key} is ${typeof value}.`);
  }
  let at = 0;
  const entries = planned.map(({ name, stored, shape }): [string, unknown] => {
    if (name === METADATA) fail('argument', `safetensors: no tensor can be called ${METADATA}.`);
    const begin = at;
    at += sizeOf(shape) * STORAGES[stored].bytes;
    return [name, { dtype: stored, shape, data_offsets: [begin, at] }];
  });
  const own: [string, unknown][] = Object.keys(metadata).length > 0 ? [[METADATA, metadata]] : [];
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries([...own, ...entries])));
  const padded = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  if (padded > LONGEST)
    fail('argument', `safetensors: the header takes ${padded} bytes, at most ${LONGEST} are allowed.`);
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setUint32(0, padded, true);
  header.fill(0, 4, 8);
  header.set(json, 8);
  return header;
}
