import { readFileSync } from 'node:fs';
import { mul, relu, type Tensor, tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { describe, expect, test } from 'vitest';
import { compare, type Expected } from '../golden/compare.js';
import { type InputSpec, type JsonNumber, makeInput, weights } from '../golden/inputs.js';

/**
 * Layers and nets against PyTorch's: what they print, the names and layouts of their state, what they compute from it, the
 * gradients of every parameter, and what a run leaves in their buffers. golden/nn.py has the same models.
 */

type Named<T> = readonly (readonly [name: string, value: T])[];

interface Run {
  readonly mode: 'train' | 'eval';
  readonly in: InputSpec;
  readonly out: Expected;
  readonly grad: readonly JsonNumber[];
  readonly grads: Named<readonly JsonNumber[]>;
  readonly after: Named<readonly JsonNumber[]>;
}

interface Model {
  readonly name: string;
  readonly repr: string;
  readonly state: Named<Expected>;
  readonly parameters: readonly string[];
  readonly modules: readonly string[];
  readonly runs: readonly Run[];
}

interface Loss {
  readonly name: keyof typeof LOSSES;
  readonly options: Readonly<Record<string, unknown>>;
  readonly repr: string;
  readonly in: readonly InputSpec[];
  readonly out: Expected;
  readonly grad: readonly (readonly JsonNumber[] | null)[];
}

const file = new URL('../golden/nn.json', import.meta.url);
const golden = JSON.parse(readFileSync(file, 'utf8')) as { models: readonly Model[]; losses: readonly Loss[] };

class LeNet extends nn.Module {
  features = new nn.Sequential(
    new nn.Conv2d(1, 3, 3, { padding: 1 }),
    new nn.BatchNorm2d(3),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(3, 4, 3),
    new nn.Tanh(),
    new nn.AvgPool2d(2),
  );
  flatten = new nn.Flatten();
  fc1 = new nn.Linear(4, 5);
  drop = new nn.Dropout(0.25);
  fc2 = new nn.Linear(5, 3);

  forward(x: Tensor): Tensor {
    const y = this.flatten.forward(this.features.forward(x));
    return this.fc2.forward(this.drop.forward(relu(this.fc1.forward(y))));
  }
}

class Residual extends nn.Module {
  blocks = new nn.ModuleList([
    new nn.Sequential(new nn.Linear(4, 4), new nn.LayerNorm(4), new nn.GELU()),
    new nn.Sequential(new nn.Linear(4, 4, { bias: false }), new nn.SiLU()),
  ]);
  scale = new nn.Parameter(tensor([0.5, 2]));
  head = new nn.Linear(4, 2);

  forward(x: Tensor): Tensor {
    const y = [...this.blocks].reduce((v, block) => v.add((block as nn.Sequential).forward(v)), x);
    return this.head.forward(y).mul(this.scale);
  }
}

class Tied extends nn.Module {
  encode = new nn.Linear(3, 3);
  act = new nn.Tanh();
  decode = this.encode;

  forward(x: Tensor): Tensor {
    return this.decode.forward(this.act.forward(this.encode.forward(x)));
  }
}

type Layer = nn.Module & { forward(x: Tensor): Tensor };

const MODELS: Readonly<Record<string, () => Layer>> = {
  linear: () => new nn.Linear(5, 3),
  'linear without bias': () => new nn.Linear(5, 3, { bias: false }),
  conv: () => new nn.Conv2d(2, 3, 3),
  'conv with options': () => new nn.Conv2d(4, 6, [3, 2], { stride: 2, padding: [1, 0], groups: 2, bias: false }),
  'conv, dilated': () => new nn.Conv2d(1, 2, 3, { padding: 1, dilation: 2 }),
  'batch norm 1d': () => new nn.BatchNorm1d(4),
  'batch norm 2d': () => new nn.BatchNorm2d(3),
  'batch norm with options': () => new nn.BatchNorm2d(3, { eps: 1e-3, momentum: 0.25 }),
  'batch norm, cumulative': () => new nn.BatchNorm1d(3, { momentum: null }),
  'batch norm, not affine': () => new nn.BatchNorm1d(3, { affine: false }),
  'batch norm without statistics': () => new nn.BatchNorm1d(3, { trackRunningStats: false }),
  'layer norm': () => new nn.LayerNorm(5),
  'layer norm over two': () => new nn.LayerNorm([3, 4], { eps: 1e-7 }),
  'layer norm, not affine': () => new nn.LayerNorm([5], { eps: 0.01, elementwiseAffine: false }),
  dropout: () => new nn.Dropout(0.3),
  'dropout of nothing': () => new nn.Dropout(0),
  'dropout of all': () => new nn.Dropout(1),
  'max pool': () => new nn.MaxPool2d(2),
  'max pool with options': () => new nn.MaxPool2d([3, 2], { stride: 2, padding: [1, 0], ceilMode: true }),
  'max pool, dilated': () => new nn.MaxPool2d(2, { stride: [1, 2], dilation: 2 }),
  'avg pool': () => new nn.AvgPool2d(2),
  'avg pool with options': () =>
    new nn.AvgPool2d([3, 2], { stride: [2, 1], padding: 1, countIncludePad: false, ceilMode: true }),
  'adaptive avg pool': () => new nn.AdaptiveAvgPool2d(1),
  'adaptive avg pool to a size': () => new nn.AdaptiveAvgPool2d([3, 4]),
  'adaptive avg pool along one side': () => new nn.AdaptiveAvgPool2d([null, 2]),
  relu: () => new nn.ReLU(),
  sigmoid: () => new nn.Sigmoid(),
  tanh: () => new nn.Tanh(),
  silu: () => new nn.SiLU(),
  gelu: () => new nn.GELU(),
  'gelu, tanh': () => new nn.GELU({ approximate: 'tanh' }),
  relu6: () => new nn.ReLU6(),
  'leaky relu': () => new nn.LeakyReLU(),
  'leaky relu with a slope': () => new nn.LeakyReLU(0.2),
  elu: () => new nn.ELU(),
  'elu with alpha': () => new nn.ELU(0.5),
  selu: () => new nn.SELU(),
  celu: () => new nn.CELU(2),
  mish: () => new nn.Mish(),
  softplus: () => new nn.Softplus(),
  'softplus with options': () => new nn.Softplus(2, 3),
  softsign: () => new nn.Softsign(),
  'log sigmoid': () => new nn.LogSigmoid(),
  hardsigmoid: () => new nn.Hardsigmoid(),
  hardswish: () => new nn.Hardswish(),
  hardtanh: () => new nn.Hardtanh(),
  'hardtanh with bounds': () => new nn.Hardtanh(-0.5, 1.5),
  threshold: () => new nn.Threshold(0.1, 20),
  glu: () => new nn.GLU(),
  'glu along a dimension': () => new nn.GLU(1),
  prelu: () => new nn.PReLU(),
  'prelu for channels': () => new nn.PReLU(4, 0.1),
  softmax: () => new nn.Softmax(1),
  'log softmax': () => new nn.LogSoftmax(-1),
  flatten: () => new nn.Flatten(),
  'flatten in part': () => new nn.Flatten(0, 1),
  identity: () => new nn.Identity(),
  'empty sequential': () => new nn.Sequential(),
  sequential: () =>
    new nn.Sequential(
      new nn.Linear(4, 6),
      new nn.ReLU(),
      new nn.Dropout(0.5),
      new nn.Linear(6, 3),
      new nn.LogSoftmax(1),
    ),
  'named sequential': () =>
    new nn.Sequential({
      conv: new nn.Conv2d(1, 2, 3, { bias: false }),
      norm: new nn.BatchNorm2d(2),
      act: new nn.ReLU(),
      rest: new nn.Sequential(new nn.Flatten(), new nn.Linear(8, 2)),
    }),
  LeNet: () => new LeNet(),
  Residual: () => new Residual(),
  Tied: () => new Tied(),
};

/** A loss of two or three tensors. */
type Judge = nn.Module & { forward(input: Tensor, target: Tensor, third: Tensor): Tensor };

const LOSSES = {
  CrossEntropyLoss: nn.CrossEntropyLoss,
  MSELoss: nn.MSELoss,
  L1Loss: nn.L1Loss,
  KLDivLoss: nn.KLDivLoss,
  BCEWithLogitsLoss: nn.BCEWithLogitsLoss,
  NLLLoss: nn.NLLLoss,
  BCELoss: nn.BCELoss,
  SmoothL1Loss: nn.SmoothL1Loss,
  HuberLoss: nn.HuberLoss,
  CosineEmbeddingLoss: nn.CosineEmbeddingLoss,
  MarginRankingLoss: nn.MarginRankingLoss,
  TripletMarginLoss: nn.TripletMarginLoss,
  HingeEmbeddingLoss: nn.HingeEmbeddingLoss,
  SoftMarginLoss: nn.SoftMarginLoss,
  PoissonNLLLoss: nn.PoissonNLLLoss,
  GaussianNLLLoss: nn.GaussianNLLLoss,
};

/** A tensor that PyTorch gave. */
function given({ shape, dtype = 'float32', data }: Expected): Tensor {
  return tensor(Float64Array.from(data, Number), shape, { dtype: dtype as 'float32' });
}

/** Runs a model and compares all that it gives. Nets sum over several layers, and so do their rounding errors. */
function check(what: string, model: Layer, run: Run): void {
  const ulps = 32;
  model.train(run.mode === 'train');
  model.zeroGrad();
  const { leaf, x } = makeInput(run.in, 0, 'contiguous');
  const y = model.forward(x);
  compare(`${what}: value`, y, run.out, true, ulps);
  mul(y, weights(0, y.shape)).sum().backward();
  compare(`${what}: gradient of the input`, leaf.grad as Tensor, { shape: leaf.shape, data: run.grad }, true, ulps);
  const parameters = model.namedParameters();
  expect(parameters.map(([name]) => name)).toEqual(run.grads.map(([name]) => name));
  for (const [i, [name, data]] of run.grads.entries()) {
    const { shape, grad } = (parameters[i] as [string, Tensor])[1];
    compare(`${what}: gradient of ${name}`, grad as Tensor, { shape, data }, true, ulps);
  }
  const buffers = model.namedBuffers();
  expect(buffers.map(([name]) => name)).toEqual(run.after.map(([name]) => name));
  for (const [i, [name, data]] of run.after.entries()) {
    const [, buffer] = buffers[i] as [string, Tensor];
    compare(`${what}: ${name}`, buffer, { shape: buffer.shape, dtype: buffer.dtype, data }, true, ulps);
  }
}

describe.each(golden.models.map((model) => [model.name, model] as const))('%s', (name, expected) => {
  function withModel(body: (model: Layer) => void): void {
    const make = MODELS[name];
    if (make === undefined) throw new Error(`there is no model '${name}' here`);
    const model = make();
    try {
      body(model);
    } finally {
      model.dispose();
    }
  }

  test('prints as PyTorch', () => {
    withModel((model) => expect(String(model)).toBe(expected.repr));
  });

  test('has PyTorch’s names and layouts', () => {
    withModel((model) => {
      const state = Object.entries(model.stateDict());
      expect(state.map(([key, { shape, dtype }]) => [key, shape, dtype])).toEqual(
        expected.state.map(([key, { shape, dtype = 'float32' }]) => [key, shape, dtype]),
      );
      expect(model.namedParameters().map(([key]) => key)).toEqual(expected.parameters);
      expect(model.namedModules().map(([key]) => key)).toEqual(expected.modules);
    });
  });

  test('computes what PyTorch does', () => {
    withModel((model) => {
      const state = Object.fromEntries(expected.state.map(([key, value]) => [key, given(value)]));
      expect(model.loadStateDict(state)).toEqual({ missingKeys: [], unexpectedKeys: [] });
      for (const [i, run] of expected.runs.entries()) check(`run ${i + 1}, ${run.mode}`, model, run);
    });
  });
});

test('there is a golden value for every model', () => {
  expect(golden.models.map(({ name }) => name)).toEqual(Object.keys(MODELS));
});

const losses = golden.losses.map((loss) => [`${loss.name} ${JSON.stringify(loss.options)}`, loss] as const);

describe.each(losses)('%s', (_title, loss) => {
  test('is PyTorch’s', () => {
    const made = loss.in.map((spec, k) => makeInput(spec, k, 'contiguous'));
    const isTensor = (key: string): boolean => key === 'weight' || key === 'posWeight';
    const options = Object.entries(loss.options).map(([key, v]) => [key, isTensor(key) ? made[v as number]?.x : v]);
    const module: Judge = new LOSSES[loss.name](Object.fromEntries(options));
    expect(String(module)).toBe(loss.repr);
    // Losses of two tensors look at no third.
    const y = module.forward(...(made.map(({ x }) => x) as [Tensor, Tensor, Tensor]));
    compare('value', y, loss.out, true);
    mul(y, weights(0, y.shape)).sum().backward();
    for (const [k, data] of loss.grad.entries()) {
      const leaf = made[k]?.leaf as Tensor;
      if (data === null) expect(leaf.grad).toBeNull();
      else compare(`gradient of input ${k}`, leaf.grad as Tensor, { shape: leaf.shape, data }, true);
    }
  });
});
