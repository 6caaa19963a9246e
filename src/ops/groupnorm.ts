import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul } from './arithmetic.js';
import { reshape } from './movement.js';
import { checkAffine, type LayerNormArguments, type LayerNormOptions, layerNorm } from './norm.js';
import { checkTensor, op } from './op.js';
import { type Reference, spread } from './sheet.js';

/** Scale and shift are [C], one of each a channel. */
export type GroupNormOptions = LayerNormOptions;

/**
 * Normalizes the channels of [N, C, …] in groups of C / numGroups, each with all its positions, to mean 0 and variance 1,
 * then scales and shifts every channel (Wu and He 2018).
 */
export const groupNorm = op(
  leading('groupNorm', ['numGroups'], (input: Tensor, numGroups: number, ...rest: LayerNormArguments): Tensor => {
    checkTensor('groupNorm', input);
    const options = readArguments<GroupNormOptions>('groupNorm', rest, ['weight', 'bias', 'eps']);
    const { weight = null, bias = null, eps = 1e-5 } = options;
    if (input.ndim < 2) fail('shape', `groupNorm: expected [N, C, …], got ${show(input.shape)}.`);
    const [n, c] = input.shape as [number, number];
    if (!Number.isInteger(numGroups) || numGroups < 1 || c % numGroups !== 0) {
      fail('argument', `groupNorm: numGroups must divide the ${c} channels of ${show(input.shape)}, got ${numGroups}.`);
    }
    checkAffine('groupNorm', weight, [c], 'weight');
    checkAffine('groupNorm', bias, [c], 'bias');
    const size = n * numGroups === 0 ? 0 : input.numel() / (n * numGroups);
    if (n * size === 1) {
      fail('shape', `groupNorm: expected more than one value a group, got ${show(input.shape)}.`);
    }
    const y = reshape(layerNorm(reshape(input, [n * numGroups, size]), [size], { eps }), input.shape);
    const channel = input.shape.map((s, i) => (i === 1 ? s : 1));
    const scaled = weight === null ? y : mul(y, reshape(weight, channel));
    return bias === null ? scaled : add(scaled, reshape(bias, channel));
  }),
  {
    name: 'groupNorm',
    family: 'norm',
    doc: 'Normalizes groups of channels of [N, C, …] to mean 0 and variance 1; same shape.',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [groups]) => {
      const a = x as Reference;
      const size = a.data.length / ((a.shape[0] as number) * (groups as number));
      const data = a.data.map((v, i) => {
        const group = a.data.slice(Math.floor(i / size) * size, (Math.floor(i / size) + 1) * size);
        const mean = group.reduce((p, q) => p + q, 0) / size;
        const variance = group.reduce((p, q) => p + (q - mean) ** 2, 0) / size;
        return (v - mean) / Math.sqrt(variance + 1e-5);
      });
      return { shape: a.shape, data };
    },
    samples: () => [
      { inputs: [spread([2, 6, 5])], args: [3] },
      { inputs: [spread([2, 4, 3, 3])], args: [1] },
      { inputs: [spread([3, 4])], args: [2] },
    ],
    tolerance: 1e-5,
  },
);
