import { Generator, manualSeed, memory, mseLoss, ones, randn, scope, type Tensor, tensor } from 'fettle';
import {
  type Criterion,
  coupleUnits,
  cubic,
  type Importance,
  importance,
  iterative,
  MovementScores,
  maskOf,
  Pruner,
  prune,
  type UnitGroup,
} from 'fettle/compress';
import * as nn from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(4);
});
afterEach(release);

type Matrix = readonly (readonly number[])[];
type Pair = readonly [Tensor, Tensor];

/** x → relu(x · Aᵀ + a) · Bᵀ + b, whose gradients are computed here in float64. */
function mlp(): nn.Sequential {
  return tracked(new nn.Sequential({ a: new nn.Linear(3, 4), relu: new nn.ReLU(), b: new nn.Linear(4, 2) }));
}

const loss = (model: nn.Sequential, [x, y]: Pair): Tensor => mseLoss(model.forward(x), y);
const layer = (model: nn.Module, name: string): nn.Linear => model.getSubmodule(name) as nn.Linear;
const values = (x: Tensor): number[] => [...x.dataSync()] as number[];
const matrix = (x: Tensor): Matrix => x.toArray() as number[][];
const scoresOf = (scores: Importance, target: Parameters<Importance>[0]): number[] => [
  ...(scores(target) as ArrayLike<number> & Iterable<number>),
];

function batches(count = 3, size = 5): Pair[] {
  return Array.from({ length: count }, () => [randn([size, 3]), randn([size, 2])] as const);
}

interface Gradients {
  readonly a: number[];
  readonly aBias: number[];
  readonly b: number[];
}

/** Gradients of the mean squared error for the weights of the net above, by hand. */
function gradients(model: nn.Sequential, [x, y]: Pair): Gradients {
  const [A, B] = [matrix(layer(model, 'a').weight), matrix(layer(model, 'b').weight)];
  const [aBias, bBias] = ['a', 'b'].map((name) => values(layer(model, name).bias as Tensor)) as [number[], number[]];
  const [X, Y] = [matrix(x), matrix(y)];
  const found = { a: new Array<number>(12).fill(0), aBias: [0, 0, 0, 0], b: new Array<number>(8).fill(0) };
  X.forEach((row, n) => {
    const before = A.map((w, u) => w.reduce((s, v, i) => s + v * (row[i] as number), aBias[u] as number));
    const hidden = before.map((v) => Math.max(v, 0));
    const error = B.map((w, o) => {
      const out = w.reduce((s, v, u) => s + v * (hidden[u] as number), bBias[o] as number);
      return (2 * (out - ((Y[n] as number[])[o] as number))) / (2 * X.length);
    });
    error.forEach((e, o) => {
      hidden.forEach((h, u) => {
        found.b[o * 4 + u] = (found.b[o * 4 + u] as number) + e * h;
      });
    });
    before.forEach((v, u) => {
      if (v <= 0) return;
      const g = error.reduce((s, e, o) => s + e * ((B[o] as number[])[u] as number), 0);
      found.aBias[u] = (found.aBias[u] as number) + g;
      row.forEach((input, i) => {
        found.a[u * 3 + i] = (found.a[u * 3 + i] as number) + g * input;
      });
    });
  });
  return found;
}

const mean = (rows: readonly (readonly number[])[]): number[] =>
  (rows[0] as number[]).map((_, i) => rows.reduce((n, row) => n + (row[i] as number), 0) / rows.length);

function expectClose(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 5));
}

const unitsOf = (model: nn.Module, x: Tensor, name: string): UnitGroup =>
  coupleUnits(model, x).groups.find((group) => group.name === name) as UnitGroup;

