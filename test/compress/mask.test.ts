import { capture, manualSeed, memory, mseLoss, noGrad, randn, scope, type Tensor, tensor } from 'fettle';
import { applyMasks, copyMasks, maskOf, prune, setMask } from 'fettle/compress';
import {
  BatchNorm1d,
  type Constraint,
  cloneModule,
  Embedding,
  Linear,
  type Module,
  type Parameter,
  ReLU,
  Sequential,
} from 'fettle/nn';
import * as optim from 'fettle/optim';
import { Trainer, type TrainerState } from 'fettle/train';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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

/** Every optimizer there is, as it is made for a model. */
const OPTIMIZERS: readonly (readonly [name: string, make: (parameters: Parameter[]) => optim.Optimizer])[] = [
  ['GD', (p) => new optim.GD(p, { lr: 0.1 })],
  ['SGD', (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov: true })],
  ['Adam', (p) => new optim.Adam(p, { lr: 0.05, amsgrad: true })],
  ['AdamW', (p) => new optim.AdamW(p, { lr: 0.05 })],
  ['Adamax', (p) => new optim.Adamax(p, { lr: 0.05 })],
  ['NAdam', (p) => new optim.NAdam(p, { lr: 0.05 })],
  ['RAdam', (p) => new optim.RAdam(p, { lr: 0.05 })],
  ['Adagrad', (p) => new optim.Adagrad(p, { lr: 0.05 })],
  ['Adadelta', (p) => new optim.Adadelta(p)],
  ['RMSprop', (p) => new optim.RMSprop(p, { lr: 0.01, momentum: 0.9, centered: true })],
  ['Rprop', (p) => new optim.Rprop(p)],
  ['ASGD', (p) => new optim.ASGD(p, { lr: 0.1 })],
  ['LBFGS', (p) => new optim.LBFGS(p, { lr: 0.1, maxIter: 4 })],
  ['LBFGS with line search', (p) => new optim.LBFGS(p, { maxIter: 4, lineSearchFn: 'strong_wolfe' })],
  ['Lion', (p) => new optim.Lion(p, { lr: 0.05 })],
  [
    'Muon',
    (p) =>
      new optim.Muon(
        p.filter(({ ndim }) => ndim === 2),
        { lr: 0.05 },
      ),
  ],
  ['SAM', (p) => new optim.SAM(p, optim.SGD, { lr: 0.1, momentum: 0.9, rho: 0.2 })],
];

test('the list names every optimizer', () => {
  const classes = Object.entries(optim)
    .filter(([, value]) => typeof value === 'function' && value.prototype instanceof optim.Optimizer)
    .map(([name]) => name);
  // SparseAdam takes gradients of rows alone, and has a test of its own.
  expect(new Set([...OPTIMIZERS.map(([name]) => name.split(' ')[0]), 'SparseAdam'])).toEqual(new Set(classes));
});

test.each([
  ['SparseAdam', (p: Parameter[]) => new optim.SparseAdam(p, { lr: 0.1 })],
  ['SGD', (p: Parameter[]) => new optim.SGD(p, { lr: 0.1 })],
  ['Adagrad', (p: Parameter[]) => new optim.Adagrad(p, { lr: 0.1 })],
] as const)('guarded masks hold where %s passes over rows alone', (_, make) => {
  const table = scope(() => new Embedding(5, 4, { sparse: true }));
  const optimizer = make(table.parameters());
  prune.l1Unstructured(table, 'weight', 0.5);
  const before = table.weight.dataSync();
  for (let i = 0; i < 3; i++) {
    scope(() => {
      optimizer.zeroGrad();
      table
        .forward(tensor([1, 3, 3], { dtype: 'int32' }))
        .square()
        .sub(1)
        .sum()
        .backward();
      optimizer.step();
    });
  }
  const after = table.weight.dataSync();
  expect([...after].map((v) => v === 0)).toEqual([...before].map((v) => v === 0));
  expect([...after.slice(4, 8)]).not.toEqual([...before.slice(4, 8)]);
  optimizer.dispose();
  table.dispose();
});

