import { Generator, gradcheck, manualSeed, memory, mseLoss, noGrad, randn, scope, type Tensor, tensor } from 'fettle';
import {
  coupleUnits,
  L0Gates,
  MovementPruning,
  maskOf,
  penalty,
  prune,
  setMask,
  shrink,
  snapshot,
  sparsity,
} from 'fettle/compress';
import * as nn from 'fettle/nn';
import { Adam, SGD } from 'fettle/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(6);
});
afterEach(release);

const mlp = (): nn.Sequential =>
  tracked(new nn.Sequential({ a: new nn.Linear(3, 4), relu: new nn.ReLU(), b: new nn.Linear(4, 2) }));
const layer = (model: nn.Module, name: string): nn.Linear => model.getSubmodule(name) as nn.Linear;
const values = (x: Tensor): number[] => [...x.dataSync()] as number[];

describe('penalties', () => {
  test('l1 of a model is that of its weights, not of biases', () => {
    const model = mlp();
    const expected = ['a', 'b']
      .flatMap((name) => values(layer(model, name).weight))
      .reduce((n, v) => n + Math.abs(v), 0);
    expect(penalty.l1(model).item()).toBeCloseTo(expected, 4);
    expect(penalty.l1([tensor([1, -2]), tensor([[3]])]).item()).toBe(6);
    expect(gradcheck((x) => penalty.l1([x]), [tensor([0.5, -1, 2], { requiresGrad: true })])).toBe(true);
    expect(() => penalty.l1(tracked(new nn.ReLU()))).toThrow('there are no weights to penalize');
  });

  test('group lasso of rows: Σ √size · ‖row‖, with no gradient at 0', () => {
    const x = tensor(
      [
        [3, 4],
        [0, 0],
      ],
      { requiresGrad: true },
    );
    const loss = penalty.groupLasso([x]);
    expect(loss.item()).toBeCloseTo(5 * Math.SQRT2, 5);
    loss.backward();
    expect(values(x.grad as Tensor).map((v) => Number(v.toFixed(4)))).toEqual([0.8485, 1.1314, 0, 0]);
    const filters = randn([3, 2, 2, 2], { requiresGrad: true });
    expect(gradcheck((w) => penalty.groupLasso([w]), [filters])).toBe(true);
    const rows = filters.reshape([3, 8]).toArray() as number[][];
    const expected = rows.reduce((n, row) => n + Math.sqrt(8) * Math.hypot(...row), 0);
    expect(penalty.groupLasso([filters]).item()).toBeCloseTo(expected, 4);
  });

  test('group lasso of units counts what makes them, bias and all', () => {
    const model = mlp();
    const { groups } = coupleUnits(model, randn([1, 3]));
    const { weight, bias } = layer(model, 'a');
    const expected = (weight.toArray() as number[][]).reduce(
      (n, row, u) => n + 2 * Math.hypot(...row, values(bias as Tensor)[u] as number),
      0,
    );
    const loss = penalty.groupLasso(groups);
    expect(loss.item()).toBeCloseTo(expected, 4);
    loss.backward();
    expect(layer(model, 'b').weight.grad).toBeNull();
    const norm = Math.hypot(...((weight.toArray() as number[][])[0] as number[]), values(bias as Tensor)[0] as number);
    expect((weight.grad as Tensor).dataSync()[0]).toBeCloseTo((2 * (values(weight)[0] as number)) / norm, 4);
    model.zeroGrad();
  });

  test('slimming: |γ| of batch norms alone', () => {
    const model = tracked(new nn.Sequential(new nn.Conv2d(1, 2, 1), new nn.BatchNorm2d(2), new nn.LayerNorm(3)));
    model.loadStateDict({ '1.weight': tensor([-0.5, 2]) }, { strict: false });
    expect(penalty.slimming(model).item()).toBe(2.5);
    expect(() => penalty.slimming(mlp())).toThrow('has no batch norm with a scale');
  });
});

