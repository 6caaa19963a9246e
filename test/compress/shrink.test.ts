import { add, FettleError, manualSeed, noGrad, ones, randn, type Tensor } from 'fettle';
import { coupleUnits, maskOf, Pruner, prune, setMask, shrink } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(1);
});
afterEach(release);

type Net = nn.Module & { forward(x: Tensor): Tensor };

const count = (model: nn.Module): number => model.parameters().reduce((n, p) => n + p.numel(), 0);

/** Running statistics, scales and shifts that no two channels share, as after training. */
function train(model: Net, x: Tensor): void {
  for (const module of model.modules()) {
    if (!(module instanceof nn.BatchNorm1d || module instanceof nn.BatchNorm2d)) continue;
    if (module.weight !== null) nn.init.uniform_(module.weight, 0.5, 2);
    if (module.bias !== null) nn.init.uniform_(module.bias, -1, 1);
  }
  model.train();
  for (let i = 0; i < 3; i++) noGrad(() => model.forward(x));
  model.eval();
}

function worst(a: Float32Array, b: Float32Array): number {
  expect(b.length).toBe(a.length);
  const scale = a.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-6);
  return a.reduce((m, v, i) => Math.max(m, Math.abs(v - (b[i] as number))), 0) / scale;
}

/** Prunes units, shrinks, and checks that the outputs in both modes are those of the masked model. */
function checkShrink(
  model: Net,
  x: Tensor,
  sparsity: number,
  expected: { readonly parameters: number },
): ReturnType<typeof shrink> {
  const output = (): Float32Array => noGrad(() => model.forward(x)).dataSync() as Float32Array;
  train(model, x);
  const dense = output();
  new Pruner(model, {
    exampleInputs: x,
    granularity: 'neuron',
    target: { sparsity },
    scope: 'layer',
    keepAtLeast: 0,
  }).step();
  const masked = output();
  expect(worst(dense, masked)).toBeGreaterThan(1e-3);
  const report = shrink(model, x);
  expect(worst(masked, output())).toBeLessThan(2e-6);
  expect(count(model)).toBe(expected.parameters);
  return report;
}

