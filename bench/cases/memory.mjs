/** What memory bounds: activations, norms, softmax, losses, reductions, optimizers. */
import {
  add,
  batchNorm,
  crossEntropy,
  exp,
  gelu,
  groupNorm,
  layerNorm,
  log,
  mseLoss,
  noGrad,
  ones,
  rand,
  randint,
  randn,
  relu,
  rmsNorm,
  scope,
  sigmoid,
  silu,
  softmax,
  tanh,
  zeros,
} from 'fettle';
import { Parameter } from 'fettle/nn';
import { Adam, SGD } from 'fettle/optim';
import { at, call } from './case.mjs';

/** @typedef {import('./case.mjs').Case} Case */
/** @typedef {import('fettle').Tensor} Tensor */

/** One pass that reads and writes each element.
 *
 * @type {(group: string, name: string, x: Tensor, f: (x: Tensor) => Tensor, scalar: (x: number) => number, tolerance?: number) => Case}
 */
const elementwise = (group, name, x, f, scalar, tolerance = 1e-6) =>
  call({
    ...{ group, name: `${name}, ${x.numel().toLocaleString('en')}`, kind: 'bytes', work: 8 * x.numel() },
    elements: x.numel(),
    f: () => f(x),
    expected: (i) => scalar(at(x.dataSync(), i)),
    tolerance,
  });

/** Rows that are read and written; `row` gives a row's float64 answer.
 *
 * @type {(group: string, name: string, shape: [number, number], f: (x: Tensor) => Tensor, row: (values: number[], r: number) => number[], tolerance?: number) => Case}
 */
function rows(group, name, [n, width], f, row, tolerance = 3e-6) {
  const x = randn([n, width]).keep();
  return call({
    ...{ group, name: `${name} ${n} × ${width}`, kind: 'bytes', work: 8 * n * width, elements: n * width },
    f: () => f(x),
    expected(i) {
      const r = Math.floor(i / width);
      return at(row([...x.dataSync().subarray(r * width, (r + 1) * width)], r), i % width);
    },
    tolerance,
  });
}

/** @type {(values: number[]) => number} */
const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

/** @type {(values: number[], eps?: number) => number[]} */
function standard(values, eps = 1e-5) {
  const center = mean(values);
  const variance = mean(values.map((v) => (v - center) ** 2));
  return values.map((v) => (v - center) / Math.sqrt(variance + eps));
}

/** @type {(training: boolean) => Case} */
function batchNormCase(training) {
  const [batch, channels, size] = [32, 64, 32];
  const x = randn([batch, channels, size, size]).keep();
  const [m, v] = [zeros([channels]).keep(), ones([channels]).keep()];
  const options = { weight: ones([channels]).keep(), bias: zeros([channels]).keep(), training, momentum: 0 };
  const n = x.numel();
  return call({
    ...{ group: 'norm', name: `batch norm ${training ? 'training' : 'evaluation'} 32 × 64 × 32²`, kind: 'bytes' },
    // Statistics read everything once more.
    ...{ work: (training ? 12 : 8) * n, elements: n },
    f: () => batchNorm(x, m, v, options),
    expected(i) {
      const a = x.dataSync();
      if (!training) return at(a, i) / Math.sqrt(1 + 1e-5);
      const plane = size * size;
      const channel = Math.floor(i / plane) % channels;
      /** @type {number[]} */
      const values = [];
      for (let k = 0; k < batch; k++)
        values.push(...a.subarray((k * channels + channel) * plane, (k * channels + channel + 1) * plane));
      const center = mean(values);
      return (at(a, i) - center) / Math.sqrt(mean(values.map((x) => (x - center) ** 2)) + 1e-5);
    },
    tolerance: 1e-5,
  });
}

/** @type {(name: string, shape: [number, number], f: (x: Tensor) => Tensor, expected: (values: Float32Array, i: number) => number, tolerance: number) => Case} */
function reduction(name, [n, width], f, expected, tolerance) {
  const x = rand([n, width]).keep();
  return call({
    ...{ group: 'reduction', name: `${name} of ${n} × ${width}`, kind: 'reads', work: 4 * n * width },
    elements: n * width,
    f: () => f(x),
    expected: (i) => expected(/** @type {Float32Array} */ (x.dataSync()), i),
    tolerance,
  });
}

/** @type {(name: string, bytes: number, make: (p: Parameter) => { step(): unknown }, step: (p: number, g: number) => number) => Case} */
function optimizer(name, bytes, make, step) {
  const n = 1 << 20;
  const p = new Parameter(randn([n]));
  const start = randn([n]).keep();
  const values = start.dataSync();
  p.grad = randn([n]).keep();
  const g = p.grad.dataSync();
  const updates = make(p);
  return {
    ...{ group: 'optimizer', name: `${name}, ${n.toLocaleString('en')} parameters`, kind: 'bytes', work: bytes * n },
    elements: n,
    run: () => scope(() => void updates.step()),
    // The first step of another, from where the numbers are known.
    result() {
      noGrad(() => void p.copy_(start));
      scope(() => void make(p).step());
      return p.dataSync();
    },
    expected: (i) => step(at(values, i), at(g, i)),
    tolerance: 1e-5,
  };
}

