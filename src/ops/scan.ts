import { record } from '../autograd/index.js';
import { traits } from '../core/dtype.js';
import { normalizeDim, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { div, mul } from './arithmetic.js';
import { where } from './compare.js';
import { eye } from './create.js';
import { flip, transpose, unsqueeze } from './movement.js';
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
    kernel: `${name}_${suffix(x.dtype)}`,
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

export const cumsum: Op<(input: Tensor, dim: number) => Tensor> = op(
  (input: Tensor, dim: number): Tensor => {
    checkTensor('cumsum', input);
    const d = normalizeDim('cumsum', dim, input.ndim);
    const y = scanAlong('cumsum', input, d);
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

export const cumprod: Op<(input: Tensor, dim: number) => Tensor> = op(
  (input: Tensor, dim: number): Tensor => {
    checkTensor('cumprod', input);
    const d = normalizeDim('cumprod', dim, input.ndim);
    const y = scanAlong('cumprod', input, d);
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
  if (!x.dataSync().includes(0)) return div(sumOnwards(mul(g, y), d), x);
  const n = x.shape[d] as number;
  const without = where(eye(n, { dtype: 'bool' }), 1, unsqueeze(transpose(x, d, -1), -2));
  const products = triu(cumprod(without, -1));
  return transpose(sum(mul(products, unsqueeze(transpose(g, d, -1), -2)), -1), d, -1);
}
