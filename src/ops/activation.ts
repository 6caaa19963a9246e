import { activation, functions } from '#binary';
import { isGradEnabled, noGrad, record } from '../autograd/index.js';
import { checkOptions, readArguments } from '../core/arguments.js';
import type { KernelName } from '../core/device.js';
import { fail, show } from '../core/errors.js';
import { keywords, type Whole } from '../core/keywords.js';
import { normalizeDim } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul, neg, sub } from './arithmetic.js';
import { sumTo } from './broadcast.js';
import { chosenBy } from './choice.js';
import { ge, gt, le, logicalAnd, lt, where } from './compare.js';
import { zerosLike } from './create.js';
import { unary } from './families.js';
import { narrow, reshape } from './movement.js';
import { checkTensor, convert, elementwise, empty, type Op, op } from './op.js';
import { at, build, type Reference, type Sheet, spread } from './sheet.js';
import { normalCdf } from './special.js';
import { abs, erf, exp, square } from './unary.js';

/** Activation functions. Where a gradient has a one-pass kernel, the plain formula stands beside it for second order. */

/**
 * A gradient computed by its own kernel, from the output's gradient and one saved value, with `plain` as its definition:
 * when gradients are recorded (`createGraph`), `plain` is what runs.
 */
function fusedGrad(kernel: KernelName, g: Tensor, saved: Tensor, plain: (g: Tensor, saved: Tensor) => Tensor): Tensor {
  if (isGradEnabled()) return plain(g, saved);
  const dx = empty(g, g.shape, 'float32', 'gradient');
  elementwise(kernel, dx, [g, saved]);
  return dx;
}

/** `g` where relu has let its input through and 0 elsewhere. This is linear in `g`, so it is its own gradient too. */
function passed(g: Tensor, y: Tensor): Tensor {
  const dx = empty(g, g.shape, 'float32', 'relu');
  elementwise('relu_grad_f32', dx, [convert(g, 'float32'), convert(y, 'float32')]);
  const result = convert(dx, g.dtype);
  record('relu', [g, y], [result], [y], ([h], [held], needs) => [
    passed(h as Tensor, held as Tensor),
    // With respect to what it has only chosen by, it is flat, and the graph says so as PyTorch's does.
    needs[1] ? zerosLike(h as Tensor) : null,
  ]);
  return result;
}

export const relu = unary('relu', {
  doc: 'Elementwise max(input, 0); its gradient at 0 is 0.',
  result: 'same',
  scalar: (x) => (x > 0 || Number.isNaN(x) ? x : 0),
  save: ['y'],
  grad: (g, { y }) => [passed(g, y)],
});

export const sigmoid = unary('sigmoid', {
  part: activation,
  doc: 'Elementwise 1 / (1 + e^−input).',
  scalar: (x) => 1 / (1 + Math.exp(-x)),
  save: ['y'],
  grad: (g, { y }) => [fusedGrad(activation.kernel('sigmoid_grad_f32'), g, y, (a, b) => mul(a, mul(b, sub(1, b))))],
});

export const tanh = unary('tanh', {
  part: functions,
  doc: 'Elementwise hyperbolic tangent.',
  scalar: Math.tanh,
  save: ['y'],
  grad: (g, { y }) => [fusedGrad(activation.kernel('tanh_grad_f32'), g, y, (a, b) => mul(a, sub(1, mul(b, b))))],
});

export const silu = unary('silu', {
  part: activation,
  doc: 'Elementwise input · sigmoid(input) (Elfwing et al. 2017).',
  scalar: (x) => x / (1 + Math.exp(-x)),
  save: ['x'],
  grad: (g, { x }) => [
    fusedGrad(activation.kernel('silu_grad_f32'), g, x, (a, b) => {
      const s = sigmoid(b);
      return mul(a, add(s, mul(mul(b, s), sub(1, s))));
    }),
  ],
});

