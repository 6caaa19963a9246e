import { readFileSync } from 'node:fs';
import { Generator, manualSeed, type Tensor, zeros } from 'fettle';
import * as nn from 'fettle/nn';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** What parameters begin as: distributions with PyTorch's parameters, within what chance allows. */

interface Golden {
  readonly gains: Readonly<Record<string, number>>;
  readonly truncated: readonly {
    readonly mean: number;
    readonly std: number;
    readonly a: number;
    readonly b: number;
    readonly moments: readonly [mean: number, std: number];
  }[];
  readonly dirac: readonly {
    readonly shape: readonly number[];
    readonly groups: number;
    readonly data: readonly number[];
  }[];
  readonly eye: readonly { readonly shape: readonly number[]; readonly data: readonly number[] }[];
  readonly sparseZeros: number;
  readonly spreads: readonly (Readonly<Record<string, number>> & { readonly shape: readonly number[] })[];
}

const golden = JSON.parse(readFileSync(new URL('../golden/init.json', import.meta.url), 'utf8')) as Golden;
const made: nn.Module[] = [];

beforeEach(() => manualSeed(7));
afterEach(() => {
  for (const module of made.splice(0)) module.dispose();
});

/** Five standard errors: a good generator fails once in a million tests, and with a fixed seed never or always. */
const SIGMAS = 5;

interface Moments {
  readonly n: number;
  readonly mean: number;
  readonly std: number;
  readonly least: number;
  readonly most: number;
  readonly kurtosis: number;
}

function moments(t: Tensor): Moments {
  const values = [...t.dataSync()];
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
  const fourth = values.reduce((a, b) => a + (b - mean) ** 4, 0) / n;
  const extremes = { least: Math.min(...values.slice(0, 60000)), most: Math.max(...values.slice(0, 60000)) };
  return { n, mean, std: Math.sqrt(variance), kurtosis: fourth / variance ** 2, ...extremes };
}

/** Checks a distribution with this mean, standard deviation and kurtosis. */
function expectMoments(found: Moments, mean: number, std: number, kurtosis: number): void {
  const { n } = found;
  expect(Math.abs(found.mean - mean)).toBeLessThan((SIGMAS * std) / Math.sqrt(n));
  expect(Math.abs(found.std / std - 1)).toBeLessThan((SIGMAS / 2) * Math.sqrt((kurtosis - 1) / n));
  expect(Math.abs(found.kurtosis - kurtosis)).toBeLessThan((SIGMAS * 5) / Math.sqrt(n));
}

function expectUniform(t: Tensor, low: number, high: number): void {
  const found = moments(t);
  expectMoments(found, (low + high) / 2, (high - low) / Math.sqrt(12), 1.8);
  // Within the bounds, and as near to them as this many draws come.
  const reach = ((high - low) * 20) / found.n;
  const rounding = 1e-6 * Math.max(Math.abs(low), Math.abs(high));
  expect(found.least).toBeGreaterThanOrEqual(low - rounding);
  expect(found.least).toBeLessThan(low + reach);
  expect(found.most).toBeLessThanOrEqual(high + rounding);
  expect(found.most).toBeGreaterThan(high - reach);
}

function expectNormal(t: Tensor, mean: number, std: number): void {
  const found = moments(t);
  expectMoments(found, mean, std, 3);
  expect(found.most).toBeGreaterThan(mean + 3 * std);
  expect(found.most).toBeLessThan(mean + 6 * std);
}

