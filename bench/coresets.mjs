/**
 * How much accuracy a fraction of the training part keeps: random samples, herding, k-center and EL2N, over seeds; and what
 * class-balanced sampling does for rare classes. Features for herding and k-center are those of a network trained on everything
 * for a few epochs, its last hidden layer; EL2N averages the scores of three networks after a few epochs. Choosing thus costs more
 * than it saves in one training: it pays where the same samples are trained on many times.
 *
 *   node bench/coresets.mjs [folder with MNIST, whose first 10,000 samples are used]
 */
import {
  balancedWeights,
  byScore,
  DataLoader,
  Digits,
  el2nScores,
  herding,
  kCenter,
  MNIST,
  Subset,
  stratifiedSplit,
  TensorDataset,
  WeightedRandomSampler,
} from '../dist/data/index.js';
import { crossEntropy, Generator, manualSeed, noGrad, scope } from '../dist/index.js';
import { Flatten, Linear, ReLU, Sequential } from '../dist/nn/index.js';
import { Adam } from '../dist/optim/index.js';

/** @typedef {import('../dist/index.js').Tensor} Tensor */
/** @typedef {TensorDataset<readonly [Tensor, Tensor]>} Pairs */

const SEEDS = [0, 1, 2];
const STEPS = 600;

/** @param {number} inputs @param {number} seed */
function network(inputs, seed) {
  manualSeed(seed);
  const body = new Sequential(new Flatten(), new Linear(inputs, 64), new ReLU(), new Linear(64, 32), new ReLU());
  return { body, head: new Linear(32, 10) };
}

/**
 * As many steps whatever the number of samples, so that all choices get the same work.
 *
 * @param {Pairs} dataset @param {ArrayLike<number>} indices @param {number} seed
 * @param {{ steps?: number, sampler?: import('../dist/data/index.js').Sampler }} [options]
 */
async function train(dataset, indices, seed, { steps = STEPS, sampler } = {}) {
  const [x] = dataset.tensors;
  const { body, head } = network(x.numel() / dataset.length, seed);
  const optimizer = new Adam([...body.parameters(), ...head.parameters()], { lr: 2e-3 });
  const part = new Subset(dataset, indices);
  const order = sampler === undefined ? { shuffle: true } : { sampler };
  const loader = new DataLoader(part, { batchSize: 32, seed, ...order });
  for (let step = 0; step < steps; ) {
    for await (const [input, label] of loader) {
      if (step++ >= steps) break;
      optimizer.zeroGrad();
      crossEntropy(head.forward(body.forward(input)), label).backward();
      optimizer.step();
    }
  }
  optimizer.dispose();
  return { body, head };
}

/** @param {{ body: Sequential, head: Linear }} net @param {Tensor} x */
const logitsOf = ({ body, head }, x) => noGrad(() => head.forward(body.forward(x)));

/** @param {{ body: Sequential, head: Linear }} net @param {Pairs} test */
function recalls(net, test) {
  return scope(() => {
    const [x, y] = test.tensors;
    const guess = logitsOf(net, x).argmax(1).dataSync();
    const right = new Float64Array(10);
    const count = new Float64Array(10);
    y.dataSync().forEach((label, i) => {
      count[label] = /** @type {number} */ (count[label]) + 1;
      if (guess[i] === label) right[label] = /** @type {number} */ (right[label]) + 1;
    });
    return { right, count };
  });
}

const sum = (/** @type {ArrayLike<number>} */ values) => Array.from(values).reduce((a, b) => a + b, 0);

/** @param {{ body: Sequential, head: Linear }} net @param {Pairs} test */
function accuracy(net, test) {
  const { right, count } = recalls(net, test);
  net.body.dispose();
  net.head.dispose();
  return sum(right) / sum(count);
}

const show = (/** @type {number[]} */ values) => {
  const mean = sum(values) / values.length;
  const spread = Math.sqrt(sum(values.map((v) => (v - mean) ** 2)) / (values.length - 1));
  return `${(100 * mean).toFixed(1)} ± ${(100 * spread).toFixed(1)}`;
};

