// Products of float16 matrices in 16-bit arithmetic, where the runtime's GPU has it: compared with products in double.
import { deterministic, linear, manualSeed, matmul, randn, scope, setDevice } from 'fettle';
import { configure } from 'fettle/webgpu';

/** What configure({ f16: true }) promises: a share of the sum of the terms' magnitudes. */
const BOUND = 0.01;
/** What float16 keeps of the result itself. */
const ROUNDED = 2 ** -11;
/** More than float32 would be off by: so it is seen that 16 bits were computed in. */
const SEEN = 1e-5;

/** @typedef {{ m: number, n: number, k: number, batch?: number, ta?: boolean, tb?: boolean, cut?: number, bias?: boolean }} Product */

/** Each takes another way through the shader. @type {Record<string, Product>} */
const products = {
  'of small tiles, read by fours': { m: 16, n: 64, k: 200 },
  'of small tiles, one by one': { m: 7, n: 13, k: 101 },
  'of middle tiles': { m: 90, n: 72, k: 64, ta: true },
  'with rows that begin anywhere': { m: 33, n: 40, k: 66, cut: 3 },
  'both transposed, in a batch': { m: 20, n: 28, k: 36, batch: 3, ta: true, tb: true },
  'cut along K': { m: 40, n: 36, k: 2100, tb: true },
  'of large tiles': { m: 1500, n: 1404, k: 36 },
  'of large tiles, transposed': { m: 1500, n: 1404, k: 20, ta: true, tb: true },
  'of a layer': { m: 50, n: 30, k: 40, bias: true },
};

/** @param {Product} product */
async function errorOf({ m, n, k, batch = 1, ta = false, tb = false, cut = 0, bias = false }) {
  manualSeed(11);
  /** @type {(rows: number, columns: number, turned: boolean) => import('fettle').Tensor} */
  const matrix = (rows, columns, turned) => {
    const shape = turned ? [batch, columns + cut, rows] : [batch, rows, columns + cut];
    const x = randn(batch === 1 ? shape.slice(1) : shape).to('float16');
    const whole = turned ? x.transpose(-1, -2) : x;
    return whole.narrow(-1, cut, columns);
  };
  const [a, b] = [matrix(m, k, ta), matrix(k, n, tb)];
  const shift = bias ? randn([n]).to('float16') : null;
  const y = shift === null ? matmul(a, b) : linear(a, b.transpose(0, 1).contiguous(), shift);
  const [x, w, got] = await Promise.all([a.contiguous().data(), b.contiguous().data(), y.data()]);
  const added = await shift?.data();
  let worst = 0;
  let sum = 0;
  for (let at = 0; at < got.length; at++) {
    const [item, i, j] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
    let want = Number(added?.[j] ?? 0);
    let magnitude = Math.abs(want);
    for (let p = 0; p < k; p++) {
      const term = Number(x[(item * m + i) * k + p]) * Number(w[(item * k + p) * n + j]);
      want += term;
      magnitude += Math.abs(term);
    }
    const off = Math.max(0, Math.abs(Number(got[at]) - want) - ROUNDED * Math.abs(want)) / magnitude;
    worst = Math.max(worst, Number.isNaN(off) ? Number.POSITIVE_INFINITY : off);
    sum += off;
  }
  return { worst, mean: sum / got.length };
}

async function check() {
  configure({ f16: true });
  try {
    await setDevice('webgpu');
  } catch (error) {
    if (!/no GPU can be had|configure\(\{ f16: true \}\) asks for/.test(String(error))) throw error;
    console.log(`16-bit products were not tried: ${error}`);
    return;
  }
  for (const [name, product] of Object.entries(products)) {
    const { worst, mean } = await scope(() => errorOf(product));
    console.log(`a product ${name}: off by ${worst.toExponential(2)} at most, ${mean.toExponential(2)} in the mean`);
    if (!(worst < BOUND)) throw new Error(`a product ${name} is off by ${worst}`);
    if (!(worst > SEEN)) throw new Error(`a product ${name} is off by ${worst} alone, so it was computed in float32`);
  }
  await deterministic(true);
  const { worst } = await scope(() => errorOf({ m: 16, n: 64, k: 200 }));
  await deterministic(false);
  if (!(worst < SEEN)) throw new Error(`a product with deterministic(true) is off by ${worst}`);
}

const wrong = await check().then(
  () => '',
  (error) => String(error?.stack ?? error),
);
console.log(`\nRESULTS ${JSON.stringify({ halves: wrong })}`);
