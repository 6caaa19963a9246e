import {
  crossEntropy,
  FettleError,
  gradgradcheck,
  manualSeed,
  randn,
  scope,
  stack,
  type Tensor,
  tensor,
  zeros,
} from 'fettle';
import * as nn from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { afterEach, describe, expect, test } from 'vitest';
import { checkModels, type Layer } from '../golden/nn.js';

type Recurrent = nn.RNN | nn.LSTM | nn.GRU;

/** A layer on a batch of sequences of unequal length. */
class Packed extends nn.Module {
  constructor(
    readonly layer: Recurrent,
    private readonly enforceSorted = true,
  ) {
    super();
  }

  forward(x: Tensor, lengths: Tensor, ...states: Tensor[]): unknown {
    const { batchFirst } = this.layer;
    const packed = nn.packPaddedSequence(x, lengths, batchFirst, this.enforceSorted);
    const hx = states.length < 2 ? states[0] : states;
    const [output, last] = this.layer.forward(packed, hx as never);
    return [nn.padPackedSequence(output, { batchFirst, paddingValue: 0.5, totalLength: 6 }), last];
  }
}

/** What packing gives, and what comes back of it. */
class Parts extends nn.Module {
  forward(a: Tensor, b: Tensor, c: Tensor): unknown {
    const padded = nn.utils.rnn.padSequence([a, b, c], { paddingValue: -1.5 });
    const packed = nn.utils.rnn.packSequence([a, b, c], false);
    const first = nn.utils.rnn.padSequence([a, b, c], true);
    const sorted = nn.utils.rnn.packPaddedSequence(first, tensor([5, 3, 1], { dtype: 'int32' }), { batchFirst: true });
    return [padded, packed, nn.utils.rnn.unpackSequence(packed), first, sorted];
  }
}

const kinds = { rnn: nn.RNN, lstm: nn.LSTM, gru: nn.GRU } as const;

checkModels('recurrent', {
  ...Object.fromEntries(
    Object.entries(kinds).flatMap(([name, Kind]): [string, () => Layer][] => [
      [name, () => new Kind(2, 3)],
      [`${name}, two layers`, () => new Kind(2, 3, 2)],
      [`${name}, both directions`, () => new Kind(2, 3, { bidirectional: true })],
      [`${name}, two layers, both directions`, () => new Kind(2, 3, 2, { bidirectional: true })],
      [`${name} without bias`, () => new Kind(2, 3, 2, { bias: false })],
      [`${name}, batch first`, () => new Kind(2, 3, { batchFirst: true, bidirectional: true })],
      [`${name} with dropout`, () => new Kind(2, 3, { numLayers: 3, dropout: 0.25 })],
      [`${name}, all dropped`, () => new Kind(2, 3, { numLayers: 2, dropout: 1 })],
      [`${name}, packed`, () => new Packed(new Kind(2, 3, 2, { bidirectional: true }))],
      [`${name}, packed, one direction`, () => new Packed(new Kind(2, 3))],
      [`${name}, packed unsorted`, () => new Packed(new Kind(2, 3, { batchFirst: true, bidirectional: true }), false)],
    ]),
  ),
  'rnn with relu': () => new nn.RNN(2, 3, 2, 'relu'),
  'lstm with projection': () => new nn.LSTM(2, 4, { projSize: 2 }),
  'lstm with projections, both directions': () => new nn.LSTM(2, 4, 2, { bidirectional: true, projSize: 2 }),
  'lstm with projection, packed': () =>
    new Packed(new nn.LSTM(2, 4, { numLayers: 2, bidirectional: true, projSize: 2 }), false),
  'gru of many': () => new nn.GRU(3, 9, 1, true, { batchFirst: false }),
  'lstm of many': () => new nn.LSTM(3, 9, 1, true, false, 0, false),
  'rnn cell': () => new nn.RNNCell(2, 3),
  'rnn cell with relu': () => new nn.RNNCell(2, 3, false, 'relu'),
  'lstm cell': () => new nn.LSTMCell(2, 3),
  'lstm cell without bias': () => new nn.LSTMCell(2, 3, { bias: false }),
  'gru cell': () => new nn.GRUCell(2, 3),
  'gru cell without bias': () => new nn.GRUCell(2, 3, false),
  packing: () => new Parts(),
});

const made: nn.Module[] = [];

/** A module that is freed after its test. */
function own<M extends nn.Module>(module: M): M {
  made.push(module);
  return module;
}

afterEach(() => {
  for (const module of made.splice(0)) module.dispose();
});

