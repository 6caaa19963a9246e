import { readArguments } from '../core/arguments.js';
import { type Led, leading } from '../core/keywords.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { relu } from './activation.js';
import { mul } from './arithmetic.js';
import { avgPool1d, avgPool2d } from './avgpool.js';
import { type Op, op } from './op.js';
import { poolField } from './poolfield.js';
import { referencePool } from './pooloracle.js';
import { pow } from './power.js';
import { type Reference, spread } from './sheet.js';
import { abs, sign } from './unary.js';
import { type Extent, extents, type Pair, type RankEntry, type Single } from './window.js';

/** Pooling by the p-norm of windows: (Σ xᵖ)^(1/p), the mean for p = 1 but for its divisor, the maximum for p = ∞. */

export interface LPPoolOptions<S extends Extent = Pair> {
  /** Step of the window. Default: its size. */
  readonly stride?: S | null;
  /** Count windows that begin inside the image but end outside. Default false. */
  readonly ceilMode?: boolean;
}

/** What follows the window's size, by position or by name. */
export type LPPoolArguments<S extends Extent = Pair> =
  | readonly [options?: LPPoolOptions<S>]
  | readonly [stride?: S | null, ceilMode?: boolean | LPPoolOptions<S>, options?: LPPoolOptions<S>];

export function readLPPool<S extends Extent>(name: string, given: LPPoolArguments<S>): LPPoolOptions<S> {
  return readArguments(name, given, ['stride', 'ceilMode']);
}

type LPPool<S extends Extent> = Op<
  (
    input: Tensor,
    ...rest: Led<[normType: number, kernelSize: S, ...rest: LPPoolArguments<S>], readonly ['normType', 'kernelSize']>
  ) => Tensor
>;

/** Makes the power-average pool of one or two directions. */
// @__NO_SIDE_EFFECTS__
function lpPool<S extends Extent>(
  name: string,
  rank: 1 | 2,
  average: (input: Tensor, kernelSize: S, options: LPPoolOptions<S>) => Tensor,
  entry: RankEntry,
): LPPool<S> {
  const compute = leading(
    name,
    ['normType', 'kernelSize'],
    (input: Tensor, normType: number, kernelSize: S, ...rest: LPPoolArguments<S>): Tensor => {
      const options = readLPPool(name, rest);
      const size = sizeOf(extents(name, 'kernelSize', kernelSize, rank, 1));
      const mean = average(pow(input, normType), kernelSize, options);
      // Sums of odd powers may be negative; their roots are NaN, and zeros have no slope.
      return pow(mul(mul(sign(mean), relu(abs(mean))), size), 1 / normType);
    },
  );
  return op(compute, {
    name,
    family: 'pool',
    doc: entry.doc,
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [p, size, ...rest]) => {
      const image = x as Reference;
      const options = readLPPool('oracle', rest as unknown as LPPoolArguments<Extent>);
      const f = poolField('oracle', rank, image.shape.slice(-rank), size as Extent, options);
      const field = sizeOf(f.kernel);
      return referencePool(image, f, (values, begin) => {
        // What ceil mode adds beyond the image makes the mean of fewer elements, as PyTorch has it.
        const inside = values.filter((v) => v !== null);
        const count = sizeOf(begin.map((b, i) => Math.min(b + (f.kernel[i] as number), f.image[i] as number) - b));
        return ((inside.reduce((a: number, v) => a + v ** (p as number), 0) / count) * field) ** (1 / (p as number));
      });
    },
    samples: entry.samples,
    tolerance: 4e-6,
  });
}

/** The p-norm of each window: [N, C, L] → [N, C, OL], with or without N. Options: `stride`, `ceilMode`. */
export const lpPool1d = lpPool<Single>('lpPool1d', 1, avgPool1d, {
  doc: 'The norm (Σ xᵖ)^(1/p) of each window, p = normType: [N, C, L] → [N, C, OL].',
  samples: () => [
    { inputs: [spread([2, 3, 8], 0.5, 2)], args: [2, 2] },
    { inputs: [spread([2, 7], 0.5, 2)], args: [3, 3, { stride: 2, ceilMode: true }] },
    { inputs: [spread([1, 1, 6], 0.5, 2)], args: [1.5, 2, 1] },
  ],
});

/** The p-norm of each window: [N, C, H, W] → [N, C, OH, OW], with or without N. Options: `stride`, `ceilMode`. */
export const lpPool2d = lpPool<Pair>('lpPool2d', 2, avgPool2d, {
  doc: 'The norm (Σ xᵖ)^(1/p) of each window, p = normType: [N, C, H, W] → [N, C, OH, OW].',
  samples: () => [
    { inputs: [spread([1, 2, 4, 4], 0.5, 2)], args: [2, 2] },
    { inputs: [spread([2, 5, 6], 0.5, 2)], args: [3, [3, 2], { stride: 2, ceilMode: true }] },
  ],
});
