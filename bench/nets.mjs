/**
 * The networks that are timed, as descriptions that every engine builds its own from: layers, and the values of parameters
 * and inputs, the same everywhere because they come from one seed.
 */

/**
 * A layer. Weights lie as PyTorch has them: [out, in] and [out, in, height, width]. An encoder is the pre-norm block of a
 * transformer: attention and two products, each with its input added.
 *
 * @typedef {{ op: 'linear', in: number, out: number }
 *   | { op: 'conv', in: number, out: number, field: number, stride: number, pad: number, bias: boolean }
 *   | { op: 'batchNorm', channels: number }
 *   | { op: 'relu' }
 *   | { op: 'maxPool' }
 *   | { op: 'globalPool' }
 *   | { op: 'flatten', shape: number[] }
 *   | { op: 'residual', body: Layer[], shortcut: Layer[] }
 *   | { op: 'encoder', width: number, heads: number, hidden: number }} Layer
 */

/**
 * A network: what goes in (without the batch), what the loss is, the batch it trains at (0: only inference), and the batches
 * it is asked at.
 *
 * @typedef {object} Net
 * @property {string} title
 * @property {number[]} input
 * @property {Layer[]} layers
 * @property {'crossEntropy' | 'meanSquare'} loss
 * @property {number} classes
 * @property {number} trainBatch
 * @property {number[]} batches
 */

/** @typedef {{ name: string, shape: number[], learned: boolean, data: Float32Array }} Value */

/** @type {Layer} */
const RELU = { op: 'relu' };
/** @type {Layer} */
const POOL = { op: 'maxPool' };

/** @type {(inputs: number, outputs: number) => Layer} */
const linear = (inputs, outputs) => ({ op: 'linear', in: inputs, out: outputs });

/** @type {(inputs: number, outputs: number, field: number, options?: { stride?: number, pad?: number, bias?: boolean }) => Layer} */
const conv = (inputs, outputs, field, { stride = 1, pad = field >> 1, bias = true } = {}) => ({
  op: 'conv',
  in: inputs,
  out: outputs,
  field,
  stride,
  pad,
  bias,
});

/** @type {(channels: number) => Layer} */
const batchNorm = (channels) => ({ op: 'batchNorm', channels });

/**
 * Two convolutions with batch norm and what goes by: a 1×1 convolution where the shape changes.
 *
 * @type {(inputs: number, outputs: number, stride: number) => Layer[]}
 */
const residualBlock = (inputs, outputs, stride) => [
  {
    op: 'residual',
    body: [
      conv(inputs, outputs, 3, { stride, bias: false }),
      batchNorm(outputs),
      RELU,
      conv(outputs, outputs, 3, { bias: false }),
      batchNorm(outputs),
    ],
    shortcut:
      inputs === outputs && stride === 1 ? [] : [conv(inputs, outputs, 1, { stride, bias: false }), batchNorm(outputs)],
  },
  RELU,
];

