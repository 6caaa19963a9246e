import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { keywords, leading } from '../core/keywords.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul } from './arithmetic.js';
import { expand } from './broadcast.js';
import { where } from './compare.js';
import { eye } from './create.js';
import { bmm, dot, matmul, mv, outer } from './matmul.js';
import { reshape, transpose } from './movement.js';
import { checkTensor, scalarLike } from './op.js';
import { sum } from './reduce.js';
import { listOf, type Tensors } from './stacking.js';

/** Products of matrices and vectors that are sums, powers or chains of others. */

export interface BetaAlphaOptions {
  /** Factor of input. With 0 nothing of input is seen, not even NaN. Default 1. */
  readonly beta?: number;
  /** Factor of the product. Default 1. */
  readonly alpha?: number;
}

/** beta · input + alpha · product, input broadcast to the product's shape. */
function combine(
  name: string,
  input: Tensor,
  product: Tensor,
  rest: readonly (BetaAlphaOptions | undefined)[],
): Tensor {
  checkTensor(name, input);
  const { beta = 1, alpha = 1 } = readArguments<BetaAlphaOptions>(name, rest, ['beta', 'alpha']);
  const y = alpha === 1 ? product : mul(product, alpha);
  // 0 · NaN would be NaN, and 0 is meant.
  const shift = beta === 0 ? where(scalarLike(input, false, 'bool'), input, 0) : beta === 1 ? input : mul(input, beta);
  return add(expand(shift, y.shape), y);
}

/** beta · input + alpha · mat × vec: [M, K] × [K] → [M]. */
export const addmv = /* @__PURE__ */ leading(
  'addmv',
  ['mat', 'vec'],
  (input: Tensor, mat: Tensor, vec: Tensor, ...rest: (BetaAlphaOptions | undefined)[]): Tensor => {
    return combine('addmv', input, mv(mat, vec), rest);
  },
);

/** beta · input + alpha · vec1 ⊗ vec2: [M], [N] → [M, N]. */
export const addr = /* @__PURE__ */ leading(
  'addr',
  ['vec1', 'vec2'],
  (input: Tensor, vec1: Tensor, vec2: Tensor, ...rest: (BetaAlphaOptions | undefined)[]): Tensor => {
    return combine('addr', input, outer(vec1, vec2), rest);
  },
);

/** beta · input + alpha · Σ_b batch1[b] × batch2[b]: [B, M, K] × [B, K, N] → [M, N]. */
export const addbmm = /* @__PURE__ */ leading(
  'addbmm',
  ['batch1', 'batch2'],
  (input: Tensor, batch1: Tensor, batch2: Tensor, ...rest: (BetaAlphaOptions | undefined)[]): Tensor => {
    return combine('addbmm', input, sum(bmm(batch1, batch2), 0), rest);
  },
);

/** Sums of products along the last dimensions: [.., K] and [.., K] give all other dimensions of both. */
export const inner = /* @__PURE__ */ keywords('inner', ['other'], (input: Tensor, other: Tensor): Tensor => {
  checkTensor('inner', input);
  checkTensor('inner', other, 'other');
  if (input.ndim === 0 || other.ndim === 0) return mul(input, other);
  const k = input.shape[input.ndim - 1] as number;
  if (other.shape[other.ndim - 1] !== k) {
    fail('shape', `inner: last sizes differ: ${show(input.shape)} and ${show(other.shape)}.`);
  }
  const rows = input.shape.slice(0, -1);
  const columns = other.shape.slice(0, -1);
  const size = (shape: readonly number[]): number => shape.reduce((n, s) => n * s, 1);
  const product = matmul(reshape(input, [size(rows), k]), transpose(reshape(other, [size(columns), k]), 0, 1));
  return reshape(product, [...rows, ...columns]);
});

/** [K] · [K] → []: dot() for real numbers. */
export const vdot = /* @__PURE__ */ keywords('vdot', ['other'], (input: Tensor, other: Tensor): Tensor => {
  return dot(input, other);
});

