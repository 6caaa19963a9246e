/** Attention, LSTM, and the nets of bench/nets.mjs: a training step and an answer, eager and captured. */
import { capture, noGrad, randn, scaledDotProductAttention, scope, tensor } from 'fettle';
import { LSTM } from 'fettle/nn';
import { modelOf, trainingOf } from '../engines/fettle.mjs';
import { answerOf } from '../float64.mjs';
import { batchOf, inputsOf, netOf, nets, tasksOf, valuesOf } from '../nets.mjs';
import { at, call } from './case.mjs';

/** @typedef {import('./case.mjs').Case} Case */
/** @typedef {import('../nets.mjs').Layer} Layer */

/** Multiplications and additions of an answer at batch 1; a training step takes three times as many.
 *
 * @param {import('../nets.mjs').Net} net
 */
export function flopsOf(net) {
  let flops = 0;
  let size = net.input.at(-1) ?? 1;
  /** @param {readonly Layer[]} layers */
  const walk = (layers) => {
    for (const layer of layers) {
      if (layer.op === 'linear') flops += 2 * layer.in * layer.out;
      if (layer.op === 'maxPool') size >>= 1;
      if (layer.op === 'conv') {
        size = Math.floor((size + 2 * layer.pad - layer.field) / layer.stride) + 1;
        flops += 2 * layer.in * layer.out * layer.field ** 2 * size ** 2;
      }
      if (layer.op === 'residual') {
        const before = size;
        walk(layer.shortcut);
        size = before;
        walk(layer.body);
      }
      if (layer.op === 'encoder') {
        const { width, hidden } = layer;
        const length = at(net.input, 0);
        flops += 2 * length * (4 * width * width + 2 * width * hidden) + 4 * length * length * width;
      }
    }
  };
  walk(net.layers);
  return flops;
}

/** @type {(batch: number, heads: number, length: number, size: number, isCausal: boolean) => Case} */
function attention(batch, heads, length, size, isCausal) {
  const shape = [batch, heads, length, size];
  const [q, k, v] = [randn(shape).keep(), randn(shape).keep(), randn(shape).keep()];
  return call({
    group: 'attention',
    name: `${isCausal ? 'causal ' : ''}${batch} × ${heads} heads × ${length} × ${size}`,
    kind: 'flops',
    work: (4 * batch * heads * length * length * size) / (isCausal ? 2 : 1),
    f: () => scaledDotProductAttention(q, k, v, { isCausal }),
    expected(index) {
      const [a, b, c] = [q.dataSync(), k.dataSync(), v.dataSync()];
      const [i, t] = [index % size, Math.floor(index / size) % length];
      const from = Math.floor(index / size / length) * length * size;
      let [total, value] = [0, 0];
      for (let s = 0; s < (isCausal ? t + 1 : length); s++) {
        let dot = 0;
        for (let l = 0; l < size; l++) dot += at(a, from + t * size + l) * at(b, from + s * size + l);
        const power = Math.exp(dot / Math.sqrt(size));
        total += power;
        value += power * at(c, from + s * size + i);
      }
      return value / total;
    },
    tolerance: 2e-5,
  });
}

/** @type {(length: number, batch: number, inputs: number, hidden: number) => Case} */
function lstm(length, batch, inputs, hidden) {
  const layer = new LSTM(inputs, hidden);
  const x = randn([length, batch, inputs]).keep();
  /** @type {Float64Array[] | null} */
  let outputs = null;
  /** @returns {Float64Array[]} */
  const reference = () => {
    const [wi, wh, bi, bh] = ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0'].map((name) =>
      /** @type {import('fettle').Tensor} */ (layer.stateDict()[name]).dataSync(),
    );
    if (!wi || !wh || !bi || !bh) throw new Error('an LSTM without weights');
    const data = x.dataSync();
    /** @type {(v: number) => number} */
    const sigmoid = (v) => 1 / (1 + Math.exp(-v));
    let [h, c] = [new Float64Array(batch * hidden), new Float64Array(batch * hidden)];
    return Array.from({ length }, (_, t) => {
      const next = new Float64Array(batch * hidden);
      const cell = new Float64Array(batch * hidden);
      for (let n = 0; n < batch; n++) {
        for (let u = 0; u < hidden; u++) {
          const gates = [0, 1, 2, 3].map((gate) => {
            const row = gate * hidden + u;
            let total = at(bi, row) + at(bh, row);
            for (let i = 0; i < inputs; i++) total += at(wi, row * inputs + i) * at(data, (t * batch + n) * inputs + i);
            for (let i = 0; i < hidden; i++) total += at(wh, row * hidden + i) * at(h, n * hidden + i);
            return total;
          });
          const kept = sigmoid(at(gates, 1)) * at(c, n * hidden + u);
          cell[n * hidden + u] = kept + sigmoid(at(gates, 0)) * Math.tanh(at(gates, 2));
          next[n * hidden + u] = sigmoid(at(gates, 3)) * Math.tanh(at(cell, n * hidden + u));
        }
      }
      [h, c] = [next, cell];
      return next;
    });
  };
  return call({
    group: 'recurrent',
    name: `LSTM ${inputs}→${hidden}, ${length} steps, batch ${batch}`,
    kind: 'flops',
    work: 8 * length * batch * hidden * (inputs + hidden),
    f: () => layer.forward(x)[0],
    expected(i) {
      outputs ??= reference();
      return at(/** @type {Float64Array} */ (outputs[Math.floor(i / batch / hidden)]), i % (batch * hidden));
    },
    tolerance: 1e-5,
  });
}

