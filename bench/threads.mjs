/**
 * `node bench/threads.mjs`: kernels and training steps on one thread and on several, in turn within one process, so that both meet
 * the same machine. The lower quartile of each, their ratio, and whether the results have the same bits.
 *
 *   --threads N       2 unless it is given            --filter TEXT     cases whose group or name has it (several: a,b)
 *   --rounds N        turns, 5 unless given           --time MS         of each case in each turn, 40 unless given
 *   --strict          the strict binary               --json            JSON alone, on standard output
 */
import { parseArgs } from 'node:util';
import {
  capture,
  deterministic,
  getThreads,
  manualSeed,
  noGrad,
  rand,
  randn,
  scaledDotProductAttention,
  scope,
  setThreads,
} from 'fettle';
import { Conv2d } from 'fettle/nn';
import { Adam } from 'fettle/optim';
import { trainingOf } from './engines/fettle.mjs';
import { netOf } from './nets.mjs';

/** @typedef {import('fettle').Tensor} Tensor */
/** @typedef {{ group: string, name: string, target: number, run: () => void, bits?: () => Float32Array }} Case */

const { values: options } = parseArgs({
  options: {
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    time: { type: 'string', default: '40' },
    filter: { type: 'string' },
    strict: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const threads = Number(options.threads);
const filters = options.filter?.toLowerCase().split(',');
deterministic(options.strict);
manualSeed(0);

/**
 * An op without a gradient.
 *
 * @type {(group: string, name: string, target: number, f: () => Tensor) => Case}
 */
const op = (group, name, target, f) => ({
  group,
  name,
  target,
  run: () => noGrad(() => scope(() => void f())),
  bits: () => noGrad(() => scope(() => /** @type {Float32Array} */ (f().dataSync()))),
});

/** @type {(n: number, target: number) => Case} */
function product(n, target) {
  const [a, b] = [randn([n, n]).keep(), randn([n, n]).keep()];
  return op('gemm', `${n}³`, target, () => a.matmul(b));
}

/** A convolution 3×3 of ResNet, and both its gradients.
 *
 * @type {(batch: number, channels: number, size: number) => Case[]}
 */
function convolutions(batch, channels, size) {
  const layer = new Conv2d(channels, channels, 3, { padding: 1, bias: false });
  const x = randn([batch, channels, size, size], { requiresGrad: true }).keep();
  const g = randn([batch, channels, size, size]).keep();
  const name = `${batch} × ${channels} × ${size}²`;
  const backward = () =>
    scope(() => {
      x.grad = null;
      layer.weight.grad = null;
      layer.forward(x).backward(g);
      return /** @type {Float32Array} */ (
        /** @type {Tensor} */ (/** @type {unknown} */ (layer.weight.grad)).dataSync()
      );
    });
  return [
    op('conv', name, 1.8, () => layer.forward(x)),
    { group: 'conv', name: `${name} with gradients`, target: 1.8, run: () => void backward(), bits: backward },
  ];
}

/** @type {(batch: number, heads: number, length: number, size: number) => Case[]} */
function attention(batch, heads, length, size) {
  const shape = [batch, heads, length, size];
  const [q, k, v] = [0, 0, 0].map(() => randn(shape, { requiresGrad: true }).keep());
  const g = randn(shape).keep();
  const f = () =>
    scaledDotProductAttention(/** @type {Tensor} */ (q), /** @type {Tensor} */ (k), /** @type {Tensor} */ (v));
  const backward = () =>
    scope(() => {
      for (const t of [q, k, v]) if (t !== undefined) t.grad = null;
      f().backward(g);
      return /** @type {Float32Array} */ (/** @type {Tensor} */ (/** @type {Tensor} */ (q).grad).dataSync());
    });
  const name = shape.join(' × ');
  return [
    op('attention', name, 1.8, f),
    { group: 'attention', name: `${name} with gradients`, target: 1.8, run: () => void backward(), bits: backward },
  ];
}

/** @type {(n: number) => Case} */
function adam(n) {
  const weight = randn([n], { requiresGrad: true }).keep();
  weight.grad = randn([n]).keep();
  const optimizer = new Adam([weight]);
  return { group: 'optim', name: `Adam, ${n} parameters`, target: n >= 1 << 20 ? 1.8 : 1, run: () => optimizer.step() };
}

/** @type {(name: string) => Case[]} */
function training(name) {
  const net = netOf(name);
  const one = trainingOf(net);
  const two = trainingOf(net);
  const captured = capture(two.step);
  return [
    { group: 'step', name: `${net.title}, eager`, target: 1.6, run: () => scope(() => void one.step(one.x, one.y)) },
    { group: 'step', name: `${net.title}, captured`, target: 1.6, run: () => void captured(two.x, two.y) },
  ];
}

/** @type {(n: number) => Case[]} */
function elementwise(n) {
  const [a, b] = [rand([n]).keep(), rand([n]).keep()];
  const target = n >= 1 << 20 ? 1.8 : 1;
  return [op('elementwise', `exp, ${n}`, target, () => a.exp()), op('elementwise', `add, ${n}`, 1, () => a.add(b))];
}

/** @type {(rows: number, columns: number, target: number) => Case} */
function softmax(rows, columns, target) {
  const x = randn([rows, columns]).keep();
  return op('softmax', `${rows} × ${columns}`, target, () => x.softmax(1));
}

/** @type {[string, () => Case[]][]} */
const makers = [
  [
    'gemm',
    () => [product(32, 1), product(64, 1), product(128, 1), product(256, 1.8), product(512, 1.8), product(1024, 1.8)],
  ],
  [
    'conv',
    () => [
      ...convolutions(32, 16, 32),
      ...convolutions(32, 32, 16),
      ...convolutions(32, 64, 8),
      ...convolutions(4, 64, 56),
      ...convolutions(2, 256, 14),
    ],
  ],
  ['attention', () => [...attention(8, 4, 128, 64), ...attention(1, 8, 512, 64)]],
  ['softmax', () => [softmax(8, 16, 1), softmax(512, 512, 1.8), softmax(4096, 1000, 1.8)]],
  ['optim', () => [adam(10_000), adam(1 << 20)]],
  ['elementwise', () => [...elementwise(1000), ...elementwise(1 << 16), ...elementwise(1 << 20)]],
  ['step', () => ['mlp', 'lenet', 'transformer', 'resnet20'].flatMap(training)],
];

const cases = makers
  .filter(
    ([group]) => filters === undefined || filters.some((f) => group.includes(f) || !makers.some(([g]) => g === f)),
  )
  .flatMap(([, make]) => make())
  .filter(
    ({ group, name }) => filters === undefined || filters.some((f) => `${group} ${name}`.toLowerCase().includes(f)),
  );

/** @type {(values: number[]) => number} */
const quartile = (values) => Number([...values].sort((a, b) => a - b)[values.length >> 2]);

/** Milliseconds of one run, the lower quartile of many.
 *
 * @type {(run: () => void) => number}
 */
function timed(run) {
  const samples = [];
  const end = performance.now() + Number(options.time);
  for (let now = performance.now(); now < end || samples.length < 2; ) {
    const begin = now;
    run();
    now = performance.now();
    samples.push(now - begin);
  }
  return quartile(samples);
}

for (const { run } of cases) for (let i = 0; i < 4; i++) run();
/** @type {{ one: number[], several: number[], bits: (Float32Array | undefined)[] }[]} */
const found = cases.map(() => ({ one: [], several: [], bits: [] }));
for (let round = 0; round < Number(options.rounds); round++) {
  for (const count of [1, threads]) {
    const came = await setThreads(count);
    if (came !== count || getThreads() !== count) throw new Error(`${came} of ${count} threads came`);
    cases.forEach(({ run, bits }, i) => {
      const entry = /** @type {(typeof found)[number]} */ (found[i]);
      run();
      (count === 1 ? entry.one : entry.several).push(timed(run));
      if (round === 0) entry.bits.push(bits?.());
    });
  }
}
await setThreads(1);

const rows = cases.map(({ group, name, target }, i) => {
  const { one, several, bits } = /** @type {(typeof found)[number]} */ (found[i]);
  const [a, b] = bits;
  const same = a === undefined || b === undefined ? null : a.every((value, k) => Object.is(value, b[k]));
  return {
    group,
    name,
    target,
    one: quartile(one),
    several: quartile(several),
    ratio: quartile(one) / quartile(several),
    same,
  };
});
if (options.json) console.log(JSON.stringify({ node: process.version, threads, rows }, null, 1));
else {
  for (const { group, name, target, one, several, ratio, same } of rows) {
    const times = `${one.toPrecision(3).padStart(9)} ms ${several.toPrecision(3).padStart(9)} ms`;
    const bits = same === null ? '' : same ? 'same bits' : 'OTHER BITS';
    console.log(`${group.padEnd(12)} ${name.padEnd(48)} ${times}  × ${ratio.toFixed(2)}  (${target})  ${bits}`);
  }
}