describe('L0 gates', () => {
  const sigma = (v: number): number => 1 / (1 + Math.exp(-v));
  /** Sets every ln α of the gates. */
  const set = (gates: L0Gates, ...alphas: readonly (readonly number[])[]): void =>
    scope(() =>
      noGrad(() => {
        gates.parameters().forEach((p, i) => void p.copy_(tensor(Float32Array.from(alphas[i] as number[]), p.shape)));
      }),
    );

  test('the penalty is the expected number of weights that are not 0, with its gradient', () => {
    const model = tracked(new nn.Linear(3, 1, { bias: false }));
    const gates = tracked(new L0Gates(model));
    const alphas = [-1, 0.3, 2];
    set(gates, alphas);
    const shift = (2 / 3) * Math.log(0.1 / 1.1);
    const expected = alphas.reduce((n, a) => n + sigma(a - shift), 0);
    expect(gates.penalty().item()).toBeCloseTo(expected, 5);
    gates.penalty().backward();
    values(gates.logAlpha.at(0).grad as Tensor).forEach((g, i) => {
      const p = sigma((alphas[i] as number) - shift);
      expect(g).toBeCloseTo(p * (1 - p), 5);
    });
    gates.zeroGrad();
  });

  test('so many draws are open, and mean what integration says', () => {
    const count = 20000;
    const model = tracked(new nn.Linear(count, 1, { bias: false }));
    model.loadStateDict({ weight: tensor(new Float32Array(count).fill(1), [1, count]) });
    const gates = tracked(new L0Gates(model, { generator: new Generator(3) }));
    const drawn: number[] = [];
    for (const alpha of [-1, 0.5]) {
      set(gates, new Array<number>(count).fill(alpha));
      // The weights are ones, so that what stands in their place are the gates.
      const seen = gatesOf(model);
      const open = seen.filter((z) => z > 0).length / count;
      expect(open).toBeCloseTo(sigma(alpha - (2 / 3) * Math.log(0.1 / 1.1)), 1.7);
      const steps = 100000;
      let integral = 0;
      for (let i = 0; i < steps; i++) {
        const u = (i + 0.5) / steps;
        const s = sigma((Math.log(u) - Math.log(1 - u) + alpha) / (2 / 3)) * 1.2 - 0.1;
        integral += Math.min(1, Math.max(0, s)) / steps;
      }
      expect(Math.abs(seen.reduce((a, b) => a + b, 0) / count - integral)).toBeLessThan(0.01);
      expect(seen.every((z) => z >= 0 && z <= 1)).toBe(true);
      drawn.push(open);
    }
    expect(drawn[0]).toBeLessThan(drawn[1] as number);
  });

  /** What the layer computes with in one forward, in place of its weights. */
  function gatesOf(model: nn.Linear): number[] {
    let found: number[] = [];
    const handle = model.registerForwardPreHook(() => {
      found = values(model.weight);
      return undefined;
    });
    scope(() => {
      noGrad(() => model.forward(randn([1, model.inFeatures])));
    });
    handle.remove();
    return found;
  }

  test('evaluation is without chance, and harden() computes the same, with masks', () => {
    const model = mlp();
    const gates = tracked(new L0Gates(model, { granularity: 'unit' }));
    set(gates, [-9, 9, 0.4, -9], [9, 9]);
    const x = randn([5, 3]);
    model.eval();
    const before = values(noGrad(() => model.forward(x)));
    expect(values(noGrad(() => model.forward(x)))).toEqual(before);
    const names = Object.keys(model.stateDict());
    gates.harden();
    expect(Object.keys(model.stateDict())).toEqual(names);
    values(noGrad(() => model.forward(x))).forEach((v, i) => expect(v).toBeCloseTo(before[i] as number, 5));
    expect(maskOf(layer(model, 'a').bias as nn.Parameter)?.toArray()).toEqual([0, 1, 1, 0]);
    expect(maskOf(layer(model, 'a').weight)?.toArray()).toEqual([
      [0, 0, 0],
      [1, 1, 1],
      [1, 1, 1],
      [0, 0, 0],
    ]);
    shrink(model, x);
    expect(layer(model, 'a').outFeatures).toBe(2);
    values(noGrad(() => model.forward(x))).forEach((v, i) => expect(v).toBeCloseTo(before[i] as number, 5));
  });

  test('gradients reach weights and gates, and what costs more than it is worth is closed', () => {
    const model = tracked(new nn.Linear(6, 1, { bias: false }));
    const truth = tensor([[2, -3, 0, 0, 0, 0]]);
    const gates = tracked(new L0Gates(model));
    const optimizer = new Adam([...model.parameters(), ...gates.parameters()], { lr: 0.05 });
    for (let i = 0; i < 400; i++) {
      scope(() => {
        const x = randn([32, 6]);
        optimizer.zeroGrad();
        mseLoss(model.forward(x), x.matmul(truth.T)).add(gates.penalty().mul(0.05)).backward();
        optimizer.step();
      });
    }
    expect(model.weight).toBeInstanceOf(nn.Parameter);
    gates.harden();
    expect(maskOf(model.weight)?.toArray()).toEqual([[1, 1, 0, 0, 0, 0]]);
    expect(model.weight.dataSync()[1]).toBeLessThan(-2.5);
    optimizer.zeroGrad();
    optimizer.dispose();
  });

  test('what it is made of is checked, and detaching leaves the model as it was', () => {
    const model = mlp();
    const x = randn([2, 3]);
    const before = values(noGrad(() => model.forward(x)));
    const gates = tracked(new L0Gates(model, { except: ['b'] }));
    expect(gates.parameters()).toHaveLength(1);
    gates.detach();
    expect(values(noGrad(() => model.forward(x)))).toEqual(before);
    for (const [options, message] of [
      [{ granularity: 'row' }, "'weight' or 'unit', got 'row'"],
      [{ dropRate: 1 }, 'dropRate must be in (0, 1), got 1'],
      [{ temperature: 0 }, 'temperature must be above 0'],
      [{ stretch: [0, 1] }, 'must begin below 0 and end above 1'],
      [{ except: ['a', 'b'] }, 'no layer with a weight'],
    ] as const) {
      expect(() => new L0Gates(model, options as never)).toThrow(message);
    }
    expect(() => new L0Gates(tracked(new nn.Embedding(3, 2)), { granularity: 'unit' })).toThrow(
      'has no rows that are units',
    );
  });
});