/** @type {(full: boolean) => (() => Case)[]} */
export const memory = () => {
  const small = () => randn([65536]).keep();
  const large = () => randn([1 << 20]).keep();
  return [
    () => elementwise('activation', 'relu', small(), relu, (x) => Math.max(x, 0)),
    () => elementwise('activation', 'relu', large(), relu, (x) => Math.max(x, 0)),
    () =>
      elementwise(
        'activation',
        'add itself',
        large(),
        (x) => add(x, x),
        (x) => 2 * x,
      ),
    () => elementwise('activation', 'exp', small(), exp, Math.exp, 2e-5),
    () => elementwise('activation', 'log', rand([65536]).add(0.1).keep(), log, Math.log),
    () => elementwise('activation', 'sigmoid', small(), sigmoid, (x) => 1 / (1 + Math.exp(-x))),
    () => elementwise('activation', 'tanh', small(), tanh, Math.tanh),
    () => elementwise('activation', 'silu', small(), silu, (x) => x / (1 + Math.exp(-x)), 2e-6),
    () =>
      elementwise(
        ...['activation', 'gelu tanh', small(), (/** @type {Tensor} */ x) => gelu(x, { approximate: 'tanh' })],
        (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
        3e-6,
      ),
    () => rows('softmax', 'softmax', [512, 512], (x) => softmax(x, 1), softmaxRow),
    () => rows('softmax', 'softmax', [4096, 128], (x) => softmax(x, 1), softmaxRow),
    () =>
      rows(
        'norm',
        'layer norm',
        [1024, 256],
        (x) => layerNorm(x, [256]),
        (values) => standard(values),
        2e-5,
      ),
    () =>
      rows(
        'norm',
        'RMS norm',
        [1024, 256],
        (x) => rmsNorm(x, [256], { eps: 1e-5 }),
        (values) => {
          const root = Math.sqrt(mean(values.map((v) => v * v)) + 1e-5);
          return values.map((v) => v / root);
        },
        2e-5,
      ),
    () =>
      rows(
        'norm',
        'group norm',
        [8, 64 * 196],
        (x) => groupNorm(x.reshape([8, 64, 196]), 8).reshape([8, -1]),
        (values) => {
          const size = (64 * 196) / 8;
          return Array.from({ length: 8 }, (_, i) => standard(values.slice(i * size, (i + 1) * size))).flat();
        },
        2e-5,
      ),
    () => batchNormCase(true),
    () => batchNormCase(false),
    () => crossEntropyCase(1024, 1000),
    () => crossEntropyCase(64, 10),
    () => {
      const [a, b] = [large(), large()];
      return call({
        ...{ group: 'loss', name: 'mean square, 1,048,576', kind: 'reads', work: 8 * a.numel(), elements: a.numel() },
        f: () => mseLoss(a, b),
        expected() {
          const [x, y] = [a.dataSync(), b.dataSync()];
          return mean(Array.from(x, (v, i) => (v - at(y, i)) ** 2));
        },
        tolerance: 1e-5,
      });
    },
    () =>
      reduction(
        'sum',
        [1024, 1024],
        (x) => x.sum(),
        (x) => x.reduce((s, v) => s + v, 0),
        1,
      ),
    () =>
      reduction(
        'sum over rows',
        [1024, 1024],
        (x) => x.sum(0),
        (x, i) => along(x, i, 1024, 1024),
        1e-2,
      ),
    () =>
      reduction(
        'sum over columns',
        [1024, 1024],
        (x) => x.sum(1),
        (x, i) => along(x, i * 1024, 1, 1024),
        1e-2,
      ),
    () =>
      reduction(
        'largest over columns',
        [1024, 1024],
        (x) => x.amax(1),
        (x, i) => Math.max(...x.subarray(i * 1024, (i + 1) * 1024)),
        0,
      ),
    () =>
      reduction(
        'argmax over columns',
        [1024, 1024],
        (x) => x.argmax(1),
        (x, i) => {
          const row = x.subarray(i * 1024, (i + 1) * 1024);
          return row.indexOf(Math.max(...row));
        },
        0,
      ),
    () =>
      optimizer(
        'SGD',
        12,
        (p) => new SGD([p], { lr: 0.1 }),
        (p, g) => p - 0.1 * g,
      ),
    () =>
      optimizer(
        'SGD with momentum',
        20,
        (p) => new SGD([p], { lr: 0.1, momentum: 0.9 }),
        (p, g) => p - 0.1 * g,
      ),
    () =>
      optimizer(
        'Adam',
        28,
        (p) => new Adam([p], { lr: 0.1 }),
        (p, g) => p - (0.1 * g) / (Math.abs(g) + 1e-8),
      ),
  ];
};

/** @type {(values: number[]) => number[]} */
function softmaxRow(values) {
  const powers = values.map(Math.exp);
  const total = powers.reduce((sum, v) => sum + v, 0);
  return powers.map((v) => v / total);
}

/** @type {(x: Float32Array, from: number, step: number, count: number) => number} */
function along(x, from, step, count) {
  let total = 0;
  for (let i = 0; i < count; i++) total += at(x, from + i * step);
  return total;
}

/** @type {(n: number, classes: number) => Case} */
function crossEntropyCase(n, classes) {
  const x = randn([n, classes]).keep();
  const y = randint(0, classes, [n]).keep();
  return call({
    ...{ group: 'loss', name: `cross entropy ${n} × ${classes}`, kind: 'reads', work: 4 * n * classes },
    elements: n * classes,
    f: () => crossEntropy(x, y),
    expected() {
      const [a, b] = [x.dataSync(), y.dataSync()];
      return mean(
        Array.from({ length: n }, (_, r) => {
          const row = [...a.subarray(r * classes, (r + 1) * classes)];
          return Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0)) - at(row, at(b, r));
        }),
      );
    },
    tolerance: 1e-5,
  });
}