test.each(OPTIMIZERS)('guarded masks hold through the steps of %s, without −0', (_, make) => {
  const model = net();
  const [x, y] = [randn([16, 6]), randn([16, 2])];
  // Momentum gathers before pruning, so that it would move removed weights afterwards.
  const optimizer = make(model.parameters());
  const step = (): void =>
    scope(() => {
      optimizer.step(() => {
        optimizer.zeroGrad();
        const loss = mseLoss(model.forward(x), y);
        loss.backward();
        return loss;
      });
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

test('averages of weights from before the pruning bring nothing back', () => {
  for (const Average of [optim.EMA, optim.SWA]) {
    const layer = tracked(new Linear(4, 3));
    const average = new Average(layer.parameters());
    average.update();
    prune.l1Unstructured(layer, 'weight', 0.5);
    average.update();
    const zeros = (): number => layer.weight.dataSync().filter((v) => v === 0).length;
    expect(average.apply(zeros)).toBe(6);
    expect(zeros()).toBe(6);
    average.dispose();
  }
});

test('a captured step keeps masks, and follows what is pruned later', () => {
  const model = net();
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  const [x, y] = [randn([16, 6]), randn([16, 2])];
  prune.identity(model.getSubmodule('fc1'), 'weight');
  const step = capture((input: Tensor, target: Tensor) => {
    optimizer.zeroGrad();
    const loss = mseLoss(model.forward(input), target);
    loss.backward();
    optimizer.step();
    return loss;
  });
  const zeros = (): number =>
    weightOf(model, 'fc1')
      .dataSync()
      .filter((v) => v === 0).length;
  for (let i = 0; i < 4; i++) step(x, y);
  expect(zeros()).toBe(0);
  for (const expected of [12, 18]) {
    prune.l1Unstructured(model.getSubmodule('fc1'), 'weight', expected === 12 ? 12 : 6);
    for (let i = 0; i < 3; i++) step(x, y);
    expect(zeros()).toBe(expected);
  }
  step.dispose();
  optimizer.zeroGrad();
  optimizer.dispose();
});

test('a Trainer ends with the best epoch under the masks of the last, and a resumed one has them too', async () => {
  const model = net();
  const [x, y] = [randn([8, 6]), randn([8, 2])];
  const batches = {
    length: 1,
    setEpoch: (): void => {},
    async *[Symbol.asyncIterator](): AsyncGenerator<number> {
      yield 0;
    },
  };
  const make = (m: Sequential, handOver: (state: TrainerState) => void = () => {}) => {
    const optimizer = new optim.SGD(m.parameters(), { lr: 0.05, momentum: 0.9 });
    let epoch = 0;
    const trainer: Trainer<Sequential, number> = new Trainer<Sequential, number>({
      model: m,
      optimizer,
      step: () => ({ loss: mseLoss(m.forward(x), y) }),
      // The first epoch is the best, before anything was pruned.
      validate: () => Promise.resolve({ loss: epoch, accuracy: 0 }),
      onEpoch: () => {
        epoch++;
        if (epoch === 1) prune.l1Unstructured(m.getSubmodule('fc1'), 'weight', 0.5);
        handOver(trainer.state());
      },
    });
    return { trainer, optimizer };
  };
  const other = tracked(cloneModule(model));
  const second = make(other);
  const first = make(model, (state) => second.trainer.load(state));
  await first.trainer.fit(batches, 1);
  expect(maskOf(weightOf(other, 'fc1'))?.toArray()).toEqual(maskOf(weightOf(model, 'fc1'))?.toArray());
  await second.trainer.fit(batches, 3);
  const mask = maskOf(weightOf(other, 'fc1')) as Tensor;
  const values = weightOf(other, 'fc1').dataSync();
  expect([...mask.dataSync()].every((keep, i) => (keep === 0) === (values[i] === 0))).toBe(true);
  for (const { optimizer } of [first, second]) {
    optimizer.zeroGrad();
    optimizer.dispose();
  }
});

describe('constraints around a mask', () => {
  /** Rounds weights to whole numbers, on top of whatever it finds. */
  class Whole implements Constraint {
    inner: Constraint | null;
    freed = 0;
    constructor(private readonly parameter: Parameter) {
      this.inner = parameter.constraint;
      parameter.constraint = this;
      this.apply();
    }
    apply(): void {
      this.inner?.apply();
      scope(() => noGrad(() => void this.parameter.copy_(this.parameter.round())));
    }
    dispose(): void {
      this.freed++;
      this.inner?.dispose();
    }
  }

  const layerOf = (): Linear => {
    const layer = tracked(new Linear(4, 1, { bias: false }));
    layer.loadStateDict({ weight: tensor([[1.2, -2.2, 3.4, 0.9]]) });
    return layer;
  };
  const values = ({ weight }: Linear): number[] => [...weight.dataSync()];
  const write = (layer: Linear): void => {
    scope(() => void layer.loadStateDict({ weight: tensor([[5.1, 6.1, 7.1, 8.1]]) }));
    applyMasks(layer.parameters());
  };

  test('maskOf sees through them, pruning goes on, and both hold', () => {
    const layer = layerOf();
    setMask(layer.weight, [1, 0, 1, 1]);
    const whole = new Whole(layer.weight);
    expect(values(layer)).toEqual([1, 0, 3, 1]);
    expect(maskOf(layer.weight)?.toArray()).toEqual([[1, 0, 1, 1]]);
    prune.l1Unstructured(layer, 'weight', 1 / 3);
    expect(maskOf(layer.weight)?.toArray()).toEqual([[0, 0, 1, 1]]);
    expect(layer.weight.constraint).toBe(whole);
    write(layer);
    expect(values(layer)).toEqual([0, 0, 7, 8]);
    prune.remove(layer, 'weight');
    expect(maskOf(layer.weight)).toBeNull();
    write(layer);
    expect(values(layer)).toEqual([5, 6, 7, 8]);
  });

  test('a mask goes around a constraint that was there first, and leaves it when it is removed', () => {
    const before = memory().tensors;
    const layer = scope(() => new Linear(4, 1, { bias: false }));
    const whole = new Whole(layer.weight);
    setMask(layer.weight, [0, 1, 1, 1]);
    write(layer);
    expect(values(layer)).toEqual([0, 6, 7, 8]);
    prune.remove(layer, 'weight');
    expect(layer.weight.constraint).toBe(whole);
    setMask(layer.weight, [0, 1, 1, 1]);
    layer.dispose();
    expect(whole.freed).toBe(1);
    expect(memory().tensors).toBe(before);
  });
});
