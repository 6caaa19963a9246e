import { Generator } from 'fettle';
import {
  balancedWeights,
  KFold,
  RandomSampler,
  randomSplit,
  SequentialSampler,
  StratifiedKFold,
  StratifiedSampler,
  SubsetRandomSampler,
  stratifiedSplit,
  WeightedRandomSampler,
} from 'fettle/data';
import { describe, expect, it } from 'vitest';
import golden from './golden/folds.json' with { type: 'json' };

const sorted = (order: Int32Array): number[] => [...order].sort((a, b) => a - b);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const generator = (seed = 0): Generator => new Generator(seed);

describe('samplers', () => {
  it('visit all samples in order or at random, the same for the same generator', () => {
    expect([...new SequentialSampler(4).order()]).toEqual([0, 1, 2, 3]);
    const sampler = new RandomSampler({ length: 100 });
    expect(sampler.length).toBe(100);
    expect(sorted(sampler.order(generator()))).toEqual(upTo(100));
    expect(sampler.order(generator())).toEqual(sampler.order(generator()));
    expect(sampler.order(generator())).not.toEqual(sampler.order(generator(1)));
    const some = new SubsetRandomSampler([5, 7, 9]);
    expect(sorted(some.order(generator()))).toEqual([5, 7, 9]);
  });

  it('draw as many as wanted', () => {
    expect(new RandomSampler(10, { numSamples: 4 }).order(generator()).length).toBe(4);
    const more = new RandomSampler(10, { numSamples: 25 }).order(generator());
    expect(sorted(more.slice(0, 10))).toEqual(upTo(10));
    expect(sorted(more.slice(10, 20))).toEqual(upTo(10));
    const again = new RandomSampler(3, { replacement: true, numSamples: 600 }).order(generator());
    for (const i of [0, 1, 2]) expect(again.filter((v) => v === i).length).toBeGreaterThan(150);
    expect(() => new RandomSampler(0, { numSamples: 3 })).toThrow('no samples to draw from');
    expect(() => new RandomSampler(Number.NaN)).toThrow('RandomSampler');
  });

  it('draw by weight, with and without replacement', () => {
    const weights = [0, 1, 2, 0, 7];
    const drawn = new WeightedRandomSampler(weights, 20000).order(generator());
    const counts = weights.map((_, i) => drawn.filter((v) => v === i).length);
    expect(counts[0]).toBe(0);
    expect(counts[3]).toBe(0);
    // Five standard deviations of a binomial count.
    for (const [i, p] of [
      [1, 0.1],
      [2, 0.2],
      [4, 0.7],
    ] as const) {
      expect(Math.abs((counts[i] as number) - 20000 * p)).toBeLessThan(5 * Math.sqrt(20000 * p * (1 - p)));
    }
    const firsts = [0, 0, 0];
    for (let seed = 0; seed < 3000; seed++) {
      const order = new WeightedRandomSampler([1, 2, 7], 3, { replacement: false }).order(generator(seed));
      expect(sorted(order)).toEqual([0, 1, 2]);
      firsts[order[0] as number] = (firsts[order[0] as number] as number) + 1;
    }
    expect(Math.abs((firsts[2] as number) - 2100)).toBeLessThan(5 * Math.sqrt(3000 * 0.21));
    expect(() => new WeightedRandomSampler([1, -1], 2)).toThrow('weight 1 is -1');
    expect(() => new WeightedRandomSampler([1, Number.NaN], 2)).toThrow('weight 1 is NaN');
    expect(() => new WeightedRandomSampler([1, 0], 2, { replacement: false })).toThrow('there are 1');
    expect(() => new WeightedRandomSampler([0, 0], 1)).toThrow('there are 0');
  });

  it('balance classes by weight', () => {
    const labels = ['a', 'a', 'a', 'b'];
    expect([...balancedWeights(labels)]).toEqual([1 / 3, 1 / 3, 1 / 3, 1]);
    const drawn = new WeightedRandomSampler(balancedWeights(labels), 4000).order(generator());
    expect(Math.abs(drawn.filter((i) => i === 3).length - 2000)).toBeLessThan(160);
  });

  it('spread classes evenly over the pass', () => {
    const labels = upTo(600).map((i) => (i < 400 ? 0 : i < 550 ? 1 : 2));
    const sampler = new StratifiedSampler(labels);
    const order = sampler.order(generator(3));
    expect(sorted(order)).toEqual(upTo(600));
    expect(order).not.toEqual(sampler.order(generator(4)));
    for (let at = 0; at < 600; at += 60) {
      const counts = [0, 0, 0];
      for (const i of order.subarray(at, at + 60)) {
        const c = labels[i] as number;
        counts[c] = (counts[c] as number) + 1;
      }
      expect(Math.abs((counts[0] as number) - 40)).toBeLessThanOrEqual(2);
      expect(Math.abs((counts[1] as number) - 15)).toBeLessThanOrEqual(2);
      expect(Math.abs((counts[2] as number) - 5)).toBeLessThanOrEqual(2);
    }
    expect(() => new StratifiedSampler([0, Number.NaN])).toThrow('label 1 is NaN');
  });
});

