/**
 * Sparse products against dense ones, checked before they are timed. Figures are ratios taken in one run, the sides in turn:
 * medians of rounds.
 *
 *   node bench/sparse.mjs [table | gradients | layer | lenet | conv | training]
 */
import { copyMasks, prune, sparsify } from '../dist/compress/index.js';
import {
  autograd,
  crossEntropy,
  deterministic,
  linear,
  matmul,
  noGrad,
  randint,
  randn,
  scope,
  sparse,
  tensor,
} from '../dist/index.js';
import { Conv2d, cloneModule, Linear, ReLU, Sequential } from '../dist/nn/index.js';
import { SGD } from '../dist/optim/index.js';
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

/** LeNet-300-100 with this share of every layer's weights removed, the smallest first. @param {number} sparsity */
function lenet(sparsity) {
  const model = new Sequential(new Linear(784, 300), new ReLU(), new Linear(300, 100), new ReLU(), new Linear(100, 10));
  for (const at of [0, 2, 4]) prune.l1Unstructured(model.at(at), 'weight', sparsity);
  return model;
}

/** A copy that `sparsify` has gone over. @param {Sequential} model @param {import('../dist/index.js').Tensor} x */
function sparsified(model, x) {
  const copy = cloneModule(model);
  copyMasks(model, copy);
  const { layers } = sparsify(copy, { exampleInputs: x });
  return { copy, layers };
}

/** The whole network's inference, dense and sparse. @param {string} arithmetic */
function networks(arithmetic) {
  row(`${arithmetic}: LeNet-300-100, forward`, ['dense ms', 'sparse ms', 'times', 'layers']);
  for (const batch of [1, 8, 64, 256]) {
    for (const sparsity of [0.8, 0.9, 0.95, 0.98]) {
      const model = lenet(sparsity);
      const x = randn([batch, 784]);
      const { copy, layers } = sparsified(model, x);
      check('the sparse network', copy.forward(x), model.forward(x));
      const [dense = 0, fast = 0] = race([run(() => model.forward(x)), run(() => copy.forward(x))]);
      const figures = [dense.toFixed(4), fast.toFixed(4), (dense / fast).toFixed(2)];
      const formats = layers.map(({ format, gain }) => `${format} ${gain?.toFixed(1)}`).join(', ');
      row(`  batch ${batch}, ${100 * sparsity} %`, [...figures, `  ${formats}`]);
      model.dispose();
      copy.dispose();
    }
  }
}

/** @type {readonly [name: string, batch: number, channels: number, size: number, filters: number, kernel: number, options: object][]} */
const CONVOLUTIONS = [
  ['3×3 64→64 on 56²', 1, 64, 56, 64, 3, { padding: 1 }],
  ['3×3 64→64 on 28²', 8, 64, 28, 64, 3, { padding: 1 }],
  ['3×3 16→16 on 32²', 16, 16, 32, 16, 3, { padding: 1 }],
  ['3×3 64→64 on 8²', 64, 64, 8, 64, 3, { padding: 1 }],
  ['3×3 32→64 on 32², stride 2', 16, 32, 32, 64, 3, { padding: 1, stride: 2 }],
  ['5×5 1→20 on 28²', 64, 1, 28, 20, 5, {}],
  ['5×5 20→50 on 12²', 64, 20, 12, 50, 5, {}],
  ['1×1 256→256 on 14²', 1, 256, 14, 256, 1, {}],
  ['1×1 256→256 on 14²', 16, 256, 14, 256, 1, {}],
];

/** @param {string} arithmetic */
function convolutions(arithmetic) {
  const sparsities = [0.5, 0.7, 0.8, 0.9, 0.95];
  row(
    `${arithmetic}: convolution`,
    sparsities.map((sparsity) => `${100 * sparsity} %`),
  );
  for (const [name, batch, channels, size, filters, kernel, options] of CONVOLUTIONS) {
    const x = randn([batch, channels, size, size]);
    const cells = sparsities.map((sparsity) => {
      const model = new Sequential(new Conv2d(channels, filters, kernel, options));
      prune.randomUnstructured(model.at(0), 'weight', sparsity);
      const copy = cloneModule(model);
      copyMasks(model, copy);
      sparsify(copy, { exampleInputs: x, measure: false, minimumGain: 0 });
      check(name, copy.forward(x), model.forward(x));
      const [dense = 0, fast = 0] = race([run(() => model.forward(x)), run(() => copy.forward(x))], {
        rounds: 7,
        budget: 5,
      });
      model.dispose();
      copy.dispose();
      return (dense / fast).toFixed(2);
    });
    row(`  ${name}, batch ${batch}`, cells);
  }
}

/** A step of training LeNet-300-100: forward, backward, SGD with momentum. @param {string} arithmetic */
function training(arithmetic) {
  row(`${arithmetic}: LeNet-300-100, a step`, ['dense ms', 'sparse ms', 'times']);
  for (const batch of [64, 256]) {
    for (const sparsity of [0.9, 0.95, 0.98]) {
      const model = lenet(sparsity);
      const x = randn([batch, 784]);
      const labels = randint(0, 10, [batch]);
      const { copy } = sparsified(model, x);
      const steps = [model, copy].map((net) => {
        const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9 });
        return () => {
          optimizer.zeroGrad();
          const loss = crossEntropy(net.forward(x), labels);
          loss.backward();
          optimizer.step();
          return loss;
        };
      });
      const [one = 0, other = 0] = steps.map((step) => scope(() => step().item()));
      if (!(Math.abs(one - other) < 1e-4)) throw new Error(`losses differ: ${one} and ${other}`);
      const [dense = 0, fast = 0] = race(steps.map(run), { rounds: 9, budget: 20 });
      row(`  batch ${batch}, ${100 * sparsity} %`, [dense.toFixed(3), fast.toFixed(3), (dense / fast).toFixed(2)]);
      model.dispose();
      copy.dispose();
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
  if (only === undefined || only === 'lenet') noGrad(() => networks(arithmetic));
  if (only === undefined || only === 'conv') noGrad(() => convolutions(arithmetic));
  if (only === undefined || only === 'training') training(arithmetic);
}
