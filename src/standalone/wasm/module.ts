import { fail } from '../../core/errors.js';
import { Reader } from './bytes.js';

/** A module of kernels, taken apart: what fettle's own binaries have, and nothing else of the format. */
export interface WasmModule {
  /** Signatures, as they stand in the module. */
  readonly types: readonly Uint8Array[];
  /** Names of the globals that it imports; they are the first of the globals. */
  readonly imported: readonly string[];
  /** Globals of its own: the type, and the instructions that give the value. */
  readonly globals: readonly { readonly type: Uint8Array; readonly value: Uint8Array }[];
  /** The type of each function, and its body without the length. */
  readonly functions: readonly { readonly type: number; readonly body: Uint8Array }[];
  /** Functions by the names they are exported by. */
  readonly exports: ReadonlyMap<string, number>;
  /** Functions by their places in the table, as far as the module puts them there. */
  readonly table: ReadonlyMap<number, number>;
  readonly start: number | null;
  readonly data: readonly { readonly at: number; readonly bytes: Uint8Array }[];
}

const FUNCTION = 0;
const TABLE = 1;
const MEMORY = 2;
const GLOBAL = 3;

function strange(what: string): never {
  return fail('format', `standalone: a module of kernels has ${what}, which is not known here.`);
}

/** Passes over limits: a least number and, where a flag says so, a greatest. */
function limits(reader: Reader): void {
  for (let count = reader.byte() & 1 ? 2 : 1; count > 0; count--) reader.number();
}

/** The imports in their order; each must be the memory or a number. */
function readImport(reader: Reader): string[] {
  reader.name();
  const name = reader.name();
  const kind = reader.byte();
  if (kind === MEMORY) {
    limits(reader);
    return [];
  }
  if (kind !== GLOBAL) strange(`an import '${name}'`);
  reader.take(2);
  return [name];
}

/** An instruction that gives a number and its end; the number. */
function constant(reader: Reader): number {
  if (reader.byte() !== 0x41) strange('an address that is no constant');
  const value = reader.signed() >>> 0;
  if (reader.byte() !== 0x0b) strange('an address that is computed');
  return value;
}

/** Bytes that instructions of a constant take: one instruction and `end`. */
function expression(reader: Reader): Uint8Array {
  const from = reader.at;
  const code = reader.byte();
  if (code === 0x41 || code === 0x42 || code === 0x23) reader.number();
  else if (code === 0x43) reader.take(4);
  else if (code === 0x44) reader.take(8);
  else if (code === 0xfd && reader.number() === 12) reader.take(16);
  else strange('a global whose value is computed');
  if (reader.byte() !== 0x0b) strange('a global whose value is computed');
  return reader.bytes.subarray(from, reader.at);
}

/** Takes a module apart. Throws for one that is not of the kind that the build makes. */
export function parseModule(bytes: Uint8Array): WasmModule {
  const types: Uint8Array[] = [];
  const imported: string[] = [];
  const globals: { type: Uint8Array; value: Uint8Array }[] = [];
  const signatures: number[] = [];
  const bodies: Uint8Array[] = [];
  const exports = new Map<string, number>();
  const table = new Map<number, number>();
  const data: { at: number; bytes: Uint8Array }[] = [];
  let start: number | null = null;

  const readers: Readonly<Record<number, (reader: Reader) => void>> = {
    1: (reader) => {
      const from = reader.at;
      if (reader.byte() !== 0x60) strange('a type that is no signature');
      reader.name();
      reader.name();
      types.push(reader.bytes.subarray(from, reader.at));
    },
    2: (reader) => void imported.push(...readImport(reader)),
    3: (reader) => void signatures.push(reader.number()),
    4: (reader) => {
      reader.byte();
      limits(reader);
    },
    6: (reader) => void globals.push({ type: reader.take(2), value: expression(reader) }),
    7: (reader) => {
      const name = reader.name();
      const kind = reader.byte();
      const index = reader.number();
      if (kind === FUNCTION) exports.set(name, index);
      else if (kind !== TABLE) strange(`an export '${name}' that is no function`);
    },
    9: (reader) => {
      if (reader.number() !== 0) strange('elements that are not functions at a place');
      let at = constant(reader);
      for (const index of reader.list(() => reader.number())) table.set(at++, index);
    },
    10: (reader) => void bodies.push(reader.take(reader.number())),
    11: (reader) => {
      if (reader.number() !== 0) strange('static data without an address');
      data.push({ at: constant(reader), bytes: reader.take(reader.number()) });
    },
  };

  const reader = new Reader(bytes, 8);
  while (!reader.done) {
    const id = reader.byte();
    const length = reader.number();
    const content = new Reader(bytes, reader.at, reader.at + length);
    reader.take(length);
    if (id === 8) start = content.number();
    // Names and the like, and the number of data segments, say nothing that is needed.
    if (id === 0 || id === 8 || id === 12) continue;
    const read = readers[id] ?? strange(`a section ${id}`);
    content.list(() => read(content));
  }
  const functions = bodies.map((body, i) => ({ type: signatures[i] as number, body }));
  return { types, imported, globals, functions, exports, table, start, data };
}
