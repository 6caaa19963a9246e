import { indexing } from '#binary';
import { noGrad } from '../autograd/index.js';
import { currentDevice } from '../backend/current.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { Generator } from '../core/random.js';
import { sizeOf } from '../core/shape.js';
import { allocate } from '../core/tensor.js';
import { contiguous, indexSelect, select } from '../ops/index.js';
import { onDevice } from '../ops/ondevice.js';
import type { Tensor } from '../tensor.js';
import type { Collated } from './collate.js';
import { inherit } from './parts.js';
import type { Construction } from './transforms/transform.js';
import { OnHost } from './workers/parcel.js';

/** One pass over a dataset. Random transforms draw from it and the sample's index, and from nothing else. */
export interface Pass {
  readonly seed: number;
  readonly epoch: number;
}

/**
 * Samples that can be counted and asked for by number. `T` is a sample, `B` a batch of them.
 *
 * A dataset that reads files may answer with a promise. It should then give numbers and typed arrays (`HostArray`) rather
 * than tensors: those can be fetched ahead, and `defaultCollate` makes tensors of them.
 */
export interface Dataset<T = unknown, B = Collated<T>> {
  /** How many samples there are. */
  readonly length: number;
  /** Sample `index`, 0 ≤ index < length. */
  get(index: number, pass?: Pass): T | Promise<T>;
  /** The samples `indices` as one batch, where that is faster than joining single ones. */
  getBatch?(indices: Int32Array, pass?: Pass): B | Promise<B>;
  /** What makes the same dataset in another thread, for `numWorkers`; what `fromModule` makes needs no such method. */
  portable?(): Construction;
}

/** Throws unless `index` is a sample's number. */
export function checkIndex(name: string, index: number | undefined, length: number): number {
  if (index === undefined || !Number.isInteger(index) || index < 0 || index >= length) {
    fail('argument', `${name}: sample ${index} does not exist: there are ${length}, counted from 0.`);
  }
  return index;
}

/** The stream of random numbers of each sample in a pass; undefined outside of one. */
export function streamsOf(indices: ArrayLike<number>, pass: Pass | undefined): Generator[] | undefined {
  if (pass === undefined) return undefined;
  const base = new Generator(pass.seed).fork('transform', pass.epoch);
  return Array.from(indices, (index) => base.fork(index));
}

/** As many tensors as T, of whatever dtype and rank: samples have a dimension less than batches. */
export type Rows<T extends readonly Tensor[]> = { -readonly [K in keyof T]: Tensor };

/** Tensors whose first dimensions run in parallel: sample i is `[x[i], y[i], …]`, views without their first dimension. */
export class TensorDataset<T extends readonly Tensor[]> implements Dataset<Rows<T>, Rows<T>> {
  /** The tensors, contiguous. They belong to whoever made them; disposing them ends the dataset. */
  readonly tensors: T;
  readonly length: number;

  /** All tensors must have the same size along dimension 0. */
  constructor(...tensors: T) {
    const first = tensors[0] ?? fail('argument', 'TensorDataset: expected at least one tensor.');
    for (const x of tensors) {
      if (x.ndim === 0 || x.shape[0] !== first.shape[0]) {
        fail(
          'shape',
          'TensorDataset: all tensors must have the same size along dim 0, ' +
            `got ${tensors.map((t) => show(t.shape)).join(' and ')}.`,
        );
      }
    }
    this.tensors = tensors.map((x) => contiguous(x)) as readonly Tensor[] as T;
    inherit(this, ...tensors);
    this.length = first.shape[0] as number;
  }

  get(index: number): Rows<T> {
    checkIndex('TensorDataset', index, this.length);
    return this.tensors.map((x) => select(x, 0, index)) as Tensor[] as Rows<T>;
  }

  /** What makes a dataset of the same samples in another thread, whose rows are in memory that all threads share. */
  portable(): Construction {
    return { type: 'TensorRows', args: this.tensors.map((x) => new OnHost(x)) };
  }

  /** Copies the rows `indices` of each tensor into a new one. */
  getBatch(indices: Int32Array): Rows<T> {
    for (const index of indices) checkIndex('TensorDataset', index, this.length);
    return this.tensors.map((x) => takeRows(x, indices)) as Tensor[] as Rows<T>;
  }
}

/** Copies of the rows `indices` of a contiguous tensor: on its device or, where that is wasm and another one is current, there. */
function takeRows(x: Tensor, indices: Int32Array): Tensor {
  x.check('TensorDataset');
  const rows = rowsOf(x, indices);
  const { name } = currentDevice();
  if (x.device !== 'wasm' || name === 'wasm') return rows;
  const moved = onDevice(rows, name);
  rows.dispose();
  return moved;
}

