import { isGradEnabled, record } from '../autograd/index.js';
import { checkOptions } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { keywords, leading } from '../core/keywords.js';
import { broadcastShapes, sameShape, sizeOf } from '../core/shape.js';
import type { Matmul } from '../core/signatures.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul } from './arithmetic.js';
import { expand } from './broadcast.js';
import { where } from './compare.js';
import { halfLike } from './halflike.js';
import { reshape, transpose, unsqueeze } from './movement.js';
import { checkDevice, checkTensor, convert, dense, empty, op, scalarLike, signed } from './op.js';
import { sum } from './reduce.js';
import { at, build, type Reference, spread } from './sheet.js';

/** Products of matrices. */

/** A matrix as the kernel takes it: rows a fixed step apart, perhaps stored transposed. */
interface Matrix {
  readonly x: Tensor;
  readonly lead: number;
  readonly transposed: number;
}

/** The last two dimensions of `x` as a kernel matrix; copied when neither of its strides is 1. */
function asMatrix(x: Tensor): Matrix {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const [down, across] = x.strides.slice(-2) as [number, number];
  if ((across === 1 || columns === 1) && (down >= columns || rows === 1)) {
    return { x, lead: rows === 1 ? columns : down, transposed: 0 };
  }
  if ((down === 1 || rows === 1) && (across >= rows || columns === 1)) {
    return { x, lead: columns === 1 ? rows : across, transposed: 1 };
  }
  return { x: dense(x), lead: columns, transposed: 0 };
}

export interface Epilogue {
  /** Added to every row: [N]. */
  readonly bias?: Tensor | null;
  /** Apply relu to the result. */
  readonly relu?: boolean;
}

/** Multiply-adds that make a share worth a thread. */
const GEMM_GRAIN = 1 << 19;

/** Launches c = a · b for matrices, or batches of them in the first dimension. */
export function gemm(c: Tensor, a: Tensor, b: Tensor, { bias = null, relu = false }: Epilogue = {}): void {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape[b.ndim - 1] as number;
  const batch = c.ndim === 3 ? (c.shape[0] as number) : 1;
  const [p, q] = [asMatrix(a), asMatrix(b)];
  const step = (t: Tensor): number => (t.ndim === 3 && t.shape[0] !== 1 ? (t.strides[0] as number) : 0);
  // The kernel shares out rows, or strips of 16 columns where there are more columns than rows.
  const shares = m >= n ? m : Math.ceil(n / 16);
  c.storage.device.launch({
    kernel: 'gemm_f32',
    work: batch * shares,
    grain: Math.max(1, Math.ceil((GEMM_GRAIN * shares) / Math.max(m * n * k, 1))),
    writes: [c],
    reads: [p.x, q.x, bias],
    floats: [0],
    ints: [
      m,
      n,
      k,
      p.lead,
      q.lead,
      n,
      p.transposed,
      q.transposed,
      batch,
      step(p.x),
      step(q.x),
      m * n,
      bias ? 1 : 0,
      relu ? 1 : 0,
    ],
    scratch: 8704 + 4 * Math.min(k, 256) * (Math.min(n + 7, 1024) + Math.min(m + 5, 120)),
  });
}

/** Operands of a product as its kernel takes them: float32, or float16 where the device multiplies that. */
function factors(a: Tensor, b: Tensor): [Tensor, Tensor] {
  const halves = a.dtype === 'float16' && b.dtype === 'float16' && a.storage.device.multipliesHalves;
  return halves ? [a, b] : [convert(a, 'float32'), convert(b, 'float32')];
}

function product(a: Tensor, b: Tensor): Tensor {
  const shape = [...a.shape.slice(0, -1), b.shape[b.ndim - 1] as number];
  const y = empty(a, shape, 'float32', 'matmul');
  gemm(y, a, b);
  return y;
}

/** Matrices in two dimensions, or equally many of them in three: the kernel's own case. */
function multiply(name: string, a: Tensor, b: Tensor): Tensor {
  const y = product(...factors(a, b));
  record(name, [a, b], [y], [a, b], ([g], [p, q], needs) => [
    needs[0] ? multiply('matmul', g as Tensor, transpose(q as Tensor, -1, -2)) : null,
    needs[1] ? multiply('matmul', transpose(p as Tensor, -1, -2), g as Tensor) : null,
  ]);
  return y;
}