describe('gradients of a loss, against float64', () => {
  const perWeight: readonly [Criterion, (w: number, gs: readonly number[]) => number][] = [
    ['taylor', (w, gs) => gs.reduce((n, g) => n + Math.abs(w * g), 0) / gs.length],
    ['hessian', (w, gs) => (w * w * (gs.reduce((n, g) => n + g * g, 0) / gs.length)) / 2],
    ['movement', (w, gs) => gs.reduce((n, g) => n - w * g, 0) / gs.length],
    ['snip', (w, gs) => Math.abs((w * gs.reduce((n, g) => n + g, 0)) / gs.length)],
  ];

  test.each(perWeight)('%s of weights and units', async (criterion, formula) => {
    const model = mlp();
    const data = batches();
    const scores = await importance(model, criterion, { batches: data, loss, exampleInputs: data[0]?.[0] as Tensor });
    const all = data.map((batch) => gradients(model, batch));
    for (const [name, key] of [
      ['a', 'a'],
      ['b', 'b'],
    ] as const) {
      const { weight } = layer(model, name);
      const w = values(weight);
      const expected = w.map((v, i) =>
        formula(
          v,
          all.map((g) => g[key][i] as number),
        ),
      );
      expectClose(scoresOf(scores, weight), expected);
    }
    const group = unitsOf(model, data[0]?.[0] as Tensor, 'a');
    const [w, bias] = [values(layer(model, 'a').weight), values(layer(model, 'a').bias as Tensor)];
    const found = scoresOf(scores, group);
    const expected = [0, 1, 2, 3].map((u) => {
      if (criterion === 'taylor') {
        // What a unit's weights and its bias do together, as they go together.
        const joint = all.map((g) =>
          [0, 1, 2].reduce(
            (n, i) => n + (w[u * 3 + i] as number) * (g.a[u * 3 + i] as number),
            (bias[u] as number) * (g.aBias[u] as number),
          ),
        );
        return joint.reduce((n, v) => n + Math.abs(v), 0) / joint.length;
      }
      const ofWeights = [0, 1, 2].map((i) =>
        formula(
          w[u * 3 + i] as number,
          all.map((g) => g.a[u * 3 + i] as number),
        ),
      );
      return ofWeights.reduce(
        (a, b) => a + b,
        formula(
          bias[u] as number,
          all.map((g) => g.aBias[u] as number),
        ),
      );
    });
    expectClose(found, expected);
  });

  test('grasp is w · Hg, by differences of gradients', async () => {
    const model = tracked(new nn.Sequential({ a: new nn.Linear(2, 3), t: new nn.Tanh(), b: new nn.Linear(3, 1) }));
    const data = [[randn([6, 2]), randn([6, 1])]] as const;
    const scores = await importance(model, 'grasp', { batches: data, loss });
    const gradient = (): number[] => {
      model.zeroGrad();
      return scope(() => {
        loss(model, data[0]).backward();
        return model.parameters().flatMap((p) => values(p.grad as Tensor));
      });
    };
    const g = gradient();
    const start = model.parameters().map((p) => values(p));
    const shifted = (by: number): number[] => {
      let at = 0;
      model.parameters().forEach((p, k) => {
        const moved = (start[k] as number[]).map((v) => v + by * (g[at++] as number));
        scope(() => p.detach().copy_(tensor(moved, p.shape)));
      });
      return gradient();
    };
    const h = 0.02;
    const [up, down] = [shifted(h), shifted(-h)];
    shifted(0);
    model.zeroGrad();
    const Hg = up.map((v, i) => (v - (down[i] as number)) / (2 * h));
    const { weight } = layer(model, 'a');
    const expected = values(weight).map((w, i) => w * (Hg[i] as number));
    scoresOf(scores, weight).forEach((s, i) => expect(s).toBeCloseTo(expected[i] as number, 3));
  });

  test('synflow: a weight is worth the paths that lead through it', async () => {
    const model = tracked(
      new nn.Sequential({ a: new nn.Linear(2, 2, { bias: false }), b: new nn.Linear(2, 2, { bias: false }) }),
    );
    const A = [
      [1, -2],
      [3, 4],
    ];
    const B = [
      [-5, 6],
      [7, 0],
    ];
    model.loadStateDict({ 'a.weight': tensor(A), 'b.weight': tensor(B) });
    const scores = await importance(model, 'synflow', { exampleInputs: randn([3, 2]) });
    const out = [0, 1].map((u) => B.reduce((n, row) => n + Math.abs(row[u] as number), 0));
    expect(scoresOf(scores, layer(model, 'a').weight)).toEqual(
      A.flatMap((row, u) => row.map((v) => Math.abs(v) * (out[u] as number))),
    );
    // The weights have their signs back.
    expect(layer(model, 'a').weight.toArray()).toEqual(A);
    // Every layer carries the whole flow: scores sum to the same.
    const sums = ['a', 'b'].map((name) => scoresOf(scores, layer(model, name).weight).reduce((a, b) => a + b, 0));
    expect(sums[0]).toBeCloseTo(sums[1] as number, 4);
  });

  test('nothing of the model is changed: gradients, modes, frozen parameters, running statistics', async () => {
    const model = tracked(
      new nn.Sequential({
        a: new nn.Linear(3, 4),
        bn: new nn.BatchNorm1d(4),
        drop: new nn.Dropout(0.5),
        b: new nn.Linear(4, 2),
      }),
    );
    layer(model, 'a').weight.requiresGrad = false;
    model.getSubmodule('drop').eval();
    const before = model.stateDict();
    const copy = Object.values(before).map(values);
    const live = memory().tensors;
    const data = batches();
    for (const training of [false, true]) {
      for (const criterion of ['taylor', 'grasp'] as const) {
        const scores = await importance(model, criterion, { batches: data, loss, training });
        expect(scoresOf(scores, layer(model, 'a').weight).some((s) => s !== 0)).toBe(true);
      }
    }
    expect(Object.values(model.stateDict()).map(values)).toEqual(copy);
    expect(model.parameters().every((p) => p.grad === null)).toBe(true);
    expect(layer(model, 'a').weight.requiresGrad).toBe(false);
    expect(model.modules().map((m) => m.training)).toEqual([true, true, true, false, true]);
    expect(memory().tensors).toBe(live + 2 * data.length);
  });

  test('batches from an asynchronous source; none, or no loss, is refused', async () => {
    const model = mlp();
    const data = batches(2);
    async function* slowly(): AsyncGenerator<Pair> {
      yield* data;
    }
    const [one, two] = [
      await importance(model, 'taylor', { batches: data, loss }),
      await importance(model, 'taylor', { batches: slowly(), loss }),
    ];
    const { weight } = layer(model, 'b');
    expect(scoresOf(two, weight)).toEqual(scoresOf(one, weight));
    await expect(importance(model, 'taylor', { batches: [], loss })).rejects.toThrow(
      "'taylor' needs batches, and none came",
    );
    await expect(importance(model, 'hessian', { batches: data })).rejects.toThrow("'hessian' needs loss");
    await expect(importance(model, 'size' as 'taylor')).rejects.toThrow("or a function; got 'size'");
    const group = unitsOf(model, data[0]?.[0] as Tensor, 'a');
    expect(() => one(group)).toThrow("'taylor' has not watched the units of 'a'. Pass exampleInputs");
  });
});