/** outer() under its other name. */
export const ger = outer;

/** The product of a chain of matrices, in the order of the fewest multiplications. The ends may be vectors. */
export function multiDot(...tensors: Tensors): Tensor {
  const list = listOf('multiDot', tensors);
  if (list.length < 2) fail('argument', `multiDot: expected at least two tensors, got ${list.length}.`);
  const last = list.length - 1;
  const chain = list.map((x, i) => {
    const isEnd = i === 0 || i === last;
    if (x.ndim !== 2 && !(isEnd && x.ndim === 1)) {
      fail('shape', `multiDot: expected matrices, and vectors at the ends alone, got ${show(x.shape)} at place ${i}.`);
    }
    return x.ndim === 2 ? x : reshape(x, i === 0 ? [1, -1] : [-1, 1]);
  });
  const product = bestOrder(chain);
  return reshape(product, [
    ...(list[0]?.ndim === 1 ? [] : [product.shape[0] as number]),
    ...(list[last]?.ndim === 1 ? [] : [product.shape[1] as number]),
  ]);
}

/** The product of a list of matrices. Which product comes last is found for every stretch, from the shorter ones up. */
function bestOrder(chain: readonly Tensor[]): Tensor {
  const n = chain.length;
  const sizes = [...chain.map((x) => x.shape[0] as number), (chain[n - 1] as Tensor).shape[1] as number];
  const cost = chain.map(() => new Array<number>(n).fill(0));
  const cut = chain.map(() => new Array<number>(n).fill(0));
  for (let length = 1; length < n; length++) {
    for (let i = 0; i + length < n; i++) {
      const j = i + length;
      let best = Infinity;
      for (let k = i; k < j; k++) {
        const ends = (sizes[i] as number) * (sizes[k + 1] as number) * (sizes[j + 1] as number);
        const total = (cost[i]?.[k] ?? 0) + (cost[k + 1]?.[j] ?? 0) + ends;
        if (total >= best) continue;
        best = total;
        (cut[i] as number[])[j] = k;
      }
      (cost[i] as number[])[j] = best;
    }
  }
  const multiply = (i: number, j: number): Tensor => {
    if (i === j) return chain[i] as Tensor;
    const k = cut[i]?.[j] as number;
    return matmul(multiply(i, k), multiply(k + 1, j));
  };
  return multiply(0, n - 1);
}

/** The product of matrices in the order of the fewest multiplications. Of one, itself. */
export function chainMatmul(...matrices: Tensors): Tensor {
  const list = listOf('chainMatmul', matrices);
  const odd = list.find((x) => x.ndim !== 2);
  if (odd !== undefined) fail('shape', `chainMatmul: expected matrices, got ${show(odd.shape)}.`);
  if (list.length === 0) fail('argument', 'chainMatmul: expected at least one matrix.');
  return list.length === 1 ? (list[0] as Tensor) : bestOrder(list);
}

/** Square matrices [.., M, M] to the power `n`, a whole number ≥ 0. */
export const matrixPower = /* @__PURE__ */ keywords('matrixPower', ['n'], (input: Tensor, n: number): Tensor => {
  checkTensor('matrixPower', input);
  const [rows, columns] = input.shape.slice(-2);
  if (input.ndim < 2 || rows !== columns) {
    fail('shape', `matrixPower: expected square matrices, got ${show(input.shape)}.`);
  }
  if (!Number.isInteger(n)) fail('argument', `matrixPower: n must be a whole number, got ${n}.`);
  if (n < 0) fail('unsupported', `matrixPower: n must be ≥ 0, got ${n}; there is no inverse of a matrix here.`);
  if (n === 0) return expand(eye(rows as number, { dtype: input.dtype }), input.shape);
  let [result, square]: [Tensor | null, Tensor] = [null, input];
  for (let rest = n; ; ) {
    if (rest % 2 === 1) result = result === null ? square : matmul(result, square);
    rest = Math.floor(rest / 2);
    if (rest === 0) return result as Tensor;
    square = matmul(square, square);
  }
});
