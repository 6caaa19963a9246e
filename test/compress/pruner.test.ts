import { FettleError, manualSeed, noGrad, randn, scope, type Tensor, tensor } from 'fettle';
import {
  activationStats,
  cubic,
  iterative,
  maskOf,
  oneShot,
  Pruner,
  type PrunerOptions,
  prune,
  type Schedule,
  shrink,
  sparsity,
} from 'fettle/compress';
import * as nn from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(2);
});
afterEach(release);

function mlp(): nn.Sequential {
  return tracked(
    new nn.Sequential({
      a: new nn.Linear(7, 9),
      relu: new nn.ReLU(),
      b: new nn.Linear(9, 11),
      relu2: new nn.ReLU(),
      c: new nn.Linear(11, 3),
    }),
  );
}

const layer = (model: nn.Module, name: string): nn.Linear => model.getSubmodule(name) as nn.Linear;

async function* batches(...xs: Tensor[]): AsyncGenerator<Tensor> {
  yield* xs;
}

describe('schedules', () => {
  const reached = (schedule: Schedule, target: number): number[] =>
    Array.from({ length: schedule.steps }, (_, i) => Number(schedule.reach(i + 1, target).toFixed(4)));

  test('rise to the target', () => {
    expect(reached(oneShot(), 0.7)).toEqual([0.7]);
    expect(reached(iterative(3), 0.875)).toEqual([0.5, 0.75, 0.875]);
    expect(reached(cubic(4), 0.8)).toEqual([0.4625, 0.7, 0.7875, 0.8]);
    for (const target of [0, 0.1, 0.9, 0.99])
      for (const make of [iterative, cubic]) expect(make(7).reach(7, target)).toBe(target);
  });

  test.each([0, -1, 1.5, NaN])('%s steps are refused', (n) => {
    expect(() => iterative(n)).toThrow('iterative: expected a whole number of steps ≥ 1');
    expect(() => cubic(n)).toThrow('cubic: expected a whole number of steps ≥ 1');
  });
});

describe('weights', () => {
  test.each([
    ['global', 'iterative', iterative(4), 0.9],
    ['layer', 'iterative', iterative(4), 0.9],
    ['global', 'cubic', cubic(5), 0.77],
    ['layer', 'cubic', cubic(5), 0.77],
    ['global', 'oneShot', oneShot(), 0.5],
  ] as const)(
    '%s, %s: every step reaches its share exactly, with training in between',
    (scopeName, _, schedule, target) => {
      const model = mlp();
      const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
      const pruner = new Pruner(model, { target: { sparsity: target }, schedule, scope: scopeName });
      const sizes = [63, 99, 33];
      for (let i = 1; i <= schedule.steps; i++) {
        expect(pruner.finished).toBe(false);
        const share = schedule.reach(i, target);
        const told = pruner.step();
        const expected =
          scopeName === 'global'
            ? Math.ceil(195 * share - 1e-9)
            : sizes.reduce((n, size) => n + Math.ceil(size * share - 1e-9), 0);
        expect(sparsity(model).zeros).toBe(expected);
        expect(told).toBeCloseTo(expected / 195, 12);
        if (scopeName === 'layer')
          expect(sparsity(model).layers.map((l) => l.zeros)).toEqual(
            sizes.map((size) => Math.ceil(size * share - 1e-9)),
          );
        scope(() => {
          optimizer.zeroGrad();
          model
            .forward(randn([8, 7]))
            .square()
            .mean()
            .backward();
          optimizer.step();
        });
        expect(sparsity(model).zeros).toBe(expected);
      }
      expect(pruner.finished).toBe(true);
      expect(() => pruner.step()).toThrow(`all ${schedule.steps} steps have been taken`);
      optimizer.dispose();
    },
  );

  test('the smallest of all layers go, and layers that are excepted stay', () => {
    const model = mlp();
    const all = ['a', 'b', 'c'].flatMap((name) => [...layer(model, name).weight.dataSync()]);
    const limit = [...all].map(Math.abs).sort((x, y) => x - y)[97] as number;
    new Pruner(model, { target: { sparsity: 97 / 195 } }).step();
    expect(['a', 'b', 'c'].flatMap((name) => [...layer(model, name).weight.dataSync()])).toEqual(
      all.map((v) => (Math.abs(v) < limit ? 0 : v)),
    );
    const other = mlp();
    new Pruner(other, { target: { sparsity: 0.5 }, except: ['c'] }).step();
    expect(sparsity(other).layers.map((l) => l.zeros)).toEqual([expect.any(Number), expect.any(Number), 0]);
    expect(sparsity(other).zeros).toBe(81);
  });

  test('a step of a single weight removes one', () => {
    const model = tracked(new nn.Linear(10, 1));
    expect(new Pruner(model, { target: { sparsity: 0.1 } }).step()).toBe(0.1);
    expect(sparsity(model).zeros).toBe(1);
  });

  test('a resumed pruner goes on where the first one stopped', () => {
    const [one, two] = [mlp(), mlp()];
    two.loadStateDict(one.stateDict());
    const options: PrunerOptions = { target: { sparsity: 0.8 }, schedule: iterative(3) };
    const whole = new Pruner(one, options);
    const first = new Pruner(two, options);
    for (let i = 0; i < 3; i++) whole.step();
    first.step();
    const second = new Pruner(two, options);
    second.resume(1);
    second.step();
    second.step();
    expect(second.finished).toBe(true);
    expect([...layer(two, 'b').weight.dataSync()]).toEqual([...layer(one, 'b').weight.dataSync()]);
    expect(() => second.resume(4)).toThrow('expected a whole number of steps in [0, 3], got 4');
  });

  test('layers that share their weights are counted once', () => {
    const model = mlp();
    const tied = tracked(new nn.Sequential({ a: new nn.Linear(4, 4), b: new nn.Linear(4, 4), rest: model }));
    layer(tied, 'b').weight.dispose();
    Object.assign(layer(tied, 'b'), { weight: layer(tied, 'a').weight });
    new Pruner(tied, { target: { sparsity: 0.5 }, scope: 'layer' }).step();
    expect(sparsity(tied).layers.map((l) => l.zeros)).toEqual([8, 32, 50, 17]);
  });
});

