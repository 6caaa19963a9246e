import {
  asStrided,
  blockDiag,
  broadcastShapes,
  cdist,
  combinations,
  cross,
  cummax,
  cumulativeTrapezoid,
  diagonalScatter,
  diff,
  FettleError,
  gradcheck,
  gradgradcheck,
  index,
  indexAdd,
  indexPut,
  kron,
  maskedScatter,
  nansum,
  put,
  quantile,
  repeatInterleave,
  scatterReduce,
  selectScatter,
  sort,
  type Tensor,
  takeAlongDim,
  tensor,
  trapezoid,
} from 'fettle';
import { describe, expect, test } from 'vitest';

/** First and second derivatives of ops that are made of others, and what goldens cannot hold. */

const ramp = (shape: number[], phase = 0.3): Tensor => {
  const n = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: n }, (_, i) => ((phase + (i + 1) * 0.618) % 1) * 4 - 2);
  return tensor(values, shape, { requiresGrad: true });
};
const places = (data: number[], shape = [data.length]): Tensor => tensor(Int32Array.from(data), shape);
const mask = (data: number[], shape: number[]): Tensor => tensor(data, shape, { dtype: 'bool' });

const CASES: Record<string, [(...inputs: Tensor[]) => Tensor, number[][]]> = {
  'index, the same place twice': [
    (x) =>
      index(x, [
        [0, 2, 2],
        [1, 0, 0],
      ]),
    [[3, 2]],
  ],
  'index, separated': [(x) => index(x, [[0, 1], ':', [1, 1]]), [[2, 3, 2]]],
  'index, a mask': [(x) => index(x, [mask([1, 0, 1], [3])]), [[3, 2]]],
  indexPut: [(x, v) => indexPut(x, [[2, 0]], v), [[3, 2], [2]]],
  'indexPut, a number': [(x) => indexPut(x, [[2, 0]], 0.5), [[3, 2]]],
  'indexPut, accumulating': [
    (x, v) => indexPut(x, [[2, 2]], v, true),
    [
      [3, 2],
      [2, 2],
    ],
  ],
  indexAdd: [
    (x, v) => indexAdd(x, 1, places([1, 1]), v, { alpha: 2 }),
    [
      [2, 3],
      [2, 2],
    ],
  ],
  put: [(x, v) => put(x, places([3, 0]), v), [[2, 2], [2]]],
  maskedScatter: [(x, v) => maskedScatter(x, mask([1, 0, 1], [3]), v), [[3], [2]]],
  takeAlongDim: [(x) => takeAlongDim(x, places([1, 0, 1, 1], [2, 2]), 1), [[2, 2]]],
  'scatterReduce, prod': [(x, v) => scatterReduce(x, 0, places([0, 0, 2]), v, 'prod'), [[3], [3]]],
  'scatterReduce, mean': [
    (x, v) => scatterReduce(x, 0, places([0, 0, 2]), v, 'mean', { includeSelf: false }),
    [[3], [3]],
  ],
  'scatterReduce, amax': [(x, v) => scatterReduce(x, 0, places([0, 0, 2]), v, 'amax'), [[3], [3]]],
  sort: [(x) => sort(x, 0).values, [[4, 2]]],
  quantile: [(x) => quantile(x, 0.3, 0), [[5, 2]]],
  cummax: [(x) => cummax(x, 0).values, [[5]]],
  nansum: [(x) => nansum(x, 1), [[2, 3]]],
  diff: [(x) => diff(x, 2), [[2, 5]]],
  trapezoid: [(y, x) => trapezoid(y, x), [[2, 4], [4]]],
  cumulativeTrapezoid: [(y, x) => cumulativeTrapezoid(y, x), [[4], [4]]],
  cdist: [
    (a, b) => cdist(a, b),
    [
      [3, 2],
      [2, 2],
    ],
  ],
  kron: [(a, b) => kron(a, b), [[2, 2], [2]]],
  cross: [
    (a, b) => cross(a, b),
    [
      [2, 3],
      [2, 3],
    ],
  ],
  blockDiag: [(a, b) => blockDiag(a, b), [[2, 1], [2]]],
  combinations: [(x) => combinations(x), [[3]]],
  repeatInterleave: [(x) => repeatInterleave(x, places([2, 0, 1])), [[3]]],
  selectScatter: [(x, v) => selectScatter(x, v, 1, 0), [[2, 3], [2]]],
  diagonalScatter: [(x, v) => diagonalScatter(x, v), [[2, 3], [2]]],
  asStrided: [(x) => asStrided(x, [2, 2], [1, 1], 1), [[4]]],
};

describe.each(Object.entries(CASES))('%s', (_name, [fn, shapes]) => {
  const inputs = (): Tensor[] => shapes.map((shape, k) => ramp(shape, 0.3 + 0.17 * k));
  const squared = (...xs: Tensor[]): Tensor => {
    const y = fn(...xs);
    return y.mul(y);
  };
  test('first derivative', () => {
    gradcheck(squared, inputs(), { eps: 2 ** -8, atol: 1e-2, rtol: 1e-2 });
  });
  test('second derivative', () => {
    gradgradcheck(squared, inputs(), { eps: 2 ** -8, atol: 2e-2, rtol: 2e-2 });
  });
});

test('shapes broadcast', () => {
  expect(broadcastShapes([3, 1], [2, 1, 4])).toEqual([2, 3, 4]);
  expect(broadcastShapes(3, [2, 1], [])).toEqual([2, 3]);
  expect(() => broadcastShapes([3], [4])).toThrow(FettleError);
});

test('a mask of two dimensions before a range', () => {
  const x = tensor(
    Float32Array.from({ length: 24 }, (_, i) => i),
    [2, 3, 4],
  );
  const y = index(x, [mask([1, 0, 0, 0, 0, 1], [2, 3]), '1:3']);
  expect(y.shape).toEqual([2, 2]);
  expect([...y.dataSync()]).toEqual([1, 2, 21, 22]);
});

test('a view of ranges shares memory', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  index(x, [':', 1]).fill_(9);
  expect([...x.dataSync()]).toEqual([1, 9, 3, 9]);
});
