/** TensorFlow.js on its JavaScript or its wasm backend: channels last and eager, as it wants it. */
import { createRequire } from 'node:module';
import { ADAM, BATCH_NORM, batchOf, forward, inputsOf, LAYER_NORM_EPS, valuesOf } from '../nets.mjs';
import { load } from '../peers/load.mjs';
import { versionOf } from './version.mjs';

/** @typedef {import('../nets.mjs').Net} Net */

/** @param {string} mode */
export default async function tfjs(mode) {
  const tf = (await load('@tensorflow/tfjs')).default;
  if (mode === 'tfjs-wasm') {
    const wasm = await load('@tensorflow/tfjs-backend-wasm');
    const { setWasmPaths, setThreadsCount } = wasm.default ?? wasm;
    const resolve = createRequire(new URL('../peers/package.json', import.meta.url)).resolve;
    setWasmPaths(resolve('@tensorflow/tfjs-backend-wasm/package.json').replace(/package\.json$/, 'dist/'));
    setThreadsCount(1);
  }
  const backend = mode.replace('tfjs-', '');
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} does not start`);
  await tf.ready();

  /** @type {(training: boolean, mutable: boolean) => import('../nets.mjs').Vocabulary<any>} */
  const vocabulary = (training, mutable) => ({
    linear(x, weight, bias) {
      const [inputs, outputs] = [weight.shape[0], weight.shape[1]];
      const y = tf.add(tf.matMul(x.reshape([-1, inputs]), weight), bias);
      return y.reshape([...x.shape.slice(0, -1), outputs]);
    },
    conv(x, weight, bias, { stride, pad }) {
      const y = tf.conv2d(x, weight, stride, pad, 'NHWC', 1, pad === 0 ? undefined : 'floor');
      return bias === null ? y : tf.add(y, bias);
    },
    batchNorm(x, weight, bias, mean, variance) {
      if (!training) return tf.batchNorm(x, mean, variance, bias, weight, BATCH_NORM.eps);
      const { mean: m, variance: v } = tf.moments(x, [0, 1, 2]);
      if (mutable) {
        const n = x.size / x.shape[3];
        const share = BATCH_NORM.momentum;
        mean.assign(tf.add(tf.mul(mean, 1 - share), tf.mul(m, share)));
        variance.assign(tf.add(tf.mul(variance, 1 - share), tf.mul(v, (share * n) / (n - 1))));
      }
      return tf.batchNorm(x, m, v, bias, weight, BATCH_NORM.eps);
    },
    layerNorm(x, weight, bias) {
      const { mean, variance } = tf.moments(x, -1, true);
      return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, LAYER_NORM_EPS))), weight), bias);
    },
    attention(x, inWeight, inBias, outWeight, outBias, heads) {
      const [batch, length, width] = x.shape;
      const all = tf.add(tf.matMul(x.reshape([-1, width]), inWeight), inBias).reshape([batch, length, 3 * width]);
      const [q, k, v] = tf
        .split(all, 3, -1)
        .map((/** @type {any} */ part) =>
          tf.transpose(part.reshape([batch, length, heads, width / heads]), [0, 2, 1, 3]),
        );
      const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width / heads));
      const y = tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]).reshape([-1, width]);
      return tf.add(tf.matMul(y, outWeight), outBias).reshape([batch, length, width]);
    },
    relu: (x) => tf.relu(x),
    gelu: (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
    maxPool: (x) => tf.maxPool(x, 2, 2, 'valid'),
    globalPool: (x) => tf.mean(x, [1, 2]),
    flatten: (x) => x.reshape([x.shape[0], -1]),
    add: (a, b) => tf.add(a, b),
    fork: (x) => [x, x],
  });

  /** Values as this engine lays them out: products [in, out], filters [height, width, in, out], and the product behind a
   * flattening in the order of channels last.
   *
   * @type {(net: Net, trainable: boolean) => any[]}
   */
  const placed = (net, trainable) => {
    const flat = net.layers.findIndex((layer) => layer.op === 'flatten');
    const spread = net.layers[flat];
    return valuesOf(net).map(({ name, shape, learned, data }) => {
      const value = tf.tidy(() => {
        const plain = tf.tensor(data, shape, 'float32');
        if (shape.length === 4) return tf.transpose(plain, [2, 3, 1, 0]);
        if (shape.length !== 2) return plain.clone();
        if (spread?.op === 'flatten' && name === `${flat + 1}.weight`) {
          const [c, h, w] = spread.shape;
          return tf.transpose(plain.reshape([shape[0], c, h, w]), [2, 3, 1, 0]).reshape([shape[1], shape[0]]);
        }
        return tf.transpose(plain);
      });
      return trainable || !learned ? tf.variable(value, trainable && learned) : value;
    });
  };
  /** @type {(data: Float32Array, shape: number[]) => any} */
  const input = (data, shape) => {
    const x = tf.tensor(data, shape, 'float32');
    return shape.length === 4 ? tf.transpose(x, [0, 2, 3, 1]) : x;
  };
  /** @type {(values: any[]) => () => any} */
  const taking = (values) => {
    let i = 0;
    return () => values[i++];
  };

  return {
    version: versionOf('@tensorflow/tfjs'),
    /** @param {Net} net @param {string} task */
    async prepare(net, task) {
      const batch = batchOf(net, task);
      const inputs = inputsOf(net, batch);
      const x = input(inputs.x, [batch, ...net.input]);
      const values = placed(net, task === 'train');
      if (task !== 'train') {
        return () => {
          const output = tf.tidy(() => forward(net.layers, x, vocabulary(false, false), taking(values)));
          const data = output.dataSync();
          output.dispose();
          return data;
        };
      }
      const target =
        net.loss === 'crossEntropy'
          ? tf.oneHot(tf.tensor1d(inputs.labels, 'int32'), net.classes)
          : input(inputs.target, [batch, ...net.input]);
      const optimizer = tf.train.adam(ADAM.lr, ADAM.beta1, ADAM.beta2, ADAM.eps);
      const lossOf = () => {
        const output = forward(net.layers, x, vocabulary(true, true), taking(values));
        return net.loss === 'crossEntropy'
          ? tf.losses.softmaxCrossEntropy(target, output)
          : tf.losses.meanSquaredError(target, output);
      };
      const learned = values.filter((value) => value.trainable);
      return () => {
        const loss = optimizer.minimize(lossOf, true, learned);
        const value = loss.dataSync()[0];
        loss.dispose();
        return value;
      };
    },
    /** What comes out in another order of dimensions.
     *
     * @type {(net: Net, output: Float32Array) => Float32Array}
     */
    reorder(net, output) {
      if (net.input.length !== 3 || net.loss === 'crossEntropy') return output;
      const [c, h, w] = /** @type {[number, number, number]} */ (net.input);
      const y = new Float32Array(output.length);
      for (let i = 0; i < output.length; i++) {
        const [n, rest] = [Math.floor(i / (c * h * w)), i % (c * h * w)];
        y[(n * c + (rest % c)) * h * w + Math.floor(rest / c)] = Number(output[i]);
      }
      return y;
    },
  };
}
