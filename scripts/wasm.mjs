/** Just enough of the WebAssembly binary format for the build: sections, numbers, the limits of the imported memory. */

const DATA_SECTION = 11;
const IMPORT_SECTION = 2;
const MEMORY = 2;
const GLOBAL = 3;
/** Limits with a maximum, of a memory that is shared among threads. */
const SHARED_WITH_MAXIMUM = 3;

/** Reads a module from a place on. */
class Reader {
  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   */
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++] ?? 0;
  }

  /** An unsigned LEB128 number; also a signed one that is not negative. */
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  /** Passes over a name, or any stretch that begins with its length. */
  skip() {
    const length = this.number();
    this.at += length;
  }
}

/** @param {number} value */
function leb128(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

/**
 * Where a section's content begins and ends, and where its header does.
 *
 * @param {Uint8Array} bytes
 * @param {number} wanted
 */
function section(bytes, wanted) {
  const reader = new Reader(bytes, 8);
  while (reader.at < bytes.length) {
    const header = reader.at;
    const id = reader.byte();
    const size = reader.number();
    if (id === wanted) return { header, begin: reader.at, end: reader.at + size };
    reader.at += size;
  }
  return undefined;
}

/**
 * Where the static data of a module ends in memory.
 *
 * @param {Uint8Array} bytes
 */
export function endOfData(bytes) {
  const data = section(bytes, DATA_SECTION);
  if (!data) return 0;
  const reader = new Reader(bytes, data.begin);
  let end = 0;
  for (let count = reader.number(); count > 0; count--) {
    // Flags, then the address as `i32.const ADDRESS end`.
    if (reader.number() !== 0 || reader.byte() !== 0x41) throw new Error('static data without a constant address');
    const address = reader.number();
    reader.at++;
    const length = reader.number();
    end = Math.max(end, address + length);
    reader.at += length;
  }
  return end;
}

/**
 * The same module on a memory that threads share. Its code is the same as long as it names no atomic operation: then the
 * declaration of the memory that it imports is all that differs.
 *
 * @param {Uint8Array} bytes
 * @param {{ initialMemory: number, maximumMemory: number }} pages
 */
export function withSharedMemory(bytes, { initialMemory, maximumMemory }) {
  const imports = section(bytes, IMPORT_SECTION);
  if (!imports) throw new Error('the module imports nothing');
  const reader = new Reader(bytes, imports.begin);
  for (let count = reader.number(); count > 0; count--) {
    reader.skip();
    reader.skip();
    const kind = reader.byte();
    if (kind === MEMORY) {
      const before = bytes.subarray(imports.begin, reader.at);
      const hasMaximum = reader.byte() & 1;
      for (let limits = 1 + hasMaximum; limits > 0; limits--) reader.number();
      const after = bytes.subarray(reader.at, imports.end);
      const limits = [SHARED_WITH_MAXIMUM, ...leb128(initialMemory), ...leb128(maximumMemory)];
      const content = [...before, ...limits, ...after];
      return Uint8Array.from([
        ...bytes.subarray(0, imports.header),
        ...[IMPORT_SECTION, ...leb128(content.length), ...content],
        ...bytes.subarray(imports.end),
      ]);
    }
    if (kind !== GLOBAL) throw new Error('the module imports more than its memory and numbers');
    // The type of the number, and whether it may be written.
    reader.at += 2;
  }
  throw new Error('the module does not import its memory');
}
