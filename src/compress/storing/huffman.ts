import { fail } from '../../core/errors.js';
import type { BitReader, BitWriter } from './bits.js';

/**
 * Canonical Huffman codes of limited length: a code is told by the lengths of its words alone, of which each takes four bits.
 * Words of one length follow one another in the order of their symbols.
 */

/** The longest word. A table of all words of that length then has 32,768 rows. */
const LONGEST = 15;
const LENGTH_BITS = 4;

/** A symbol, or two packages that are taken together. */
interface Package {
  readonly weight: number;
  readonly symbol: number;
  readonly parts: readonly [Package, Package] | null;
}

/**
 * Lengths of the words that take the fewest bits for symbols occurring as often as `counts` says, none longer than 15; 0 for
 * symbols that do not occur. A single symbol gets a word of one bit. Larmore and Hirschberg 1990, "A fast algorithm for
 * optimal length-limited Huffman codes": a symbol's length is how often it is among the 2n − 2 lightest packages.
 */
export function codeLengths(counts: ArrayLike<number>): Uint8Array {
  const lengths = new Uint8Array(counts.length);
  const leaves = Array.from(counts, (weight, symbol): Package => ({ weight, symbol, parts: null }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => a.weight - b.weight || a.symbol - b.symbol);
  if (leaves.length === 1) lengths[(leaves[0] as Package).symbol] = 1;
  if (leaves.length < 2) return lengths;
  let packages = leaves;
  for (let level = 1; level < LONGEST; level++) {
    const pairs: Package[] = [];
    for (let i = 0; i + 1 < packages.length; i += 2) {
      const parts = [packages[i], packages[i + 1]] as [Package, Package];
      pairs.push({ weight: parts[0].weight + parts[1].weight, symbol: -1, parts });
    }
    packages = merge(leaves, pairs);
  }
  const count = ({ symbol, parts }: Package): void => {
    if (parts === null) lengths[symbol] = (lengths[symbol] as number) + 1;
    else for (const part of parts) count(part);
  };
  for (const one of packages.slice(0, 2 * leaves.length - 2)) count(one);
  return lengths;
}

function merge(a: readonly Package[], b: readonly Package[]): Package[] {
  const merged: Package[] = [];
  let i = 0;
  for (const one of b) {
    while (i < a.length && (a[i] as Package).weight <= one.weight) merged.push(a[i++] as Package);
    merged.push(one);
  }
  return merged.concat(a.slice(i));
}

/** The bits that symbols take which occur as often as `counts` says, the lengths of all words included. */
export function codedBits(counts: ArrayLike<number>, lengths: Uint8Array): number {
  return lengths.reduce(
    (bits, length, symbol) => bits + length * (counts[symbol] as number),
    LENGTH_BITS * lengths.length,
  );
}

/** The first word of each length, as canonical codes number them. */
function firstWords(lengths: Uint8Array): Uint32Array {
  const used = new Uint32Array(LONGEST + 1);
  for (const length of lengths) if (length > 0) used[length] = (used[length] as number) + 1;
  const first = new Uint32Array(LONGEST + 2);
  for (let length = 1; length <= LONGEST; length++) {
    first[length + 1] = ((first[length] as number) + (used[length] as number)) << 1;
  }
  return first;
}

/** Writes the code's lengths, and then `symbols` in its words. */
export function writeCoded(writer: BitWriter, lengths: Uint8Array, symbols: ArrayLike<number>): void {
  for (const length of lengths) writer.write(length, LENGTH_BITS);
  const next = firstWords(lengths);
  const words = Uint32Array.from(lengths, (length) => (length === 0 ? 0 : (next[length] as number)++));
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] as number;
    writer.write(words[symbol] as number, lengths[symbol] as number);
  }
}

/** Reads the symbols that `writeCoded` wrote, one by one. */
export class Decoder {
  /** For every 15 bits that can come next: symbol × 16 + length of its word. */
  private readonly rows: Uint32Array;

  /** Reads the lengths of `size` words, which must be those of a complete code, or of a single word. */
  constructor(
    private readonly reader: BitReader,
    size: number,
  ) {
    const lengths = Uint8Array.from({ length: size }, () => reader.read(LENGTH_BITS));
    const filled = lengths.reduce((sum, length) => sum + (length === 0 ? 0 : 1 << (LONGEST - length)), 0);
    const isSingle = filled === 1 << (LONGEST - 1) && lengths.filter((length) => length > 0).length === 1;
    if (filled !== 1 << LONGEST && !isSingle) {
      fail('format', `${reader.what}: its Huffman code is ${filled > 1 << LONGEST ? 'ambiguous' : 'incomplete'}.`);
    }
    this.rows = new Uint32Array(1 << LONGEST);
    const next = firstWords(lengths);
    lengths.forEach((length, symbol) => {
      if (length === 0) return;
      const word = (next[length] as number)++;
      const span = 1 << (LONGEST - length);
      this.rows.fill(symbol * 16 + length, word * span, (word + 1) * span);
    });
  }

  next(): number {
    const row = this.rows[this.reader.peek(LONGEST)] as number;
    // Only the half of a single word's code is free.
    if (row === 0) fail('format', `${this.reader.what}: no symbol has the word that stands here.`);
    this.reader.skip(row & 15);
    return row >>> 4;
  }
}
