/** numpy-ts, which has arrays and products but no gradients: it answers where a net is products alone. */
import { batchOf, inputsOf, valuesOf } from '../nets.mjs';
import { load } from '../peers/load.mjs';
import { versionOf } from './version.mjs';

/** @typedef {import('../nets.mjs').Net} Net */

export default async function numpyTs() {
  const np = await load('numpy-ts');
  return {
    version: versionOf('numpy-ts'),
    /** @param {Net} net @param {string} task */
    async prepare(net, task) {
      if (task === 'train') throw new Error('it has no gradients');
      const foreign = net.layers.find((layer) => layer.op !== 'linear' && layer.op !== 'relu');
      if (foreign !== undefined) throw new Error(`it has no ${foreign.op}`);
      /** @type {(data: Float32Array, shape: number[]) => any} */
      const array = (data, shape) => np.array(data, 'float32').reshape(...shape);
      const batch = batchOf(net, task);
      const x = array(inputsOf(net, batch).x, [batch, ...net.input]);
      // Weights turned once beforehand: a product with a transposed view takes a slow way here.
      const values = valuesOf(net).map(({ shape, data }) => {
        const [rows = 1, columns] = shape;
        if (columns === undefined) return array(data, shape);
        const turned = Float32Array.from(data, (_, i) => Number(data[(i % rows) * columns + Math.floor(i / rows)]));
        return array(turned, [columns, rows]);
      });
      return () => {
        let y = x;
        let i = 0;
        for (const layer of net.layers) {
          y = layer.op === 'relu' ? np.maximum(y, 0) : y.matmul(values[i++]).add(values[i++]);
        }
        return y.data;
      };
    },
  };
}
