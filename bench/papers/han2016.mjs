/**
 * Han, Mao and Dally 2016, "Deep compression: compressing deep neural networks with pruning, trained quantization and Huffman
 * coding", Table 1: pruning, codebooks whose centroids are trained, and Huffman's code. What is measured is the whole file that
 * `pack` makes, with names, structure and checksum; the errors are those of the model that `unpack` builds of it.
 */
import { manualSeed } from 'fettle';
import { cluster, cubic, Pruner, pack, packReport, prune, unpack } from 'fettle/compress';
import { SGD } from 'fettle/optim';
import { lenet5, lenet300 } from './nets.mjs';
import { constant, countErrors, train } from './training.mjs';

export const title = 'Han et al. 2016, Deep Compression';
export const minutes = 14;

/** A KB of the paper: LeNet-300-100 with 266,610 parameters of four bytes has 1,066 of them, the paper says 1,070. */
const KB = 1000;

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {() => import('fettle/nn').Sequential} make
 * @property {number} share   Of the minutes.
 * @property {number} sparsity   Of all weights in the end.
 * @property {import('fettle/compress').Bits} bits
 * @property {{ dense: number, prune: number, settle: number, cluster: number }} epochs   At most.
 * @property {{ kilobytes: number, times: number, reference: string, errors: string }} paper
 */

/** @type {Case[]} */
const CASES = [
  {
    name: 'LeNet-300-100',
    make: lenet300,
    share: 0.3,
    sparsity: 0.925,
    bits: { fc1: 5, fc2: 5, fc3: 6 },
    epochs: { dense: 30, prune: 24, settle: 24, cluster: 8 },
    paper: { kilobytes: 27, times: 40, reference: '164', errors: '158' },
  },
  {
    name: 'LeNet-5',
    make: lenet5,
    share: 0.7,
    sparsity: 0.94,
    bits: { conv1: 6, conv2: 5, fc1: 4, fc2: 5 },
    epochs: { dense: 16, prune: 10, settle: 14, cluster: 5 },
    paper: { kilobytes: 44, times: 39, reference: '80', errors: '74' },
  },
];

/** Pruning steps between which the rest is trained. */
const STEPS = 8;

/** @param {number} lr */
const sgd = (lr) => (/** @type {import('fettle/nn').Parameter[]} */ all) =>
  new SGD(all, { lr, momentum: 0.9, nesterov: true, weightDecay: 1e-4 });

/**
 * @param {Case} one
 * @param {import('./run.mjs').Task} task
 */
function compress({ name, make, share, sparsity, bits, epochs, paper }, { seed, data, minutes, log }) {
  manualSeed(seed);
  const model = make();
  const total = epochs.dense + epochs.prune + epochs.settle + epochs.cluster;
  let stage = 0;
  /**
   * Every stage has an order of its own.
   *
   * @param {number} most
   * @param {Partial<import('./training.mjs').TrainOptions>} options
   */
  const trained = (most, options) =>
    train(model, {
      data: data.train,
      epochs: most,
      minutes: (minutes * share * most) / total,
      seed: 1000 * stage++ + seed,
      ...options,
    });

  const done = trained(epochs.dense, { optimizer: sgd(0.05) });
  const reference = countErrors(model, data.test);
  log(`${name}: ${done.toFixed(1)} epochs, ${reference} errors`);

  const pruner = new Pruner(model, { target: { sparsity }, scope: 'global', schedule: cubic(STEPS) });
  while (!pruner.finished) {
    pruner.step();
    trained(epochs.prune / STEPS, { schedule: constant, optimizer: sgd(0.03) });
  }
  trained(epochs.settle, { optimizer: sgd(0.05) });
  const { weights, zeros } = prune.sparsity(model);
  log(`${name}: ${weights - zeros} of ${weights} weights, ${countErrors(model, data.test)} errors`);

  const { error } = cluster(model, { bits });
  log(`${name}: codebooks, off by ${(100 * error).toFixed(1)} %, ${countErrors(model, data.test)} errors`);
  trained(epochs.cluster, { optimizer: sgd(0.02) });

  const bytes = pack(model, { floats: 'float16' });
  const report = packReport(bytes);
  const { model: copy } = unpack(bytes);
  const errors = countErrors(/** @type {import('./training.mjs').Model} */ (copy), data.test);
  log(`${name}: ${bytes.length} bytes, ${report.overhead} of them overhead, ${errors} errors`);
  for (const { name: tensor, bytes: size, bitsPerWeight, kept, method } of report.tensors) {
    if (kept > 100) log(`  ${tensor}: ${size} bytes, ${bitsPerWeight.toFixed(2)} bits each, ${kept} kept; ${method}`);
  }
  model.dispose();
  copy.dispose();
  return [
    { case: `${name}: errors of the reference`, paper: paper.reference, value: reference },
    { case: `${name}: weights left`, paper: '8 %', value: (100 * (weights - zeros)) / weights, unit: '%', digits: 1 },
    {
      case: `${name}: the packed file`,
      paper: `${paper.kilobytes} KB`,
      value: bytes.length / KB,
      unit: 'KB',
      digits: 1,
      atMost: paper.kilobytes,
    },
    {
      case: `${name}: smaller by`,
      paper: `${paper.times} ×`,
      value: report.denseBytes / bytes.length,
      unit: '×',
      digits: 1,
      atLeast: paper.times,
    },
    { case: `${name}: errors of the packed file`, paper: paper.errors, value: errors },
    { case: `${name}: errors more than the reference`, paper: '−6', value: errors - reference, atMost: 0 },
  ];
}

/** @param {import('./run.mjs').Task} task */
export function run(task) {
  return CASES.flatMap((one) => compress(one, task));
}