describe('nn.init', () => {
  it('knows PyTorch’s gains', () => {
    const { 'leakyRelu, 0.5': steep, ...rest } = golden.gains;
    for (const [name, gain] of Object.entries(rest)) {
      expect(nn.init.calculateGain(name as 'relu'), name).toBeCloseTo(gain, 12);
    }
    expect(nn.init.calculateGain('leakyRelu', 0.5)).toBeCloseTo(steep as number, 12);
  });

  it('fills with numbers and draws between bounds', () => {
    expect(nn.init.zeros_(zeros([2])).toArray()).toEqual([0, 0]);
    expect(nn.init.ones_(zeros([2])).toArray()).toEqual([1, 1]);
    expect(nn.init.constant_(zeros([2]), -0.5).toArray()).toEqual([-0.5, -0.5]);
    expectUniform(nn.init.uniform_(zeros([40000])), 0, 1);
    expectUniform(nn.init.uniform_(zeros([40000]), -3, 5), -3, 5);
    expectNormal(nn.init.normal_(zeros([40000])), 0, 1);
    expectNormal(nn.init.normal_(zeros([40000]), 2, 0.5), 2, 0.5);
  });

  it.each(golden.spreads.map((one) => [String(one.shape), one] as const))('spreads [%s] as PyTorch', (_shape, one) => {
    const { fanIn, fanOut, gain } = one as unknown as Record<string, number> & { gain: number };
    expect(nn.init.fans(zeros(one.shape))).toEqual({ fanIn, fanOut });
    const fresh = (): Tensor => zeros(one.shape);
    const within = (name: string, value: number): number => {
      // PyTorch's figure is itself measured: the largest of its draws, or their standard deviation.
      expect(Math.abs(value / (one[name] as number) - 1), name).toBeLessThan(0.02);
      return value;
    };
    const xavier = within('xavierUniform_', 2 * Math.sqrt(6 / ((fanIn as number) + (fanOut as number))));
    expectUniform(nn.init.xavierUniform_(fresh(), { gain: 2 }), -xavier, xavier);
    expectNormal(nn.init.xavierNormal_(fresh(), { gain: 2 }), 0, within('xavierNormal_', xavier / Math.sqrt(3)));
    const kaiming = within('kaimingUniform_', gain * Math.sqrt(3 / (fanIn as number)));
    expectUniform(nn.init.kaimingUniform_(fresh(), { nonlinearity: 'relu' }), -kaiming, kaiming);
    const std = within('kaimingNormal_', Math.sqrt(2 / (1 + 0.5 ** 2)) / Math.sqrt(fanOut as number));
    expectNormal(nn.init.kaimingNormal_(fresh(), { mode: 'fanOut', a: 0.5 }), 0, std);
  });

  it('draws the same from the same seed, and from a generator of one’s own', () => {
    const draw = (): number[] => [...nn.init.normal_(zeros([5])).dataSync()];
    const first = draw();
    expect(draw()).not.toEqual(first);
    manualSeed(7);
    expect(draw()).toEqual(first);
    const own = (): number[] => [...nn.init.uniform_(zeros([5]), 0, 1, new Generator(3)).dataSync()];
    expect(own()).toEqual(own());
  });

  it('takes PyTorch’s arguments by position and its spelling', () => {
    const { init } = nn;
    const same = (a: (t: Tensor) => Tensor, b: (t: Tensor) => Tensor): void => {
      const [p, q] = [a, b].map((fill) => {
        manualSeed(5);
        return fill(zeros([4, 3])).toArray();
      });
      expect(p).toEqual(q);
    };
    same(
      (t) => init.kaimingUniform_(t, 0.5, 'fan_out', 'leaky_relu'),
      (t) => init.kaimingUniform_(t, { a: 0.5, mode: 'fanOut', nonlinearity: 'leakyRelu' }),
    );
    same(
      (t) => init.xavierNormal_(t, 3),
      (t) => init.xavierNormal_(t, { gain: 3 }),
    );
    same(
      (t) => init.uniform_(t, -1, 2),
      (t) => init.uniform_(t, { a: -1, b: 2 }),
    );
    same(
      (t) => init.truncNormal_(t, 0, 2, -1, 1),
      (t) => init.truncNormal_(t, { std: 2, a: -1, b: 1 }),
    );
    expect(init.calculateGain('leaky_relu', 0.5)).toBe(init.calculateGain('leakyRelu', 0.5));
    expect(init.calculateGain('conv_transpose2d')).toBe(1);
    expect(() => init.calculateGain('swish' as never)).toThrow(/unknown nonlinearity 'swish'/);
    expect(() => init.kaimingNormal_(zeros([2, 2]), { mode: 'fan' as never })).toThrow(/mode must be/);
    expect(() => init.xavierUniform_(zeros([3]))).toThrow(/at least 2 dimensions/);
  });

  it('draws truncated normals of PyTorch’s moments', () => {
    for (const { mean, std, a, b, moments: want } of golden.truncated) {
      const found = moments(nn.init.truncNormal_(zeros([40000]), { mean, std, a, b }));
      expect(found.least).toBeGreaterThanOrEqual(a);
      expect(found.most).toBeLessThanOrEqual(b);
      expect(Math.abs(found.mean - want[0])).toBeLessThan(0.02 * want[1] + 1e-6);
      expect(Math.abs(found.std / want[1] - 1)).toBeLessThan(0.02);
    }
    // Far out in the tail too, where hardly anything is drawn.
    const tail = moments(nn.init.truncNormal_(zeros([1000]), { a: 5, b: 6 }));
    expect(tail.least).toBeGreaterThanOrEqual(5);
    expect(tail.mean).toBeLessThan(5.3);
  });

  it('makes orthogonal rows or columns', () => {
    for (const shape of [
      [5, 5],
      [7, 3],
      [3, 7],
      [4, 3, 2, 2],
      [1, 1],
    ]) {
      const t = nn.init.orthogonal_(zeros(shape), 2).reshape([shape[0] as number, -1]);
      const rows = t.shape[0] as number;
      const product = rows <= (t.shape[1] as number) ? t.matmul(t.T) : t.T.matmul(t);
      const size = product.shape[0] as number;
      const identity = nn.init.eye_(zeros([size, size])).mul(4);
      expect(product.sub(identity).abs().amax().item()).toBeLessThan(1e-5);
    }
    const signs = [...nn.init.orthogonal_(zeros([60, 60])).dataSync()].filter((v) => v > 0).length;
    expect(Math.abs(signs / 3600 - 0.5)).toBeLessThan(0.05);
    expect(() => nn.init.orthogonal_(zeros([3]))).toThrow(/at least 2 dimensions/);
  });

  it('makes identities and sparse matrices as PyTorch does', () => {
    for (const { shape, groups, data } of golden.dirac) {
      expect([...nn.init.dirac_(zeros(shape), groups).dataSync()]).toEqual(data);
    }
    for (const { shape, data } of golden.eye) expect([...nn.init.eye_(zeros(shape)).dataSync()]).toEqual(data);
    const columns = nn.init.sparse_(zeros([10, 50]), 0.35, 2).T.toArray() as number[][];
    expect(new Set(columns.map((column) => column.filter((v) => v === 0).length))).toEqual(
      new Set([golden.sparseZeros]),
    );
    const kept = columns.flat().filter((v) => v !== 0);
    const std = Math.sqrt(kept.reduce((sum, v) => sum + v * v, 0) / kept.length);
    expect(Math.abs(std / 2 - 1)).toBeLessThan(0.15);
    expect(() => nn.init.sparse_(zeros([3]), 0.1)).toThrow(/expected a matrix/);
    expect(() => nn.init.dirac_(zeros([3, 3]))).toThrow(/3 to 5 dimensions/);
    expect(() => nn.init.dirac_(zeros([3, 3, 1]), 2)).toThrow(/groups must divide/);
    expect(() => nn.init.eye_(zeros([3]))).toThrow(/expected a matrix/);
  });

  it('records nothing, and works on parameters', () => {
    const weight = new nn.Linear(3, 2);
    made.push(weight);
    expect(nn.init.ones_(weight.weight)).toBe(weight.weight);
    expect(weight.weight.isLeaf).toBe(true);
    expect(weight.weight.toArray()).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ]);
  });
});