describe('the shrunk model gives what the masked one gave', () => {
  test('MLP', () => {
    const model = tracked(
      new nn.Sequential({
        fc1: new nn.Linear(6, 16),
        act1: new nn.GELU(),
        fc2: new nn.Linear(16, 8),
        act2: new nn.Tanh(),
        fc3: new nn.Linear(8, 3),
      }),
    );
    const { layers, left } = checkShrink(model, randn([5, 6]), 0.5, { parameters: 6 * 8 + 8 + 8 * 4 + 4 + 4 * 3 + 3 });
    expect(layers).toEqual([
      { name: 'fc1', before: 16, after: 8 },
      { name: 'fc2', before: 8, after: 4 },
    ]);
    expect(left).toEqual([{ name: 'fc3', reason: 'its units are what the model returns' }]);
    expect(String(model)).toContain('(fc2): Linear(in_features=8, out_features=4, bias=True)');
  });

  test('CNN with flatten, pools and dropout', () => {
    const model = tracked(
      new nn.Sequential({
        conv1: new nn.Conv2d(2, 8, 3, { padding: 1, bias: false }),
        relu1: new nn.ReLU(),
        pool1: new nn.MaxPool2d(2),
        conv2: new nn.Conv2d(8, 12, 3, { stride: 2, padding: 1 }),
        silu: new nn.SiLU(),
        pool2: new nn.AvgPool2d(2, { stride: 1 }),
        flatten: new nn.Flatten(),
        drop: new nn.Dropout(0.5),
        fc: new nn.Linear(12 * 9, 4),
      }),
    );
    checkShrink(model, randn([3, 2, 16, 16]), 0.5, { parameters: 4 * 2 * 9 + 6 * 4 * 9 + 6 + 6 * 9 * 4 + 4 });
    expect((model.getSubmodule('conv2') as nn.Conv2d).inChannels).toBe(4);
    expect((model.getSubmodule('fc') as nn.Linear).inFeatures).toBe(54);
  });

  test('CNN with batch norm, also in training mode', () => {
    const model = tracked(
      new nn.Sequential({
        conv1: new nn.Conv2d(1, 6, 3, { padding: 1, bias: false }),
        bn1: new nn.BatchNorm2d(6),
        relu1: new nn.ReLU(),
        conv2: new nn.Conv2d(6, 8, 3),
        bn2: new nn.BatchNorm2d(8),
        relu2: new nn.ReLU(),
        pool: new nn.AdaptiveAvgPool2d(1),
        flatten: new nn.Flatten(),
        fc1: new nn.Linear(8, 10),
        bn3: new nn.BatchNorm1d(10),
        relu3: new nn.ReLU(),
        fc2: new nn.Linear(10, 2),
      }),
    );
    const x = randn([7, 1, 8, 8]);
    checkShrink(model, x, 0.5, { parameters: 3 * 9 + 6 + 4 * 3 * 9 + 4 + 8 + 5 * 4 + 5 + 10 + 5 * 2 + 2 });
    const bn = model.getSubmodule('bn2') as nn.BatchNorm2d;
    expect([bn.numFeatures, bn.runningMean?.numel(), bn.runningVar?.numel()]).toEqual([4, 4, 4]);
    model.train();
    noGrad(() => model.forward(x));
  });

  test('a norm without scale of its own', () => {
    const model = tracked(
      new nn.Sequential({
        fc1: new nn.Linear(4, 6),
        bn: new nn.BatchNorm1d(6, { affine: false }),
        relu: new nn.ReLU(),
        fc2: new nn.Linear(6, 2),
      }),
    );
    checkShrink(model, randn([9, 4]), 0.5, { parameters: 3 * 4 + 3 + 3 * 2 + 2 });
  });

  test('features in the last of three dimensions', () => {
    const model = tracked(new nn.Sequential({ a: new nn.Linear(4, 6), relu: new nn.ReLU(), b: new nn.Linear(6, 3) }));
    checkShrink(model, randn([2, 5, 4]), 0.5, { parameters: 3 * 4 + 3 + 3 * 3 + 3 });
  });

  test('units that only a removed unit has read go too', () => {
    const model = tracked(
      new nn.Sequential({
        a: new nn.Linear(3, 4),
        relu: new nn.ReLU(),
        b: new nn.Linear(4, 2),
        relu2: new nn.ReLU(),
        c: new nn.Linear(2, 2),
      }),
    );
    const [b, c] = ['b', 'c'].map((name) => model.getSubmodule(name) as nn.Linear) as [nn.Linear, nn.Linear];
    setMask(c.weight, [1, 0, 1, 0]); // nobody reads unit 1 of b
    setMask(b.weight, [1, 1, 0, 1, 1, 1, 1, 1]); // and unit 0 of b does not read unit 2 of a
    const x = randn([4, 3]);
    const before = noGrad(() => model.forward(x)).dataSync() as Float32Array;
    expect(shrink(model, x).layers).toEqual([
      { name: 'a', before: 4, after: 3 },
      { name: 'b', before: 2, after: 1 },
    ]);
    expect(worst(before, noGrad(() => model.forward(x)).dataSync() as Float32Array)).toBeLessThan(2e-6);
  });

  test('one unit stays of a layer that is silent as a whole', () => {
    const model = tracked(new nn.Sequential({ a: new nn.Linear(3, 4), relu: new nn.ReLU(), b: new nn.Linear(4, 2) }));
    for (const name of ['weight', 'bias']) prune.l1Unstructured(model.getSubmodule('a'), name, 1);
    const x = randn([4, 3]);
    const before = noGrad(() => model.forward(x)).dataSync() as Float32Array;
    expect(shrink(model, x).layers).toEqual([{ name: 'a', before: 4, after: 1 }]);
    expect(worst(before, noGrad(() => model.forward(x)).dataSync() as Float32Array)).toBeLessThan(2e-6);
  });

  test('nothing to remove changes nothing', () => {
    const model = tracked(new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new nn.Linear(4, 2)));
    const parameters = model.parameters();
    expect(shrink(model, randn([1, 3])).layers).toEqual([{ name: '0', before: 4, after: 4 }]);
    expect(model.parameters().every((p, i) => p === parameters[i])).toBe(true);
  });

  test('single connections stay pruned in what is left', () => {
    const model = tracked(
      new nn.Sequential({ a: new nn.Linear(3, 4, { bias: false }), relu: new nn.ReLU(), b: new nn.Linear(4, 1) }),
    );
    const [a, b] = ['a', 'b'].map((name) => model.getSubmodule(name) as nn.Linear) as [nn.Linear, nn.Linear];
    setMask(a.weight, [1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1]);
    setMask(b.weight, [1, 1, 1, 0]);
    shrink(model, randn([1, 3]));
    expect([...(maskOf(a.weight)?.dataSync() ?? [])]).toEqual([1, 0, 1, 1, 1, 0]);
    expect(maskOf(b.weight)).toBeNull();
  });

  test('modes, gradients and frozen parameters are as before', () => {
    const model = tracked(
      new nn.Sequential({ a: new nn.Linear(3, 4), drop: new nn.Dropout(), b: new nn.Linear(4, 2) }),
    );
    model.getSubmodule('a').requiresGrad_(false);
    model.getSubmodule('drop').eval();
    new Pruner(model, { exampleInputs: randn([1, 3]), granularity: 'neuron', target: { sparsity: 0.5 } }).step();
    shrink(model, randn([1, 3]));
    expect(model.modules().map((m) => m.training)).toEqual([true, true, false, true]);
    expect(model.namedParameters().map(([name, p]) => [name, p.requiresGrad])).toEqual([
      ['a.weight', false],
      ['a.bias', false],
      ['b.weight', true],
      ['b.bias', true],
    ]);
  });
});

