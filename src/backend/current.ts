import { fetchVariant } from '#binary';
import type { Device, MemoryUse } from '../core/device.js';
import { FettleError, fail, warnOnce } from '../core/errors.js';
import { chooseVariant } from '../runtime/module.js';
import { atStart } from './starting.js';
import { isDeterministic, setStrict } from './strict.js';
import { WasmDevice } from './wasm.js';

export { isDeterministic };

/** The wasm device, made when the first tensor needs it: importing fettle costs no memory. */
let wasm: WasmDevice | null = null;

function wasmDevice(): WasmDevice {
  if (wasm === null) {
    wasm = new WasmDevice({ strict: isDeterministic() });
    for (const act of atStart) act(wasm.engine);
  }
  return wasm;
}

/** Another device than wasm, where one has been chosen. */
let other: Device | null = null;

/** The device on which tensors are created. */
export function currentDevice(): Device {
  return other ?? wasmDevice();
}

/** Makes a device the one on which tensors are created from now on; null: wasm. */
export function useDevice(device: Device | null): void {
  other = device;
}

/** Runs `body`, whose tensors are created on wasm: they can be looked at at once. */
export function onWasm<T>(body: () => T): T {
  const before = other;
  other = null;
  try {
    return body();
  } finally {
    other = before;
  }
}

/** Whoever has the GPU that is open, if there is one: this module carries nothing of it. */
let gpu: (() => Device | null) | null = null;

/**
 * Makes `device` the one on which tensors are created from now on; those that are there stay where they are. 'webgpu' opens the
 * GPU, and rejects with what to do where there is none; 'auto' takes the GPU if there is one and else wasm, and says so once.
 *
 * A GPU answers no reads at once: use `await x.data()` where `x.dataSync()`, `x.item()` or `x.toArray()` stood.
 *
 * @example
 * await setDevice('auto');
 * const y = randn([64, 64]).matmul(randn([64, 64])).relu();
 * const values = await y.data();
 * await setDevice('wasm');
 */
export async function setDevice(device: Device['name'] | 'auto'): Promise<void> {
  if (device === 'wasm') return useDevice(null);
  if (device !== 'webgpu' && device !== 'auto') {
    fail('device', `setDevice: expected 'wasm', 'webgpu' or 'auto', got '${String(device)}'.`);
  }
  const { openGpu, openedGpu } = await import('./webgpu/open.js');
  gpu = openedGpu;
  try {
    useDevice(await openGpu());
  } catch (error) {
    if (device === 'webgpu' || !(error instanceof FettleError)) throw error;
    warnOnce(`setDevice('auto'): tensors are computed on wasm. ${error.message}`, 'no GPU');
    useDevice(null);
  }
}

/** The device of this name, to move a tensor to. */
export function deviceNamed(name: Device['name']): Device {
  if (name === 'wasm') return wasmDevice();
  return (
    (other?.name === name ? other : gpu?.()) ??
    fail(
      'device',
      "to: the GPU is not open. Open it with `await setDevice('webgpu')`; setDevice('wasm') may follow at once.",
    )
  );
}

/**
 * `deterministic(true)` uses the strict binary, whose results are the same bits in every runtime, on every machine; the
 * default uses the fastest binary the runtime has, which may round a product and its sum once instead of twice. In a browser, which
 * has fetched the fastest binary alone, it takes effect when the promise is kept; elsewhere at once.
 */
export function deterministic(on: boolean): Promise<void> {
  const coming = fetchVariant(chooseVariant({ shared: wasm?.engine.shared ?? false, strict: on }));
  const change = (): void => {
    setStrict(on);
    wasm?.engine.useStrict(on);
  };
  if (coming !== undefined) return coming.then(change);
  change();
  return Promise.resolve();
}

/** Memory in use on the current device. */
export function memory(): MemoryUse {
  return currentDevice().memory();
}

/**
 * Runs `body`, in which no more than `bytes` may be held beside what is held already: for what a file says, which may be more
 * than the file is worth. What goes beyond is an error of code 'memory'. Where the body throws, all that it made is freed, even
 * what half-made modules keep.
 */
export function withinMemory<T>(bytes: number, body: () => T): T {
  if (other?.within !== undefined) return other.within(bytes, body);
  const { engine } = wasmDevice();
  const before = engine.limit;
  engine.limit = Math.min(before, engine.use().bytes + bytes);
  const rollback = engine.savepoint();
  try {
    return body();
  } catch (error) {
    rollback();
    throw error;
  } finally {
    engine.limit = before;
  }
}

/**
 * Remembers, from now on, where every tensor is made, so that `leakReport()` can name lines. For development: it costs
 * microseconds a tensor.
 */
export function trackLeaks(on = true): void {
  wasmDevice().engine.trackLeaks(on);
}

/** What is alive on the current device, most bytes first, a line for each maker. */
export function leakReport(limit = 10): string[] {
  return currentDevice().report(limit);
}
