/**
 * What is timed: named shapes of real networks. Each case says how much arithmetic it does, and checks its answer against a
 * float64 loop before it is timed.
 */
import { conv2d, crossEntropy, noGrad, rand, randint, scope, softmax } from 'fettle';
import { Linear, ReLU, Sequential } from 'fettle/nn';
import { Adam } from 'fettle/optim';

/** @typedef {{ name: string, work: number, unit: string, run: () => unknown, check: () => void }} Case */

/**
 * Throws unless `got` is within `tolerance` of `expected`, element by element.
 *
 * @param {ArrayLike<number>} got
 * @param {ArrayLike<number>} expected
 * @param {number} tolerance
 */
function same(got, expected, tolerance) {
  for (let i = 0; i < got.length; i++) {
    if (!(Math.abs(Number(got[i]) - Number(expected[i])) <= tolerance)) {
      throw new Error(`element ${i} is ${got[i]}, expected ${expected[i]}`);
    }
  }
}

/** @type {(values: ArrayLike<number>, i: number) => number} */
const at = (values, i) => /** @type {number} */ (values[i]);

/** @type {(m: number, k: number, n: number) => Case} */
function productCase(m, k, n) {
  const a = rand([m, k]).keep();
  const b = rand([k, n]).keep();
  return {
    name: `matmul ${m} × ${k} × ${n}`,
    work: 2 * m * k * n,
    unit: 'GFLOP/s',
    run: () => scope(() => noGrad(() => void a.matmul(b))),
    check() {
      const [x, y] = [a.dataSync(), b.dataSync()];
      const z = scope(() => a.matmul(b).dataSync());
      const rows = [0, m >> 1, m - 1];
      for (const i of rows) {
        const expected = Array.from({ length: n }, (_, j) => {
          let total = 0;
          for (let l = 0; l < k; l++) total += at(x, i * k + l) * at(y, l * n + j);
          return total;
        });
        same(z.slice(i * n, (i + 1) * n), expected, 1e-5 * k);
      }
    },
  };
}

/** @type {(batch: number, channels: number, size: number, out: number, field: number) => Case} */
function convolutionCase(batch, channels, size, out, field) {
  const x = rand([batch, channels, size, size]).keep();
  const w = rand([out, channels, field, field]).keep();
  const pad = field >> 1;
  return {
    name: `conv ${field}×${field} ${channels}→${out}, ${size}², batch ${batch}`,
    work: 2 * batch * out * size * size * channels * field * field,
    unit: 'GFLOP/s',
    run: () => scope(() => noGrad(() => void conv2d(x, w, null, { padding: pad }))),
    check() {
      const [a, b] = [x.dataSync(), w.dataSync()];
      const y = scope(() => conv2d(x, w, null, { padding: pad }).dataSync());
      /** @type {[number, number, number][]} */
      const places = [
        [0, 0, 0],
        [out - 1, size >> 1, size - 1],
      ];
      for (const [o, r, c] of places) {
        let total = 0;
        for (let ch = 0; ch < channels; ch++) {
          for (let i = 0; i < field; i++) {
            for (let j = 0; j < field; j++) {
              const [p, q] = [r + i - pad, c + j - pad];
              if (p < 0 || p >= size || q < 0 || q >= size) continue;
              total += at(a, (ch * size + p) * size + q) * at(b, ((o * channels + ch) * field + i) * field + j);
            }
          }
        }
        same([at(y, (o * size + r) * size + c)], [total], 1e-5 * channels * field * field);
      }
    },
  };
}

/** @type {(rows: number, cols: number) => Case} */
function softmaxCase(rows, cols) {
  const x = rand([rows, cols]).keep();
  return {
    name: `softmax ${rows} × ${cols}`,
    work: rows * cols,
    unit: 'G elements/s',
    run: () => scope(() => noGrad(() => void softmax(x, 1))),
    check() {
      const row = x.dataSync().slice(0, cols);
      const powers = [...row].map(Math.exp);
      const total = powers.reduce((a, b) => a + b, 0);
      same(
        scope(() => softmax(x, 1).dataSync()).slice(0, cols),
        powers.map((p) => p / total),
        1e-6,
      );
    },
  };
}

/** @type {(sizes: readonly number[], batch: number) => Case} */
function trainingCase(sizes, batch) {
  const layers = sizes
    .slice(1)
    .flatMap((out, i) => [new Linear(at(sizes, i), out), ...(i < sizes.length - 2 ? [new ReLU()] : [])]);
  const model = new Sequential(...layers);
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 });
  const x = rand([batch, at(sizes, 0)]).keep();
  const y = randint(0, at(sizes, sizes.length - 1), [batch]).keep();
  const weights = sizes.slice(1).reduce((n, out, i) => n + out * at(sizes, i), 0);
  const step = () =>
    scope(() => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(x), y);
      loss.backward();
      optimizer.step();
      return loss.item();
    });
  return {
    name: `training step ${sizes.join('-')}, batch ${batch}`,
    work: 6 * batch * weights,
    unit: 'GFLOP/s',
    run: step,
    check() {
      const first = step();
      for (let i = 0; i < 30; i++) step();
      if (!(step() < first)) throw new Error('the loss does not fall');
    },
  };
}

export const cases = () => [
  productCase(64, 64, 64),
  productCase(256, 256, 256),
  productCase(512, 512, 512),
  productCase(64, 784, 128),
  productCase(1, 784, 128),
  convolutionCase(64, 16, 8, 32, 3),
  convolutionCase(32, 1, 28, 8, 5),
  convolutionCase(1, 64, 56, 64, 3),
  softmaxCase(512, 512),
  trainingCase([784, 256, 128, 10], 64),
];
