import { turboBinary } from '#binary';
import { currentDevice, isDeterministic } from '../backend/current.js';
import { WasmDevice } from '../backend/wasm.js';
import { allocate, type Tensor } from '../core/tensor.js';
import { gemm } from './matmul.js';

/** The 256-bit path: an opt-in. */

/** Whether products run 256 bits at a time now, and why. */
export interface TurboState {
  readonly enabled: boolean;
  readonly reason: string;
}

/** Sizes at which the kernel is tried: none is a multiple of its tile, and the inner one is longer than a panel. */
const [ROWS, INNER, COLUMNS] = [23, 301, 37];

/** Takes the kernels away again; null while they are not in use. */
let remove: (() => void) | null = null;

/**
 * Computes products of matrices with vectors of 256 bits, about twice as fast as the 128 bits of WebAssembly, on Node 24 and
 * later on x64 processors with AVX2. An opt-in, because it sets the flag --experimental-wasm-revectorize of V8 for the whole
 * process: whatever WebAssembly the process compiles from then on is compiled with it. The kernel is tried on a product
 * first; where the runtime lacks the flag or the result is wrong, everything stays as it was, and the reason says why.
 * `turbo(false)` goes back. Results may differ from those of the other kernels by rounding, so `deterministic(true)` suspends it.
 */
export function turbo(on = true): TurboState {
  if (!on) {
    remove?.();
    remove = null;
    return { enabled: false, reason: 'switched off' };
  }
  if (remove !== null) return { enabled: true, reason: 'in use already' };
  if (isDeterministic()) {
    return {
      enabled: false,
      reason: 'deterministic(true) asks for the same bits everywhere. Call deterministic(false) first.',
    };
  }
  const device = currentDevice();
  if (!(device instanceof WasmDevice)) return { enabled: false, reason: `the device is '${device.name}', not 'wasm'` };
  const binary = turboBinary();
  if (typeof binary === 'string') return { enabled: false, reason: binary };
  const usual = trial(device);
  const take = device.engine.lay(binary, { exact: false });
  const found = trial(device);
  for (let i = 0; i < usual.length; i++) {
    const difference = Math.abs((found[i] as number) - (usual[i] as number));
    if (difference <= 1e-5 * INNER) continue;
    take();
    return { enabled: false, reason: `its self-test failed: ${found[i]} came where ${usual[i]} was expected` };
  }
  remove = take;
  return { enabled: true, reason: 'the self-test passed' };
}

/** A product of numbers in [−1, 1) by the kernel at work. */
function trial(device: WasmDevice): Float32Array {
  const a = numbers(device, ROWS, INNER, 7);
  const b = numbers(device, INNER, COLUMNS, 11);
  const c = allocate(device, [ROWS, COLUMNS], 'float32', 'turbo');
  gemm(c, a, b);
  const result = c.dataSync();
  for (const x of [a, b, c]) x.dispose();
  return result;
}

function numbers(device: WasmDevice, rows: number, columns: number, step: number): Tensor<'float32'> {
  const values = Float32Array.from({ length: rows * columns }, (_, i) => ((i * step * 7919) % 2048) / 1024 - 1);
  const x = allocate(device, [rows, columns], 'float32', 'turbo');
  device.write(x.storage, 0, new Uint8Array(values.buffer));
  return x;
}
