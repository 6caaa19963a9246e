import { FettleError, manualSeed, noGrad, randn, type Tensor, tanh, tensor } from 'fettle';
import * as nn from 'fettle/nn';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { outputsOf } from '../golden/compare.js';

/** Copies of modules: as objects, and by way of their structure. */

const made: nn.Module[] = [];

/** A module that is freed after its test. */
function own<M extends nn.Module>(module: M): M {
  made.push(module);
  return module;
}

beforeEach(() => {
  manualSeed(6);
});
afterEach(() => {
  for (const module of made.splice(0)) module.dispose();
});

const run = (model: nn.Module, inputs: readonly Tensor[]): number[][] =>
  noGrad(() => outputsOf(model.forward(...(inputs as never[]))).map((y) => [...y.dataSync()]));

/** A stack of copies of a layer, which is freed. */
function stacked<L extends nn.Module, M>(layer: L, make: (layer: L) => M): M {
  const made = make(layer);
  layer.dispose();
  return made;
}

/** Layers that take or give more than one tensor, not as their constructors make them by default. */
const LAYERS: Readonly<Record<string, [make: () => nn.Module, shapes: number[][]]>> = {
  RNN: [() => new nn.RNN(3, 4, 2, 'relu', { bias: false, batchFirst: true }), [[2, 5, 3]]],
  LSTM: [() => new nn.LSTM(3, 4, { numLayers: 2, bidirectional: true, projSize: 2, dropout: 0.5 }), [[5, 2, 3]]],
  GRU: [() => new nn.GRU(3, 4, { bidirectional: true }), [[5, 2, 3]]],
  RNNCell: [() => new nn.RNNCell(3, 4, false, 'relu'), [[2, 3]]],
  LSTMCell: [() => new nn.LSTMCell(3, 4, false), [[2, 3]]],
  GRUCell: [() => new nn.GRUCell(3, 4, false), [[2, 3]]],
  MultiheadAttention: [
    () => new nn.MultiheadAttention(4, 2, 0.3, true, true, true, 3, 5, true),
    [
      [2, 3, 4],
      [2, 5, 3],
      [2, 5, 5],
    ],
  ],
  TransformerEncoderLayer: [
    () => new nn.TransformerEncoderLayer(4, 2, 6, 0.3, 'gelu', 1e-3, true, true, false),
    [[2, 3, 4]],
  ],
  TransformerDecoderLayer: [
    () => new nn.TransformerDecoderLayer(4, 2, { dimFeedforward: 6, activation: 'gelu', normFirst: true }),
    [
      [3, 2, 4],
      [5, 2, 4],
    ],
  ],
  TransformerEncoder: [
    () =>
      stacked(
        new nn.TransformerEncoderLayer(4, 2, 6),
        (layer) => new nn.TransformerEncoder(layer, 2, new nn.LayerNorm(4)),
      ),
    [[3, 2, 4]],
  ],
  TransformerDecoder: [
    () => stacked(new nn.TransformerDecoderLayer(4, 2, 6), (layer) => new nn.TransformerDecoder(layer, 2)),
    [
      [3, 2, 4],
      [5, 2, 4],
    ],
  ],
  Transformer: [
    () => new nn.Transformer(4, 2, 1, 2, 6, 0.1, 'gelu', { batchFirst: true, normFirst: true }),
    [
      [2, 3, 4],
      [2, 5, 4],
    ],
  ],
};

describe.each(Object.entries(LAYERS))('%s', (_name, [make, shapes]) => {
  test('is copied', () => {
    const model = own(make()).eval();
    const copy = own(nn.cloneModule(model));
    const inputs = shapes.map((shape) => randn(shape));
    expect(String(copy)).toBe(String(model));
    expect(Object.keys(copy.stateDict())).toEqual(Object.keys(model.stateDict()));
    expect(run(copy, inputs)).toEqual(run(model, inputs));
  });

  test('comes back from its structure as JSON', () => {
    const model = own(make()).eval();
    const topology = JSON.parse(JSON.stringify(nn.describe(model))) as nn.Topology;
    const copy = own(nn.construct(topology)).eval();
    copy.loadStateDict(model.stateDict());
    const inputs = shapes.map((shape) => randn(shape));
    expect(String(copy)).toBe(String(model));
    expect(run(copy, inputs)).toEqual(run(model, inputs));
  });
});

