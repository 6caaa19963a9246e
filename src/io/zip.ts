import { crc32 } from '../core/crc.js';
import { fail } from '../core/errors.js';
import { deflate, inflate } from '../runtime/deflate.node.js';

/**
 * Zip archives (PKWARE's APPNOTE 6.3, sections 4.3 to 4.5), little-endian: members, each with a header of its own; then the
 * central directory, which says where they are; then the record that says where that is. Archives of more than 65,535 members
 * or 4 GiB say so in wider records (zip64), which are read and not written.
 */
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const WIDE_END = 0x06064b50;
const WIDE_LOCATOR = 0x07064b50;

const LOCAL_SIZE = 30;
const CENTRAL_SIZE = 46;
const END_SIZE = 22;
const LOCATOR_SIZE = 20;
const WIDE_SIZE = 56;

const STORED = 0;
const DEFLATED = 8;
const METHODS: Readonly<Record<number, string>> = { 9: 'deflate64', 12: 'bzip2', 14: 'lzma', 93: 'zstd', 95: 'xz' };
const ENCRYPTED = 1;
/** Names are UTF-8. */
const UTF8 = 1 << 11;
/** Of the zip64 field among the extra ones. */
const WIDE_FIELD = 1;
/** What stands where a number is told in a wider field instead. */
const ELSEWHERE = 0xffffffff;

/** A member as the central directory tells of it. */
export interface Member {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Where its own header begins. */
  readonly offset: number;
}

interface Reader {
  readonly file: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
}

function damaged({ file }: Reader, what: string): never {
  return fail('format', `${file}: damaged or cut short: ${what}.`);
}

/** A 64-bit number, which must be one that counts exactly. */
function wide(reader: Reader, at: number): number {
  const value = Number(reader.view.getBigUint64(at, true));
  return Number.isSafeInteger(value) ? value : damaged(reader, `byte ${at} tells an impossible size`);
}

/** Where the central directory is. */
function directoryOf(reader: Reader): { begin: number; length: number; count: number } {
  const { file, bytes, view } = reader;
  // A comment of at most 65,535 bytes may follow the record.
  let end = bytes.length - END_SIZE;
  const first = Math.max(0, end - 0xffff);
  while (end >= first && view.getUint32(end, true) !== END) end--;
  if (end < first || end < 0) {
    const isZip = bytes.length >= 4 && view.getUint32(0, true) === LOCAL;
    return isZip
      ? damaged(reader, 'the record of its end is missing')
      : fail('format', `${file}: not a zip archive, which npz is.`);
  }
  const count = view.getUint16(end + 10, true);
  const length = view.getUint32(end + 12, true);
  const begin = view.getUint32(end + 16, true);
  if (count !== 0xffff && length !== ELSEWHERE && begin !== ELSEWHERE) return { begin, length, count };
  const locator = end - LOCATOR_SIZE;
  if (locator < 0 || view.getUint32(locator, true) !== WIDE_LOCATOR) return { begin, length, count };
  const at = wide(reader, locator + 8);
  if (at + WIDE_SIZE > bytes.length || view.getUint32(at, true) !== WIDE_END) {
    return damaged(reader, `no record of zip64 at byte ${at}`);
  }
  return { begin: wide(reader, at + 48), length: wide(reader, at + 40), count: wide(reader, at + 32) };
}

/** Sizes and place of a member; those that do not fit into 32 bits stand in the zip64 field, in this order. */
function placeOf(
  reader: Reader,
  at: number,
  extra: number,
  extraEnd: number,
): { size: number; packed: number; offset: number } {
  const { view } = reader;
  const told = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  let field = extra;
  while (field + 4 <= extraEnd && view.getUint16(field, true) !== WIDE_FIELD)
    field += 4 + view.getUint16(field + 2, true);
  let next = field + 4;
  const [size, packed, offset] = told.map((value) => {
    if (value !== ELSEWHERE) return value;
    if (next + 8 > extraEnd) return damaged(reader, `the member at byte ${at} of the directory tells no size`);
    next += 8;
    return wide(reader, next - 8);
  }) as [number, number, number];
  return { size, packed, offset };
}