const geluErf = unary('gelu', {
  part: activation,
  doc: 'Elementwise input · Φ(input), Φ the normal distribution function (Hendrycks and Gimpel 2016).',
  scalar: (x) => (x === -Infinity ? NaN : x * normalCdf(x)),
  save: ['x'],
  grad: (g, { x }) => [
    fusedGrad(activation.kernel('gelu_grad_f32'), g, x, (a, b) => {
      const cdf = mul(add(erf(mul(b, Math.SQRT1_2)), 1), 0.5);
      const pdf = mul(exp(mul(mul(b, b), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return mul(a, add(cdf, mul(b, pdf)));
    }),
  ],
});

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

const geluTanh = unary('geluTanh', {
  part: activation,
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
  (input: Tensor, options: GeluOptions = {}): Tensor => {
    checkOptions('gelu', options, ['approximate']);
    const { approximate = 'none' } = options;
    if (approximate !== 'none' && approximate !== 'tanh') {
      fail('argument', `gelu: approximate must be 'none' or 'tanh', got '${String(approximate)}'.`);
    }
    return approximate === 'tanh' ? geluTanh(input) : geluErf(input);
  },
  geluErf.op,
);

/** The gradient of a function that is the identity between `low` and `high`, and flat beyond and at both. 0 for NaN. */
function between(g: Tensor, x: Tensor, low: number, high: number): Tensor {
  return chosenBy(x, where(logicalAnd(gt(x, low), lt(x, high)), g, 0));
}

export const relu6 = unary('relu6', {
  part: activation,
  doc: 'Elementwise min(max(input, 0), 6); its gradient at both ends is 0.',
  scalar: (x) => Math.min(Math.max(x, 0), 6),
  save: ['x'],
  grad: (g, { x }) => [between(g, x, 0, 6)],
});

export const mish = unary('mish', {
  part: activation,
  doc: 'Elementwise input · tanh(softplus(input)) (Misra 2019).',
  scalar: (x) => x * Math.tanh(x > 30 ? x : Math.log1p(Math.exp(x))),
  save: ['x'],
  grad: (g, { x }) => {
    const t = tanh(softplusOf(x, 1, 20));
    return [mul(g, add(t, mul(mul(x, sigmoid(x)), sub(1, mul(t, t)))))];
  },
});

export const softsign = unary('softsign', {
  part: activation,
  doc: 'Elementwise input / (1 + |input|).',
  scalar: (x) => x / (1 + Math.abs(x)),
  save: ['x'],
  grad: (g, { x }) => [div(g, square(add(abs(x), 1)))],
});

export const logSigmoid = unary('logSigmoid', {
  part: activation,
  doc: 'Elementwise log(1 / (1 + e^−input)); exact far below 0.',
  scalar: (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))),
  save: ['x'],
  grad: (g, { x }) => [mul(g, sigmoid(neg(x)))],
});

export const hardsigmoid = unary('hardsigmoid', {
  part: activation,
  doc: 'Elementwise min(max(input + 3, 0), 6) / 6; its gradient at ±3 is 0.',
  scalar: (x) => Math.min(Math.max(x + 3, 0), 6) / 6,
  domain: [-5, 5],
  save: ['x'],
  grad: (g, { x }) => [chosenBy(x, where(logicalAnd(gt(x, -3), lt(x, 3)), mul(g, 1 / 6), 0))],
});

export const hardswish = unary('hardswish', {
  part: activation,
  doc: 'Elementwise input · min(max(input + 3, 0), 6) / 6 (Howard et al. 2019).',
  // The product overflows before the division, as in PyTorch.
  scalar: (x) => Math.fround(x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  domain: [-5, 5],
  save: ['x'],
  // In the middle (2x + 3) / 6; from 3 on the gradient as it is.
  grad: (g, { x }) => [where(lt(x, -3), 0, where(ge(x, 3), g, mul(g, add(mul(x, 1 / 3), 0.5))))],
});

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

export const selu = unary('selu', {
  part: activation,
  doc: 'Elementwise scale · elu(input, alpha), whose constants keep mean 0 and variance 1 (Klambauer et al. 2017).',
  scalar: (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
  save: ['x'],
  grad: (g, { x }) => [where(gt(x, 0), mul(g, SELU_SCALE), mul(mul(g, SELU_SCALE * SELU_ALPHA), exp(below(x))))],
});

/** min(x, 0): e to its power stays finite, so that the branch which is not taken makes no NaN of a second derivative. */
function below(x: Tensor): Tensor {
  return where(gt(x, 0), 0, x);
}

const leakyReluOf = unary('leakyRelu', {
  part: activation,
  doc: 'Elementwise input where it is above 0, `negativeSlope` · input elsewhere.',
  parameters: [0.01],
  scalar: (x, slope) => (x > 0 ? x : slope * x),
  save: ['x'],
  grad: (g, { x }, slope) => [chosenBy(x, where(gt(x, 0), g, mul(g, slope)))],
});

const eluOf = unary('elu', {
  part: activation,
  doc: 'Elementwise input where it is above 0, `alpha` · (e^input − 1) elsewhere (Clevert et al. 2015).',
  parameters: [1],
  scalar: (x, alpha) => (x <= 0 ? alpha * Math.expm1(x) : x),
  save: ['x'],
  grad: (g, { x }, alpha) => [where(gt(x, 0), g, mul(mul(g, alpha), exp(below(x))))],
});

const celuOf = unary('celu', {
  part: activation,
  doc: 'Elementwise max(input, 0) + min(0, `alpha` · (e^(input / alpha) − 1)) (Barron 2017).',
  parameters: [1],
  scalar: (x, alpha) => (x <= 0 ? alpha * Math.expm1(x / alpha) : x),
  save: ['x'],
  grad: (g, { x }, alpha) => [where(gt(x, 0), g, mul(g, exp(mul(below(x), 1 / alpha))))],
});

const softplusOf = unary('softplus', {
  part: activation,
  doc: 'Elementwise log(1 + e^(`beta` · input)) / beta; input itself where beta · input is above `threshold`.',
  parameters: [1, 20],
  scalar: (x, beta, threshold) =>
    x * beta > threshold ? x : (Math.max(x * beta, 0) + Math.log1p(Math.exp(-Math.abs(x * beta)))) / beta,
  save: ['x'],
  grad: (g, { x }, beta, threshold) => {
    const scaled = mul(x, beta);
    return [where(gt(scaled, threshold), g, mul(g, sigmoid(scaled)))];
  },
});

const hardtanhOf = unary('hardtanh', {
  part: activation,
  doc: 'Elementwise input, raised to `minVal` and lowered to `maxVal`; its gradient at both is 0.',
  parameters: [-1, 1],
  scalar: (x, low, high) => Math.min(Math.max(x, low), high),
  save: ['x'],
  grad: (g, { x }, low, high) => [between(g, x, low, high)],
});

const thresholdOf = unary('threshold', {
  part: activation,
  doc: 'Elementwise input where it is above `threshold`, `value` elsewhere; NaN stays.',
  parameters: [0, 0],
  scalar: (x, limit, value) => (x <= limit ? value : x),
  save: ['x'],
  grad: (g, { x }, limit) => [chosenBy(x, where(le(x, limit), 0, g))],
});

/**
 * The first half of `input` along `dim` times the sigmoid of the second: [… 2n …] → [… n …] (Dauphin et al. 2017).
 */
export const glu = op(
  keywords('glu', ['dim'], (input: Tensor, dim: Whole = -1): Tensor => {
    checkTensor('glu', input);
    const d = normalizeDim('glu', dim, input.ndim);
    const size = input.shape[d];
    if (size === undefined || size % 2 !== 0) {
      fail('shape', `glu: size ${size ?? 'none'} of ${show(input.shape)} along dim ${d} must be even.`);
    }
    return mul(narrow(input, d, 0, size / 2), sigmoid(narrow(input, d, size / 2, size / 2)));
  }),
  {
    name: 'glu',
    family: 'activation',
    doc: 'The first half of `input` along `dim` times the sigmoid of the second; half as long along `dim`.',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [dim]) => {
      const input = x as Reference;
      const d = ((dim as number | undefined) ?? -1) < 0 ? input.shape.length - 1 : (dim as number);
      const half = (input.shape[d] as number) / 2;
      const shape = input.shape.map((n, i) => (i === d ? half : n));
      return build(shape, (i) => {
        const gate = at(
          input,
          i.map((v, k) => (k === d ? v + half : v)),
        );
        return at(input, i) / (1 + Math.exp(-gate));
      });
    },
    samples: () => [{ inputs: [spread([6])] }, { inputs: [spread([3, 8])] }, { inputs: [spread([4, 5])], args: [0] }],
  },
);

/** A weight for each channel, the second dimension, shaped so that it broadcasts against `input`. */
function perChannel(input: Tensor, weight: Tensor): Tensor {
  if (weight.numel() === 1) return reshape(weight, []);
  const channels = input.shape[1];
  if (weight.ndim !== 1 || channels !== weight.numel()) {
    fail(
      'shape',
      `prelu: weight must be [1] or [${channels ?? 1}] for input ${show(input.shape)}, got ${show(weight.shape)}.`,
    );
  }
  return reshape(weight, [weight.numel(), ...input.shape.slice(2).map(() => 1)]);
}

/** `input` where it is above 0, `weight` · input elsewhere, with one weight [1] or one for each channel [C] (He et al. 2015). */
export const prelu = op(
  keywords('prelu', ['weight'], (input: Tensor, weight: Tensor): Tensor => {
    checkTensor('prelu', input);
    checkTensor('prelu', weight, 'weight');
    const slopes = perChannel(input, weight);
    const y = noGrad(() => where(gt(input, 0), input, mul(input, slopes)));
    record('prelu', [input, slopes], [y], [input, slopes], ([gradient], [held, w], needs) => {
      const [g, x] = [gradient as Tensor, held as Tensor];
      const isPositive = gt(x, 0);
      return [
        needs[0] ? where(isPositive, g, mul(g, w as Tensor)) : null,
        needs[1] ? sumTo(where(isPositive, 0, mul(g, x)), (w as Tensor).shape) : null,
      ];
    });
    return y;
  }),
  {
    name: 'prelu',
    family: 'activation',
    doc: '`input` where it is above 0, `weight` · input elsewhere; weight is [1] or one for each channel [C].',
    dtypes: ['float32'],
    differentiable: [true, true],
    oracle: ([a, b]) => {
      const [x, w] = [a as Reference, b as Reference];
      return build(x.shape, (i) => {
        const v = at(x, i);
        return v > 0 ? v : v * (w.data[w.data.length === 1 ? 0 : (i[1] as number)] as number);
      });
    },
    samples: () => [
      { inputs: [spread([7]), spread([1])] },
      { inputs: [spread([3, 4]), spread([4])] },
      { inputs: [spread([2, 3, 2, 2]), spread([3])] },
      { inputs: [spread([2, 3, 2]), spread([1])] },
    ],
  },
);

type Parametric = Op<(input: Tensor, ...parameters: (number | undefined)[]) => Tensor>;

/** A parameter as a number in PyTorch's place, or an object with it and those behind it by name. */
export type Setting<K extends string> = number | { readonly [N in K]?: number };

/** An op whose parameters may come by name. Its own is said again, since what is built leaves sheets behind. */
// @__NO_SIDE_EFFECTS__
function named<const K extends string>(
  name: string,
  compute: Parametric,
  names: readonly K[],
): ((input: Tensor, ...given: readonly Setting<K>[]) => Tensor) & { readonly op: Sheet } {
  return op((input: Tensor, ...given: readonly Setting<K>[]): Tensor => {
    const options = readArguments<Record<string, number>>(name, given, names);
    return compute(input, ...names.map((key) => options[key]));
  }, compute.op);
}

export const leakyRelu = /* @__PURE__ */ named('leakyRelu', leakyReluOf, ['negativeSlope']);
export const elu = /* @__PURE__ */ named('elu', eluOf, ['alpha']);
export const celu = /* @__PURE__ */ named('celu', celuOf, ['alpha']);
export const softplus = /* @__PURE__ */ named('softplus', softplusOf, ['beta', 'threshold']);
export const hardtanh = /* @__PURE__ */ named('hardtanh', hardtanhOf, ['minVal', 'maxVal']);

export type ThresholdOptions = { readonly threshold?: number; readonly value?: number };

/** `input` where it is above `limit`, `value` elsewhere. */
export const threshold: Op<
  (input: Tensor, threshold: number | ThresholdOptions, value?: number | Pick<ThresholdOptions, 'value'>) => Tensor
> = op((input: Tensor, ...rest: readonly unknown[]): Tensor => {
  const given = readArguments<ThresholdOptions>('threshold', rest, ['threshold', 'value']);
  if (typeof given.threshold !== 'number' || typeof given.value !== 'number') {
    fail('argument', 'threshold: expected two numbers, threshold and value.');
  }
  return thresholdOf(input, given.threshold, given.value);
}, thresholdOf.op);
