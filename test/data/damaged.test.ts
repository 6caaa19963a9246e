import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { FettleError, scope, tensor } from 'fettle';
import {
  BytePairTokenizer,
  CharTokenizer,
  CIFAR10,
  CSVDataset,
  linesOf,
  MNIST,
  readIdx,
  readWav,
  SparseDataset,
  tokenizerFromJSON,
  WordTokenizer,
} from 'fettle/data';
import { parseNpy, serializeNpy } from 'fettle/io';
import { describe, expect, it } from 'vitest';

/**
 * Every reader against every way a file can be broken: cut anywhere, with bytes changed, with another format's bytes. It says
 * what is wrong as a FettleError, or gives no more than the bytes can hold.
 */

type Bytes = Uint8Array<ArrayBuffer>;

interface Reader {
  readonly name: string;
  readonly read: (bytes: Bytes) => unknown;
  readonly good: Bytes;
  /** Whether a file that is cut short can be told from a whole one at every place: text cannot. */
  readonly isExact: boolean;
}

const text = (value: string): Bytes => new TextEncoder().encode(value);
const joined = (...parts: readonly ArrayLike<number>[]): Bytes => Uint8Array.from(parts.flatMap((p) => Array.from(p)));
const idx = (rank: number, sizes: readonly number[], bytes: readonly number[]): Bytes =>
  joined([0, 0, 8, rank], ...sizes.map((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]), bytes);

const images = idx(3, [3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
const labels = idx(1, [3], [7, 0, 9]);
const cifar = joined([3], new Uint8Array(3072).fill(9), [9], new Uint8Array(3072).fill(200));
const u32 = (n: number): number[] => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
const u16 = (n: number): number[] => [n & 255, n >>> 8];

/** A WAV file of one part of data. */
function wav(bits: number, samples: readonly number[], channels = 1): Bytes {
  const format = [...u16(1), ...u16(channels), ...u32(8000), ...u32(0), ...u16(0), ...u16(bits)];
  const data = [...text('data'), ...u32(samples.length), ...samples];
  const body = [...text('WAVE'), ...text('fmt '), ...u32(16), ...format, ...data];
  return joined(text('RIFF'), u32(body.length), body);
}

const sound = wav(16, [1, 2, 3, 4, 5, 6, 7, 8], 2);

const array = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const npy = await serializeNpy(array);
array.dispose();

const READERS: readonly Reader[] = [
  { name: 'IDX', read: (b) => readIdx(b), good: images, isExact: true },
  { name: 'IDX, gzipped', read: (b) => readIdx(b), good: new Uint8Array(gzipSync(images)), isExact: true },
  { name: 'images of MNIST', read: (b) => MNIST.load({ images: b, labels }), good: images, isExact: true },
  { name: 'labels of MNIST', read: (b) => MNIST.load({ images, labels: b }), good: labels, isExact: true },
  { name: 'CIFAR', read: (b) => CIFAR10.load([b]), good: cifar, isExact: false },
  { name: 'npy', read: (b) => parseNpy(b), good: npy, isExact: true },
  { name: 'WAV', read: (b) => readWav(b), good: sound, isExact: true },
  { name: 'CSV', read: (b) => CSVDataset.load(b), good: text('a,"b ""c""",t\r\n1,2,x\r\n3,,y\r\n'), isExact: false },
  {
    name: 'LIBSVM',
    read: (b) => SparseDataset.load(b),
    good: text('+1 1:0.5 7:2 # so\n-1 qid:3 2:1e-3\n'),
    isExact: false,
  },
  {
    name: 'lines, gzipped',
    read: (b) => all(linesOf(b)),
    good: new Uint8Array(gzipSync('one\ntwo\n')),
    isExact: false,
  },
];

/** Reads a stream to its end. */
async function all(lines: AsyncIterable<string>): Promise<number> {
  let count = 0;
  for await (const line of lines) count += Number(line.length >= 0);
  return count;
}

/** What a reader makes of bytes: an error of fettle's, or nothing. Anything else it throws fails the test. */
async function outcome(reader: Reader, bytes: Bytes): Promise<FettleError | null> {
  return scope(async () => {
    try {
      await reader.read(bytes);
      return null;
    } catch (error) {
      if (!(error instanceof FettleError)) throw error;
      expect(['format', 'data']).toContain(error.code);
      expect(error.message.length).toBeGreaterThan(20);
      return error;
    }
  });
}

describe.each(READERS.map((reader) => [reader.name, reader] as const))('%s', (_name, reader) => {
  const { good, isExact } = reader;

  it('reads what is whole', async () => {
    expect(await outcome(reader, good)).toBe(null);
  });

  it('refuses what is cut anywhere', async () => {
    const step = Math.max(1, Math.floor(good.length / 150));
    for (let length = 0; length < good.length; length += step) {
      const error = await outcome(reader, good.slice(0, length));
      if (isExact) expect(error, `${length} of ${good.length} bytes`).not.toBe(null);
    }
  });

  it('takes no damage from changed bytes', async () => {
    const edit = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 6 }), fc.nat(good.length), async (edits, cut) => {
        const bytes = good.slice();
        for (const [at, value] of edits) bytes[at] = value;
        await outcome(reader, bytes);
        await outcome(reader, bytes.slice(0, Math.max(cut, 1)));
      }),
      { numRuns: 150 },
    );
  });

  it('refuses the files of other readers, or reads them as text', async () => {
    for (const other of READERS) {
      const isOwn = other.good === good || other.name.split(',')[0] === reader.name.split(',')[0];
      if (isOwn) continue;
      const error = await outcome(reader, other.good);
      const mayBeText = ['CSV', 'LIBSVM', 'lines, gzipped'].includes(reader.name);
      const isIdx = reader.name === 'IDX' || reader.name === 'IDX, gzipped';
      const isSame = reader.name === 'images of MNIST' && other.name.startsWith('IDX');
      if (mayBeText || isSame || (isIdx && other.name.includes('MNIST'))) continue;
      expect(error, `${other.name} read as ${reader.name}`).not.toBe(null);
    }
  });
});

