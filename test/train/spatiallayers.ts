import type { Tensor } from 'fettle';
import * as nn from 'fettle/nn';

/** Layers of lines, images and volumes, not as their constructors make them by default, and the shape of what they take. */
export const SPATIAL: Readonly<
  Record<string, [make: () => nn.Module & { forward(x: Tensor): Tensor }, shape: number[]]>
> = {
  Conv1d: [
    () =>
      new nn.Conv1d(4, 6, 3, { stride: 2, padding: 1, dilation: 2, groups: 2, bias: false, paddingMode: 'reflect' }),
    [2, 4, 9],
  ],
  'Conv2d, same': [() => new nn.Conv2d(2, 3, [3, 2], { padding: 'same', paddingMode: 'circular' }), [2, 2, 5, 6]],
  Conv3d: [() => new nn.Conv3d(2, 4, [2, 3, 2], { stride: [1, 2, 1], padding: [1, 0, 1], groups: 2 }), [1, 2, 4, 5, 3]],
  ConvTranspose1d: [
    () => new nn.ConvTranspose1d(4, 2, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2, bias: false }),
    [2, 4, 5],
  ],
  ConvTranspose2d: [() => new nn.ConvTranspose2d(2, 3, [3, 2], { stride: [2, 1], dilation: [1, 2] }), [2, 2, 4, 3]],
  ConvTranspose3d: [() => new nn.ConvTranspose3d(2, 2, 2, { stride: [2, 1, 3], padding: [1, 0, 0] }), [1, 2, 3, 2, 2]],
  MaxPool1d: [() => new nn.MaxPool1d(3, { stride: 2, padding: 1, ceilMode: true }), [2, 3, 8]],
  MaxPool3d: [() => new nn.MaxPool3d([1, 2, 3], { stride: 1, dilation: [1, 2, 1] }), [1, 2, 3, 5, 4]],
  AvgPool1d: [() => new nn.AvgPool1d(3, { stride: 2, padding: 1, countIncludePad: false }), [2, 3, 8]],
  AvgPool3d: [() => new nn.AvgPool3d(2, { stride: [1, 2, 1], divisorOverride: 3 }), [1, 2, 3, 4, 3]],
  AdaptiveAvgPool1d: [() => new nn.AdaptiveAvgPool1d(3), [2, 3, 8]],
  AdaptiveAvgPool3d: [() => new nn.AdaptiveAvgPool3d([2, null, 1]), [1, 2, 3, 4, 3]],
  AdaptiveMaxPool1d: [() => new nn.AdaptiveMaxPool1d(3), [2, 3, 8]],
  AdaptiveMaxPool2d: [() => new nn.AdaptiveMaxPool2d([2, null]), [2, 2, 5, 3]],
  AdaptiveMaxPool3d: [() => new nn.AdaptiveMaxPool3d(2), [1, 2, 3, 4, 3]],
  LPPool1d: [() => new nn.LPPool1d(2, 3, { stride: 2, ceilMode: true }), [2, 3, 8]],
  LPPool2d: [() => new nn.LPPool2d(2, [2, 3]), [2, 2, 5, 6]],
  Fold: [() => new nn.Fold([3, 4], 2, { padding: [0, 1] }), [1, 8, 10]],
  Unfold: [() => new nn.Unfold([2, 3], { dilation: 2, padding: 1, stride: [1, 2] }), [1, 2, 5, 6]],
  ConstantPad1d: [() => new nn.ConstantPad1d([1, 2], 1.5), [2, 2, 4]],
  ConstantPad2d: [() => new nn.ConstantPad2d([1, 2, 0, 1], 1.5), [2, 2, 4, 3]],
  ConstantPad3d: [() => new nn.ConstantPad3d([1, 2, 0, 1, 2, 0], 1.5), [1, 2, 4, 3, 4]],
  ZeroPad1d: [() => new nn.ZeroPad1d([1, 2]), [2, 2, 4]],
  ZeroPad2d: [() => new nn.ZeroPad2d([1, 2, 0, 1]), [2, 2, 4, 3]],
  ZeroPad3d: [() => new nn.ZeroPad3d([1, 2, 0, 1, 2, 0]), [1, 2, 4, 3, 4]],
  ReflectionPad1d: [() => new nn.ReflectionPad1d([1, 2]), [2, 2, 4]],
  ReflectionPad2d: [() => new nn.ReflectionPad2d([1, 2, 0, 1]), [2, 2, 4, 3]],
  ReflectionPad3d: [() => new nn.ReflectionPad3d([1, 2, 0, 1, 2, 0]), [1, 2, 4, 3, 4]],
  ReplicationPad1d: [() => new nn.ReplicationPad1d([1, 2]), [2, 2, 4]],
  ReplicationPad2d: [() => new nn.ReplicationPad2d([1, 2, 0, 1]), [2, 2, 4, 3]],
  ReplicationPad3d: [() => new nn.ReplicationPad3d([1, 2, 0, 1, 2, 0]), [1, 2, 4, 3, 4]],
  CircularPad1d: [() => new nn.CircularPad1d([1, 2]), [2, 2, 4]],
  CircularPad2d: [() => new nn.CircularPad2d([1, 2, 0, 1]), [2, 2, 4, 3]],
  CircularPad3d: [() => new nn.CircularPad3d([1, 2, 0, 1, 2, 0]), [1, 2, 4, 3, 4]],
};
