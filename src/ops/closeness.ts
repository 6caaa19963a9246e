import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { keywords, leading } from '../core/keywords.js';
import { scope } from '../core/scoping.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul, sub } from './arithmetic.js';
import { eq, isnan, le, logicalAnd, logicalOr } from './compare.js';
import { cast } from './movement.js';
import { checkTensor, knownValues } from './op.js';
import { isfinite } from './parts.js';
import { all } from './reduce.js';
import { abs } from './unary.js';

/** Whether tensors are equal, or nearly so. */

export interface ClosenessOptions {
  /** Share of |other| that a difference may be. Default 1e-5. */
  readonly rtol?: number;
  /** Difference that is allowed besides. Default 1e-8. */
  readonly atol?: number;
  /** Whether NaN is close to NaN. Default false. */
  readonly equalNan?: boolean;
}

export type ClosenessArguments = [
  rtol?: number | ClosenessOptions,
  atol?: number | ClosenessOptions,
  equalNan?: boolean | ClosenessOptions,
  options?: ClosenessOptions,
];

function settle(name: string, input: Tensor, other: Tensor, given: readonly unknown[]): Required<ClosenessOptions> {
  checkTensor(name, input);
  checkTensor(name, other, 'other');
  if (input.dtype !== other.dtype) {
    fail('dtype', `${name}: both tensors must be of one dtype, got ${input.dtype} and ${other.dtype}. Use .to(dtype).`);
  }
  const read = readArguments<ClosenessOptions>(name, given, ['rtol', 'atol', 'equalNan']);
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = read;
  if (!(rtol >= 0 && atol >= 0)) {
    fail('argument', `${name}: rtol and atol must be numbers ≥ 0, got ${String(rtol)} and ${String(atol)}.`);
  }
  return { rtol, atol, equalNan };
}

function near(input: Tensor, other: Tensor, { rtol, atol, equalNan }: Required<ClosenessOptions>): Tensor {
  const isFloat = traits[input.dtype].isFloat;
  const same =
    equalNan && isFloat ? logicalOr(eq(input, other), logicalAnd(isnan(input), isnan(other))) : eq(input, other);
  if (rtol === 0 && atol === 0) return same;
  const [a, b] = isFloat ? [input, other] : [cast(input, 'float32'), cast(other, 'float32')];
  const difference = abs(sub(a, b));
  const allowed = add(abs(mul(b, rtol)), atol);
  return logicalOr(same, logicalAnd(isfinite(difference), le(difference, allowed)));
}

/** Where |input − other| ≤ atol + rtol · |other|, or both are equal; bool, broadcasting. */
export const isclose = /* @__PURE__ */ leading(
  'isclose',
  ['other'],
  (input: Tensor, other: Tensor, ...given: ClosenessArguments): Tensor => {
    const options = settle('isclose', input, other, given);
    return scope(() => near(input.alias(), other.alias(), options));
  },
);

/** Whether `isclose` holds everywhere. Reads the answer, and so waits for the device. */
export const allclose = /* @__PURE__ */ leading(
  'allclose',
  ['other'],
  (input: Tensor, other: Tensor, ...given: ClosenessArguments): boolean => {
    const options = settle('allclose', input, other, given);
    return scope(() => Boolean(knownValues('allclose', all(near(input, other, options)))[0]));
  },
);

/** Whether two tensors have one shape and equal elements; NaN equals nothing. Reads the answer. */
export const equal = /* @__PURE__ */ keywords('equal', ['other'], (input: Tensor, other: Tensor): boolean => {
  checkTensor('equal', input);
  checkTensor('equal', other, 'other');
  return sameShape(input.shape, other.shape) && scope(() => Boolean(knownValues('equal', all(eq(input, other)))[0]));
});
