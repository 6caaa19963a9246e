/** fettle in the comparison: modules as a user writes them, captured or eager, in either arithmetic. */
import { readFileSync } from 'node:fs';
import { add, capture, crossEntropy, deterministic, mseLoss, noGrad, scope, tensor } from 'fettle';
import {
  BatchNorm2d,
  Conv2d,
  Flatten,
  Linear,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
  TransformerEncoderLayer,
} from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { ADAM, batchOf, inputsOf, valuesOf } from '../nets.mjs';

/** @typedef {import('../nets.mjs').Layer} Layer */
/** @typedef {import('../nets.mjs').Net} Net */
/** @typedef {import('fettle').Tensor} Tensor */

/** What goes by is added to what went through. */
class Residual extends Module {
  /** @param {Sequential} body @param {Sequential} shortcut */
  constructor(body, shortcut) {
    super();
    this.body = body;
    this.shortcut = shortcut;
  }

  /** @override @param {Tensor} x @returns {Tensor} */
  forward(x) {
    return add(this.body.forward(x), this.shortcut.forward(x));
  }
}

class GlobalPool extends Module {
  /** @override @param {Tensor} x @returns {Tensor} */
  forward(x) {
    return x.mean([2, 3]);
  }
}

/**
 * Builds the layers, and lists their values in the order of `valuesOf`.
 *
 * @param {readonly Layer[]} layers
 * @param {Tensor[]} slots
 * @returns {Sequential}
 */
function build(layers, slots) {
  /** @type {(...values: (Tensor | null)[]) => void} */
  const list = (...values) => void slots.push(...values.filter((value) => value !== null));
  const modules = layers.map((layer) => {
    if (layer.op === 'linear') {
      const module = new Linear(layer.in, layer.out);
      list(module.weight, module.bias);
      return module;
    }
    if (layer.op === 'conv') {
      const { in: inputs, out, field, stride, pad, bias } = layer;
      const module = new Conv2d(inputs, out, field, { stride, padding: pad, bias });
      list(module.weight, module.bias);
      return module;
    }
    if (layer.op === 'batchNorm') {
      const module = new BatchNorm2d(layer.channels);
      list(module.weight, module.bias, module.runningMean, module.runningVar);
      return module;
    }
    if (layer.op === 'residual') return new Residual(build(layer.body, slots), build(layer.shortcut, slots));
    if (layer.op === 'encoder') {
      const options = { dimFeedforward: layer.hidden, dropout: 0, activation: /** @type {'gelu'} */ ('gelu') };
      const module = new TransformerEncoderLayer(layer.width, layer.heads, {
        ...options,
        batchFirst: true,
        normFirst: true,
      });
      const { norm1, norm2, selfAttn, linear1, linear2 } = module;
      list(norm1.weight, norm1.bias, selfAttn.inProjWeight, selfAttn.inProjBias);
      list(selfAttn.outProj.weight, selfAttn.outProj.bias, norm2.weight, norm2.bias);
      list(linear1.weight, linear1.bias, linear2.weight, linear2.bias);
      return module;
    }
    if (layer.op === 'relu') return new ReLU();
    if (layer.op === 'maxPool') return new MaxPool2d(2);
    if (layer.op === 'globalPool') return new GlobalPool();
    return new Flatten();
  });
  return new Sequential(...modules);
}

/**
 * The net with the values that all engines share.
 *
 * @param {Net} net
 */
export function modelOf(net) {
  /** @type {Tensor[]} */
  const slots = [];
  const model = build(net.layers, slots);
  const values = valuesOf(net);
  if (values.length !== slots.length) throw new Error(`${values.length} values for ${slots.length} places`);
  noGrad(() =>
    scope(() => {
      values.forEach(({ name, shape, data }, i) => {
        const slot = /** @type {Tensor} */ (slots[i]);
        if (slot.shape.join() !== shape.join()) throw new Error(`${name} is ${shape}, its place ${slot.shape}`);
        slot.copy_(tensor(data).reshape(shape));
      });
    }),
  );
  return model;
}

/**
 * A training step of the net: gives the loss, as a tensor, of the shared batch.
 *
 * @param {Net} net
 */
export function trainingOf(net) {
  const model = modelOf(net).train();
  const optimizer = new Adam(model.parameters(), { lr: ADAM.lr, betas: [ADAM.beta1, ADAM.beta2], eps: ADAM.eps });
  const inputs = inputsOf(net, net.trainBatch);
  const shape = [net.trainBatch, ...net.input];
  const x = tensor(inputs.x).reshape(shape).keep();
  const y = net.loss === 'crossEntropy' ? tensor(inputs.labels).keep() : tensor(inputs.target).reshape(shape).keep();
  /** @type {(x: Tensor, y: Tensor) => Tensor} */
  const step = (x, y) => {
    optimizer.zeroGrad();
    const output = model.forward(x);
    const loss = net.loss === 'crossEntropy' ? crossEntropy(output, y) : mseLoss(output, y);
    loss.backward();
    optimizer.step();
    return loss;
  };
  return { model, optimizer, x, y, step };
}

/** @param {string} mode */
export default async function fettle(mode) {
  deterministic(mode.includes('strict'));
  const eager = mode.includes('eager');
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    version,
    /** @param {Net} net @param {string} task */
    prepare(net, task) {
      if (task === 'train') {
        const { x, y, step } = trainingOf(net);
        if (eager) return () => scope(() => step(x, y).item());
        const captured = capture(step);
        return () => captured(x, y).item();
      }
      const model = modelOf(net).eval();
      const batch = batchOf(net, task);
      const x = tensor(inputsOf(net, batch).x)
        .reshape([batch, ...net.input])
        .keep();
      /** @type {(x: Tensor) => Tensor} */
      const answer = (x) => model.forward(x);
      if (eager) return () => noGrad(() => scope(() => answer(x).dataSync()));
      const captured = capture(answer);
      return () => noGrad(() => captured(x).dataSync());
    },
  };
}