function rowsOf(x: Tensor, indices: Int32Array): Tensor {
  const { device } = x.storage;
  const size = traits[x.dtype].bytes;
  const row = sizeOf(x.shape.slice(1)) * size;
  const isWhole = row % 4 === 0;
  if (isWhole || !device.answersAtOnce) {
    const index = allocate(device, [indices.length], 'int32', 'batch');
    device.write(index.storage, 0, new Uint8Array(indices.buffer, indices.byteOffset, indices.byteLength));
    const y = isWhole ? gathered(x, index, row) : noGrad(() => indexSelect(x, 0, index));
    index.dispose();
    return y;
  }
  // Rows of a few bytes, labels for instance, are gathered in one buffer and written at once.
  const y = allocate(device, [indices.length, ...x.shape.slice(1)], x.dtype, 'batch');
  const rows = new Uint8Array(indices.length * row);
  indices.forEach((from, to) => {
    rows.set(device.readSync(x.storage, x.offset * size + from * row, row), to * row);
  });
  device.write(y.storage, 0, rows);
  return y;
}

/** The rows of whole words, `row` bytes each, that stand at `index`. */
function gathered(x: Tensor, index: Tensor, row: number): Tensor {
  const [count = 0] = index.shape;
  const y = allocate(x.storage.device, [count, ...x.shape.slice(1)], x.dtype, 'batch');
  y.storage.device.launch({
    kernel: indexing.kernel('gatherRows_b4'),
    work: count,
    grain: Math.ceil(65536 / Math.max(row, 1)),
    writes: [y],
    reads: [x, index],
    ints: [count, row / 4],
  });
  return y;
}

/** The samples `indices` of a dataset, in that order. */
export class Subset<T, B = Collated<T>> implements Dataset<T, B> {
  readonly indices: Int32Array;
  readonly getBatch?: (indices: Int32Array, pass?: Pass) => B | Promise<B>;

  constructor(
    readonly dataset: Dataset<T, B>,
    indices: ArrayLike<number>,
  ) {
    this.indices = Int32Array.from(indices);
    for (let i = 0; i < indices.length; i++) checkIndex('Subset', indices[i], dataset.length);
    // Only where the dataset itself has a fast path, so that one can tell by asking.
    if (dataset.getBatch !== undefined) {
      this.getBatch = (positions, pass) => this.takeBatch(positions, pass);
    }
    inherit(this, dataset, indices);
  }

  get length(): number {
    return this.indices.length;
  }

  get(index: number, pass?: Pass): T | Promise<T> {
    return this.dataset.get(this.at(index), pass);
  }

  /** What makes the same dataset in another thread. */
  portable(): Construction {
    return { type: 'Subset', args: [this.dataset, this.indices] };
  }

  private takeBatch(positions: Int32Array, pass: Pass | undefined): B | Promise<B> {
    const batch = this.dataset.getBatch?.(
      positions.map((position) => this.at(position)),
      pass,
    );
    return batch as B | Promise<B>;
  }

  private at(position: number): number {
    return this.indices[checkIndex('Subset', position, this.length)] as number;
  }
}

/** Datasets one behind another. */
export class ConcatDataset<T> implements Dataset<T> {
  readonly datasets: readonly Dataset<T, unknown>[];
  /** Where each of them ends, counted from the beginning. */
  readonly cumulativeSizes: readonly number[];

  constructor(datasets: readonly Dataset<T, unknown>[]) {
    if (datasets.length === 0) fail('argument', 'ConcatDataset: expected at least one dataset.');
    let total = 0;
    this.datasets = [...datasets];
    inherit(this, ...datasets);
    this.cumulativeSizes = datasets.map((dataset) => {
      total += dataset.length;
      return total;
    });
  }

  get length(): number {
    return this.cumulativeSizes[this.cumulativeSizes.length - 1] as number;
  }

  /** What makes the same dataset in another thread. */
  portable(): Construction {
    return { type: 'ConcatDataset', args: [this.datasets] };
  }

  get(index: number, pass?: Pass): T | Promise<T> {
    checkIndex('ConcatDataset', index, this.length);
    const part = this.cumulativeSizes.findIndex((end) => index < end);
    const begin = part === 0 ? 0 : (this.cumulativeSizes[part - 1] as number);
    // Two parts may hold samples of the same index; each part draws from a pass of its own.
    const own = pass && { ...pass, seed: part === 0 ? pass.seed : seedOfPart(pass.seed, part) };
    return (this.datasets[part] as Dataset<T, unknown>).get(index - begin, own);
  }
}

function seedOfPart(seed: number, part: number): number {
  return new Generator(seed).fork('part', part).getState().seed;
}