describe('activation importance', () => {
  test('means of magnitudes, weighted by batch size, in evaluation mode', async () => {
    const model = tracked(new nn.Sequential({ drop: new nn.Dropout(0.9), a: new nn.Linear(2, 1, { bias: false }) }));
    model.loadStateDict({ 'a.weight': tensor([[1, -1]]) });
    const stats = await activationStats(
      model,
      batches(
        tensor([[1, 2]]),
        tensor([
          [-3, 0],
          [5, 1],
        ]),
      ),
    );
    expect([...stats.keys()]).toEqual(['a']);
    expect([...(stats.get('a')?.inputs ?? [])]).toEqual([3, 1]);
    expect(stats.get('a')?.outputs[0]).toBeCloseTo((1 + 3 + 4) / 3, 6);
    expect(model.training).toBe(true);
  });

  test('channels of images and features in the last dimension', async () => {
    const model = tracked(new nn.Sequential({ conv: new nn.Conv2d(2, 3, 1), fc: new nn.Linear(4, 5) }));
    const x = tensor(
      Float32Array.from({ length: 2 * 2 * 3 * 4 }, (_, i) => (Math.floor(i / 12) % 2 === 0 ? 1 : -2)),
      [2, 2, 3, 4],
    );
    const stats = await activationStats(model, batches(x));
    expect([...(stats.get('conv')?.inputs ?? [])]).toEqual([1, 2]);
    expect(stats.get('conv')?.outputs).toHaveLength(3);
    expect([stats.get('fc')?.inputs.length, stats.get('fc')?.outputs.length]).toEqual([4, 5]);
  });

  test('a large weight on an input that is always 0 goes first', async () => {
    const model = tracked(new nn.Linear(3, 2, { bias: false }));
    model.loadStateDict({
      weight: tensor([
        [9, 1, 2],
        [8, 3, 1],
      ]),
    });
    const activations = await activationStats(model, batches(tensor([[0, 1, 10]])));
    const pruner = new Pruner(model, { importance: 'activation', activations, target: { sparsity: 0.5 } });
    pruner.step();
    expect([...layer(model, '').weight.dataSync()]).toEqual([0, 0, 2, 0, 3, 1]);
  });

  test('each group of a grouped convolution sees its own channels', async () => {
    const model = tracked(new nn.Conv2d(4, 2, 1, { groups: 2, bias: false }));
    model.loadStateDict({
      weight: tensor([
        [[[1]], [[2]]],
        [[[3]], [[4]]],
      ]),
    });
    const activations = await activationStats(model, batches(tensor([[[[8]], [[8]], [[0.5]], [[0]]]])));
    new Pruner(model, { importance: 'activation', activations, target: { sparsity: 0.5 } }).step();
    expect([...model.weight.dataSync()]).toEqual([1, 2, 0, 0]);
  });

  test('statistics from a function are asked for at each step, and missing ones are named', async () => {
    const model = mlp();
    let stats = await activationStats(model, batches(randn([4, 7])));
    let asked = 0;
    const activations = () => {
      asked++;
      return stats;
    };
    const pruner = new Pruner(model, {
      importance: 'activation',
      activations,
      target: { sparsity: 0.5 },
      schedule: iterative(2),
    });
    pruner.step();
    expect(asked).toBeGreaterThan(0);
    stats = new Map();
    expect(() => pruner.step()).toThrow("there are no activation statistics for 'a'");
    // What failed has not been counted.
    stats = await activationStats(model, batches(randn([4, 7])));
    pruner.step();
    expect(pruner.finished).toBe(true);
  });
});