function checkInner(name: string, a: Tensor, b: Tensor, k: number, n: number): void {
  if (k === n) return;
  const hint =
    b.ndim >= 2 && b.shape[b.ndim - 1] === k
      ? ' Try b.transpose(-1, -2).'
      : a.ndim >= 2 && a.shape[a.ndim - 2] === n
        ? ' Try a.transpose(-1, -2).'
        : '';
  fail('shape', `${name}: inner sizes differ: ${show(a.shape)} × ${show(b.shape)} (${k} ≠ ${n}).${hint}`);
}

/** Throws where the operands' dtypes differ, as no one of them is the result's. */
function checkDtypes(name: string, a: Tensor, b: Tensor): void {
  if (a.dtype === b.dtype) return;
  fail(
    'dtype',
    `${name}: dtypes differ: ${show(a.shape)} ${a.dtype} × ${show(b.shape)} ${b.dtype}. Use .to('${a.dtype}').`,
  );
}

/** The product of whole numbers, which float32 would round: every term at once, and then their sums. */
function multiplyIntegers(a: Tensor, b: Tensor): Tensor {
  const terms = mul(unsqueeze(a, -1), unsqueeze(b, -3));
  return convert(sum(terms, -2), a.dtype);
}

const referenceMatmul = (p: Reference, q: Reference): Reference => {
  const a = p.shape.length === 1 ? { ...p, shape: [1, ...p.shape] } : p;
  const b = q.shape.length === 1 ? { ...q, shape: [...q.shape, 1] } : q;
  const lead = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape[b.shape.length - 1] as number;
  const y = build([...lead, m, n], (i) => {
    const outer = i.slice(0, -2);
    const [row, column] = i.slice(-2) as [number, number];
    let total = 0;
    for (let l = 0; l < k; l++) total += at(a, [...outer, row, l]) * at(b, [...outer, l, column]);
    return total;
  });
  const shape = [...lead, ...(p.shape.length === 1 ? [] : [m]), ...(q.shape.length === 1 ? [] : [n])];
  return { shape, data: y.data };
};

/**
 * The product of matrices. One-dimensional operands count as a row (left) or a column (right); leading dimensions are
 * batches and broadcast. [.., M, K] × [.., K, N] gives [.., M, N].
 */
export const matmul = op(
  signed<Matmul>(
    keywords('matmul', ['other'], (input: Tensor, other: Tensor): Tensor => {
      checkTensor('matmul', input);
      checkTensor('matmul', other, 'other');
      checkDevice('matmul', input, other);
      checkDtypes('matmul', input, other);
      if (input.ndim === 0 || other.ndim === 0) {
        fail(
          'shape',
          `matmul: both operands need at least one dimension, got ${show(input.shape)} × ${show(other.shape)}. Use mul().`,
        );
      }
      checkInner(
        'matmul',
        input,
        other,
        input.shape[input.ndim - 1] as number,
        other.shape[Math.max(other.ndim - 2, 0)] as number,
      );
      const a = input.ndim === 1 ? reshape(input, [1, -1]) : input;
      const b = other.ndim === 1 ? reshape(other, [-1, 1]) : other;
      const [m, k] = a.shape.slice(-2) as [number, number];
      const n = b.shape[b.ndim - 1] as number;
      const lead = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
      let y: Tensor;
      if (!traits[input.dtype].isFloat) {
        y = multiplyIntegers(a, b);
      } else if (lead.length === 0) {
        y = multiply('matmul', a, b);
      } else if (b.ndim === 2) {
        // One right operand for the whole batch: the batch is just more rows.
        y = multiply('matmul', reshape(a, [sizeOf(a.shape.slice(0, -1)), k]), b);
      } else {
        const batch = sizeOf(lead);
        y = multiply(
          'matmul',
          reshape(expand(a, [...lead, m, k]), [batch, m, k]),
          reshape(expand(b, [...lead, k, n]), [batch, k, n]),
        );
      }
      return halfLike(input, reshape(y, [...lead, ...(input.ndim === 1 ? [] : [m]), ...(other.ndim === 1 ? [] : [n])]));
    }),
  ),
  {
    name: 'matmul',
    family: 'matmul',
    doc: 'The product of matrices, [.., M, K] × [.., K, N] → [.., M, N]; leading dimensions broadcast.',
    dtypes: ['float32'],
    differentiable: [true, true],
    oracle: ([a, b]) => referenceMatmul(a as Reference, b as Reference),
    samples: () =>
      (
        [
          [
            [1, 1],
            [1, 1],
          ],
          [
            [3, 5],
            [5, 4],
          ],
          [
            [7, 9],
            [9, 17],
          ],
          [
            [33, 20],
            [20, 19],
          ],
          [[4], [4]],
          [[4], [4, 3]],
          [[3, 4], [4]],
          [
            [2, 3, 4],
            [4, 5],
          ],
          [
            [2, 3, 4],
            [2, 4, 5],
          ],
          [
            [2, 1, 3, 4],
            [3, 4, 2],
          ],
          [
            [3, 0],
            [0, 4],
          ],
          [
            [0, 3],
            [3, 4],
          ],
        ] as const
      ).map(([p, q]) => ({ inputs: [spread(p), spread(q, -2, 2, 0.73)] })),
    tolerance: 4e-6,
  },
);

