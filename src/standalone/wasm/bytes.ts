import { joinBytes } from '../../core/bytes.js';
import { fail } from '../../core/errors.js';

/** Numbers and stretches of the WebAssembly binary format, read and written (WebAssembly 2.0, chapter 5). */

const decoder = new TextDecoder();

/** Reads a module, or a stretch of one, from a place on. */
export class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
    readonly end: number = bytes.length,
  ) {}

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    const byte = this.at < this.end ? this.bytes[this.at++] : undefined;
    return byte ?? fail('format', 'standalone: a WebAssembly module ends in the middle of a number.');
  }

  /** An unsigned number. */
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  /** A signed number, of 32 bits or, where it is an index of a type, 33. */
  signed(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) return byte & 64 ? value - scale : value;
    }
  }

  /** The next `length` bytes, not copied. */
  take(length: number): Uint8Array {
    const from = this.at;
    this.at += length;
    if (this.at > this.end) fail('format', 'standalone: a WebAssembly module is cut short.');
    return this.bytes.subarray(from, this.at);
  }

  /** A name, or anything else that begins with its length. */
  name(): string {
    return decoder.decode(this.take(this.number()));
  }

  /** As many things as the next number says. */
  list<T>(read: () => T): T[] {
    return Array.from({ length: this.number() }, read);
  }
}

export function number(value: number): number[] {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

/** The same of a signed number of 32 bits; an address beyond 2 GiB is one that is negative. */
export function signed(value: number): number[] {
  const bytes = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 127;
    rest >>= 7;
    if ((rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

/** Bytes as they come to be written: small lists of numbers, and stretches of other modules. */
export type Piece = readonly number[] | Uint8Array;

/** Things one behind another, their count before them. */
export function list(things: readonly Piece[]): Uint8Array<ArrayBuffer> {
  return joinBytes([number(things.length), ...things]);
}

/** What begins with its length. */
export function sized(content: Uint8Array): Uint8Array<ArrayBuffer> {
  return joinBytes([number(content.length), content]);
}

export function text(value: string): Uint8Array<ArrayBuffer> {
  return sized(new TextEncoder().encode(value));
}

/** Section `id`, or nothing where it would be empty. */
export function section(id: number, things: readonly Piece[]): readonly Piece[] {
  return things.length === 0 ? [] : [[id], sized(list(things))];
}
