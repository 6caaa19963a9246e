import { fail, show } from '../core/errors.js';
import { keywords } from '../core/keywords.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { permute, reshape } from './movement.js';
import { checkTensor, op } from './op.js';
import { at, build, type Reference, spread } from './sheet.js';

/** Channels that become pixels, pixels that become channels, and channels that change places. */

function checkFactor(name: string, argument: string, factor: number): void {
  if (!Number.isInteger(factor) || factor < 1) {
    fail('argument', `${name}: ${argument} must be a whole number ≥ 1, got ${String(factor)}.`);
  }
}

/** Channels in groups of r² become squares of r × r pixels: [.., C r², H, W] → [.., C, H r, W r] (Shi et al. 2016). */
export const pixelShuffle = op(
  keywords('pixelShuffle', ['upscaleFactor'], (input: Tensor, upscaleFactor: number): Tensor => {
    checkTensor('pixelShuffle', input);
    checkFactor('pixelShuffle', 'upscaleFactor', upscaleFactor);
    const r = upscaleFactor;
    if (input.ndim < 3 || (input.shape[input.ndim - 3] as number) % (r * r) !== 0) {
      fail('shape', `pixelShuffle: expected [.., C · ${r * r}, H, W], got ${show(input.shape)}.`);
    }
    const lead = input.shape.slice(0, -3);
    const [c, h, w] = input.shape.slice(-3) as [number, number, number];
    const apart = reshape(input, [sizeOf(lead), c / (r * r), r, r, h, w]);
    return reshape(permute(apart, [0, 1, 4, 2, 5, 3]), [...lead, c / (r * r), h * r, w * r]);
  }),
  {
    name: 'pixelShuffle',
    family: 'image',
    doc: 'Channels as pixels: [.., C r², H, W] → [.., C, H r, W r].',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [factor]) => {
      const a = x as Reference;
      const r = factor as number;
      const [c, h, w] = a.shape.slice(-3) as [number, number, number];
      return build([...a.shape.slice(0, -3), c / (r * r), h * r, w * r], (index) => {
        const [channel, y, z] = index.slice(-3) as [number, number, number];
        const from = channel * r * r + (y % r) * r + (z % r);
        return at(a, [...index.slice(0, -3), from, Math.floor(y / r), Math.floor(z / r)]);
      });
    },
    samples: () => [
      { inputs: [spread([2, 8, 2, 3])], args: [2] },
      { inputs: [spread([9, 1, 2])], args: [3] },
      { inputs: [spread([2, 1, 4, 3, 1])], args: [2] },
      { inputs: [spread([0, 4, 2, 2])], args: [2] },
    ],
  },
);

/** The inverse of pixelShuffle: [.., C, H r, W r] → [.., C r², H, W]. */
export const pixelUnshuffle = op(
  keywords('pixelUnshuffle', ['downscaleFactor'], (input: Tensor, downscaleFactor: number): Tensor => {
    checkTensor('pixelUnshuffle', input);
    checkFactor('pixelUnshuffle', 'downscaleFactor', downscaleFactor);
    const r = downscaleFactor;
    const [c, h, w] = input.shape.slice(-3) as [number, number, number];
    if (input.ndim < 3 || h % r !== 0 || w % r !== 0) {
      fail('shape', `pixelUnshuffle: expected [.., C, H · ${r}, W · ${r}], got ${show(input.shape)}.`);
    }
    const lead = input.shape.slice(0, -3);
    const apart = reshape(input, [sizeOf(lead), c, h / r, r, w / r, r]);
    return reshape(permute(apart, [0, 1, 3, 5, 2, 4]), [...lead, c * r * r, h / r, w / r]);
  }),
  {
    name: 'pixelUnshuffle',
    family: 'image',
    doc: 'Pixels as channels: [.., C, H r, W r] → [.., C r², H, W].',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [factor]) => {
      const a = x as Reference;
      const r = factor as number;
      const [c, h, w] = a.shape.slice(-3) as [number, number, number];
      return build([...a.shape.slice(0, -3), c * r * r, h / r, w / r], (index) => {
        const [channel, y, z] = index.slice(-3) as [number, number, number];
        const square = channel % (r * r);
        const place = [Math.floor(channel / (r * r)), y * r + Math.floor(square / r), z * r + (square % r)];
        return at(a, [...index.slice(0, -3), ...place]);
      });
    },
    samples: () => [
      { inputs: [spread([2, 2, 4, 6])], args: [2] },
      { inputs: [spread([1, 3, 6])], args: [3] },
      { inputs: [spread([0, 1, 2, 2])], args: [2] },
    ],
  },
);

/** Channels of `groups` groups by turns: [N, groups · C, …] is seen as [N, groups, C, …] and transposed (Zhang et al. 2018). */
export const channelShuffle = op(
  keywords('channelShuffle', ['groups'], (input: Tensor, groups: number): Tensor => {
    checkTensor('channelShuffle', input);
    checkFactor('channelShuffle', 'groups', groups);
    if (input.ndim < 3 || (input.shape[1] as number) % groups !== 0) {
      fail('shape', `channelShuffle: expected [N, ${groups} · C, …], got ${show(input.shape)}.`);
    }
    const [n, c] = input.shape as [number, number];
    const apart = reshape(input, [n, groups, c / groups, sizeOf(input.shape.slice(2))]);
    return reshape(permute(apart, [0, 2, 1, 3]), input.shape);
  }),
  {
    name: 'channelShuffle',
    family: 'image',
    doc: 'The channels of groups by turns; same shape.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [groups]) => {
      const a = x as Reference;
      const g = groups as number;
      const each = (a.shape[1] as number) / g;
      return build(a.shape, (index) => {
        const c = index[1] as number;
        return at(a, [index[0] as number, (c % g) * each + Math.floor(c / g), ...index.slice(2)]);
      });
    },
    samples: () => [
      { inputs: [spread([2, 6, 2, 2])], args: [3] },
      { inputs: [spread([1, 6, 3])], args: [2] },
      { inputs: [spread([0, 4, 2, 2])], args: [2] },
    ],
  },
);
