import { turboBinary } from '#binary';
import { currentDevice, isDeterministic } from '../backend/current.js';
import { WasmDevice } from '../backend/wasm.js';
import { allocate, type Tensor } from '../core/tensor.js';
import { lay } from '../runtime/overlay.js';
import { gemm } from './matmul.js';

/** The 256-bit path: an opt-in. */

/** Whether products run 256 bits at a time now, and why. */
export interface TurboState {
  readonly enabled: boolean;
  readonly reason: string;
}

/** Sizes at which the kernel is tried: none is a multiple of its tile, and the inner one is longer than a panel. */
const [ROWS, INNER, COLUMNS] = [23, 301, 37];

/** Size and duration of the timed trial. */
const SQUARE = 192;
const TRIAL_MILLISECONDS = 50;

/** Takes the kernels away again; null while they are not in use. */
let remove: (() => void) | null = null;

/**
 * Computes products of matrices with vectors of 256 bits, about twice as fast as the 128 bits of WebAssembly, on Node 24 and
 * later on x64 processors with AVX2. An opt-in, because it sets the flag --experimental-wasm-revectorize of V8 for the whole
 * process: whatever WebAssembly the process compiles from then on is compiled with it. The kernel is tried first, for a tenth
 * of a second; where the runtime does not widen it or a result is wrong, all stays as it was, and the reason says why.
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
  const [usual, usualTime] = [trial(device), shortest(device)];
  const take = lay(device.engine, binary, { exact: false });
  const [found, foundTime] = [trial(device), shortest(device)];
  const fault = faultOf(found, usual) ?? lameness(foundTime / usualTime);
  if (fault !== null) {
    take();
    return { enabled: false, reason: `its self-test failed: ${fault}` };
  }
  remove = take;
  return { enabled: true, reason: `the self-test passed, at ${(usualTime / foundTime).toFixed(1)} × the usual rate` };
}

function faultOf(found: Float32Array, usual: Float32Array): string | null {
  for (let i = 0; i < usual.length; i++) {
    const difference = Math.abs((found[i] as number) - (usual[i] as number));
    if (!(difference <= 1e-5 * INNER)) return `${found[i]} came where ${usual[i]} was expected`;
  }
  return null;
}

/** Where V8 does not widen the kernel, it is right and slower than the usual one. */
function lameness(relativeTime: number): string | null {
  return relativeTime < 0.8 ? null : `it takes ${relativeTime.toFixed(2)} of the usual time, so V8 has not widened it`;
}

/** The shortest time of a product of squares, in milliseconds: the first ones run code that V8 has not optimized yet. */
function shortest(device: WasmDevice): number {
  const [a, b] = [numbers(device, SQUARE, SQUARE, 7), numbers(device, SQUARE, SQUARE, 11)];
  const c = allocate(device, [SQUARE, SQUARE], 'float32', 'turbo');
  let least = Number.POSITIVE_INFINITY;
  const end = performance.now() + TRIAL_MILLISECONDS;
  for (let now = performance.now(); now < end; ) {
    const begin = now;
    gemm(c, a, b);
    now = performance.now();
    least = Math.min(least, now - begin);
  }
  for (const x of [a, b, c]) x.dispose();
  return least;
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
