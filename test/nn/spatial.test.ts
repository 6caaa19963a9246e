import { arange, FettleError, manualSeed, pad, randn, type Tensor, tensor, zeros } from 'fettle';
import * as nn from 'fettle/nn';
import { describe, expect, test } from 'vitest';
import { checkModels, type Layer } from '../golden/nn.js';

class Autoencoder extends nn.Module {
  conv = new nn.Conv2d(1, 2, 3, { padding: 1 });
  pool = new nn.MaxPool2d(2, { returnIndices: true });
  unpool = new nn.MaxUnpool2d(2);
  back = new nn.ConvTranspose2d(2, 1, 3, { padding: 1 });

  forward(x: Tensor): Tensor {
    const y = this.conv.forward(x);
    const { values, indices } = this.pool.forward(y);
    return this.back.forward(this.unpool.forward(values, indices, { outputSize: y.shape }));
  }
}

const border = [1, 2, 0, 1, 2, 0];
const cut = (rank: number): number[] => [...border.slice(0, 2 * rank - 1), -1];

const around: Record<string, () => Layer> = {};
for (const paddingMode of ['reflect', 'replicate', 'circular'] as const) {
  around[`conv 1d, ${paddingMode}`] = () => new nn.Conv1d(4, 2, 3, { padding: 2, paddingMode });
  around[`conv 1d, ${paddingMode}, same`] = () => new nn.Conv1d(4, 2, 4, { padding: 'same', paddingMode });
  around[`conv 2d, ${paddingMode}`] = () => new nn.Conv2d(2, 2, [3, 2], 2, [2, 1], 1, 1, true, paddingMode);
  around[`conv 3d, ${paddingMode}`] = () =>
    new nn.Conv3d(2, 2, 2, { padding: [1, 0, 2], dilation: 2, paddingMode, bias: false });
}