function exactly(name: string, x: Tensor, ndim: number, argument: string): void {
  checkTensor(name, x, argument);
  if (x.ndim !== ndim)
    fail('shape', `${name}: ${argument} must have ${ndim} dimensions, got ${show(x.shape)}. Use matmul().`);
}

/** [M, K] × [K, N] → [M, N]. */
export const mm = /* @__PURE__ */ keywords('mm', ['mat2'], (input: Tensor, mat2: Tensor): Tensor => {
  exactly('mm', input, 2, 'input');
  exactly('mm', mat2, 2, 'mat2');
  return matmul(input, mat2);
});

/** [B, M, K] × [B, K, N] → [B, M, N]. */
export const bmm = /* @__PURE__ */ keywords('bmm', ['mat2'], (input: Tensor, mat2: Tensor): Tensor => {
  exactly('bmm', input, 3, 'input');
  exactly('bmm', mat2, 3, 'mat2');
  if (input.shape[0] !== mat2.shape[0]) {
    fail('shape', `bmm: batch sizes differ: ${show(input.shape)} × ${show(mat2.shape)}. Use matmul() to broadcast.`);
  }
  return matmul(input, mat2);
});

/** [M, K] × [K] → [M]. */
export const mv = /* @__PURE__ */ keywords('mv', ['vec'], (input: Tensor, vec: Tensor): Tensor => {
  exactly('mv', input, 2, 'input');
  exactly('mv', vec, 1, 'vec');
  return matmul(input, vec);
});

/** Terms from which a dot product is summed with compensation. */
const LONG_DOT = 1 << 17;

/** [K] · [K] → []. */
export const dot = /* @__PURE__ */ keywords('dot', ['other'], (input: Tensor, other: Tensor): Tensor => {
  exactly('dot', input, 1, 'input');
  exactly('dot', other, 1, 'other');
  // Sums are compensated where the blocks of a product are only added up, which shows after a million terms.
  const isLong = input.numel() > LONG_DOT && sameShape(input.shape, other.shape) && input.dtype === other.dtype;
  return isLong ? sum(mul(input, other)) : matmul(input, other);
});

/** [M], [N] → [M, N]. */
export const outer = /* @__PURE__ */ keywords('outer', ['vec2'], (input: Tensor, vec2: Tensor): Tensor => {
  exactly('outer', input, 1, 'input');
  exactly('outer', vec2, 1, 'vec2');
  return matmul(reshape(input, [-1, 1]), reshape(vec2, [1, -1]));
});