test('a transformer layer with a function cannot be described', () => {
  const model = own(new nn.TransformerEncoderLayer(4, 2, { activation: tanh }));
  expect(() => nn.describe(model)).toThrow(FettleError);
});

describe('cloneModule', () => {
  /** One layer under two names, one in collections, a buffer, and things that are none of these. */
  class Odd extends nn.Module {
    readonly first = new nn.Linear(3, 3);
    readonly again = this.first;
    readonly tied = this.first.weight;
    readonly list = [this.first, new nn.Tanh()] as const;
    readonly byName = new Map<string, nn.Module>([['one', this.first]]);
    readonly several = new Set<nn.Module>([this.first]);
    readonly inner = new nn.Linear(3, 3, false);
    readonly settings = { inner: { layer: this.inner } };
    readonly mask = new nn.Buffer(tensor([1, 0, 1]), false);
    readonly date = new Date(0);
    readonly me: Odd = this;
    count = 3;

    forward(x: Tensor): Tensor {
      return this.settings.inner.layer.forward(this.again.forward(x).mul(this.mask));
    }
  }

  test('copies modules of one’s own, and keeps what is shared shared', () => {
    const model = own(new Odd());
    const copy = own(nn.cloneModule(model));
    expect(copy).toBeInstanceOf(Odd);
    expect(copy.first).not.toBe(model.first);
    expect(copy.again).toBe(copy.first);
    expect(copy.tied).toBe(copy.first.weight);
    expect(copy.list[0]).toBe(copy.first);
    expect(copy.byName.get('one')).toBe(copy.first);
    expect(copy.several.has(copy.first)).toBe(true);
    expect(copy.settings.inner.layer).toBe(copy.inner);
    expect(copy.inner).not.toBe(model.inner);
    expect(copy.mask.storage).not.toBe(model.mask.storage);
    expect(copy.mask.persistent).toBe(false);
    expect(copy.date).toBe(model.date);
    expect(copy.me).toBe(copy);
    expect(copy.count).toBe(3);
    const x = randn([2, 3]);
    expect(run(copy, [x])).toEqual(run(model, [x]));
  });

  test('copies modes and what is frozen, and leaves gradients and hooks behind', () => {
    const model = own(new nn.Sequential(new nn.Linear(2, 2), new nn.Dropout(0.5)));
    const [linear, dropout] = [model.at(0) as nn.Linear, model.at(1)];
    dropout.eval();
    linear.bias?.requiresGrad_(false);
    model
      .forward(randn([3, 2]))
      .sum()
      .backward();
    const seen: nn.Module[] = [];
    linear.registerForwardHook((module) => {
      seen.push(module);
      return undefined;
    });
    const copy = own(nn.cloneModule(model));
    const other = copy.at(0) as nn.Linear;
    expect([copy.training, copy.at(1).training]).toEqual([true, false]);
    expect([other.weight.requiresGrad, other.bias?.requiresGrad]).toEqual([true, false]);
    expect(other.weight.grad).toBeNull();
    copy.forward(randn([3, 2]));
    expect(seen).toEqual([]);
    const handle = other.registerForwardHook((_module, _inputs, y) => y.neg());
    handle.remove();
    model.forward(randn([3, 2]));
    expect(seen).toEqual([linear]);
  });

  test('copies containers that change afterwards', () => {
    const model = own(new nn.Sequential(new nn.Linear(2, 2), new nn.ReLU()));
    const copy = own(nn.cloneModule(model));
    copy.replace('1', new nn.Tanh());
    expect(model.at(1)).toBeInstanceOf(nn.ReLU);
    expect(copy.at(1)).toBeInstanceOf(nn.Tanh);
  });
});
