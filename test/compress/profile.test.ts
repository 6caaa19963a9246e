import { FettleError, randn, type Tensor, zeros } from 'fettle';
import { profile, prune } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { afterEach, describe, expect, it } from 'vitest';
import { release, tracked } from './modules.js';

afterEach(release);

/** A module that computes beside its layers, and calls one of them twice. */
class Twice extends nn.Module {
  inner = new nn.Linear(6, 6);
  unused = new nn.Linear(3, 3);

  override forward(x: Tensor): Tensor {
    return this.inner.forward(this.inner.forward(x)).add(x).relu();
  }
}

describe('profile', () => {
  it('counts what each layer holds, computes and gives', () => {
    const model = tracked(
      new nn.Sequential({
        conv: new nn.Conv2d(1, 4, 3, { padding: 1 }),
        bn: new nn.BatchNorm2d(4),
        relu: new nn.ReLU(),
        flatten: new nn.Flatten(),
        fc: new nn.Linear(4 * 8 * 8, 10),
      }),
    );
    const report = profile(model, randn([2, 1, 8, 8]), { budgetMs: 0 });
    expect(report.layers.map(({ name }) => name)).toEqual(['conv', 'bn', 'relu', 'flatten', 'fc']);
    const [conv, bn, relu, , fc] = report.layers;
    expect(conv).toMatchObject({ type: 'Conv2d', calls: 1, parameters: 40, nonzero: 40, bytes: 160 });
    expect(conv?.multiplyAdds).toBe(2 * 4 * 64 * 9);
    expect(conv?.activationBytes).toBe(2 * 4 * 64 * 4);
    // Weight and bias, running mean and variance, and the counter of batches.
    expect(bn).toMatchObject({ parameters: 8, nonzero: 4, bytes: 16 * 4 + 4 });
    expect(relu).toMatchObject({ parameters: 0, multiplyAdds: 0, activationBytes: 2 * 4 * 64 * 4 });
    expect(fc).toMatchObject({ parameters: 2570, multiplyAdds: 2 * 2560, flops: 4 * 2560 });
    expect(report.parameters).toBe(40 + 8 + 2570);
    expect(report.flops).toBe(2 * report.multiplyAdds);
    expect(report.milliseconds).toBeGreaterThan(0);
    const shares = report.layers.reduce((n, layer) => n + layer.share, 0);
    expect(shares).toBeGreaterThan(0.5);
    expect(shares).toBeLessThanOrEqual(1 + 1e-9);
  });

  it('tells of layers called twice, never, or shared, and of what is computed between them', () => {
    const twice = new Twice();
    const model = tracked(new nn.Sequential({ a: twice, b: twice }));
    const report = profile(model, randn([5, 6]), { budgetMs: 0 });
    expect(report.layers.map(({ name, calls, parameters }) => [name, calls, parameters])).toEqual([
      ['a.inner', 4, 42],
      ['a.unused', 0, 12],
    ]);
    expect(report.layers[0]?.multiplyAdds).toBe(4 * 5 * 36);
    expect(report.between).toBeGreaterThan(0);
    const text = String(report);
    expect(text).toContain('Linear (4 calls)');
    expect(text).toContain('(between layers)');
    expect(text.split('\n').every((line) => line.length < 120)).toBe(true);
  });

  it('counts the zeros of pruned weights and the weights of int8 layers', async () => {
    const model = tracked(new nn.Sequential({ fc1: new nn.Linear(8, 4, { bias: false }), fc2: new nn.Linear(4, 2) }));
    prune.l1Unstructured(model.getSubmodule('fc1'), 'weight', 0.75);
    expect(profile(model, randn([1, 8]), { runs: 1 }).layers[0]).toMatchObject({ parameters: 32, nonzero: 8 });
    const { quantize } = await import('fettle/compress');
    const int8 = tracked(await quantize.static(model, [randn([4, 8])] as never));
    const [fc1] = profile(int8, randn([1, 8]), { runs: 1 }).layers;
    expect(fc1?.type).toBe('QuantizedLinear');
    expect(fc1?.parameters).toBe(32 + 4);
    expect(fc1?.multiplyAdds).toBe(32);
    // Weights in int8 twice, as they are saved and as the product reads them, and what belongs to units.
    expect(fc1?.bytes).toBeGreaterThanOrEqual(2 * 32 + 2 * 4 * 4);
  });

  it('profiles a model that is one layer, and one that takes several inputs', () => {
    const layer = tracked(new nn.Linear(3, 2));
    expect(String(profile(layer, zeros([1, 3]), { runs: 1 }))).toContain('(model)');
    const both = tracked(new nn.Bilinear(2, 3, 4));
    expect(profile(both, [zeros([1, 2]), zeros([1, 3])], { runs: 1 }).layers[0]?.calls).toBe(1);
  });

  it('leaves the model as it was, mode by mode and without hooks, also when it fails', () => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(3, 2), bn: new nn.BatchNorm1d(2) }));
    model.getSubmodule('fc').eval();
    profile(model, randn([4, 3]), { runs: 1 });
    expect(() => profile(model, randn([4, 5]), { runs: 1 })).toThrow(FettleError);
    expect(model.modules().map(({ training }) => training)).toEqual([true, false, true]);
    for (const module of model.modules()) expect(Object.hasOwn(module, 'forward')).toBe(false);
    expect(Number((model.getSubmodule('bn') as nn.BatchNorm1d).numBatchesTracked?.item())).toBe(0);
  });

  it.each([
    [{ runs: 0 }, 'runs must be a whole number ≥ 1'],
    [{ budgetMs: -1 }, 'budgetMs must be milliseconds ≥ 0'],
    [{ batch: 3 }, "there is no option 'batch'"],
  ])('refuses %o', (options, message) => {
    expect(() => profile(tracked(new nn.Linear(1, 1)), zeros([1, 1]), options as object)).toThrow(message);
  });
});
