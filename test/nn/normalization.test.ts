import * as nn from 'fettle/nn';
import { expect, test } from 'vitest';
import { checkModels } from '../golden/nn.js';

checkModels('normalization', {
  'group norm': () => new nn.GroupNorm(2, 4),
  'group norm with options': () => new nn.GroupNorm(4, 4, { eps: 1e-3, affine: false }),
  'instance norm 1d': () => new nn.InstanceNorm1d(4),
  'instance norm 2d': () => new nn.InstanceNorm2d(4, { affine: true }),
  'instance norm 3d': () => new nn.InstanceNorm3d(4, 1e-3),
  'instance norm, tracking': () => new nn.InstanceNorm1d(4, { momentum: 0.3, affine: true, trackRunningStats: true }),
  'instance norm 2d, tracking': () => new nn.InstanceNorm2d(4, { trackRunningStats: true }),
  'rms norm': () => new nn.RMSNorm(5),
  'rms norm over two': () => new nn.RMSNorm([3, 4], { eps: 1e-5 }),
  'rms norm, not affine': () => new nn.RMSNorm(5, null, false),
  'batch norm 3d': () => new nn.BatchNorm3d(4),
  'batch norm 3d with options': () => new nn.BatchNorm3d(4, { momentum: null, affine: false }),
  'layer norm without bias': () => new nn.LayerNorm(5, { bias: false }),
  'local response norm': () => new nn.LocalResponseNorm(2),
  'local response norm with options': () => new nn.LocalResponseNorm(3, 0.5, 0.6, { k: 2 }),
  upsample: () => new nn.Upsample({ scaleFactor: 2 }),
  'upsample to a size': () => new nn.Upsample([5, 3], { mode: 'bilinear', alignCorners: true }),
  'upsample by factors': () => new nn.Upsample({ scaleFactor: [1.5, 2], mode: 'bicubic' }),
  'upsample by a recomputed factor': () =>
    new nn.Upsample({ scaleFactor: 1.7, mode: 'linear', recomputeScaleFactor: true }),
  'upsample to one size': () => new nn.Upsample({ size: 4, mode: 'trilinear' }),
  'upsampling nearest': () => new nn.UpsamplingNearest2d({ scaleFactor: 2 }),
  'upsampling nearest to a size': () => new nn.UpsamplingNearest2d([5, 5]),
  'upsampling bilinear': () => new nn.UpsamplingBilinear2d(null, 2),
  'upsampling bilinear to a size': () => new nn.UpsamplingBilinear2d({ size: 4 }),
  'pixel shuffle': () => new nn.PixelShuffle(2),
  'pixel unshuffle': () => new nn.PixelUnshuffle(2),
});

test('all of them survive being described and built again', () => {
  const layers: nn.Module[] = [
    new nn.GroupNorm(2, 4, { eps: 1e-3 }),
    new nn.InstanceNorm1d(4, { affine: true }),
    new nn.InstanceNorm2d(4, { trackRunningStats: true }),
    new nn.InstanceNorm3d(4, 1e-3),
    new nn.RMSNorm([3, 4], 1e-5),
    new nn.RMSNorm(5, null, false),
    new nn.BatchNorm3d(4, { momentum: null }),
    new nn.LayerNorm(5, { bias: false }),
    new nn.LocalResponseNorm(3, 0.5, 0.6, 2),
    new nn.Upsample([5, 3], { mode: 'bilinear', alignCorners: true }),
    new nn.UpsamplingNearest2d({ scaleFactor: 2 }),
    new nn.UpsamplingBilinear2d([2, 3]),
    new nn.PixelShuffle(2),
    new nn.PixelUnshuffle(3),
    new nn.ChannelShuffle(2),
  ];
  for (const layer of layers) {
    const copy = nn.construct(JSON.parse(JSON.stringify(nn.describe(layer))));
    expect(copy.constructor).toBe(layer.constructor);
    expect(String(copy)).toBe(String(layer));
    expect(Object.keys(copy.stateDict())).toEqual(Object.keys(layer.stateDict()));
    for (const module of [layer, copy]) module.dispose();
  }
});

test('what cannot be is refused', () => {
  expect(() => new nn.GroupNorm(3, 4)).toThrow('numGroups must divide numChannels');
  expect(() => new nn.UpsamplingNearest2d()).toThrow('expected size or scaleFactor');
  expect(() => new nn.InstanceNorm1d(3, { momentum: null, trackRunningStats: true })).toThrow('momentum');
  expect(() => new nn.Upsample({ scale: 2 } as never)).toThrow("no option 'scale'");
});