describe('movement pruning with learned scores', () => {
  test('the gradient of a score is g · w, that of a weight g where it is let through', () => {
    const model = tracked(new nn.Linear(3, 1, { bias: false }));
    model.loadStateDict({ weight: tensor([[2, -3, 4]]) });
    const movement = tracked(new MovementPruning(model));
    noGrad(() => void movement.scores.at(0).copy_(tensor([[1, 3, 2]])));
    movement.prune(1 / 3);
    expect(movement.sparsity).toBeCloseTo(1 / 3, 6);
    const y = model.forward(tensor([[5, 6, 7]]));
    expect(y.item()).toBe(-18 + 28);
    y.sum().backward();
    expect(values(model.weight.grad as Tensor)).toEqual([0, 6, 7]);
    expect(values(movement.scores.at(0).grad as Tensor)).toEqual([10, -18, 28]);
    model.zeroGrad();
    movement.zeroGrad();
    // What was not let through can come back.
    noGrad(() => void movement.scores.at(0).copy_(tensor([[5, 3, 2]])));
    movement.prune(1 / 3);
    expect(values(noGrad(() => model.forward(tensor([[5, 6, 7]]))))).toEqual([-8]);
    movement.harden();
    expect(maskOf(model.weight)?.toArray()).toEqual([[1, 1, 0]]);
    expect(model.weight.toArray()).toEqual([[2, -3, 0]]);
  });

  test('soft: scores above the threshold stay, and the penalty pushes them down', () => {
    const model = mlp();
    const movement = tracked(new MovementPruning(model, { mode: 'soft' }));
    expect(movement.sparsity).toBe(0);
    expect(() => movement.prune(0.5)).toThrow("with mode 'soft' scores choose by themselves");
    const optimizer = new SGD([...model.parameters(), ...movement.parameters()], { lr: 0.1 });
    const [x, y] = [randn([32, 3]), randn([32, 2])];
    for (let i = 0; i < 60; i++) {
      scope(() => {
        optimizer.zeroGrad();
        mseLoss(model.forward(x), y).add(movement.penalty().mul(0.02)).backward();
        optimizer.step();
      });
    }
    const share = movement.sparsity;
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    movement.harden();
    expect(sparsity(model).sparsity).toBeCloseTo(share, 6);
    optimizer.zeroGrad();
    optimizer.dispose();
  });

  test('frees what it made', () => {
    const model = mlp();
    const live = memory().tensors;
    const movement = new MovementPruning(model);
    movement.prune(0.5);
    movement.dispose();
    expect(memory().tensors).toBe(live);
    expect(() => new MovementPruning(model, { mode: 'half' as 'soft' })).toThrow("'hard' or 'soft', got 'half'");
    expect(() => new MovementPruning(model, { threshold: 1 })).toThrow('threshold must be in (0, 1), got 1');
  });
});

describe('rewinding', () => {
  test('brings back values and running statistics, and keeps masks', () => {
    const model = tracked(new nn.Sequential({ fc: new nn.Linear(3, 4), bn: new nn.BatchNorm1d(4) }));
    const first = values(layer(model, 'fc').weight);
    const rewind = snapshot(model);
    scope(() => model.forward(randn([8, 3])));
    noGrad(() => void layer(model, 'fc').weight.mul_(3));
    setMask(layer(model, 'fc').weight, [1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1]);
    rewind.restore(model);
    expect(values(layer(model, 'fc').weight)).toEqual(first.map((v, i) => (i === 1 || i === 6 ? 0 : v)));
    expect(values(model.getBuffer('bn.running_mean'))).toEqual([0, 0, 0, 0]);
    expect(prune.isPruned(model)).toBe(true);
    // A copy can be rewound, too; a model of other shapes cannot.
    const copy = tracked(nn.cloneModule(model));
    rewind.restore(copy);
    expect(values(layer(copy, 'fc').weight)).toEqual(first);
    expect(() => rewind.restore(mlp())).toThrow('the state does not fit');
    rewind.dispose();
  });

  test('late rewinding: the moment is the caller’s to choose', () => {
    const model = mlp();
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const step = (): void =>
      scope(() => {
        optimizer.zeroGrad();
        model
          .forward(randn([4, 3]))
          .square()
          .mean()
          .backward();
        optimizer.step();
      });
    step();
    const then = values(layer(model, 'a').weight);
    const rewind = snapshot(model);
    step();
    expect(values(layer(model, 'a').weight)).not.toEqual(then);
    rewind.restore(model);
    expect(values(layer(model, 'a').weight)).toEqual(then);
    rewind.dispose();
    optimizer.zeroGrad();
    optimizer.dispose();
  });
});