/** @param {string} name @param {Pairs} training @param {Pairs} test */
async function compare(name, training, test) {
  const n = training.length;
  const everything = Int32Array.from({ length: n }, (_, i) => i);
  const [x, y] = training.tensors;
  const labels = y.dataSync();
  const guide = await train(training, everything, 100, { steps: 300 });
  const features = scope(() => noGrad(() => guide.body.forward(x)).keep());
  const scores = new Float32Array(n);
  for (const seed of [101, 102, 103]) {
    const early = await train(training, everything, seed, { steps: 150 });
    scope(() => el2nScores(logitsOf(early, x), labels)).forEach((score, i) => {
      scores[i] = /** @type {number} */ (scores[i]) + score / 3;
    });
    accuracy(early, test);
  }
  accuracy(guide, test);
  const shares = [0.02, 0.1, 0.3];
  /** @type {[string, (size: number, seed: number) => Int32Array][]} */
  const methods = [
    ['random, by class', (size, seed) => stratifiedSplit(labels, [size / n], seed)[0]],
    ['herding', (size) => herding(features, size, { labels })],
    ['k-center', (size, seed) => kCenter(features, size, { labels, generator: new Generator(seed) })],
    ['EL2N, hardest', (size) => byScore(scores, size, { labels })],
    ['EL2N, easiest', (size) => byScore(scores, size, { labels, keep: 'easiest' })],
  ];
  console.log(
    `\n${name}: ${n} samples to train on, ${test.length} to test on, accuracy in % over ${SEEDS.length} seeds\n`,
  );
  console.log(
    `| | ${shares.map((share) => `${100 * share} %`).join(' | ')} | 100 % |\n|---|${'---|'.repeat(shares.length + 1)}`,
  );
  const whole = [];
  for (const seed of SEEDS) whole.push(accuracy(await train(training, everything, seed), test));
  for (const [method, choose] of methods) {
    const cells = [];
    for (const share of shares) {
      const size = Math.round(share * n);
      const found = [];
      for (const seed of SEEDS) found.push(accuracy(await train(training, choose(size, seed), seed), test));
      cells.push(show(found));
    }
    console.log(`| ${method} | ${cells.join(' | ')} | ${show(whole)} |`);
  }
  features.dispose();
}

/** Five classes are thinned out to a thirtieth. @param {string} name @param {Pairs} training @param {Pairs} test */
async function rare(name, training, test) {
  const labels = training.tensors[1].dataSync();
  const seen = new Int32Array(10);
  const kept = Array.from(labels.keys()).filter((i) => {
    const label = /** @type {number} */ (labels[i]);
    seen[label] = /** @type {number} */ (seen[label]) + 1;
    return label < 5 || /** @type {number} */ (seen[label]) % 30 === 0;
  });
  const own = Int32Array.from(kept, (i) => /** @type {number} */ (labels[i]));
  console.log(
    `\n${name}, classes 5 … 9 thinned out to a thirtieth: recall in %\n\n| | classes 0 … 4 | classes 5 … 9 |\n|---|---|---|`,
  );
  for (const balanced of [false, true]) {
    /** @type {number[][]} */
    const found = [[], []];
    for (const seed of SEEDS) {
      const sampler = new WeightedRandomSampler(balancedWeights(own), own.length);
      const net = await train(training, kept, seed, balanced ? { sampler } : {});
      const { right, count } = recalls(net, test);
      [0, 5].forEach((from, k) =>
        found[k]?.push(sum(right.subarray(from, from + 5)) / sum(count.subarray(from, from + 5))),
      );
      accuracy(net, test);
    }
    console.log(`| ${balanced ? 'balanced' : 'as they come'} | ${found.map(show).join(' | ')} |`);
  }
}

/** @param {import('../dist/data/index.js').ImageDataset} images @param {ArrayLike<number>} indices @returns {Pairs} */
function held(images, indices) {
  const [x, y] = images.getBatch(Int32Array.from(indices));
  return new TensorDataset(x.keep(), y.keep());
}

const digits = new Digits();
const [first, second] = stratifiedSplit(digits.labels, [0.7, 0.3], 0);
/** @type {[string, Pairs, Pairs][]} */
const sets = [['digits', held(digits, first), held(digits, second)]];
const folder = process.argv[2];
if (folder !== undefined) {
  const [all, test] = [await MNIST.load(folder), await MNIST.load(folder, { train: false })];
  const range = (/** @type {number} */ length) => Int32Array.from({ length }, (_, i) => i);
  sets.push(['MNIST', held(all, range(10_000)), held(test, range(10_000))]);
}
for (const [name, training, test] of sets) {
  await compare(name, training, test);
  await rare(name, training, test);
}
