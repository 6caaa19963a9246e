import { readFileSync } from 'node:fs';
import { capture, deterministic, noGrad, randn, type Tensor } from 'fettle';
import { afterEach, expect, test } from 'vitest';
import { convolution, signal } from '#binary';
import { DATA_ROOM, jobs, parts, variants } from '../../scripts/parts.mjs';
import { currentDevice } from '../../src/backend/current.js';
import { WasmDevice } from '../../src/backend/wasm.js';
import { HEAP_START } from '../../src/runtime/module.js';
import { lay } from '../../src/runtime/overlay.js';

afterEach(() => deterministic(false));

const bytes = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url)));

/** What a part exports, on a memory of its own. */
function exportsOf(part: string, variant: string): Record<string, unknown> {
  const number = (): WebAssembly.Global => new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 65536, shared: variant.endsWith('shared') });
  const module = new WebAssembly.Module(bytes(`${part}.${variant}`));
  return new WebAssembly.Instance(module, { env: { memory, scratch: number(), refused: number() } }).exports;
}

test.each(variants)(
  '%s: the core leaves the table to kernels, and no part has more than it has places for',
  (variant) => {
    for (const part of parts) {
      const { table, replay, ...kernels } = exportsOf(part, variant) as { table: WebAssembly.Table; replay: unknown };
      expect(replay !== undefined, part).toBe(part === 'core');
      if (part === 'core') expect(table.length).toBeLessThanOrEqual(1024);
      expect(Object.keys(kernels).length, part).toBeLessThanOrEqual(128);
      // Places follow from the order, which must be the same in all binaries of a part.
      expect(Object.keys(kernels)).toEqual(Object.keys(exportsOf(part, 'strict')).filter((name) => name in kernels));
    }
  },
);

test('static data lies below the heap', () => {
  expect(Math.max(...jobs.map(({ base }) => base + DATA_ROOM))).toBeLessThanOrEqual(HEAP_START);
  expect(new Set(jobs.map(({ base }) => base)).size).toBe(jobs.length);
});

test('a kernel has the same place whichever part was loaded first', () => {
  const [one, other] = [new WasmDevice(), new WasmDevice({ strict: true })];
  const [conv, fft] = [convolution.kernel('conv2d_f32'), signal.kernel('fft_f32')];
  const places = [one.engine.kernel(conv).index, one.engine.kernel(fft).index];
  expect([other.engine.kernel(fft).index, other.engine.kernel(conv).index].reverse()).toEqual(places);
  other.engine.useStrict(false);
  expect([other.engine.kernel(conv).index, other.engine.kernel(fft).index]).toEqual(places);
});

test('a part is loaded when its first kernel is called, and a kernel that it has not is named', () => {
  const { engine } = new WasmDevice();
  expect(() => engine.kernel('fft_f32')).toThrow(/fft_f32: the wasm device has no such kernel/);
  expect(engine.kernel(signal.kernel('fft_f32')).run).toBeTypeOf('function');
  expect(() => engine.kernel(signal.kernel('conv2d_f32'))).toThrow(/conv2d_f32: the wasm device has no such kernel/);
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
  const remove = lay(device.engine, (shared) => bytes(shared ? 'core.strict-shared' : 'core.strict'), { exact: true });
  expect(device.engine.kernel('gemm_f32').index).toBe(index);
  expect(product()).toEqual(strict);
  remove();
  expect(product()).toEqual(relaxed);
});

test('kernels that compute something else are suspended by strict arithmetic', () => {
  const { engine } = new WasmDevice({ strict: true });
  const { run } = engine.kernel('gemm_f32');
  const remove = lay(engine, (shared) => bytes(shared ? 'core.relaxed-shared' : 'core.relaxed'), { exact: false });
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
