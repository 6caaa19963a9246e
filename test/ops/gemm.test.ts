import { describe, expect, test } from 'vitest';
import { deterministic, noGrad, rand, type Tensor, tensor } from '../../src/index.js';
import { linear } from '../../src/ops/index.js';
import { linearRelu } from '../../src/ops/matmul.js';

/** The product kernel along each of its paths: few rows, few columns, blocks, and their seams. */

const sizes = [
  [1, 33, 1],
  [1, 40, 70],
  [2, 65, 300],
  [3, 17, 257],
  [4, 16, 40],
  [7, 24, 33],
  [13, 2, 32],
  [14, 4, 520],
  [29, 3, 31],
  [50, 9, 600],
  [64, 10, 128],
  [61, 7, 90],
  [26, 8, 300],
  [40, 41, 1],
  [67, 130, 257],
  [121, 29, 513],
] as const;

function worstError(y: Tensor, a: Tensor, b: Tensor): number {
  const [m, k] = a.shape as [number, number];
  const n = b.shape[1] as number;
  const [got, p, q] = [y.toArray() as number[][], a.toArray() as number[][], b.toArray() as number[][]];
  let worst = 0;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let [total, size] = [0, 1];
      for (let l = 0; l < k; l++) {
        const term = (p[i]?.[l] as number) * (q[l]?.[j] as number);
        total += term;
        size += Math.abs(term);
      }
      worst = Math.max(worst, Math.abs((got[i]?.[j] as number) - total) / size);
    }
  }
  return worst;
}

describe.each([true, false])('strict: %s', (strict) => {
  test.each(sizes)('%i × %i over %i, with each operand as it lies and transposed', (m, n, k) => {
    deterministic(strict);
    const [a, b] = [rand([m, k]).sub(0.4), rand([k, n]).sub(0.4)];
    const [at, bt] = [a.t().contiguous().t(), b.t().contiguous().t()];
    for (const left of [a, at]) {
      for (const right of [b, bt]) expect(worstError(left.matmul(right), a, b)).toBeLessThan(1e-6);
    }
    deterministic(false);
  });

  test('what is not a number or infinite stays in its row and column', () => {
    deterministic(strict);
    for (const [m, n, k] of sizes) {
      const [a, b] = [rand([m, k]).add(0.5), rand([k, n]).add(0.5)];
      const [row, column] = [m - 1, n - 1];
      const p = a.toArray() as number[][];
      const q = b.toArray() as number[][];
      (p[row] as number[])[k - 1] = Number.NaN;
      (q[k - 1] as number[])[column] = Number.POSITIVE_INFINITY;
      const y = tensor(p).matmul(tensor(q)).toArray() as number[][];
      y.forEach((values, i) =>
        values.forEach((value, j) => {
          if (i === row) expect(value).toBeNaN();
          else if (j === column) expect(value).toBe(Number.POSITIVE_INFINITY);
          else expect(Number.isFinite(value)).toBe(true);
        }),
      );
    }
    deterministic(false);
  });
});

test('linearRelu is relu of linear to the bit, and refuses to run where gradients are wanted', () => {
  for (const [m, n, k] of sizes) {
    const [x, w, bias] = [rand([m, k]).sub(0.5), rand([n, k]).sub(0.5), rand([n]).sub(0.5)];
    noGrad(() => {
      expect(linearRelu(x, w, bias).toArray()).toEqual(linear(x, w, bias).relu().toArray());
      expect(linearRelu(x, w).toArray()).toEqual(linear(x, w).relu().toArray());
    });
  }
  expect(() => linearRelu(rand([2, 3]), rand([4, 3]))).toThrow('noGrad');
});
