import { fail } from '../core/errors.js';
import { Tensor } from '../tensor.js';
import { defaultCollate } from './collate.js';
import type { Dataset, Pass } from './dataset.js';

/** Sample `index` of a dataset. An error of the dataset's is thrown with the sample's number. */
export function readSample<T>(dataset: Dataset<T, unknown>, index: number, pass: Pass): T | Promise<T> {
  const blame = (cause: unknown): never => {
    const message = cause instanceof Error ? cause.message : String(cause);
    return fail('data', `DataLoader: sample ${index} could not be read: ${message}`, cause);
  };
  try {
    const sample = dataset.get(index, pass);
    return isPromise(sample) ? sample.catch(blame) : sample;
  } catch (error) {
    return blame(error);
  }
}

/** The samples `indices`: at once, where the dataset has them at once. */
export function readSamples<T>(dataset: Dataset<T, unknown>, indices: Int32Array, pass: Pass): T[] | Promise<T[]> {
  const samples = Array.from(indices, (index) => readSample(dataset, index, pass));
  return samples.some(isPromise) ? Promise.all(samples) : (samples as T[]);
}

export interface LocalOptions<T, B> {
  readonly pass: Pass;
  /** Batches whose samples are asked for ahead. */
  readonly prefetch: number;
  readonly collate: ((samples: T[]) => B) | undefined;
}

/** One pass over batches that are read on this thread. */
export class LocalReading<T, B> {
  private readonly ahead: Promise<T[]>[] = [];

  constructor(
    private readonly dataset: Dataset<T, unknown>,
    private readonly batches: Iterator<Int32Array>,
    private readonly options: LocalOptions<T, B>,
  ) {}

  /** The next batch; there must be one. */
  next(): B | Promise<B> {
    const { dataset, options } = this;
    if (options.prefetch > 0 && (options.collate !== undefined || dataset.getBatch === undefined)) {
      return this.fetched();
    }
    const indices = this.batches.next().value as Int32Array;
    // A copy: the dataset may keep what it is given, and the order is the loader's.
    if (options.collate === undefined && dataset.getBatch !== undefined) {
      return dataset.getBatch(indices.slice(), options.pass) as B | Promise<B>;
    }
    const samples = readSamples(dataset, indices, options.pass);
    return isPromise(samples) ? samples.then((all) => this.collate(all)) : this.collate(samples);
  }

  private async fetched(): Promise<B> {
    while (this.ahead.length <= this.options.prefetch) {
      const { value, done } = this.batches.next();
      if (done) break;
      this.ahead.push(this.fetchAhead(value));
    }
    return this.collate(await (this.ahead.shift() as Promise<T[]>));
  }

  private collate(samples: T[]): B {
    // Without a collate of the user's, B is what the dataset says that a batch of its samples is.
    return this.options.collate ? this.options.collate(samples) : (defaultCollate(samples) as unknown as B);
  }

  /** Samples of a later batch. They arrive while another batch's scope is open, which would free tensors among them. */
  private fetchAhead(indices: Int32Array): Promise<T[]> {
    const read = async (index: number): Promise<T> => readSample(this.dataset, index, this.options.pass);
    const samples = Promise.all(Array.from(indices, read)).then((all) => {
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
