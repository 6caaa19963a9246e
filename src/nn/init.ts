import { noGrad } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import type { Generator } from '../core/random.js';
import { sizeOf } from '../core/shape.js';
import * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';

/** Initial values of parameters. All work in place, without recording, and return their tensor. */

export type Nonlinearity = 'linear' | 'conv2d' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

/** The factor by which a nonlinearity's input should be scaled for its output to keep the variance. */
export function calculateGain(nonlinearity: Nonlinearity, negativeSlope = 0.01): number {
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + negativeSlope ** 2));
    case 'selu':
      return 3 / 4;
    default:
      return 1;
  }
}

/** Inputs and outputs that meet in one weight: [out, in, …kernel]. */
export function fans(t: Tensor): { fanIn: number; fanOut: number } {
  if (t.ndim < 2) fail('shape', `init: fan in and out need at least 2 dimensions, got ${show(t.shape)}.`);
  const field = sizeOf(t.shape.slice(2));
  return { fanIn: (t.shape[1] as number) * field, fanOut: (t.shape[0] as number) * field };
}

export function uniform_<T extends Tensor>(t: T, a = 0, b = 1, generator?: Generator): T {
  return noGrad(() => ops.uniform_(t, a, b, generator));
}

export function normal_<T extends Tensor>(t: T, mean = 0, std = 1, generator?: Generator): T {
  return noGrad(() => ops.normal_(t, mean, std, generator));
}

export function constant_<T extends Tensor>(t: T, value: number): T {
  return noGrad(() => ops.fill_(t, value));
}

export function zeros_<T extends Tensor>(t: T): T {
  return constant_(t, 0);
}

export function ones_<T extends Tensor>(t: T): T {
  return constant_(t, 1);
}

export interface XavierOptions {
  readonly gain?: number;
  readonly generator?: Generator;
}

/** U(−a, a), a = gain · √(6 / (fan in + fan out)) (Glorot and Bengio 2010). */
export function xavierUniform_<T extends Tensor>(t: T, { gain = 1, generator }: XavierOptions = {}): T {
  const { fanIn, fanOut } = fans(t);
  const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
  return uniform_(t, -bound, bound, generator);
}

/** N(0, σ²), σ = gain · √(2 / (fan in + fan out)) (Glorot and Bengio 2010). */
export function xavierNormal_<T extends Tensor>(t: T, { gain = 1, generator }: XavierOptions = {}): T {
  const { fanIn, fanOut } = fans(t);
  return normal_(t, 0, gain * Math.sqrt(2 / (fanIn + fanOut)), generator);
}

export interface KaimingOptions {
  /** Negative slope of the leaky relu that follows. Default 0. */
  readonly a?: number;
  readonly mode?: 'fanIn' | 'fanOut';
  readonly nonlinearity?: Nonlinearity;
  readonly generator?: Generator;
}

function kaimingStd(t: Tensor, { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' }: KaimingOptions): number {
  return calculateGain(nonlinearity, a) / Math.sqrt(fans(t)[mode]);
}

/** U(−b, b), b = gain · √(3 / fan) (He et al. 2015). */
export function kaimingUniform_<T extends Tensor>(t: T, options: KaimingOptions = {}): T {
  const bound = Math.sqrt(3) * kaimingStd(t, options);
  return uniform_(t, -bound, bound, options.generator);
}

/** N(0, σ²), σ = gain / √fan (He et al. 2015). */
export function kaimingNormal_<T extends Tensor>(t: T, options: KaimingOptions = {}): T {
  return normal_(t, 0, kaimingStd(t, options), options.generator);
}
