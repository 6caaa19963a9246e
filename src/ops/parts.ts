import { numerics } from '#binary';
import type { Grads } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { keywords } from '../core/keywords.js';
import type { Tensor } from '../core/tensor.js';
import { div, mul, sub } from './arithmetic.js';
import { eq, gt, isnan, lt, where } from './compare.js';
import { zerosLike } from './create.js';
import { binary, unary } from './families.js';
import { cast, clone } from './movement.js';
import { checkTensor, type Op, op } from './op.js';
import { pow } from './power.js';
import { abs, trunc } from './unary.js';

/** Signs, fractions and special values of numbers, and units of angles. */

export const copysign = binary('copysign', {
  part: numerics,
  doc: 'Elementwise |input| with the sign of other, broadcasting; integers give float32.',
  result: 'float',
  scalar: (a, b) => (b < 0 || Object.is(b, -0) ? -Math.abs(a) : Math.abs(a)),
  domain: [
    [-3, 3],
    [0.5, 3],
  ],
  save: ['a', 'y'],
  grad: (g, { a, y }, needs): Grads => [
    needs[0] ? mul(g, where(eq(a, 0), 0, div(y, a))) : null,
    needs[1] ? zerosLike(g) : null,
  ],
});

export const hypot = binary('hypot', {
  part: numerics,
  doc: 'Elementwise √(input² + other²) without overflow, broadcasting.',
  insteadOfWhole: '.float()',
  result: 'float',
  scalar: Math.hypot,
  save: ['a', 'b', 'y'],
  grad: (g, { a, b, y }, needs): Grads => [needs[0] ? mul(g, div(a, y)) : null, needs[1] ? mul(g, div(b, y)) : null],
});

const step = binary('heaviside', {
  doc: 'Elementwise 0 below 0, 1 above, and other at 0, broadcasting. It has no gradient.',
  scalar: (a, b) => (a === 0 ? b : Number(a > 0)),
  compose: (a, b) => where(eq(a, 0), b, cast(gt(a, 0), a.dtype)),
});

export const heaviside = op(
  keywords('heaviside', ['values'], (input: Tensor, values: Tensor): Tensor => {
    checkTensor('heaviside', input);
    checkTensor('heaviside', values, 'values');
    if (input.dtype !== values.dtype) {
      fail(
        'dtype',
        `heaviside: both tensors must be of one dtype, got ${input.dtype} and ${values.dtype}. Use .to(dtype).`,
      );
    }
    return step(input, values);
  }),
  step.op,
);

/** `input` · 2^`other`, elementwise, broadcasting. */
export const ldexp = /* @__PURE__ */ keywords('ldexp', ['other'], (input: Tensor, other: Tensor): Tensor => {
  checkTensor('ldexp', input);
  checkTensor('ldexp', other, 'other');
  const isFloat = other.dtype === 'float32' || other.dtype === 'float16';
  return mul(input, pow(2, isFloat ? other : cast(other, 'float32')));
});

export const frac = unary('frac', {
  doc: 'Elementwise the fraction of input, with its sign.',
  insteadOfWhole: '.float()',
  scalar: (x) => x - Math.trunc(x),
  compose: (x) => sub(x, trunc(x)),
  grad: (g): Grads => [g],
});

export const deg2rad = unary('deg2rad', {
  doc: 'Elementwise degrees in radians.',
  scalar: (x) => (x * Math.PI) / 180,
  compose: (x) => mul(x, Math.PI / 180),
  grad: (g): Grads => [mul(g, Math.PI / 180)],
});

export const rad2deg = unary('rad2deg', {
  doc: 'Elementwise radians in degrees.',
  scalar: (x) => (x * 180) / Math.PI,
  compose: (x) => mul(x, 180 / Math.PI),
  grad: (g): Grads => [mul(g, 180 / Math.PI)],
});

export const signbit = unary('signbit', {
  doc: 'Where the sign of input is negative, −0 included; bool.',
  result: 'bool',
  scalar: (x) => Number(x < 0 || Object.is(x, -0)),
  compose: (x) => lt(copysign(1, x), 0),
});

export const isfinite = unary('isfinite', {
  doc: 'Where input is neither infinite nor NaN; bool.',
  result: 'bool',
  scalar: (x) => Number(Number.isFinite(x)),
  compose: (x) => lt(abs(x), Infinity),
});

export const isposinf = unary('isposinf', {
  doc: 'Where input is Infinity; bool.',
  result: 'bool',
  scalar: (x) => Number(x === Infinity),
  compose: (x) => eq(x, Infinity),
});

export const isneginf = unary('isneginf', {
  doc: 'Where input is −Infinity; bool.',
  result: 'bool',
  scalar: (x) => Number(x === -Infinity),
  compose: (x) => eq(x, -Infinity),
});

export const positive = unary('positive', {
  doc: 'Elementwise input itself.',
  result: 'same',
  bool: { use: 'input itself' },
  scalar: (x) => x,
  compose: clone,
  grad: (g): Grads => [g],
});

/** The largest finite numbers. */
const FLOAT32_MAX = 3.4028234663852886e38;
const FLOAT16_MAX = 65504;

const replaced = unary('nanToNum', {
  doc: 'Elementwise input with `nan` (default 0) for NaN, and `posinf` and `neginf` (default the largest finite numbers) for ±Infinity.',
  result: 'whole',
  parameters: [0, FLOAT32_MAX, -FLOAT32_MAX],
  scalar: (x, nan, posinf, neginf) => (Number.isNaN(x) ? nan : x === Infinity ? posinf : x === -Infinity ? neginf : x),
  compose: (x, nan, posinf, neginf) =>
    where(isnan(x), nan, where(eq(x, Infinity), posinf, where(eq(x, -Infinity), neginf, x))),
  save: ['x'],
  grad: (g, { x }): Grads => [where(isfinite(x), g, 0)],
});

export interface NanToNumOptions {
  readonly nan?: number | null;
  readonly posinf?: number | null;
  readonly neginf?: number | null;
}

export type NanToNumArguments = [
  nan?: number | null | NanToNumOptions,
  posinf?: number | null | NanToNumOptions,
  neginf?: number | null | NanToNumOptions,
  options?: NanToNumOptions,
];

export const nanToNum: Op<(input: Tensor, ...given: NanToNumArguments) => Tensor> = op(
  (input: Tensor, ...given: NanToNumArguments): Tensor => {
    checkTensor('nanToNum', input);
    const { nan, posinf, neginf } = readArguments<NanToNumOptions>('nanToNum', given, ['nan', 'posinf', 'neginf']);
    const largest = input.dtype === 'float16' ? FLOAT16_MAX : FLOAT32_MAX;
    return replaced(input, nan ?? 0, posinf ?? largest, neginf ?? -largest);
  },
  replaced.op,
);
