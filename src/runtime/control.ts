import { CONTROL } from './module.js';
import type { Binary } from './variant.js';

/** What the host and the workers of a pool agree on: words in the memory that they share, and messages. */

/** The slot, of four bytes, of a word in the control block: assembly/pool/index.ts draws it. */
const slot = (byte: number): number => (CONTROL + byte) / 4;

export const Slot = {
  WAITING: slot(132),
  SLEEPERS: slot(260),
  REFUSED: slot(264),
  FAILED: slot(268),
  THREADS: slot(272),
  SPINS: slot(276),
  MAY_WAIT: slot(280),
  MISSED: slot(284),
  HELPED: slot(288),
  LOST: slot(292),
  PATIENCE: slot(296),
  SCRATCH: slot(320),
} as const;

/** Workers whose scratch memory the block has room for. */
export const MOST_WORKERS = 255;

/** A binary, by a key that tells it from all others; one that the worker has been sent before comes by its key alone. */
export interface Delivery {
  readonly key: string;
  readonly binary: Binary | undefined;
}

/** What a worker is told: the kernels of this version are at work. */
export interface Orders {
  readonly version: number;
  /** The parts with their places, first the core. */
  readonly parts: readonly (Delivery & { readonly index: number })[];
  /** What stands in for them. */
  readonly over: readonly Delivery[];
}

/** The first thing that a worker is told. */
export interface Contract extends Orders {
  readonly memory: WebAssembly.Memory;
  /** Its number, from 0 on. */
  readonly worker: number;
  readonly pool: Binary;
}

/** The last thing. */
export const END = 'end';

/** What a worker says: that it serves, why it cannot, or that it is done. */
export type Word = { readonly ready: true } | { readonly failed: string } | { readonly done: true };