describe('what stands between layers does not matter', () => {
  class Residual extends nn.Module {
    readonly fc1 = new nn.Linear(4, 6);
    readonly relu = new nn.ReLU();
    readonly fc2 = new nn.Linear(6, 6);
    readonly fc3 = new nn.Linear(6, 8);
    readonly act = new nn.Tanh();
    readonly fc4 = new nn.Linear(8, 2);
    forward(x: Tensor): Tensor {
      const h = this.relu.forward(this.fc1.forward(x));
      return this.fc4.forward(this.act.forward(this.fc3.forward(add(h, this.fc2.forward(h)))));
    }
  }

  test('a residual connection made by a function', () => {
    const model = tracked(new Residual());
    const x = randn([3, 4]);
    const { layers, left } = checkShrink(model, x, 0.5, { parameters: 4 * 3 + 3 + 9 + 3 + 3 * 4 + 4 + 4 * 2 + 2 });
    expect(layers).toEqual([
      { name: 'fc1', before: 6, after: 3 },
      { name: 'fc3', before: 8, after: 4 },
    ]);
    expect(left).toEqual([{ name: 'fc4', reason: 'its units are what the model returns' }]);
  });

  const conv = (): nn.Conv2d => new nn.Conv2d(1, 4, 3, { padding: 1 });
  const nets: [string, () => nn.Sequential, number[], number][] = [
    [
      'a linear layer over the width',
      () => new nn.Sequential(conv(), new nn.ReLU(), new nn.Linear(16, 2), new nn.Conv2d(4, 1, 1)),
      [1, 1, 8, 16],
      2 * 9 + 2 + 34 + 3,
    ],
    [
      'a norm behind flattening',
      () => new nn.Sequential(conv(), new nn.Flatten(), new nn.BatchNorm1d(64), new nn.Linear(64, 2)),
      [2, 1, 4, 4],
      2 * 9 + 2 + 64 + 66,
    ],
    [
      'groups that stay as large as one another',
      () => new nn.Sequential(conv(), new nn.Conv2d(4, 4, 1, { groups: 2 }), new nn.Conv2d(4, 1, 1)),
      [1, 1, 4, 4],
      2 * 9 + 2 + 2 + 2 + 3,
    ],
    [
      'flattening the batch in',
      () => new nn.Sequential(conv(), new nn.Flatten(0), new nn.Linear(128, 2)),
      [2, 1, 4, 4],
      2 * 9 + 2 + 64 * 2 + 2,
    ],
    [
      'sigmoid, where nobody reads a unit any more',
      () => new nn.Sequential(new nn.Linear(3, 4), new nn.Sigmoid(), new nn.Linear(4, 2)),
      [5, 3],
      2 * 3 + 2 + 4 + 2,
    ],
  ];
  test.each(nets)('%s', (_, make, shape, parameters) => {
    checkShrink(tracked(make()), randn(shape), 0.5, { parameters });
  });
});