describe('units', () => {
  function cnn(): nn.Sequential {
    return tracked(
      new nn.Sequential({
        conv: new nn.Conv2d(1, 8, 3, { padding: 1 }),
        bn: new nn.BatchNorm2d(8),
        relu: new nn.ReLU(),
        flatten: new nn.Flatten(),
        fc1: new nn.Linear(8 * 16, 20),
        relu2: new nn.ReLU(),
        fc2: new nn.Linear(20, 4),
      }),
    );
  }
  const x = (): Tensor => randn([2, 1, 4, 4]);
  /** How many units of each layer are silent. */
  const silent = (model: nn.Module): number[] =>
    ['conv', 'fc1'].map((name) => {
      const mask = maskOf((model.getSubmodule(name) as nn.Linear).bias as nn.Parameter)?.dataSync() ?? [];
      return mask.filter((keep) => keep === 0).length;
    });

  test('global: as many units as wanted, ranked across layers', () => {
    const model = cnn();
    expect(
      new Pruner(model, {
        exampleInputs: x(),
        granularity: 'neuron',
        target: { sparsity: 0.5 },
        keepAtLeast: 0,
      }).step(),
    ).toBe(0.5);
    const [conv, fc1] = silent(model) as [number, number];
    expect(conv + fc1).toBe(14);
  });

  test('layer: the same share of each', () => {
    const model = cnn();
    const pruner = new Pruner(model, {
      exampleInputs: x(),
      granularity: 'channel',
      scope: 'layer',
      target: { sparsity: 0.75 },
      schedule: iterative(2),
    });
    expect(pruner.step()).toBe(0.5);
    expect(silent(model)).toEqual([4, 10]);
    expect(pruner.step()).toBe(0.75);
    expect(silent(model)).toEqual([6, 15]);
  });

  test('what is gone in one step is among what is gone in the next', () => {
    const model = cnn();
    const pruner = new Pruner(model, {
      exampleInputs: x(),
      granularity: 'neuron',
      target: { sparsity: 0.7 },
      schedule: cubic(3),
      keepAtLeast: 0.1,
    });
    let before: number[] = [];
    while (!pruner.finished) {
      pruner.step();
      const now = ['conv', 'fc1'].flatMap((name) => [
        ...(maskOf((model.getSubmodule(name) as nn.Linear).bias as nn.Parameter)?.dataSync() ?? []),
      ]);
      expect(before.every((keep, i) => keep === 1 || now[i] === 0)).toBe(true);
      before = now;
    }
    expect(before.filter((keep) => keep === 0)).toHaveLength(Math.round(28 * 0.7));
  });

  test('keepAtLeast is kept, and step() tells what it could do', () => {
    const model = cnn();
    const told = new Pruner(model, {
      exampleInputs: x(),
      granularity: 'filter',
      target: { sparsity: 0.95 },
      keepAtLeast: 0.25,
    }).step();
    expect(silent(model)).toEqual([6, 15]);
    expect(told).toBe(0.75);
    const [parameters] = [shrink(model, x()).layers];
    expect(parameters).toEqual([
      { name: 'conv', before: 8, after: 2 },
      { name: 'fc1', before: 20, after: 5 },
    ]);
  });

  test('one unit stays in any case', () => {
    const model = cnn();
    new Pruner(model, {
      exampleInputs: x(),
      granularity: 'neuron',
      target: { sparsity: 0.999 },
      scope: 'layer',
      keepAtLeast: 0,
    }).step();
    expect(silent(model)).toEqual([7, 19]);
  });

  test('the units of smallest norm, or of the faintest activations', async () => {
    const scales = [4, 1, 3, 2];
    const make = (): nn.Sequential => {
      const model = tracked(new nn.Sequential({ a: new nn.Linear(2, 4), relu: new nn.ReLU(), b: new nn.Linear(4, 1) }));
      model.loadStateDict(
        { 'a.weight': tensor(scales.map((s) => [s, -s])), 'a.bias': tensor([0, 9, 0, 0]) },
        { strict: false },
      );
      return model;
    };
    const kept = (model: nn.Sequential): number[] => [
      ...(maskOf(layer(model, 'a').bias as nn.Parameter)?.dataSync() ?? []),
    ];
    const common = { exampleInputs: tensor([[1, 1]]), granularity: 'neuron', target: { sparsity: 0.5 } } as const;
    const one = make();
    new Pruner(one, common).step();
    expect(kept(one)).toEqual([1, 0, 1, 0]);
    const two = make();
    const activations = await activationStats(two, batches(tensor([[1, 0]])));
    new Pruner(two, { ...common, importance: 'activation', activations }).step();
    expect(kept(two)).toEqual([1, 1, 0, 0]);
  });

  test('a silenced unit is silent in the model, before it is cut out', () => {
    const model = cnn();
    new Pruner(model, { exampleInputs: x(), granularity: 'neuron', target: { sparsity: 0.5 } }).step();
    const outputs: Tensor[] = [];
    const handle = model.getSubmodule('relu').registerForwardHook((_, __, y) => {
      outputs.push(y);
      return undefined;
    });
    noGrad(() => model.eval().forward(x()));
    handle.remove();
    const sums = [
      ...(outputs[0] as Tensor)
        .abs()
        .sum({ dim: [0, 2, 3] })
        .dataSync(),
    ];
    const mask = [...(maskOf((model.getSubmodule('conv') as nn.Conv2d).bias as nn.Parameter)?.dataSync() ?? [])];
    expect(sums.map((s) => (s === 0 ? 0 : 1))).toEqual(mask);
    expect(prune.isPruned(model)).toBe(true);
  });
});

