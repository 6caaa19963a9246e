import { FettleError, manualSeed, noGrad, randn, scope, type Tensor, tensor } from 'fettle';
import {
  compressedTypes,
  copyMasks,
  densify,
  maskOf,
  prune,
  SparseConv2d,
  SparseLinear,
  sparsify,
  sparsity,
} from 'fettle/compress';
import * as nn from 'fettle/nn';
import * as optim from 'fettle/optim';
import { afterEach, expect, test } from 'vitest';
import { Generator } from '../../src/core/random.js';
import { release, tracked } from './modules.js';

afterEach(release);

type Step = nn.Module & { forward(x: Tensor): Tensor };

/** Removes this share of the weights of every layer, at random. */
function pruned<M extends nn.Module>(model: M, share: number): M {
  for (const module of model.modules()) {
    if (module instanceof nn.Linear || module instanceof nn.Conv2d) prune.randomUnstructured(module, 'weight', share);
  }
  return model;
}

/** The same model with every layer sparse: what is measured must not decide what is tested. */
function allSparse<M extends nn.Module>(model: M, format: 'csr' | 'block', exampleInputs?: Tensor): M {
  const copy = tracked(nn.cloneModule(model));
  copyMasks(model, copy);
  const inputs = exampleInputs === undefined ? {} : { exampleInputs };
  const { layers } = sparsify(copy, { format, measure: false, minimumGain: 0, ...inputs });
  for (const { name, format: chosen, reason } of layers) expect(chosen, `${name}: ${reason}`).not.toBe('dense');
  return copy;
}

function near(a: Tensor, b: Tensor, tolerance = 2e-5): void {
  expect(a.shape).toEqual(b.shape);
  const [p, q] = [a.dataSync(), b.dataSync()];
  for (let i = 0; i < p.length; i++) {
    const difference = Math.abs((p[i] as number) - (q[i] as number));
    if (!(difference <= tolerance * (1 + Math.abs(q[i] as number)))) expect.fail(`${p[i]} is not ${q[i]} at ${i}`);
  }
}

test.each([
  ['csr', 0.9, 37, 19],
  ['csr', 0.95, 1, 5],
  ['csr', 1, 8, 8],
  ['block', 0.95, 24, 16],
  ['block', 1, 12, 4],
] as const)('%s, %f of %i → %i: as the dense layer, for every batch and rank', (format, share, from, to) => {
  manualSeed(3);
  const model = tracked(new nn.Sequential(new nn.Linear(from, to), new nn.ReLU(), new nn.Identity()));
  pruned(model, share);
  const sparse = allSparse(model, format);
  expect(sparse.at(0)).toBeInstanceOf(SparseLinear);
  for (const shape of [[1], [7], [64], [100], [2, 3], [0], []]) {
    const x = randn([...shape, from]);
    // With gradients the layers run one by one; without, relu is part of the product.
    near(sparse.forward(x), model.forward(x));
    near(
      noGrad(() => sparse.forward(x)),
      noGrad(() => model.forward(x)),
    );
  }
  const turned = randn([from, 33]).t();
  near(sparse.forward(turned), model.forward(turned));
});

test('a layer with nothing removed can be sparse, too, and a layer without bias', () => {
  const layer = tracked(new SparseLinear(6, 4, { entries: 24, bias: false }));
  const values = Float32Array.from({ length: 24 }, (_, i) => i - 11);
  layer.fill({
    heads: Int32Array.of(0, 6, 12, 18, 24),
    places: Int32Array.from({ length: 24 }, (_, i) => i % 6),
    values,
    kept: null,
  });
  const x = randn([5, 6]);
  near(layer.forward(x), x.matmul(tensor(values, [4, 6]).t()));
  near(layer.toDense(), tensor(values, [4, 6]));
});

test.each([
  ['padding', 3, { padding: 1 }, [4, 6, 9, 9]],
  ['a large image', 3, { padding: 1 }, [1, 6, 40, 37]],
  ['strides', 3, { stride: 2, padding: 1 }, [20, 6, 9, 8]],
  ['groups and dilation', 3, { groups: 2, dilation: 2, padding: 'same' }, [17, 6, 7, 7]],
  ['one by one', 1, {}, [3, 6, 5, 5]],
  ['no bias', 5, { bias: false }, [50, 6, 8, 8]],
  ['an empty batch', 3, {}, [0, 6, 8, 8]],
] as const)('convolution: %s', (_what, kernel, options, shape) => {
  manualSeed(4);
  const model = tracked(
    new nn.Sequential(
      new nn.Conv2d(6, 8, kernel, options),
      new nn.BatchNorm2d(8),
      new nn.ReLU(),
      new nn.Conv2d(8, 4, 1, { bias: false }),
      new nn.ReLU(),
    ),
  );
  pruned(model, 0.9).forward(randn([8, 6, 12, 12]));
  model.eval();
  const x = randn(shape);
  const sparse = allSparse(model, 'csr', randn([2, 6, 12, 12]));
  expect(sparse.at(0)).toBeInstanceOf(SparseConv2d);
  near(sparse.forward(x), model.forward(x));
  near(
    noGrad(() => sparse.forward(x)),
    noGrad(() => model.forward(x)),
  );
  if (shape[0] === 0) return;
  near(
    noGrad(() => sparse.at<Step>(0).forward(x.select(0, 0))),
    noGrad(() => model.at<Step>(0).forward(x.select(0, 0))),
  );
});