checkModels('spatial', {
  'conv 1d': () => new nn.Conv1d(4, 6, 3),
  'conv 1d with options': () => new nn.Conv1d(4, 6, 2, 2, 1, 2, 2, false),
  'conv 1d, same': () => new nn.Conv1d(4, 2, 4, { padding: 'same' }),
  'conv 1d, valid': () => new nn.Conv1d(4, 2, [4], { padding: 'valid', dilation: 2 }),
  'conv 2d, depthwise': () => new nn.Conv2d(4, 8, [3, 2], { groups: 4 }),
  'conv 2d, same': () => new nn.Conv2d(4, 2, [2, 3], { padding: 'same', dilation: [3, 1] }),
  'conv 3d': () => new nn.Conv3d(2, 3, 2),
  'conv 3d with options': () =>
    new nn.Conv3d(2, 4, [3, 2, 3], { stride: [2, 1, 1], padding: [1, 0, 2], groups: 2, bias: false }),
  'conv transpose 1d': () => new nn.ConvTranspose1d(4, 3, 3),
  'conv transpose 1d with options': () => new nn.ConvTranspose1d(4, 6, 3, 3, 1, 2, 2, false, 2),
  'conv transpose 1d to a size': () => new nn.ConvTranspose1d(4, 2, 3, { stride: 3, padding: 1 }),
  'conv transpose 2d': () => new nn.ConvTranspose2d(4, 3, [3, 2]),
  'conv transpose 2d with options': () =>
    new nn.ConvTranspose2d(4, 2, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2, dilation: [1, 2] }),
  'conv transpose 2d to a size': () => new nn.ConvTranspose2d(2, 2, 3, { stride: 2 }),
  'conv transpose 3d': () => new nn.ConvTranspose3d(2, 3, 2),
  'conv transpose 3d with options': () =>
    new nn.ConvTranspose3d(2, 2, [3, 2, 1], {
      stride: 2,
      padding: [1, 0, 0],
      outputPadding: 1,
      bias: false,
      groups: 2,
    }),
  'max pool 1d': () => new nn.MaxPool1d(3, 2, 1),
  'max pool 1d with indices': () => new nn.MaxPool1d(2, null, 0, 1, true),
  'max pool 2d with indices': () => new nn.MaxPool2d([2, 3], { stride: [1, 2], returnIndices: true, ceilMode: true }),
  'max pool 3d': () => new nn.MaxPool3d(2),
  'max pool 3d with options': () =>
    new nn.MaxPool3d([2, 1, 3], { stride: 1, padding: [1, 0, 1], dilation: [1, 2, 1], returnIndices: true }),
  'avg pool 1d': () => new nn.AvgPool1d(2),
  'avg pool 1d with options': () => new nn.AvgPool1d([3], 2, 1, true, false),
  'avg pool 2d with a divisor': () => new nn.AvgPool2d(2, { divisorOverride: 3 }),
  'avg pool 3d': () => new nn.AvgPool3d(2),
  'avg pool 3d with options': () =>
    new nn.AvgPool3d([2, 3, 2], { stride: [2, 1, 2], padding: [1, 1, 0], ceilMode: true, countIncludePad: false }),
  'adaptive avg pool 1d': () => new nn.AdaptiveAvgPool1d(3),
  'adaptive avg pool 3d': () => new nn.AdaptiveAvgPool3d([2, null, 3]),
  'adaptive max pool 1d': () => new nn.AdaptiveMaxPool1d(3),
  'adaptive max pool 2d': () => new nn.AdaptiveMaxPool2d([2, null]),
  'adaptive max pool 2d with indices': () => new nn.AdaptiveMaxPool2d(3, { returnIndices: true }),
  'adaptive max pool 3d': () => new nn.AdaptiveMaxPool3d(2),
  'max unpool 1d': () => new nn.MaxUnpool1d(2),
  'max unpool 2d': () => new nn.MaxUnpool2d([2, 1], { stride: [2, 1] }),
  'max unpool 3d': () => new nn.MaxUnpool3d(2, { padding: 0 }),
  'lp pool 1d': () => new nn.LPPool1d(2, 3),
  'lp pool 2d': () => new nn.LPPool2d(3, [2, 3], { stride: 2, ceilMode: true }),
  unfold: () => new nn.Unfold(2),
  'unfold with options': () => new nn.Unfold([2, 3], { dilation: [1, 2], padding: 1, stride: 2 }),
  fold: () => new nn.Fold([3, 4], 2),
  'fold with options': () => new nn.Fold(5, [2, 3], { padding: [1, 0], stride: [2, 1] }),
  autoencoder: () => new Autoencoder(),
  ...around,
  'constant pad 1d': () => new nn.ConstantPad1d(cut(1), 1.5),
  'constant pad 1d, even': () => new nn.ConstantPad1d(1, 2),
  'reflection pad 1d': () => new nn.ReflectionPad1d(border.slice(0, 2)),
  'replication pad 1d': () => new nn.ReplicationPad1d(border.slice(0, 2)),
  'replication pad 1d, even': () => new nn.ReplicationPad1d(2),
  'constant pad 2d': () => new nn.ConstantPad2d(cut(2), 1.5),
  'constant pad 2d, even': () => new nn.ConstantPad2d(1, 2),
  'reflection pad 2d': () => new nn.ReflectionPad2d(border.slice(0, 4)),
  'replication pad 2d': () => new nn.ReplicationPad2d(border.slice(0, 4)),
  'replication pad 2d, even': () => new nn.ReplicationPad2d(2),
  'constant pad 3d': () => new nn.ConstantPad3d(cut(3), 1.5),
  'constant pad 3d, even': () => new nn.ConstantPad3d(1, 2),
  'reflection pad 3d': () => new nn.ReflectionPad3d(border),
  'replication pad 3d': () => new nn.ReplicationPad3d(border),
  'replication pad 3d, even': () => new nn.ReplicationPad3d(2),
  'zero pad 2d': () => new nn.ZeroPad2d([1, 0, -1, 2]),
  'zero pad 2d, even': () => new nn.ZeroPad2d(2),
});

test.each([
  ['Conv1d', () => new nn.Conv1d(8, 16, 5, { groups: 2 }), 4 * 5],
  ['Conv3d', () => new nn.Conv3d(4, 16, 3), 4 * 27],
  // PyTorch takes the second size of a weight for its inputs, which here are outputs.
  ['ConvTranspose2d', () => new nn.ConvTranspose2d(16, 8, 3, { groups: 2 }), 4 * 9],
] as const)('%s begins within PyTorch’s bounds', (_name, make, fanIn) => {
  manualSeed(0);
  const layer = make();
  const bound = 1 / Math.sqrt(fanIn);
  const largest = (x: Tensor): number => x.abs().max().item();
  expect(largest(layer.weight)).toBeLessThanOrEqual(bound);
  expect(largest(layer.weight)).toBeGreaterThan(0.9 * bound);
  expect(largest(layer.bias as Tensor)).toBeLessThanOrEqual(bound);
  layer.dispose();
});

