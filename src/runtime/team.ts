import type { Binary } from './variant.js';

/** A binary at work, which every thread has an instance of. */
export interface Member {
  /** Tells it from all others: threads keep their instances by it. */
  readonly key: string;
  readonly binary: () => Binary;
}

/** A part at work. */
export interface MemberPart extends Member {
  /** Its place among the parts. */
  readonly index: number;
}

/**
 * Several threads that share launches. The engine knows no more of them, so that a program which starts none does not carry what
 * does (pool.ts).
 */
export interface Team {
  /** Threads at work, this one among them. */
  readonly size: number;
  /** Runs the record, shared out; returns when all of it is done. */
  launch(record: number): void;
  /** Runs `count` records that stand one behind another; gives the number that were left when a kernel refused, or 0. */
  replay(records: number, count: number): number;
  /** From now on these are at work: the parts, of which the first is the core with its table, and those that stand in for them. */
  use(table: WebAssembly.Table, parts: readonly MemberPart[], over: readonly Member[]): void;
  /** Each thread has `bytes` of scratch memory of its own, one behind another from `address` on, that of this thread first. */
  scratch(address: number, bytes: number): void;
}
