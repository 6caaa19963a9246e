import { createHash } from 'node:crypto';
import { Digits, digits } from 'fettle/data';
import { describe, expect, it } from 'vitest';
import { codeDigits, decoder, encoder } from '../../src/data/digits-codec.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('the embedded digits', () => {
  it('are those of the UCI repository, pixel for pixel', () => {
    const { images, labels, classes, shape } = digits();
    expect(shape).toEqual([1, 8, 8]);
    expect(classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(images.length).toBe(1797 * 64);
    expect(sha256(images)).toBe('8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3');
    expect(sha256(labels)).toBe('8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0');
    const counts = classes.map((_, c) => labels.filter((label) => label === c).length);
    expect(counts).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
  });

  it('come as copies that do not affect one another', () => {
    digits().images.fill(0);
    expect(digits().images.some((v) => v > 0)).toBe(true);
  });

  it('are a dataset of brightness 0 … 1', () => {
    const dataset = new Digits();
    expect(dataset.length).toBe(1797);
    const [image, label] = dataset.get(3);
    expect(image.shape).toEqual([1, 8, 8]);
    expect(label.item()).toBe(3);
    const raw = digits().images.subarray(3 * 64, 4 * 64);
    expect([...image.dataSync()]).toEqual(Array.from(raw, (v) => v / 16));
    const [batch, labels] = dataset.getBatch(Int32Array.of(5, 3));
    expect(batch.shape).toEqual([2, 1, 8, 8]);
    expect(labels.dtype).toBe('int32');
    expect(labels.toArray()).toEqual([5, 3]);
    expect([...batch.dataSync()].slice(64)).toEqual([...image.dataSync()]);
    expect(() => dataset.get(1797)).toThrow('sample 1797 does not exist');
  });
});

describe('their packing', () => {
  it('gives back whatever was packed', () => {
    for (const seed of [1, 2, 3]) {
      let x = seed;
      const next = (n: number): number => {
        x = (x * 1103515245 + 12345) % 2 ** 31;
        return Math.floor(x / 65536) % n;
      };
      const labels = Uint8Array.from({ length: 20 }, () => next(10));
      // All zeros, all full, and noise: the ends of what the coder meets.
      const images = Uint8Array.from({ length: 20 * 64 }, () => (seed === 1 ? 0 : seed === 2 ? 16 : next(17)));
      const { code, finish } = encoder();
      codeDigits(code, labels.slice(), images.slice());
      const packed = finish();
      const back = { labels: new Uint8Array(20), images: new Uint8Array(20 * 64) };
      codeDigits(decoder(packed), back.labels, back.images);
      expect(back).toEqual({ labels, images });
    }
  });
});