describe('what cannot be cut is left and named', () => {
  /** Silences unit 0 of the first layer, if nothing else did; nothing may go. */
  function checkLeft(model: Net, x: Tensor, reason: string): void {
    const parameters = model.parameters();
    const first = model.children()[0] as nn.Linear;
    prune.lnStructured(first, 'weight', 0.25, { dim: 0 });
    prune.l1Unstructured(first, 'bias', 1);
    const output = (): Float32Array => noGrad(() => model.forward(x)).dataSync() as Float32Array;
    const before = output();
    const { left } = shrink(model.eval(), x);
    expect(left).toContainEqual({ name: model.namedChildren()[0]?.[0], reason });
    expect(model.parameters().every((p, i) => p === parameters[i])).toBe(true);
    expect(output()).toEqual(before);
  }

  class Returned extends nn.Module {
    readonly fc1 = new nn.Linear(4, 6);
    readonly fc2 = new nn.Linear(6, 2);
    forward(x: Tensor): Tensor[] {
      const h = this.fc1.forward(x).relu();
      return [this.fc2.forward(h), h];
    }
  }

  test('a Pruner that finds no unit to remove says why', () => {
    const model = tracked(new Returned());
    const pruner = new Pruner(model, {
      exampleInputs: randn([1, 4]),
      granularity: 'neuron',
      target: { sparsity: 0.5 },
    });
    expect(() => pruner.step()).toThrow(FettleError);
    expect(() => pruner.step()).toThrow(
      'there is no layer whose units can be removed. fc1: its units are what the model returns',
    );
  });

  class Twice extends nn.Module {
    readonly fc1 = new nn.Linear(4, 4);
    readonly fc2 = new nn.Linear(4, 2);
    forward(x: Tensor): Tensor {
      return this.fc2.forward(this.fc1.forward(this.fc1.forward(x).relu()).relu());
    }
  }

  test('a module that is called twice, once with the input', () => {
    checkLeft(tracked(new Twice()), randn([2, 4]), 'its units come in as inputs');
  });

  test('layers that share a parameter', () => {
    const model = tracked(new nn.Sequential({ a: new nn.Linear(4, 4), relu: new nn.ReLU(), b: new nn.Linear(4, 4) }));
    const [a, b] = ['a', 'b'].map((name) => model.getSubmodule(name) as nn.Linear) as [nn.Linear, nn.Linear];
    b.weight.dispose();
    Object.assign(b, { weight: a.weight });
    checkLeft(model, randn([2, 4]), 'its units come in as inputs');
  });

  class Sized extends nn.Module {
    readonly fc1 = new nn.Linear(4, 8);
    readonly fc2 = new nn.Linear(8, 2);
    forward(x: Tensor): Tensor {
      return this.fc2.forward(this.fc1.forward(x).relu().view(-1, 2, 4).mul(2).view(-1, 8));
    }
  }

  test('a forward that counts on a size', () => {
    const model = tracked(new Sized());
    const [reason] = coupleUnits(model, randn([3, 4])).uncoupled.filter(({ name }) => name === 'fc1');
    expect(reason?.reason).toMatch('without one of its units the model fails: view: [3, 4] has 12 elements');
    checkLeft(model, randn([3, 4]), reason?.reason ?? '');
  });

  class Averaged extends nn.Module {
    readonly fc1 = new nn.Linear(4, 8);
    readonly fc2 = new nn.Linear(1, 2);
    forward(x: Tensor): Tensor {
      return this.fc2.forward(this.fc1.forward(x).relu().mean(1, true));
    }
  }

  test('a mean over the units', () => {
    checkLeft(tracked(new Averaged()), randn([3, 4]), 'mean() works across its units');
  });

  class Unrecorded extends nn.Module {
    readonly fc1 = new nn.Linear(4, 8);
    readonly fc2 = new nn.Linear(8, 2);
    forward(x: Tensor): Tensor {
      return this.fc2.forward(this.fc1.forward(x).detach());
    }
  }

  test('a graph that is cut', () => {
    const reason = 'it is not called, or what becomes of its output is not recorded';
    checkLeft(tracked(new Unrecorded()), randn([3, 4]), reason);
  });

  class Beside extends nn.Module {
    readonly fc1 = new nn.Linear(4, 8);
    readonly fc2 = new nn.Linear(8, 2);
    forward(x: Tensor): Tensor {
      const h = this.fc1.forward(x);
      return this.fc2.forward(h).add(h.detach().matmul(ones([8, 2])));
    }
  }

  test('a way round the graph', () => {
    const model = tracked(new Beside());
    const reason = 'without one of its units the model fails: matmul: inner sizes differ: [3, 7] × [8, 2] (7 ≠ 8).';
    checkLeft(model, randn([3, 4]), reason);
  });

  const nets: [string, () => nn.Sequential, number[], string][] = [
    [
      'pooling over features',
      () => new nn.Sequential(new nn.Linear(8, 4), new nn.MaxPool2d(2), new nn.Linear(2, 2)),
      [1, 1, 4, 8],
      'maxPool2d() in 1 works across its units',
    ],
    [
      'a layer norm',
      () => new nn.Sequential(new nn.Linear(8, 4), new nn.LayerNorm(4), new nn.Linear(4, 2)),
      [3, 8],
      'layerNorm() in 1 works across its units',
    ],
    [
      'sigmoid, where units are still read',
      () => new nn.Sequential(new nn.Linear(8, 4), new nn.Sigmoid(), new nn.Linear(4, 2)),
      [3, 8],
      '1 of its units are made by zeros and still give something, as behind a sigmoid or the shift of a norm; silence() ' +
        'masks that and what reads them, too',
    ],
    [
      'softmax',
      () => new nn.Sequential(new nn.Linear(8, 4), new nn.Softmax(1), new nn.Linear(4, 2)),
      [3, 8],
      'softmax() in 1 works across its units',
    ],
  ];
  test.each(nets)('%s', (_, make, shape, reason) => {
    checkLeft(tracked(make()), randn(shape), reason);
  });

  test('flattening a single row keeps units together', () => {
    const model = tracked(new nn.Sequential(new nn.Linear(3, 4), new nn.Flatten(), new nn.Linear(4, 2)));
    checkShrink(model, randn([2, 1, 3]), 0.5, { parameters: 2 * 3 + 2 + 2 * 2 + 2 });
  });
});
