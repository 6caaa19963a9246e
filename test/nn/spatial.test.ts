import type { Tensor } from 'fettle';
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
    new nn.ConvTranspose3d(2, 2, [3, 2, 1], { stride: 2, padding: [1, 0, 0], outputPadding: 1, bias: false, groups: 2 }),
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