describe('errors name the mistake', () => {
  const wrong: [string, Partial<Record<keyof PrunerOptions, unknown>>, string][] = [
    ['target', { target: { sparsity: 1 } }, 'a share in [0, 1), got {"sparsity":1}'],
    ['target', { target: { sparsity: NaN } }, 'a share in [0, 1)'],
    ['importance', { importance: 'size' }, "importance must be 'magnitude' or 'activation', got 'size'"],
    [
      'granularity',
      { granularity: 'neurons' },
      "granularity must be one of weight, neuron, channel, filter, got 'neurons'",
    ],
    ['statistics', { importance: 'activation' }, 'needs activations; pass what activationStats(model, batches) gives'],
    ['example', { granularity: 'neuron' }, "granularity 'neuron' needs exampleInputs"],
    ['except', { except: ['d'] }, "except: there is no layer 'd'. There are a, b, c."],
    ['keepAtLeast', { keepAtLeast: 2 }, 'keepAtLeast must be in [0, 1], got 2'],
  ];
  test.each(wrong)('%s', (_, options, message) => {
    const model = mlp();
    const make = (): Pruner => new Pruner(model, { target: { sparsity: 0.5 }, ...options } as PrunerOptions);
    expect(make).toThrow(FettleError);
    expect(make).toThrow(message);
  });

  test('nothing to prune', () => {
    const model = tracked(new nn.Sequential(new nn.ReLU()));
    expect(() => new Pruner(model, { target: { sparsity: 0.5 } }).step()).toThrow(
      'there is no linear layer or convolution to prune',
    );
  });
});
