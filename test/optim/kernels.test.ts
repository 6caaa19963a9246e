import { describe, expect, it } from 'vitest';
import { optimizers } from '#binary';
import { WasmDevice } from '../../src/backend/wasm.js';
import type { Tensor } from '../../src/core/tensor.js';
import { allocate } from '../../src/core/tensor.js';
import { encode } from '../../src/runtime/launch.js';
import { elements } from '../golden/inputs.js';

const COUNT = 43;

/** How many pointers a kernel has, and its numbers; the flags follow the count. */
const KERNELS: readonly (readonly [kernel: string, pointers: number, floats: number[], flags: number[]])[] = [
  ['sgd_f32', 3, [0.1, 0.9, 0.7, 0.01], [1, 0, 1]],
  ['adam_f32', 5, [0.1, 0.99, 0.01, 1e-8, 0.1, 0.999, 0.02, 0.5], [0, 1]],
  ['rmsprop_f32', 5, [0.01, 0.9, 0.1, 1e-8, 0.5, 0.1], [0]],
  ['adagrad_f32', 3, [0.1, 1e-10, 0.1], [1]],
  ['adamax_f32', 4, [0.1, 0.99, 1e-8, 0.1, 0.02], [0]],
  ['nadam_f32', 4, [0.1, 0.99, 0.01, 1e-8, 0.1, 0.99, 0.3, 0.01, 0.02], [1, 0]],
  ['radam_f32', 4, [0.1, 0.99, 0.01, 1e-8, 0.1, 0.99, 0.02, 0.5], [1, 0, 0]],
  ['adadelta_f32', 4, [1, 0.9, 0.1, 1e-6, 0.1], [0]],
  ['rprop_f32', 4, [0.5, 1.2, 1e-6, 50], [0]],
  ['asgd_f32', 3, [0.1, 0.999, 0.25, 0.1], [0]],
  ['lion_f32', 3, [0.01, 0.9, 0.1, 0.99, 0.01, 0.99], [0]],
  ['clipNorm_f32', 2, [0.5], []],
  ['average_f32', 2, [0.1], []],
];

/** What `kernel` leaves in its tensors when its work is done in the given shares. */
function run([name, pointers, floats, flags]: (typeof KERNELS)[number], cuts: readonly number[]): number[][] {
  const device = new WasmDevice();
  const tensors: Tensor[] = Array.from({ length: pointers }, (_, k) => {
    // Averages of squares and step sizes are not negative, and no average of squares is below the square of an average;
    // parameter and gradient are of either sign.
    const [low, high] = k === 0 || k === pointers - 1 ? [-1, 1] : k === 1 ? [0.5, 1] : [0.01, 0.3];
    const x = allocate(device, [COUNT], 'float32', 'kernel test');
    device.write(
      x.storage,
      0,
      new Uint8Array(Float32Array.from(elements(k + 1, { shape: [COUNT], low, high })).buffer),
    );
    return x;
  });
  const { engine } = device;
  const named = ['sgd_f32', 'adam_f32'].includes(name) ? name : optimizers.kernel(name);
  const kernel = engine.kernel(named);
  const launch = { kernel: named, work: COUNT, writes: tensors, reads: [], floats, ints: [COUNT, ...flags] };
  encode(engine, launch, kernel.index, engine.record);
  for (const [i, begin] of cuts.entries()) kernel.run(engine.record, begin, cuts[i + 1] ?? COUNT);
  return tensors.map((x) => [...x.dataSync()]);
}

describe('kernels of optimizers', () => {
  it.each(KERNELS.map((one) => [one[0], one] as const))('%s gives the same bits wherever its work is cut', (_, one) => {
    const whole = run(one, [0]);
    expect(run(one, [0, 1, 6, 7, 20, 42])).toEqual(whole);
    expect(whole.flat().every(Number.isFinite)).toBe(true);
  });
});
