import { noGrad } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { copy_ } from './inplace.js';
import { reshape } from './movement.js';
import { batchNorm, checkAffine } from './norm.js';
import { checkTensor, type Op, op } from './op.js';
import { repeat } from './rearrange.js';
import { mean } from './reduce.js';
import { type Reference, spread } from './sheet.js';

export interface InstanceNormOptions {
  /** Moving averages of means and variances, [C], moved in place where the input's own statistics are used. */
  readonly runningMean?: Tensor | null;
  readonly runningVar?: Tensor | null;
  /** Scale, [C]. */
  readonly weight?: Tensor | null;
  /** Shift, [C]. */
  readonly bias?: Tensor | null;
  /** Whether to normalize with the input's statistics or with the running ones. Default true. */
  readonly useInputStats?: boolean;
  /** Share of the input in the running statistics. Default 0.1. */
  readonly momentum?: number;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
}

/** What follows the input, by position or by name. */
export type InstanceNormArguments =
  | readonly [options?: InstanceNormOptions]
  | readonly [
      runningMean?: Tensor | null,
      runningVar?: Tensor | null | InstanceNormOptions,
      weight?: Tensor | null | InstanceNormOptions,
      bias?: Tensor | null | InstanceNormOptions,
      useInputStats?: boolean | InstanceNormOptions,
      momentum?: number | InstanceNormOptions,
      eps?: number | InstanceNormOptions,
    ];

/**
 * Normalizes each channel of each sample of [N, C, …] on its own to mean 0 and variance 1, then scales and shifts
 * (Ulyanov, Vedaldi, Lempitsky 2016). It is batch norm of one sample with N · C channels.
 */
export const instanceNorm: Op<(input: Tensor, ...rest: InstanceNormArguments) => Tensor> = op(
  (input: Tensor, ...rest: InstanceNormArguments): Tensor => {
    checkTensor('instanceNorm', input);
    const options = readArguments<InstanceNormOptions>('instanceNorm', rest, [
      ...(['runningMean', 'runningVar', 'weight', 'bias', 'useInputStats', 'momentum', 'eps'] as const),
    ]);
    const { runningMean = null, runningVar = null, weight = null, bias = null } = options;
    const { useInputStats = true, momentum = 0.1, eps = 1e-5 } = options;
    if (input.ndim < 2) fail('shape', `instanceNorm: expected [N, C, …], got ${show(input.shape)}.`);
    const [n, c] = input.shape as [number, number];
    for (const [t, name] of [
      [runningMean, 'runningMean'],
      [runningVar, 'runningVar'],
      [weight, 'weight'],
      [bias, 'bias'],
    ] as const) {
      checkAffine('instanceNorm', t, [c], name);
    }
    if (!useInputStats) return batchNorm(input, runningMean, runningVar, { weight, bias, eps });
    if (sizeOf(input.shape.slice(2)) === 1) {
      fail('shape', `instanceNorm: expected more than one value a channel, got ${show(input.shape)}.`);
    }
    const each = (t: Tensor | null): Tensor | null => (t === null ? null : repeat(t, [n]));
    const running = [runningMean, runningVar].map((t) => noGrad(() => each(t))) as [Tensor | null, Tensor | null];
    const y = batchNorm(reshape(input, [1, n * c, ...input.shape.slice(2)]), ...running, {
      weight: each(weight),
      bias: each(bias),
      training: true,
      momentum,
      eps,
    });
    noGrad(() => {
      if (runningMean !== null) copy_(runningMean, mean(reshape(running[0] as Tensor, [n, c]), 0));
      if (runningVar !== null) copy_(runningVar, mean(reshape(running[1] as Tensor, [n, c]), 0));
    });
    return reshape(y, input.shape);
  },
  {
    name: 'instanceNorm',
    family: 'norm',
    doc: 'Normalizes each channel of each sample of [N, C, …] to mean 0 and variance 1; same shape.',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x]) => {
      const a = x as Reference;
      const size = sizeOf(a.shape.slice(2));
      const data = a.data.map((v, i) => {
        const plane = a.data.slice(Math.floor(i / size) * size, (Math.floor(i / size) + 1) * size);
        const average = plane.reduce((p, q) => p + q, 0) / size;
        const variance = plane.reduce((p, q) => p + (q - average) ** 2, 0) / size;
        return (v - average) / Math.sqrt(variance + 1e-5);
      });
      return { shape: a.shape, data };
    },
    samples: () => [
      { inputs: [spread([2, 3, 5])] },
      { inputs: [spread([1, 2, 3, 4])] },
      { inputs: [spread([2, 1, 2, 2, 3])] },
    ],
    tolerance: 1e-5,
  },
);
