import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { sameShape, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul } from './arithmetic.js';
import { cast } from './movement.js';
import { checkAffine } from './norm.js';
import { checkTensor, op } from './op.js';
import { mean } from './reduce.js';
import { type Reference, spread } from './sheet.js';
import { rsqrt, square } from './unary.js';

export interface RmsNormOptions {
  /** Scale, of the normalized shape. */
  readonly weight?: Tensor | null;
  /** Added to the mean square. Default: the spacing of float32 at 1, 2⁻²³. */
  readonly eps?: number | null;
}

/** What follows the normalized shape, by position or by name. */
export type RmsNormArguments =
  | readonly [options?: RmsNormOptions]
  | readonly [weight?: Tensor | null, eps?: number | null | RmsNormOptions, options?: RmsNormOptions];

/** The distance from 1 to the next float32. */
const EPSILON = 2 ** -23;

/**
 * Divides by the root mean square over the last dimensions, of sizes `normalizedShape`, then scales (Zhang and Sennrich 2019).
 */
export const rmsNorm = op(
  leading(
    'rmsNorm',
    ['normalizedShape'],
    (input: Tensor, normalizedShape: readonly number[], ...rest: RmsNormArguments): Tensor => {
      checkTensor('rmsNorm', input);
      const { weight = null, eps } = readArguments<RmsNormOptions>('rmsNorm', rest, ['weight', 'eps']);
      const first = input.ndim - normalizedShape.length;
      if (normalizedShape.length === 0 || !sameShape(input.shape.slice(Math.max(first, 0)), normalizedShape)) {
        fail('shape', `rmsNorm: the last sizes of input must be ${show(normalizedShape)}, got ${show(input.shape)}.`);
      }
      checkAffine('rmsNorm', weight, normalizedShape, 'weight');
      const x = cast(input, 'float32');
      const dim = normalizedShape.map((_, i) => first + i);
      const y = mul(x, rsqrt(add(mean(square(x), { dim, keepdim: true }), eps ?? EPSILON)));
      return weight === null ? y : mul(y, weight);
    },
  ),
  {
    name: 'rmsNorm',
    family: 'norm',
    doc: 'Divides by the root mean square over the last dimensions; same shape.',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [shape]) => {
      const a = x as Reference;
      const cols = sizeOf(shape as number[]);
      const data = a.data.map((v, i) => {
        const row = a.data.slice(Math.floor(i / cols) * cols, (Math.floor(i / cols) + 1) * cols);
        return v / Math.sqrt(row.reduce((p, q) => p + q * q, 0) / cols + EPSILON);
      });
      return { shape: a.shape, data };
    },
    samples: () => [
      { inputs: [spread([3, 5])], args: [[5]] },
      { inputs: [spread([2, 3, 17])], args: [[17]] },
      { inputs: [spread([4, 3, 5])], args: [[3, 5]] },
    ],
    tolerance: 2e-6,
  },
);
