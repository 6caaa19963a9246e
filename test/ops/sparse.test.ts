import { autograd, FettleError, ones, randn, scope, sparse, type Tensor, tensor, zeros } from 'fettle';
import { describe, expect, test } from 'vitest';
import { Generator } from '../../src/core/random.js';

const random = new Generator(5);
const whole = (low: number, high: number): number => low + Math.floor(random.uniform() * (high - low));
const reals = (size: number): Float32Array<ArrayBuffer> => Float32Array.from({ length: size }, () => random.normal());

/** A matrix of which a share of the blocks is not zero; now and then a row of it is empty. */
function scattered(rows: number, columns: number, share: number, [height, width] = [1, 1]): Float32Array<ArrayBuffer> {
  const x = reals(rows * columns);
  for (let i = 0; i < rows; i += height) {
    const kept = random.uniform() < 0.15 ? 0 : share;
    for (let j = 0; j < columns; j += width) {
      if (random.uniform() < kept) continue;
      for (let r = 0; r < height; r++) x.fill(0, (i + r) * columns + j, (i + r) * columns + j + width);
    }
  }
  return x;
}

function product(a: Float32Array, b: Float32Array, m: number, k: number, n: number): Float64Array {
  return Float64Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let l = 0; l < k; l++) sum += (a[i * k + l] as number) * (b[l * n + j] as number);
    return sum;
  });
}

function near(y: Tensor, expected: Float64Array | Float32Array, what: string): void {
  const numbers = y.dataSync();
  expect(numbers.length, what).toBe(expected.length);
  for (let i = 0; i < numbers.length; i++) {
    const [a, b] = [numbers[i] as number, expected[i] as number];
    if (!(Math.abs(a - b) <= 2e-4 * (1 + Math.abs(b)))) expect.fail(`${what}: ${a} is not ${b} at ${i}`);
  }
}

const forms: readonly [sparse.SparseFormat, (readonly [number, number])?][] = [
  ['csr'],
  ['csc'],
  ['coo'],
  ['bsr', [4, 1]],
  ['bsr', [4, 4]],
  ['bsr', [2, 3]],
];

describe.each(forms)('%s %s', (format, block = [1, 1]) => {
  test('products and their gradients are those of the dense matrix, for any size and any pattern', () => {
    for (let run = 0; run < 40; run++) {
      scope(() => {
        const m = block[0] * whole(1, run % 4 === 0 ? 20 : 5);
        const k = block[1] * whole(1, run % 3 === 0 ? 20 : 6);
        const n = run < 12 ? run + 1 : whole(1, 90);
        const share = [0, 0.1, 0.4, 1][run % 4] as number;
        const values = scattered(m, k, share, [...block]);
        const what = `${m} × ${k} × ${n}, ${share}`;
        const dense = tensor(values, [m, k], { requiresGrad: true });
        const x = tensor(reals(k * n), [k, n], { requiresGrad: true });
        const s = sparse.fromDense(tensor(values, [m, k]), format, format === 'bsr' ? block : undefined);
        s.values.requiresGrad = true;
        expect(s.toDense().dataSync(), what).toEqual(values);
        const y = sparse.matmul(s, x);
        near(y, product(values, x.dataSync() as Float32Array, m, k, n), what);
        const g = randn([m, n]);
        const [dv, dx] = autograd.grad([y.mul(g).sum()], [s.values, x]) as [Tensor, Tensor];
        const [dense_, expected] = autograd.grad([dense.matmul(x).mul(g).sum()], [dense, x]) as [Tensor, Tensor];
        near(dx, expected.dataSync() as Float32Array, `dx of ${what}`);
        const full = s.withValues(dv).toDense().dataSync();
        const mask = s.withValues(ones(s.values.shape)).toDense().dataSync();
        const masked = (dense_.dataSync() as Float32Array).map((d, i) => d * (mask[i] as number));
        near(tensor(full as Float32Array<ArrayBuffer>), masked, `dv of ${what}`);

        // The other way round: rows of the dense operand, as a batch through a layer.
        const rows = tensor(reals(n * k), [n, k], { requiresGrad: true });
        const z = sparse.linear(rows, s);
        near(z, rows.matmul(dense.t()).dataSync() as Float32Array, `linear ${what}`);
        const h = randn([n, m]);
        const [lv, lx] = autograd.grad([z.mul(h).sum()], [s.values, rows]) as [Tensor, Tensor];
        near(lx, h.matmul(dense).dataSync() as Float32Array, `linear dx ${what}`);
        const outer = h.t().matmul(rows).dataSync() as Float32Array;
        near(
          s.withValues(lv).toDense(),
          outer.map((d, i) => d * (mask[i] as number)),
          `linear dv ${what}`,
        );
        const left = tensor(reals(n * m), [n, m]);
        near(sparse.matmul(left, s), left.matmul(dense).dataSync() as Float32Array, `left ${what}`);
      });
    }
  });

  test('gradients and their gradients are those of differences', () => {
    const values = scattered(8, 12, 0.4, [...block]);
    const s = sparse.fromDense(tensor(values, [8, 12]), format, format === 'bsr' ? block : undefined);
    const x = randn([12, 3], { requiresGrad: true });
    const v = randn([...s.values.shape], { requiresGrad: true });
    const through = (a: Tensor, b: Tensor): Tensor => sparse.matmul(s.withValues(a), b);
    expect(autograd.gradcheck(through, [v, x])).toBe(true);
    expect(autograd.gradgradcheck(through, [v, x])).toBe(true);
    const rows = randn([2, 12], { requiresGrad: true });
    const layer = (a: Tensor, b: Tensor): Tensor => sparse.linear(b, s.withValues(a));
    expect(autograd.gradcheck(layer, [v, rows])).toBe(true);
    expect(autograd.gradgradcheck(layer, [v, rows])).toBe(true);
  });
});

