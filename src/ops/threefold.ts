import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { broadcastShapes } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul } from './arithmetic.js';
import { checkTensor, op } from './op.js';
import { at, build, type Reference, type Sample, type Sheet, spread } from './sheet.js';

/** A tensor and a multiple of what two others make. */

export interface ValueOptions {
  /** Factor of the product or quotient. Default 1. */
  readonly value?: number;
}

export type ValueArguments = [value?: number | ValueOptions, options?: ValueOptions];

function factorOf(name: string, tensors: readonly unknown[], given: readonly unknown[]): number {
  ['input', 'tensor1', 'tensor2'].forEach((argument, i) => checkTensor(name, tensors[i], argument));
  const { value = 1 } = readArguments<ValueOptions>(name, given, ['value']);
  if (typeof value !== 'number') fail('argument', `${name}: value must be a number, got ${String(value)}.`);
  return value;
}

function scaled(x: Tensor, value: number): Tensor {
  return value === 1 ? x : mul(x, value);
}

function samples(): Sample[] {
  const divisor = (shape: readonly number[]): Reference => spread(shape, 0.5, 3, 0.77);
  return [
    { inputs: [spread([7]), spread([7], -2, 2, 0.9), divisor([7])] },
    { inputs: [spread([3, 5]), spread([5], -2, 2, 0.9), divisor([3, 1])], args: [{ value: -0.5 }] },
    { inputs: [spread([]), spread([2, 3]), divisor([])], args: [2] },
  ];
}

function sheet(name: string, doc: string, combine: (a: number, b: number) => number): Sheet {
  return {
    name,
    family: 'ternary',
    doc,
    dtypes: ['float32'],
    differentiable: [true, true, true],
    oracle: (inputs, [given]) => {
      const [x, a, b] = inputs as readonly [Reference, Reference, Reference];
      const value = typeof given === 'number' ? given : ((given as ValueOptions | undefined)?.value ?? 1);
      const shape = broadcastShapes(name, x.shape, broadcastShapes(name, a.shape, b.shape));
      return build(shape, (i) => at(x, i) + value * combine(at(a, i), at(b, i)));
    },
    samples,
    tolerance: 3e-6,
  };
}

export const addcmul = op(
  leading(
    'addcmul',
    ['tensor1', 'tensor2'],
    (input: Tensor, tensor1: Tensor, tensor2: Tensor, ...given: ValueArguments): Tensor => {
      const value = factorOf('addcmul', [input, tensor1, tensor2], given);
      return add(input, mul(scaled(tensor1, value), tensor2));
    },
  ),
  sheet('addcmul', 'input + value · tensor1 · tensor2, broadcasting.', (a, b) => a * b),
);

export const addcdiv = op(
  leading(
    'addcdiv',
    ['tensor1', 'tensor2'],
    (input: Tensor, tensor1: Tensor, tensor2: Tensor, ...given: ValueArguments): Tensor => {
      const value = factorOf('addcdiv', [input, tensor1, tensor2], given);
      if (!traits[tensor1.dtype].isFloat && !traits[tensor2.dtype].isFloat) {
        fail(
          'dtype',
          `addcdiv: integers are not divided here, got ${tensor1.dtype} and ${tensor2.dtype}. Use .float().`,
        );
      }
      return add(input, div(scaled(tensor1, value), tensor2));
    },
  ),
  sheet('addcdiv', 'input + value · tensor1 / tensor2, broadcasting.', (a, b) => a / b),
);