/** The members of an archive. Nothing is allocated for what they promise. `file` names the archive in errors. */
export function readDirectory(file: string, bytes: Uint8Array<ArrayBuffer>): Member[] {
  const reader: Reader = { file, bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  const { view } = reader;
  const { begin, length, count } = directoryOf(reader);
  const end = begin + length;
  if (end > bytes.length || count * CENTRAL_SIZE > length) {
    return damaged(reader, `its directory of ${count} members and ${length} bytes at byte ${begin} does not fit`);
  }
  const members: Member[] = [];
  const names = new Set<string>();
  let all = 0;
  for (let at = begin, k = 0; k < count; k++) {
    if (at + CENTRAL_SIZE > end || view.getUint32(at, true) !== CENTRAL) {
      return damaged(reader, `no member ${k} of the directory at byte ${at}`);
    }
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) => view.getUint16(at + place, true)) as [
      number,
      number,
      number,
    ];
    const extra = at + CENTRAL_SIZE + nameLength;
    if (extra + extraLength + commentLength > end) return damaged(reader, `member ${k} of the directory is too long`);
    // Python writes names in UTF-8 or in ASCII, which is the same.
    const name = new TextDecoder().decode(bytes.subarray(at + CENTRAL_SIZE, extra));
    if (view.getUint16(at + 8, true) & ENCRYPTED)
      fail('format', `${file}: '${name}' is encrypted, and cannot be read.`);
    if (names.has(name)) fail('format', `${file}: two members have the name '${name}'.`);
    names.add(name);
    const place = placeOf(reader, at, extra, extra + extraLength);
    // Members that share their bytes would multiply what a small file unpacks to.
    all += place.packed;
    if (all > bytes.length) return damaged(reader, `'${name}' and those before it have more bytes than the file`);
    members.push({ name, method: view.getUint16(at + 10, true), crc: view.getUint32(at + 16, true), ...place });
    at = extra + extraLength + commentLength;
  }
  return members;
}

/** The contents of a member, checked. */
export async function readMember(
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
  { name, method, crc, packed, size, offset }: Member,
): Promise<Uint8Array<ArrayBuffer>> {
  const what = `${file}: '${name}'`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + LOCAL_SIZE > bytes.length || view.getUint32(offset, true) !== LOCAL) {
    return fail('format', `${what}: damaged or cut short: no member begins at byte ${offset}.`);
  }
  const begin = offset + LOCAL_SIZE + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (begin + packed > bytes.length) {
    fail('format', `${what}: cut short: it ends at byte ${begin + packed}, the file has ${bytes.length}.`);
  }
  if (method !== STORED && method !== DEFLATED) {
    const known = METHODS[method] ?? `method ${method}`;
    fail('format', `${what}: packed with ${known}; stored and deflated members can be read. Save it with numpy.savez.`);
  }
  const content = bytes.subarray(begin, begin + packed);
  if (method === STORED && packed !== size) {
    fail('format', `${what}: damaged: ${packed} bytes are stored, and ${size} are promised.`);
  }
  const all = method === STORED ? content : await inflate(what, content, size, 'deflate-raw', 'format');
  if (crc32(all) !== crc) fail('format', `${what}: damaged: its checksum (CRC-32) is not the one that is stored.`);
  return all;
}

/** What a part of the archive may hold at most without zip64. */
const LARGEST = 0xfffffffe;

/** The bytes of an archive with these members, part by part. */
export async function writeArchive(
  what: string,
  members: readonly (readonly [name: string, content: Uint8Array<ArrayBuffer>])[],
  compressed: boolean,
): Promise<Uint8Array<ArrayBuffer>[]> {
  if (members.length >= 0xffff) fail('unsupported', `${what}: at most 65534 arrays, got ${members.length}.`);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const [name, content] of members) {
    const text = new TextEncoder().encode(name);
    const data = compressed ? await deflate(content, 'deflate-raw') : content;
    if (text.length > 0xffff || offset > LARGEST || content.length > LARGEST || data.length > LARGEST) {
      fail('unsupported', `${what}: '${name}' is too large: archives of up to 4 GiB are written. Use safetensors.`);
    }
    // Both headers share these fields: version, flags, method, the first day of 1980, checksum, sizes, length of the name.
    const fields = (header: Uint8Array<ArrayBuffer>, at: number): void => {
      const view = new DataView(header.buffer);
      view.setUint16(at, 20, true);
      view.setUint16(at + 2, UTF8, true);
      view.setUint16(at + 4, compressed ? DEFLATED : STORED, true);
      view.setUint16(at + 8, 0x21, true);
      view.setUint32(at + 10, crc32(content), true);
      view.setUint32(at + 14, data.length, true);
      view.setUint32(at + 18, content.length, true);
      view.setUint16(at + 22, text.length, true);
    };
    const local = new Uint8Array(LOCAL_SIZE + text.length);
    new DataView(local.buffer).setUint32(0, LOCAL, true);
    fields(local, 4);
    local.set(text, LOCAL_SIZE);
    const central = new Uint8Array(CENTRAL_SIZE + text.length);
    const view = new DataView(central.buffer);
    view.setUint32(0, CENTRAL, true);
    view.setUint16(4, 20, true);
    fields(central, 6);
    view.setUint32(42, offset, true);
    central.set(text, CENTRAL_SIZE);
    parts.push(local, data);
    directory.push(central);
    offset += local.length + data.length;
  }
  const length = directory.reduce((n, part) => n + part.length, 0);
  if (offset > LARGEST) fail('unsupported', `${what}: archives of up to 4 GiB are written. Use safetensors.`);
  const end = new Uint8Array(END_SIZE);
  const view = new DataView(end.buffer);
  view.setUint32(0, END, true);
  view.setUint16(8, members.length, true);
  view.setUint16(10, members.length, true);
  view.setUint32(12, length, true);
  view.setUint32(16, offset, true);
  return [...parts, ...directory, end];
}
