import { indexing, reduction } from '#binary';
import { record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { normalizeDim, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul, neg, sub } from './arithmetic.js';
import { gt, lt, where } from './compare.js';
import { gather } from './indexing.js';
import { flip } from './movement.js';
import { checkTensor, convert, dense, empty, type Op, op, suffix } from './op.js';
import { type ValuesAndIndices, valuesAndIndices } from './reduce.js';
import { cumsum } from './scan.js';
import { type Reference, spread } from './sheet.js';
import { exp, log } from './unary.js';

/** Running extremes along a dimension, and the running log-sum-exp, a soft one. */

interface DimOption {
  readonly dim?: number;
}
export type DimArgument = (number | DimOption | undefined)[];

function parseDim(name: string, input: Tensor, args: DimArgument): number {
  checkTensor(name, input);
  const { dim } = readArguments<DimOption>(name, args, ['dim']);
  if (dim === undefined) return fail('argument', `${name}: expected a dim to run along.`);
  return normalizeDim(name, dim, input.ndim);
}

function runningExtreme(name: 'cummax' | 'cummin') {
  return (input: Tensor, ...args: DimArgument): ValuesAndIndices => {
    const d = parseDim(name, input, args);
    const x = dense(convert(input, traits[input.dtype].isFloat ? 'float32' : 'int32'));
    const indices = empty(x, x.shape, 'int32', name);
    const outer = sizeOf(x.shape.slice(0, d));
    const run = x.shape[d] ?? 1;
    const inner = sizeOf(x.shape.slice(d + 1));
    x.storage.device.launch({
      kernel: indexing.kernel(`runningPlace_${suffix(x.dtype)}`),
      work: run === 0 ? 0 : outer * inner,
      grain: Math.max(1, Math.floor(16384 / Math.max(run, 1))),
      writes: [indices],
      reads: [x],
      ints: [outer, run, inner, Number(name === 'cummin')],
    });
    return valuesAndIndices(gather(input, d, indices), indices);
  };
}

/** The largest element so far along `dim`, and where it is, the last of equal ones: `{ values, indices }`. NaN remains. */
export const cummax = /* @__PURE__ */ runningExtreme('cummax');
/** The smallest element so far along `dim`, and where it is, the last of equal ones: `{ values, indices }`. NaN remains. */
export const cummin = /* @__PURE__ */ runningExtreme('cummin');

/** Differences of exponents beyond which a product of two exponentials leaves float32. */
const RANGE = 80;

/** From each element to the end. */
function onwards(x: Tensor, d: number, scan: (x: Tensor, dim: number) => Tensor): Tensor {
  return x.ndim === 0 ? scan(x, d) : flip(scan(flip(x, [d]), d), [d]);
}

/**
 * dx[j] = Σ_{i ≥ j} g[i] · exp(x[j] − y[i]). While all of y lies close together that is exp(x − c) · Σ g · exp(c − y) with any c
 * in between; else positive and negative gradients are summed apart, as logarithms.
 */
function gradient(g: Tensor, x: Tensor, y: Tensor, d: number): Tensor {
  let [low, high] = [-Infinity, Infinity];
  // Where the range is not known at once, it is taken for a wide one.
  if (y.storage.device.answersAtOnce) {
    [low, high] = [Infinity, -Infinity];
    for (const value of y.dataSync()) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  if (high - low < RANGE) {
    const centre = (low + high) / 2;
    const later = onwards(mul(g, exp(sub(centre, y))), d, cumsum);
    return mul(exp(sub(x, centre)), later);
  }
  const part = (size: Tensor): Tensor => {
    const isUsed = gt(size, 0);
    const logs = where(isUsed, sub(log(where(isUsed, size, 1)), y), -Infinity);
    return exp(add(onwards(logs, d, logcumsumexp), x));
  };
  return sub(part(where(gt(g, 0), g, 0)), part(where(lt(g, 0), neg(g), 0)));
}

export const logcumsumexp: Op<(input: Tensor, ...args: DimArgument) => Tensor> = op(
  (input: Tensor, ...args: DimArgument): Tensor => {
    const d = parseDim('logcumsumexp', input, args);
    if (!traits[input.dtype].isFloat) {
      fail('dtype', `logcumsumexp: expected floating point, got ${input.dtype}. Use .to('float32').`);
    }
    const x = dense(convert(input, 'float32'));
    const y = empty(x, x.shape, 'float32', 'logcumsumexp');
    const outer = sizeOf(x.shape.slice(0, d));
    const run = x.shape[d] ?? 1;
    const inner = sizeOf(x.shape.slice(d + 1));
    y.storage.device.launch({
      kernel: reduction.kernel('logcumsumexp_f32'),
      work: run === 0 ? 0 : outer * inner,
      grain: Math.max(1, Math.floor(4096 / Math.max(run, 1))),
      writes: [y],
      reads: [x],
      ints: [outer, run, inner],
    });
    const result = convert(y, input.dtype);
    record('logcumsumexp', [input], [result], [input, result], ([g], [held, out]) => [
      gradient(g as Tensor, held as Tensor, out as Tensor, d),
    ]);
    return result;
  },
  {
    name: 'logcumsumexp',
    family: 'scan',
    doc: 'log of the running sum of exponentials along `dim`, without overflow.',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: ([x], [dim]) => {
      const { shape, data } = x as Reference;
      const d = (dim as number) < 0 ? (dim as number) + Math.max(shape.length, 1) : (dim as number);
      const run = shape[d] ?? 1;
      const inner = sizeOf(shape.slice(d + 1));
      const out = Float64Array.from(data);
      out.forEach((value, i) => {
        if (Math.floor(i / inner) % run === 0) return;
        const before = out[i - inner] as number;
        const top = Math.max(before, value);
        out[i] = Math.abs(top) === Infinity ? top : top + Math.log(Math.exp(before - top) + Math.exp(value - top));
      });
      return { shape, data: out };
    },
    samples: () => [
      { inputs: [spread([])], args: [0] },
      { inputs: [spread([0])], args: [0] },
      { inputs: [spread([7])], args: [-1] },
      { inputs: [spread([3, 5])], args: [0] },
      { inputs: [spread([2, 3, 6])], args: [1] },
      { inputs: [spread([130, 9], -300, 300)], args: [0] },
      {
        inputs: [{ shape: [5, 2], data: Float64Array.from([-Infinity, NaN, -Infinity, 0, -1, 2, Infinity, 0, 3, -0]) }],
        args: [0],
      },
    ],
    tolerance: 4e-6,
  },
);
