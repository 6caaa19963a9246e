import { FettleError, manualSeed, memory, noGrad, randn, scope, type Tensor, tensor } from 'fettle';
import {
  activationStats,
  countModel,
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

  test('cubic(begin, end) waits, and then rises as Zhu and Gupta say', () => {
    const agp = cubic(2, 6);
    expect(agp.steps).toBe(6);
    expect(reached(agp, 0.8)).toEqual([0, 0, 0.4625, 0.7, 0.7875, 0.8]);
    expect(reached(cubic(0, 4), 0.8)).toEqual(reached(cubic(4), 0.8));
    for (const [begin, end] of [
      [4, 4],
      [-1, 3],
      [0.5, 3],
    ] as const) {
      expect(() => cubic(begin, end)).toThrow('cubic: begin must be a whole number in [0,');
    }
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

describe('granularities', () => {
  /** Conv2d 4 → 8 → 4 and two linear layers, all cut by 4. */
  const net = (): nn.Sequential =>
    tracked(
      new nn.Sequential({
        conv: new nn.Conv2d(4, 8, 3, { padding: 1 }),
        relu: new nn.ReLU(),
        flatten: new nn.Flatten(),
        fc1: new nn.Linear(8 * 16, 16),
        relu2: new nn.ReLU(),
        fc2: new nn.Linear(16, 4),
      }),
    );
  const maskBits = (model: nn.Module, name: string): number[] => [
    ...(maskOf(layer(model, name).weight)?.dataSync() ?? []),
  ];

  test('blocks of all layers are ranked by their mean square, and go as a whole', () => {
    const model = net();
    const before = ['conv', 'fc1', 'fc2'].map((name) => [...layer(model, name).weight.dataSync()]);
    const columns = [36, 128, 16];
    expect(new Pruner(model, { granularity: 'block', block: [4, 2], target: { sparsity: 0.5 } }).step()).toBe(0.5);
    const blocks: { score: number; kept: number[] }[] = [];
    ['conv', 'fc1', 'fc2'].forEach((name, l) => {
      const [bits, width] = [maskBits(model, name), columns[l] as number];
      for (let r = 0; r < bits.length / width; r += 4) {
        for (let c = 0; c < width; c += 2) {
          const places = [0, 1, 2, 3].flatMap((i) => [0, 1].map((j) => (r + i) * width + c + j));
          const squares = places.map((i) => (before[l]?.[i] as number) ** 2);
          blocks.push({ score: squares.reduce((a, b) => a + b, 0), kept: places.map((i) => bits[i] as number) });
        }
      }
    });
    expect(blocks.every(({ kept }) => new Set(kept).size === 1)).toBe(true);
    const [gone, left] = [0, 1].map((v) => blocks.filter(({ kept }) => kept[0] === v).map(({ score }) => score));
    expect(gone?.length).toBe(blocks.length / 2);
    expect(Math.max(...(gone as number[]))).toBeLessThanOrEqual(Math.min(...(left as number[])));
  });

  test('n:m leaves n of every m, in one step or in several', () => {
    for (const schedule of [oneShot(), iterative(2)]) {
      const model = net();
      const pruner = new Pruner(model, { granularity: 'n:m', target: { sparsity: 0.5 }, schedule });
      let told = 0;
      while (!pruner.finished) told = pruner.step();
      expect(told).toBe(0.5);
      const bits = maskBits(model, 'fc1');
      for (let i = 0; i < bits.length; i += 4) expect(bits.slice(i, i + 4).reduce((a, b) => a + b, 0)).toBe(2);
    }
    const model = net();
    expect(new Pruner(model, { granularity: 'n:m', pattern: [1, 2], importance: 'random' }).step()).toBe(0.5);
    expect(() => new Pruner(model, { granularity: 'n:m', target: { sparsity: 0.6 } })).toThrow(
      'a sparsity of 0.6 is no whole number of every 4 weights. Try [2, 4] as pattern, or 0.5 as sparsity',
    );
    expect(() => new Pruner(model, { granularity: 'n:m', target: { parameters: 9 } })).toThrow('and not parameters');
    const odd = tracked(new nn.Sequential({ a: new nn.Linear(8, 6), b: new nn.Linear(6, 2) }));
    expect(() => new Pruner(odd, { granularity: 'n:m', target: { sparsity: 0.5 } }).step()).toThrow('no multiple of 4');
    expect(prune.isPruned(odd)).toBe(false);
    expect(new Pruner(odd, { granularity: 'n:m', target: { sparsity: 0.5 }, except: ['b'] }).step()).toBe(0.5);
  });

  test('heads go with their rows of queries, keys and values', () => {
    class Encoder extends nn.Module {
      attention = new nn.MultiheadAttention(8, 4, { batchFirst: true });
      head = new nn.Linear(8, 2);
      forward(x: Tensor): Tensor {
        return this.head.forward(this.attention.forward(x, x, x, { needWeights: false })[0]);
      }
    }
    const model = tracked(new Encoder());
    const x = randn([2, 3, 8]);
    new Pruner(model, { exampleInputs: x, granularity: 'head', target: { sparsity: 0.5 } }).step();
    const rows = ((maskOf(model.attention.inProjWeight as nn.Parameter) as Tensor).toArray() as number[][]).map(
      (r) => r[0],
    );
    const heads = [0, 1, 2, 3].map((h) =>
      [0, 1, 2].map((part) => [0, 1].map((i) => rows[part * 8 + h * 2 + i]).join()).join(';'),
    );
    expect(heads.filter((h) => h === '0,0;0,0;0,0')).toHaveLength(2);
    expect(heads.filter((h) => h === '1,1;1,1;1,1')).toHaveLength(2);
    const before = noGrad(() => model.eval().forward(x)).dataSync();
    shrink(model, x);
    const after = noGrad(() => model.eval().forward(x)).dataSync();
    expect(model.attention.numHeads).toBe(2);
    after.forEach((v, i) => expect(v).toBeCloseTo(before[i] as number, 5));
    expect(() =>
      new Pruner(net(), { exampleInputs: randn([1, 4, 4, 4]), granularity: 'head', target: { sparsity: 0.5 } }).step(),
    ).toThrow('there is no attention whose heads can be removed');
  });

  test('recurrent and embedding weights are weights, too', () => {
    const model = tracked(new nn.Sequential({ words: new nn.Embedding(10, 4), fc: new nn.Linear(4, 5) }));
    const lstm = tracked(new nn.LSTM(4, 3));
    expect(new Pruner(model, { target: { sparsity: 0.4 } }).step()).toBe(0.4);
    expect(sparsity(model).zeros).toBe(24);
    new Pruner(lstm, { target: { sparsity: 0.5 }, except: ['weight_hh_l0'] }).step();
    expect(sparsity(lstm).layers).toEqual([
      { name: 'weight_ih_l0', weights: 48, zeros: 24 },
      { name: 'weight_hh_l0', weights: 36, zeros: 0 },
    ]);
  });
});

describe('targets', () => {
  const x = (): Tensor => randn([1, 1, 8, 8]);
  const net = (): nn.Sequential =>
    tracked(
      new nn.Sequential({
        conv: new nn.Conv2d(1, 8, 3),
        bn: new nn.BatchNorm2d(8),
        relu: new nn.ReLU(),
        conv2: new nn.Conv2d(8, 12, 3),
        relu2: new nn.ReLU(),
        flatten: new nn.Flatten(),
        fc1: new nn.Linear(12 * 16, 20),
        relu3: new nn.ReLU(),
        fc2: new nn.Linear(20, 4),
      }),
    );

  test.each(['global', 'layer'] as const)('parameters, by weights, %s: exactly as many as may be left', (together) => {
    const model = net();
    const total = countModel(model, x()).parameters;
    const pruner = new Pruner(model, { target: { parameters: 900 }, scope: together, schedule: iterative(3) });
    while (!pruner.finished) pruner.step();
    const left = total - sparsity(model).zeros;
    expect(left).toBeLessThanOrEqual(900);
    expect(left).toBeGreaterThan(900 - (together === 'global' ? 1 : 5));
    const half = net();
    new Pruner(half, { target: { parameters: 0.5 } }).step();
    expect(total - sparsity(half).zeros).toBe(Math.floor(total / 2));
  });

  test('flops, by weights: what is left of each layer times how often it is used', () => {
    const model = net();
    const full = countModel(model, x());
    new Pruner(model, { exampleInputs: x(), target: { flops: 0.25 } }).step();
    const zeros = new Map(sparsity(model).layers.map((l) => [l.name, l.zeros]));
    const usesOf = { 'conv.weight': 36, 'conv2.weight': 16, 'fc1.weight': 1, 'fc2.weight': 1 };
    const saved = Object.entries(usesOf).reduce((n, [name, uses]) => n + uses * (zeros.get(name) as number), 0);
    const left = full.multiplyAdds - saved;
    expect(left).toBeLessThanOrEqual(full.multiplyAdds / 4);
    expect(left).toBeGreaterThan(full.multiplyAdds / 4 - 36);
  });

  test.each(['parameters', 'flops'] as const)(
    '%s, by channels: what shrink leaves comes within the limit, to a unit',
    (kind) => {
      const model = net();
      const input = x();
      const of = (m: nn.Module): number => countModel(m, input)[kind === 'flops' ? 'multiplyAdds' : 'parameters'];
      const limit = Math.round(of(model) * 0.4);
      const options: PrunerOptions = { exampleInputs: input, granularity: 'channel', target: { [kind]: limit } };
      const pruner = new Pruner(model, { ...options, schedule: iterative(2) });
      pruner.step();
      pruner.step();
      shrink(model, input);
      const left = of(model);
      expect(left).toBeLessThanOrEqual(limit);
      // One unit more would have been too many: the costliest unit of what is left takes at most so much.
      const largest = kind === 'flops' ? 36 * 9 + 36 + 16 * 9 * 12 + 200 : 9 * 12 + 16 * 20 + 80;
      expect(left).toBeGreaterThan(limit - largest);
    },
  );

  test('latency: units go until the measured time of the shrunk copy is below', () => {
    const model = net();
    const input = x();
    const times: number[] = [];
    // A clock that is known: so many microseconds for each multiply-add.
    const measure = (m: nn.Module): number => {
      times.push(countModel(m, input).multiplyAdds / 1000);
      return times[times.length - 1] as number;
    };
    const live = memory().tensors;
    const target = countModel(model, input).multiplyAdds / 2500;
    new Pruner(model, { exampleInputs: input, granularity: 'channel', target: { latency: target }, measure }).step();
    expect(times.length).toBeGreaterThan(3);
    expect(times.length).toBeLessThan(12);
    const masks = model.parameters().filter((p) => maskOf(p) !== null).length;
    expect(memory().tensors).toBe(live + masks);
    shrink(model, input);
    expect(measure(model)).toBeLessThanOrEqual(target);
    expect(() => new Pruner(model, { target: { latency: 1 } })).toThrow('masks save no time');
  });

  test('a real clock: it ends, with a model that still runs', () => {
    const model = net();
    const input = x();
    const pruner = new Pruner(model, { exampleInputs: input, granularity: 'neuron', target: { latency: 1000 } });
    expect(pruner.step()).toBe(0);
  });

  test('what is out of reach is said, and nothing is pruned', () => {
    const model = net();
    const options = { exampleInputs: x(), granularity: 'channel', target: { parameters: 10 } } as const;
    expect(() => new Pruner(model, options).step()).toThrow(
      'target {"parameters":10} is out of reach: with all that may go gone, it is',
    );
    expect(prune.isPruned(model)).toBe(false);
    expect(() => new Pruner(model, { target: { flops: 0.5 } })).toThrow('target flops needs exampleInputs');
    for (const target of [{}, { sparsity: 0.5, flops: 3 }, { parameters: 0 }, { latency: Infinity }, undefined]) {
      expect(() => new Pruner(model, { target } as PrunerOptions)).toThrow('Pruner: target must be { sparsity }');
    }
  });
});

describe('allocation', () => {
  const zerosOf = (model: nn.Module): number[] => sparsity(model).layers.map((l) => l.zeros);

  test('erk: densities in proportion to the sum of dimensions over their product', () => {
    const model = mlp();
    new Pruner(model, { target: { sparsity: 0.6 }, allocation: 'erk' }).step();
    const shapes = [
      [9, 7],
      [11, 9],
      [3, 11],
    ] as const;
    const raw = shapes.map(([o, i]) => (o + i) / (o * i));
    const scale = (195 * 0.4) / shapes.reduce((n, [o, i], l) => n + o * i * (raw[l] as number), 0);
    const densities = raw.map((r) => r * scale);
    expect(Math.max(...densities)).toBeLessThan(1);
    zerosOf(model).forEach((zeros, l) => {
      const size = (shapes[l] as readonly [number, number])[0] * (shapes[l] as readonly [number, number])[1];
      expect(Math.abs(zeros - size * (1 - (densities[l] as number)))).toBeLessThan(1);
    });
    expect(sparsity(model).zeros).toBe(117);
  });

  test('erk: a layer that would be fuller than full stays dense, and the others give more', () => {
    const model = tracked(new nn.Sequential({ a: new nn.Linear(100, 100), b: new nn.Linear(100, 2) }));
    new Pruner(model, { target: { sparsity: 0.5 }, allocation: 'erk' }).step();
    expect(zerosOf(model)).toEqual([5100, 0]);
  });

  test('sensitivity: what hurt more is pruned less, and the sum comes out', () => {
    const model = mlp();
    const options = {
      target: { sparsity: 0.5 },
      allocation: 'sensitivity',
      sensitivity: { a: 0.3, b: 0.01, c: 0.02 },
    } as const;
    new Pruner(model, options).step();
    const [a, b, c] = zerosOf(model) as [number, number, number];
    expect(a + b + c).toBe(98);
    expect([a / 63 < c / 33, c / 33 < b / 99]).toEqual([true, true]);
    expect(() => new Pruner(mlp(), { ...options, sensitivity: { a: 1 } }).step()).toThrow(
      "sensitivity has no number for 'b'",
    );
    expect(() => new Pruner(mlp(), { target: { sparsity: 0.5 }, allocation: 'sensitivity' })).toThrow(
      'needs sensitivity',
    );
  });

  test('shares by layer, which a schedule raises', () => {
    const model = mlp();
    const pruner = new Pruner(model, { allocation: { a: 0.75, 'b.weight': 0.5 }, schedule: iterative(2) });
    pruner.step();
    expect(zerosOf(model)).toEqual([Math.ceil(63 * 0.5), Math.ceil(99 * (1 - Math.SQRT1_2)), 0]);
    pruner.step();
    expect(zerosOf(model)).toEqual([48, 50, 0]);
    expect(() => new Pruner(model, { allocation: { d: 0.5 } })).toThrow("allocation: there is no layer 'd'");
    expect(() => new Pruner(model, { allocation: { a: 1 } })).toThrow(
      "allocation of 'a' must be a share in [0, 1), got 1",
    );
    expect(() => new Pruner(model, { allocation: 'even' as 'erk', target: { sparsity: 0.5 } })).toThrow("got 'even'");
  });

  test('units, too', () => {
    const model = mlp();
    const options = {
      exampleInputs: randn([1, 7]),
      granularity: 'neuron',
      allocation: { a: 1 / 3, b: 5 / 11 },
    } as const;
    expect(new Pruner(model, options).step()).toBe(8 / 20);
    const silent = (name: string): number =>
      (maskOf(layer(model, name).bias as nn.Parameter)?.dataSync() ?? []).filter((v) => v === 0).length;
    expect([silent('a'), silent('b')]).toEqual([3, 5]);
  });
});

describe('errors name the mistake', () => {
  const wrong: [string, Partial<Record<keyof PrunerOptions, unknown>>, string][] = [
    ['target', { target: { sparsity: 1 } }, 'with a number above 0, got {"sparsity":1}'],
    ['target', { target: { sparsity: NaN } }, 'a share in [0, 1)'],
    ['importance', { importance: 'size' }, "or a function; got 'size'"],
    [
      'granularity',
      { granularity: 'neurons' },
      "granularity must be one of weight, block, n:m, filter, channel, neuron, head, got 'neurons'",
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
      'there is no weight to prune, a parameter of two or more dimensions',
    );
  });
});
