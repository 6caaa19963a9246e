import { isGradEnabled } from '../autograd/index.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul, sub } from './arithmetic.js';
import { gt, where } from './compare.js';
import { unary } from './families.js';
import { elementwise, empty, type Op, op } from './op.js';
import { normalCdf } from './special.js';
import { erf, exp } from './unary.js';

/** Activation functions. Where a gradient has a one-pass kernel, the plain formula stands beside it for second order. */

/**
 * A gradient computed by its own kernel, from the output's gradient and one saved value, with `plain` as its definition:
 * when gradients are recorded (`createGraph`), `plain` is what runs.
 */
function fusedGrad(kernel: string, g: Tensor, saved: Tensor, plain: (g: Tensor, saved: Tensor) => Tensor): Tensor {
  if (isGradEnabled()) return plain(g, saved);
  const dx = empty(g, g.shape, 'float32', kernel);
  elementwise(`${kernel}_grad_f32`, dx, [g, saved]);
  return dx;
}

export const relu = unary('relu', {
  doc: 'Elementwise max(input, 0); its gradient at 0 is 0.',
  result: 'same',
  scalar: (x) => (x > 0 || Number.isNaN(x) ? x : 0),
  wgsl: 'max(x, 0.0)',
  save: ['y'],
  grad: (g, { y }) => [fusedGrad('relu', g, y, (a, b) => where(gt(b, 0), a, 0))],
});

export const sigmoid = unary('sigmoid', {
  doc: 'Elementwise 1 / (1 + e^−input).',
  scalar: (x) => 1 / (1 + Math.exp(-x)),
  wgsl: '1.0 / (1.0 + exp(-x))',
  save: ['y'],
  grad: (g, { y }) => [fusedGrad('sigmoid', g, y, (a, b) => mul(a, mul(b, sub(1, b))))],
});

export const tanh = unary('tanh', {
  doc: 'Elementwise hyperbolic tangent.',
  scalar: Math.tanh,
  wgsl: 'tanh(x)',
  save: ['y'],
  grad: (g, { y }) => [fusedGrad('tanh', g, y, (a, b) => mul(a, sub(1, mul(b, b))))],
});

export const silu = unary('silu', {
  doc: 'Elementwise input · sigmoid(input) (Elfwing et al. 2017).',
  scalar: (x) => x / (1 + Math.exp(-x)),
  save: ['x'],
  grad: (g, { x }) => [
    fusedGrad('silu', g, x, (a, b) => {
      const s = sigmoid(b);
      return mul(a, add(s, mul(mul(b, s), sub(1, s))));
    }),
  ],
});

const geluErf = unary('gelu', {
  doc: 'Elementwise input · Φ(input), Φ the normal distribution function (Hendrycks and Gimpel 2016).',
  scalar: (x) => (x === -Infinity ? NaN : x * normalCdf(x)),
  save: ['x'],
  grad: (g, { x }) => [
    fusedGrad('gelu', g, x, (a, b) => {
      const cdf = mul(add(erf(mul(b, Math.SQRT1_2)), 1), 0.5);
      const pdf = mul(exp(mul(mul(b, b), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return mul(a, add(cdf, mul(b, pdf)));
    }),
  ],
});

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

const geluTanh = unary('geluTanh', {
  doc: 'Elementwise ½ · input · (1 + tanh(√(2/π) · (input + 0.044715 · input³))).',
  scalar: (x) => 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x ** 3))),
  save: ['x'],
  grad: (g, { x }) => {
    const square = mul(x, x);
    const t = tanh(mul(mul(x, add(mul(square, 0.044715), 1)), SQRT_2_OVER_PI));
    const inner = mul(add(mul(square, 3 * 0.044715), 1), SQRT_2_OVER_PI);
    const slope = mul(mul(mul(x, 0.5), sub(1, mul(t, t))), inner);
    return [mul(g, add(mul(add(t, 1), 0.5), slope))];
  },
});

export interface GeluOptions {
  /** 'none' uses the error function, 'tanh' its usual approximation. Default 'none'. */
  readonly approximate?: 'none' | 'tanh';
}

export const gelu: Op<(input: Tensor, options?: GeluOptions) => Tensor> = op(
  (input: Tensor, { approximate = 'none' }: GeluOptions = {}): Tensor =>
    approximate === 'tanh' ? geluTanh(input) : geluErf(input),
  geluErf.op,
);
