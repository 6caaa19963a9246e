import { reduction } from '#binary';
import { isGradEnabled, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { checkDType, type DType, traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { normalizeDim, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { div, mul } from './arithmetic.js';
import { eq, logicalAnd, where } from './compare.js';
import { eye } from './create.js';
import { cast, flip, transpose, unsqueeze } from './movement.js';
import { checkTensor, convert, dense, empty, type Op, op, suffix } from './op.js';
import { sum } from './reduce.js';
import { type Reference, type Sample, spread } from './sheet.js';
import { triu } from './triangle.js';

/** Running sums and products along a dimension. */

/** Runs a scan kernel along dimension `d`. */
function scanAlong(name: 'cumsum' | 'cumprod', input: Tensor, d: number): Tensor {
  const x = dense(convert(input, traits[input.dtype].isFloat ? 'float32' : 'int32'));
  const y = empty(x, x.shape, x.dtype, name);
  const outer = sizeOf(x.shape.slice(0, d));
  const run = x.shape[d] ?? 1;
  const inner = sizeOf(x.shape.slice(d + 1));
  y.storage.device.launch({
    kernel: reduction.kernel(`${name}_${suffix(x.dtype)}`),
    work: run === 0 ? 0 : outer * inner,
    grain: Math.max(1, Math.floor(16384 / Math.max(run, 1))),
    writes: [y],
    reads: [x],
    ints: [outer, run, inner],
  });
  return traits[input.dtype].isFloat ? convert(y, input.dtype) : y;
}

function oracle(step: (total: number, x: number) => number, start: number) {
  return ([x]: readonly Reference[], [dim]: readonly unknown[]): Reference => {
    const { shape, data } = x as Reference;
    const d = (dim as number) < 0 ? (dim as number) + Math.max(shape.length, 1) : (dim as number);
    const run = shape[d] ?? 1;
    const inner = sizeOf(shape.slice(d + 1));
    const out = Float64Array.from(data);
    out.forEach((value, i) => {
      const isFirst = Math.floor(i / inner) % run === 0;
      out[i] = step(isFirst ? start : (out[i - inner] as number), value);
    });
    return { shape, data: out };
  };
}

function samples(): Sample[] {
  return [
    { inputs: [spread([])], args: [0] },
    { inputs: [spread([0])], args: [0] },
    { inputs: [spread([1])], args: [0] },
    { inputs: [spread([7])], args: [-1] },
    { inputs: [spread([3, 5])], args: [0] },
    { inputs: [spread([3, 5])], args: [1] },
    { inputs: [spread([2, 3, 4])], args: [1] },
    { inputs: [spread([2, 0, 4])], args: [1] },
    { inputs: [spread([130, 9], -1, 1)], args: [0] },
    {
      inputs: [{ shape: [5, 2], data: Float64Array.from([1, NaN, Infinity, 0, -1, 2, -Infinity, 0, 3, -0]) }],
      args: [0],
    },
  ];
}

/** Sums from each element to the end. */
function sumOnwards(input: Tensor, d: number): Tensor {
  return input.ndim === 0 ? input : flip(cumsum(flip(input, [d]), d), [d]);
}

export interface ScanOptions {
  /** The dimension to run along. */
  readonly dim?: number;
  /** What the input becomes first, and what the result is. Default: input's, and int32 for integers. */
  readonly dtype?: DType;
}

export type ScanArguments = (number | ScanOptions | undefined)[];

/** The input in the dtype of the computation, and the dimension. */
function parseScan(name: string, given: Tensor, args: ScanArguments) {
  checkTensor(name, given);
  const { dim, dtype } = readArguments<ScanOptions>(name, args, ['dim', 'dtype']);
  if (dim === undefined) return fail('argument', `${name}: expected a dim to run along.`);
  const input = dtype === undefined ? given : cast(given, checkDType(name, dtype));
  const result = traits[input.dtype].isFloat ? input.dtype : (dtype ?? 'int32');
  return { input, d: normalizeDim(name, dim, input.ndim), result };
}

export const cumsum: Op<(input: Tensor, ...args: ScanArguments) => Tensor> = op(
  (given: Tensor, ...args: ScanArguments): Tensor => {
    const { input, d, result } = parseScan('cumsum', given, args);
    const y = convert(scanAlong('cumsum', input, d), result);
    record('cumsum', [input], [y], [], ([g]) => [sumOnwards(g as Tensor, d)]);
    return y;
  },
  {
    name: 'cumsum',
    family: 'scan',
    doc: 'Running sum along `dim`; integers give int32.',
    dtypes: ['float32', 'int32'],
    differentiable: [true],
    oracle: oracle((total, x) => total + x, 0),
    samples,
    tolerance: 2e-6,
  },
);

export const cumprod: Op<(input: Tensor, ...args: ScanArguments) => Tensor> = op(
  (given: Tensor, ...args: ScanArguments): Tensor => {
    const { input, d, result } = parseScan('cumprod', given, args);
    const y = convert(scanAlong('cumprod', input, d), result);
    record('cumprod', [input], [y], [input, y], ([g], [x, p]) => [
      cumprodGradient(g as Tensor, x as Tensor, p as Tensor, d),
    ]);
    return y;
  },
  {
    name: 'cumprod',
    family: 'scan',
    doc: 'Running product along `dim`; integers give int32.',
    dtypes: ['float32', 'int32'],
    differentiable: [true],
    oracle: oracle((total, x) => total * x, 1),
    samples,
    tolerance: 2e-6,
  },
);

/**
 * dx[k] = Σ_{i ≥ k} g[i] · Π_{j ≤ i, j ≠ k} x[j]. Without zeros the product is y[i] / x[k]. With zeros that is 0 / 0, and the
 * products are formed for every k: running products of x with element k replaced by 1, n² of them.
 */
function cumprodGradient(g: Tensor, x: Tensor, y: Tensor, d: number): Tensor {
  if (x.ndim === 0) return g;
  if (!x.storage.device.answersAtOnce) return isGradEnabled() ? byProducts(g, x, d) : besideZeros(g, x, y, d);
  if (!x.dataSync().includes(0)) return div(sumOnwards(mul(g, y), d), x);
  return byProducts(g, x, d);
}

/**
 * The same without looking whether there are zeros, as numbers alone: before the first zero y / x, at the first one what its products
 * are with a 1 in its place, behind it 0.
 */
function besideZeros(g: Tensor, x: Tensor, y: Tensor, d: number): Tensor {
  const isZero = eq(x, 0);
  const zeros = cumsum(isZero, d);
  const isFirst = logicalAnd(isZero, eq(zeros, 1));
  const before = div(sumOnwards(mul(g, y), d), where(isZero, 1, x));
  const first = sumOnwards(mul(g, cumprod(where(isFirst, 1, x), d)), d);
  // Products before the first zero do not have it among their factors.
  return where(eq(zeros, 0), before, where(isFirst, first, 0));
}

/** The products formed for every k. */
function byProducts(g: Tensor, x: Tensor, d: number): Tensor {
  const n = x.shape[d] as number;
  const without = where(eye(n, { dtype: 'bool' }), 1, unsqueeze(transpose(x, d, -1), -2));
  const products = triu(cumprod(without, -1));
  return transpose(sum(mul(products, unsqueeze(transpose(g, d, -1), -2)), -1), d, -1);
}
