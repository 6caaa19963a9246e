import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BitReader, BitWriter } from '../../src/compress/storing/bits.js';
import { crc32 } from '../../src/compress/storing/crc32.js';
import { codedBits, codeLengths, Decoder, writeCoded } from '../../src/compress/storing/huffman.js';

test('bits come back as they went', () => {
  const pieces = fc.array(fc.tuple(fc.integer({ min: 0, max: 65535 }), fc.integer({ min: 1, max: 16 })), {
    maxLength: 99,
  });
  fc.assert(
    fc.property(pieces, (given) => {
      const writer = new BitWriter();
      for (const [value, width] of given) writer.write(value & (2 ** width - 1), width);
      const bytes = writer.end();
      expect(bytes.length).toBe(Math.ceil(given.reduce((n, [, width]) => n + width, 0) / 8));
      const reader = new BitReader('bits', bytes);
      for (const [value, width] of given) expect(reader.read(width)).toBe(value & (2 ** width - 1));
      reader.end();
    }),
  );
});

test('a stream that ends early, or goes on, is refused', () => {
  const bytes = Uint8Array.of(0xab, 0xc0);
  const short = new BitReader('short', bytes);
  expect(short.read(12)).toBe(0xabc);
  expect(() => short.read(5)).toThrow('short: ends before its last value.');
  const long = new BitReader('long', bytes);
  long.read(8);
  expect(() => long.end()).toThrow('long: more follows its last value.');
  const filled = new BitReader('filled', bytes);
  filled.read(9);
  expect(() => filled.end()).toThrow('filled: more follows its last value.');
});

test('crc32 is that of zip', () => {
  // The check value of the algorithm's catalogue, and Python's zlib.crc32.
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
  expect(crc32(Uint8Array.from({ length: 256 }, (_, i) => i))).toBe(0x29058c73);
  expect(crc32(new TextEncoder().encode('6789'), crc32(new TextEncoder().encode('12345')))).toBe(0xcbf43926);
});

/** Huffman's own algorithm without a limit: the bits of the symbols alone. */
function unlimited(counts: readonly number[]): number {
  const heap = counts.filter((n) => n > 0).sort((a, b) => a - b);
  let bits = heap.length === 1 ? (heap[0] as number) : 0;
  while (heap.length > 1) {
    const both = (heap.shift() as number) + (heap.shift() as number);
    bits += both;
    heap.push(both);
    heap.sort((a, b) => a - b);
  }
  return bits;
}

describe('codes', () => {
  const rows = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 400 });

  test('take as few bits as Huffman’s where no word is too long', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 64 }), (counts) => {
        const lengths = codeLengths(counts);
        expect(codedBits(counts, lengths) - 4 * counts.length).toBe(unlimited(counts));
      }),
    );
  });

  test('are as short as 15 bits allow where Huffman’s would be longer', () => {
    // Counts like Fibonacci's numbers make a word of n − 1 bits.
    const counts = [1, 1];
    while (counts.length < 24) counts.push((counts.at(-1) as number) + (counts.at(-2) as number));
    const lengths = codeLengths(counts);
    expect(Math.max(...lengths)).toBe(15);
    expect(lengths.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1);
    const bits = codedBits(counts, lengths) - 4 * counts.length;
    expect(bits).toBeGreaterThan(unlimited(counts));
    // The share lost by such a limit is far below a percent.
    expect(bits / unlimited(counts)).toBeLessThan(1.001);
  });

  test('come back', () => {
    fc.assert(
      fc.property(rows, (symbols) => {
        const counts = new Uint32Array(41);
        for (const symbol of symbols) counts[symbol] = (counts[symbol] as number) + 1;
        const writer = new BitWriter();
        writeCoded(writer, codeLengths(counts), symbols);
        const reader = new BitReader('row', writer.end());
        const decoder = new Decoder(reader, 41);
        expect(symbols.map(() => decoder.next())).toEqual(symbols);
        reader.end();
      }),
    );
  });

  const decoderOf = (lengths: readonly number[]): Decoder => {
    const writer = new BitWriter();
    for (const length of lengths) writer.write(length, 4);
    writer.write(0xffff, 16);
    return new Decoder(new BitReader('code', writer.end()), lengths.length);
  };

  test.each([
    ['no word', [0, 0], 'incomplete'],
    ['a word that is missing', [1, 2], 'incomplete'],
    ['a word too many', [1, 1, 1], 'ambiguous'],
    ['one long word', [2], 'incomplete'],
  ])('with %s are refused', (_, lengths, what) => {
    expect(() => decoderOf(lengths)).toThrow(`code: its Huffman code is ${what}`);
  });

  test('of one symbol have one word', () => {
    expect(() => decoderOf([0, 1]).next()).toThrow('no symbol has the word');
  });
});
