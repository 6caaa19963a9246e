import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { defaultGenerator, Generator } from '../core/random.js';
import { lengthOf, type Sampler, type Sized } from './sampler.js';

export interface DistributedSamplerOptions {
  /** How many ranks share the samples: a Collective's `size`. */
  readonly numReplicas?: number;
  /** Which of them this is: a Collective's `rank`. */
  readonly rank?: number;
  /** Whether to visit the samples in random order, another one in each epoch. Default true. */
  readonly shuffle?: boolean;
  /** What that order follows from, together with the epoch: the same on all ranks. Default 0. */
  readonly seed?: number;
  /**
   * Where the samples cannot be shared out evenly: leave out those at the end, or give some ranks samples of the beginning once
   * more. Default false: the latter.
   */
  readonly dropLast?: boolean;
}

/** The same by position, as PyTorch takes them; options may follow any of them. */
export type DistributedSamplerArguments = [
  numReplicas?: number | DistributedSamplerOptions,
  rank?: number | DistributedSamplerOptions,
  shuffle?: boolean | DistributedSamplerOptions,
  seed?: number | DistributedSamplerOptions,
  dropLast?: boolean | DistributedSamplerOptions,
  options?: DistributedSamplerOptions,
];

/**
 * A rank's share of the samples, as torch.utils.data.DistributedSampler deals them out: all ranks put them in the same order, and
 * rank r takes those at r, r + numReplicas, r + 2 numReplicas, … Batches of b samples on each of n ranks are thereby, together,
 * the batches of n·b samples that one process would get, at any n that divides them.
 *
 * The order follows from the seed and the epoch alone: that of the loader, or the one that `setEpoch` has set, which PyTorch asks
 * for at the beginning of each epoch.
 *
 * @example
 * const ranks = [0, 1].map((rank) => new DistributedSampler(5, { numReplicas: 2, rank, shuffle: false }));
 * ranks.map((one) => [...one.order()]); // → [[0, 2, 4], [1, 3, 0]]
 */
export class DistributedSampler implements Sampler {
  readonly numReplicas: number;
  readonly rank: number;
  /** How many samples a pass of this rank visits: as many as on every other. */
  readonly length: number;
  /** How many of them, at the end of the pass, are there only to make the shares even: other ranks visit them too. */
  readonly padding: number;
  private readonly size: number;
  private readonly shuffle: boolean;
  private readonly seed: number;
  private epoch: number | null = null;

  constructor(dataset: Sized, ...given: DistributedSamplerArguments) {
    const options = readArguments<DistributedSamplerOptions>('DistributedSampler', given, [
      'numReplicas',
      'rank',
      'shuffle',
      'seed',
      'dropLast',
    ]);
    const { numReplicas, rank, shuffle = true, seed = 0, dropLast = false } = options;
    if (numReplicas === undefined || !Number.isInteger(numReplicas) || numReplicas < 1) {
      fail(
        'argument',
        `DistributedSampler: numReplicas must be how many ranks there are, got ${String(numReplicas)}. ` +
          'Pass { numReplicas: collective.size, rank: collective.rank }.',
      );
    }
    if (rank === undefined || !Number.isInteger(rank) || rank < 0 || rank >= numReplicas) {
      fail('argument', `DistributedSampler: rank must be one of 0 … ${numReplicas - 1}, got ${String(rank)}.`);
    }
    this.size = lengthOf('DistributedSampler', dataset);
    this.numReplicas = numReplicas;
    this.rank = rank;
    this.shuffle = shuffle;
    this.seed = new Generator(seed).getState().seed;
    const shares = this.size / numReplicas;
    this.length = dropLast ? Math.floor(shares) : Math.ceil(shares);
    const own = Math.ceil((this.size - rank) / numReplicas);
    this.padding = Math.max(0, this.length - Math.max(0, own));
  }

  /** Makes `epoch` the one whose order every pass has from now on, whatever epoch a loader is in. */
  setEpoch(epoch: number): void {
    if (!Number.isInteger(epoch) || epoch < 0) {
      fail('argument', `DistributedSampler: epoch must be a whole number ≥ 0, got ${String(epoch)}.`);
    }
    this.epoch = epoch;
  }

  /** What a loader hands over for this is not used: its seed may be another one on each rank. */
  order(_generator: Generator = defaultGenerator, epoch = 0): Int32Array {
    const { size, numReplicas, rank } = this;
    const all = this.shuffle
      ? new Generator(this.seed).fork('order', this.epoch ?? epoch).permutation(size)
      : Int32Array.from({ length: size }, (_, i) => i);
    return Int32Array.from({ length: this.length }, (_, i) => all[(rank + i * numReplicas) % size] as number);
  }
}
