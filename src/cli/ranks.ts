import { FettleError } from '../core/errors.js';
import { DataLoader, DistributedSampler } from '../data/index.js';
import type { Collective } from '../parallel/index.js';
import type { Tensor } from '../tensor.js';
import { type Classifier, type EpochBatches, evaluate } from '../train/index.js';
import type { PairLoader, Task } from './task.js';

/** A training that several processes share. */

type Part = Task['train'];

/** Of how many ranks each says why it ends; beyond that, two of each machine do. */
const TALKATIVE = 8;

/** Signals, and the exit codes of who ends by them. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** The ranks that a launcher has started. `further` is what the user types to go on, where a signal ends this rank. */
export async function joinRanks(timeout: number, further: string): Promise<Collective> {
  const { initProcessGroup } = await import('../mpi/index.js');
  const group = await initProcessGroup({ timeout });
  const { rank, size, localRank } = group;
  if (size === 1) return group;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    // A rank may be waiting for one that is gone, so that there is no end of a batch to wait for.
    process.prependListener(signal as keyof typeof SIGNALS, () => {
      if (size <= TALKATIVE || (localRank ?? rank) < 2) {
        process.stderr.write(
          `fettle: rank ${rank} of ${size}: stopped by ${signal}. If nobody stopped the training, another rank has ended, and ` +
            `what it or the launcher printed says why. Go on from the last finished epoch with: ${further}\n`,
        );
      }
      process.exit(code);
    });
  }
  return group;
}

/** The same error, saying which rank it is of. */
export function ofRank({ rank, size }: Collective, error: unknown): unknown {
  if (size === 1 || !(error instanceof FettleError)) return error;
  return new FettleError(error.code, `rank ${rank} of ${size}: ${error.message}`, { cause: error });
}

/** A rank's part of a batch. */
export interface Shard {
  readonly x: Tensor;
  readonly y: Tensor;
  /** How many of its samples count: at the end of an epoch some are there only because all parts have the same size. */
  readonly own: number;
  /** How many count on all ranks together. */
  readonly all: number;
}

/** The batches that one process would get, in the same order, dealt out among ranks. */
export class Shards implements EpochBatches<Shard> {
  private readonly loader: PairLoader;
  private readonly sampler: DistributedSampler;
  private readonly size: number;
  private readonly samples: number;

  /** `batchSize` is that of one rank. */
  constructor(part: Part, { rank, size }: Collective, options: { readonly batchSize: number; readonly seed: number }) {
    const { batchSize, seed } = options;
    this.sampler = new DistributedSampler(part, { numReplicas: size, rank, seed });
    this.loader = new DataLoader(part, { batchSize, sampler: this.sampler, seed });
    this.size = size;
    this.samples = part.length;
  }

  get length(): number {
    return this.loader.length;
  }

  setEpoch(epoch: number): void {
    this.loader.setEpoch(epoch);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Shard, void, undefined> {
    const { length, padding } = this.sampler;
    let seen = 0;
    for await (const [x, y] of this.loader) {
      const rows = x.shape[0] as number;
      const own = Math.max(0, Math.min(rows, length - padding - seen));
      const all = Math.min(rows * this.size, this.samples - seen * this.size);
      seen += rows;
      yield { x, y, own, all };
    }
  }
}

/** Loss and accuracy on a part of the data, of which each rank looks at a share. */
export async function scoreOf(
  model: Classifier,
  part: Part,
  group: Collective,
): Promise<{ loss: number; accuracy: number }> {
  const { rank, size } = group;
  const share = Int32Array.from(
    { length: Math.max(0, Math.ceil((part.length - rank) / size)) },
    (_, i) => rank + i * size,
  );
  const found = await evaluate(model, new DataLoader(part, { batchSize: 256, sampler: share, seed: 0 }));
  if (size === 1) return found;
  const { loss, accuracy, samples } = found;
  const sums = samples === 0 ? new Float64Array(3) : Float64Array.of(loss * samples, accuracy * samples, samples);
  await group.allReduce(sums);
  const [losses, correct, all] = sums as unknown as [number, number, number];
  return { loss: losses / all, accuracy: correct / all };
}
