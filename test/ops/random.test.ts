import {
  bernoulli,
  dropout,
  full,
  Generator,
  manualSeed,
  multinomial,
  normal,
  ones,
  poisson,
  rand,
  randint,
  randintLike,
  randn,
  randperm,
  type Tensor,
  tensor,
  zeros,
} from 'fettle';
import { beforeEach, describe, expect, it } from 'vitest';
import { random } from '#binary';
import { WasmDevice } from '../../src/backend/wasm.js';
import { allocate } from '../../src/core/tensor.js';
import { normalCdf } from '../../src/ops/special.js';
import { encode } from '../../src/runtime/launch.js';

/** Whether streams are streams, and numbers come from the distributions they should: with fixed seeds, so that no test is a dice. */

beforeEach(() => {
  manualSeed(20261);
});

const COUNT = 20001;

/** Kolmogorov's and Smirnov's distance of a sample from a distribution function, times √n: above 1.95 once in 1000 samples. */
function ks(sample: ArrayLike<number>, cdf: (x: number) => number): number {
  const sorted = Float64Array.from(sample).sort();
  const n = sorted.length;
  const distances = sorted.map((x, i) => Math.max(cdf(x) - i / n, (i + 1) / n - cdf(x)));
  return Math.max(...distances) * Math.sqrt(n);
}

/** Pearson's χ² of counts against what is expected, as its distance in standard deviations from its mean. */
function chiSquare(sample: ArrayLike<number>, probabilities: readonly number[]): number {
  const counts = new Array<number>(probabilities.length).fill(0);
  for (const k of Array.from(sample)) counts[k] = (counts[k] ?? NaN) + 1;
  const n = sample.length;
  const sum = probabilities.reduce((s, p, k) => s + (p === 0 ? 0 : ((counts[k] as number) - n * p) ** 2 / (n * p)), 0);
  const freedom = probabilities.filter((p) => p > 0).length - 1;
  return (sum - freedom) / Math.sqrt(2 * freedom);
}

const values = (x: Tensor): number[] => [...x.dataSync()];

