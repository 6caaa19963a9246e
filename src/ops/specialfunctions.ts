import { functions } from '#binary';
import type { Grads } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { keywords } from '../core/keywords.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul, neg, sub } from './arithmetic.js';
import { eq, gt, isinf, isnan, le, logicalAnd, logicalOr, lt, where } from './compare.js';
import { maximum } from './extremes.js';
import { binary, unary } from './families.js';
import { type Op, op } from './op.js';
import * as special from './special.js';
import { abs, clamp, cos, exp, exp2, log, log1p, sin } from './unary.js';

/** Special functions: of the normal distribution, the gamma function, and logarithms that keep their digits. */

export const erfc = unary('erfc', {
  part: functions,
  doc: 'Elementwise 1 − erf(input), exact in the upper tail.',
  scalar: special.erfc,
  save: ['x'],
  grad: (g, { x }): Grads => [mul(g, mul(exp(neg(mul(x, x))), -2 / Math.sqrt(Math.PI)))],
  tolerance: 3e-6,
});

export const erfinv = unary('erfinv', {
  part: functions,
  doc: 'Elementwise the number whose erf is input; ±Infinity at ±1, NaN beyond.',
  domain: [-0.75, 0.75],
  scalar: special.erfinv,
  save: ['y'],
  grad: (g, { y }): Grads => [mul(g, mul(exp(mul(y, y)), Math.sqrt(Math.PI) / 2))],
});

const polygammaOf: Op<(input: Tensor, n?: number) => Tensor> = unary('polygamma', {
  part: functions,
  doc: 'Elementwise derivative of digamma of the order `n` ≥ 1.',
  parameters: [1] as [number],
  scalar: (_x, _n: number) => NaN,
  save: ['x'],
  grad: (g, { x }, n: number): Grads => [mul(g, polygammaOf(x, n + 1))],
});

export const digamma = unary('digamma', {
  part: functions,
  doc: 'Elementwise logarithmic derivative of the gamma function; infinite at ±0, NaN at the other poles.',
  domain: [0.4, 6],
  scalar: special.digamma,
  save: ['x'],
  grad: (g, { x }): Grads => [mul(g, polygammaOf(x, 1))],
});

export const lgamma = unary('lgamma', {
  part: functions,
  doc: 'Elementwise logarithm of |Γ(input)|; Infinity at the poles.',
  domain: [0.4, 6],
  scalar: special.lgamma,
  save: ['x'],
  grad: (g, { x }): Grads => [mul(g, digamma(x))],
});

/** The derivative of order `n` of digamma(`input`), elementwise; n = 0 is digamma itself. */
export const polygamma = /* @__PURE__ */ keywords('polygamma', ['input'], (n: number, input: Tensor): Tensor => {
  if (!Number.isInteger(n) || n < 0) fail('argument', `polygamma: n must be a whole number ≥ 0, got ${String(n)}.`);
  return n === 0 ? digamma(input) : polygammaOf(input, n);
});

export const sinc = unary('sinc', {
  doc: 'Elementwise sin(π · input) / (π · input); 1 at 0.',
  // As in PyTorch the angle is a float32, and the largest ones are infinite.
  scalar: (x) => (x === 0 ? 1 : Math.sin(Math.fround(Math.PI * x)) / Math.fround(Math.PI * x)),
  compose: (x) => {
    const angle = mul(x, Math.PI);
    return where(eq(angle, 0), 1, div(sin(angle), angle));
  },
  save: ['x'],
  grad: (g, { x }): Grads => {
    const angle = mul(x, Math.PI);
    const below = mul(angle, x);
    return [mul(g, where(eq(below, 0), 0, div(sub(mul(cos(angle), angle), sin(angle)), below)))];
  },
  tolerance: 3e-6,
});

const logitOf = unary('logit', {
  doc: 'Elementwise log(input / (1 − input)), with input clamped to [eps, 1 − eps] if `eps` is given.',
  domain: [0.25, 0.75],
  // Below 0 eps stands for none.
  parameters: [-1],
  scalar: (x, eps) => {
    const p = eps < 0 ? x : Math.min(Math.max(x, eps), 1 - eps);
    return p < 0 || p > 1 ? NaN : Math.log(p / (1 - p));
  },
  compose: (x, eps) => {
    const p = eps < 0 ? x : clamp(x, eps, 1 - eps);
    return log(div(p, sub(1, p)));
  },
  save: ['x'],
  grad: (g, { x }, eps): Grads => {
    const [low, high] = eps < 0 ? [0, 1] : [eps, 1 - eps];
    const outside = logicalOr(lt(x, low), gt(x, high));
    return [where(outside, eps < 0 ? NaN : 0, div(g, mul(x, sub(1, x))))];
  },
  tolerance: 3e-6,
});

export interface LogitOptions {
  /** Bounds of the input: eps and 1 − eps. Default: none. */
  readonly eps?: number | null;
}

export const logit: Op<(input: Tensor, ...given: [eps?: number | null | LogitOptions]) => Tensor> = op(
  (input: Tensor, ...given: [eps?: number | null | LogitOptions]): Tensor =>
    logitOf(input, readArguments<LogitOptions>('logit', given, ['eps']).eps ?? -1),
  logitOf.op,
);

export const xlogy = binary('xlogy', {
  doc: 'Elementwise input · log(other), 0 where input is 0 and other no NaN, broadcasting.',
  scalar: (a, b) => (Number.isNaN(b) ? NaN : a === 0 ? 0 : a * Math.log(b)),
  result: 'float',
  domain: [
    [-3, 3],
    [0.3, 3],
  ],
  compose: (a, b) => where(isnan(b), NaN, where(eq(a, 0), 0, mul(a, log(b)))),
  save: ['a', 'b'],
  grad: (g, { a, b }, needs): Grads => [
    needs[0] ? mul(g, where(logicalAnd(eq(a, 0), le(b, 0)), 0, log(b))) : null,
    needs[1] ? div(mul(g, a), b) : null,
  ],
});

export const logaddexp = binary('logaddexp', {
  doc: 'Elementwise log(exp(input) + exp(other)) without overflow, broadcasting.',
  insteadOfWhole: '.float()',
  result: 'float',
  scalar: (a, b) => (a === b ? a + Math.LN2 : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))),
  compose: (a, b) => where(logicalAnd(eq(a, b), isinf(a)), a, add(maximum(a, b), log1p(exp(neg(abs(sub(a, b))))))),
  save: ['a', 'b'],
  grad: (g, { a, b }, needs): Grads => [
    needs[0] ? div(g, add(exp(sub(b, a)), 1)) : null,
    needs[1] ? div(g, add(exp(sub(a, b)), 1)) : null,
  ],
  tolerance: 3e-6,
});

export const logaddexp2 = binary('logaddexp2', {
  doc: 'Elementwise log2(2^input + 2^other) without overflow, broadcasting.',
  insteadOfWhole: '.float()',
  result: 'float',
  scalar: (a, b) => (a === b ? a + 1 : Math.max(a, b) + Math.log1p(2 ** -Math.abs(a - b)) / Math.LN2),
  compose: (a, b) =>
    where(logicalAnd(eq(a, b), isinf(a)), a, add(maximum(a, b), mul(log1p(exp2(neg(abs(sub(a, b))))), 1 / Math.LN2))),
  save: ['a', 'b'],
  grad: (g, { a, b }, needs): Grads => [
    needs[0] ? div(g, add(exp2(sub(b, a)), 1)) : null,
    needs[1] ? div(g, add(exp2(sub(a, b)), 1)) : null,
  ],
  tolerance: 3e-6,
});
