import { isDeterministic } from '../backend/current.js';
import { disposal } from '../core/disposal.js';
import { fail, warnOnce } from '../core/errors.js';
import { defaultGenerator, Generator } from '../core/random.js';
import { openScope, type Scope } from '../core/scope.js';
import { threadsMissing } from '../runtime/worker.js';
import type { Collated } from './collate.js';
import { checkIndex, type Dataset, type Pass } from './dataset.js';
import { inherit, watchOrder } from './parts.js';
import { LocalReading } from './read.js';
import { RandomSampler, type Sampler, SequentialSampler } from './sampler.js';
import type { Crew, Reading } from './workers/crew.js';
import { checkPortable, portableParcel } from './workers/describe.js';
import type { Job } from './workers/messages.js';

export interface DataLoaderOptions<T, B = Collated<T>> {
  /** Samples in a batch. Default 1. */
  readonly batchSize?: number;
  /** Whether to visit the samples in random order, another one in each epoch. Default false. */
  readonly shuffle?: boolean;
  /** The order to visit samples in, in place of `shuffle`: a sampler, or the samples' numbers. */
  readonly sampler?: Sampler | ArrayLike<number>;
  /**
   * Worker threads that read batches ahead, each with the dataset made anew from its `portable()` or by `fromModule`. Batches
   * and their order are the same bits for any number. Default 0: samples are read on this thread, when they are due.
   */
  readonly numWorkers?: number;
  /** Whether to leave out a last batch that is smaller than the others. Default false. */
  readonly dropLast?: boolean;
  /**
   * Makes a batch of samples, in place of `defaultCollate`; the dataset's own `getBatch` is then not used. A function does not
   * go to other threads: with workers these send samples, and it joins them here. A `getBatch` of one's own is run by them.
   */
  readonly collate?: (samples: T[]) => B;
  /**
   * Batches that are asked for ahead, so that they are read while the model trains: of each worker thread, default 2; without
   * such threads of the dataset itself, default 0, where samples must then be numbers and typed arrays, not tensors.
   */
  readonly prefetch?: number;
  /** Most milliseconds to wait for a batch of the worker threads before an error says so. Default 0: for as long as it takes. */
  readonly timeout?: number;
  /**
   * What the worker threads run, where a bundler does not carry fettle's own module along: the address of a module, or a
   * function that starts a Worker with it, `() => new Worker(new URL('./reader.js', import.meta.url), { type: 'module' })`.
   * The module calls `serveLoader({ ...data })`.
   */
  readonly worker?: URL | (() => unknown);
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
  if (shuffle) watchOrder('DataLoader', dataset);
  if (sampler === undefined) return shuffle ? new RandomSampler(dataset) : new SequentialSampler(dataset);
  if (shuffle)
    fail('argument', 'DataLoader: sampler and shuffle exclude each other: a sampler gives the order itself.');
  if ('order' in sampler) return sampler;
  const order = Int32Array.from(sampler);
  return { length: order.length, order: () => order };
}

/** How many threads are to read. Throws unless the dataset can be made in them. */
function workersOf<T, B>(dataset: Dataset<T, unknown>, { numWorkers = 0 }: DataLoaderOptions<T, B>): number {
  if (checkCount('numWorkers', numWorkers, 0) === 0) return 0;
  const missing = threadsMissing();
  if (missing === undefined) {
    checkPortable(dataset);
    return numWorkers;
  }
  warnOnce(`DataLoader: ${missing}, so samples are read on this one (numWorkers: ${numWorkers}).`);
  return 0;
}

/** Ends the threads of loaders that nobody has any more. */
const abandoned = /* @__PURE__ */ new FinalizationRegistry<Crew>((crew) => crew.dispose());

/**
 * Batches of a dataset, for `for await`. Each pass over the loader is an epoch; its order and its random transforms follow
 * from (seed, epoch) alone, so any epoch can be run again, and one that was left in the middle can be gone on with.
 *
 * Each batch has a scope: tensors made while it is being worked on, and the batch itself, are freed when the next batch is
 * asked for or the loop ends. Take results out with `item()`, or keep them with `keep()`.
 *
 * Worker threads start with the first pass and stay for the next ones. They do not keep the process; `dispose()` or `using`
 * ends them before. A thread that dies is replaced, and what it had to read is read again.
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
  private readonly workers: number;
  private readonly prefetch: number;
  private crew: Promise<Crew> | null = null;
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
    this.workers = workersOf(dataset, options);
    this.prefetch = checkCount('prefetch', options.prefetch ?? (this.workers > 0 ? 2 : 0), 0);
    checkCount('timeout', options.timeout ?? 0, 0);
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
    const order = this.sampler.order(new Generator(this.seed).fork('order', epoch), epoch).subarray(0, this.samples);
    for (const index of order) checkIndex('DataLoader', index, this.dataset.length);

    const { collate } = this.options;
    const batches = this.batchesOf(order, position);
    const local = new LocalReading(this.dataset, batches, { pass, prefetch: this.prefetch, collate });
    const remote = this.workers > 0 ? await this.readElsewhere(batches, pass) : null;
    let scope: Scope | null = null;
    try {
      for (let at = position; at < order.length; ) {
        scope?.end();
        // What is read here may be tensors from the beginning; what other threads read becomes tensors when it has arrived.
        const arrived = remote === null ? null : await remote.next();
        scope = openScope();
        const batch = arrived === null ? await local.next() : this.joined(arrived());
        at = Math.min(at + this.batchSize, order.length);
        this.reached = { epoch, position: at };
        yield inherit(batch, this.dataset);
      }
      this.reached = this.next;
    } finally {
      scope?.end();
      remote?.end();
    }
  }

  /** Ends the worker threads. A later pass starts new ones. */
  dispose(): void {
    this.crew?.then((crew) => crew.dispose()).catch(() => {});
    this.crew = null;
  }

  [disposal](): void {
    this.dispose();
  }

  /** The samples of each batch. */
  private *batchesOf(order: Int32Array, position: number): IterableIterator<Int32Array, void> {
    for (let at = position; at < order.length; at += this.batchSize) yield order.subarray(at, at + this.batchSize);
  }

  private async readElsewhere(batches: Iterable<Int32Array>, pass: Pass): Promise<Reading> {
    const joins = this.options.collate === undefined;
    const jobs = function* (): IterableIterator<Omit<Job, 'number'>, void> {
      for (const indices of batches) yield { indices: indices.slice(), pass, joins, strict: isDeterministic() };
    };
    this.crew ??= this.hire();
    // At least the batch that is due is asked for.
    return (await this.crew).begin(jobs(), Math.max(1, this.workers * this.prefetch));
  }

  private async hire(): Promise<Crew> {
    // Only who asks for threads loads what they need.
    const { Crew } = await import('./workers/crew.js');
    const { dataset, workers, options } = this;
    const { timeout = 0, worker } = options;
    const crew = new Crew({ workers, timeout, worker, dataset: () => portableParcel(dataset) });
    abandoned.register(this, crew);
    return crew;
  }

  /** What threads sent as a batch: they have joined it, unless that is to be done by a function of the user's. */
  private joined(value: unknown): B {
    return this.options.collate ? this.options.collate(value as T[]) : (value as B);
  }
}
