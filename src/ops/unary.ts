import { functions, numerics } from '#binary';
import { type Grads, noGrad, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { keywords, type Named, type Whole } from '../core/keywords.js';
import { scope } from '../core/scoping.js';
import { Tensor } from '../core/tensor.js';
import { add, div, mul, neg, sub } from './arithmetic.js';
import { sumTo } from './broadcast.js';
import { ge, gt, isnan, le, logicalAnd, logicalOr, lt, where } from './compare.js';
import { zerosLike } from './create.js';
import { unary } from './families.js';
import { checkTensor, type Op, op } from './op.js';
import * as special from './special.js';

/** Elementwise functions of one input. Activations stand in activation.ts. */

export const abs = unary('abs', {
  doc: 'Elementwise |input|.',
  result: 'same',
  scalar: Math.abs,
  save: ['x'],
  grad: (g, { x }) => [mul(g, sign(x))],
});

export const sign = unary('sign', {
  part: numerics,
  doc: 'Elementwise −1, 0 or 1.',
  result: 'same',
  bool: 'bool',
  // PyTorch's sign of NaN is 0.
  scalar: (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
  grad: (g) => [zerosLike(g)],
});

export const floor = unary('floor', {
  part: numerics,
  doc: 'Elementwise the largest whole number ≤ input.',
  result: 'whole',
  scalar: Math.floor,
  grad: (g) => [zerosLike(g)],
});

export const ceil = unary('ceil', {
  part: numerics,
  doc: 'Elementwise the smallest whole number ≥ input.',
  result: 'whole',
  scalar: Math.ceil,
  grad: (g) => [zerosLike(g)],
});

const roundWhole = unary('round', {
  part: numerics,
  doc: 'Elementwise the nearest whole number, halves to even.',
  result: 'whole',
  scalar: (x) => {
    const near = Math.round(x);
    return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near;
  },
  grad: (g) => [zerosLike(g)],
});

/**
 * To `decimals` places after the point (before it, where that is negative): the nearest whole number of the scaled elements,
 * scaled back, as PyTorch computes it.
 */
function roundAt(input: Tensor, decimals: number): Tensor {
  if (!Number.isInteger(decimals)) fail('argument', `round: decimals must be a whole number, got ${decimals}.`);
  if (!traits[input.dtype].isFloat) fail('dtype', `round: decimals are for floating point, got ${input.dtype}.`);
  const ten = 10 ** Math.abs(decimals);
  const y = noGrad(() =>
    scope(() => (decimals > 0 ? div(roundWhole(mul(input, ten)), ten) : mul(roundWhole(div(input, ten)), ten))),
  );
  record('round', [input], [y], [], ([g]) => [zerosLike(g as Tensor)]);
  return y;
}

export const round: Op<(input: Tensor, ...rest: Named<[decimals?: Whole], readonly ['decimals']>) => Tensor> = op(
  keywords('round', ['decimals'], (input: Tensor, decimals: Whole = 0): Tensor => {
    checkTensor('round', input);
    return decimals === 0 ? roundWhole(input) : roundAt(input, decimals);
  }),
  roundWhole.op,
);

export const trunc = unary('trunc', {
  part: numerics,
  doc: 'Elementwise input without its fraction.',
  result: 'whole',
  scalar: Math.trunc,
  grad: (g) => [zerosLike(g)],
});

export const sqrt = unary('sqrt', {
  doc: 'Elementwise square root; NaN below 0.',
  domain: [0.1, 9],
  scalar: Math.sqrt,
  save: ['y'],
  grad: (g, { y }) => [div(g, mul(y, 2))],
});

export const rsqrt = unary('rsqrt', {
  part: numerics,
  doc: 'Elementwise 1 / √input.',
  domain: [0.2, 9],
  scalar: (x) => 1 / Math.sqrt(x),
  save: ['y'],
  grad: (g, { y }) => [mul(g, mul(mul(mul(y, y), y), -0.5))],
});

export const reciprocal = unary('reciprocal', {
  part: numerics,
  doc: 'Elementwise 1 / input.',
  domain: [0.3, 4],
  scalar: (x) => 1 / x,
  save: ['y'],
  grad: (g, { y }) => [neg(mul(g, mul(y, y)))],
});

export const square = unary('square', {
  doc: 'Elementwise input².',
  result: 'same',
  scalar: (x) => x * x,
  save: ['x'],
  grad: (g, { x }) => [mul(g, mul(x, 2))],
});

export const exp = unary('exp', {
  doc: 'Elementwise e to the power of input.',
  scalar: Math.exp,
  save: ['y'],
  grad: (g, { y }) => [mul(g, y)],
});

export const exp2 = unary('exp2', {
  part: functions,
  doc: 'Elementwise 2 to the power of input.',
  scalar: (x) => 2 ** x,
  save: ['y'],
  grad: (g, { y }) => [mul(g, mul(y, Math.LN2))],
});

export const expm1 = unary('expm1', {
  part: functions,
  doc: 'Elementwise e to the power of input, minus 1; exact near 0.',
  scalar: Math.expm1,
  save: ['y'],
  grad: (g, { y }) => [mul(g, add(y, 1))],
});

export const log = unary('log', {
  part: functions,
  doc: 'Elementwise natural logarithm; −Infinity at 0, NaN below.',
  domain: [0.2, 9],
  scalar: Math.log,
  save: ['x'],
  grad: (g, { x }) => [div(g, x)],
});

export const log2 = unary('log2', {
  part: functions,
  doc: 'Elementwise logarithm to base 2.',
  domain: [0.2, 9],
  scalar: Math.log2,
  save: ['x'],
  grad: (g, { x }) => [div(g, mul(x, Math.LN2))],
});

export const log10 = unary('log10', {
  part: functions,
  doc: 'Elementwise logarithm to base 10.',
  domain: [0.2, 9],
  scalar: Math.log10,
  save: ['x'],
  grad: (g, { x }) => [div(g, mul(x, Math.LN10))],
});

export const log1p = unary('log1p', {
  part: functions,
  doc: 'Elementwise log(1 + input); exact near 0.',
  domain: [-0.8, 5],
  scalar: Math.log1p,
  save: ['x'],
  grad: (g, { x }) => [div(g, add(x, 1))],
});

export const sin = unary('sin', {
  part: functions,
  doc: 'Elementwise sine of radians.',
  scalar: Math.sin,
  save: ['x'],
  grad: (g, { x }): Grads => [mul(g, cos(x))],
});

export const cos = unary('cos', {
  part: functions,
  doc: 'Elementwise cosine of radians.',
  scalar: Math.cos,
  save: ['x'],
  grad: (g, { x }): Grads => [neg(mul(g, sin(x)))],
});

export const tan = unary('tan', {
  part: functions,
  doc: 'Elementwise tangent of radians.',
  domain: [-1.2, 1.2],
  scalar: Math.tan,
  save: ['y'],
  grad: (g, { y }) => [mul(g, add(mul(y, y), 1))],
});

export const asin = unary('asin', {
  part: functions,
  doc: 'Elementwise arc sine, in radians; NaN outside [−1, 1].',
  domain: [-0.8, 0.8],
  scalar: Math.asin,
  save: ['x'],
  grad: (g, { x }) => [mul(g, rsqrt(sub(1, mul(x, x))))],
});

export const acos = unary('acos', {
  part: functions,
  doc: 'Elementwise arc cosine, in radians; NaN outside [−1, 1].',
  domain: [-0.8, 0.8],
  scalar: Math.acos,
  save: ['x'],
  grad: (g, { x }) => [neg(mul(g, rsqrt(sub(1, mul(x, x)))))],
});

export const atan = unary('atan', {
  part: functions,
  doc: 'Elementwise arc tangent, in radians.',
  scalar: Math.atan,
  save: ['x'],
  grad: (g, { x }) => [div(g, add(mul(x, x), 1))],
});

export const sinh = unary('sinh', {
  part: functions,
  doc: 'Elementwise hyperbolic sine.',
  scalar: Math.sinh,
  save: ['x'],
  grad: (g, { x }): Grads => [mul(g, cosh(x))],
});

export const cosh = unary('cosh', {
  part: functions,
  doc: 'Elementwise hyperbolic cosine.',
  scalar: Math.cosh,
  save: ['x'],
  grad: (g, { x }): Grads => [mul(g, sinh(x))],
});

export const asinh = unary('asinh', {
  part: functions,
  doc: 'Elementwise inverse hyperbolic sine.',
  scalar: Math.asinh,
  save: ['x'],
  grad: (g, { x }) => [mul(g, rsqrt(add(mul(x, x), 1)))],
});

export const acosh = unary('acosh', {
  part: functions,
  doc: 'Elementwise inverse hyperbolic cosine; NaN below 1.',
  domain: [1.3, 6],
  scalar: Math.acosh,
  save: ['x'],
  grad: (g, { x }) => [mul(g, rsqrt(sub(mul(x, x), 1)))],
});

export const atanh = unary('atanh', {
  part: functions,
  doc: 'Elementwise inverse hyperbolic tangent; NaN outside [−1, 1].',
  domain: [-0.8, 0.8],
  scalar: Math.atanh,
  save: ['x'],
  grad: (g, { x }) => [div(g, sub(1, mul(x, x)))],
});

export const erf = unary('erf', {
  part: functions,
  doc: 'Elementwise Gauss error function.',
  scalar: special.erf,
  save: ['x'],
  grad: (g, { x }) => [mul(g, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))],
});

const clampBetween = unary('clamp', {
  part: numerics,
  doc: 'Elementwise input, raised to `min` and lowered to `max`; NaN stays. Either bound may be left out.',
  parameters: [-1, 1],
  scalar: (x, low, high) => (x < low ? Math.min(low, high) : x > high ? high : x),
  save: ['x'],
  grad: (g, { x }, low, high) => [where(logicalAnd(ge(x, low), le(x, high)), g, 0)],
});

export interface ClampOptions {
  readonly min?: number | Tensor | null;
  readonly max?: number | Tensor | null;
}

type Bound = number | Tensor | null | undefined;

/** By comparison: for integers, which stay integers between whole bounds, and for bounds that are tensors. */
function compared(input: Tensor, min: Bound, max: Bound): Tensor {
  const passes = (bound: number | Tensor, past: Tensor): Tensor =>
    bound instanceof Tensor ? logicalOr(past, isnan(bound)) : past;
  const raised = min == null ? input : where(passes(min, lt(input, min)), min, input);
  return max == null ? raised : where(passes(max, gt(raised, max)), max, raised);
}

/** The same with gradients: input has them between the bounds, else the bound that was taken. NaN has none. */
function clampCompared(input: Tensor, min: Bound, max: Bound): Tensor {
  const y = noGrad(() => scope(() => compared(input, min, max)));
  const bounds = [min, max].filter((bound) => bound instanceof Tensor);
  if (bounds.length === 0) return y;
  const operands = [input, ...bounds];
  record('clamp', operands, [y], operands, ([gradient], [x, ...rest], needs) => {
    const low = min instanceof Tensor ? (rest.shift() as Tensor) : (min ?? -Infinity);
    const high = max instanceof Tensor ? (rest.shift() as Tensor) : (max ?? Infinity);
    const shares: Tensor[] = [logicalAnd(ge(x as Tensor, low), le(x as Tensor, high))];
    const tops = (over: Tensor): Tensor => (low instanceof Tensor ? logicalOr(over, gt(low, high)) : over);
    const isBelow = lt(x as Tensor, low);
    if (min instanceof Tensor) shares.push(max == null ? isBelow : logicalAnd(isBelow, lt(low as Tensor, high)));
    if (max instanceof Tensor) shares.push(tops(gt(x as Tensor, high)));
    return operands.map(({ shape }, i) =>
      needs[i] ? sumTo(where(shares[i] as Tensor, gradient as Tensor, 0), shape) : null,
    );
  });
  return y;
}

export type ClampArguments = [min?: number | Tensor | null | ClampOptions, max?: number | Tensor | null | ClampOptions];

export const clamp: Op<(input: Tensor, ...given: ClampArguments) => Tensor> = op(
  (input: Tensor, ...given: ClampArguments): Tensor => {
    const { min, max } = readArguments<ClampOptions>('clamp', given, ['min', 'max']);
    if (min == null && max == null) fail('argument', 'clamp: expected min, max or both, got neither.');
    checkTensor('clamp', input);
    if (min instanceof Tensor || max instanceof Tensor) return clampCompared(input, min, max);
    const whole = [min, max].every((bound) => bound == null || Number.isInteger(bound));
    if (whole && !traits[input.dtype].isFloat) return clampCompared(input, min, max);
    return clampBetween(input, min ?? -Infinity, max ?? Infinity);
  },
  clampBetween.op,
);
