import { instantiateSync } from '@assemblyscript/loader';
import { fail } from '../core/errors.js';
import { type Binary, hasRelaxedSimd, hasSimd, type Variant } from './variant.js';

/** Computes the work items [begin, end) of the launch record at address `record`. */
export type Kernel = (record: number, begin: number, end: number) => void;

/** A binary at work on a memory. */
export interface Instance {
  readonly kernels: ReadonlyMap<string, Kernel>;
  /** Where the binary finds the functions that it calls by reference: in `replay`, the kernels. */
  readonly table: WebAssembly.Table;
  /** Of the core: runs `count` records from address `records` on; gives the number that were left when a kernel refused, or 0. */
  readonly replay: (records: number, count: number) => number;
}

/** What all binaries on a memory share with it, and with whom they work for. */
export interface Host {
  readonly memory: WebAssembly.Memory;
  /** Address of the memory that kernels may use while they run. */
  readonly scratch: WebAssembly.Global;
  /** Whether a kernel has refused its input: it sets 1. */
  readonly refused: WebAssembly.Global;
}

/** Where static data of every binary ends and the heap may begin: scripts/parts.mjs gives each a place below this. */
export const HEAP_START = 262144;

/** Where threads agree on who does what (assembly/pool/): between static data and the heap. */
export const CONTROL = HEAP_START - 4096;

const PAGE = 65536;
/** 4 GiB, the most that 32-bit addresses reach. */
const MAX_PAGES = 65536;
/** A memory that cannot grow beyond this is of little use. */
const SMALLEST_LIMIT = 4096;

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

/** A memory and what goes with it. */
export function createHost(pages: number, shared: boolean): Host {
  const maximum = shared ? sharedLimit(pages) : MAX_PAGES;
  return hostOf(new WebAssembly.Memory({ initial: pages, maximum, shared }));
}

/** What goes with a memory, on this thread. */
export function hostOf(memory: WebAssembly.Memory): Host {
  const number = () => new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  return { memory, scratch: number(), refused: number() };
}

/** Pages up to which a shared memory may grow: its addresses are taken at once, and some runtimes have not so many to give. */
function sharedLimit(pages: number): number {
  for (let maximum = MAX_PAGES; maximum >= Math.max(pages, SMALLEST_LIMIT); maximum /= 2) {
    try {
      new WebAssembly.Memory({ initial: 1, maximum, shared: true });
      return maximum;
    } catch {
      // Tried again with half as many.
    }
  }
  return fail('memory', 'fettle: this runtime has no addresses for a memory that threads share.');
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

/** Instantiates a binary. */
export function instantiate(binary: Binary, host: Host): Instance {
  const { table, replay, ...exports } = instantiateSync(binary, { env: { ...host } }).instance.exports;
  return { table, replay, kernels: new Map(Object.entries(exports)) } as unknown as Instance;
}

/** The part that shares launches among threads (assembly/pool/index.ts), at work on this one. */
export interface PoolInstance {
  /** Of the host: runs a record, or `count` of them that stand one behind another, with all threads that are awake. */
  launch(record: number): void;
  replay(records: number, count: number): number;
  /** Of the host: calls workers that have kernels of another version. */
  announce(version: number): void;
  /** Of a worker: takes part in launches until kernels of another version are at work. */
  serve(worker: number, version: number): void;
  /** Of a worker: tells the host of a trap. */
  fail(): void;
}

/** Instantiates it for kernels that stand in `table`. */
export function instantiatePool(binary: Binary, host: Host, table: WebAssembly.Table): PoolInstance {
  const env = { ...host, table, control: CONTROL, now: () => performance.now() };
  return instantiateSync(binary, { env }).instance.exports as unknown as PoolInstance;
}
