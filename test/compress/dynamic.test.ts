import { Generator, manualSeed, mseLoss, randn, scope, type Tensor, tensor } from 'fettle';
import { DynamicSparsity, maskOf, Pruner, setMask, sparsity } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(8);
});
afterEach(release);

const bits = (layer: nn.Linear): number[] => [...(maskOf(layer.weight) as Tensor).dataSync()] as number[];

function layerOf(): nn.Linear {
  const layer = tracked(new nn.Linear(8, 1, { bias: false }));
  layer.loadStateDict({ weight: tensor([[5, -1, 4, 2, 9, 9, 9, 9]]) });
  setMask(layer.weight, [1, 1, 1, 1, 0, 0, 0, 0]);
  return layer;
}

test('rigl drops the smallest weights and grows where gradients are largest, from 0', () => {
  const layer = layerOf();
  const moving = new DynamicSparsity(layer, { updates: 2, fraction: 0.5 });
  expect(() => moving.update()).toThrow('Call update() after backward()');
  // The gradient of the sum is the input.
  layer
    .forward(tensor([[0, 3, 0, 0, 1, -7, 2, 0]]))
    .sum()
    .backward();
  expect(moving.update()).toBe(1);
  // Weights 1 and 3 go; 5 has the largest gradient, and 1, which has just gone, the next: it comes back as it was.
  expect(bits(layer)).toEqual([1, 1, 1, 0, 0, 1, 0, 0]);
  expect([...layer.weight.dataSync()]).toEqual([5, -1, 4, 0, 0, 0, 0, 0]);
  layer.zeroGrad();
  // Along the cosine a quarter is left for the second of two updates, and then nothing.
  layer
    .forward(tensor([[0, 0, 0, 0, 0, 0, 0, -1]]))
    .sum()
    .backward();
  expect(moving.update()).toBe(1);
  expect(bits(layer).reduce((a, b) => a + b, 0)).toBe(4);
  expect(moving.update()).toBe(0);
  layer.zeroGrad();
});

test('set grows at random, the same for the same seed', () => {
  const grown = (seed: number): number[] => {
    const layer = layerOf();
    new DynamicSparsity(layer, { method: 'set', updates: 1, fraction: 0.5, generator: new Generator(seed) }).update();
    return bits(layer);
  };
  expect(grown(1)).toEqual(grown(1));
  expect(new Set(Array.from({ length: 8 }, (_, seed) => grown(seed).join(''))).size).toBeGreaterThan(2);
  expect(grown(5).reduce((a, b) => a + b, 0)).toBe(4);
});

test('training keeps every layer as sparse as it was, and learns', () => {
  const model = tracked(new nn.Sequential({ a: new nn.Linear(10, 20), relu: new nn.ReLU(), b: new nn.Linear(20, 1) }));
  new Pruner(model, { importance: 'random', allocation: 'erk', target: { sparsity: 0.7 } }).step();
  const before = sparsity(model).layers.map(({ zeros }) => zeros);
  const moving = new DynamicSparsity(model, { updates: 20 });
  const optimizer = new SGD(model.parameters(), { lr: 0.05, momentum: 0.9 });
  let [first, last, moved] = [0, 0, 0];
  for (let i = 0; i < 300; i++) {
    scope(() => {
      const x = randn([32, 10]);
      const loss = mseLoss(model.forward(x), x.narrow(1, 0, 1).abs());
      optimizer.zeroGrad();
      loss.backward();
      if (i % 10 === 9) moved += moving.update();
      else optimizer.step();
      if (i === 0) first = loss.item();
      last = loss.item();
    });
  }
  expect(moved).toBeGreaterThan(10);
  expect(last).toBeLessThan(first / 3);
  ['a', 'b'].forEach((name, l) => {
    const mask = bits(model.getSubmodule(name) as nn.Linear);
    expect(mask.filter((v) => v === 0)).toHaveLength(before[l] as number);
  });
  optimizer.zeroGrad();
  optimizer.dispose();
});

test('what it is made of is checked', () => {
  const layer = layerOf();
  expect(() => new DynamicSparsity(tracked(new nn.Linear(2, 2)), { updates: 3 })).toThrow('no weight is pruned');
  expect(() => new DynamicSparsity(layer, { updates: 0 })).toThrow('updates must be a whole number ≥ 1, got 0');
  expect(() => new DynamicSparsity(layer, { updates: 1, fraction: 0 })).toThrow('fraction must be in (0, 1], got 0');
  expect(() => new DynamicSparsity(layer, { updates: 1, method: 'grow' as 'set' })).toThrow("got 'grow'");
});
