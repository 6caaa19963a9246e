import { type Led, leading } from '../core/keywords.js';
import type { Tensor } from '../core/tensor.js';
import { type ConvArguments, convField, readConv } from './convfield.js';
import { convolve } from './convmaps.js';
import { referenceConv } from './convoracle.js';
import { halfLike } from './halflike.js';
import { cast, squeeze, unsqueeze } from './movement.js';
import { checkTensor, type Op, op } from './op.js';
import { spread } from './sheet.js';
import type { Extent, Pair, Rank, RankEntry, Single, Triple } from './window.js';

/** Convolution of lines, images and volumes. */

type Convolution<S extends Extent> = Op<
  (input: Tensor, ...rest: Led<[weight: Tensor, ...rest: ConvArguments<S>], readonly ['weight']>) => Tensor
>;

/** Makes the convolution of `rank` directions. */
// @__NO_SIDE_EFFECTS__
function convolution<S extends Extent>(name: string, rank: Rank, entry: RankEntry): Convolution<S> {
  const compute = leading(name, ['weight'], (input: Tensor, weight: Tensor, ...rest: ConvArguments<S>): Tensor => {
    const options = readConv(name, rest);
    checkTensor(name, input);
    const isOne = input.ndim === rank + 1;
    const x = cast(isOne ? unsqueeze(input, 0) : input, 'float32');
    const field = convField(name, rank, x, weight, options);
    const bias = options.bias ? cast(options.bias, 'float32') : null;
    const y = convolve(x, cast(weight, 'float32'), bias, field);
    return halfLike(input, isOne ? squeeze(y, 0) : y);
  });
  return op(compute, {
    name,
    family: 'conv',
    doc: entry.doc,
    dtypes: ['float32'],
    differentiable: [true, true, true],
    oracle: (inputs, args) => referenceConv(rank, inputs, args),
    samples: entry.samples,
    tolerance: 4e-6,
  });
}

const weights = (shape: readonly number[]) => spread(shape, -1, 1, 0.1);

/**
 * Cross-correlation: input [N, C, L] or [C, L], weight [OC, C / groups, K], bias [OC] → [N, OC, OL] or [OC, OL], with
 * OL = ⌊(L + 2 padding − dilation (K − 1) − 1) / stride⌋ + 1. Options: `bias`, `stride`, `padding` (a number, 'same' or
 * 'valid'), `dilation`, `groups`.
 */
export const conv1d = convolution<Single>('conv1d', 1, {
  doc: 'Cross-correlation: input [N, C, L], weight [OC, C / groups, K], bias [OC] → [N, OC, OL].',
  samples: () => [
    { inputs: [spread([2, 3, 7]), weights([4, 3, 3]), spread([4])] },
    { inputs: [spread([1, 4, 8]), weights([6, 2, 2]), spread([6])], args: [{ stride: 2, padding: 1, groups: 2 }] },
    { inputs: [spread([3, 9]), weights([3, 1, 3]), spread([3])], args: [{ dilation: 2, groups: 3 }] },
    { inputs: [spread([1, 2, 5]), weights([2, 2, 4])], args: [{ padding: 'same' }] },
    { inputs: [spread([1, 2, 1]), weights([2, 2, 3])], args: [{ padding: [2], stride: [3] }] },
  ],
});

/**
 * Cross-correlation: input [N, C, H, W] or [C, H, W], weight [OC, C / groups, KH, KW], bias [OC] → [N, OC, OH, OW] or
 * [OC, OH, OW]. Options as in `conv1d`, where sizes may be [vertical, horizontal].
 */
export const conv2d = convolution<Pair>('conv2d', 2, {
  doc: 'Cross-correlation: input [N, C, H, W], weight [OC, C / groups, KH, KW], bias [OC] → [N, OC, OH, OW].',
  samples: () => [
    { inputs: [spread([2, 3, 5, 6]), weights([4, 3, 3, 3]), spread([4])] },
    { inputs: [spread([1, 1, 8, 8]), weights([2, 1, 3, 3]), spread([2])], args: [{ padding: 1 }] },
    {
      inputs: [spread([3, 4, 7, 5]), weights([6, 2, 3, 2]), spread([6])],
      args: [{ stride: 2, padding: [1, 0], groups: 2 }],
    },
    { inputs: [spread([2, 4, 6, 6]), weights([4, 1, 3, 3]), spread([4])], args: [{ groups: 4, padding: 1 }] },
    { inputs: [spread([1, 2, 9, 9]), weights([3, 2, 3, 3]), spread([3])], args: [{ dilation: 2 }] },
    { inputs: [spread([2, 5, 4, 4]), weights([7, 5, 1, 1]), spread([7])] },
    { inputs: [spread([2, 3, 4]), weights([2, 2, 2, 3])], args: [{ padding: 'same', dilation: [1, 2] }] },
  ],
});

/**
 * Cross-correlation: input [N, C, D, H, W] or [C, D, H, W], weight [OC, C / groups, KD, KH, KW], bias [OC] →
 * [N, OC, OD, OH, OW] or [OC, OD, OH, OW]. Options as in `conv1d`, where sizes may be [depth, vertical, horizontal].
 */
export const conv3d = convolution<Triple>('conv3d', 3, {
  doc: 'Cross-correlation: input [N, C, D, H, W], weight [OC, C / groups, KD, KH, KW], bias [OC] → [N, OC, OD, OH, OW].',
  samples: () => [
    { inputs: [spread([2, 2, 3, 4, 3]), weights([3, 2, 2, 2, 3]), spread([3])] },
    {
      inputs: [spread([1, 4, 4, 3, 4]), weights([2, 2, 3, 2, 2]), spread([2])],
      args: [{ stride: [2, 1, 2], padding: [1, 0, 1], groups: 2 }],
    },
    {
      inputs: [spread([2, 5, 3, 5]), weights([2, 1, 2, 2, 2]), spread([2])],
      args: [{ dilation: [3, 1, 2], groups: 2 }],
    },
    { inputs: [spread([1, 2, 3, 2, 3]), weights([2, 2, 2, 1, 2])], args: [{ padding: 'same' }] },
  ],
});
