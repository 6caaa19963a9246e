import { instantiateSync } from '@assemblyscript/loader';
import { binaries } from '#binary';
import { fail } from '../core/errors.js';
import { type Binary, hasRelaxedSimd, hasSimd, type Variant } from './variant.js';

/** Computes the work items [begin, end) of the launch record at address `record`. */
export type Kernel = (record: number, begin: number, end: number) => void;

/** What the main binary exports besides its kernels. */
export interface Controls {
  /** Runs `count` records from address `records` on; gives the number that were left when a kernel refused, or 0. */
  readonly replay: (records: number, count: number) => number;
  /** Whether a kernel has refused since this was asked last. */
  readonly takeRefusal: () => number;
}

/** A binary at work on a memory. */
export interface Instance {
  readonly kernels: ReadonlyMap<string, Kernel>;
  /** Where the binary finds the functions that it calls by reference: in `replay`, the kernels. */
  readonly table: WebAssembly.Table;
  readonly setScratch: (address: number) => void;
}

const CONTROLS: readonly string[] = ['setScratch', 'replay', 'takeRefusal'];

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

/** Instantiates the binary of a variant on `memory`. */
export function instantiate(variant: Variant, memory: WebAssembly.Memory): Instance & Controls {
  const exports = start(binaries[variant](), memory);
  const { replay, takeRefusal } = exports as unknown as Controls;
  return { ...instanceOf(exports), replay, takeRefusal };
}

export type Exports = Readonly<Record<string, unknown>>;

/** Instantiates a binary on `memory`. */
export function start(binary: Binary, memory: WebAssembly.Memory): Exports {
  return instantiateSync(binary, { env: { memory } }).instance.exports;
}

/** What an instance exports, its kernels by name. */
export function instanceOf(exports: Exports): Instance {
  const kernels = new Map<string, Kernel>();
  for (const name of Object.keys(exports)) {
    if (typeof exports[name] === 'function' && !CONTROLS.includes(name)) kernels.set(name, exports[name] as Kernel);
  }
  const { table, setScratch } = exports as unknown as Instance;
  return { kernels, table, setScratch };
}
