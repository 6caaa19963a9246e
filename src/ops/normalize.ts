import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul } from './arithmetic.js';
import { avgPool2d } from './avgpool.js';
import { reshape } from './movement.js';
import { checkTensor, type Op, op } from './op.js';
import { pad } from './pad.js';
import { pow } from './power.js';
import { at, build, type Reference, spread } from './sheet.js';
import { clamp, square } from './unary.js';
import { norm } from './vectornorm.js';

/** Normalization by a norm, and by the responses of neighbouring channels. */

export interface NormalizeOptions {
  /** The order of the norm. Default 2. */
  readonly p?: number;
  /** The dimension or dimensions of the vectors. Default 1. */
  readonly dim?: number | readonly number[];
  /** The least norm that is divided by. Default 1e-12. */
  readonly eps?: number;
}

/** What follows the input, by position or by name. */
export type NormalizeArguments = readonly [
  p?: number | NormalizeOptions,
  dim?: number | readonly number[] | NormalizeOptions,
  eps?: number | NormalizeOptions,
];

/** input / max(‖input‖ₚ, eps) along `dim`. */
export const normalize: Op<(input: Tensor, ...rest: NormalizeArguments) => Tensor> = op(
  (input: Tensor, ...rest: NormalizeArguments): Tensor => {
    checkTensor('normalize', input);
    const options = readArguments<NormalizeOptions>('normalize', rest, ['p', 'dim', 'eps']);
    const { p = 2, dim = 1, eps = 1e-12 } = options;
    return div(input, clamp(norm(input, { p, dim, keepdim: true }), { min: eps }));
  },
  {
    name: 'normalize',
    family: 'norm',
    doc: 'input / max(‖input‖ₚ, eps) along `dim`; same shape.',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [p = 2, dim = 1]) => {
      const a = x as Reference;
      return build(a.shape, (index) => {
        let total = 0;
        for (let i = 0; i < (a.shape[dim as number] as number); i++) {
          const place = index.map((v, d) => (d === dim ? i : v));
          total += Math.abs(at(a, place)) ** (p as number);
        }
        return at(a, index) / Math.max(total ** (1 / (p as number)), 1e-12);
      });
    },
    samples: () => [
      { inputs: [spread([3, 5])] },
      { inputs: [spread([3, 5])], args: [2, 0] },
      { inputs: [spread([2, 3, 4])], args: [3, 2] },
      { inputs: [spread([2, 7], 0.5, 2)], args: [1] },
    ],
    tolerance: 4e-6,
  },
);

export interface LocalResponseNormOptions {
  /** Weight of the mean square. Default 1e-4. */
  readonly alpha?: number;
  /** Power of the divisor. Default 0.75. */
  readonly beta?: number;
  /** Added to the divisor. Default 1. */
  readonly k?: number;
}

/** What follows the number of channels, by position or by name. */
export type LocalResponseNormArguments = readonly [
  alpha?: number | LocalResponseNormOptions,
  beta?: number | LocalResponseNormOptions,
  k?: number | LocalResponseNormOptions,
  options?: LocalResponseNormOptions,
];

/**
 * input / (k + alpha · mean of the squares of `size` neighbouring channels)^beta, for [N, C, …]; beyond the first and the last
 * channel lie zeros (Krizhevsky, Sutskever, Hinton 2012).
 */
export const localResponseNorm = op(
  leading('localResponseNorm', ['size'], (input: Tensor, size: number, ...rest: LocalResponseNormArguments): Tensor => {
    checkTensor('localResponseNorm', input);
    const names = ['alpha', 'beta', 'k'] as const;
    const options = readArguments<LocalResponseNormOptions>('localResponseNorm', rest, names);
    const { alpha = 1e-4, beta = 0.75, k = 1 } = options;
    if (input.ndim < 3) fail('shape', `localResponseNorm: expected [N, C, L, …], got ${show(input.shape)}.`);
    if (!Number.isInteger(size) || size < 1) {
      fail('argument', `localResponseNorm: size must be a whole number ≥ 1, got ${String(size)}.`);
    }
    if (input.numel() === 0) return input;
    const [n, c] = input.shape as [number, number];
    const planes = reshape(square(input), [n, 1, c, sizeOf(input.shape.slice(2))]);
    const around = pad(planes, [0, 0, Math.floor(size / 2), Math.floor((size - 1) / 2)]);
    const means = reshape(avgPool2d(around, [size, 1], { stride: 1 }), input.shape);
    return div(input, pow(add(mul(means, alpha), k), beta));
  }),
  {
    name: 'localResponseNorm',
    family: 'norm',
    doc: 'Divides channels of [N, C, …] by a power of the mean square of their neighbours; same shape.',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [size, alpha = 1e-4, beta = 0.75, k = 1]) => {
      const a = x as Reference;
      const n = size as number;
      return build(a.shape, (index) => {
        let total = 0;
        for (let i = -Math.floor(n / 2); i <= Math.floor((n - 1) / 2); i++) {
          const c = (index[1] as number) + i;
          if (c < 0 || c >= (a.shape[1] as number)) continue;
          total += at(a, [index[0] as number, c, ...index.slice(2)]) ** 2;
        }
        return at(a, index) / ((k as number) + ((alpha as number) * total) / n) ** (beta as number);
      });
    },
    samples: () => [
      { inputs: [spread([2, 5, 3])], args: [3] },
      { inputs: [spread([1, 4, 2, 3])], args: [2, 0.5, 0.6, 2] },
      { inputs: [spread([2, 3, 2, 2, 2])], args: [5, 1] },
    ],
    tolerance: 4e-6,
  },
);