describe('weights and activations', () => {
  test('magnitude, and the norm of units', async () => {
    const model = mlp();
    const scores = await importance(model, 'magnitude');
    const { weight } = layer(model, 'a');
    expect(scoresOf(scores, weight)).toEqual(values(weight).map(Math.abs));
    expectClose(
      scoresOf(scores, unitsOf(model, randn([1, 3]), 'a')),
      matrix(weight).map((row) => Math.hypot(...row)),
    );
  });

  test('fpgm: distances between filters', async () => {
    const model = tracked(
      new nn.Sequential({ a: new nn.Conv2d(2, 5, 3), relu: new nn.ReLU(), b: new nn.Conv2d(5, 1, 1) }),
    );
    const scores = await importance(model, 'fpgm');
    const rows = (model.getSubmodule('a') as nn.Conv2d).weight.reshape([5, 18]).toArray() as number[][];
    const expected = rows.map((p) =>
      rows.reduce((n, q) => n + Math.hypot(...p.map((v, i) => v - (q[i] as number))), 0),
    );
    expectClose(scoresOf(scores, unitsOf(model, randn([1, 2, 5, 5]), 'a')), expected);
  });

  test('bnScale: |γ| of the norm behind the units, and a message where there is none', async () => {
    const model = tracked(
      new nn.Sequential({
        a: new nn.Conv2d(1, 3, 3),
        bn: new nn.BatchNorm2d(3),
        relu: new nn.ReLU(),
        b: new nn.Conv2d(3, 2, 1),
        relu2: new nn.ReLU(),
        c: new nn.Conv2d(2, 1, 1),
      }),
    );
    model.loadStateDict({ 'bn.weight': tensor([0.5, -2, 0.1]) }, { strict: false });
    const x = randn([1, 1, 5, 5]);
    const scores = await importance(model, 'bnScale');
    expectClose(scoresOf(scores, unitsOf(model, x, 'a')), [0.5, 2, 0.1]);
    expect(() => scores(unitsOf(model, x, 'b'))).toThrow("no norm scales the units of 'b'");
    new Pruner(model, {
      ...{
        exampleInputs: x,
        granularity: 'channel',
        importance: 'bnScale',
        target: { sparsity: 1 / 3 },
        except: ['b'],
      },
    }).step();
    expect(maskOf((model.getSubmodule('bn') as nn.BatchNorm2d).weight as nn.Parameter)?.toArray()).toEqual([1, 1, 0]);
  });

  test('apoz: the share of activations that are not 0, where they are read', async () => {
    const model = mlp();
    model.loadStateDict(
      {
        'a.weight': tensor([
          [1, 0, 0],
          [-1, 0, 0],
          [0, 1, 0],
          [0, 0, 0],
        ]),
        'a.bias': tensor([0, 0, 0, 1]),
      },
      { strict: false },
    );
    const data = [
      tensor([
        [1, 1, 1],
        [2, -1, 1],
      ]),
      tensor([
        [3, -1, 0],
        [-1, -1, 0],
      ]),
    ];
    const scores = await importance(model, 'apoz', { batches: data });
    expectClose(scoresOf(scores, unitsOf(model, randn([1, 3]), 'a')), [0.75, 0.25, 0.25, 1]);
    expect(() => scores(layer(model, 'a').weight)).toThrow("'apoz' ranks units, not weights");
  });

  test('activation: mean |output| of units, |w| · mean |x| of weights', async () => {
    const model = mlp();
    const data = [randn([4, 3]), randn([2, 3])];
    const scores = await importance(model, 'activation', { batches: data });
    const outputs = data.flatMap((x) => matrix(layer(model, 'a').forward(x)));
    expectClose(scoresOf(scores, unitsOf(model, randn([1, 3]), 'a')), mean(outputs.map((row) => row.map(Math.abs))));
    const inputs = mean(data.flatMap((x) => matrix(x)).map((row) => row.map(Math.abs)));
    expectClose(
      scoresOf(scores, layer(model, 'a').weight),
      matrix(layer(model, 'a').weight).flatMap((row) => row.map((w, i) => Math.abs(w) * (inputs[i] as number))),
    );
  });

  test('random: the same for the same seed', async () => {
    const model = mlp();
    const draw = async (seed: number): Promise<number[]> =>
      scoresOf(await importance(model, 'random', { generator: new Generator(seed) }), layer(model, 'a').weight);
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  test('recurrent layers and embeddings tell their outputs', async () => {
    const model = tracked(new nn.Embedding(5, 3));
    const scores = await importance(model, 'magnitude');
    expect(scoresOf(scores, model.weight)).toEqual(values(model.weight).map(Math.abs));
    await expect(importance(model, 'activation', { batches: [] })).rejects.toThrow("'activation' needs batches");
    const known = await importance(model, 'activation', { batches: [tensor([[1, 2]], { dtype: 'int32' })] });
    expect(() => known(model.weight)).toThrow('knows the inputs of linear layers and convolutions alone');
  });
});

describe('in a Pruner', () => {
  test('a criterion of gradients takes its batches at each step', () => {
    const model = mlp();
    const data = batches();
    const pruner = new Pruner(model, {
      importance: 'taylor',
      batches: data,
      loss,
      target: { sparsity: 0.5 },
      schedule: iterative(2),
    });
    pruner.step();
    const g = data.map((batch) => gradients(model, batch));
    const scores = (['a', 'b'] as const).flatMap((name) =>
      values(layer(model, name).weight).map(
        (w, i) => mean(g.map((one) => [Math.abs(w * (one[name][i] as number))]))[0] as number,
      ),
    );
    const alive = (): number[] =>
      (['a', 'b'] as const).flatMap((name) => values(maskOf(layer(model, name).weight) as Tensor));
    const left = alive();
    expect(pruner.step()).toBe(0.5);
    const ranked = scores.map((score, i) => ({ score, i })).filter(({ i }) => left[i] === 1);
    const gone = new Set(
      ranked
        .sort((p, q) => p.score - q.score)
        .slice(0, 10 - left.filter((v) => v === 0).length)
        .map(({ i }) => i),
    );
    expect(alive()).toEqual(left.map((v, i) => (v === 0 || gone.has(i) ? 0 : 1)));
  });

  test('stepAsync takes what step() refuses', async () => {
    const data = batches();
    async function* slowly(): AsyncGenerator<Pair> {
      yield* data;
    }
    const [one, two] = [mlp(), mlp()];
    two.loadStateDict(one.stateDict());
    const common = { importance: 'hessian', loss, target: { sparsity: 0.3 } } as const;
    new Pruner(one, { ...common, batches: data }).step();
    const pruner = new Pruner(two, { ...common, batches: slowly() });
    expect(() => pruner.step()).toThrow('Use await pruner.stepAsync()');
    expect(await pruner.stepAsync()).toBe(0.3);
    expect(values(layer(two, 'a').weight)).toEqual(values(layer(one, 'a').weight));
  });

  test('a function of one’s own ranks weights and units', () => {
    const model = mlp();
    new Pruner(model, {
      importance: (target) => Float64Array.from({ length: (target as nn.Parameter).numel() }, (_, i) => i),
      target: { sparsity: 0.5 },
      scope: 'layer',
    }).step();
    expect(maskOf(layer(model, 'a').weight)?.toArray()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [1, 1, 1],
      [1, 1, 1],
    ]);
    const units = mlp();
    const options = { exampleInputs: ones([1, 3]), granularity: 'neuron', target: { sparsity: 0.5 } } as const;
    new Pruner(units, { ...options, importance: () => tensor([1, 4, 2, 3]) }).step();
    expect(maskOf(layer(units, 'a').bias as nn.Parameter)?.toArray()).toEqual([0, 1, 0, 1]);
    expect(() => new Pruner(mlp(), { ...options, importance: () => [1, 2] }).step()).toThrow(
      "must give 4 scores for 'a', got 2",
    );
  });

  test('every criterion prunes weights or units, and names what it lacks', () => {
    const x = randn([4, 3]);
    const model = mlp();
    for (const criterion of prune.importance) {
      const isOfUnits = ['bnScale', 'fpgm', 'apoz'].includes(criterion);
      const net = tracked(nn.cloneModule(model));
      const common = { importance: criterion, exampleInputs: x, batches: batches(), loss, target: { sparsity: 0.5 } };
      if (criterion === 'bnScale') {
        expect(() => new Pruner(net, { ...common, granularity: 'neuron' }).step()).toThrow('no norm scales');
        continue;
      }
      expect(new Pruner(net, { ...common, granularity: 'neuron' }).step()).toBe(0.5);
      const other = tracked(nn.cloneModule(model));
      if (isOfUnits) expect(() => new Pruner(other, common)).toThrow(`'${criterion}' ranks units`);
      else expect(new Pruner(other, common).step()).toBe(0.5);
    }
    expect(() => new Pruner(model, { importance: 'taylor', target: { sparsity: 0.5 } })).toThrow(
      'needs batches and loss',
    );
    expect(() => new Pruner(model, { importance: 'synflow', target: { sparsity: 0.5 } })).toThrow(
      'needs exampleInputs',
    );
  });
});

describe('movement, gathered in training', () => {
  test('is −Σ w · g of every step', () => {
    const model = mlp();
    const movement = new MovementScores(model);
    const optimizer = new SGD(model.parameters(), { lr: 0.05 });
    expect(() => movement.update()).toThrow('no parameter has a gradient');
    let expected = new Array<number>(12).fill(0);
    for (const batch of batches(4)) {
      const [w, { a }] = [values(layer(model, 'a').weight), gradients(model, batch)];
      expected = expected.map((total, i) => total - (w[i] as number) * (a[i] as number));
      scope(() => {
        optimizer.zeroGrad();
        loss(model, batch).backward();
        movement.update();
        optimizer.step();
      });
    }
    expectClose(
      scoresOf(movement.importance, layer(model, 'a').weight),
      expected.map((v) => v / 4),
    );
    const pruner = new Pruner(model, {
      importance: movement.importance,
      target: { sparsity: 0.6 },
      schedule: cubic(1, 3),
    });
    expect(pruner.step()).toBe(0);
    pruner.step();
    expect(pruner.step()).toBe(0.6);
    model.zeroGrad();
    optimizer.dispose();
  });
});
