/**
 * A logistic regression on LIBSVM text at a million features: 20,000 samples of 50 entries, 4,000 of them to test on. Nothing
 * is made dense. Prints the time of reading and of an epoch, what the process holds, and the accuracy on the test part;
 * sparsetext.py says what scikit-learn's LogisticRegression reaches on the same file.
 *
 *   node bench/sparsetext.mjs [file to write]
 */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataLoader, SparseDataset, Subset } from '../dist/data/index.js';
import { bceWithLogits, noGrad, scope } from '../dist/index.js';
import { SparseInputLinear } from '../dist/nn/index.js';
import { Adagrad, Adam, SGD } from '../dist/optim/index.js';

const [FEATURES, SAMPLES, ENTRIES, TEST] = [1_000_000, 20_000, 50, 4_000];

let state = 2463534242;
function uniform() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

/** Words as in text, a few of them frequent and most of them rare; the frequent ones speak for one class or the other. */
async function write(/** @type {string} */ path) {
  const out = createWriteStream(path);
  for (let i = 0; i < SAMPLES; i++) {
    const words = new Set();
    while (words.size < ENTRIES) words.add(Math.floor(FEATURES * uniform() ** 6));
    const sorted = [...words].sort((a, b) => a - b);
    const known = sorted.filter((word) => word < 5000);
    const score = known.reduce((sum, word) => sum + (Math.imul(word, 2654435761) >>> 0) / 2 ** 32 - 0.5, 0);
    const label = score + 2 * (uniform() - 0.5) > 0 ? 1 : -1;
    out.write(`${label} ${sorted.map((word) => `${word + 1}:1`).join(' ')}\n`);
  }
  await new Promise((done) => out.end(() => done(undefined)));
}

const mebibytes = () => `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`;
const seconds = (/** @type {number} */ since) => `${((performance.now() - since) / 1000).toFixed(2)} s`;

const path = process.argv[2] ?? join(tmpdir(), `fettle-text-${process.pid}.svm`);
await write(path);
console.log(`before: ${mebibytes()}`);
let since = performance.now();
const data = await SparseDataset.load(path, { features: FEATURES });
console.log(`read ${data.length} samples of ${data.features} features in ${seconds(since)}, ${mebibytes()}`);
if (process.argv[2] === undefined) await rm(path);
const part = (/** @type {number} */ from, /** @type {number} */ to) =>
  new Subset(
    data,
    Array.from({ length: to - from }, (_, i) => from + i),
  );
const train = part(0, SAMPLES - TEST);
const test = part(SAMPLES - TEST, SAMPLES);

async function accuracy(/** @type {SparseInputLinear} */ model) {
  let right = 0;
  for await (const [x, y] of new DataLoader(test, { batchSize: 1000 })) {
    const guess = noGrad(() => model.forward(x).reshape(-1).gt(0));
    right += guess.eq(y.to('bool')).sum().item();
  }
  return right / test.length;
}

/** @type {[string, (p: Iterable<import('../dist/index.js').Tensor>) => import('../dist/optim/index.js').Optimizer, boolean][]} */
const runs = [
  ['Adagrad, by rows', (p) => new Adagrad(p, { lr: 0.1 }), false],
  ['Adagrad, whole', (p) => new Adagrad(p, { lr: 0.1 }), true],
  ['SGD, by rows', (p) => new SGD(p, { lr: 8 }), false],
  ['Adam, whole', (p) => new Adam(p, { lr: 0.002 }), true],
];
for (const [name, make, whole] of runs) {
  const model = new SparseInputLinear(FEATURES, 1, { bias: false });
  scope(() => void noGrad(() => model.weight.mul_(0)));
  const optimizer = make(model.parameters());
  const loader = new DataLoader(train, { batchSize: 256, shuffle: true, seed: 0 });
  const epochs = whole ? 2 : 12;
  since = performance.now();
  let peak = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for await (const [x, y] of loader) {
      optimizer.zeroGrad();
      bceWithLogits(model.forward(x).reshape(-1), y.to('float32')).backward();
      // Reading the gradient makes it whole.
      if (whole) void model.weight.grad;
      optimizer.step();
    }
    peak = Math.max(peak, process.memoryUsage().rss);
  }
  const each = (performance.now() - since) / epochs / loader.length;
  console.log(
    `${name}: ${each.toFixed(2)} ms a step of 256 samples, ${(peak / 2 ** 20).toFixed(0)} MiB, ` +
      `accuracy ${(await accuracy(model)).toFixed(4)} after ${epochs} epochs`,
  );
  optimizer.dispose();
  model.dispose();
}
