import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { FettleError, manualSeed, memory, mseLoss, randn, scope, type Tensor, tensor } from 'fettle';
import { cluster, dropCodebook, maskOf, prune, setMask } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { Adam, type Optimizer, SGD } from 'fettle/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { assign, centroidsOf } from '../../src/compress/codebook/kmeans.js';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(0);
});
afterEach(release);

const valuesOf = (x: Tensor): Float32Array => x.dataSync() as Float32Array;
const distinct = (x: Tensor): number[] => [...new Set(valuesOf(x).filter((v) => v !== 0))].sort((a, b) => a - b);

describe('k-means on a line', () => {
  interface Case {
    name: string;
    x: number[];
    k: number;
    init: 'linear' | 'density';
    centroids: number[];
  }
  const cases = JSON.parse(readFileSync(new URL('../golden/kmeans.json', import.meta.url), 'utf8')) as Case[];

  test.each(cases.map((one) => [one.name, one] as const))('is scikit-learn’s: %s', (_, { x, k, init, centroids }) => {
    const found = centroidsOf(Float32Array.from(x), k, { init, iterations: 1000 });
    expect(found).toHaveLength(k);
    found.forEach((centroid, j) => {
      expect(centroid).toBeCloseTo(centroids[j] as number, 5);
    });
  });

  test('ends where each centroid is the mean of the values nearest to it', () => {
    const values = fc.array(
      fc.integer({ min: -1000, max: 1000 }).map((v) => v / 64),
      { minLength: 1, maxLength: 200 },
    );
    const init = fc.constantFrom('linear' as const, 'density' as const, 'random' as const);
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 12 }), init, (given, k, start) => {
        const x = Float32Array.from(given);
        const found = centroidsOf(x, k, { init: start, iterations: 1000 });
        const different = new Set(given).size;
        expect(found).toHaveLength(Math.min(k, different));
        const codes = assign(x, found);
        found.forEach((centroid, j) => {
          const own = given.filter((_, i) => codes[i] === j);
          expect(own.length).toBeGreaterThan(0);
          expect(centroid).toBeCloseTo(own.reduce((a, b) => a + b, 0) / own.length, 4);
        });
        given.forEach((value, i) => {
          const distances = Array.from(found, (centroid) => Math.abs(centroid - value));
          expect(distances[codes[i] as number]).toBe(Math.min(...distances));
        });
      }),
    );
  });

  test('leaves no centroid in a gap', () => {
    const x = Float32Array.from({ length: 200 }, (_, i) => (i % 2 ? 1 : -1) * (10 + ((i * 37) % 100) / 100));
    expect(centroidsOf(x, 16, { init: 'linear' })).toHaveLength(16);
  });
});

const net = (): nn.Sequential =>
  tracked(new nn.Sequential({ fc1: new nn.Linear(20, 30), act: new nn.Tanh(), fc2: new nn.Linear(30, 4) }));

