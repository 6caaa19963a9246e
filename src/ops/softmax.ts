import { isGradEnabled, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import type { KernelName } from '../core/device.js';
import { checkDType, type DType, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { normalizeDim } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { mul, sub } from './arithmetic.js';
import { cast, transpose } from './movement.js';
import { checkTensor, convert, dense, empty, type Op, op, signed } from './op.js';
import { sum } from './reduce.js';
import { at, build, type Reference, type Sample, spread } from './sheet.js';
import { exp } from './unary.js';

/** Normalized exponentials along one dimension. The kernels work on rows, so another dimension is brought to the end. */

function launchRows(kernel: KernelName, y: Tensor, reads: readonly Tensor[]): void {
  const cols = y.shape[y.ndim - 1] ?? 1;
  const rows = cols === 0 ? 0 : y.numel() / cols;
  y.storage.device.launch({
    kernel,
    work: rows,
    grain: Math.max(1, Math.floor(16384 / Math.max(cols, 1))),
    writes: [y],
    reads,
    ints: [rows, cols],
  });
}

/** The op over the last dimension, and its gradient: a kernel, or `plain` where the gradient is itself differentiated. */
function overRows(name: 'softmax' | 'logSoftmax', input: Tensor, plain: (g: Tensor, y: Tensor) => Tensor): Tensor {
  const x = dense(convert(input, 'float32'));
  const y = empty(x, x.shape, 'float32', name);
  launchRows(`${name}_f32`, y, [x]);
  record(name, [input], [y], [y], ([gradient], [saved]) => {
    const [g, out] = [gradient as Tensor, saved as Tensor];
    if (isGradEnabled()) return [plain(g, out)];
    const dx = empty(out, out.shape, 'float32', name);
    launchRows(`${name}_grad_f32`, dx, [dense(g), out]);
    return [dx];
  });
  return y;
}

export interface SoftmaxOptions {
  /** The dimension whose elements sum to 1. */
  readonly dim: number;
  /** What the input is converted to before, and the result has. Default: the dtype of the input. */
  readonly dtype?: DType | null;
}

export type SoftmaxArguments = [dim: number | SoftmaxOptions, dtype?: DType | null | Partial<SoftmaxOptions>];

function oracle(of: (row: number[]) => number[]) {
  return ([input]: readonly Reference[], [dim]: readonly unknown[]): Reference => {
    const x = input as Reference;
    const d = (dim as number) < 0 ? (dim as number) + x.shape.length : (dim as number);
    return build(x.shape, (i) => {
      const row = Array.from({ length: x.shape[d] as number }, (_, j) =>
        at(
          x,
          i.map((v, k) => (k === d ? j : v)),
        ),
      );
      return of(row)[i[d] as number] as number;
    });
  };
}

function samples(): Sample[] {
  return [
    { inputs: [spread([1, 1])], args: [1] },
    { inputs: [spread([3, 5])], args: [1] },
    { inputs: [spread([3, 5])], args: [0] },
    { inputs: [spread([2, 17, 3])], args: [-2] },
    { inputs: [spread([2, 33], -40, 40)], args: [-1] },
    { inputs: [{ shape: [2, 3], data: Float64Array.of(1, -Infinity, 2, 88, 90, -90) }], args: [1] },
    { inputs: [{ shape: [2, 2], data: Float64Array.of(1, NaN, 2, 3) }], args: [1] },
  ];
}

function family(
  name: 'softmax' | 'logSoftmax',
  doc: string,
  of: (row: number[]) => number[],
  plain: (g: Tensor, y: Tensor) => Tensor,
): Op<<R extends number>(input: Tensor<DType, R>, ...given: SoftmaxArguments) => Tensor<DType, R>> {
  return op(
    signed((input: Tensor, ...given: SoftmaxArguments): Tensor => {
      checkTensor(name, input);
      const { dim, dtype } = readArguments<SoftmaxOptions>(name, given, ['dim', 'dtype']);
      const out = dtype == null ? input.dtype : checkDType(name, dtype);
      if (!traits[out].isFloat) {
        fail(
          'dtype',
          `${name}: expected float32 or float16, got ${out} ${show(input.shape)}. Pass { dtype: 'float32' }.`,
        );
      }
      const x = cast(input, out);
      const d = normalizeDim(name, dim, x.ndim);
      if (d >= x.ndim - 1) return cast(overRows(name, x, plain), out);
      return cast(transpose(overRows(name, transpose(x, d, -1), plain), d, -1), out);
    }),
    {
      name,
      family: 'softmax',
      doc,
      dtypes: ['float32'],
      differentiable: [true],
      oracle: oracle(of),
      samples,
      tolerance: 3e-6,
    },
  );
}

export const softmax = /* @__PURE__ */ family(
  'softmax',
  'exp(input) / Σ exp(input) along `dim`; same shape.',
  (row) => {
    const top = Math.max(...row);
    const powers = row.map((v) => Math.exp(v - top));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((p) => p / total);
  },
  (g, y) => mul(y, sub(g, sum(mul(g, y), -1, true))),
);

export const logSoftmax = /* @__PURE__ */ family(
  'logSoftmax',
  'input − log Σ exp(input) along `dim`; same shape.',
  (row) => {
    const top = Math.max(...row);
    const total = Math.log(row.reduce((a, v) => a + Math.exp(v - top), 0));
    return row.map((v) => v - top - total);
  },
  (g, y) => sub(g, mul(exp(y), sum(g, -1, true))),
);
