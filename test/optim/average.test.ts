import { memory, type Tensor, tensor } from 'fettle';
import { EMA, SGD, SWA } from 'fettle/optim';
import { describe, expect, it } from 'vitest';
import { distance, parameters, takeStep, valuesOf } from './problem.js';

/** The weights after each of 20 steps, given to `each`. */
function train(params: readonly Tensor[], each: (weights: number[]) => void): void {
  const optimizer = new SGD(params, { lr: 0.1 });
  for (let t = 0; t < 20; t++) {
    takeStep(optimizer, params, t);
    each(valuesOf(params));
  }
}

describe('EMA', () => {
  it.each([
    [0.9, false],
    [0.25, false],
    [0.9, true],
  ])('with decay %d, warm-up %s, follows its formula', (decay, warmup) => {
    const params = parameters();
    const ema = new EMA(params, { decay, warmup });
    let expected: number[] = [];
    let n = 0;
    train(params, (weights) => {
      ema.update();
      const keep = warmup ? Math.min(decay, (1 + n) / (10 + n)) : decay;
      expected = n === 0 ? weights : expected.map((value, i) => keep * value + (1 - keep) * (weights[i] as number));
      n++;
      expect(distance(valuesOf(ema.averages), expected)).toBeLessThan(8);
    });
    expect(ema.nAveraged).toBe(20);
    ema.dispose();
  });

  it('swaps in and out, and is at hand while it is in', () => {
    const w = tensor([1, 2], { requiresGrad: true });
    const ema = new EMA([w], { decay: 0.5 });
    ema.update();
    new SGD([w], { lr: 1 }).registerStepPostHook(() => ema.update());
    w.storage.device.write(w.storage, 0, new Uint8Array(Float32Array.of(3, 6).buffer));
    ema.update();
    const version = w.storage.version;
    expect(ema.apply(() => [...w.dataSync(), ...valuesOf(ema.averages)])).toEqual([2, 4, 2, 4]);
    expect(valuesOf([w, ...ema.averages])).toEqual([3, 6, 2, 4]);
    expect(w.storage.version).toBeGreaterThan(version);
    ema.swap();
    expect(ema.swapped).toBe(true);
    expect(() => ema.update()).toThrow('EMA: update needs the weights of training in place. Call swap() first');
    expect(() => ema.apply(() => 0)).toThrow('Call swap() first');
    expect(valuesOf([ema.stateDict().averages['0'] as Tensor])).toEqual([2, 4]);
    ema.swap();
    expect(valuesOf([w])).toEqual([3, 6]);
    ema.dispose();
  });

  it('puts the weights back after a failure, and after a promise', async () => {
    const w = tensor([1], { requiresGrad: true });
    const ema = new EMA(w, { decay: 0.5 });
    w.storage.device.write(w.storage, 0, new Uint8Array(Float32Array.of(9).buffer));
    expect(() =>
      ema.apply(() => {
        throw new Error('broken');
      }),
    ).toThrow('broken');
    expect(w.item()).toBe(9);
    expect(await ema.apply(async () => w.item())).toBe(1);
    expect(w.item()).toBe(9);
    ema.dispose();
  });

  it('goes on from its state', () => {
    const params = parameters();
    const ema = new EMA(params, { decay: 0.8 });
    const later = new EMA(params, { decay: 0.8 });
    train(params, () => {
      ema.update();
      later.loadStateDict(ema.stateDict());
      expect(valuesOf(later.averages)).toEqual(valuesOf(ema.averages));
      expect(later.nAveraged).toBe(ema.nAveraged);
    });
    expect(() => later.loadStateDict({ n_averaged: 1, averages: {} })).toThrow('average 0 must be float32 [2, 3]');
    ema.dispose();
    later.dispose();
  });

  it('copies what is not float32, takes views, and frees everything', () => {
    const counter = tensor([1], { dtype: 'int32' });
    const view = tensor([
      [1, 2],
      [3, 4],
    ]).T;
    const ema = new EMA([counter, view], { decay: 0.5 });
    ema.update();
    view.mul_(3);
    counter.add_(1);
    const before = memory().tensors;
    ema.update();
    expect(memory().tensors).toBe(before);
    expect(ema.averages.map((average) => average.toArray())).toEqual([
      [2],
      [
        [2, 6],
        [4, 8],
      ],
    ]);
    ema.dispose();
    expect(memory().tensors).toBe(before - 2);
  });

  it('refuses what it cannot average', () => {
    expect(() => new EMA([])).toThrow('EMA: got an empty parameter list');
    expect(() => new EMA([3] as unknown as Tensor[])).toThrow('EMA: expected tensors');
    expect(() => new EMA(parameters(), { decay: 1.5 })).toThrow('decay must be in [0, 1]');
  });
});

describe('SWA', () => {
  it('is the mean of all weights', () => {
    const params = parameters();
    const swa = new SWA(params);
    const sums: number[] = new Array(9).fill(0);
    train(params, (weights) => {
      swa.update();
      for (const [i, value] of weights.entries()) sums[i] = (sums[i] as number) + value;
    });
    expect(
      distance(
        valuesOf(swa.averages),
        sums.map((sum) => sum / 20),
      ),
    ).toBeLessThan(8);
    swa.dispose();
  });
});
