/**
 * `node bench/rows.mjs`: what works along rows, as a share of the rate of a copy of as many bytes, and attention against its
 * composition. All of one arithmetic is timed in turn, so that shares hold on a machine whose speed drifts.
 */
import {
  add,
  deterministic,
  layerNorm,
  logSoftmax,
  matmul,
  mul,
  noGrad,
  randn,
  relu,
  scaledDotProductAttention,
  scope,
  softmax,
} from 'fettle';

/** @typedef {import('fettle').Tensor} Tensor */
/** @typedef {{ name: string, bytes: number, run: () => void }} Case */

const [rows, cols] = [1024, 512];
const x = randn([rows, cols]).keep();
const y = randn([rows, cols]).keep();
const bias = randn([cols]).keep();
const [q, k, v] = [randn([8, 4, 128, 64]).keep(), randn([8, 4, 128, 64]).keep(), randn([8, 4, 128, 64]).keep()];

/** @type {(f: () => Tensor) => () => void} */
const freed = (f) => () => scope(() => noGrad(() => void f()));

/** softmax(q · kᵀ / 8) · v with all weights in memory. */
const composed = () => matmul(softmax(matmul(mul(q, 1 / 8), k.transpose(-2, -1)), -1), v);

/** Throws unless two results agree. @type {(a: () => Tensor, b: () => Tensor) => void} */
function agree(a, b) {
  const far = scope(() => a().sub(b()).abs().max().item());
  if (!(far < 1e-5)) throw new Error(`results are ${far} apart`);
}

/** @type {Case[]} */
const cases = [
  { name: 'copy', bytes: 8, run: freed(() => x.clone()) },
  { name: 'relu', bytes: 8, run: freed(() => relu(x)) },
  { name: 'add', bytes: 12, run: freed(() => add(x, y)) },
  { name: 'add a row', bytes: 8, run: freed(() => add(x, bias)) },
  { name: 'sum', bytes: 4, run: freed(() => x.sum()) },
  { name: 'sum of rows', bytes: 4, run: freed(() => x.sum(1)) },
  { name: 'sum of columns', bytes: 4, run: freed(() => x.sum(0)) },
  { name: 'softmax', bytes: 8, run: freed(() => softmax(x, 1)) },
  { name: 'log softmax', bytes: 8, run: freed(() => logSoftmax(x, 1)) },
  { name: 'layer norm', bytes: 8, run: freed(() => layerNorm(x, [cols])) },
  { name: 'attention', bytes: 0, run: freed(() => scaledDotProductAttention(q, k, v)) },
  { name: 'attention composed', bytes: 0, run: freed(composed) },
];

/** Median milliseconds of each case, in rounds that take all cases in turn. @type {() => Map<string, number>} */
function timed() {
  /** @type {Map<string, number[]>} */
  const samples = new Map(cases.map(({ name }) => [name, []]));
  for (let round = 0; round < 60; round++) {
    for (const { name, run } of cases) {
      const from = performance.now();
      run();
      // The first rounds run code that is not optimised yet.
      if (round >= 20) samples.get(name)?.push(performance.now() - from);
    }
  }
  return new Map([...samples].map(([name, times]) => [name, Number(times.sort((a, b) => a - b)[times.length >> 1])]));
}

for (const arithmetic of ['strict', 'relaxed']) {
  deterministic(arithmetic === 'strict');
  agree(() => scaledDotProductAttention(q, k, v), composed);
  agree(
    () => softmax(x, 1).sum(1),
    () => x.sum(1).mul(0).add(1),
  );
  const times = timed();
  const copy = Number(times.get('copy')) / 8;
  for (const { name, bytes } of cases) {
    const ms = Number(times.get(name));
    const share = bytes === 0 ? '' : `${((100 * copy * bytes) / ms).toFixed(0).padStart(4)} % of a copy's bandwidth`;
    console.log(`${arithmetic.padEnd(8)} ${name.padEnd(20)} ${ms.toFixed(4).padStart(9)} ms ${share}`);
  }
}
