import { Generator, tensor } from 'fettle';
import { CutMix, DataLoader, MixUp, TensorDataset } from 'fettle/data';
import { describe, expect, it } from 'vitest';

/** Four images of one value each, which is ten times their class. */
const images = () =>
  tensor(
    Float32Array.from({ length: 4 * 48 }, (_, i) => 10 * Math.floor(i / 48)),
    [4, 1, 6, 8],
  );
const labels = () => tensor(Int32Array.of(0, 1, 2, 3));

describe('MixUp', () => {
  it('adds up neighbours, and their labels in proportion', () => {
    const mix = MixUp({ numClasses: 4 });
    for (let seed = 0; seed < 20; seed++) {
      const [x, y] = mix.forward(images(), labels(), new Generator(seed));
      expect([x.shape, y.shape, x.dtype, y.dtype]).toEqual([[4, 1, 6, 8], [4, 4], 'float32', 'float32']);
      const share = y.select(0, 1).select(0, 1).item() as number;
      const before = [3, 0, 1, 2];
      for (let n = 0; n < 4; n++) {
        const value = 10 * n * share + 10 * (before[n] as number) * (1 - share);
        for (const pixel of x.select(0, n).dataSync()) expect(Math.abs(pixel - value)).toBeLessThan(1e-4);
        const row = y.select(0, n).dataSync();
        expect(Math.abs((row[n] as number) - share)).toBeLessThan(1e-6);
        expect(Math.abs((row[before[n] as number] as number) - (1 - share))).toBeLessThan(1e-6);
      }
    }
  });

  it('draws shares from Beta(alpha, alpha)', () => {
    for (const alpha of [0.2, 1, 5]) {
      const mix = MixUp({ alpha, numClasses: 2 });
      const [x, y] = [tensor(new Float32Array(2), [2, 1, 1, 1]), tensor(Int32Array.of(0, 1))];
      const shares = Array.from({ length: 3000 }, (_, seed) =>
        Number(mix.forward(x, y, new Generator(seed))[1].select(0, 0).select(0, 0).item()),
      );
      const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
      const variance = shares.reduce((a, b) => a + (b - mean) ** 2, 0) / shares.length;
      const wanted = 1 / (4 * (2 * alpha + 1));
      expect(Math.abs(mean - 0.5)).toBeLessThan(0.03);
      expect(Math.abs(variance / wanted - 1)).toBeLessThan(0.1);
    }
  });

  it('mixes what a loader collates', async () => {
    const mix = MixUp({ numClasses: 4 });
    const dataset = new TensorDataset(images(), labels());
    const collate = (samples: unknown[]) => mix.collate(samples as [unknown, unknown][]);
    let rows = 0;
    for await (const [x, y] of new DataLoader(dataset, { batchSize: 2, collate })) {
      expect(x.shape).toEqual([2, 1, 6, 8]);
      expect(y.sum(1).toArray()).toEqual([1, 1]);
      rows += y.shape[0] as number;
    }
    expect(rows).toBe(4);
  });
});

describe('CutMix', () => {
  it('puts a box of the image before into each, and labels in proportion to what remains', () => {
    const mix = CutMix({ numClasses: 4 });
    let cut = 0;
    for (let seed = 0; seed < 50; seed++) {
      const [x, y] = mix.forward(images(), labels(), new Generator(seed));
      const before = [3, 0, 1, 2];
      for (let n = 0; n < 4; n++) {
        const pixels = [...x.select(0, n).dataSync()];
        const own = pixels.filter((v) => v === 10 * n).length;
        expect(pixels.filter((v) => v === 10 * (before[n] as number)).length).toBe(48 - own);
        expect(Math.abs(Number(y.select(0, n).select(0, n).item()) - own / 48)).toBeLessThan(1e-6);
        if (own < 48) cut++;
        // What is replaced is a box: as many in every row that has any.
        const rows = Array.from(
          { length: 6 },
          (_, r) => pixels.slice(8 * r, 8 * r + 8).filter((v) => v !== 10 * n).length,
        );
        expect(new Set(rows.filter((count) => count > 0)).size).toBeLessThanOrEqual(1);
      }
    }
    expect(cut).toBeGreaterThan(100);
  });
});

describe('both', () => {
  it('take shares of classes as labels, and say what is missing', () => {
    const shares = tensor([
      [1, 0],
      [0, 1],
      [0.5, 0.5],
      [1, 0],
    ]);
    const [, y] = MixUp().forward(images(), shares, new Generator(1));
    for (const sum of y.sum(1).dataSync()) expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
    expect(() => MixUp().forward(images(), labels())).toThrow('labels [N] need numClasses');
    expect(() => CutMix({ alpha: 0 })).toThrow('alpha must be > 0');
    expect(() => CutMix({ numClasses: 4 }).forward(images().select(0, 0), labels())).toThrow('expected a batch');
    expect(() => MixUp({ numClasses: 4 }).forward(images(), tensor(Int32Array.of(1)))).toThrow('expected labels [4]');
  });
});
