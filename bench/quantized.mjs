/**
 * Products and layers in int8 against float32, checked before they are timed. Figures are ratios taken in one run, the two
 * sides in turn: medians of rounds.
 *
 *   node bench/quantized.mjs
 */
import { conv2d, deterministic, linear, noGrad, randn, scope, tensor, zeros } from '../dist/index.js';
import { gemm } from '../dist/ops/matmul.js';
import { int8Matmul, packConv2d, packLinear, quantizedConv2d, quantizedLinear } from '../dist/ops/quantized.js';
import { race } from './race.mjs';

/** @param {number} size */
const random = (size) => Int8Array.from({ length: size }, () => Math.floor(Math.random() * 255) - 127);
/** @param {() => unknown} f */
const run = (f) => () => scope(() => void f());

/**
 * GEMM: [M, K] · [N, K]ᵀ.
 *
 * @param {boolean} strict
 */
function products(strict) {
  /** @type {[number, number, number][]} */
  const sizes = [
    [64, 64, 64],
    [128, 128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [1024, 1024, 1024],
    [64, 64, 512],
    [64, 10, 64],
    [1, 512, 512],
    [1, 2048, 2048],
  ];
  for (const [m, n, k] of sizes) {
    const [a, b] = [random(m * k), random(n * k)];
    const [x, packed] = [tensor(a, [m, k]), packLinear(tensor(b, [n, k]))];
    const y = int8Matmul(x, packed).dataSync();
    for (let probe = 0; probe < 200; probe++) {
      const [i, j] = [Math.floor(Math.random() * m), Math.floor(Math.random() * n)];
      let sum = 0;
      for (let l = 0; l < k; l++) sum += Number(a[i * k + l]) * Number(b[j * k + l]);
      if (y[i * n + j] !== sum) throw new Error(`int8 product ${m} × ${n} × ${k} is wrong at ${i}, ${j}`);
    }
    const [p, q, c] = [randn([m, k]), randn([n, k]), zeros([m, n])];
    const [int8 = 0, float = 0] = race([run(() => int8Matmul(x, packed)), run(() => gemm(c, p, q.transpose(0, 1)))]);
    /** @param {number} ms */
    const rate = (ms) => ((2 * m * n * k) / ms / 1e6).toFixed(1);
    row(strict, `product ${m}×${k}·${k}×${n}`, float, int8, `${rate(float)} → ${rate(int8)} G/s`);
  }
}

/** @param {boolean} strict */
function layers(strict) {
  const input = { scale: 0.02, zeroPoint: 3 };
  /** @type {[number, number, number][]} */
  const sizes = [
    [1, 512, 64],
    [64, 512, 64],
    [256, 512, 64],
    [64, 784, 256],
    [1, 2048, 2048],
    [64, 2048, 2048],
  ];
  for (const [m, k, n] of sizes) {
    const [x, w, bias] = [randn([m, k]), randn([n, k]), randn([n])];
    const packed = packLinear(tensor(random(n * k), [n, k]));
    const product = { scale: randn([n]), bias, input };
    const [int8 = 0, float = 0] = race([run(() => quantizedLinear(x, packed, product)), run(() => linear(x, w, bias))]);
    row(strict, `Linear ${k}→${n}, batch ${m}`, float, int8);
  }
  /** @type {[number, number, number, number, number, number?][]} */
  const images = [
    [1, 1, 8, 16, 3],
    [1, 16, 8, 32, 3],
    [64, 1, 8, 16, 3],
    [64, 16, 8, 32, 3],
    [256, 16, 8, 32, 3],
    [1, 64, 28, 64, 3],
    [8, 64, 28, 64, 3],
    [1, 64, 56, 128, 3, 2],
    [1, 256, 14, 256, 1],
    [32, 1, 28, 8, 5],
  ];
  for (const [batch, c, size, oc, kernel, stride = 1] of images) {
    const pad = (kernel - 1) / 2;
    const [x, w, bias] = [randn([batch, c, size, size]), randn([oc, c, kernel, kernel]), randn([oc])];
    const packed = packConv2d(tensor(random(oc * c * kernel * kernel), [oc, c, kernel, kernel]));
    const product = { scale: randn([oc]), bias, input };
    /** @type {import('../dist/ops/quantized.js').QuantizedWindow} */
    const window = { kernel: [kernel, kernel], stride: [stride, stride], padding: [pad, pad], dilation: [1, 1] };
    const [int8 = 0, float = 0] = race([
      run(() => quantizedConv2d(x, packed, window, product)),
      run(() => conv2d(x, w, bias, { stride, padding: pad })),
    ]);
    row(strict, `conv ${kernel}×${kernel} ${c}→${oc} on ${size}², stride ${stride}, batch ${batch}`, float, int8);
  }
}

/**
 * @param {boolean} strict
 * @param {string} name
 * @param {number} float
 * @param {number} int8
 */
function row(strict, name, float, int8, note = '') {
  const arithmetic = strict ? 'strict ' : 'relaxed';
  const times = `${(1e3 * float).toFixed(1)} → ${(1e3 * int8).toFixed(1)} µs`;
  console.log(`${arithmetic} ${name.padEnd(48)} ${(float / int8).toFixed(2).padStart(6)} ×   ${times}  ${note}`);
}

const only = process.argv[2];
noGrad(() => {
  for (const strict of [true, false]) {
    deterministic(strict);
    if (only !== 'layers') products(strict);
    if (only !== 'products') layers(strict);
  }
});
