import { fail } from '../core/errors.js';
import { defaultGenerator, Generator } from '../core/random.js';
import { openScope, type Scope } from '../core/scope.js';
import { Tensor } from '../tensor.js';
import { type Collated, defaultCollate } from './collate.js';
import { checkIndex, type Dataset, type Pass } from './dataset.js';
import { RandomSampler, type Sampler, SequentialSampler } from './sampler.js';

export interface DataLoaderOptions<T, B = Collated<T>> {
  /** Samples in a batch. Default 1. */
  readonly batchSize?: number;
  /** Whether to visit the samples in random order, another one in each epoch. Default false. */
  readonly shuffle?: boolean;
  /** The order to visit samples in, in place of `shuffle`: a sampler, or the samples' numbers. */
  readonly sampler?: Sampler | ArrayLike<number>;
  /** Worker threads that read samples. Only 0, the default: samples are read on this thread. */
  readonly numWorkers?: number;
  /** Whether to leave out a last batch that is smaller than the others. Default false. */
  readonly dropLast?: boolean;
  /** Makes a batch of samples, in place of `defaultCollate`; the dataset's own `getBatch` is then not used. */
  readonly collate?: (samples: T[]) => B;
  /**
   * Batches whose samples are asked for ahead, so that a dataset that reads files reads while the model trains. Default 0.
   * Samples fetched ahead must be numbers and typed arrays, not tensors.
   */
  readonly prefetch?: number;
  /** What order and random transforms follow from, together with the epoch. Default: drawn from the default generator. */
  readonly seed?: number;
}

/** Where a loader is: what another loader needs to go on from there. */
export interface LoaderState {
  readonly seed: number;
  readonly epoch: number;
  /** Samples of this epoch that have been handed out. */
  readonly position: number;
  /** Samples in a whole epoch. */
  readonly samples: number;
}

function checkCount(what: string, value: number, least: number): number {
  if (!Number.isInteger(value) || value < least) {
    fail('argument', `DataLoader: ${what} must be a whole number ≥ ${least}, got ${value}.`);
  }
  return value;
}

function samplerOf<T, B>(dataset: Dataset<T, unknown>, options: DataLoaderOptions<T, B>): Sampler {
  const { sampler, shuffle = false } = options;
  if (sampler === undefined) return shuffle ? new RandomSampler(dataset) : new SequentialSampler(dataset);
  if (shuffle)
    fail('argument', 'DataLoader: sampler and shuffle exclude each other: a sampler gives the order itself.');
  if ('order' in sampler) return sampler;
  const order = Int32Array.from(sampler);
  return { length: order.length, order: () => order };
}

/**
 * Batches of a dataset, for `for await`. Each pass over the loader is an epoch; its order and its random transforms follow
 * from (seed, epoch) alone, so any epoch can be run again, and one that was left in the middle can be gone on with.
 *
 * Each batch has a scope: tensors made while it is being worked on, and the batch itself, are freed when the next batch is
 * asked for or the loop ends. Take results out with `item()`, or keep them with `keep()`.
 *
 * @example
 * const dataset = new data.TensorDataset(tensor([[1], [2], [3], [4]]), tensor(new Int32Array([0, 1, 0, 1])));
 * const sums = [];
 * for await (const [x] of new data.DataLoader(dataset, { batchSize: 2 })) sums.push(x.sum().item());
 * sums; // → [3, 7]
 */
export class DataLoader<T, B = Collated<T>> implements AsyncIterable<B> {
  readonly batchSize: number;
  readonly dropLast: boolean;
  private readonly sampler: Sampler;
  private readonly prefetch: number;
  private seed: number;
  /** Where the next pass begins. */
  private next = { epoch: 0, position: 0 };
  /** What has been handed out. */
  private reached = { epoch: 0, position: 0 };

  readonly dataset: Dataset<T, unknown>;
  private readonly options: DataLoaderOptions<T, B>;

  constructor(dataset: Dataset<T, B>, options?: DataLoaderOptions<T, B> & { readonly collate?: undefined });
  constructor(
    dataset: Dataset<T, unknown>,
    options: DataLoaderOptions<T, B> & { readonly collate: (samples: T[]) => B },
  );
  constructor(dataset: Dataset<T, unknown>, options: DataLoaderOptions<T, B> = {}) {
    this.dataset = dataset;
    this.options = options;
    this.batchSize = checkCount('batchSize', options.batchSize ?? 1, 1);
    this.dropLast = options.dropLast ?? false;
    this.prefetch = checkCount('prefetch', options.prefetch ?? 0, 0);
    if (checkCount('numWorkers', options.numWorkers ?? 0, 0) > 0) {
      fail(
        'unsupported',
        `DataLoader: this version reads on the calling thread, got numWorkers ${options.numWorkers}. Use 0.`,
      );
    }
    this.sampler = samplerOf(dataset, options);
    this.seed = new Generator(options.seed ?? defaultGenerator.uint32()).getState().seed;
  }

