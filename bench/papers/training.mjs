/** One training loop for all papers, on captured steps, and what is asked of a trained model. */
import { capture, crossEntropy, Generator, noGrad, scope, tensor } from 'fettle';
import { SGD } from 'fettle/optim';
import { PIXELS, place } from './data.mjs';

/**
 * @typedef {import('fettle').Tensor} Tensor
 * @typedef {import('fettle/nn').Module & { forward(x: Tensor): Tensor }} Model
 * @typedef {import('fettle/nn').Parameter} Parameter
 * @typedef {import('./data.mjs').Images} Images
 */

/** Images of a batch that is only asked. */
const ASKED = 500;

/**
 * How the learning rate goes: a factor for how much of the training is done, 0 … 1.
 *
 * @typedef {(done: number) => number} Schedule
 */

/** Up over the first 5 %, then down along a cosine to nothing. @type {Schedule} */
export const cosine = (done) => Math.min(1, (done + 0.005) / 0.05) * 0.5 * (1 + Math.cos(Math.PI * Math.min(done, 1)));

/** @type {Schedule} */
export const constant = () => 1;

/** Minutes that this process has kept processors busy. */
function processorMinutes() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 60e6;
}

/**
 * @typedef {object} TrainOptions
 * @property {Images} data
 * @property {number} epochs
 * @property {number} [minutes]   Of processor time, so that a busy machine changes nothing. Ends training earlier; the schedule
 *   then comes to its end as well. Default: no limit.
 * @property {number} [batch]   Default 100. What is left over after full batches waits for the next epoch's order.
 * @property {number} [seed]   Of the order and of the shifts. Default 0.
 * @property {(parameters: Parameter[]) => import('fettle/optim').Optimizer} [optimizer]
 *   Default SGD with learning rate 0.05 and Nesterov momentum 0.9.
 * @property {Schedule} [schedule]   Default `cosine`.
 * @property {number} [shift]   Moves each image by up to so many pixels either way. Default 0.
 * @property {(x: Tensor, y: Tensor, extra: Tensor[]) => Tensor} [loss]
 *   Of a batch: x [N, 1, 28, 28] of brightness 0 … 1, y [N]. It is captured. Default: cross entropy of the model's output.
 * @property {readonly { values: Float32Array, width: number }[]} [extra]
 *   Rows that go with the images, such as what a teacher says of each; a batch of each goes to `loss`.
 * @property {Parameter[]} [parameters]   What to train. Default: all of the model.
 * @property {(step: number) => void} [onStep]   Called after each step, from 1. What it makes is freed.
 * @property {(epoch: number, loss: number) => void} [onEpoch]   Called after each epoch, from 1, with its last loss.
 */

/**
 * Trains a model and gives the number of epochs that were done, which is a fraction where time ran out.
 *
 * @param {Model} model
 * @param {TrainOptions} options
 */
