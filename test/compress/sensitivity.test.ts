import fc from 'fast-check';
import { FettleError } from 'fettle';
import { maskOf, prune, recipe, sensitivity } from 'fettle/compress';
import { Linear, type Module, ReLU, Sequential } from 'fettle/nn';
import { afterEach, describe, expect, it } from 'vitest';
import { allocate, type Choice } from '../../src/compress/choosing/allocate.js';
import { example, plane, planeNet } from './choosing.js';
import { release, tracked } from './modules.js';

afterEach(release);

const bits = (model: Module) =>
  Object.fromEntries(Object.entries(model.stateDict()).map(([name, x]) => [name, Array.from(x.dataSync())]));

describe('sensitivity', () => {
  it('tells for each layer and amount how much the metric drops', async () => {
    const data = plane();
    const model = tracked((await recipe([{ retrain: { epochs: 10, lr: 0.01 } }]).run(planeNet(), data)).model);
    const seen: number[] = [];
    const report = await sensitivity(model, data.validation, {
      amounts: [0.5, 1],
      bits: [8, 2],
      onProgress: (done, total) => seen.push(done / total),
    });
    expect(report.metric).toBeGreaterThan(0.95);
    expect(report.entries.map(({ layer, method, amount }) => `${layer} ${method} ${amount}`)).toEqual(
      ['fc1', 'fc2', 'fc3'].flatMap((layer) =>
        ['prune 0.5', 'prune 1', 'quantize 8', 'quantize 2'].map((rest) => `${layer} ${rest}`),
      ),
    );
    expect(seen[seen.length - 1]).toBe(1);
    for (const { method, amount, metric, drop, weightBits, layer } of report.entries) {
      expect(drop).toBe(report.metric - metric);
      const weights = model.getParameter(`${layer}.weight`).numel();
      expect(weightBits).toBe(method === 'prune' ? weights * (1 - amount) * 32 : weights * amount);
      // Without any weights a layer tells nothing of the input, and one corner in three is guessed.
      if (method === 'prune' && amount === 1) expect(metric).toBeCloseTo(1 / 3, 6);
      if (method === 'quantize' && amount === 8) expect(Math.abs(drop)).toBeLessThan(0.02);
    }
    const lines = String(report).split('\n');
    expect(lines[0]).toMatch(/^drop of +-50 % +-100 % +8 bit +2 bit$/);
    expect(lines).toHaveLength(2 + 3 + 1);
  });

  it('sees the weights that a change leaves, and no other layer’s', async () => {
    const model = planeNet();
    const fc2 = bits(model)['fc2.weight'] as number[];
    const report: { zeros: number; steps: number; others: boolean }[] = [];
    await sensitivity(
      model,
      {
        evaluate: (copy) => {
          const now = bits(copy);
          const weight = now['fc2.weight'] as number[];
          const unit = weight.slice(0, 32);
          report.push({
            zeros: weight.filter((v) => v === 0).length,
            steps: new Set(unit.map((v) => Math.abs(v).toFixed(5))).size,
            others: JSON.stringify(now['fc1.weight']) === JSON.stringify(bits(model)['fc1.weight']),
          });
          return 1;
        },
      },
      { layers: ['fc2'], amounts: [0.25], bits: [3] },
    );
    expect(report.map(({ zeros }) => zeros).slice(0, 2)).toEqual([0, fc2.length / 4]);
    // Three bits are seven values around 0, of four magnitudes.
    expect(report[2]?.steps).toBeLessThanOrEqual(4);
    expect(report.every(({ others }) => others)).toBe(true);
  });

  it('leaves weights, masks and modes as they were, also when it is stopped', async () => {
    const data = plane();
    const model = planeNet();
    prune.l1Unstructured(model.getSubmodule('fc2'), 'weight', 0.5);
    model.getSubmodule('bn').eval();
    const mask = maskOf(model.getParameter('fc2.weight'));
    const before = bits(model);
    const abort = new AbortController();
    const stopped = sensitivity(model, data, {
      signal: abort.signal,
      onProgress: (done) => {
        if (done === 3) abort.abort(new Error('enough'));
      },
    });
    await expect(stopped).rejects.toThrow('enough');
    expect(bits(model)).toEqual(before);
    expect(maskOf(model.getParameter('fc2.weight'))).toBe(mask);
    expect(model.getSubmodule('bn').training).toBe(false);
    expect(model.training).toBe(true);
  });

  it('changes layers that share their weights together, once', async () => {
    const layer = new Linear(2, 2);
    const twin = new Linear(2, 2);
    twin.weight.dispose();
    Object.assign(twin, { weight: layer.weight });
    const model = tracked(new Sequential(layer, new ReLU(), twin));
    const report = await sensitivity(model, { evaluate: () => 1 }, { methods: ['prune'], amounts: [0.5] });
    expect(report.entries.map((entry) => entry.layer)).toEqual(['0']);
  });

  it('allocates what each layer bears', async () => {
    const drops: Record<string, number> = { fc1: 0.02, fc2: 0.005, fc3: 0.2 };
    const model = planeNet();
    const original = bits(model);
    const report = await sensitivity(
      model,
      {
        evaluate: (copy) => {
          const now = bits(copy);
          const changed = Object.keys(drops).find((n) => `${now[`${n}.weight`]}` !== `${original[`${n}.weight`]}`);
          return 1 - (changed === undefined ? 0 : (drops[changed] as number));
        },
      },
      { amounts: [0.5], bits: [8] },
    );
    expect(report.allocate(0).layers).toEqual({});
    expect(report.allocate(0.01).layers).toEqual({ fc2: { method: 'quantize', amount: 8 } });
    expect(report.allocate(0.03, 'prune').layers).toEqual({
      fc1: { method: 'prune', amount: 0.5 },
      fc2: { method: 'prune', amount: 0.5 },
    });
    const all = report.allocate(1);
    expect(all.drop).toBeCloseTo(0.225, 12);
    expect(all.bitsBefore).toBe(32 * (64 + 768 + 72));
    expect(all.bitsAfter).toBe(all.bitsBefore / 4);
    expect(() => report.allocate(-1)).toThrow(FettleError);
  });

  it.each([
    [{ amounts: [0] }, 'amounts must be shares in (0, 1], got 0'],
    [{ bits: [1] }, 'bits must be whole numbers from 2 to 16, got 1'],
    [{ methods: ['cluster'] }, "methods must be among prune, quantize, got 'cluster'"],
    [{ layers: ['fc9'] }, "there is no layer 'fc9'. There are fc1, fc2, fc3"],
    [{ amount: 0.5 }, "there is no option 'amount'. Options are"],
  ])('refuses %j', async (options, message) => {
    await expect(sensitivity(planeNet(), plane().validation, options as object)).rejects.toThrow(message);
  });

  it('refuses models without layers, and data without labels', async () => {
    await expect(sensitivity(tracked(new Sequential(new ReLU())), [])).rejects.toThrow('no linear layer');
    await expect(sensitivity(planeNet(), [example()])).rejects.toThrow('accuracy needs labels');
    await expect(sensitivity(planeNet(), [])).rejects.toThrow('no sample to evaluate on');
    await expect(sensitivity(planeNet(), {})).rejects.toThrow('needs validation batches');
  });
});

