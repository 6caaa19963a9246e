import type { GpuBlock } from './block.js';
import type { Executor } from './executor.js';
import type { Buffer } from './pool.js';

/**
 * What kernels that only check have refused. Each has a word, which it sets where it refuses, and the error that belongs to it is
 * thrown by the next read: a GPU does not answer at once, and whatever else is asked for meanwhile has been asked for already.
 */

type Refusal = () => never;

/** Words for the refusals of kernels that only check, between two reads. */
const REFUSALS = 64;
/** Words for those of a captured step. */
export const REFUSALS_OF_STEP = 4096;

/** Words of which nothing is changed while one of them is set: a kernel has refused what it was given, and nobody knows yet. */
export interface Guard {
  readonly flags: Buffer;
  readonly count: number;
}

/** Where kernels say that they have refused, and what is thrown for each: of a captured step, or of what runs outside of any. */
export interface Words {
  readonly flags: Buffer;
  readonly refusals: Refusal[];
}

const NONE: readonly Guard[] = [];

export class Refusals {
  private words: Words;
  /** Words of captured steps that have run since the last read, and of what ran before so many checks that they had none left. */
  private readonly earlier = new Map<Buffer, readonly Refusal[]>();

  /** Blocks that were there at the latest check. */
  private known = 0;

  constructor(
    private readonly executor: Executor,
    /** A buffer of so many bytes that serves nothing else. */
    private readonly own: (bytes: number) => Buffer,
    /** Blocks that there have been so far. */
    private readonly blocks: () => number,
  ) {
    this.words = this.fresh();
  }

  /** Words of what runs outside of a captured step. */
  get here(): Words {
    return this.words;
  }

  private fresh(): Words {
    return { flags: this.own(4 * REFUSALS), refusals: [] };
  }

  /** Where kernels may have refused what nobody has been told of yet: at most two places, the latest. */
  guards(step: Words | null = null): readonly Guard[] {
    const { earlier, words } = this;
    if (earlier.size + words.refusals.length + (step?.refusals.length ?? 0) === 0) return NONE;
    const all = [...earlier, [words.flags, words.refusals] as const];
    if (step !== null) all.push([step.flags, step.refusals]);
    return all
      .map(([flags, { length }]) => ({ flags, count: length }))
      .filter(({ count }) => count > 0)
      .slice(-2);
  }

  /** Whether a block was there before what may have been refused: then it lasts, and what is written to it may be due to that. */
  followed({ age }: GpuBlock): boolean {
    return age < this.known;
  }

  /** A kernel has been launched that checks, outside of a captured step. Throws what it refuses where the device answers at once. */
  checked(refusal: Refusal): void {
    const { words } = this;
    this.known = this.blocks();
    words.refusals.push(refusal);
    if (this.executor.readSync !== undefined) {
      this.words = { ...words, refusals: [] };
      this.ask(words);
    } else if (words.refusals.length === REFUSALS) {
      // Nobody reads: the words begin anew, and the first of those that were set is told with the next read.
      this.earlier.set(words.flags, words.refusals);
      this.words = this.fresh();
    }
  }

  /** A captured step has run. */
  replayed({ flags, refusals }: Words): void {
    if (refusals.length === 0) return;
    this.known = this.blocks();
    if (this.executor.readSync !== undefined) this.ask({ flags, refusals });
    else this.earlier.set(flags, refusals);
  }

  /** Throws what a kernel has refused, where the device answers at once; `before` comes before that. */
  ask({ flags, refusals }: Words, before: () => void = () => {}): void {
    const words = this.executor.readSync?.(flags.id, 0, 4 * refusals.length);
    if (words === undefined) return;
    this.executor.write(flags.id, 0, new Uint8Array(words.length));
    const first = firstOf(words, refusals);
    if (first === undefined) return;
    before();
    first();
  }

  /** Asks what has been refused since the last read; what is given rejects with the first of it. */
  answers(): Promise<void>[] {
    const asked = new Map(this.earlier);
    const { flags, refusals } = this.words;
    if (refusals.length > 0) asked.set(flags, refusals);
    this.words = { flags, refusals: [] };
    this.earlier.clear();
    return [...asked].map(async ([flags, refusals]) => {
      const words = this.executor.read(flags.id, 0, 4 * refusals.length);
      this.executor.write(flags.id, 0, new Uint8Array(4 * refusals.length));
      firstOf(await words, refusals)?.();
    });
  }
}

/** What belongs to the first word that is set. */
function firstOf(flags: Uint8Array<ArrayBuffer>, refusals: readonly Refusal[]): Refusal | undefined {
  const words = new Uint32Array(flags.buffer, flags.byteOffset, refusals.length);
  return refusals[words.findIndex((word) => word !== 0)];
}
