import { deterministic, rand, randn, tensor } from 'fettle';
import { afterEach, expect, test } from 'vitest';
import { convolution, quantized } from '#binary';
import { WasmDevice } from '../../src/backend/wasm.js';
import { Generator, philox } from '../../src/core/random.js';
import { allocate, type Tensor } from '../../src/core/tensor.js';
import { gemm } from '../../src/ops/matmul.js';
import { exp } from '../../src/ops/unary.js';

afterEach(() => deterministic(false));

/** A device on each of the four binaries. */
const devices = [false, true].flatMap((shared) => [true, false].map((strict) => new WasmDevice({ shared, strict })));

function on(device: WasmDevice, values: Float32Array, shape: readonly number[]): Tensor {
  const x = allocate(device, shape, 'float32', 'test');
  device.write(x.storage, 0, new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength));
  return x;
}

function product(device: WasmDevice): Float32Array {
  const random = new Generator(3);
  const [m, k, n] = [37, 65, 29];
  const a = on(
    device,
    Float32Array.from({ length: m * k }, () => random.normal()),
    [m, k],
  );
  const b = on(
    device,
    Float32Array.from({ length: k * n }, () => random.normal()),
    [k, n],
  );
  const c = allocate(device, [m, n], 'float32', 'test');
  gemm(c, a, b);
  return exp(c).dataSync() as Float32Array;
}

test('the four binaries are chosen as asked, and compute the same', () => {
  expect(devices.map((d) => d.engine.variant)).toEqual(['strict', 'relaxed', 'strict-shared', 'relaxed-shared']);
  const [strict, relaxed, strictShared, relaxedShared] = devices.map(product) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  expect(strictShared).toEqual(strict);
  expect(relaxedShared).toEqual(relaxed);
  strict.forEach((value, i) => {
    expect(Math.abs((relaxed[i] as number) - value)).toBeLessThanOrEqual(1e-4 * Math.abs(value));
  });
});

test('every binary exports the same kernels', () => {
  const names = devices.map((d) =>
    ['add_f32', 'gemm_f32', quantized.kernel('qgemm_f32'), convolution.kernel('conv2d_f32')].map(
      (kernel) => d.engine.kernel(kernel).index,
    ),
  );
  for (const other of names) expect(other).toEqual(names[0]);
});

test('a kernel that is not there is named', () => {
  expect(() => (devices[0] as WasmDevice).engine.kernel('nothing_f32')).toThrow(
    /nothing_f32: the wasm device has no such kernel/,
  );
});

test('deterministic() exchanges the arithmetic on the same memory', () => {
  const x = tensor([1, 2, 3]);
  deterministic(true);
  const strict = x.exp().toArray();
  deterministic(false);
  expect(x.exp().add(0).toArray()).toHaveLength(3);
  deterministic(true);
  expect(x.exp().toArray()).toEqual(strict);
  expect(x.toArray()).toEqual([1, 2, 3]);
});

test('philox is the published one', () => {
  // The known answers of Random123: counter and key all zeros, and all ones in the words used here.
  expect(philox(0, 0, 0, 0)).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
});

test('tensors are filled with the numbers that the generator counts', () => {
  const words = Array.from({ length: 3 }, (_, block) => philox(42, 0, block, 0)).flat();
  const expected = words.map((word) => (word >>> 8) / 2 ** 24);
  expect([...rand([11], { generator: new Generator(42) }).dataSync()]).toEqual(expected.slice(0, 11));
});

test('normal numbers have the moments of the normal distribution', () => {
  const z = randn([200_000], { generator: new Generator(1) });
  const [mean, std] = [z.mean().item(), z.std().item()];
  const fourth = z.square().square().mean().item();
  expect(Math.abs(mean)).toBeLessThan(0.01);
  expect(Math.abs(std - 1)).toBeLessThan(0.01);
  expect(Math.abs(fourth - 3)).toBeLessThan(0.08);
});

test('a stream goes on from its state, and forks do not depend on what was drawn', () => {
  const a = new Generator(9);
  rand([5], { generator: a });
  const state = a.getState();
  const next = rand([4], { generator: a }).toArray();
  expect(rand([4], { generator: new Generator().setState(state) }).toArray()).toEqual(next);
  expect(new Generator(9).fork('x', 3).uint32()).toBe(a.fork('x', 3).uint32());
  expect(a.fork('x', 3).uint32()).not.toBe(a.fork('x', 4).uint32());
});