describe('allocate', () => {
  const choice = fc.record({ loss: fc.integer({ min: 0, max: 20 }), cost: fc.integer({ min: 0, max: 50 }) });
  const places = fc.array(fc.array(choice, { maxLength: 3 }), { maxLength: 5 });

  /** All combinations, tried one by one. */
  function cheapest(all: readonly Choice<number>[][], budget: number): number {
    const [first, ...rest] = all;
    if (first === undefined) return 0;
    return Math.min(
      ...first.filter(({ loss }) => loss <= budget).map(({ loss, cost }) => cost + cheapest(rest, budget - loss)),
    );
  }

  it('finds the cheapest combination there is', () => {
    fc.assert(
      fc.property(places, fc.integer({ min: 0, max: 40 }), (given, budget) => {
        const all = given.map((choices) =>
          [{ loss: 0, cost: 60 }, ...choices].map((one, item): Choice<number> => ({ item, ...one })),
        );
        const chosen = allocate(all, budget);
        expect(chosen).toHaveLength(all.length);
        expect(chosen.reduce((n, { loss }) => n + loss, 0)).toBeLessThanOrEqual(budget);
        expect(chosen.reduce((n, { cost }) => n + cost, 0)).toBe(cheapest(all, budget));
      }),
    );
  });
});
