import type { Device, Recording } from '../core/device.js';
import { fail } from '../core/errors.js';
import { Recorder } from '../runtime/recorder.js';
import { WasmDevice } from './wasm.js';

/**
 * Runs `body` and keeps what it launched on `device`. Throws when it reads a value back, which a replay could not follow. It
 * stands beside the devices and not in them, so that a program that captures nothing does not carry it.
 */
export function record(device: Device, body: () => void): Recording {
  return device.record?.(body) ?? watch(device, body).finish();
}

/** The same before anything is made of what was launched. `what` stands in messages. */
export function watch(device: Device, body: () => void, what = 'capture'): Recorder {
  if (!(device instanceof WasmDevice)) {
    return fail('unsupported', `${what}: the device '${device.name}' cannot record. Use setDevice('wasm').`);
  }
  const recorder = new Recorder(device.engine, what);
  device.observe(recorder);
  try {
    body();
  } finally {
    device.observe(null);
  }
  return recorder;
}