describe('cluster', () => {
  test('leaves few values in each layer, and says which and how far off', () => {
    const model = net();
    const before = valuesOf(model.getParameter('fc1.weight')).slice();
    const bias = valuesOf(model.getParameter('fc1.bias')).slice();
    const report = cluster(model, { bits: { fc1: 4, 'fc2.weight': 2 } });
    expect(report.layers.map(({ name, bits, weights, values }) => [name, bits, weights, values])).toEqual([
      ['fc1.weight', 4, 600, 16],
      ['fc2.weight', 2, 120, 4],
    ]);
    expect(distinct(model.getParameter('fc1.weight'))).toHaveLength(16);
    expect(valuesOf(model.getParameter('fc1.bias'))).toEqual(bias);
    const after = valuesOf(model.getParameter('fc1.weight'));
    const lost = before.reduce((sum, v, i) => sum + (v - (after[i] as number)) ** 2, 0);
    const size = before.reduce((sum, v) => sum + v ** 2, 0);
    expect(report.layers[0]?.error).toBeCloseTo(Math.sqrt(lost / size), 6);
    // Evenly spread weights lose a 16th, a little less at the best places.
    expect(report.layers[0]?.error).toBeLessThan(1 / 15);
  });

  test('takes a function, and names to leave alone', () => {
    const model = net();
    const report = cluster(model, {
      bits: (_, layer) => ((layer as nn.Linear).outFeatures > 10 ? 3 : 1),
      except: ['fc2'],
    });
    expect(report.layers.map(({ name, values }) => [name, values])).toEqual([['fc1.weight', 8]]);
  });

  test('keeps zeros, masked or not, and what a mask removes later', () => {
    const model = net();
    const fc1 = model.getSubmodule('fc1');
    const weight = model.getParameter('fc1.weight');
    prune.l1Unstructured(fc1, 'weight', 0.5);
    cluster(model, { bits: 3 });
    expect(maskOf(weight)?.sum().item()).toBe(300);
    expect(distinct(weight)).toHaveLength(8);
    prune.l1Unstructured(fc1, 'weight', 0.5);
    const zeros = (): number => valuesOf(weight).filter((v) => Object.is(v, 0)).length;
    expect(zeros()).toBe(450);
    const optimizer = new SGD(model.parameters(), { lr: 0.5 });
    model
      .forward(randn([8, 20]))
      .square()
      .mean()
      .backward();
    optimizer.step();
    expect(zeros()).toBe(450);
    expect(distinct(weight).length).toBeLessThanOrEqual(8);
    // Without its mask, too: zeros have a code of their own.
    prune.remove(fc1, 'weight');
    expect(maskOf(weight)).toBe(null);
    cluster(model, { bits: 3 });
    optimizer.step();
    expect(zeros()).toBe(450);
    optimizer.dispose();
    model.zeroGrad();
  });

  test('does all or nothing', () => {
    const model = net();
    const before = valuesOf(model.getParameter('fc1.weight')).slice();
    const broken = valuesOf(model.getParameter('fc2.weight')).slice();
    broken[3] = NaN;
    model.loadStateDict({ 'fc2.weight': tensor(broken, [4, 30]) }, { strict: false });
    expect(() => cluster(model)).toThrow("cluster: 'fc2.weight' holds NaN");
    expect(valuesOf(model.getParameter('fc1.weight'))).toEqual(before);
    expect(model.getParameter('fc1.weight').constraint).toBe(null);
  });

  test.each([
    [{ bits: 0 }, 'bits of'],
    [{ bits: 2.5 }, 'bits of'],
    [{ bits: { fc3: 3 } }, "there is no layer 'fc3'"],
    [{ except: ['fc3'] }, "there is no layer 'fc3'"],
    [{ except: ['fc1', 'fc2'] }, 'there is no weight'],
    [{ init: 'kmeans++' as 'linear' }, 'init must be one of'],
    [{ update: 'max' as 'mean' }, "update must be 'mean' or 'sum'"],
    [{ iterations: 0 }, 'iterations must be'],
  ])('refuses %o', (options, message) => {
    expect(() => cluster(net(), options)).toThrow(message);
    expect(() => cluster(net(), options)).toThrow(FettleError);
  });

  test('a weight that is shared has one codebook', () => {
    const fc = new nn.Linear(10, 10);
    const model = tracked(new nn.Sequential({ fc, again: fc }));
    expect(cluster(model, { bits: 2 }).layers.map(({ name }) => name)).toEqual(['fc.weight']);
  });

  test('can be forgotten, and frees what it held', () => {
    const model = net();
    prune.l1Unstructured(model.getSubmodule('fc1'), 'weight', 0.5);
    const before = memory().tensors;
    cluster(model);
    cluster(model, { bits: 2 });
    for (const parameter of model.parameters()) dropCodebook(parameter);
    expect(memory().tensors).toBe(before);
    expect(maskOf(model.getParameter('fc1.weight'))).not.toBe(null);
    expect(model.getParameter('fc2.weight').constraint).toBe(null);
  });
});

