import { numerics } from '#binary';
import { type Grads, noGrad, record } from '../autograd/index.js';
import { traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { keywords } from '../core/keywords.js';
import { Tensor } from '../core/tensor.js';
import { mul, sub } from './arithmetic.js';
import { eq, ge, logicalAnd, where } from './compare.js';
import { zerosLike } from './create.js';
import { binary, type Operand } from './families.js';
import { op } from './op.js';
import { log, reciprocal, rsqrt, sqrt, square } from './unary.js';

/** Powers. */

/** The gradient of the base, exponent · base^(exponent − 1): nothing where the exponent is 0, whatever the base. */
function baseGrad(g: Tensor, base: Tensor, exponent: Tensor): Tensor {
  const below = pow(base, sub(where(eq(exponent, 0), 1, exponent), 1));
  return where(eq(exponent, 0), 0, mul(g, mul(exponent, below)));
}

/** The gradient of the exponent, base^exponent · log base: nothing where 0 is raised to 0 or above. */
function exponentGrad(g: Tensor, base: Tensor, exponent: Tensor, y: Tensor): Tensor {
  const flat = logicalAnd(eq(base, 0), ge(exponent, 0));
  return mul(g, where(flat, 0, mul(y, log(where(flat, 1, base)))));
}

const powTensors = binary('pow', {
  part: numerics,
  doc: 'Elementwise input to the power of exponent, broadcasting; NaN for fractions of negative numbers.',
  scalar: (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b),
  result: 'float',
  domain: [
    [0.2, 3],
    [-2, 2],
  ],
  save: ['a', 'b', 'y'],
  grad: (g, { a, b, y }, needs): Grads => [
    needs[0] ? baseGrad(g, a, b) : null,
    needs[1] ? exponentGrad(g, a, b, y) : null,
  ],
});

/** Powers that are cheaper and closer as another function, as PyTorch takes them. */
const SHORT: ReadonlyMap<number, (x: Tensor) => Tensor> = /* @__PURE__ */ new Map<number, (x: Tensor) => Tensor>([
  [0.5, sqrt],
  [2, square],
  [3, (x: Tensor): Tensor => mul(square(x), x)],
  [-2, (x: Tensor): Tensor => reciprocal(square(x))],
  [-1, reciprocal],
  [-0.5, rsqrt],
]);

/** A floating-point tensor to the power of a number. */
function powNumber(x: Tensor, exponent: number): Tensor {
  const y = noGrad(() => (SHORT.get(exponent) ?? ((base: Tensor) => powTensors(base, exponent)))(x));
  record('pow', [x], [y], [x], ([g], [base]) => [
    exponent === 0 ? zerosLike(g as Tensor) : mul(g as Tensor, mul(pow(base as Tensor, exponent - 1), exponent)),
  ]);
  return y;
}

const powIntegers = binary('pow', {
  part: numerics,
  doc: 'Elementwise input to the power of exponent for integers, which wrap; below 0 the whole part of the quotient.',
  scalar: (a, b) => a ** b,
  insteadOfBool: '.int() or .float()',
});

/** Whether a power of these is one of integers: neither is a floating-point tensor, nor a number with a fraction. */
function areWhole(...operands: Operand[]): boolean {
  return operands.every((x) => (x instanceof Tensor ? !traits[x.dtype].isFloat : Number.isInteger(Number(x))));
}

/**
 * `input` to the power of `exponent`; either may be a number. Integers stay integers where the exponent is a whole number.
 */
export const pow = op(
  keywords('pow', ['exponent'], (input: Operand, exponent: Operand): Tensor => {
    if (areWhole(input, exponent)) {
      if (typeof exponent === 'number' && exponent < 0) {
        fail('argument', `pow: integers have no negative powers, got ${exponent}. Use input.float().pow(${exponent}).`);
      }
      return powIntegers(input, exponent);
    }
    if (input instanceof Tensor && !(exponent instanceof Tensor)) return powNumber(input, Number(exponent));
    return powTensors(input, exponent);
  }),
  powTensors.op,
);
