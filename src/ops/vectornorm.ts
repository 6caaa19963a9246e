import { reduction } from '#binary';
import { noGrad, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import type { KernelName } from '../core/device.js';
import { traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { div, mul } from './arithmetic.js';
import { eq, isnan, logicalAnd, logicalOr, ne, where } from './compare.js';
import {
  type Folded,
  fold,
  foldOracle,
  foldSamples,
  type ReduceArguments,
  type ReduceOptions,
  reduceInto,
  spreadBack,
} from './fold.js';
import { cast } from './movement.js';
import { checkTensor, convert, empty, op } from './op.js';
import { pow } from './power.js';
import { amax, amin, sum } from './reduce.js';
import { abs, sign, sqrt } from './unary.js';

/** The p-norm. */

export interface NormOptions extends ReduceOptions {
  /** The order: a number, ±Infinity, or 'fro', the same as 2. Default 'fro'. */
  readonly p?: number | 'fro';
}

/** The norm of float32, nothing recorded. */
function compute(x: Tensor, p: number, options: ReduceOptions): Tensor {
  if (p === Infinity) return amax(abs(x), options);
  if (p === -Infinity) return amin(abs(x), options);
  if (p === 0) return sum(cast(ne(x, 0), 'float32'), options);
  const of = (kernel: KernelName, input: Tensor): Tensor => {
    const folded = fold('norm', input, options);
    const y = empty(x, folded.shape, 'float32', 'norm');
    reduceInto(kernel, y, folded, [1]);
    return y;
  };
  if (p === 1) return of(reduction.kernel('sumAbs_f32'), x);
  if (p === 2) return sqrt(of(reduction.kernel('sumSquares_f32'), x));
  return pow(sum(pow(abs(x), p), options), 1 / p);
}

/** The gradient of ‖x‖ₚ with the subgradients PyTorch takes where x or the norm is 0. g and n have x's shape. */
function gradient(g: Tensor, x: Tensor, n: Tensor, p: number, folded: Folded): Tensor {
  if (p === 1) return mul(sign(x), g);
  if (p === 2) return mul(g, where(eq(n, 0), 0, div(x, n)));
  if (Math.abs(p) === Infinity) {
    const reaches = logicalOr(eq(abs(x), n), logicalAnd(isnan(x), isnan(n)));
    const share = cast(reaches, 'float32');
    const count = folded.dims.length === 0 ? share : sum(share, { dim: folded.dims, keepdim: true });
    return mul(mul(sign(x), share), div(g, count));
  }
  if (p < 1) {
    const slope = mul(sign(x), where(eq(x, 0), 0, pow(abs(x), p - 1)));
    return mul(mul(slope, g), pow(n, 1 - p));
  }
  const scale = where(eq(n, 0), 0, div(g, pow(n, p - 1)));
  return mul(p < 2 ? mul(sign(x), pow(abs(x), p - 1)) : mul(x, pow(abs(x), p - 2)), scale);
}

const referenceNorm = (values: readonly number[], p: number): number => {
  const sizes = values.map(Math.abs);
  if (p === Infinity) return sizes.some(Number.isNaN) ? NaN : Math.max(...sizes);
  if (p === 0) return sizes.filter((v) => v !== 0).length;
  return sizes.reduce((total, v) => total + v ** p, 0) ** (1 / p);
};

/** `norm()`, `norm(1)`, `norm(2, 0)`, `norm(2, 0, true)` and `norm({ p: 1, dim: 0 })` are all understood. */
export const norm = op(
  (
    input: Tensor,
    ...rest: readonly [
      p?: number | 'fro' | NormOptions,
      dim?: ReduceArguments[0] | NormOptions,
      keepdim?: boolean | NormOptions,
      options?: NormOptions,
    ]
  ): Tensor => {
    checkTensor('norm', input);
    if (!traits[input.dtype].isFloat) {
      fail('dtype', `norm: expected floating point, got ${input.dtype}. Use .to('float32').`);
    }
    const given = readArguments<NormOptions>('norm', rest, ['p', 'dim', 'keepdim']);
    const options: ReduceOptions = { dim: given.dim ?? null, keepdim: given.keepdim ?? false };
    const order = given.p === undefined || given.p === 'fro' ? 2 : given.p;
    if (typeof order !== 'number' || Number.isNaN(order)) {
      fail('argument', `norm: p must be a number or 'fro', got ${String(given.p)}.`);
    }
    const x = convert(input, 'float32');
    const folded = fold('norm', x, options);
    const result = convert(
      noGrad(() => compute(x, order, options)),
      input.dtype,
    );
    record('norm', [input], [result], [input, result], ([g], [held, n]) => {
      // A count does not change with what is counted.
      if (order === 0) return [null];
      const { shape } = held as Tensor;
      const wide = (t: Tensor): Tensor => spreadBack(t, folded.kept, shape);
      return [gradient(wide(g as Tensor), held as Tensor, wide(n as Tensor), order, folded)];
    });
    return result;
  },
  {
    name: 'norm',
    family: 'reduce',
    doc: '(Σ |input|^p)^(1/p) over `dim` (default all); p may be Infinity, −Infinity, 0 (how many are not 0) or fro (2).',
    dtypes: ['float32'],
    differentiable: [true],
    oracle: (inputs, [p = 'fro', dim, keepdim]) =>
      foldOracle('norm', (values) => referenceNorm(values, p === 'fro' ? 2 : (p as number)))(inputs, [dim, keepdim]),
    samples: () =>
      [undefined, 1, 2, 3].flatMap((p) =>
        foldSamples().map(({ inputs, args = [] }) => ({ inputs, args: [p, ...args] })),
      ),
    tolerance: 4e-6,
  },
);