describe('distributions', () => {
  it.each<readonly [string, () => Tensor, (x: number) => number]>([
    ['rand', () => rand(COUNT), (x) => x],
    ['randn', () => randn(COUNT), normalCdf],
    ['normal of numbers', () => normal(2, 3, [COUNT]), (x) => normalCdf((x - 2) / 3)],
    ['normal of tensors', () => normal(full([COUNT], -1), full([1], 0.5)), (x) => normalCdf((x + 1) / 0.5)],
    ['uniform_', () => zeros(COUNT).uniform_(-2, 3), (x) => (x + 2) / 5],
    ['normal_', () => zeros(COUNT).normal_(1, 2), (x) => normalCdf((x - 1) / 2)],
    ['exponential_', () => zeros(COUNT).exponential_(2), (x) => 1 - Math.exp(-2 * x)],
    ['cauchy_', () => zeros(COUNT).cauchy_(1, 2), (x) => 0.5 + Math.atan((x - 1) / 2) / Math.PI],
    ['logNormal_', () => zeros(COUNT).logNormal_(0.5, 1.5), (x) => normalCdf((Math.log(x) - 0.5) / 1.5)],
  ])('%s', (_, draw, cdf) => {
    const x = values(draw());
    expect(x.every(Number.isFinite)).toBe(true);
    expect(ks(x, cdf)).toBeLessThan(1.95);
  });

  const poissonOf = (mean: number): number[] => {
    const p = [Math.exp(-mean)];
    for (let k = 1; k < 80; k++) p.push(((p[k - 1] as number) * mean) / k);
    return p.map((v) => (v * COUNT > 5 ? v : 0));
  };
  it.each<readonly [string, () => Tensor, readonly number[]]>([
    ['randint', () => randint(0, 7, [COUNT]), new Array<number>(7).fill(1 / 7)],
    ['randintLike', () => randintLike(zeros(COUNT), 5), new Array<number>(5).fill(1 / 5)],
    ['random_', () => zeros(COUNT).random_(0, 6), new Array<number>(6).fill(1 / 6)],
    ['bernoulli', () => bernoulli(full([COUNT], 0.3)), [0.7, 0.3]],
    ['bernoulli_', () => zeros(COUNT).bernoulli_(0.8), [0.2, 0.8]],
    ['multinomial again', () => multinomial(tensor([1, 0, 3, 4]), COUNT, true), [1 / 8, 0, 3 / 8, 4 / 8]],
    [
      'multinomial, the first of each row',
      () => multinomial(ones([COUNT, 1]).mul(tensor([1, 0, 3, 4])), 2).select(1, 0),
      [1 / 8, 0, 3 / 8, 4 / 8],
    ],
    ['geometric_', () => zeros(COUNT).geometric_(0.4), [0, ...Array.from({ length: 30 }, (_, k) => 0.4 * 0.6 ** k)]],
  ])('%s', (_, draw, probabilities) => {
    expect(Math.abs(chiSquare(values(draw()), probabilities))).toBeLessThan(4);
  });

  it.each([0.5, 3, 9.9, 10, 25])('poisson with the mean %d', (mean) => {
    const x = values(poisson(full([COUNT], mean)));
    const p = poissonOf(mean);
    const kept = x.filter((k) => (p[k] ?? 0) > 0);
    expect(kept.length).toBeGreaterThan(COUNT * 0.995);
    const total = p.reduce((a, b) => a + b, 0);
    expect(
      Math.abs(
        chiSquare(
          kept,
          p.map((v) => v / total),
        ),
      ),
    ).toBeLessThan(4);
  });

  it('the second of two draws without replacement follows what the first has left', () => {
    const [a, b, c] = [0.2, 0.3, 0.5] as const;
    const x = values(multinomial(ones([COUNT, 1]).mul(tensor([a, b, c])), 2));
    const pairs = Array.from({ length: COUNT }, (_, r) => 3 * (x[2 * r] as number) + (x[2 * r + 1] as number));
    const p = [
      0,
      (a * b) / (1 - a),
      (a * c) / (1 - a),
      (b * a) / (1 - b),
      0,
      (b * c) / (1 - b),
      (c * a) / (1 - c),
      (c * b) / (1 - c),
      0,
    ];
    expect(Math.abs(chiSquare(pairs, p))).toBeLessThan(4);
  });

  it('randperm has every order alike', () => {
    const orders = Array.from({ length: 6000 }, () => {
      const [a, b] = values(randperm(3)) as [number, number];
      return a * 2 + (b > (a === 0 ? 1 : 0) ? Number(b === (a === 2 ? 1 : 2)) : 0);
    });
    expect(Math.abs(chiSquare(orders, new Array<number>(6).fill(1 / 6)))).toBeLessThan(4);
  });

  it('dropout drops its share and keeps the mean', () => {
    const x = values(dropout(ones(COUNT), 0.3));
    expect(x.every((v) => v === 0 || v === Math.fround(1 / 0.7))).toBe(true);
    expect(
      Math.abs(
        chiSquare(
          x.map((v) => Number(v === 0)),
          [0.7, 0.3],
        ),
      ),
    ).toBeLessThan(4);
  });

  it('neighbours in a stream have nothing in common', () => {
    for (const draw of [() => rand(COUNT).sub(0.5), () => randn(COUNT)]) {
      const x = values(draw());
      for (const lag of [1, 2, 3, 4, 5]) {
        let [product, square] = [0, 0];
        for (let i = 0; i + lag < x.length; i++) {
          product += (x[i] as number) * (x[i + lag] as number);
          square += (x[i] as number) ** 2;
        }
        expect(Math.abs(product / square) * Math.sqrt(COUNT)).toBeLessThan(4);
      }
    }
  });
});