/** @type {(name: string, task: string, captured: boolean) => Case} */
function network(name, task, captured) {
  const net = netOf(name);
  const batch = batchOf(net, task);
  const how = captured ? 'captured' : 'eager';
  // What a captured step gives is its own; a scope around the recording would free it.
  const around = captured ? (/** @type {() => any} */ f) => f() : scope;
  const row = { name: `${net.title}, batch ${batch}, ${how}`, kind: /** @type {const} */ ('flops') };
  if (task === 'train') {
    const { x, y, step } = trainingOf(net);
    const program = captured ? capture(step) : step;
    return {
      ...{ group: 'training', ...row, work: 3 * batch * flopsOf(net) },
      run: () => around(() => program(x, y).item()),
      // A fresh net: its first answers in evaluation, which float64 has too; and its loss has to fall.
      result: () => {
        const fresh = trainingOf(net);
        fresh.model.eval();
        const part = noGrad(() => scope(() => fresh.model.forward(x.narrow(0, 0, 2)).dataSync()));
        fresh.model.train();
        const again = captured ? capture(fresh.step) : fresh.step;
        const losses = [0, 1, 2, 3].map(() => around(() => again(x, y).item()));
        if (!(at(losses, 3) < at(losses, 0))) throw new Error(`${net.title}: the loss does not fall: ${losses}`);
        return part;
      },
      expected: float64Answer(name, 2, inputsOf(net, net.trainBatch).x.subarray(0, (2 * x.numel()) / batch)),
      tolerance: 1e-4,
    };
  }
  const model = modelOf(net).eval();
  const x = tensor(inputsOf(net, batch).x)
    .reshape([batch, ...net.input])
    .keep();
  /** @type {(x: import('fettle').Tensor) => import('fettle').Tensor} */
  const answer = (x) => model.forward(x);
  const program = captured ? capture(answer) : answer;
  return {
    ...{ group: 'inference', ...row, work: batch * flopsOf(net) },
    run: () => noGrad(() => around(() => void program(x))),
    // The first answers of the batch.
    result: () =>
      noGrad(() => {
        for (let i = 0; i < 2; i++) around(() => void program(x));
        return scope(() =>
          program(x)
            .dataSync()
            .slice(0, x.numel() === 0 ? 0 : outputsOf(name) * Math.min(batch, 2)),
        );
      }),
    expected: float64Answer(
      name,
      Math.min(batch, 2),
      inputsOf(net, batch).x.subarray(0, (Math.min(batch, 2) * x.numel()) / batch),
    ),
    tolerance: 1e-4,
  };
}

/** @param {string} name */
function outputsOf(name) {
  const net = netOf(name);
  return net.loss === 'crossEntropy' ? net.classes : net.input.reduce((n, d) => n * d, 1);
}

/** @type {Map<string, Float64Array>} */
const answers = new Map();

/** The float64 answer to some inputs, computed when it is asked for and kept.
 *
 * @type {(name: string, batch: number, x: Float32Array) => (i: number) => number}
 */
function float64Answer(name, batch, x) {
  return (i) => {
    const key = `${name} ${batch}`;
    const known = answers.get(key) ?? answerOf(netOf(name), valuesOf(netOf(name)), x, batch);
    answers.set(key, known);
    return at(known, i);
  };
}

/** @type {(full: boolean) => (() => Case)[]} */
export const networks = () => [
  () => attention(8, 4, 128, 64, false),
  () => attention(1, 8, 512, 64, true),
  () => lstm(64, 32, 128, 256),
  ...Object.entries(nets).flatMap(([name, net]) =>
    tasksOf(net).flatMap((task) => [true, false].map((captured) => () => network(name, task, captured))),
  ),
];