/** @type {Record<string, Net>} */
export const nets = {
  mlp: {
    title: 'MLP 784-256-128-10',
    input: [784],
    layers: [linear(784, 256), RELU, linear(256, 128), RELU, linear(128, 10)],
    loss: 'crossEntropy',
    classes: 10,
    trainBatch: 64,
    batches: [1, 64],
  },
  lenet: {
    title: 'LeNet-5 on 28×28',
    input: [1, 28, 28],
    layers: [
      ...[conv(1, 6, 5), RELU, POOL, conv(6, 16, 5, { pad: 0 }), RELU, POOL],
      { op: 'flatten', shape: [16, 5, 5] },
      ...[linear(400, 120), RELU, linear(120, 84), RELU, linear(84, 10)],
    ],
    loss: 'crossEntropy',
    classes: 10,
    trainBatch: 64,
    batches: [1, 64],
  },
  transformer: {
    title: 'transformer block, d 256, 4 heads, T 128',
    input: [128, 256],
    layers: [{ op: 'encoder', width: 256, heads: 4, hidden: 1024 }],
    loss: 'meanSquare',
    classes: 0,
    trainBatch: 8,
    batches: [1, 64],
  },
  resnet20: {
    title: 'ResNet-20 on 32×32',
    input: [3, 32, 32],
    layers: [
      ...[conv(3, 16, 3, { bias: false }), batchNorm(16), RELU],
      ...[0, 1, 2].flatMap(() => residualBlock(16, 16, 1)),
      ...[0, 1, 2].flatMap((i) => residualBlock(i === 0 ? 16 : 32, 32, i === 0 ? 2 : 1)),
      ...[0, 1, 2].flatMap((i) => residualBlock(i === 0 ? 32 : 64, 64, i === 0 ? 2 : 1)),
      ...[/** @type {Layer} */ ({ op: 'globalPool' }), linear(64, 10)],
    ],
    loss: 'crossEntropy',
    classes: 10,
    trainBatch: 32,
    batches: [1, 64],
  },
  product: {
    title: 'product 512 × 512 × 512',
    input: [512],
    layers: [linear(512, 512)],
    loss: 'crossEntropy',
    classes: 512,
    trainBatch: 0,
    batches: [512],
  },
  block: {
    title: 'residual block 3×3 64→64 on 56×56',
    input: [64, 56, 56],
    layers: residualBlock(64, 64, 1),
    loss: 'meanSquare',
    classes: 0,
    trainBatch: 0,
    batches: [1],
  },
};

/** @type {(name: string) => Net} */
export function netOf(name) {
  const net = nets[name];
  if (net === undefined) throw new Error(`no net ${name}; there are ${Object.keys(nets).join(', ')}`);
  return net;
}

/** What is done with a net: a training step, or an answer at a batch. `mlp train`, `mlp infer64`.
 *
 * @type {(net: Net) => string[]}
 */
export const tasksOf = (net) => [
  ...(net.trainBatch > 0 ? ['train'] : []),
  ...net.batches.map((batch) => `infer${batch}`),
];

/** @type {(net: Net, task: string) => number} */
export const batchOf = (net, task) => (task === 'train' ? net.trainBatch : Number(task.replace('infer', '')));

/** Adam's settings, in every engine. */
export const ADAM = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 };
export const BATCH_NORM = { eps: 1e-5, momentum: 0.1 };
export const LAYER_NORM_EPS = 1e-5;

/** Numbers in [0, 1) from a seed (T. Ettinger's mulberry32).
 *
 * @type {(seed: number) => () => number}
 */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** @type {(shape: readonly number[]) => number} */
export const sizeOf = (shape) => shape.reduce((n, d) => n * d, 1);

/**
 * Parameters and running statistics in the order in which the layers take them.
 *
 * @type {(net: Net) => Value[]}
 */
export function valuesOf(net) {
  const next = generator(1);
  /** @type {Value[]} */
  const values = [];
  /** @type {(name: string, shape: number[], low: number, high: number, learned?: boolean) => void} */
  const add = (name, shape, low, high, learned = true) => {
    const data = Float32Array.from({ length: sizeOf(shape) }, () => low + (high - low) * next());
    values.push({ name, shape, learned, data });
  };
  /** @type {(name: string, inputs: number, outputs: number) => void} */
  const affine = (name, inputs, outputs) => {
    const bound = 1 / Math.sqrt(inputs);
    add(`${name}.weight`, [outputs, inputs], -bound, bound);
    add(`${name}.bias`, [outputs], -bound, bound);
  };
  /** @type {(name: string, size: number) => void} */
  const norm = (name, size) => {
    add(`${name}.weight`, [size], 0.9, 1.1);
    add(`${name}.bias`, [size], -0.1, 0.1);
  };
  /** @type {(layers: readonly Layer[], prefix: string) => void} */
  const walk = (layers, prefix) =>
    layers.forEach((layer, i) => {
      const name = `${prefix}${i}`;
      if (layer.op === 'linear') affine(name, layer.in, layer.out);
      if (layer.op === 'conv') {
        const bound = 1 / Math.sqrt(layer.in * layer.field ** 2);
        add(`${name}.weight`, [layer.out, layer.in, layer.field, layer.field], -bound, bound);
        if (layer.bias) add(`${name}.bias`, [layer.out], -bound, bound);
      }
      if (layer.op === 'batchNorm') {
        norm(name, layer.channels);
        add(`${name}.running_mean`, [layer.channels], -0.1, 0.1, false);
        add(`${name}.running_var`, [layer.channels], 0.5, 1.5, false);
      }
      if (layer.op === 'residual') {
        walk(layer.body, `${name}.body.`);
        walk(layer.shortcut, `${name}.shortcut.`);
      }
      if (layer.op === 'encoder') {
        const { width, hidden } = layer;
        norm(`${name}.norm1`, width);
        affine(`${name}.in_proj`, width, 3 * width);
        affine(`${name}.out_proj`, width, width);
        norm(`${name}.norm2`, width);
        affine(`${name}.linear1`, width, hidden);
        affine(`${name}.linear2`, hidden, width);
      }
    });
  walk(net.layers, '');
  return values;
}