/** What a layer makes of three elements that should become `outputSize`. */
function enlarged(outputSize: readonly number[]): Tensor {
  const layer = new nn.ConvTranspose1d(1, 1, 2, { stride: 2 });
  try {
    return layer.forward(zeros([1, 1, 3]), outputSize);
  } finally {
    layer.dispose();
  }
}

describe('arguments that PyTorch refuses', () => {
  test.each<[string, () => unknown]>([
    ['groups that do not divide', () => new nn.Conv2d(3, 4, 3, { groups: 2 })],
    ['no group', () => new nn.Conv1d(2, 2, 3, { groups: 0 })],
    ['a stride with same', () => new nn.Conv1d(2, 2, 3, { stride: 2, padding: 'same' })],
    ['an unknown word for padding', () => new nn.Conv1d(2, 2, 3, { padding: 'full' as 'same' })],
    ['an unknown padding mode', () => new nn.Conv1d(2, 2, 3, { paddingMode: 'mirror' as 'reflect' })],
    [
      'a padding mode of a transposed one',
      () => new nn.ConvTranspose1d(2, 2, 3, { paddingMode: 'reflect' as 'zeros' }),
    ],
    ['a misspelt option', () => new nn.Conv3d(2, 2, 3, { dilatation: 2 } as object)],
    ['a border of three', () => new nn.ReflectionPad2d([1, 2, 3])],
    ['a value that is none', () => new nn.ConstantPad1d(1, undefined as unknown as number)],
    ['a size out of reach', () => enlarged([9])],
    ['a size of too many', () => enlarged([6, 6])],
    ['places in another shape', () => new nn.MaxUnpool1d(2).forward(zeros([1, 1, 2]), zeros([1, 1, 3]).int())],
  ])('%s', (_what, call) => {
    expect(call).toThrow(FettleError);
  });
});

test('a layer that needs two tensors is described and built again', () => {
  for (const layer of [new nn.MaxUnpool1d(3, 2, 1), new nn.MaxUnpool2d([2, 3]), new nn.MaxUnpool3d(2)]) {
    expect(String(nn.cloneModule(layer))).toBe(String(layer));
  }
});

test('what PyTorch 1.13 has no layer for is pad', () => {
  const x = randn([1, 2, 3, 4, 5]);
  const [line, image] = [x.select(2, 0).select(2, 0), x.select(2, 0)];
  const same = (y: Tensor, want: Tensor): void => expect(y.toArray()).toEqual(want.toArray());
  same(new nn.CircularPad1d([2, 1]).forward(line), pad(line, [2, 1], 'circular'));
  same(new nn.CircularPad2d(2).forward(image), pad(image, [2, 2, 2, 2], 'circular'));
  same(new nn.CircularPad3d([1, 0, 2, 1, 0, 3]).forward(x), pad(x, [1, 0, 2, 1, 0, 3], 'circular'));
  same(new nn.ZeroPad1d(1).forward(line), pad(line, [1, 1]));
  same(new nn.ZeroPad3d([1, 0, 2, 1, 0, -1]).forward(x), pad(x, [1, 0, 2, 1, 0, -1]));
  expect(String(new nn.CircularPad2d(2))).toBe('CircularPad2d((2, 2, 2, 2))');
});

test('unfold is a view with three numbers and columns with other arguments', () => {
  const x = arange(12).float().reshape([1, 1, 3, 4]);
  expect(x.unfold(3, 2, 2).shape).toEqual([1, 1, 3, 2, 2]);
  expect(x.unfold(2).shape).toEqual([1, 4, 6]);
  expect(x.unfold([3, 2], { stride: 2 }).toArray()).toEqual(
    tensor([
      [
        [0, 2],
        [1, 3],
        [4, 6],
        [5, 7],
        [8, 10],
        [9, 11],
      ],
    ]).toArray(),
  );
  const line = tensor([1, 2, 3, 4, 5]);
  const windows = line.unfold(0, 3, 2);
  line.mul_(10);
  expect(windows.toArray()).toEqual([
    [10, 20, 30],
    [30, 40, 50],
  ]);
});