test('convolutions of any geometry', () => {
  const random = new Generator(11);
  const whole = (low: number, high: number): number => low + Math.floor(random.uniform() * (high - low + 1));
  for (let run = 0; run < 60; run++) {
    scope(() => {
      const groups = whole(1, 2);
      const kernel = [whole(1, 5), whole(1, 5)] as const;
      const stride = run % 3 === 0 ? ([whole(1, 3), whole(1, 3)] as const) : 1;
      const padding = [whole(0, 3), whole(0, 3)] as const;
      const options = { stride, padding, dilation: whole(1, 2), groups };
      const layer = new nn.Conv2d(groups * whole(1, 3), groups * whole(1, 4), kernel, options);
      const model = tracked(new nn.Sequential(layer, new nn.ReLU()));
      pruned(model, random.uniform());
      const x = randn([whole(1, 60), layer.inChannels, whole(9, 30), whole(9, 30)]);
      const sparse = allSparse(model, 'csr', x);
      noGrad(() => near(sparse.forward(x), model.forward(x)));
    });
    release();
  }
});

test.each([
  ['csr', 'SGD'],
  ['csr', 'Adam'],
  ['block', 'Adam'],
] as const)('%s with %s: training is that of the masked dense network', (format, which) => {
  manualSeed(5);
  const model = tracked(new nn.Sequential(new nn.Linear(20, 16), new nn.ReLU(), new nn.Linear(16, 4)));
  pruned(model, 0.88);
  const sparse = allSparse(model, format);
  const make = (parameters: nn.Parameter[]): optim.Optimizer =>
    which === 'SGD'
      ? new optim.SGD(parameters, { lr: 0.1, momentum: 0.9, weightDecay: 1e-3 })
      : new optim.Adam(parameters, { lr: 1e-2 });
  const [one, other] = [make(model.parameters()), make(sparse.parameters())];
  for (let step = 0; step < 12; step++) {
    const x = randn([32, 20]);
    const target = tensor(Int32Array.from({ length: 32 }, (_, i) => (i * 7 + step) % 4));
    const losses = ([model, sparse] as const).map((net, i) => {
      const optimizer = i === 0 ? one : other;
      optimizer.zeroGrad();
      const loss = new nn.CrossEntropyLoss().forward(net.forward(x), target);
      loss.backward();
      optimizer.step();
      return loss.item();
    });
    expect(losses[1]).toBeCloseTo(losses[0] as number, 5);
  }
  for (const at of [0, 2]) {
    const layer = sparse.at<SparseLinear>(at);
    near(layer.toDense(), model.at<nn.Linear>(at).weight, 1e-5);
    expect(layer.values.grad?.shape).toEqual(layer.values.shape);
    near(layer.bias as Tensor, model.at<nn.Linear>(at).bias as Tensor, 1e-5);
  }
  one.dispose?.();
  other.dispose?.();
});

test('a sparse convolution trains as the masked dense one', () => {
  manualSeed(6);
  const model = tracked(
    new nn.Sequential(new nn.Conv2d(3, 5, 3, { padding: 1 }), new nn.Tanh(), new nn.Conv2d(5, 2, 3)),
  );
  pruned(model, 0.7);
  const sparse = allSparse(model, 'csr', randn([1, 3, 8, 8]));
  for (let step = 0; step < 5; step++) {
    const x = randn([4, 3, 8, 8]);
    for (const net of [model, sparse]) {
      net.zeroGrad();
      net.forward(x).square().mean().backward();
      noGrad(() => {
        for (const p of net.parameters()) p.sub_((p.grad as Tensor).mul(0.5));
      });
      for (const p of net.parameters()) p.constraint?.apply();
    }
  }
  for (const at of [0, 2]) {
    near(sparse.at<SparseConv2d>(at).toDense().flatten(), model.at<nn.Conv2d>(at).weight.flatten(), 1e-5);
  }
});

