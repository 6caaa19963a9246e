import { traits } from '../core/dtype.js';
import { keywords, leading } from '../core/keywords.js';
import { Tensor } from '../core/tensor.js';
import { sigmoid } from './activation.js';
import { type AlphaOptions, mul, neg, sub } from './arithmetic.js';
import { ge, gt, le, lt, ne } from './compare.js';
import { atan2, div } from './division.js';
import type { Operand } from './families.js';
import { cast } from './movement.js';
import { checkTensor } from './op.js';
import { pow } from './power.js';
import { abs, acos, acosh, asin, asinh, atan, atanh, clamp, sign, trunc } from './unary.js';

/** Second names that PyTorch has for an op, and variants that take no more than another order of arguments. */

export const absolute = abs;
export const arccos = acos;
export const arccosh = acosh;
export const arcsin = asin;
export const arcsinh = asinh;
export const arctan = atan;
export const arctan2 = atan2;
export const arctanh = atanh;
export const clip = clamp;
export const divide = div;
export const expit = sigmoid;
export const fix = trunc;
export const greater = gt;
export const greaterEqual = ge;
export const less = lt;
export const lessEqual = le;
export const multiply = mul;
export const negative = neg;
export const notEqual = ne;
export const sgn = sign;
export const subtract = sub;

/** Elementwise input / other, broadcasting; integers give float32. */
export const trueDivide = /* @__PURE__ */ keywords(
  'trueDivide',
  ['other'],
  (input: Operand, other: Operand): Tensor => {
    return div(input, other);
  },
);

/** `other` − `alpha` · `input`, broadcasting. */
export const rsub = /* @__PURE__ */ leading(
  'rsub',
  ['other'],
  (input: Tensor, other: Operand, options: AlphaOptions = {}): Tensor => {
    return sub(other, input, options);
  },
);

/** `input` raised to at least `min`, a number or a tensor that broadcasts. */
export const clampMin = /* @__PURE__ */ keywords('clampMin', ['min'], (input: Tensor, min: number | Tensor): Tensor => {
  return clamp(input, min);
});

/** `input` lowered to at most `max`, a number or a tensor that broadcasts. */
export const clampMax = /* @__PURE__ */ keywords('clampMax', ['max'], (input: Tensor, max: number | Tensor): Tensor => {
  return clamp(input, null, max);
});

/** Integers as float32; everything else as it is. */
function floating(x: Operand): Operand {
  return x instanceof Tensor && !traits[x.dtype].isFloat ? cast(x, 'float32') : x;
}

/** `input` to the power of `exponent` in floating point, whatever the dtypes; either may be a number. */
export const floatPower = /* @__PURE__ */ keywords(
  'floatPower',
  ['exponent'],
  (input: Operand, exponent: Operand): Tensor => {
    for (const x of [input, exponent]) if (x instanceof Tensor) checkTensor('floatPower', x);
    const [a, b] = [floating(input), floating(exponent)];
    return pow(a, b);
  },
);
