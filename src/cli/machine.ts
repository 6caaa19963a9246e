import { oneOf, type Values, wholeNumber } from './options.js';

/** What a command computes on: threads of the processor, or the GPU. */

export interface Machine {
  /** null: the library's own choice, which FETTLE_THREADS sets. */
  readonly threads: number | 'auto' | null;
  /** Chosen by the command, once the data are prepared: on wasm, since their values are looked at. */
  readonly device: 'wasm' | 'webgpu' | 'auto';
}

/** Reads --threads and --device, of which a command may have none. */
export function machineOf({ threads, device }: Values): Machine {
  return {
    threads: threads === 'auto' ? threads : wholeNumber('--threads', threads, 1),
    device: oneOf('--device', device, ['wasm', 'webgpu', 'auto'] as const) ?? 'wasm',
  };
}