  /** Batches in an epoch. */
  get length(): number {
    const batches = this.sampler.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** Samples in an epoch. */
  private get samples(): number {
    return this.dropLast ? this.length * this.batchSize : this.sampler.length;
  }

  /** Makes `epoch` the one that the next pass runs, from its beginning. */
  setEpoch(epoch: number): void {
    this.next = { epoch: checkCount('epoch', epoch, 0), position: 0 };
    this.reached = this.next;
  }

  /**
   * Where the loader is. Within a loop that is behind the batch at hand; a loader that is given this state goes on with the
   * batch after it, and one whose epoch was finished with the next epoch.
   */
  state(): LoaderState {
    return { seed: this.seed, ...this.reached, samples: this.samples };
  }

  /** Goes on from `state` in the next pass. It must come from a loader with as many samples in an epoch. */
  loadState(state: LoaderState): void {
    if (state.position > 0 && state.samples !== this.samples) {
      fail(
        'state',
        `DataLoader: the state is from the middle of an epoch of ${state.samples} samples, this loader has ` +
          `${this.samples}. Use the same dataset, sampler and dropLast, or setEpoch(${state.epoch}) to begin the epoch anew.`,
      );
    }
    const position = checkCount('position', state.position, 0);
    if (position > this.samples)
      fail('state', `DataLoader: position ${position} lies behind the ${this.samples} samples.`);
    this.seed = new Generator(state.seed).getState().seed;
    this.next = { epoch: checkCount('epoch', state.epoch, 0), position };
    this.reached = this.next;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<B, void, undefined> {
    const { epoch, position } = this.next;
    const pass: Pass = { seed: this.seed, epoch };
    this.next = { epoch: epoch + 1, position: 0 };
    this.reached = { epoch, position };
    const order = this.sampler.order(new Generator(this.seed).fork('order', epoch)).subarray(0, this.samples);
    for (const index of order) checkIndex('DataLoader', index, this.dataset.length);

    const ahead: Promise<T[]>[] = [];
    let asked = position;
    let scope: Scope | null = null;
    try {
      for (let at = position; at < order.length; at += this.batchSize) {
        scope?.end();
        scope = openScope();
        const indices = order.subarray(at, at + this.batchSize);
        let batch: B;
        if (this.prefetch > 0 && this.readsSamples) {
          for (; asked < order.length && asked <= at + this.prefetch * this.batchSize; asked += this.batchSize) {
            ahead.push(this.fetchAhead(order.subarray(asked, asked + this.batchSize), pass));
          }
          batch = this.collate(await (ahead.shift() as Promise<T[]>));
        } else {
          batch = await this.load(indices, pass);
        }
        this.reached = { epoch, position: Math.min(at + this.batchSize, order.length) };
        yield batch;
      }
      this.reached = this.next;
    } finally {
      scope?.end();
    }
  }

  /** Whether batches are made of single samples. */
  private get readsSamples(): boolean {
    return this.options.collate !== undefined || this.dataset.getBatch === undefined;
  }

  private load(indices: Int32Array, pass: Pass): B | Promise<B> {
    if (!this.readsSamples) {
      // A copy: the dataset may keep what it is given, and the order is this loader's.
      return this.dataset.getBatch?.(indices.slice(), pass) as B | Promise<B>;
    }
    const samples = Array.from(indices, (index) => this.sample(index, pass));
    if (samples.some(isPromise)) return Promise.all(samples).then((all) => this.collate(all));
    return this.collate(samples as T[]);
  }

  private collate(samples: T[]): B {
    // Without a collate of the user's, B is what the dataset says that a batch of its samples is.
    return this.options.collate ? this.options.collate(samples) : (defaultCollate(samples) as unknown as B);
  }

  private sample(index: number, pass: Pass): T | Promise<T> {
    const blame = (cause: unknown): never => {
      const message = cause instanceof Error ? cause.message : String(cause);
      return fail('data', `DataLoader: sample ${index} could not be read: ${message}`, cause);
    };
    try {
      const sample = this.dataset.get(index, pass);
      return isPromise(sample) ? sample.catch(blame) : sample;
    } catch (error) {
      return blame(error);
    }
  }

  /** Samples of a later batch. They arrive while another batch's scope is open, which would free tensors among them. */
  private fetchAhead(indices: Int32Array, pass: Pass): Promise<T[]> {
    const samples = Promise.all(Array.from(indices, async (index) => this.sample(index, pass))).then((all) => {
      if (all.some(holdsTensor)) {
        fail(
          'argument',
          'DataLoader: samples fetched ahead must be numbers and typed arrays, got a tensor. Use prefetch: 0.',
        );
      }
      return all;
    });
    // The error is thrown when its batch is due; until then it is not unhandled.
    samples.catch(() => {});
    return samples;
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof Promise;
}

function holdsTensor(sample: unknown): boolean {
  if (sample instanceof Tensor) return true;
  if (typeof sample !== 'object' || sample === null || ArrayBuffer.isView(sample)) return false;
  return Object.values(sample).some(holdsTensor);
}
