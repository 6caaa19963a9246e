import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { FettleError, Generator } from 'fettle';
import { DataLoader, FashionMNIST, MNIST, readIdx } from 'fettle/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf } from '../support/errors.js';

/** An IDX file: type code, sizes, and the bytes of the elements. */
function idx(type: number, shape: readonly number[], elements: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + elements.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0, 0, type, shape.length]);
  shape.forEach((size, i) => {
    view.setUint32(4 + 4 * i, size);
  });
  bytes.set(elements, 4 + 4 * shape.length);
  return bytes;
}

const pixels = Uint8Array.from({ length: 3 * 4 * 5 }, (_, i) => (i * 37) % 256);
const images = idx(8, [3, 4, 5], pixels);
const labels = idx(8, [3], [7, 0, 9]);

describe('readIdx', () => {
  it('reads every element type, gzipped or not, from bytes and Blobs', async () => {
    for (const source of [images, new Blob([images as BlobPart]), images.buffer as ArrayBuffer, gzipSync(images)]) {
      const { data, shape } = await readIdx(source, { rank: 3 });
      expect(shape).toEqual([3, 4, 5]);
      expect([...data]).toEqual([...pixels]);
    }
    const cases: [number, number[], number[]][] = [
      [0x09, [255, 1], [-1, 1]],
      [0x0b, [255, 254, 1, 0], [-2, 256]],
      [0x0c, [0, 0, 1, 0, 255, 255, 255, 255], [256, -1]],
      [0x0d, [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0], [1, -2]],
      [0x0e, [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0], [1, -2]],
    ];
    for (const [type, bytes, values] of cases) {
      expect([...(await readIdx(idx(type, [2], bytes))).data]).toEqual(values);
    }
    // Unaligned within a larger buffer, as bytes often are.
    const shifted = new Uint8Array(images.length + 3);
    shifted.set(images, 3);
    expect([...(await readIdx(shifted.subarray(3))).data]).toEqual([...pixels]);
  });

  it.each([
    ['an empty file', new Uint8Array(0), 'too few for a header'],
    ['text', new TextEncoder().encode('not an idx file'), 'must begin with two zero bytes'],
    ['an unknown type', idx(0x0a, [1], [0]), 'unknown IDX element type 0x0a'],
    ['labels for images', labels, 'expected 3 dimensions, the header says 1. Is it a file of labels?'],
    ['a header that is cut', images.subarray(0, 10), 'cut short within the header: 10 of 16 bytes'],
    ['a file that is cut', images.subarray(0, 70), 'cut short: [3, 4, 5] uint8 takes 76 bytes, the file has 70'],
    ['a file that goes on', new Uint8Array([...images, 0]), 'too long'],
    ['sizes nobody has', idx(8, [2 ** 32 - 1, 2 ** 32 - 1, 9], [1]), 'impossible'],
    [
      'sizes too large',
      idx(8, [60000, 2800, 2800], [1]),
      'cut short: [60000, 2800, 2800] uint8 takes 470400000016 bytes',
    ],
    ['damaged gzip', gzipSync(images).fill(77, 12, 40), 'damaged or cut short'],
    ['gzip that is cut', gzipSync(images).subarray(0, 40), 'damaged or cut short'],
    ['gzip of what is cut', gzipSync(images.subarray(0, 70)), 'cut short: 76 bytes expected, 70 found'],
    ['gzip of what goes on', gzipSync(new Uint8Array([...images, 1, 2])), 'promises 76 bytes, but more'],
    ['gzip of sizes too large', gzipSync(idx(8, [60000, 2800, 2800], [1])), 'cannot hold'],
  ])('refuses %s', async (_what, bytes, message) => {
    const error = await errorOf(readIdx(bytes, { rank: 3 }));
    expect(error.code).toBe('format');
    expect(error.message).toContain(message);
  });

  it('takes no damage from damaged files', async () => {
    const random = new Generator(1);
    const packed = gzipSync(images);
    for (let round = 0; round < 300; round++) {
      const bytes = Uint8Array.from(round % 2 ? packed : images);
      for (let k = 0; k <= random.below(3); k++) bytes[random.below(Math.min(bytes.length, 24))] = random.below(256);
      const cut = random.below(4) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
      try {
        const { data } = await readIdx(cut);
        expect(data.byteLength).toBeLessThanOrEqual(1032 * bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(FettleError);
      }
    }
  });
});

describe('MNIST', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fettle-mnist-'));
    await writeFile(join(folder, 'train-images-idx3-ubyte'), images);
    await writeFile(join(folder, 'train-labels-idx1-ubyte.gz'), gzipSync(labels));
    await writeFile(join(folder, 't10k-images.idx3-ubyte'), idx(8, [1, 4, 5], pixels.subarray(0, 20)));
    await writeFile(join(folder, 't10k-labels.idx1-ubyte'), idx(8, [1], [4]));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it('is read from a folder, gzipped or not, under either spelling', async () => {
    const train = await MNIST.load(folder);
    expect(train.length).toBe(3);
    expect(train.shape).toEqual([1, 4, 5]);
    const [x, y] = train.getBatch(Int32Array.of(2, 0));
    expect(y.toArray()).toEqual([9, 7]);
    expect([...x.dataSync()].slice(20)).toEqual([...pixels.subarray(0, 20)].map((v) => Math.fround(v / 255)));
    const test = await FashionMNIST.load(`${folder}/`, { train: false });
    expect(test.length).toBe(1);
    expect(test.classes[test.labels[0] as number]).toBe('Coat');
    const file = (name: string): URL => pathToFileURL(join(folder, name));
    const urls = { images: file('train-images-idx3-ubyte'), labels: file('train-labels-idx1-ubyte.gz') };
    expect((await MNIST.load(urls)).length).toBe(3);
  });

  it('says what and where', async () => {
    expect((await errorOf(MNIST.load(join(folder, 'nowhere')))).message).toContain(
      'expected a folder that holds train-images',
    );
    const missing = await errorOf(readIdx(join(folder, 'nothing')));
    expect([missing.code, missing.message]).toEqual([
      'data',
      `${join(folder, 'nothing')}: cannot be read: there is no such file or folder.`,
    ]);
    expect((await errorOf(MNIST.load({ images: labels, labels }))).message).toContain('Is it a file of labels?');
    expect((await errorOf(MNIST.load({ images, labels: images }))).message).toContain('Is it a file of images?');
    const few = await errorOf(MNIST.load({ images, labels: idx(8, [2], [0, 1]) }));
    expect(few.message).toContain('has 3 images, bytes has 2 labels');
    const odd = await errorOf(MNIST.load({ images, labels: idx(8, [3], [0, 10, 1]) }));
    expect(odd.message).toContain('label 1 is 10, expected 0 … 9');
    const wide = await errorOf(MNIST.load({ images: idx(0x0b, [3, 1, 1], new Uint8Array(6)), labels }));
    expect(wide.message).toContain('pixels must be uint8');
  });

  // The data set itself is not part of the repository: FETTLE_MNIST names a folder that has it.
  it.runIf(process.env.FETTLE_MNIST)('is what it is known to be', async () => {
    const test = await MNIST.load(process.env.FETTLE_MNIST as string, { train: false });
    expect([test.length, ...test.shape]).toEqual([10000, 1, 28, 28]);
    expect([...test.labels.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    const train = await MNIST.load(process.env.FETTLE_MNIST as string);
    expect([train.length, ...train.shape]).toEqual([60000, 1, 28, 28]);
    const mean = train.images.reduce((sum, v) => sum + v, 0) / train.images.length / 255;
    expect(mean).toBeCloseTo(0.1307, 4);
    for await (const [x, y] of new DataLoader(train, { batchSize: 128, shuffle: true, seed: 0 })) {
      expect([x.shape, y.shape]).toEqual([[128, 1, 28, 28], [128]]);
      break;
    }
  });
});
