import type { Device, MemoryUse } from '../core/device.js';
import { fail } from '../core/errors.js';
import { WasmDevice } from './wasm.js';

/** The wasm device, made when the first tensor needs it: importing fettle costs no memory. */
let wasm: WasmDevice | null = null;
let strict = false;

function wasmDevice(): WasmDevice {
  wasm ??= new WasmDevice({ strict });
  return wasm;
}

/** The device on which tensors are created. */
export function currentDevice(): Device {
  return wasmDevice();
}

/** Makes `device` the one on which tensors are created from now on. */
export async function setDevice(device: Device['name'] | 'auto'): Promise<void> {
  if (device === 'wasm' || device === 'auto') return;
  fail('device', `setDevice: this build has the device 'wasm', got '${String(device)}'. Use setDevice('wasm').`);
}

/**
 * `deterministic(true)` uses the strict binary, whose results are the same bits in every runtime, on every machine; the
 * default uses the fastest binary the runtime has, which may round a product and its sum once instead of twice.
 */
export function deterministic(on: boolean): void {
  strict = on;
  wasm?.engine.useStrict(on);
}

/** Whether `deterministic(true)` is in force. */
export function isDeterministic(): boolean {
  return strict;
}

/** Memory in use on the current device. */
export function memory(): MemoryUse {
  return currentDevice().memory();
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
  return wasmDevice().engine.report(limit);
}
