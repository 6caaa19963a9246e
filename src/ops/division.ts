import { numerics } from '#binary';
import { type Grads, noGrad, record } from '../autograd/index.js';
import { checkOptions } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { keywords, leading } from '../core/keywords.js';
import { Tensor } from '../core/tensor.js';
import { add, div as divide, mul, neg, sub } from './arithmetic.js';
import { sumTo } from './broadcast.js';
import { logicalAnd, logicalXor, lt, ne, where } from './compare.js';
import { zerosLike } from './create.js';
import { binary, jointDtype, type Operand } from './families.js';
import { cast } from './movement.js';
import { op } from './op.js';
import { floor, reciprocal, trunc } from './unary.js';

/** Division that rounds, what it leaves, and the angle of a quotient. */

/** Python's %, in float64. */
function modulo(a: number, b: number): number {
  const r = a % b;
  return r !== 0 && r < 0 !== b < 0 ? r + b : r;
}

export const remainder = binary('remainder', {
  part: numerics,
  doc: 'Elementwise what ⌊input / other⌋ leaves, with the sign of other, broadcasting; for integers 0 by 0.',
  scalar: modulo,
  domain: [
    [-3, 3],
    [1, 3.9],
  ],
  save: ['a', 'b'],
  onlyFor: { a: 'b', b: 'b' },
  insteadOfBool: 'logicalAnd()',
  grad: (g, { a, b }, needs): Grads => [g, needs[1] ? neg(mul(g, floor(divide(a, b)))) : null],
});

/** What PyTorch's floor division computes, in float64: the floor of the exact quotient; by 0 the quotient as it is. */
function floored(a: number, b: number): number {
  if (b === 0) return a / b;
  const r = a % b;
  const quotient = (a - r) / b - Number(r !== 0 && r < 0 !== b < 0);
  return Math.round(quotient);
}

export const floorDivide = binary('floorDivide', {
  part: numerics,
  doc: 'Elementwise ⌊input / other⌋, broadcasting; integers by 0 give 0. It has no gradient.',
  scalar: floored,
  insteadOfBool: 'logicalAnd()',
  domain: [
    [-9, 9],
    [1, 3.9],
  ],
});

const fmodFloat = binary('fmod', {
  part: numerics,
  doc: 'Elementwise what input / other, cut towards 0, leaves, with the sign of input, broadcasting; for integers 0 by 0.',
  scalar: (a, b) => a % b,
  domain: [
    [-3, 3],
    [1, 3.9],
  ],
  save: ['a', 'b'],
  onlyFor: { a: 'b', b: 'b' },
  insteadOfBool: 'logicalAnd()',
  grad: (g, { a, b }, needs): Grads => [g, needs[1] ? neg(mul(g, trunc(divide(a, b)))) : null],
});

/** Whether the operands are computed with as integers. */
function areIntegers(input: Operand, other: Operand): boolean {
  if (input instanceof Tensor && other instanceof Tensor) return !traits[jointDtype(input, other)].isFloat;
  const [x, value] = input instanceof Tensor ? [input, other] : [other, input];
  return x instanceof Tensor && !traits[x.dtype].isFloat && Number.isInteger(Number(value));
}

/** Where the exact quotient of two integers is negative and not whole: there rounding down and cutting off differ by one. */
function isBetween(input: Operand, other: Operand, rest: Tensor): Tensor {
  return logicalAnd(ne(rest, 0), logicalXor(below0(input), below0(other)));
}

function below0(x: Operand): Tensor | boolean {
  return x instanceof Tensor ? lt(x, 0) : Number(x) < 0;
}

export const fmod = op(
  keywords('fmod', ['other'], (input: Operand, other: Operand): Tensor => {
    if (!areIntegers(input, other)) return fmodFloat(input, other);
    const rest = remainder(input, other);
    // Bool divides as 0 and 1 do, but is not subtracted.
    const divisor = other instanceof Tensor ? cast(other, rest.dtype) : Number(other);
    return where(isBetween(input, other, rest), sub(rest, divisor), rest);
  }),
  fmodFloat.op,
);

export interface DivOptions {
  /** 'floor' rounds the quotient down, 'trunc' cuts its fraction off; both keep integers and have gradients of 0. */
  readonly roundingMode?: 'floor' | 'trunc' | null;
}

/** The quotient of floats without its fraction, or that of integers. */
function truncated(input: Operand, other: Operand): Tensor {
  if (!areIntegers(input, other)) return trunc(divide(input, other));
  const quotient = floorDivide(input, other);
  return add(quotient, cast(isBetween(input, other, remainder(input, other)), quotient.dtype));
}

export const div = op(
  leading('div', ['other'], (input: Operand, other: Operand, options: DivOptions = {}): Tensor => {
    checkOptions('div', options, ['roundingMode']);
    const { roundingMode = null } = options;
    if (roundingMode === null) return divide(input, other);
    if (roundingMode !== 'floor' && roundingMode !== 'trunc') {
      fail('argument', `div: roundingMode must be 'floor', 'trunc' or null, got '${String(roundingMode)}'.`);
    }
    const y = noGrad(() => (roundingMode === 'floor' ? floorDivide(input, other) : truncated(input, other)));
    if (!traits[y.dtype].isFloat) return y;
    const operands = [input, other].filter((t) => t instanceof Tensor);
    const shapes = operands.map(({ shape }) => shape);
    record('div', operands, [y], [], ([g]) => shapes.map((shape) => sumTo(zerosLike(g as Tensor), shape)));
    return y;
  }),
  divide.op,
);

export const atan2 = binary('atan2', {
  part: numerics,
  doc: 'Elementwise angle of the point (other, input) in radians, in (−π, π], broadcasting.',
  scalar: Math.atan2,
  result: 'float',
  save: ['a', 'b'],
  domain: [
    [-3, 3],
    [1, 3.9],
  ],
  grad: (g, { a, b }, needs): Grads => {
    const scale = reciprocal(add(mul(a, a), mul(b, b)));
    return [needs[0] ? mul(mul(g, b), scale) : null, needs[1] ? mul(mul(g, neg(a)), scale) : null];
  },
});
