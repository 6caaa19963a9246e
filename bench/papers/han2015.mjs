/**
 * S. Han, J. Pool, J. Tran, W. Dally 2015, "Learning both weights and connections for efficient neural networks", table 1:
 * prune the smallest weights of all layers in rounds, and train what is left again.
 */
import { manualSeed } from 'fettle';
import { iterative, Pruner, sparsity } from 'fettle/compress';
import { SGD } from 'fettle/optim';
import { lenet5, lenet300 } from './nets.mjs';
import { countErrors, train } from './training.mjs';

export const title = 'Han et al. 2015, table 1: pruning without loss of accuracy';
export const minutes = 20;

/**
 * The paper's networks: by how many pixels the images move in training, how many parameters the paper left, and its test errors
 * in percent before and after; the share of the time, and the epochs that each part of ours takes. The reference gets more of
 * them than the last training, and the same images.
 *
 * Images that move, which the paper does not have, lower the error of LeNet-5 with and without all of its parameters.
 */
const NETS = [
  {
    name: 'LeNet-300-100',
    make: lenet300,
    shift: 0,
    left: 22_000,
    before: 1.64,
    after: 1.59,
    share: 0.25,
    epochs: 30,
    rounds: 5,
    again: 6,
    last: 24,
  },
  {
    name: 'LeNet-5',
    make: lenet5,
    shift: 2,
    left: 36_000,
    before: 0.8,
    after: 0.77,
    share: 0.75,
    epochs: 10,
    rounds: 4,
    again: 2,
    last: 9,
  },
];

/** @type {(parameters: import('fettle/nn').Parameter[]) => SGD} */
const optimizer = (parameters) => new SGD(parameters, { lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 1e-4 });

/** @param {import('./run.mjs').Task} task */
export function run({ seed, data, minutes: all, log }) {
  return NETS.flatMap(({ name, make, shift, left, before, after, share, epochs, rounds, again, last }) => {
    manualSeed(seed);
    const model = make();
    const total = model.parameters().reduce((n, p) => n + p.numel(), 0);
    const parts = epochs + (rounds - 1) * again + last;
    /** @param {number} part */
    const timeFor = (part) => (all * share * part) / parts;
    train(model, { data: data.train, shift, epochs, minutes: timeFor(epochs), seed, optimizer });
    const reference = countErrors(model, data.test);
    log(`${name}: ${total} parameters, ${reference} errors`);
    const pruner = new Pruner(model, { target: { parameters: left }, schedule: iterative(rounds) });
    let errors = NaN;
    for (let round = 1; !pruner.finished; round++) {
      pruner.step();
      const part = pruner.finished ? last : again;
      const limits = { epochs: part, minutes: timeFor(part) };
      train(model, { data: data.train, shift, ...limits, seed: seed + 1000 * round, optimizer });
      errors = countErrors(model, data.test);
      log(`${name}: ${total - sparsity(model).zeros} left, ${errors} errors`);
    }
    const kept = total - sparsity(model).zeros;
    model.dispose();
    const percent = data.test.length / 100;
    return [
      {
        case: `${name}: parameters left of ${total.toLocaleString('en')}`,
        paper: left.toLocaleString('en'),
        value: kept,
        atMost: left,
      },
      {
        case: `${name}: error of the reference`,
        paper: `${before} %`,
        value: reference / percent,
        unit: '%',
        digits: 2,
      },
      { case: `${name}: error once pruned`, paper: `${after} %`, value: errors / percent, unit: '%', digits: 2 },
      {
        ...{ case: `${name}: error once pruned less that of the reference`, paper: `${(after - before).toFixed(2)} %` },
        ...{ value: (errors - reference) / percent, unit: '%', digits: 2, atMost: 0 },
      },
    ];
  });
}
