/** Products of matrices at the shapes of nets: forward, with the second transposed, with the first (a weight's gradient). */
import { bmm, randn } from 'fettle';
import { at, call } from './case.mjs';

/** @typedef {import('./case.mjs').Case} Case */
/** @typedef {'A·B' | 'A·Bᵀ' | 'Aᵀ·B'} Form */

/** @type {(form: Form, m: number, k: number, n: number, kind?: Case['kind']) => Case} */
function product(form, m, k, n, kind = 'flops') {
  const first = form === 'Aᵀ·B';
  const second = form === 'A·Bᵀ';
  const a = randn(first ? [k, m] : [m, k]).keep();
  const b = randn(second ? [n, k] : [k, n]).keep();
  return call({
    group: kind === 'flops' ? 'product' : 'batch-1 product',
    name: `${form} ${m} × ${k} × ${n}`,
    kind,
    work: kind === 'flops' ? 2 * m * k * n : 4 * (m * k + k * n + m * n),
    f: () => (first ? a.t() : a).matmul(second ? b.t() : b),
    expected(i) {
      const [x, y] = [a.dataSync(), b.dataSync()];
      const [row, column] = [Math.floor(i / n), i % n];
      let total = 0;
      for (let l = 0; l < k; l++) {
        total += at(x, first ? l * m + row : row * k + l) * at(y, second ? column * k + l : l * n + column);
      }
      return total;
    },
    tolerance: 2e-5 * Math.sqrt(k) + 1e-5,
  });
}

/** @type {(batch: number, m: number, k: number, n: number) => Case} */
function batched(batch, m, k, n) {
  const a = randn([batch, m, k]).keep();
  const b = randn([batch, k, n]).keep();
  return call({
    group: 'batched product',
    name: `${batch} of ${m} × ${k} × ${n}`,
    kind: 'flops',
    work: 2 * batch * m * k * n,
    f: () => bmm(a, b),
    expected(i) {
      const [x, y] = [a.dataSync(), b.dataSync()];
      const [row, column] = [Math.floor(i / n), i % n];
      const from = Math.floor(row / m) * k * n;
      let total = 0;
      for (let l = 0; l < k; l++) total += at(x, row * k + l) * at(y, from + l * n + column);
      return total;
    },
    tolerance: 2e-5 * Math.sqrt(k) + 1e-5,
  });
}

/** @type {readonly Form[]} */
const FORMS = ['A·B', 'A·Bᵀ', 'Aᵀ·B'];

/** @type {(full: boolean) => (() => Case)[]} */
export const products = (full) => [
  ...[64, 128, 256, 512, 1024, ...(full ? [2048] : [])].flatMap((n) =>
    FORMS.map((form) => () => product(form, n, n, n)),
  ),
  () => product('A·Bᵀ', 64, 784, 256),
  () => product('Aᵀ·B', 256, 64, 784),
  () => product('A·B', 64, 256, 784),
  () => product('A·B', 64, 784, 128),
  () => product('A·Bᵀ', 1024, 256, 1024),
  () => product('Aᵀ·B', 1024, 1024, 256),
  () => product('A·B', 512, 768, 3072),
  () => product('A·B', 25088, 25, 8),
  () => product('A·B', 4096, 16, 16),
  () => product('A·B', 127, 129, 131),
  () => product('A·Bᵀ', 1, 784, 128, 'reads'),
  () => product('A·Bᵀ', 1, 1024, 1024, 'reads'),
  () => product('A·B', 1, 1024, 1024, 'reads'),
  () => product('A·Bᵀ', 1, 4096, 4096, 'reads'),
  () => batched(32, 128, 64, 128),
  () => batched(32, 128, 128, 64),
  () => batched(512, 16, 16, 16),
];
