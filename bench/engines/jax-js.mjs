/** jax-js on its wasm device: the whole step, gradient and Adam, in one jit. */
import { ADAM, BATCH_NORM, batchOf, forward, inputsOf, LAYER_NORM_EPS, valuesOf } from '../nets.mjs';
import { load } from '../peers/load.mjs';
import { versionOf } from './version.mjs';

/** @typedef {import('../nets.mjs').Net} Net */

export default async function jaxJs() {
  const jax = await load('@jax-js/jax');
  const { jit, lax, nn, numpy: np, tree, valueAndGrad } = jax;
  await jax.init('wasm');
  jax.defaultDevice('wasm');

  /** Every value counts its holders: a function consumes what it gets, `.ref` keeps one more.
   *
   * @type {(x: any, axis: number | number[], keepdims?: boolean) => [any, any]}
   */
  const moments = (x, axis) => {
    const mean = np.mean(x.ref, axis, { keepdims: true });
    const centered = x.sub(mean.ref);
    return [mean, centered];
  };

  /** @type {(training: boolean, updates: any[]) => import('../nets.mjs').Vocabulary<any>} */
  const vocabulary = (training, updates) => ({
    linear: (x, weight, bias) => np.matmul(x, np.matrixTranspose(weight)).add(bias),
    conv(x, weight, bias, { stride, pad, out }) {
      const y = lax.convGeneralDilated(
        x,
        weight,
        [stride, stride],
        [
          [pad, pad],
          [pad, pad],
        ],
      );
      return bias === null ? y : y.add(bias.reshape([1, out, 1, 1]));
    },
    batchNorm(x, weight, bias, mean, variance) {
      const channels = x.shape[1];
      /** @type {(value: any) => any} */
      const wide = (value) => value.reshape([1, channels, 1, 1]);
      if (!training) {
        const scale = weight.div(np.sqrt(variance.add(BATCH_NORM.eps)));
        return x.mul(wide(scale.ref)).add(wide(bias.sub(mean.mul(scale))));
      }
      const n = x.size / channels;
      const [batchMean, centered] = moments(x, [0, 2, 3]);
      const batchVariance = np.mean(np.square(centered.ref), [0, 2, 3], { keepdims: true });
      const m = BATCH_NORM.momentum;
      const unbiased = lax
        .stopGradient(batchVariance.ref)
        .reshape([channels])
        .mul((n / (n - 1)) * m);
      updates.push(mean.mul(1 - m).add(lax.stopGradient(batchMean).reshape([channels]).mul(m)));
      updates.push(variance.mul(1 - m).add(unbiased));
      const scale = wide(weight).div(np.sqrt(batchVariance.add(BATCH_NORM.eps)));
      return centered.mul(scale).add(wide(bias));
    },
    layerNorm(x, weight, bias) {
      const [mean, centered] = moments(x, -1);
      mean.dispose();
      const variance = np.mean(np.square(centered.ref), -1, { keepdims: true });
      return centered
        .div(np.sqrt(variance.add(LAYER_NORM_EPS)))
        .mul(weight)
        .add(bias);
    },
    attention(x, inWeight, inBias, outWeight, outBias, heads) {
      const [batch, length, width] = x.shape;
      const all = np.matmul(x, np.matrixTranspose(inWeight)).add(inBias);
      /** @type {any[]} */
      const parts = np.split(all, 3, -1);
      // Its own dotProductAttention wants a later Node than the oldest that fettle runs on.
      const [q, k, v] = parts.map((part) =>
        np.transpose(part.reshape([batch, length, heads, width / heads]), [0, 2, 1, 3]),
      );
      const scores = np.matmul(q, np.matrixTranspose(k)).mul(1 / Math.sqrt(width / heads));
      const mixed = np.matmul(nn.softmax(scores, -1), v);
      const y = np.transpose(mixed, [0, 2, 1, 3]).reshape([batch, length, width]);
      return np.matmul(y, np.matrixTranspose(outWeight)).add(outBias);
    },
    relu: (x) => nn.relu(x),
    gelu: (x) => nn.gelu(x, { approximate: false }),
    maxPool(x) {
      const [batch, channels, height, width] = x.shape;
      return np.max(x.reshape([batch, channels, height / 2, 2, width / 2, 2]), [3, 5]);
    },
    globalPool: (x) => np.mean(x, [2, 3]),
    flatten: (x, shape) => x.reshape([x.shape[0], shape.reduce((n, d) => n * d, 1)]),
    add: (a, b) => a.add(b),
    fork: (x) => [x.ref, x],
  });

  /** @type {(data: Float32Array | Int32Array, shape: number[]) => any} */
  const array = (data, shape) => np.array(data).reshape(shape);

  return {
    version: versionOf('@jax-js/jax'),
    /** @param {Net} net @param {string} task */
    async prepare(net, task) {
      const values = valuesOf(net);
      const batch = batchOf(net, task);
      const inputs = inputsOf(net, batch);
      const x = array(inputs.x, [batch, ...net.input]);
      let learned = values.filter((v) => v.learned).map((v) => array(v.data, v.shape));
      let fixed = values.filter((v) => !v.learned).map((v) => array(v.data, v.shape));
      /** @type {(parameters: any[], statistics: any[]) => () => any} */
      const taking = (parameters, statistics) => {
        const [p, s] = [[...parameters], [...statistics]];
        let i = 0;
        return () => (values[i++]?.learned ? p.shift() : s.shift());
      };
      if (task !== 'train') {
        const answer = jit(
          (/** @type {any[]} */ parameters, /** @type {any[]} */ statistics, /** @type {any} */ input) =>
            forward(net.layers, input, vocabulary(false, []), taking(parameters, statistics)),
        );
        return async () => {
          const y = answer(tree.ref(learned), tree.ref(fixed), x.ref);
          return /** @type {Float32Array} */ (await y.data());
        };
      }
      const labels = new Float32Array(batch * net.classes);
      inputs.labels.forEach((label, i) => {
        labels[i * net.classes + label] = 1;
      });
      const y =
        net.loss === 'crossEntropy' ? array(labels, [batch, net.classes]) : array(inputs.target, [batch, ...net.input]);
      /** @type {(parameters: any[], statistics: any[], x: any, y: any) => any} */
      const lossOf = (parameters, statistics, x, y) => {
        /** @type {any[]} */
        const updates = [];
        const output = forward(net.layers, x, vocabulary(true, updates), taking(parameters, statistics));
        const loss =
          net.loss === 'crossEntropy'
            ? nn
                .logSoftmax(output)
                .mul(y)
                .sum()
                .mul(-1 / batch)
            : np.mean(np.square(output.sub(y)));
        return [loss, updates];
      };
      const gradient = valueAndGrad(lossOf, { hasAux: true });
      const { lr, beta1, beta2, eps } = ADAM;
      const step = jit(
        (
          /** @type {any[]} */ parameters,
          /** @type {any[]} */ statistics,
          /** @type {any[]} */ first,
          /** @type {any[]} */ second,
          /** @type {any} */ rate,
          /** @type {any} */ root,
          /** @type {any} */ x,
          /** @type {any} */ y,
        ) => {
          const [[loss, updates], gradients] = gradient(tree.ref(parameters), statistics, x, y);
          const m = first.map((value, i) => value.mul(beta1).add(gradients[i].ref.mul(1 - beta1)));
          const v = second.map((value, i) => value.mul(beta2).add(np.square(gradients[i]).mul(1 - beta2)));
          const next = parameters.map((p, i) =>
            p.sub(m[i].ref.mul(rate.ref).div(np.sqrt(v[i].ref).div(root.ref).add(eps))),
          );
          rate.dispose();
          root.dispose();
          return [loss, next, updates, m, v];
        },
      );
      let first = learned.map((p) => np.zeros(p.shape));
      let second = learned.map((p) => np.zeros(p.shape));
      let count = 0;
      return async () => {
        count++;
        const rate = np.array(Float32Array.of(lr / (1 - beta1 ** count))).reshape([]);
        const root = np.array(Float32Array.of(Math.sqrt(1 - beta2 ** count))).reshape([]);
        const [loss, ...rest] = step(learned, fixed, first, second, rate, root, x.ref, y.ref);
        [learned, fixed, first, second] = rest;
        // The loss is in memory when it has been read; what else the step gives is asked for in the next.
        return Number((await loss.data())[0]);
      };
    },
  };
}
