import { manualSeed, randn, tensor } from 'fettle';
import { countModel } from 'fettle/compress';
import * as nn from 'fettle/nn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { release, tracked } from './modules.js';

beforeEach(() => {
  manualSeed(1);
});
afterEach(release);

const work = (model: nn.Module, ...xs: Parameters<typeof countModel>[1][]): [number, number] => {
  const { parameters, multiplyAdds } = countModel(model, xs.flat() as never);
  return [parameters, multiplyAdds];
};

test('linear layers, convolutions and norms, layer by layer', () => {
  const model = tracked(
    new nn.Sequential({
      conv: new nn.Conv2d(1, 6, 5, { padding: 2 }),
      bn: new nn.BatchNorm2d(6),
      relu: new nn.ReLU(),
      pool: new nn.AvgPool2d(2),
      deep: new nn.Conv2d(6, 6, 3, { groups: 6, stride: 2 }),
      flatten: new nn.Flatten(),
      fc: new nn.Linear(6 * 36, 10),
    }),
  );
  model.train();
  const count = countModel(model, randn([1, 1, 28, 28]));
  expect(count.layers).toEqual([
    { name: 'conv', type: 'Conv2d', parameters: 156, multiplyAdds: 28 * 28 * 6 * 25, between: 0 },
    { name: 'bn', type: 'BatchNorm2d', parameters: 12, multiplyAdds: 28 * 28 * 6, between: 0 },
    { name: 'deep', type: 'Conv2d', parameters: 60, multiplyAdds: 6 * 6 * 6 * 9, between: 0 },
    { name: 'fc', type: 'Linear', parameters: 2170, multiplyAdds: 2160, between: 0 },
  ]);
  expect(count.parameters).toBe(156 + 12 + 60 + 2170);
  expect(count.multiplyAdds).toBe(28 * 28 * 156 + 36 * 54 + 2160);
  expect(model.training).toBe(true);
  // A batch of two is twice the work.
  expect(countModel(model, randn([2, 1, 28, 28])).multiplyAdds).toBe(2 * count.multiplyAdds);
});

test('other convolutions', () => {
  expect(work(tracked(new nn.Conv1d(3, 5, 2, { bias: false })), randn([1, 3, 9]))).toEqual([30, 30 * 8]);
  expect(work(tracked(new nn.Conv3d(1, 2, 2)), randn([1, 1, 3, 3, 3]))).toEqual([18, 16 * 8]);
  // Every number of 4 × 4 meets each of its channel's 2 · 9 weights.
  expect(work(tracked(new nn.ConvTranspose2d(3, 2, 3)), randn([1, 3, 4, 4]))).toEqual([56, 16 * 54]);
});

test('recurrent layers: every matrix at every time', () => {
  expect(work(tracked(new nn.LSTM(3, 4)), randn([5, 2, 3]))).toEqual([4 * 4 * (3 + 4 + 2), 10 * 16 * 7]);
  expect(work(tracked(new nn.GRU(3, 4, { bidirectional: true, bias: false })), randn([5, 1, 3]))).toEqual([
    2 * 12 * 7,
    5 * 2 * 12 * 7,
  ]);
  expect(work(tracked(new nn.LSTMCell(3, 4)), randn([2, 3]))[1]).toBe(2 * 16 * 7);
});

test('attention: projections, scores and sums; embeddings are looked up', () => {
  const attention = tracked(new nn.MultiheadAttention(8, 2, { batchFirst: true }));
  const [x, y] = [randn([1, 5, 8]), randn([1, 3, 8])];
  const { layers, multiplyAdds, uses } = countModel(attention, [x, y, y]);
  const projections = 5 * 64 + 2 * 3 * 64 + 5 * 64;
  expect(multiplyAdds).toBe(projections + 2 * 5 * 3 * 8);
  expect(layers.map(({ between }) => between)).toEqual([2 * 5 * 3 * 8, 0]);
  expect(uses.get(attention.outProj.weight)).toBe(5);
  const net = tracked(
    new nn.Sequential({ words: new nn.Embedding(11, 4), norm: new nn.LayerNorm(4), head: new nn.Linear(4, 2) }),
  );
  expect(work(net, tensor([[1, 2, 3]], { dtype: 'int32' }))).toEqual([44 + 8 + 10, 12 + 3 * 8]);
});

test('what is shared is held once and works twice', () => {
  const layer = new nn.Linear(4, 4);
  const model = tracked(new nn.Sequential({ a: layer, relu: new nn.ReLU(), b: layer }));
  expect(work(model, randn([1, 4]))).toEqual([20, 32]);
});
