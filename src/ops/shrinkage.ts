import { noGrad, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { keywords } from '../core/keywords.js';
import type { NamedArguments } from '../core/named.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import { normalizeDim } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { leakyRelu, tanh } from './activation.js';
import { add, div, mul, neg, sub } from './arithmetic.js';
import { chosenBy } from './choice.js';
import { ge, gt, le, logicalAnd, logicalOr, lt, where } from './compare.js';
import { zerosLike } from './create.js';
import { detach } from './movement.js';
import { checkTensor, type Op, op } from './op.js';
import { rand } from './random.js';
import { argmax } from './reduce.js';
import { scatter } from './scatter.js';
import { type Reference, type Sample, type Sheet, spread } from './sheet.js';
import { softmax } from './softmax.js';
import { clamp, log } from './unary.js';

/** Activations that are made of others: shrinkage, random slopes, and soft choices. */

function sheet(name: string, doc: string, scalar: (x: number, lambda: number) => number, args: unknown[][]): Sheet {
  const samples = (): Sample[] => [
    ...args.flatMap((one) => [
      { inputs: [spread([17], -3, 3)], args: one },
      { inputs: [spread([3, 5], -3, 3)], args: one },
      { inputs: [spread([0])], args: one },
      { inputs: [spread([])], args: one },
    ]),
  ];
  return {
    name,
    family: 'activation',
    doc,
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [lambda = 0.5]) => {
      const { shape, data } = x as Reference;
      return { shape, data: data.map((v) => scalar(v, lambda as number)) };
    },
    samples,
  };
}

export interface ShrinkOptions {
  /** Half of the width of what becomes 0. Default 0.5. */
  readonly lambd?: number;
}

export type ShrinkArguments = readonly [lambd?: number | ShrinkOptions, options?: ShrinkOptions];

type Shrink = Op<(input: Tensor, ...given: ShrinkArguments) => Tensor>;

function readLambda(name: string, given: ShrinkArguments): number {
  return readArguments<ShrinkOptions>(name, given, ['lambd']).lambd ?? 0.5;
}

export const hardshrink: Shrink = op(
  (input: Tensor, ...given: ShrinkArguments): Tensor => {
    checkTensor('hardshrink', input);
    const limit = readLambda('hardshrink', given);
    const y = noGrad(() => where(logicalAnd(ge(input, -limit), le(input, limit)), 0, input));
    // NaN stays, and has no gradient.
    record('hardshrink', [input], [y], [input], ([g], [x]) => [
      chosenBy(x as Tensor, where(logicalOr(lt(x as Tensor, -limit), gt(x as Tensor, limit)), g as Tensor, 0)),
    ]);
    return y;
  },
  sheet(
    'hardshrink',
    'Elementwise 0 where |input| ≤ `lambd`, input elsewhere; NaN stays.',
    (x, l) => (x >= -l && x <= l ? 0 : x),
    [[], [1]],
  ),
);

export const softshrink: Shrink = op(
  (input: Tensor, ...given: ShrinkArguments): Tensor => {
    checkTensor('softshrink', input);
    const limit = readLambda('softshrink', given);
    if (!(limit >= 0)) fail('argument', `softshrink: lambd must not be negative, got ${limit}.`);
    const low = where(lt(input, -limit), add(input, limit), 0);
    return where(gt(input, limit), sub(input, limit), low);
  },
  sheet(
    'softshrink',
    'Elementwise input, brought `lambd` nearer to 0, and 0 within that distance; NaN becomes 0.',
    (x, l) => (x > l ? x - l : x < -l ? x + l : 0),
    [[], [1]],
  ),
);

export const tanhshrink: Op<(input: Tensor) => Tensor> = op(
  (input: Tensor): Tensor => {
    checkTensor('tanhshrink', input);
    return sub(input, tanh(input));
  },
  { ...sheet('tanhshrink', 'Elementwise input − tanh(input).', (x) => x - Math.tanh(x), [[]]), tolerance: 1e-5 },
);

/** Softmax of −input along `dim`. */
export const softmin = /* @__PURE__ */ keywords('softmin', ['dim'], (input: Tensor, dim: number): Tensor => {
  checkTensor('softmin', input);
  return softmax(neg(input), dim);
});

export interface RReluOptions {
  /** The least slope below 0. Default 1/8. */
  readonly lower?: number;
  /** The largest slope below 0. Default 1/3. */
  readonly upper?: number;
  /** Whether each element draws a slope of its own; otherwise all have the middle one. Default false. */
  readonly training?: boolean;
  readonly generator?: Generator;
}

const RRELU_NAMES = ['lower', 'upper', 'training', 'generator'] as const;

/** input where it is above 0, a random slope times input elsewhere (Xu et al. 2015). */
export function rrelu(input: Tensor, ...rest: NamedArguments<RReluOptions, typeof RRELU_NAMES>): Tensor {
  checkTensor('rrelu', input);
  const options = readArguments<RReluOptions>('rrelu', rest, RRELU_NAMES);
  const { lower = 1 / 8, upper = 1 / 3, training = false, generator = defaultGenerator } = options;
  if (!(lower <= upper)) fail('argument', `rrelu: lower must not be above upper, got ${lower} and ${upper}.`);
  if (!training) return leakyRelu(input, (lower + upper) / 2);
  const slopes = noGrad(() => add(mul(rand(input.shape, { generator }), upper - lower), lower));
  return where(le(input, 0), mul(input, slopes), input);
}

export interface GumbelOptions {
  /** Temperature: the smaller, the nearer to one choice. Default 1. */
  readonly tau?: number;
  /** Whether the result is a row of zeros and a one, with the gradient of the soft choice. Default false. */
  readonly hard?: boolean;
  /** Without effect, as in PyTorch. */
  readonly eps?: number;
  /** The dimension of the choices. Default −1. */
  readonly dim?: number;
  readonly generator?: Generator;
}

const GUMBEL_NAMES = ['tau', 'hard', 'eps', 'dim', 'generator'] as const;
/** No uniform number drawn is taken to be smaller, for its logarithm to be finite. */
const LEAST = 2 ** -34;

/** A random choice among unnormalized log-probabilities, soft and so differentiable (Jang et al. 2016). */
export function gumbelSoftmax(logits: Tensor, ...rest: NamedArguments<GumbelOptions, typeof GUMBEL_NAMES>): Tensor {
  checkTensor('gumbelSoftmax', logits, 'logits');
  const options = readArguments<GumbelOptions>('gumbelSoftmax', rest, GUMBEL_NAMES);
  const { tau = 1, hard = false, dim = -1, generator = defaultGenerator } = options;
  const along = normalizeDim('gumbelSoftmax', dim, logits.ndim);
  const noise = noGrad(() => neg(log(neg(log(clamp(rand(logits.shape, { generator }), LEAST))))));
  const soft = softmax(div(add(logits, noise), tau), along);
  if (!hard) return soft;
  const choice = noGrad(() => scatter(zerosLike(soft), along, argmax(soft, along, true), 1));
  return add(sub(choice, detach(soft)), soft);
}
