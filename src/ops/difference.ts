import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { normalizeDim } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul, sub } from './arithmetic.js';
import { logicalXor } from './compare.js';
import { cat } from './join.js';
import { cast, narrow, reshape } from './movement.js';
import { checkTensor } from './op.js';
import { sum } from './reduce.js';
import { cumsum } from './scan.js';

/** Differences of neighbours, and areas under what they belong to. */

export interface DiffOptions {
  /** How often differences are taken. Default 1. */
  readonly n?: number;
  /** Default −1. */
  readonly dim?: number;
  /** What is put before input along `dim` first. */
  readonly prepend?: Tensor | null;
  /** What is put behind it. */
  readonly append?: Tensor | null;
}

/** All but the first, and all but the last, of the slices along d. */
function neighbours(x: Tensor, d: number): [later: Tensor, earlier: Tensor] {
  const size = x.shape[d] as number;
  return [narrow(x, d, 1, size - 1), narrow(x, d, 0, size - 1)];
}

/** The `n`th differences of neighbours along `dim`; of bool, whether they differ. */
export function diff(input: Tensor, ...rest: (number | Tensor | null | DiffOptions | undefined)[]): Tensor {
  checkTensor('diff', input);
  const names = ['n', 'dim', 'prepend', 'append'] as const;
  const { n = 1, dim = -1, prepend = null, append = null } = readArguments<DiffOptions>('diff', rest, names);
  if (input.ndim === 0) fail('shape', 'diff: a tensor without dimensions has no neighbours, got [].');
  if (!Number.isInteger(n) || n < 0) fail('argument', `diff: n must be a whole number ≥ 0, got ${n}.`);
  const d = normalizeDim('diff', dim, input.ndim);
  const parts = [prepend, input, append].filter((part) => part !== null);
  let y = parts.length === 1 ? input : cat(parts, d);
  for (let k = 0; k < n; k++) {
    if ((y.shape[d] as number) === 0) break;
    const [later, earlier] = neighbours(y, d);
    y = y.dtype === 'bool' ? logicalXor(later, earlier) : sub(later, earlier);
  }
  return y;
}

export interface TrapezoidOptions {
  /** Where the values are; of y's shape, or of one dimension. Default: `dx` apart. */
  readonly x?: Tensor | null;
  /** Distance of neighbours. Default 1. */
  readonly dx?: number;
  /** Default −1. */
  readonly dim?: number;
}

export type TrapezoidArguments = (Tensor | null | TrapezoidOptions | undefined)[];

/** The areas between neighbours along `d`, in y's dimensions. */
function strips(name: string, y: Tensor, args: TrapezoidArguments): { areas: Tensor; d: number } {
  checkTensor(name, y, 'y');
  const { x = null, dx = 1, dim = -1 } = readArguments<TrapezoidOptions>(name, args, ['x', 'dx', 'dim']);
  const d = normalizeDim(name, dim, y.ndim);
  if (y.ndim === 0) fail('shape', `${name}: a tensor without dimensions has no area, got [].`);
  const values = cast(y, 'float32');
  if ((y.shape[d] as number) === 0) return { areas: values, d };
  const [later, earlier] = neighbours(values, d);
  const heights = div(add(earlier, later), 2);
  if (x === null) return { areas: mul(heights, dx), d };
  checkTensor(name, x, 'x');
  const sizes = x.ndim === 1 ? y.shape.map((_, i) => (i === d ? x.numel() : 1)) : x.shape;
  const along = sizes.length - y.ndim + d;
  if (sizes[along] !== y.shape[d]) {
    fail('shape', `${name}: x ${show(x.shape)} must have ${y.shape[d]} places along dim ${dim} of y ${show(y.shape)}.`);
  }
  const [right, left] = neighbours(cast(reshape(x, sizes), 'float32'), along);
  return { areas: mul(sub(right, left), heights), d };
}

/** The area under `y` along `dim` by the trapezoidal rule. */
export function trapezoid(y: Tensor, ...rest: TrapezoidArguments): Tensor {
  const { areas, d } = strips('trapezoid', y, rest);
  return sum(areas, d);
}

/** trapezoid() under its other name. */
export const trapz = trapezoid;

/** The areas under `y` along `dim` up to each of its elements but the first. */
export function cumulativeTrapezoid(y: Tensor, ...rest: TrapezoidArguments): Tensor {
  const { areas, d } = strips('cumulativeTrapezoid', y, rest);
  return cumsum(areas, d);
}
