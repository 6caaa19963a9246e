import { instantiateSync } from '@assemblyscript/loader';
import { binaries } from '#binary';
import { fail } from '../core/errors.js';
import { hasRelaxedSimd, hasSimd, type Variant } from './variant.js';

/** Computes the work items [begin, end) of the launch record at address `record`. */
export type Kernel = (record: number, begin: number, end: number) => void;

/** What a binary exports besides its kernels. */
interface Controls {
  readonly setScratch: (address: number) => void;
  /** Runs `count` records from address `records` on; gives the number that were left when a kernel refused, or 0. */
  readonly replay: (records: number, count: number) => number;
  /** Whether a kernel has refused since this was asked last. */
  readonly takeRefusal: () => number;
}

const CONTROLS: readonly string[] = ['setScratch', 'replay', 'takeRefusal'];

interface Exports extends Controls {
  readonly table: WebAssembly.Table;
  readonly [kernel: string]: unknown;
}

/** A binary at work on a memory. */
export interface Instance extends Controls {
  readonly variant: Variant;
  readonly kernels: ReadonlyMap<string, { readonly run: Kernel; readonly index: number }>;
}

/** Where static data of every binary ends and the heap may begin: asconfig.json gives each binary a base below this. */
export const HEAP_START = 65536;

const PAGE = 65536;
/** 4 GiB, the most that 32-bit addresses reach. */
const MAX_PAGES = 65536;

/** The fastest binary that this runtime has for the wanted memory and arithmetic. */
export function chooseVariant(options: { shared: boolean; strict: boolean }): Variant {
  if (!hasSimd()) {
    fail(
      'device',
      'fettle needs WebAssembly SIMD, which this runtime lacks. Use Node ≥ 16.4, or a browser of 2021 or later.',
    );
  }
  const arithmetic = !options.strict && hasRelaxedSimd() ? 'relaxed' : 'strict';
  return options.shared ? `${arithmetic}-shared` : arithmetic;
}

export function createMemory(pages: number, shared: boolean): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: pages, maximum: MAX_PAGES, shared });
}

/** Bytes a memory can still be grown by in one step of at least `bytes`, done; 0 when it cannot. */
export function growMemory(memory: WebAssembly.Memory, bytes: number): number {
  const pages = Math.ceil(bytes / PAGE);
  if (memory.buffer.byteLength / PAGE + pages > MAX_PAGES) return 0;
  try {
    memory.grow(pages);
  } catch {
    return 0;
  }
  return pages * PAGE;
}

/** Instantiates a binary on `memory` and enters its kernels into its function table, where records find them. */
export function instantiate(variant: Variant, memory: WebAssembly.Memory): Instance {
  const source = binaries[variant]();
  const { instance } = instantiateSync(source, { env: { memory } });
  const exports = instance.exports as unknown as Exports;
  const names = Object.keys(exports).filter((name) => typeof exports[name] === 'function' && !CONTROLS.includes(name));
  // Export order is the same in every instance of a binary, so a record means the same kernel on every thread.
  const first = exports.table.grow(names.length);
  const kernels = new Map<string, { run: Kernel; index: number }>();
  names.forEach((name, i) => {
    exports.table.set(first + i, exports[name]);
    kernels.set(name, { run: exports[name] as Kernel, index: first + i });
  });
  const { setScratch, replay, takeRefusal } = exports;
  return { variant, kernels, setScratch, replay, takeRefusal };
}
