/** What happens in a thread that reads batches. */
import { expose, transfer } from 'comlink';
import { deterministic, isDeterministic } from '../../backend/current.js';
import { dtypeOfArray, type TypedArray, traits } from '../../core/dtype.js';
import { fail } from '../../core/errors.js';
import { defaultGenerator, Generator } from '../../core/random.js';
import { openScope } from '../../core/scope.js';
import { stack, tensor } from '../../ops/index.js';
import { SparseTensor } from '../../ops/sparse.js';
import { serveParent } from '../../runtime/worker.js';
import type { Tensor } from '../../tensor.js';
import { collateWith, type Joiner } from '../collate.js';
import type { Dataset } from '../dataset.js';
import { readSample, readSamples } from '../read.js';
import { build, type Types } from './build.js';
import { type Answer, type Failure, failureOf, type Job, type Reader } from './messages.js';
import { byteLength, bytesOf, type Carrier, HostNumbers, type Made, type Parcel, pack } from './parcel.js';
import { TensorRows } from './rows.js';
import { SpareMemory } from './spare.js';
import { turn } from './turn.js';

class ThreadReader implements Reader {
  private dataset: Dataset | null = null;
  /** One job after another: each has a scope, and scopes of two would be entangled. */
  private last: Promise<unknown> = Promise.resolve();
  private readonly waiting = new Set<number>();
  private readonly spare = new SpareMemory();

  constructor(private readonly types: Types) {}

  async open(parcel: Parcel): Promise<Failure | null> {
    try {
      this.dataset = (await build(parcel, this.types, 'serveLoader')) as Dataset;
      return null;
    } catch (error) {
      return failureOf(error);
    }
  }

  read(job: Job, spare: readonly ArrayBuffer[]): Promise<Answer> {
    this.spare.give(spare);
    this.waiting.add(job.number);
    const answer = this.last.then(turn).then(() => this.answer(job));
    this.last = answer;
    return answer;
  }

  cancel(numbers: readonly number[]): void {
    for (const number of numbers) this.waiting.delete(number);
  }

  /** Never rejects, so that the next job follows. */
  private async answer(job: Job): Promise<Answer> {
    if (!this.waiting.delete(job.number)) return null;
    if (isDeterministic() !== job.strict) deterministic(job.strict);
    // What draws from the default stream, and not from those of its sample, draws other numbers in each batch all the same.
    const { seed, epoch } = job.pass;
    defaultGenerator.manualSeed(new Generator(seed).fork('batch', epoch, ...job.indices.subarray(0, 1)).initialSeed());
    const scope = openScope();
    const parts: ArrayBuffer[] = [];
    try {
      const parcel = pack(await this.load(job, parts), this.carrier(parts));
      return transfer({ parcel }, parts);
    } catch (error) {
      return { failure: failureOf(error) };
    } finally {
      scope.end();
    }
  }

  private async load(job: Job, parts: ArrayBuffer[]): Promise<unknown> {
    const { indices, pass, joins } = job;
    const dataset = this.dataset as Dataset;
    if (joins && dataset.getBatch !== undefined) {
      try {
        return await dataset.getBatch(indices, pass);
      } catch (error) {
        // Whose fault it was is told by reading the samples one by one.
        for (const index of indices) await readSample(dataset, index, pass);
        throw error;
      }
    }
    const samples = await readSamples(dataset, indices, pass);
    return joins ? collateWith(samples, this.joiner(parts)) : samples;
  }

  /** Joins samples in memory that can be handed over, where they are no tensors. */
  private joiner(parts: ArrayBuffer[]): Joiner {
    return {
      stack: (tensors) => stack(tensors),
      room: (kind, length) => new kind(this.spare.take(length * kind.BYTES_PER_ELEMENT), 0, length),
      join: (data: TypedArray, shape, dtype = dtypeOfArray(data)) => {
        // Numbers of a kind that tensors do not have are turned into one that they have.
        if (traits[dtype].bytes !== data.BYTES_PER_ELEMENT) return tensor(data, shape);
        parts.push(data.buffer as ArrayBuffer);
        return new HostNumbers(dtype, shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      },
    };
  }

  private carrier(parts: ArrayBuffer[]): Carrier {
    const carrier: Carrier = {
      tensor: (x: Tensor) => {
        const bytes = byteLength(x);
        const buffer = this.spare.take(bytes);
        parts.push(buffer);
        return bytesOf(x, new Uint8Array(buffer, 0, bytes));
      },
      array: (array) => {
        // The dataset may go on with an array that it has handed out.
        const { buffer, byteOffset, byteLength: length } = array;
        const copy = new Uint8Array(length);
        copy.set(new Uint8Array(buffer, byteOffset, length));
        parts.push(copy.buffer);
        return new (array.constructor as new (buffer: ArrayBuffer) => ArrayBufferView)(copy.buffer);
      },
      other: (value, path): Made => {
        if (value instanceof SparseTensor) return sparseParcel(value, carrier);
        const name = typeof value === 'object' ? value?.constructor?.name : typeof value;
        return fail(
          'data',
          `DataLoader: ${path} of what was read is a ${name}, which cannot be sent from thread to thread. ` +
            'Give numbers, texts, typed arrays, tensors, and lists or plain objects of them.',
        );
      },
    };
    return carrier;
  }
}

/** By name, the function that makes it and its arguments: it is made anew where it arrives. */
function sparseParcel(x: SparseTensor, carrier: Carrier): Made {
  const [first, second] =
    x.format === 'coo' ? x.indices : x.format === 'csc' ? [x.ccolIndices, x.rowIndices] : [x.crowIndices, x.colIndices];
  const places = x.format === 'coo' ? [[first, second]] : [first, second];
  const args = [...places, x.values, [...x.shape]];
  return { kind: 'made', type: x.format, args: args.map((arg) => pack(arg, carrier)) };
}

/**
 * Makes a worker's module of one's own read for DataLoaders: `serveLoader({ ...data, MyDataset })`, with whatever the dataset
 * and its transforms are made of. Only needed where a bundler has to see what a worker runs, or does not find fettle's.
 */
export async function serveLoader(types: Types): Promise<void> {
  const reader = new ThreadReader({ TensorRows, URL, ...types });
  await serveParent((parent) => expose(reader, parent));
}
