import { numerics } from '#binary';
import { fail, show } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { mul } from './arithmetic.js';
import { eq, logicalNot, where } from './compare.js';
import { floorDivide } from './division.js';
import { binary, unary } from './families.js';
import { type Op, op } from './op.js';
import { abs } from './unary.js';

/** Bits of integers and bools, and their divisors. */

export const bitwiseAnd = binary('bitwiseAnd', {
  part: numerics,
  doc: 'Elementwise the bits that input and other share, broadcasting; integers and bool.',
  wholeOnly: true,
  scalar: (a, b) => a & b,
});

export const bitwiseOr = binary('bitwiseOr', {
  part: numerics,
  doc: 'Elementwise the bits of input or other, broadcasting; integers and bool.',
  wholeOnly: true,
  scalar: (a, b) => a | b,
});

export const bitwiseXor = binary('bitwiseXor', {
  part: numerics,
  doc: 'Elementwise the bits of input or other but not both, broadcasting; integers and bool.',
  wholeOnly: true,
  scalar: (a, b) => a ^ b,
});

export const bitwiseLeftShift = binary('bitwiseLeftShift', {
  part: numerics,
  doc: 'Elementwise input · 2^other, broadcasting; integers. Bits beyond the dtype are lost.',
  wholeOnly: true,
  insteadOfBool: '.int()',
  scalar: (a, b) => (b < 0 || b > 31 ? 0 : a << b),
});

export const bitwiseRightShift = binary('bitwiseRightShift', {
  part: numerics,
  doc: 'Elementwise ⌊input / 2^other⌋, broadcasting; integers.',
  wholeOnly: true,
  insteadOfBool: '.int()',
  scalar: (a, b) => a >> (b < 0 || b > 31 ? 31 : b),
});

const flipBits = unary('bitwiseNot', {
  doc: 'Elementwise every bit turned; not, for bool.',
  result: 'same',
  scalar: (x) => ~x,
  compose: (x) => bitwiseXor(x, -1),
});

export const bitwiseNot: Op<(input: Tensor) => Tensor> = op(
  (input: Tensor): Tensor => {
    if (input.dtype === 'bool') return logicalNot(input);
    if (input.dtype === 'float32' || input.dtype === 'float16') {
      fail('dtype', `bitwiseNot: expected integers or bool, got ${input.dtype} ${show(input.shape)}. Use .int().`);
    }
    return flipBits(input);
  },
  { ...flipBits.op, dtypes: ['int32'] },
);

/** Euclid's algorithm, in float64. */
function divisor(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : divisor(b, a % b);
}

export const gcd = binary('gcd', {
  part: numerics,
  doc: 'Elementwise greatest common divisor, broadcasting; integers.',
  wholeOnly: true,
  insteadOfBool: '.int()',
  scalar: divisor,
});

export const lcm = binary('lcm', {
  doc: 'Elementwise least common multiple, broadcasting; 0 where either is 0; integers.',
  wholeOnly: true,
  insteadOfBool: '.int()',
  scalar: (a, b) => (a === 0 || b === 0 ? 0 : Math.abs((a * b) / divisor(a, b))),
  compose: (a, b) => {
    const common = gcd(a, b);
    return abs(mul(floorDivide(a, where(eq(common, 0), 1, common)), b));
  },
});