test('the report says what became of each layer, and why', () => {
  class Own extends nn.Linear {}
  class Net extends nn.Module {
    big = new nn.Linear(256, 256);
    full = new nn.Linear(256, 32);
    mine = new Own(32, 32);
    tied = new nn.Linear(32, 32);
    knot = new nn.Linear(32, 32);
    unused = new nn.Linear(8, 8);
    conv = new nn.Conv2d(1, 2, 3, { padding: 1, paddingMode: 'circular' });
    watched = new nn.Linear(32, 8);
    calls = 0;
    forward(x: Tensor): Tensor {
      this.calls++;
      const y = this.tied.forward(this.mine.forward(this.full.forward(this.big.forward(this.big.forward(x)))));
      const image = this.conv
        .forward(y.reshape([-1, 1, 4, 8]))
        .narrow(1, 0, 1)
        .reshape([-1, 32]);
      return this.watched.forward(this.knot.forward(image));
    }
  }
  manualSeed(7);
  const model = tracked(new Net());
  model.knot.weight.dispose();
  model.knot.weight = model.tied.weight;
  let seen = 0;
  const handle = model.watched.registerForwardHook(() => {
    seen++;
    return undefined;
  });
  for (const layer of [model.big, model.mine, model.tied, model.unused, model.watched]) {
    prune.randomUnstructured(layer, 'weight', 0.95);
  }
  const x = randn([5, 256]);
  const before = scope(() => noGrad(() => model.forward(x)).keep());
  const bias = model.big.bias;
  const { layers } = sparsify(model, { exampleInputs: x, batchSize: 64, format: 'csr', minimumGain: 0.05 });
  const of = (name: string) => layers.find((layer) => layer.name === name);
  expect(of('big')).toMatchObject({ reason: null });
  // Its size is the machine's affair, and that of what else runs there.
  expect(of('big')?.gain).toBeGreaterThan(0.05);
  expect(of('big')?.sparsity).toBeCloseTo(0.95, 2);
  expect(of('full')?.reason).toMatch(/100 % of its weights would be stored/);
  expect(of('mine')?.reason).toMatch(/class of its own \(Own\)/);
  expect(of('tied')?.reason).toMatch(/its weight is also that of 'knot'/);
  expect(of('unused')?.reason).toMatch(/do not reach it/);
  expect(of('conv')?.reason).toMatch(/padding is circular/);
  expect(of('watched')?.reason).toMatch(/forward hooks/);
  expect(model.big as nn.Module).toBeInstanceOf(SparseLinear);
  expect(model.big.bias).toBe(bias);
  expect(model.training).toBe(true);
  expect(seen).toBe(2);
  near(model.forward(x), before, 1e-4);
  before.dispose();
  handle.remove();
  expect(model.toString()).toMatch(/\(big\): SparseLinear\(in_features=256, out_features=256, bias=True, nnz=3277/);
});

test('without measurement the same table decides everywhere; what gains too little stays', () => {
  const model = tracked(new nn.Sequential(new nn.Linear(32, 32), new nn.Linear(32, 32)));
  prune.randomUnstructured(model.at(0), 'weight', 0.9);
  prune.randomUnstructured(model.at(1), 'weight', 0.4);
  const { layers } = sparsify(model, { format: 'csr', measure: false });
  expect(layers[0]).toMatchObject({ format: 'csr', denseMilliseconds: null, reason: null });
  expect(layers[1]).toMatchObject({ format: 'dense', reason: expect.stringMatching(/csr would be 0\.\d+ × as fast/) });
  expect(model.at(1)).toBeInstanceOf(nn.Linear);
});

test('what sparse layers do not keep counts as zero', () => {
  for (const format of ['csr', 'block'] as const) {
    const model = tracked(new nn.Sequential(new nn.Linear(32, 16), new nn.ReLU(), new nn.Linear(16, 8)));
    pruned(model, 0.75);
    const before = sparsity(model);
    const { weights, zeros } = sparsity(allSparse(model, format, randn([1, 32])));
    expect([weights, zeros]).toEqual([before.weights, before.zeros]);
  }
});

test('densify puts ordinary layers back, masked; a shared layer stays shared; frozen stays frozen', () => {
  manualSeed(8);
  const shared = new nn.Linear(16, 16);
  const model = tracked(new nn.Sequential(shared, new nn.ReLU(), shared, new nn.Conv2d(1, 4, 3)));
  pruned(model, 0.9);
  shared.weight.requiresGrad = false;
  const before = shared.weight.toArray();
  const filters = model.at<nn.Conv2d>(3).weight.toArray();
  const sparse = allSparse(model, 'csr', randn([1, 16, 16]));
  expect(sparse.at(0)).toBe(sparse.at(2));
  expect(sparse.at<SparseLinear>(0).values.requiresGrad).toBe(false);
  expect(densify(sparse)).toEqual(['0', '3']);
  const layer = sparse.at<nn.Linear>(0);
  expect(layer).toBeInstanceOf(nn.Linear);
  expect(sparse.at(2)).toBe(layer);
  expect(layer.weight.toArray()).toEqual(before);
  expect(layer.weight.requiresGrad).toBe(false);
  expect(sparse.at<nn.Conv2d>(3).weight.toArray()).toEqual(filters);
  expect(maskOf(layer.weight)?.sum().item()).toBe(26);
  expect(densify(sparse)).toEqual([]);
});

test('state, copies and saved structures hold the whole layer', () => {
  manualSeed(9);
  const model = tracked(
    new nn.Sequential(new nn.Conv2d(2, 4, 3, { stride: 2 }), new nn.Flatten(), new nn.Linear(36, 8)),
  );
  pruned(model, 0.9);
  const sparse = allSparse(model, 'csr', randn([1, 2, 7, 7]));
  expect(Object.keys(sparse.stateDict())).toEqual([
    ...['values', 'bias', 'crow_indices', 'col_indices'].map((name) => `0.${name}`),
    ...['values', 'bias', 'crow_indices', 'col_indices'].map((name) => `2.${name}`),
  ]);
  const x = randn([3, 2, 7, 7], { requiresGrad: true });
  sparse.forward(x).sum().backward();
  const copy = tracked(nn.cloneModule(sparse));
  near(copy.forward(x), model.forward(x));
  const types = { ...nn.layerTypes, ...compressedTypes };
  const built = tracked(nn.construct(JSON.parse(JSON.stringify(nn.describe(sparse, types))), types) as nn.Sequential);
  // Before anything is loaded it has a structure of its own, which computes.
  expect(built.forward(x).shape).toEqual([3, 8]);
  built.loadStateDict(sparse.stateDict());
  near(built.forward(x), model.forward(x));
  built.forward(x).sum().backward();
  noGrad(() => copy.at<SparseLinear>(2).values.zero_());
  near(sparse.forward(x), model.forward(x));
});

test('indices that lead out of the matrix are refused before a kernel meets them', () => {
  const layer = tracked(new SparseLinear(6, 4, { entries: 5 }));
  const x = randn([2, 6]);
  layer.forward(x);
  const good = { ...layer.stateDict() };
  const broken: [string, number[], RegExp][] = [
    ['col_indices', [0, 1, 2, 3, 6], /col_indices must lie in \[0, 6\)/],
    ['col_indices', [0, 1, 2, -1, 4], /col_indices must lie in/],
    ['col_indices', [0, 0, 1, 2, 3], /must rise/],
    ['crow_indices', [0, 9, 5, 5, 5], /must not exceed 5/],
    ['crow_indices', [0, 3, 2, 5, 5], /must not fall/],
    ['crow_indices', [0, 1, 2, 3, 4], /end with the number of values/],
  ];
  for (const [key, numbers, message] of broken) {
    const whole = nn.cloneState(good);
    layer.loadStateDict({ ...whole, [key]: tensor(numbers, { dtype: 'int32' }) });
    expect(() => layer.forward(x)).toThrow(message);
    expect(() => layer.toDense()).toThrow(FettleError);
    nn.disposeState(whole);
    layer.loadStateDict({
      ...good,
      crow_indices: tensor([0, 5, 5, 5, 5], { dtype: 'int32' }),
      col_indices: tensor([0, 1, 2, 3, 4], { dtype: 'int32' }),
    });
    layer.forward(x);
  }
});

test('bad arguments change nothing', () => {
  const model = tracked(new nn.Sequential(new nn.Linear(6, 5)));
  prune.l1Unstructured(model.at(0), 'weight', 0.9);
  const message = (f: () => unknown): string => {
    try {
      f();
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  expect(message(() => sparsify(model, { format: 'coo' as 'csr' }))).toMatch(/format must be 'auto', 'csr' or 'block'/);
  expect(message(() => sparsify(model, { minimumGain: -1 }))).toMatch(/minimumGain must be at least 0/);
  expect(message(() => sparsify(model, { batchSize: 0 }))).toMatch(/batchSize must be a whole number/);
  expect(message(() => sparsify(model, { exampleInputs: randn([2, 7]) }))).toMatch(/must be 6/);
  expect(message(() => new SparseLinear(6, 4, { entries: 25 }))).toMatch(/entries must be a whole number up to 24/);
  expect(message(() => new SparseLinear(6, 5, { entries: 2, blockSize: [4, 1] }))).toMatch(/cannot be cut into blocks/);
  expect(message(() => new SparseLinear(6, 4, { entries: 2, blockSize: [2, 2] }))).toMatch(/blockSize must be/);
  expect(sparsify(model, { format: 'block' }).layers[0]?.reason).toMatch(/cannot be cut into blocks of 4 rows/);
  expect(sparsify(tracked(new nn.Linear(3, 3))).layers[0]?.reason).toMatch(/put it into a Sequential/);
  expect(model.at(0)).toBeInstanceOf(nn.Linear);
});