test('every format becomes every other, and gradients find their way back', () => {
  const dense = tensor(scattered(12, 12, 0.3), [12, 12], { requiresGrad: true });
  for (const [from, size] of forms) {
    for (const [to, other] of forms) {
      const s = sparse.fromDense(dense, from, size).to(to, other);
      expect(s.format).toBe(to);
      expect(s.toDense().dataSync()).toEqual(dense.dataSync());
      const [g] = autograd.grad([s.toDense().mul(s.toDense()).sum()], [dense]) as [Tensor];
      expect(g.dataSync()).toEqual((dense.dataSync() as Float32Array).map((x) => 2 * x));
    }
  }
});

test('the transposed matrix shares the values', () => {
  const dense = tensor(scattered(7, 5, 0.5), [7, 5]);
  const x = randn([7, 4]);
  for (const format of ['csr', 'csc', 'coo'] as const) {
    const s = sparse.fromDense(dense, format);
    expect(s.t().values).toBe(s.values);
    expect(s.t().shape).toEqual([5, 7]);
    expect(s.t().toDense().dataSync()).toEqual(dense.t().contiguous().dataSync());
    near(s.t().matmul(x), dense.t().matmul(x).dataSync() as Float32Array, format);
    expect(s.t().t().toDense().dataSync()).toEqual(dense.dataSync());
  }
});

test('coordinates come in any order, and what comes twice is added up', () => {
  const s = sparse.coo(
    [
      [2, 0, 2, 2],
      [1, 0, 1, 0],
    ],
    [1, 2, 3, 4],
    [3, 2],
  );
  expect(s.toDense().toArray()).toEqual([
    [2, 0],
    [0, 0],
    [4, 4],
  ]);
  expect(s.matmul(tensor([1, 10])).toArray()).toEqual([2, 0, 44]);
  expect(s.to('csr').values.toArray()).toEqual([2, 4, 4]);
  expect([...s.to('csr').colIndices]).toEqual([0, 0, 1]);
});

