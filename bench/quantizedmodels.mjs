/**
 * Whole models in int8 against float32, in strict arithmetic: times at batch 1 and 64, their outputs compared before; products
 * with stored weights; and what is lost on MNIST. Times are medians of rounds in which the two sides take turns.
 *
 *   node bench/quantizedmodels.mjs networks | weights | mnist FOLDER
 */

import { quantize } from '../dist/compress/index.js';
import { DataLoader, MNIST } from '../dist/data/index.js';
import { crossEntropy, deterministic, manualSeed, noGrad, randn, scope } from '../dist/index.js';
import * as nn from '../dist/nn/index.js';
import { Adam } from '../dist/optim/index.js';
import { evaluate } from '../dist/train/index.js';
import { race } from './race.mjs';

/** @typedef {import('../dist/index.js').Tensor} Tensor */
/** @typedef {import('../dist/nn/index.js').Module & { forward(x: Tensor): Tensor }} Net */

deterministic(true);
manualSeed(1);

class Block extends nn.Module {
  /** @param {number} from @param {number} to @param {number} stride */
  constructor(from, to, stride) {
    super();
    this.conv1 = new nn.Conv2d(from, to, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(to);
    this.conv2 = new nn.Conv2d(to, to, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(to);
    this.down =
      from === to && stride === 1
        ? new nn.Identity()
        : new nn.Sequential(new nn.Conv2d(from, to, 1, { stride, bias: false }), new nn.BatchNorm2d(to));
  }

  /** @override @param {Tensor} x @returns {Tensor} */
  forward(x) {
    const y = this.bn1.forward(this.conv1.forward(x)).relu();
    return this.bn2.forward(this.conv2.forward(y)).add(this.down.forward(x)).relu();
  }
}

/** @type {Record<string, () => { model: Net, input: number[] }>} */
const NETS = {
  'MLP 784-256-128-10': () => ({
    model: new nn.Sequential(
      new nn.Linear(784, 256),
      new nn.ReLU(),
      new nn.Linear(256, 128),
      new nn.ReLU(),
      new nn.Linear(128, 10),
    ),
    input: [784],
  }),
  'LeNet-300-100': () => ({
    model: new nn.Sequential(...lenet300()),
    input: [784],
  }),
  'LeNet-5 20-50-500-10': () => ({ model: lenet5(), input: [1, 28, 28] }),
  'ResNet-20': () => ({
    model: new nn.Sequential(
      new nn.Conv2d(3, 16, 3, { padding: 1, bias: false }),
      new nn.BatchNorm2d(16),
      new nn.ReLU(),
      ...[16, 32, 64].flatMap((to, i) =>
        [0, 1, 2].map((j) => new Block(j === 0 && i > 0 ? to / 2 : to, to, j === 0 && i > 0 ? 2 : 1)),
      ),
      new nn.AdaptiveAvgPool2d(1),
      new nn.Flatten(),
      new nn.Linear(64, 10),
    ),
    input: [3, 32, 32],
  }),
};

function lenet5() {
  return new nn.Sequential(
    new nn.Conv2d(1, 20, 5),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(20, 50, 5),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(800, 500),
    new nn.ReLU(),
    new nn.Linear(500, 10),
  );
}

/** @param {ArrayLike<number>} exact @param {ArrayLike<number>} other */
function decibels(exact, other) {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < exact.length; i++) {
    signal += Number(exact[i]) ** 2;
    noise += (Number(exact[i]) - Number(other[i])) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

/** @param {Net} model @param {Tensor} x */
const run = (model, x) => () => scope(() => void noGrad(() => model.forward(x)));

/** @param {string} only */
async function networks(only) {
  for (const [name, make] of Object.entries(NETS)) {
    if (!name.toLowerCase().includes(only)) continue;
    const { model, input } = make();
    const calibration = [randn([32, ...input]), randn([32, ...input])];
    for (const x of calibration) run(model, x)();
    model.eval();
    const int8 = await quantize.static(model, calibration);
    for (const batch of [1, 64]) {
      const x = randn([batch, ...input]);
      const [exact, other] = [model, int8].map((m) => noGrad(() => m.forward(x)).dataSync());
      const noise = decibels(/** @type {Float32Array} */ (exact), /** @type {Float32Array} */ (other));
      if (!(noise > 20)) throw new Error(`${name}: int8 is ${noise.toFixed(1)} dB from float32`);
      const [float = 0, integer = 0] = race([run(model, x), run(int8, x)]);
      row(`${name}, batch ${batch}`, float, integer, `${noise.toFixed(0)} dB`);
    }
  }
}

/** Products with stored weights against float32 ones. */
function weights() {
  for (const [k, n] of /** @type {[number, number][]} */ ([
    [512, 512],
    [2048, 2048],
  ])) {
    for (const m of [1, 4, 8, 64]) {
      const layer = new nn.Linear(k, n);
      const x = randn([m, k]);
      for (const [dtype, groupSize] of /** @type {const} */ ([
        ['int8', 64],
        ['int4', 64],
        ['int4', 32],
        ['float16', 64],
        ['bfloat16', 64],
      ])) {
        const small = quantize.weightOnly(/** @type {Net} */ (layer), { dtype, groupSize });
        const exact = noGrad(() => layer.forward(x)).dataSync();
        const noise = decibels(exact, noGrad(() => small.forward(x)).dataSync());
        if (!(noise > 15)) throw new Error(`${dtype}: ${noise.toFixed(1)} dB from float32`);
        const [float = 0, short = 0] = race([run(layer, x), run(small, x)], { rounds: 9, budget: 6 });
        row(
          `Linear ${k}→${n}, batch ${m}, ${dtype} ${dtype.startsWith('int') ? groupSize : ''}`,
          float,
          short,
          `${noise.toFixed(0)} dB`,
        );
        small.dispose();
      }
      layer.dispose();
    }
  }
}

/** @param {string} name @param {number} float @param {number} short @param {string} note */
function row(name, float, short, note) {
  const times = `${(1e3 * float).toFixed(1)} → ${(1e3 * short).toFixed(1)} µs`;
  console.log(`${name.padEnd(44)} ${(float / short).toFixed(2).padStart(6)} ×   ${times.padEnd(24)} ${note}`);
}

/**
 * A LeNet-5 and a LeNet-300-100 trained for two epochs, and in fewer bits: points of accuracy on the 10,000 test images.
 *
 * @param {string} folder
 */
async function mnist(folder) {
  deterministic(false);
  const [train, test] = await Promise.all([true, false].map((part) => MNIST.load(folder, { train: part })));
  if (train === undefined || test === undefined) throw new Error('MNIST has two parts');
  const loader = (/** @type {MNIST} */ set, /** @type {boolean} */ shuffle) =>
    new DataLoader(set, { batchSize: shuffle ? 64 : 500, shuffle, seed: 3 });
  const accuracy = async (/** @type {Net} */ model) => 100 * (await evaluate(model, loader(test, false))).accuracy;
  const calibration = await firstOf(loader(train, true), 16);
  /** @type {[string, Net][]} */
  const nets = [
    ['LeNet-5', lenet5()],
    ['LeNet-300-100', new nn.Sequential(new nn.Flatten(), ...lenet300())],
  ];
  for (const [name, model] of nets) {
    await fit(model, loader(train, true), 2, 1e-3);
    const exact = await accuracy(model);
    console.log(`${name}: float32 ${exact.toFixed(2)} %`);
    const tell = async (/** @type {string} */ how, /** @type {Net} */ small) => {
      const got = await accuracy(small);
      const { sqnr, bytesBefore, bytesAfter } = await quantize.report(model, small, [
        /** @type {Tensor} */ (calibration[0]),
      ]);
      const size = `${(bytesBefore / 1024).toFixed(0)} → ${(bytesAfter / 1024).toFixed(0)} KiB`;
      console.log(
        `  ${how.padEnd(26)} ${got.toFixed(2)} %, lost ${(exact - got).toFixed(2)}, ${sqnr.toFixed(0)} dB, ${size}`,
      );
      small.dispose();
    };
    await tell('dynamic', quantize.dynamic(model));
    for (const observer of /** @type {const} */ (['minmax', 'movingAverage', 'histogram', 'mse', 'entropy'])) {
      await tell(`static, ${observer}`, await quantize.static(model, calibration, { observer }));
    }
    await tell('static, one scale a layer', await quantize.static(model, calibration, { perChannel: false }));
    for (const dtype of /** @type {const} */ (['int8', 'int4', 'float16', 'bfloat16'])) {
      await tell(`weights in ${dtype}`, quantize.weightOnly(model, { dtype }));
    }
    const prepared = quantize.qat(model);
    await fit(prepared, loader(train, true), 1, 1e-4);
    await tell('trained for int8, 1 epoch', quantize.convert(prepared));
    prepared.dispose();
  }
}

const lenet300 = () => [
  new nn.Linear(784, 300),
  new nn.ReLU(),
  new nn.Linear(300, 100),
  new nn.ReLU(),
  new nn.Linear(100, 10),
];

/** Inputs of the first batches. @param {AsyncIterable<readonly [Tensor, Tensor]>} batches @param {number} count */
async function firstOf(batches, count) {
  /** @type {Tensor[]} */
  const inputs = [];
  for await (const [x] of batches) {
    if (inputs.push(/** @type {Tensor} */ (x).clone().keep()) === count) break;
  }
  return inputs;
}

/** @param {Net} model @param {AsyncIterable<readonly [Tensor, Tensor]>} batches @param {number} epochs @param {number} lr */
async function fit(model, batches, epochs, lr) {
  model.train();
  const optimizer = new Adam(model.parameters(), { lr });
  for (let epoch = 0; epoch < epochs; epoch++) {
    for await (const [x, y] of batches) {
      scope(() => {
        optimizer.zeroGrad();
        crossEntropy(model.forward(/** @type {Tensor} */ (x)), /** @type {Tensor} */ (y)).backward();
        optimizer.step();
      });
    }
  }
  optimizer.zeroGrad();
  optimizer.dispose();
  model.eval();
}

const [what = 'networks', argument = ''] = process.argv.slice(2);
if (what === 'networks') await networks(argument.toLowerCase());
else if (what === 'weights') weights();
else await mnist(argument);
