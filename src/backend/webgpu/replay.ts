import type { LaunchNumbers, Recording } from '../../core/device.js';
import { fail } from '../../core/errors.js';
import type { Storage } from '../../core/storage.js';
import type { GpuBlock, Slab } from './block.js';
import type { Executor } from './executor.js';
import type { BufferPool } from './pool.js';

/** A command whose numbers change from run to run. */
export interface Refresher {
  readonly refresh: (numbers: LaunchNumbers) => void;
  /** The commands of the launch, and where its numbers stand in their words. */
  readonly targets: {
    readonly at: number;
    readonly words: Uint32Array;
    readonly floats: number;
    readonly ints: number;
  }[];
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** What a replay works with. */
export interface Means {
  readonly executor: Executor;
  readonly sequence: number;
  readonly pool: BufferPool;
  readonly slabs: readonly Slab[];
  readonly settle: () => void;
  /** Sees to what kernels of the step have refused. */
  readonly after: () => void;
}

/** Sets the numbers of a launch in the words of its commands. */
class Numbers implements LaunchNumbers {
  constructor(private readonly targets: Refresher['targets']) {}

  float(i: number, value: number): void {
    float[0] = value;
    for (const { words, floats } of this.targets) words[floats + i] = bits[0] as number;
  }

  int(i: number, value: number): void {
    for (const { words, ints } of this.targets) words[ints + i] = value;
  }
}

/** A step that has been recorded. */
export class Replay implements Recording {
  private alive = true;
  private readonly numbers: readonly { readonly numbers: Numbers; readonly refresh: Refresher['refresh'] }[];
  /** Commands whose words may have changed. */
  private readonly changing: readonly { readonly at: number; readonly words: Uint32Array }[];
  private readonly pinned: readonly GpuBlock[];

  constructor(
    private readonly means: Means,
    readonly launches: number,
    refreshers: readonly Refresher[],
    private readonly held: readonly Storage[],
    private readonly outside: ReadonlyMap<Storage, string>,
    private readonly written: readonly Storage[],
  ) {
    this.numbers = refreshers.map(({ refresh, targets }) => ({ refresh, numbers: new Numbers(targets) }));
    // Updates that are one command have set their numbers in the same words.
    this.changing = [
      ...new Map(refreshers.flatMap(({ targets }) => targets).map((target) => [target.words, target])).values(),
    ];
    this.pinned = [...new Set([...outside.keys(), ...held])].map(({ block }) => block as GpuBlock);
    for (const block of this.pinned) block.pins++;
  }

  get arenaBytes(): number {
    return this.means.pool.bytes - this.held.reduce((n, storage) => n + storage.bytes, 0);
  }

  run(): void {
    if (!this.alive) fail('disposed', 'capture: this step has been disposed. Capture it again.');
    for (const [storage, user] of this.outside) {
      if (storage.freed) {
        fail(
          'disposed',
          `capture: a tensor that the step hands to ${user} has been freed since. ` +
            'Keep what a step uses, or capture it again.',
        );
      }
    }
    const { executor, sequence, settle, after } = this.means;
    settle();
    for (const { refresh, numbers } of this.numbers) refresh(numbers);
    executor.replay(sequence, this.changing);
    after();
    for (const storage of this.written) storage.touch('a captured step');
  }

  dispose(): void {
    if (!this.alive) return;
    this.alive = false;
    const { executor, sequence, pool, slabs, settle } = this.means;
    settle();
    executor.forget(sequence);
    for (const block of this.pinned) block.pins--;
    for (const storage of this.held) storage.release();
    for (const slab of slabs) slab.leave();
    pool.close();
  }
}
