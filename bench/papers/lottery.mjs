/**
 * J. Frankle, M. Carbin 2019, "The lottery ticket hypothesis: finding sparse, trainable neural networks", figure 3: of
 * LeNet-300-100, 21 % of the weights, back at the values they began with, learn better than the whole network; with other first
 * values they do not.
 */
import { manualSeed } from 'fettle';
import { copyMasks, iterative, Pruner, snapshot, sparsity } from 'fettle/compress';
import { Adam } from 'fettle/optim';
import { lenet300 } from './nets.mjs';
import { constant, countErrors, train } from './training.mjs';

export const title = 'Lottery ticket (Frankle and Carbin 2019): LeNet-300-100 at 21 % of its weights';
export const minutes = 12;

/** Every round takes a fifth of what is left of each layer, as the paper does: 0.8⁷ = 21 %. */
const ROUNDS = 7;
const EPOCHS = 10;

/** The paper's optimizer, its rate and its batch. @type {(parameters: import('fettle/nn').Parameter[]) => Adam} */
const optimizer = (parameters) => new Adam(parameters, { lr: 1.2e-3 });

/** @param {import('./run.mjs').Task} task */
export function run({ seed, data, minutes: all, log }) {
  manualSeed(seed);
  const model = lenet300();
  const rewind = snapshot(model);
  /** @param {typeof model} net */
  const learn = (net) => {
    const minutes = all / (ROUNDS + 2);
    train(net, { data: data.train, epochs: EPOCHS, minutes, batch: 60, seed, optimizer, schedule: constant });
    return countErrors(net, data.test);
  };
  const dense = learn(model);
  log(`dense: ${dense} errors`);
  const pruner = new Pruner(model, {
    ...{ target: { sparsity: 1 - 0.8 ** ROUNDS }, schedule: iterative(ROUNDS), scope: 'layer' },
  });
  let ticket = NaN;
  while (!pruner.finished) {
    const removed = pruner.step();
    rewind.restore(model);
    ticket = learn(model);
    log(`${((1 - removed) * 100).toFixed(1)} % left: ${ticket} errors`);
  }
  const left = 1 - sparsity(model).sparsity;
  manualSeed(seed + 1000);
  const other = lenet300();
  copyMasks(model, other);
  const reinitialized = learn(other);
  log(`begun anew: ${reinitialized} errors`);
  rewind.dispose();
  model.dispose();
  other.dispose();
  const percent = data.test.length / 100;
  return [
    { case: 'weights left', paper: '21.1 %', value: left * 100, unit: '%', digits: 1, atMost: 21.2 },
    { case: 'error of the dense network', paper: '≈ 2 %', value: dense / percent, unit: '%', digits: 2 },
    { case: 'error of the winning ticket', paper: 'lower', value: ticket / percent, unit: '%', digits: 2 },
    {
      ...{ case: 'error of the ticket less that of the dense network', paper: 'below 0' },
      ...{ value: (ticket - dense) / percent, unit: '%', digits: 2, atMost: -0.01 },
    },
    {
      case: 'error of the same weights, begun anew',
      paper: 'higher',
      value: reinitialized / percent,
      unit: '%',
      digits: 2,
    },
  ];
}
