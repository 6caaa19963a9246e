/**
 * Convolutions against the product of two 256 × 256 matrices in the same run: the rate of the forward pass, and of both
 * gradients as what a backward pass adds to it. 100 % is the product's rate. `node bench/conv.mjs [strict|relaxed]`.
 */
import { conv2d, deterministic, noGrad, rand, scope } from 'fettle';

/** @typedef {{ n: number, c: number, size: number, oc: number, k: number, stride?: number, pad?: number, groups?: number }} Shape */

/** @type {[name: string, shape: Shape][]} */
const SHAPES = [
  ['3×3 64→64, 56²', { n: 1, c: 64, size: 56, oc: 64, k: 3, pad: 1 }],
  ['3×3 3→16, 32², batch 32', { n: 32, c: 3, size: 32, oc: 16, k: 3, pad: 1 }],
  ['3×3 16→16, 32², batch 32', { n: 32, c: 16, size: 32, oc: 16, k: 3, pad: 1 }],
  ['3×3 32→32, 16², batch 32', { n: 32, c: 32, size: 16, oc: 32, k: 3, pad: 1 }],
  ['3×3 64→64, 8², batch 32', { n: 32, c: 64, size: 8, oc: 64, k: 3, pad: 1 }],
  ['3×3 16→32 by 2, 32², batch 32', { n: 32, c: 16, size: 32, oc: 32, k: 3, stride: 2, pad: 1 }],
  ['3×3 32→64 by 2, 16², batch 32', { n: 32, c: 32, size: 16, oc: 64, k: 3, stride: 2, pad: 1 }],
  ['1×1 16→32 by 2, 32², batch 32', { n: 32, c: 16, size: 32, oc: 32, k: 1, stride: 2 }],
  ['5×5 1→6, 28², batch 64', { n: 64, c: 1, size: 28, oc: 6, k: 5, pad: 2 }],
  ['5×5 6→16, 14², batch 64', { n: 64, c: 6, size: 14, oc: 16, k: 5 }],
  ['5×5 1→8, 28², batch 32', { n: 32, c: 1, size: 28, oc: 8, k: 5, pad: 2 }],
  ['3×3 16→32, 8²', { n: 1, c: 16, size: 8, oc: 32, k: 3, pad: 1 }],
  ['3×3 16→32, 8², batch 64', { n: 64, c: 16, size: 8, oc: 32, k: 3, pad: 1 }],
  ['1×1 64→64, 56²', { n: 1, c: 64, size: 56, oc: 64, k: 1 }],
  ['depthwise 3×3 128, 28², batch 4', { n: 4, c: 128, size: 28, oc: 128, k: 3, pad: 1, groups: 128 }],
];

const ROUNDS = 9;
const SAMPLE = 1;

/** @type {(values: number[]) => number} */
const median = (values) => /** @type {number} */ ([...values].sort((a, b) => a - b)[values.length >> 1]);

/** @type {(run: () => void, times: number) => number} */
function milliseconds(run, times) {
  const start = performance.now();
  for (let i = 0; i < times; i++) run();
  return (performance.now() - start) / times;
}

const strict = process.argv[2] !== 'relaxed';
deterministic(strict);
const [a, b] = [rand([256, 256]).keep(), rand([256, 256]).keep()];
const product = () => scope(() => noGrad(() => void a.matmul(b)));
const productWork = 2 * 256 ** 3;

for (const [name, { n, c, size, oc, k, stride = 1, pad = 0, groups = 1 }] of SHAPES) {
  const x = rand([n, c, size, size]).keep();
  const w = rand([oc, c / groups, k, k]).keep();
  const options = { stride, padding: pad, groups };
  const out = Math.floor((size + 2 * pad - k) / stride) + 1;
  const g = rand([n, oc, out, out]).keep();
  const work = (2 * g.numel() * c * k * k) / groups;
  const forward = () => scope(() => noGrad(() => void conv2d(x, w, options)));
  /** @type {(leaf: typeof x) => () => void} */
  const backward = (leaf) => () => {
    leaf.requiresGrad = true;
    scope(() => conv2d(x, w, options).backward(g));
    leaf.grad = null;
    leaf.requiresGrad = false;
  };
  const runs = [forward, backward(x), backward(w)];
  for (const run of [product, ...runs]) milliseconds(run, 1 + Math.ceil(40 / Math.max(milliseconds(run, 3), 0.01)));
  const counts = runs.map((run) => Math.max(1, Math.round(SAMPLE / milliseconds(run, 2))));
  /** @type {number[][]} */
  const ratios = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    const unit = Math.min(milliseconds(product, 2), milliseconds(product, 2)) / productWork;
    const times = runs.map((run, i) => milliseconds(run, /** @type {number} */ (counts[i])));
    const [first = 0] = times;
    const alone = times.map((t, i) => (i === 0 ? t : t - first));
    alone.forEach((t, i) => {
      ratios[i]?.push((100 * unit * work) / t);
    });
  }
  const [f = 0, dx = 0, dw = 0] = ratios.map(median);
  console.log(
    `${strict ? 'strict' : 'relaxed'} ${name.padEnd(34)} forward ${f.toFixed(0)} %, input ${dx.toFixed(0)} %, weight ${dw.toFixed(0)} %`,
  );
  for (const t of [x, w, g]) t.dispose();
}
