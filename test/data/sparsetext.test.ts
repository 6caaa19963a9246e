import { bceWithLogits, noGrad, scope } from 'fettle';
import { DataLoader, SparseDataset, Subset } from 'fettle/data';
import { SparseInputLinear } from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { expect, it } from 'vitest';
import golden from './golden/sparsetext.json' with { type: 'json' };

/** The lines of golden/sparsetext.py: words as in text, a few frequent ones of which tell the class. */
function lines(): string[] {
  let state = 2463534242;
  const uniform = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return Array.from({ length: golden.samples }, () => {
    const words = new Set<number>();
    while (words.size < golden.entries) words.add(Math.floor(golden.features * uniform() ** 8));
    const sorted = [...words].sort((a, b) => a - b);
    const weight = (word: number): number => (Math.imul(word, 2654435761) >>> 0) / 2 ** 32 - 0.5;
    const score = sorted.filter((word) => word < 1000).reduce((sum, word) => sum + weight(word), 0);
    const label = score + 0.5 * (uniform() - 0.5) > 0 ? 1 : 0;
    return `${label} ${sorted.map((word) => `${word}:1`).join(' ')}`;
  });
}

it('a logistic regression on LIBSVM text at a million features reaches scikit-learn’s accuracy, and nothing is dense', async () => {
  const bytes = new TextEncoder().encode(lines().join('\n'));
  const data = await SparseDataset.load(bytes, { features: golden.features, zeroBased: true });
  expect(Array.from(data.targets).reduce((a, b) => a + b, 0)).toBe(golden.positive);
  const part = (from: number, to: number): Subset<never, never> =>
    new Subset(
      data,
      Array.from({ length: to - from }, (_, i) => from + i),
    ) as unknown as Subset<never, never>;
  type Batch = ReturnType<SparseDataset['getBatch']>;
  const loaderOf = (from: number, to: number, shuffle: boolean): AsyncIterable<Batch> =>
    new DataLoader(part(from, to), { batchSize: 250, shuffle, seed: 0 }) as unknown as AsyncIterable<Batch>;
  const model = new SparseInputLinear(golden.features, 1, { bias: false });
  scope(() => void noGrad(() => model.weight.mul_(0)));
  const optimizer = new SGD(model.parameters(), { lr: 4 });
  let places = 0;
  for (let epoch = 0; epoch < 25; epoch++) {
    for await (const [x, y] of loaderOf(0, golden.train, true)) {
      optimizer.zeroGrad();
      bceWithLogits(model.forward(x).reshape(-1), y.to('float32')).backward();
      expect(model.weight.rowGrad?.rows.length).toBeLessThan(250 * golden.entries);
      optimizer.step();
      if (epoch === 0) places += x.colIndices.reduce((a, b) => a + b, 0);
    }
  }
  let right = 0;
  for await (const [x, y] of loaderOf(golden.train, golden.samples, false)) {
    right += model.forward(x).reshape(-1).gt(0).eq(y.to('bool')).sum().item();
    places += x.colIndices.reduce((a, b) => a + b, 0);
  }
  expect(places).toBe(golden.places);
  expect(right / (golden.samples - golden.train)).toBeGreaterThan(golden.accuracy - 0.01);
  optimizer.dispose();
  model.dispose();
}, 60_000);