describe('training moves centroids', () => {
  /** A model of one weight, its codes and centroids, and the gradient of each weight in float64. */
  function setup(update: 'mean' | 'sum') {
    const model = tracked(new nn.Sequential(new nn.Linear(12, 6, { bias: false })));
    const weight = model.getParameter('0.weight');
    prune.l1Unstructured(model.getSubmodule('0'), 'weight', 0.25);
    cluster(model, { bits: 2, update });
    const [x, y] = [randn([5, 12]), randn([5, 6])];
    const centroids = distinct(weight);
    const codes = Array.from(valuesOf(weight), (v) => (v === 0 ? -1 : centroids.indexOf(v)));
    /** d loss / d weight, at the centroids given. */
    const gradients = (at: readonly number[]): number[] => {
      const w = codes.map((code) => (code < 0 ? 0 : (at[code] as number)));
      const [inputs, targets] = [valuesOf(x), valuesOf(y)];
      return codes.map((_, place) => {
        const [o, i] = [Math.floor(place / 12), place % 12];
        let sum = 0;
        for (let b = 0; b < 5; b++) {
          let out = 0;
          for (let k = 0; k < 12; k++) out += (w[o * 12 + k] as number) * (inputs[b * 12 + k] as number);
          sum += ((2 * (out - (targets[b * 6 + o] as number))) / 30) * (inputs[b * 12 + i] as number);
        }
        return sum;
      });
    };
    const step = (optimizer: Optimizer): void =>
      scope(() => {
        optimizer.zeroGrad();
        mseLoss(model.forward(x), y).backward();
        optimizer.step();
      });
    return { model, weight, centroids, codes, gradients, step };
  }

  test.each(['mean', 'sum'] as const)(
    "as '%s' says: SGD with momentum and decay steps along their own gradient",
    (update) => {
      const { model, weight, centroids, codes, gradients, step } = setup(update);
      const [lr, momentum, weightDecay] = [update === 'sum' ? 0.01 : 0.2, 0.9, 0.05];
      const optimizer = new SGD(model.parameters(), { lr, momentum, weightDecay });
      let at = [...centroids];
      let velocity = at.map(() => 0);
      for (let round = 0; round < 4; round++) {
        const g = gradients(at);
        const own = at.map((centroid, k) => {
          const members = codes.flatMap((code, i) => (code === k ? [(g[i] as number) + weightDecay * centroid] : []));
          const sum = members.reduce((a, b) => a + b, 0);
          return update === 'sum' ? sum : sum / members.length;
        });
        velocity = velocity.map((v, k) => (round === 0 ? (own[k] as number) : momentum * v + (own[k] as number)));
        at = at.map((centroid, k) => centroid - lr * (velocity[k] as number));
        step(optimizer);
        const values = valuesOf(weight);
        codes.forEach((code, i) => {
          if (code < 0) expect(values[i]).toBe(0);
          else expect(values[i]).toBeCloseTo(at[code] as number, 5);
        });
      }
      optimizer.dispose();
      model.zeroGrad();
    },
  );

  test('by the mean step of the weights with Adam, which lowers the loss', () => {
    const { model, weight, step } = setup('mean');
    const optimizer = new Adam(model.parameters(), { lr: 0.01 });
    const x = randn([50, 12]);
    const y = x.narrow(1, 0, 6).mul(0.7);
    const loss = (): number => scope(() => mseLoss(model.forward(x), y).item());
    const before = loss();
    for (let i = 0; i < 30; i++)
      scope(() => {
        optimizer.zeroGrad();
        mseLoss(model.forward(x), y).backward();
        optimizer.step();
      });
    expect(loss()).toBeLessThan(before);
    expect(distinct(weight).length).toBeLessThanOrEqual(4);
    step(optimizer);
    optimizer.dispose();
    model.zeroGrad();
  });

  test('a codebook that nothing moves stays what it is to the bit', () => {
    const { weight } = setup('mean');
    const before = valuesOf(weight).slice();
    for (let i = 0; i < 100; i++) weight.constraint?.apply();
    expect(valuesOf(weight)).toEqual(before);
  });

  test('a mask around a codebook is seen, and weights that it removes no longer pull', () => {
    const model = tracked(new nn.Sequential(new nn.Linear(4, 4, { bias: false })));
    const weight = model.getParameter('0.weight');
    cluster(model, { bits: 1 });
    const [low, high] = distinct(weight) as [number, number];
    const mask = Array.from(valuesOf(weight), (_, i) => Number(i % 2 === 0));
    setMask(weight, mask);
    weight.constraint?.apply();
    expect(distinct(weight).every((v) => v === low || v === high)).toBe(true);
    expect([...valuesOf(weight)].filter((v) => v === 0)).toHaveLength(8);
  });
});
