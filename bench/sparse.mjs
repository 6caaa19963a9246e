/**
 * Sparse products against dense ones, checked before they are timed. Figures are ratios taken in one run, the sides in turn:
 * medians of rounds.
 *
 *   node bench/sparse.mjs [table | gradients | layer]
 */
import { autograd, deterministic, linear, matmul, noGrad, randn, scope, sparse, tensor } from '../dist/index.js';
import { race } from './race.mjs';

/** @typedef {import('../dist/ops/sparse.js').SparseTensor} SparseTensor */

/** @type {readonly { name: string, format: 'csr' | 'bsr', block: [number, number] }[]} */
const FORMS = [
  { name: 'CSR', format: 'csr', block: [1, 1] },
  { name: '4×1', format: 'bsr', block: [4, 1] },
  { name: '4×4', format: 'bsr', block: [4, 4] },
];
const SPARSITIES = [0.5, 0.7, 0.8, 0.9, 0.95];

/** @param {() => unknown} f */
const run = (f) => () => scope(() => void f());

/**
 * A matrix of which a share of the blocks is zero.
 *
 * @param {number} rows
 * @param {number} columns
 * @param {number} sparsity
 * @param {[number, number]} block
 */
function scattered(rows, columns, sparsity, [height, width]) {
  const x = Float32Array.from({ length: rows * columns }, () => Math.random() + 0.5);
  for (let i = 0; i < rows; i += height) {
    for (let j = 0; j < columns; j += width) {
      if (Math.random() >= sparsity) continue;
      for (let r = 0; r < height; r++) x.fill(0, (i + r) * columns + j, (i + r) * columns + j + width);
    }
  }
  return tensor(x, [rows, columns]);
}

/**
 * @param {string} what
 * @param {import('../dist/index.js').Tensor} a
 * @param {import('../dist/index.js').Tensor} b
 */
function check(what, a, b) {
  const difference = a.sub(b).abs().max().item();
  if (!(difference < 1e-2)) throw new Error(`${what} is off by ${difference}`);
}

/**
 * @param {string} label
 * @param {readonly string[]} cells
 */
const row = (label, cells) => console.log(`${label.padEnd(34)}${cells.map((cell) => cell.padStart(10)).join('')}`);

/** @param {string} arithmetic */
function table(arithmetic) {
  for (const n of [64, 256]) {
    row(
      `${arithmetic}: S [512, 512] · X [512, ${n}]`,
      FORMS.map(({ name }) => name),
    );
    const x = randn([512, n]);
    for (const sparsity of SPARSITIES) {
      const sides = FORMS.map(({ format, block }) => {
        const dense = scattered(512, 512, sparsity, block);
        const s = sparse.fromDense(dense, format, block);
        check(format, s.matmul(x), dense.matmul(x));
        return s;
      });
      const w = randn([512, 512]);
      const [base = 0, ...times] = race([run(() => matmul(w, x)), ...sides.map((s) => run(() => s.matmul(x)))]);
      row(
        `  ${100 * sparsity} %`,
        times.map((ms) => (base / ms).toFixed(2)),
      );
    }
  }
}

/** @param {string} arithmetic */
function gradients(arithmetic) {
  for (const n of [64, 256]) {
    row(
      `${arithmetic}: both gradients, N = ${n}`,
      FORMS.map(({ name }) => name),
    );
    for (const sparsity of [0.8, 0.9, 0.95]) {
      const g = randn([512, n]);
      const x = randn([512, n], { requiresGrad: true });
      const w = randn([512, 512], { requiresGrad: true });
      const sides = FORMS.map(({ format, block }) => {
        const s = sparse.fromDense(scattered(512, 512, sparsity, block), format, block);
        s.values.requiresGrad = true;
        return s;
      });
      const [base = 0, ...times] = race(
        [
          run(() => autograd.grad([matmul(w, x)], [w, x], g)),
          ...sides.map((s) => run(() => autograd.grad([s.matmul(x)], [s.values, x], g))),
        ],
        { rounds: 11, budget: 20 },
      );
      row(
        `  ${100 * sparsity} %, forward and backward`,
        times.map((ms) => (base / ms).toFixed(2)),
      );
    }
  }
}

/** @param {string} arithmetic */
function layer(arithmetic) {
  for (const batch of [1, 64]) {
    row(
      `${arithmetic}: Linear 512→512, batch ${batch}`,
      FORMS.map(({ name }) => name),
    );
    const x = randn([batch, 512]);
    for (const sparsity of [0.5, 0.8, 0.9, 0.95]) {
      const w = randn([512, 512]);
      const sides = FORMS.map(({ format, block }) => {
        const dense = scattered(512, 512, sparsity, block);
        const s = sparse.fromDense(dense, format, block);
        check(format, sparse.linear(x, s), linear(x, dense));
        return s;
      });
      const [base = 0, ...times] = race([run(() => linear(x, w)), ...sides.map((s) => run(() => sparse.linear(x, s)))]);
      row(
        `  ${100 * sparsity} %`,
        times.map((ms) => (base / ms).toFixed(2)),
      );
    }
  }
}

const only = process.argv[2];
for (const strict of [true, false]) {
  deterministic(strict);
  const arithmetic = strict ? 'strict' : 'fastest';
  if (only === undefined || only === 'table') noGrad(() => table(arithmetic));
  if (only === undefined || only === 'layer') noGrad(() => layer(arithmetic));
  if (only === undefined || only === 'gradients') gradients(arithmetic);
}