export function train(model, options) {
  const { data, epochs, minutes = Infinity, batch = 100, seed = 0, schedule = cosine, shift = 0 } = options;
  const { extra = [], parameters = model.parameters(), onStep, onEpoch } = options;
  const { loss: lossOf = (x, y) => crossEntropy(model.forward(x), y) } = options;
  const { optimizer: make = (all) => new SGD(all, { lr: 0.05, momentum: 0.9, nesterov: true }) } = options;
  const optimizer = make(parameters);
  const rates = optimizer.paramGroups.map(({ lr }) => lr);
  const random = new Generator(seed).fork('batches');
  const steps = Math.floor(data.length / batch);
  const started = processorMinutes();
  /** @param {number} step */
  const doneBy = (step) => Math.max(step / (steps * epochs), (processorMinutes() - started) / minutes);

  const step = capture((/** @type {Tensor} */ pixels, /** @type {Tensor} */ y, /** @type {Tensor[]} */ ...rest) => {
    optimizer.zeroGrad();
    const loss = lossOf(pixels.float().div(255), y, rest);
    loss.backward();
    optimizer.step();
    return loss;
  });
  model.train();
  let at = 0;
  // Asked once a step: time goes on between two looks at the clock, and every epoch ends with a loss that was read.
  let over = false;
  for (let epoch = 1; epoch <= epochs && !over; epoch++) {
    const order = random.permutation(data.length);
    let last = NaN;
    for (let i = 0; i < steps && !over; i++, at++) {
      const factor = schedule(doneBy(at));
      optimizer.paramGroups.forEach((group, g) => {
        group.lr = /** @type {number} */ (rates[g]) * factor;
      });
      scope(() => {
        const chosen = order.subarray(i * batch, (i + 1) * batch);
        const loss = step(...batchOf(data, chosen, shift, random), ...extra.map((rows) => rowsOf(rows, chosen)));
        onStep?.(at + 1);
        over = doneBy(at + 1) >= 1;
        if (i === steps - 1 || over) last = loss.item();
      });
    }
    if (Number.isNaN(last)) throw new Error(`the loss became ${last} in epoch ${epoch}`);
    onEpoch?.(epoch, last);
  }
  step.dispose();
  optimizer.zeroGrad();
  optimizer.dispose();
  return at / steps;
}

/**
 * Pixels and classes of the chosen images, each moved by its own shift.
 *
 * @param {Images} data
 * @param {Int32Array} chosen
 * @param {number} shift
 * @param {Generator} random
 * @returns {[Tensor, Tensor]}
 */
function batchOf(data, chosen, shift, random) {
  const pixels = new Uint8Array(chosen.length * PIXELS);
  const offset = () => (shift === 0 ? 0 : random.below(2 * shift + 1) - shift);
  chosen.forEach((from, to) => place(data.images, from, pixels, to, offset(), offset()));
  const labels = Int32Array.from(chosen, (i) => Number(data.labels[i]));
  return [
    tensor(pixels, [chosen.length, 1, 28, 28], { dtype: 'uint8' }),
    tensor(labels, [chosen.length], { dtype: 'int32' }),
  ];
}

/**
 * @param {{ values: Float32Array, width: number }} rows
 * @param {Int32Array} chosen
 */
function rowsOf({ values, width }, chosen) {
  const taken = new Float32Array(chosen.length * width);
  chosen.forEach((from, to) => taken.set(values.subarray(from * width, (from + 1) * width), to * width));
  return tensor(taken, [chosen.length, width]);
}

/**
 * What a model says of all images in evaluation mode: rows of logits, one behind another.
 *
 * @param {Model} model
 * @param {Images} data
 */
export function logitsOf(model, data) {
  const wasTraining = model.training;
  model.eval();
  /** @type {Float32Array | undefined} */
  let logits;
  for (let begin = 0; begin < data.length; begin += ASKED) {
    scope(() => {
      const count = Math.min(ASKED, data.length - begin);
      const bytes = data.images.slice(begin * PIXELS, (begin + count) * PIXELS);
      const x = tensor(bytes, [count, 1, 28, 28], { dtype: 'uint8' }).float().div(255);
      const rows = noGrad(() => model.forward(x)).dataSync();
      logits ??= new Float32Array((data.length * rows.length) / count);
      logits.set(/** @type {Float32Array} */ (rows), (begin / count) * rows.length);
    });
  }
  model.train(wasTraining);
  return /** @type {Float32Array} */ (logits);
}

/**
 * The class with the highest logit, of each row.
 *
 * @param {Float32Array} logits
 * @param {number} [classes]
 */
export function predictions(logits, classes = 10) {
  return Uint8Array.from({ length: logits.length / classes }, (_, n) => {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (Number(logits[n * classes + c]) > Number(logits[n * classes + best])) best = c;
    }
    return best;
  });
}

/**
 * How many images a model gets wrong.
 *
 * @param {Model} model
 * @param {Images} data
 */
export function countErrors(model, data) {
  return predictions(logitsOf(model, data)).reduce((wrong, said, n) => wrong + Number(said !== data.labels[n]), 0);
}