describe('splits', () => {
  const dataset = { length: 103, get: (i: number) => i };

  it('randomSplit cuts by sizes and by fractions', () => {
    const parts = randomSplit(dataset, [0.7, 0.2, 0.1], 0);
    // Rounded down to 72, 20, 10; the one left over goes to the first.
    expect(parts.map((part) => part.length)).toEqual([73, 20, 10]);
    expect(sorted(Int32Array.from(parts.flatMap((part) => [...part.indices])))).toEqual(upTo(103));
    expect(randomSplit(dataset, [3, 100], 0).map((part) => part.length)).toEqual([3, 100]);
    expect(randomSplit(dataset, [3, 100], 1)[0]?.indices).not.toEqual(randomSplit(dataset, [3, 100], 2)[0]?.indices);
    expect(() => randomSplit(dataset, [3, 4])).toThrow('add up to 103');
    expect(() => randomSplit(dataset, [0.5, 0.6])).toThrow('add up to 1');
    expect(() => randomSplit(dataset, [-1, 104])).toThrow('add up to 103');
  });

  it('stratifiedSplit keeps the share of every class in every part', () => {
    for (const seed of [0, 1, 2]) {
      const stream = generator(seed);
      const labels = upTo(997).map(() => Math.floor(5 * stream.uniform() ** 2));
      const fractions = [0.6, 0.2, 0.2] as const;
      const parts = stratifiedSplit(labels, fractions, seed);
      expect(sorted(Int32Array.from(parts.flatMap((part) => [...part])))).toEqual(upTo(997));
      parts.forEach((part, p) => {
        expect(Math.abs(part.length - 997 * (fractions[p] as number))).toBeLessThanOrEqual(1);
        for (const c of upTo(5)) {
          const wanted = labels.filter((label) => label === c).length * (fractions[p] as number);
          expect(Math.abs(part.filter((i) => labels[i] === c).length - wanted)).toBeLessThanOrEqual(1.5);
        }
      });
      expect(stratifiedSplit(labels, fractions, seed)).toEqual(parts);
      expect(stratifiedSplit(labels, fractions, seed + 10)).not.toEqual(parts);
    }
  });

  it('stratifiedSplit may leave some out, and says what it cannot do', () => {
    const labels = upTo(100).map((i) => i % 2);
    const [a, b] = stratifiedSplit(labels, [0.3, 0.1], 0);
    expect([a.length, b.length]).toEqual([30, 10]);
    expect(a.filter((i) => i % 2 === 0).length).toBe(15);
    expect(stratifiedSplit([], [0.5, 0.5], 0).map((part) => part.length)).toEqual([0, 0]);
    expect(() => stratifiedSplit(labels, [0.9, 0.2])).toThrow('at most 1');
    expect(() => stratifiedSplit(labels, [])).toThrow('fractions');
    expect(() => stratifiedSplit(labels, [-0.1, 0.2])).toThrow('≥ 0');
  });

  it('folds are those of scikit-learn', () => {
    const n = golden.labels.length;
    expect([...new KFold(5).split(n)].map(([, test]) => [...test])).toEqual(golden.kfold);
    const folds = [...new StratifiedKFold(5).split(golden.labels)];
    expect(folds.map(([, test]) => [...test])).toEqual(golden.stratified);
    for (const [train, test] of folds) expect(sorted(Int32Array.from([...train, ...test]))).toEqual(upTo(n));
  });

  it('folds can be shuffled', () => {
    const folds = (seed: number) => [...new KFold(4, { shuffle: true, seed }).split(21)].map(([, test]) => [...test]);
    expect(
      folds(0)
        .flat()
        .sort((a, b) => a - b),
    ).toEqual(upTo(21));
    expect(folds(0)).toEqual(folds(0));
    expect(folds(0)).not.toEqual(folds(1));
    const stratified = [...new StratifiedKFold(5, { shuffle: true, seed: 1 }).split(golden.labels)];
    stratified.forEach(([, test], fold) => {
      const counts = (indices: ArrayLike<number>) =>
        upTo(4).map((c) => Array.from(indices).filter((i) => golden.labels[i] === c).length);
      expect(counts(test)).toEqual(counts(golden.stratified[fold] as number[]));
    });
    expect(() => new KFold(1)).toThrow('at least 2 folds');
    expect(() => [...new KFold(5).split(4)]).toThrow('5 folds need as many samples');
    expect(() => [...new StratifiedKFold(3).split([0, 0, 1, 1])]).toThrow('no class has more than 2');
  });
});