describe('streams', () => {
  it('begin again with their seed, and go on from a state', () => {
    const draw = (generator: Generator) => values(rand(7, { generator })).concat(values(randn(5, { generator })));
    const a = new Generator(5);
    const first = draw(a);
    const state = a.getState();
    const second = draw(a);
    expect(draw(new Generator(5))).toEqual(first);
    expect(draw(new Generator(0).setState(state))).toEqual(second);
    expect(draw(new Generator(6))).not.toEqual(first);
    expect(draw(a.manualSeed(5))).toEqual(first);
  });

  it('are the same however long the draw is', () => {
    for (const draw of [rand, randn]) {
      const long = values(draw([103], { generator: new Generator(9) }));
      for (const n of [1, 2, 3, 4, 5, 31, 33, 64]) {
        expect(values(draw([n], { generator: new Generator(9) }))).toEqual(long.slice(0, n));
      }
    }
  });

  it('go on at a block, whether the draw before was odd or not', () => {
    const next = (n: number): number[] => {
      const generator = new Generator(3);
      rand(n, { generator });
      return values(rand(6, { generator }));
    };
    expect(next(5)).toEqual(next(8));
    expect(next(1)).toEqual(next(4));
    expect(next(5)).not.toEqual(next(9));
  });

  it('fork by purpose, and leave the stream that they come from alone', () => {
    const generator = new Generator(11);
    const forks = [generator.fork('a'), generator.fork('b'), generator.fork('a', 1), generator.fork('a')];
    const [a, b, c, again] = forks.map((fork) => values(rand(8, { generator: fork })).join());
    expect(new Set([a, b, c]).size).toBe(3);
    expect(again).toBe(a);
    expect(generator.getState()).toEqual({ seed: 11, counter: 0 });
  });

  it.each([
    ['philox_f32', []],
    ['normal_f32', [1, 2]],
  ])('%s gives the same bits wherever its work is cut', (name, floats) => {
    const count = 77;
    const run = (cuts: readonly number[]): number[] => {
      const device = new WasmDevice();
      const y = allocate(device, [count], 'float32', 'random test');
      const named = name === 'philox_f32' ? name : random.kernel(name);
      const kernel = device.engine.kernel(named);
      const launch = { kernel: named, work: count, writes: [y], reads: [], floats, ints: [7, 1, 0xfffffffe, 3] };
      encode(device.engine, launch, kernel.index, device.engine.record);
      for (const [i, begin] of cuts.entries()) kernel.run(device.engine.record, begin, cuts[i + 1] ?? count);
      return [...y.dataSync()];
    };
    expect(run([0, 1, 6, 38, 40, 76])).toEqual(run([0]));
  });

  it('poisson: an element does not depend on the others', () => {
    const draw = (means: number[]): number[] => values(poisson(tensor(means), { generator: new Generator(2) }));
    expect(draw([3, 40, 5])[2]).toBe(draw([9, 1, 5])[2]);
  });
});

describe('refusals', () => {
  it.each([
    ['probabilities above 1', () => bernoulli(tensor([0.5, 1.5])), 'must be in [0, 1]'],
    ['probabilities that are NaN', () => bernoulli(tensor([NaN])), 'must be in [0, 1]'],
    ['integers for probabilities', () => bernoulli(tensor([1], { dtype: 'int32' })), 'must be float32'],
    ['negative weights', () => multinomial(tensor([1, -1]), 1), 'finite numbers ≥ 0'],
    ['more draws than weights', () => multinomial(tensor([1, 0, 2]), 3), 'as many weights above 0, got 2'],
    ['weights of three dimensions', () => multinomial(ones([1, 1, 2]), 1), 'expected weights [n] or [m, n]'],
    ['no draws', () => multinomial(ones([2]), 0), 'whole number > 0'],
    ['a negative deviation', () => normal(0, -1, [2]), 'std must be ≥ 0'],
    ['numbers without a shape', () => normal(0, 1), 'need a shape'],
    ['a negative mean of events', () => poisson(tensor([-1])), 'numbers ≥ 0'],
    ['a rate of 0', () => zeros(2).exponential_(0), 'finite number > 0'],
    ['a probability of 1', () => zeros(2).geometric_(1), 'must be in (0, 1)'],
    ['an unknown option', () => dropout(ones(2), { rate: 0.1 } as object), "no option 'rate'"],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});