/**
 * Inputs in [-1, 1), and what they should give: classes, or values of the output's shape.
 *
 * @type {(net: Net, batch: number) => { x: Float32Array, labels: Int32Array, target: Float32Array }}
 */
export function inputsOf(net, batch) {
  const next = generator(2);
  const size = batch * sizeOf(net.input);
  return {
    x: Float32Array.from({ length: size }, () => 2 * next() - 1),
    labels: Int32Array.from({ length: batch }, () => Math.floor(next() * Math.max(net.classes, 1))),
    target: Float32Array.from({ length: net.loss === 'meanSquare' ? size : 0 }, () => 2 * next() - 1),
  };
}

/**
 * The operations that a functional engine offers to `forward`. Each may consume what it is given: what is used twice goes
 * through `fork`.
 *
 * @template T
 * @typedef {object} Vocabulary
 * @property {(x: T, weight: T, bias: T) => T} linear
 * @property {(x: T, weight: T, bias: T | null, layer: Extract<Layer, { op: 'conv' }>) => T} conv
 * @property {(x: T, weight: T, bias: T, mean: T, variance: T) => T} batchNorm
 * @property {(x: T, weight: T, bias: T) => T} layerNorm
 * @property {(x: T, inWeight: T, inBias: T, outWeight: T, outBias: T, heads: number) => T} attention
 * @property {(x: T) => T} relu
 * @property {(x: T) => T} gelu
 * @property {(x: T) => T} maxPool
 * @property {(x: T) => T} globalPool
 * @property {(x: T, shape: number[]) => T} flatten
 * @property {(a: T, b: T) => T} add
 * @property {(x: T) => [T, T]} fork
 */

/**
 * Runs the layers in an engine's vocabulary; `take` gives the next value.
 *
 * @template T
 * @param {readonly Layer[]} layers
 * @param {T} input
 * @param {Vocabulary<T>} ops
 * @param {() => T} take
 * @returns {T}
 */
export function forward(layers, input, ops, take) {
  let x = input;
  for (const layer of layers) {
    if (layer.op === 'linear') x = ops.linear(x, take(), take());
    else if (layer.op === 'conv') x = ops.conv(x, take(), layer.bias ? take() : null, layer);
    else if (layer.op === 'batchNorm') x = ops.batchNorm(x, take(), take(), take(), take());
    else if (layer.op === 'relu') x = ops.relu(x);
    else if (layer.op === 'maxPool') x = ops.maxPool(x);
    else if (layer.op === 'globalPool') x = ops.globalPool(x);
    else if (layer.op === 'flatten') x = ops.flatten(x, layer.shape);
    else if (layer.op === 'residual') {
      const [a, b] = ops.fork(x);
      const body = forward(layer.body, a, ops, take);
      x = ops.add(body, forward(layer.shortcut, b, ops, take));
    } else {
      const [a, b] = ops.fork(x);
      const normed = ops.layerNorm(a, take(), take());
      x = ops.add(ops.attention(normed, take(), take(), take(), take(), layer.heads), b);
      const [c, d] = ops.fork(x);
      const wide = ops.gelu(ops.linear(ops.layerNorm(c, take(), take()), take(), take()));
      x = ops.add(ops.linear(wide, take(), take()), d);
    }
  }
  return x;
}
