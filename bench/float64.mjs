/** The nets in float64, with loops that leave no doubt: what an engine's first answer is held against. */
import { BATCH_NORM, forward, LAYER_NORM_EPS } from './nets.mjs';

/** @typedef {{ shape: number[], data: Float64Array }} Values */

/** @type {(values: ArrayLike<number>, i: number) => number} */
const at = (values, i) => /** @type {number} */ (values[i]);

/** @type {(shape: number[], f: (i: number) => number) => Values} */
const fill = (shape, f) => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => f(i)),
});

/** erf by its series, and by its continued fraction where that is better (Abramowitz, Stegun 7.1.6 and 7.1.14).
 *
 * @param {number} x
 */
function erf(x) {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let [term, total] = [a, a];
    for (let n = 1; n < 60; n++) {
      term *= (2 * a * a) / (2 * n + 1);
      total += term;
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * total;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

/** @type {(x: Values, w: Values, b: Values) => Values} */
function linear(x, w, b) {
  const [outputs, inputs] = /** @type {[number, number]} */ (w.shape);
  const rows = x.data.length / inputs;
  const data = new Float64Array(rows * outputs);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outputs; o++) {
      let total = at(b.data, o);
      for (let k = 0; k < inputs; k++) total += at(x.data, r * inputs + k) * at(w.data, o * inputs + k);
      data[r * outputs + o] = total;
    }
  }
  return { shape: [...x.shape.slice(0, -1), outputs], data };
}

/** @type {import('./nets.mjs').Vocabulary<Values>} */
export const vocabulary = {
  linear,
  conv(x, w, b, { stride, pad, field }) {
    const [batch, inputs, height, width] = /** @type {[number, number, number, number]} */ (x.shape);
    const outputs = at(w.shape, 0);
    const [h, v] = [height, width].map((size) => Math.floor((size + 2 * pad - field) / stride) + 1);
    const shape = [batch, outputs, Number(h), Number(v)];
    return fill(shape, (index) => {
      const [s, r] = [index % Number(v), Math.floor(index / Number(v)) % Number(h)];
      const o = Math.floor(index / Number(v) / Number(h)) % outputs;
      const n = Math.floor(index / Number(v) / Number(h) / outputs);
      let total = b === null ? 0 : at(b.data, o);
      for (let c = 0; c < inputs; c++) {
        for (let i = 0; i < field; i++) {
          const p = r * stride + i - pad;
          if (p < 0 || p >= height) continue;
          for (let j = 0; j < field; j++) {
            const q = s * stride + j - pad;
            if (q < 0 || q >= width) continue;
            total +=
              at(x.data, ((n * inputs + c) * height + p) * width + q) *
              at(w.data, ((o * inputs + c) * field + i) * field + j);
          }
        }
      }
      return total;
    });
  },
  batchNorm(x, weight, bias, mean, variance) {
    const [channels, plane] = [at(x.shape, 1), at(x.shape, 2) * at(x.shape, 3)];
    return fill(x.shape, (i) => {
      const c = Math.floor(i / plane) % channels;
      const normal = (at(x.data, i) - at(mean.data, c)) / Math.sqrt(at(variance.data, c) + BATCH_NORM.eps);
      return normal * at(weight.data, c) + at(bias.data, c);
    });
  },
  layerNorm(x, weight, bias) {
    const size = weight.data.length;
    const data = new Float64Array(x.data.length);
    for (let from = 0; from < data.length; from += size) {
      const row = x.data.subarray(from, from + size);
      const mean = row.reduce((sum, v) => sum + v, 0) / size;
      const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size;
      for (let i = 0; i < size; i++) {
        const normal = (at(row, i) - mean) / Math.sqrt(variance + LAYER_NORM_EPS);
        data[from + i] = normal * at(weight.data, i) + at(bias.data, i);
      }
    }
    return { shape: x.shape, data };
  },
  attention(x, inWeight, inBias, outWeight, outBias, heads) {
    const [batch, length, width] = /** @type {[number, number, number]} */ (x.shape);
    const all = linear(x, inWeight, inBias).data;
    const size = width / heads;
    const mixed = new Float64Array(x.data.length);
    for (let n = 0; n < batch; n++) {
      for (let h = 0; h < heads; h++) {
        for (let t = 0; t < length; t++) {
          /** @type {(part: number, at: number, i: number) => number} */
          const read = (part, s, i) => at(all, ((n * length + s) * 3 + part) * width + h * size + i);
          const powers = Array.from({ length }, (_, s) => {
            let dot = 0;
            for (let i = 0; i < size; i++) dot += read(0, t, i) * read(1, s, i);
            return Math.exp(dot / Math.sqrt(size));
          });
          const total = powers.reduce((sum, v) => sum + v, 0);
          for (let i = 0; i < size; i++) {
            let value = 0;
            for (let s = 0; s < length; s++) value += at(powers, s) * read(2, s, i);
            mixed[(n * length + t) * width + h * size + i] = value / total;
          }
        }
      }
    }
    return linear({ shape: x.shape, data: mixed }, outWeight, outBias);
  },
  relu: (x) => fill(x.shape, (i) => Math.max(0, at(x.data, i))),
  gelu: (x) => fill(x.shape, (i) => 0.5 * at(x.data, i) * (1 + erf(at(x.data, i) * Math.SQRT1_2))),
  maxPool(x) {
    const [batch, channels, height, width] = /** @type {[number, number, number, number]} */ (x.shape);
    const [h, w] = [height >> 1, width >> 1];
    return fill([batch, channels, h, w], (i) => {
      const [s, r, plane] = [i % w, Math.floor(i / w) % h, Math.floor(i / w / h)];
      const from = (plane * height + 2 * r) * width + 2 * s;
      return Math.max(at(x.data, from), at(x.data, from + 1), at(x.data, from + width), at(x.data, from + width + 1));
    });
  },
  globalPool(x) {
    const plane = at(x.shape, 2) * at(x.shape, 3);
    return fill(
      x.shape.slice(0, 2),
      (i) => x.data.subarray(i * plane, (i + 1) * plane).reduce((a, b) => a + b, 0) / plane,
    );
  },
  flatten: (x) => ({ shape: [at(x.shape, 0), x.data.length / at(x.shape, 0)], data: x.data }),
  add: (a, b) => fill(a.shape, (i) => at(a.data, i) + at(b.data, i)),
  fork: (x) => [x, x],
};

/**
 * What a net in evaluation answers, in float64.
 *
 * @param {import('./nets.mjs').Net} net
 * @param {import('./nets.mjs').Value[]} values
 * @param {Float32Array} x
 * @param {number} batch
 */
export function answerOf(net, values, x, batch) {
  let i = 0;
  const take = () => {
    const { shape, data } = /** @type {import('./nets.mjs').Value} */ (values[i++]);
    return { shape, data: Float64Array.from(data) };
  };
  return forward(net.layers, { shape: [batch, ...net.input], data: Float64Array.from(x) }, vocabulary, take).data;
}
