/** onnxruntime, compiled to wasm or native, on one thread. It only infers. */
import { batchOf, inputsOf } from '../nets.mjs';
import { onnxOf } from '../onnx.mjs';
import { load } from '../peers/load.mjs';
import { versionOf } from './version.mjs';

/** @typedef {import('../nets.mjs').Net} Net */

/** @param {string} mode 'onnxruntime-web' or 'onnxruntime-node' */
export default async function onnxruntime(mode) {
  const module = await load(mode);
  const ort = module.default ?? module;
  if (mode === 'onnxruntime-web') {
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.simd = true;
  }
  ort.env.logLevel = 'error';
  return {
    version: versionOf(mode),
    /** @param {Net} net @param {string} task */
    async prepare(net, task) {
      if (task === 'train') throw new Error('it does not train');
      const batch = batchOf(net, task);
      const session = await ort.InferenceSession.create(onnxOf(net, batch), {
        executionProviders: [mode === 'onnxruntime-web' ? 'wasm' : 'cpu'],
        graphOptimizationLevel: 'all',
        ...{ intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' },
      });
      const x = new ort.Tensor('float32', inputsOf(net, batch).x, [batch, ...net.input]);
      return async () => (await session.run({ x })).y.data;
    },
  };
}
