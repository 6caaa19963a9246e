import { manualSeed, memory, mseLoss, randn, scope, tensor } from 'fettle';
import { copyMasks, maskOf, prune, setMask } from 'fettle/compress';
import { BatchNorm1d, cloneModule, Linear, type Module, ReLU, Sequential } from 'fettle/nn';
import { Adam, AdamW, Lion, Rprop, SGD } from 'fettle/optim';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(0);
});
afterEach(release);

function net(): Sequential {
  return tracked(
    new Sequential({ fc1: new Linear(6, 8), bn: new BatchNorm1d(8), relu: new ReLU(), fc2: new Linear(8, 2) }),
  );
}

const weightOf = (model: Module, name: string): Linear['weight'] => (model.getSubmodule(name) as Linear).weight;

test.each([
  ['SGD with momentum', (m: Module) => new SGD(m.parameters(), { lr: 0.1, momentum: 0.9, weightDecay: 0.01 })],
  ['Adam', (m: Module) => new Adam(m.parameters(), { lr: 0.05 })],
  ['AdamW', (m: Module) => new AdamW(m.parameters(), { lr: 0.05 })],
  ['Lion', (m: Module) => new Lion(m.parameters(), { lr: 0.05 })],
  ['Rprop', (m: Module) => new Rprop(m.parameters())],
])('guarded masks hold through the steps of %s, without −0', (_, make) => {
  const model = net();
  const [x, y] = [randn([16, 6]), randn([16, 2])];
  // Momentum gathers before pruning, so that it would move removed weights afterwards.
  const optimizer = make(model);
  const step = (): void =>
    scope(() => {
      optimizer.zeroGrad();
      mseLoss(model.forward(x), y).backward();
      optimizer.step();
    });
  for (let i = 0; i < 3; i++) step();
  prune.l1Unstructured(model.getSubmodule('fc1'), 'weight', 0.5);
  prune.l1Unstructured(model.getSubmodule('fc2'), 'weight', 0.25);
  const before = weightOf(model, 'fc1').dataSync();
  for (let i = 0; i < 5; i++) {
    step();
    for (const name of ['fc1', 'fc2']) {
      const mask = maskOf(weightOf(model, name))?.dataSync() as Float32Array;
      const values = weightOf(model, name).dataSync();
      expect([...values].every((v, k) => (mask[k] === 0 ? Object.is(v, 0) : v !== 0))).toBe(true);
    }
  }
  expect([...weightOf(model, 'fc1').dataSync()]).not.toEqual([...before]);
  // Without its mask the layer is free again.
  prune.remove(model.getSubmodule('fc1'), 'weight');
  step();
  expect(
    weightOf(model, 'fc1')
      .dataSync()
      .filter((v) => v === 0).length,
  ).toBeLessThan(24);
  optimizer.dispose();
});

test('a mask is freed with its parameter, or with the pruning', () => {
  const before = memory();
  for (const end of [(l: Linear) => prune.remove(l, 'weight'), () => {}]) {
    const layer = scope(() => new Linear(3, 3));
    prune.l1Unstructured(layer, 'weight', 0.5);
    prune.l1Unstructured(layer, 'weight', 0.5);
    end(layer);
    layer.dispose();
    expect(layer.weight.disposed).toBe(true);
    expect(maskOf(layer.weight)).toBeNull();
  }
  expect(memory().tensors).toBe(before.tensors);
});

test('copyMasks carries masks to a copy, and refuses a model that does not fit', () => {
  const model = net();
  prune.l1Unstructured(model.getSubmodule('fc1'), 'weight', 0.5);
  const copy = tracked(cloneModule(model));
  expect(prune.isPruned(copy)).toBe(false);
  copyMasks(model, copy);
  expect([...(maskOf(weightOf(copy, 'fc1'))?.dataSync() ?? [])]).toEqual([
    ...(maskOf(weightOf(model, 'fc1'))?.dataSync() ?? []),
  ]);
  expect(maskOf(weightOf(copy, 'fc2'))).toBeNull();
  const other = tracked(new Sequential({ fc1: new Linear(6, 9) }));
  expect(() => copyMasks(model, other)).toThrow(
    "copyMasks: 'fc1.weight' is missing from, or shaped differently in, the target.",
  );
});

test('a frozen parameter can be pruned, and a gradient does not see the mask', () => {
  const layer = tracked(new Linear(2, 1, { bias: false }));
  layer.loadStateDict({ weight: tensor([[3, 1]]) });
  setMask(layer.weight, [1, 0]);
  layer
    .forward(tensor([[5, 7]]))
    .sum()
    .backward();
  expect([...(layer.weight.grad?.dataSync() ?? [])]).toEqual([5, 7]);
  layer.zeroGrad();
  layer.requiresGrad_(false);
  prune.l1Unstructured(layer, 'weight', 1);
  expect([...layer.weight.dataSync()]).toEqual([0, 0]);
});