describe('layers', () => {
  test('begin uniformly in ±1 / √hiddenSize', () => {
    manualSeed(3);
    const values = own(new nn.LSTM(40, 25))
      .parameters()
      .flatMap((p) => [...p.dataSync()]);
    expect(Math.max(...values)).toBeLessThanOrEqual(0.2);
    expect(Math.max(...values)).toBeGreaterThan(0.199);
    expect(Math.min(...values)).toBeLessThan(-0.199);
  });

  test('drop between layers in training alone, the last output never', () => {
    manualSeed(5);
    const layer = own(new nn.GRU(4, 64, { numLayers: 2, dropout: 0.5 }));
    const x = randn([3, 8, 4]);
    const [a, b] = [layer.forward(x)[0].dataSync(), layer.forward(x)[0].dataSync()];
    expect([...a]).not.toEqual([...b]);
    expect([...a].filter((v) => v === 0)).toEqual([]);
    layer.eval();
    expect([...layer.forward(x)[0].dataSync()]).toEqual([...layer.forward(x)[0].dataSync()]);
  });

  test('take a batch without sequences', () => {
    const [output, [h, c]] = own(new nn.LSTM(3, 4, 2)).forward(zeros([5, 0, 3]));
    expect([output.shape, h.shape, c.shape]).toEqual([
      [5, 0, 4],
      [2, 0, 4],
      [2, 0, 4],
    ]);
  });

  test.each([
    ['rnn', nn.RNN],
    ['lstm', nn.LSTM],
    ['gru', nn.GRU],
  ] as const)('have gradients of gradients: %s', (_name, Kind) => {
    manualSeed(8);
    const layer = own(new Kind(2, 3, { bidirectional: true })).requiresGrad_(false);
    const [x, h] = [randn([3, 2, 2]), randn([2, 2, 3])].map((t) => t.requiresGrad_()) as [Tensor, Tensor];
    const hx = (state: Tensor): never => (Kind === nn.LSTM ? [state, state] : state) as never;
    gradgradcheck((input, state) => layer.forward(input, hx(state))[0], [x, h], { atol: 1e-2, rtol: 1e-2 });
  });

  test.each<[string, () => unknown]>([
    ['no hidden units', () => new nn.LSTM(3, 0)],
    ['no layers', () => new nn.GRU(3, 4, 0)],
    ['a projection as wide as the cell', () => new nn.LSTM(3, 4, { projSize: 4 })],
    ['a projection of a gru', () => new nn.GRU(3, 4, { projSize: 2 } as nn.RecurrentOptions)],
    ['an unknown nonlinearity', () => new nn.RNN(3, 4, { nonlinearity: 'gelu' as 'relu' })],
    ['a probability above 1', () => new nn.RNN(3, 4, 2, { dropout: 2 })],
    ['an unknown option', () => new nn.RNN(3, 4, { batch_first: true } as nn.RNNOptions)],
    ['features of another size', () => own(new nn.GRU(3, 4)).forward(zeros([5, 2, 4]))],
    ['whole numbers', () => own(new nn.GRU(3, 4)).forward(zeros([5, 2, 3], { dtype: 'int32' }))],
    [
      'a state of whole numbers',
      () => {
        own(new nn.RNNCell(3, 4)).forward(zeros([2, 3]), zeros([2, 4], { dtype: 'int32' }));
      },
    ],
    ['four dimensions', () => own(new nn.GRU(3, 4)).forward(zeros([5, 2, 2, 3]))],
    ['an empty sequence', () => own(new nn.GRU(3, 4)).forward(zeros([0, 2, 3]))],
    ['a state of another batch', () => own(new nn.GRU(3, 4)).forward(zeros([5, 2, 3]), zeros([1, 3, 4]))],
    ['a batched state of one sequence', () => own(new nn.GRU(3, 4)).forward(zeros([5, 3]), zeros([1, 1, 4]))],
    [
      'a cell state of the projection’s size',
      () => {
        own(new nn.LSTM(3, 4, { projSize: 2 })).forward(zeros([5, 1, 3]), [zeros([1, 1, 2]), zeros([1, 1, 2])]);
      },
    ],
    ['a state of another size in a cell', () => own(new nn.GRUCell(3, 4)).forward(zeros([2, 3]), zeros([2, 3]))],
    ['three dimensions in a cell', () => own(new nn.LSTMCell(3, 4)).forward(zeros([2, 2, 3]))],
    ['lengths that rise', () => nn.packPaddedSequence(zeros([4, 2, 3]), [2, 4])],
    ['a length of 0', () => nn.packPaddedSequence(zeros([4, 2, 3]), [2, 0])],
    ['a length beyond the end', () => nn.packPaddedSequence(zeros([4, 2, 3]), [5, 2])],
    ['too few lengths', () => nn.packPaddedSequence(zeros([4, 2, 3]), [4])],
    ['a total length that cuts', () => nn.padPackedSequence(nn.packSequence([zeros([4, 3])]), { totalLength: 3 })],
    ['sequences of other features', () => nn.padSequence([zeros([4, 3]), zeros([4, 2])])],
    ['no sequences', () => nn.padSequence([])],
  ])('refuse %s', (_what, call) => {
    expect(call).toThrow(FettleError);
  });
});

test('sequences are filled up on either side', () => {
  const sequences = [tensor([1, 2]), tensor([3])];
  expect(nn.padSequence(sequences, true, 9).toArray()).toEqual([
    [1, 2],
    [3, 9],
  ]);
  expect(nn.padSequence(sequences, { batchFirst: true, paddingSide: 'left' }).toArray()).toEqual([
    [1, 2],
    [0, 3],
  ]);
  expect(() => nn.padSequence(sequences, { paddingSide: 'top' as 'left' })).toThrow(FettleError);
});

test('an LSTM learns to remember the first of many symbols', () => {
  manualSeed(1);
  const net = own(new nn.ModuleList([new nn.LSTM(4, 12), new nn.Linear(12, 4)]));
  const [lstm, head] = [net.at(0) as nn.LSTM, net.at(1) as nn.Linear];
  const optimizer = new Adam(net.parameters(), { lr: 0.03 });
  const symbols = [0, 1, 2, 3];
  let loss = Number.POSITIVE_INFINITY;
  for (let step = 0; step < 60; step++) {
    loss = scope(() => {
      // Behind the symbol comes noise.
      const first = tensor(symbols.map((s) => symbols.map((k) => (k === s ? 2 : 0))));
      const x = stack([first, ...Array.from({ length: 7 }, () => randn([4, 4]).mul(0.3))]);
      const [, [h]] = lstm.forward(x);
      const error = crossEntropy(head.forward(h.reshape([4, 12])), tensor(symbols, { dtype: 'int32' }));
      optimizer.zeroGrad();
      error.backward();
      optimizer.step();
      return error.item();
    });
  }
  optimizer.dispose();
  expect(loss).toBeLessThan(0.1);
});