describe('sizes that nothing has', () => {
  const refused = async (reader: string, bytes: Bytes, message: string): Promise<void> => {
    const error = await outcome(READERS.find(({ name }) => name === reader) as Reader, bytes);
    expect(error?.message).toContain(message);
  };

  it('are refused before memory is taken for them', async () => {
    const before = process.memoryUsage().arrayBuffers;
    await refused('IDX', idx(3, [65535, 65535, 1000], [1]), 'cut short');
    await refused('IDX, gzipped', new Uint8Array(gzipSync(idx(3, [65535, 65535, 9], [1]))), 'cannot hold');
    const huge = sound.slice();
    huge.set(u32(0xfffffff0), sound.length - 12);
    await refused('WAV', huge, "its part 'data' takes 4294967280 bytes, 8 follow");
    const shaped = npy.slice();
    const at = new TextDecoder('latin1').decode(npy).indexOf('(2, 3), }');
    shaped.set(text('(99999999999999, 3), }').slice(0, 22), at);
    await refused('npy', shaped, 'npy');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26);
  });

  it('of lines and fields end the reading', async () => {
    // A hundred mebibytes of one letter, in a hundred kilobytes.
    const bomb = new Uint8Array(gzipSync(new Uint8Array(100 * 2 ** 20).fill(97)));
    expect(bomb.length).toBeLessThan(200_000);
    await refused('LIBSVM', bomb, 'a line of more than 67108864 characters');
    await refused('CSV', bomb, 'a field of more than 67108864 characters');
  }, 30_000);
});

describe('files of tokenizers', () => {
  const good = [
    new CharTokenizer('abc').toJSON(),
    WordTokenizer.train('a b a').toJSON(),
    BytePairTokenizer.train('abab abab', 258).toJSON(),
  ].map((json) => JSON.parse(JSON.stringify(json)) as Record<string, unknown>);

  it('are read, or refused with a reason, whatever is changed in them', () => {
    for (const json of good) expect(tokenizerFromJSON(json).vocabSize).toBeGreaterThan(0);
    fc.assert(
      fc.property(fc.constantFrom(...good), fc.nat(), fc.anything(), (json, at, value) => {
        const key = Object.keys(json)[at % Object.keys(json).length] as string;
        for (const changed of [{ ...json, [key]: value }, value]) {
          try {
            const tokenizer = tokenizerFromJSON(changed);
            expect(tokenizer.decode(tokenizer.encode(''))).toBe('');
          } catch (error) {
            expect(error).toBeInstanceOf(FettleError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
