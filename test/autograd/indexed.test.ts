import {
  cumprod,
  diag,
  einsum,
  embedding,
  gradcheck,
  gradgradcheck,
  maskedSelect,
  median,
  prod,
  scatter,
  scatterAdd,
  sort,
  type Tensor,
  take,
  tensor,
  tensordot,
  topk,
} from 'fettle';
import { expect, test } from 'vitest';

/** First and second derivatives of ops that take indices, equations or more than one shape, against difference quotients. */

const leaf = (values: readonly unknown[]): Tensor => tensor(values as number[]).requiresGrad_();
const whole = (values: readonly unknown[]): Tensor => tensor(values as number[], { dtype: 'int32' });

const matrix = [
  [0.5, -1.25, 2],
  [1.75, 0.25, -0.75],
];
const other = [
  [-0.5, 1.5],
  [0.75, -2],
  [1, 0.125],
];

const CASES: readonly [string, (...xs: Tensor[]) => Tensor, readonly (readonly unknown[])[]][] = [
  ['scatter', (x, s) => scatter(x, 1, whole([[2], [0]]), s), [matrix, [[3], [-4]]]],
  ['scatter of a larger source', (x, s) => scatter(x, 0, whole([[1, 0]]), s), [matrix, matrix]],
  ['scatterAdd', (x, s) => scatterAdd(x, 0, whole([[1, 1, 0]]), s), [matrix, matrix]],
  ['take', (x) => take(x, whole([-1, 0, 0])), [matrix]],
  ['embedding', (w) => embedding(whole([2, 0, 2]), w), [other]],
  ['einsum', (a, b) => einsum('ij,jk->k', a, b), [matrix, other]],
  ['einsum of a diagonal', (a, b) => einsum('ii,ij->j', tensordot(a, b, 1), a), [matrix, other]],
  ['sort', (x) => [...sort(x, 0)][0] as Tensor, [matrix]],
  ['topk', (x) => topk(x, 2).values, [matrix]],
  ['median', (x) => median(x, 1).values, [matrix]],
  ['median of all', (x) => median(x), [matrix]],
  ['maskedSelect', (x) => maskedSelect(x, x.detach().gt(0)), [matrix]],
  ['diag', (x) => diag(x, -1), [[1, 2, 3]]],
  ['cumprod over zeros', (x) => cumprod(x, 0), [[2, 0, 3, 0.5]]],
  [
    'prod over zeros',
    (x) => prod(x, 1),
    [
      [
        [2, 0, 3],
        [1, 4, 0.5],
      ],
    ],
  ],
];

test.each(CASES)('%s', (_name, fn, values) => {
  const inputs = values.map(leaf);
  expect(() => gradcheck(fn, inputs)).not.toThrow();
  // The square makes what is linear have a second derivative.
  const squared = (...xs: Tensor[]): Tensor => {
    const y = fn(...xs);
    return y.mul(y);
  };
  expect(() => gradgradcheck(squared, inputs, { atol: 2e-2, rtol: 2e-2 })).not.toThrow();
});