test('empty matrices and empty operands', () => {
  const none = sparse.csr([0, 0, 0], [], zeros([0]), [2, 3]);
  expect(none.matmul(ones([3, 40])).dataSync()).toEqual(new Float32Array(80));
  expect(none.matmul(ones([3])).toArray()).toEqual([0, 0]);
  expect(none.nnz).toBe(0);
  expect(sparse.linear(ones([2, 0, 3]), none).shape).toEqual([2, 0, 2]);
  expect(sparse.csr([0], [], zeros([0]), [0, 3]).matmul(ones([3, 2])).shape).toEqual([0, 2]);
  expect(
    sparse
      .csr([0, 0], [], zeros([0]), [1, 0])
      .matmul(zeros([0, 9]))
      .dataSync(),
  ).toEqual(new Float32Array(9));
});

test('a million columns', () => {
  const s = sparse.csr([0, 2, 3], [5, 999_999, 0], [1, 2, 3], [2, 1_000_000]);
  const w = zeros([1_000_000, 2], { requiresGrad: true });
  const y = s.matmul(w);
  y.sum().backward();
  const g = (w.grad as Tensor).dataSync();
  expect([g[10], g[11], g[1_999_999], g[0], g[2]]).toEqual([1, 1, 2, 3, 0]);
  w.grad?.dispose();
});

test('a matrix outlives its scope when it is kept, with the index that was made later', () => {
  const s = scope(() =>
    sparse
      .fromDense(
        tensor([
          [1, 0],
          [2, 3],
        ]),
      )
      .keep(),
  );
  const x = scope(() => sparse.matmul(tensor([[1, 1]]), s).toArray());
  expect(x).toEqual([[3, 3]]);
  expect(scope(() => sparse.matmul(tensor([[1, 2]]), s).toArray())).toEqual([[5, 6]]);
  s.dispose();
});

test('what is wrong is refused, and said', () => {
  const v = [1, 2, 3];
  const refused = (make: () => unknown, message: string): void => {
    expect(make).toThrow(FettleError);
    expect(make).toThrow(message);
  };
  refused(() => sparse.csr([0, 1], [0, 1, 2], v, [2, 3]), 'crowIndices must have 3 numbers');
  refused(() => sparse.csr([0, 1, 2], [0, 1, 2], v, [2, 3]), 'begin with 0 and end with the number of values, 3');
  refused(() => sparse.csr([0, 5, 3], [0, 1, 2], v, [2, 3]), 'must not exceed 3, got 5');
  refused(() => sparse.csr([0, 2, 1, 3], [0, 1, 2], v, [3, 3]), 'must not fall: 2 is followed by 1');
  refused(() => sparse.csr([0, 1, 3], [0, 1, 3], v, [2, 3]), 'colIndices must lie in [0, 3), got 3');
  refused(() => sparse.csr([0, 1, 3], [0, 2, 1], v, [2, 3]), 'colIndices must rise within a line, got 2, 1');
  refused(() => sparse.csr([0, 1, 3], [0, 1, 2], [1, 2], [2, 3]), 'values must be [3]');
  refused(() => sparse.csr([0, 0.5, 3], [0, 1, 2], v, [2, 3]), 'whole numbers, got 0.5');
  refused(() => sparse.csc([0, 1, 3], [0, 1, 2], v, [2, 2]), 'rowIndices must lie in [0, 2), got 2');
  refused(
    () =>
      sparse.coo(
        [
          [0, 1, 2],
          [0, 0, 3],
        ],
        v,
        [3, 3],
      ),
    '[2, 3] lies outside of [3, 3]',
  );
  refused(() => sparse.bsr([0, 1], [0], ones([1, 2, 2]), [3, 2]), 'cannot be cut into blocks of 2 × 2');
  refused(() => sparse.bsr([0, 1], [0], ones([1, 2]), [2, 2]), 'values must be [1, block rows, block columns]');
  refused(() => sparse.coo([[0], [0]], tensor([1], { dtype: 'int32' }), [1, 1]), "Use .to('float32')");
  const s = sparse.csr([0, 1, 3], [0, 1, 2], v, [2, 3]);
  refused(() => s.matmul(ones([2, 3])), 'expected [3, N] or [3], got [2, 3]');
  refused(() => sparse.linear(ones([2, 2]), s), 'the last size of input must be 3');
  refused(() => s.ccolIndices, "Use .to('csc')");
  refused(() => s.to('bsr'), "to('bsr', [4, 1])");
});
