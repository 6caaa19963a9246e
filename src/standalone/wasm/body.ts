import { joinBytes } from '../../core/bytes.js';
import { fail } from '../../core/errors.js';
import { number, type Piece, Reader, signed } from './bytes.js';

/**
 * Instructions, as far as one must know them to find the indices among them: of functions, types, tables and globals. Covers
 * WebAssembly 2.0 with relaxed SIMD. What would need more than new indices (segments, exceptions, atomics) is refused.
 */

/** What an index counts. A block's is that of a type too, but a signed number. */
export type Space = 'function' | 'type' | 'table' | 'global' | 'block';

type Visit = (space: Space, index: number, from: number, to: number) => void;

/** Immediates of the instructions of one byte that have any, one letter for each. */
const IMMEDIATES: Readonly<Record<number, string>> = {
  ...spread([0x02, 0x03, 0x04], 'b'),
  ...spread([0x0c, 0x0d], 'n'),
  14: 'v',
  16: 'f',
  17: 'yt',
  28: 'w',
  ...spread([0x20, 0x21, 0x22], 'n'),
  ...spread([0x23, 0x24], 'g'),
  ...spread([0x25, 0x26], 't'),
  ...spread(range(0x28, 0x3e), 'm'),
  ...spread([0x3f, 0x40], '1'),
  65: 'c',
  66: 'n',
  67: '4',
  68: '8',
  208: '1',
  210: 'f',
};

/** The same behind 0xfc: conversions have none. */
const BULK: Readonly<Record<number, string>> = {
  ...spread(range(0, 7), ''),
  10: '11',
  11: '1',
  ...spread([15, 16, 17], 't'),
};

/** The same behind 0xfd: arithmetic, from 0x60 on, has none. */
const VECTORS: Readonly<Record<number, string>> = {
  ...spread([...range(0, 11), 92, 93], 'm'),
  ...spread([12, 13], 's'),
  ...spread(range(21, 34), '1'),
  ...spread(range(84, 91), 'm1'),
};

const REFUSED = [0xfe, ...range(0x06, 0x0a), 0x12, 0x13, 0x14, 0x15, 0x18, 0x19, 0x1f, 0xfb];

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function spread(codes: readonly number[], immediates: string): Record<number, string> {
  return Object.fromEntries(codes.map((code) => [code, immediates]));
}

function immediatesOf(reader: Reader): string {
  const code = reader.byte();
  if (code === 0xfd) return VECTORS[reader.number()] ?? '';
  const further = code === 0xfc ? reader.number() : 0;
  const found = code === 0xfc ? BULK[further] : REFUSED.includes(code) ? undefined : (IMMEDIATES[code] ?? '');
  if (found !== undefined) return found;
  const name = [code, ...(code === 0xfc ? [further] : [])].map((byte) => `0x${byte.toString(16)}`).join(' ');
  return fail('format', `standalone: a kernel has the instruction ${name}, which is not known here.`);
}

/**
 * Walks instructions to the end of the stretch and tells of every index among them; to `address`, of every number that may be an
 * address: constants, and what is added to one.
 */
export function walk(bytes: Uint8Array, from: number, visit: Visit, address: (value: number) => void = () => {}): void {
  const reader = new Reader(bytes, from);
  const index = (space: Space): void => {
    const at = reader.at;
    visit(space, reader.number(), at, reader.at);
  };
  const skip: Readonly<Record<string, () => void>> = {
    n: () => void reader.number(),
    v: () => void [reader.list(() => reader.number()), reader.number()],
    w: () => void reader.list(() => reader.byte()),
    m: () => void [reader.number(), address(reader.number())],
    c: () => address(reader.number()),
    f: () => index('function'),
    g: () => index('global'),
    t: () => index('table'),
    y: () => index('type'),
    b: () => {
      const at = reader.at;
      const type = reader.signed();
      // A negative number is the type of a value, or of none.
      if (type >= 0) visit('block', type, at, reader.at);
    },
    '1': () => void reader.take(1),
    '4': () => void reader.take(4),
    '8': () => void reader.take(8),
    s: () => void reader.take(16),
  };
  while (!reader.done) for (const immediate of immediatesOf(reader)) (skip[immediate] as () => void)();
}

/** The same stretch with other indices. */
export function renumber(
  bytes: Uint8Array,
  from: number,
  to: (space: Space, index: number) => number,
): Uint8Array<ArrayBuffer> {
  const pieces: Piece[] = [];
  let copied = 0;
  walk(bytes, from, (space, index, begin, end) => {
    const now = to(space, index);
    pieces.push(bytes.subarray(copied, begin), space === 'block' ? signed(now) : number(now));
    copied = end;
  });
  return joinBytes([...pieces, bytes.subarray(copied)]);
}

/** Where the instructions of a function begin, behind the types of its variables. */
export function instructionsOf(body: Uint8Array): number {
  const reader = new Reader(body);
  reader.list(() => [reader.number(), reader.byte()]);
  return reader.at;
}
