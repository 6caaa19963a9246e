import { type Led, leading } from '../core/keywords.js';
import type { Tensor } from '../core/tensor.js';
import { type ConvTransposeArguments, convTransposeField, readConvTranspose } from './convfield.js';
import { convolveBack } from './convmaps.js';
import { referenceConvTranspose } from './convoracle.js';
import { halfLike } from './halflike.js';
import { cast, squeeze, unsqueeze } from './movement.js';
import { checkTensor, type Op, op } from './op.js';
import { spread } from './sheet.js';
import type { Extent, Pair, Rank, RankEntry, Single, Triple } from './window.js';

/**
 * Transposed convolution of lines, images and volumes: the gradient of a convolution's input, which makes small images
 * larger.
 */

type Transposed<S extends Extent> = Op<
  (input: Tensor, ...rest: Led<[weight: Tensor, ...rest: ConvTransposeArguments<S>], readonly ['weight']>) => Tensor
>;

/** Makes the transposed convolution of `rank` directions. */
// @__NO_SIDE_EFFECTS__
function transposed<S extends Extent>(name: string, rank: Rank, entry: RankEntry): Transposed<S> {
  const compute = leading(
    name,
    ['weight'],
    (input: Tensor, weight: Tensor, ...rest: ConvTransposeArguments<S>): Tensor => {
      const options = readConvTranspose(name, rest);
      checkTensor(name, input);
      const isOne = input.ndim === rank + 1;
      const x = cast(isOne ? unsqueeze(input, 0) : input, 'float32');
      const field = convTransposeField(name, rank, x, weight, options);
      const bias = options.bias ? cast(options.bias, 'float32') : null;
      const y = convolveBack(x, cast(weight, 'float32'), bias, field);
      return halfLike(input, isOne ? squeeze(y, 0) : y);
    },
  );
  return op(compute, {
    name,
    family: 'conv',
    doc: entry.doc,
    dtypes: ['float32'],
    differentiable: [true, true, true],
    oracle: (inputs, args) => referenceConvTranspose(rank, inputs, args),
    samples: entry.samples,
    tolerance: 4e-6,
  });
}

const weights = (shape: readonly number[]) => spread(shape, -1, 1, 0.1);

/**
 * Transposed convolution: input [N, C, L] or [C, L], weight [C, OC / groups, K], bias [OC] → [N, OC, OL] or [OC, OL], with
 * OL = (L − 1) stride − 2 padding + dilation (K − 1) + outputPadding + 1. Options: `bias`, `stride`, `padding`,
 * `outputPadding`, `groups`, `dilation`.
 */
export const convTranspose1d = transposed<Single>('convTranspose1d', 1, {
  doc: 'Transposed convolution: input [N, C, L], weight [C, OC / groups, K], bias [OC] → [N, OC, OL].',
  samples: () => [
    { inputs: [spread([2, 3, 5]), weights([3, 2, 3]), spread([2])] },
    {
      inputs: [spread([1, 4, 4]), weights([4, 1, 3]), spread([2])],
      args: [{ stride: 3, padding: 1, outputPadding: 2, groups: 2 }],
    },
    { inputs: [spread([2, 6]), weights([2, 2, 2])], args: [{ dilation: 3, stride: 2 }] },
  ],
});

/**
 * Transposed convolution: input [N, C, H, W] or [C, H, W], weight [C, OC / groups, KH, KW], bias [OC] → [N, OC, OH, OW] or
 * [OC, OH, OW]. Options as in `convTranspose1d`, where sizes may be [vertical, horizontal].
 */
export const convTranspose2d = transposed<Pair>('convTranspose2d', 2, {
  doc: 'Transposed convolution: input [N, C, H, W], weight [C, OC / groups, KH, KW], bias [OC] → [N, OC, OH, OW].',
  samples: () => [
    { inputs: [spread([2, 3, 3, 4]), weights([3, 2, 3, 2]), spread([2])] },
    {
      inputs: [spread([1, 4, 3, 3]), weights([4, 2, 3, 3]), spread([4])],
      args: [{ stride: 2, padding: 1, outputPadding: 1, groups: 2 }],
    },
    { inputs: [spread([2, 2, 3]), weights([2, 1, 2, 3])], args: [{ dilation: [2, 1], stride: [1, 3], groups: 2 }] },
    { inputs: [spread([1, 3, 4, 5]), weights([3, 2, 1, 1])], args: [{ padding: 1 }] },
  ],
});

/**
 * Transposed convolution: input [N, C, D, H, W] or [C, D, H, W], weight [C, OC / groups, KD, KH, KW], bias [OC] →
 * [N, OC, OD, OH, OW] or [OC, OD, OH, OW]. Options as in `convTranspose1d`, where sizes may be [depth, vertical,
 * horizontal].
 */
export const convTranspose3d = transposed<Triple>('convTranspose3d', 3, {
  doc: 'Transposed convolution: input [N, C, D, H, W], weight [C, OC / groups, KD, KH, KW], bias [OC] → [N, OC, OD, OH, OW].',
  samples: () => [
    { inputs: [spread([2, 2, 2, 3, 2]), weights([2, 2, 2, 2, 3]), spread([2])] },
    {
      inputs: [spread([1, 4, 2, 2, 3]), weights([4, 1, 3, 2, 2]), spread([2])],
      args: [{ stride: [2, 1, 2], padding: [1, 0, 1], outputPadding: [1, 0, 0], groups: 2 }],
    },
    { inputs: [spread([2, 3, 2, 2]), weights([2, 2, 2, 1, 2])], args: [{ dilation: [3, 1, 2] }] },
  ],
});
