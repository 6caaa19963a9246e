import { readFileSync } from 'node:fs';
import { capture, deterministic, noGrad, randn, type Tensor } from 'fettle';
import { afterEach, expect, test } from 'vitest';
import { currentDevice } from '../../src/backend/current.js';
import { WasmDevice } from '../../src/backend/wasm.js';
import { lay } from '../../src/runtime/overlay.js';

afterEach(() => deterministic(false));

const bytes = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url)));

test.each(['strict', 'relaxed', 'strict-shared', 'relaxed-shared'])('%s leaves the table to kernels', (name) => {
  const shared = name.endsWith('shared');
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 65536, shared });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes(name)), { env: { memory } });
  const { table } = exports as unknown as { table: WebAssembly.Table };
  expect(table.length).toBeLessThanOrEqual(1024);
});

test('kernels of another binary stand in, and go again', () => {
  const device = currentDevice() as WasmDevice;
  const [a, b] = [randn([33, 70]), randn([70, 21])];
  const product = (): number[] => noGrad(() => Array.from(a.matmul(b).dataSync()));
  const relaxed = product();
  deterministic(true);
  const strict = product();
  deterministic(false);
  expect(relaxed).not.toEqual(strict);

  const { index } = device.engine.kernel('gemm_f32');
  const remove = lay(device.engine, bytes('strict'), { exact: true });
  expect(device.engine.kernel('gemm_f32').index).toBe(index);
  expect(product()).toEqual(strict);
  remove();
  expect(product()).toEqual(relaxed);
});

test('kernels that compute something else are suspended by strict arithmetic', () => {
  const { engine } = new WasmDevice({ strict: true });
  const { run } = engine.kernel('gemm_f32');
  const remove = lay(engine, bytes('relaxed'), { exact: false });
  expect(engine.kernel('gemm_f32').run).toBe(run);
  engine.useStrict(false);
  const over = engine.kernel('gemm_f32').run;
  remove();
  expect(engine.kernel('gemm_f32').run).not.toBe(over);
});

test('a captured step means the same after the arithmetic was exchanged', () => {
  const w = randn([40, 12]);
  const step = capture((x: Tensor) => x.matmul(w).exp());
  const x = randn([5, 40]);
  noGrad(() => {
    const values = [step(x), step(x), step(x)].map((y) => Array.from(y.dataSync()));
    expect(values[2]).toEqual(values[0]);
    deterministic(true);
    expect(Array.from(step(x).dataSync())).toEqual(Array.from(x.matmul(w).exp().dataSync()));
  });
  step.dispose();
});