describe('layers begin as in PyTorch', () => {
  it.each([
    ['Linear', () => new nn.Linear(400, 150), 400],
    ['Bilinear', () => new nn.Bilinear(40, 30, 20), 40],
    ['Conv2d', () => new nn.Conv2d(16, 128, [3, 5], { groups: 2 }), 8 * 15],
  ] as const)('%s: uniform in ±1 / √fan', (_name, make, fan) => {
    const layer = make();
    made.push(layer);
    const bound = 1 / Math.sqrt(fan);
    expectUniform(layer.weight, -bound, bound);
    const bias = moments(layer.bias as Tensor);
    expect(Math.max(-bias.least, bias.most)).toBeLessThanOrEqual(bound * (1 + 1e-6));
    expect(bias.std / (bound / Math.sqrt(3))).toBeGreaterThan(0.8);
    expect(bias.std / (bound / Math.sqrt(3))).toBeLessThan(1.2);
    expect(Math.abs(bias.mean)).toBeLessThan(bound / 2);
  });

  it('norms: scale 1, shift 0, and statistics of a standard normal', () => {
    const norm = new nn.BatchNorm2d(2);
    const layer = new nn.LayerNorm([2]);
    made.push(norm, layer);
    const state = Object.fromEntries(Object.entries(norm.stateDict()).map(([key, value]) => [key, value.toArray()]));
    expect(state).toEqual({
      weight: [1, 1],
      bias: [0, 0],
      running_mean: [0, 0],
      running_var: [1, 1],
      num_batches_tracked: 0,
    });
    expect(layer.weight?.toArray()).toEqual([1, 1]);
    expect(layer.bias?.toArray()).toEqual([0, 0]);
  });
});
