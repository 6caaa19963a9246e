/**
 * N. Lee, T. Ajanthan, P. Torr 2019, "SNIP: single-shot network pruning based on connection sensitivity": 95 of 100 weights are
 * removed before training, by one look at gradients. What is left is trained by itself: sparse layers compute with the kept weights
 * alone, and the time that saves is spent on more epochs. Images are moved by up to a pixel, which the paper does not do.
 */
import { crossEntropy, Generator, manualSeed, tensor } from 'fettle';
import { Pruner, sparsify, sparsity } from 'fettle/compress';
import { init, Linear } from 'fettle/nn';
import { SGD } from 'fettle/optim';
import { PIXELS } from './data.mjs';
import { lenet300 } from './nets.mjs';
import { countErrors, train } from './training.mjs';

export const title = 'SNIP (Lee et al. 2019): LeNet-300-100 pruned before training';
export const minutes = 7;

/** Images whose gradients tell what a weight is worth; the paper takes 100, and more of them make less noise. */
const SEEN = 5000;
/** Of the dense network, and of the sparse one. */
const EPOCHS = [30, 70];

/** As the paper's, with less decay: what is left has little to lose. @type {(parameters: import('fettle/nn').Parameter[]) => SGD} */
const optimizer = (parameters) => new SGD(parameters, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-4 });

/**
 * The network with first values as the paper draws them, whose variance follows the size of a layer: PyTorch's are half as wide,
 * and what is left of a layer would hardly pass anything on.
 */
function begin() {
  const model = lenet300();
  for (const layer of model.modules()) {
    if (!(layer instanceof Linear)) continue;
    init.xavierNormal_(layer.weight);
    if (layer.bias !== null) init.zeros_(layer.bias);
  }
  return model;
}

/** @param {import('./run.mjs').Task} task */
export function run({ seed, data, minutes: all, log }) {
  const errors = [0, 0.95].map((share, i) => {
    manualSeed(seed);
    const model = begin();
    if (share > 0) {
      const chosen = new Generator(seed).fork('snip').permutation(data.train.length).subarray(0, SEEN);
      const pixels = Float32Array.from({ length: SEEN * PIXELS }, (_, i) => {
        const image = /** @type {number} */ (chosen[Math.floor(i / PIXELS)]);
        return /** @type {number} */ (data.train.images[image * PIXELS + (i % PIXELS)]) / 255;
      });
      const x = tensor(pixels, [SEEN, 1, 28, 28]);
      const y = tensor(
        Int32Array.from(chosen, (i) => Number(data.train.labels[i])),
        [SEEN],
        { dtype: 'int32' },
      );
      new Pruner(model, {
        ...{ importance: 'snip', target: { sparsity: share }, batches: [[x, y]] },
        loss: (net, batch) => crossEntropy(net.forward(batch[0]), batch[1]),
      }).step();
      x.dispose();
      y.dispose();
      log(
        sparsity(model)
          .layers.map(({ name, weights, zeros }) => `${name} ${weights - zeros} of ${weights}`)
          .join(', '),
      );
    }
    if (share > 0) sparsify(model, { measure: false });
    const epochs = /** @type {number} */ (EPOCHS[i]);
    train(model, { data: data.train, epochs, minutes: all / 2, seed, optimizer, shift: 1 });
    const wrong = countErrors(model, data.test);
    log(`${share * 100} % removed: ${wrong} errors`);
    model.dispose();
    return (wrong / data.test.length) * 100;
  });
  const [dense = NaN, sparse = NaN] = errors;
  return [
    { case: 'error of the dense network', paper: '1.7 %', value: dense, unit: '%', digits: 2 },
    { case: 'error at 95 % sparsity', paper: '1.6 %', value: sparse, unit: '%', digits: 2, atMost: 2 },
  ];
}