/** input · weightᵀ + bias, and relu of it if asked for: the arguments checked, the product done, nothing recorded. */
function affine(
  name: string,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  relu: boolean,
): { readonly x: Tensor; readonly y: Tensor } {
  checkTensor(name, input);
  exactly(name, weight, 2, 'weight');
  const [n, k] = weight.shape as [number, number];
  if (input.ndim === 0 || input.shape[input.ndim - 1] !== k) {
    fail(
      'shape',
      `${name}: the last size of input must be ${k}, as weight is ${show(weight.shape)}; got ${show(input.shape)}.`,
    );
  }
  if (bias !== null) {
    exactly(name, bias, 1, 'bias');
    if (bias.shape[0] !== n) fail('shape', `${name}: bias must have ${n} elements, got ${show(bias.shape)}.`);
  }
  const x = reshape(input, [sizeOf(input.shape.slice(0, -1)), k]);
  const y = empty(x, [x.shape[0] as number, n], 'float32', name);
  const wt = weight.strided([k, n], [weight.strides[1] as number, weight.strides[0] as number], weight.offset);
  gemm(y, ...factors(x, wt), {
    bias: bias === null ? null : dense(convert(bias, 'float32')),
    relu,
  });
  wt.dispose();
  return { x, y };
}

/**
 * relu(linear(input, weight, bias)) without a graph, for inference: the product applies relu as it stores its sums, and no
 * second pass reads them. Nothing is recorded, so whoever calls it sees to it that no gradient is wanted.
 */
export function linearRelu(input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  if (isGradEnabled())
    fail('state', 'linearRelu: records no gradient. Use relu(linear(…)), or call it within noGrad().');
  const { y } = affine('linear', input, weight, bias, true);
  return halfLike(input, reshape(y, [...input.shape.slice(0, -1), weight.shape[0] as number]));
}

/** input · weightᵀ + bias: [.., K], weight [N, K], bias [N] → [.., N], in one pass over the result. */
export const linear = op(
  keywords('linear', ['weight', 'bias'], (input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor => {
    const { x, y } = affine('linear', input, weight, bias, false);
    const inputs = bias === null ? [x, weight] : [x, weight, bias];
    record('linear', inputs, [y], [x, weight], ([g], [p, w], needs) => [
      needs[0] ? multiply('matmul', g as Tensor, w as Tensor) : null,
      needs[1] ? multiply('matmul', transpose(g as Tensor, 0, 1), p as Tensor) : null,
      needs[2] ? sum(g as Tensor, 0) : null,
    ]);
    return halfLike(input, reshape(y, [...input.shape.slice(0, -1), weight.shape[0] as number]));
  }),
  {
    name: 'linear',
    family: 'matmul',
    doc: 'input · weightᵀ + bias: input [.., K], weight [N, K], bias [N] → [.., N].',
    dtypes: ['float32'],
    differentiable: [true, true, true],
    oracle: ([x, w, b]) => {
      const [input, weight] = [x, w] as [Reference, Reference];
      const [n, k] = weight.shape as [number, number];
      return build([...input.shape.slice(0, -1), n], (i) => {
        const column = i[i.length - 1] as number;
        let total = b === undefined ? 0 : at(b, [column]);
        for (let l = 0; l < k; l++) total += at(input, [...i.slice(0, -1), l]) * at(weight, [column, l]);
        return total;
      });
    },
    samples: () => [
      { inputs: [spread([5, 3]), spread([4, 3], -2, 2, 0.1), spread([4])] },
      { inputs: [spread([3]), spread([4, 3], -2, 2, 0.1), spread([4])] },
      { inputs: [spread([2, 5, 17]), spread([9, 17], -2, 2, 0.1)] },
      { inputs: [spread([65, 40]), spread([33, 40], -2, 2, 0.1), spread([33])] },
    ],
    tolerance: 4e-6,
  },
);

export interface BlendOptions {
  /** Factor of self; with 0, nothing of it is seen. Default 1. */
  readonly beta?: number;
  /** Factor of the product. Default 1. */
  readonly alpha?: number;
}

/** beta · input + alpha · mat1 × mat2; input broadcasts to the product's shape. With beta 0 nothing of input is seen. */
export const addmm = /* @__PURE__ */ leading(
  'addmm',
  ['mat1', 'mat2'],
  (input: Tensor, mat1: Tensor, mat2: Tensor, options: BlendOptions = {}): Tensor => {
    checkTensor('addmm', input);
    checkOptions('addmm', options, ['beta', 'alpha']);
    const { beta = 1, alpha = 1 } = options;
    const y = mul(mm(mat1, mat2), alpha);
    // 0 · NaN would be NaN, and 0 is meant.
    const shift = beta === 0 ? where(scalarLike(input, false, 'bool'), input, 0) : mul(input, beta);
    return add(expand(shift, y.shape), y);
  },
);
