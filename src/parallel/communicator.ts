import { isCapturing } from '../autograd/index.js';
import { checkOptions, isOptions } from '../core/arguments.js';
import type { TypedArray } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { allocate, type Tensor as BareTensor } from '../core/tensor.js';
import { Tensor } from '../tensor.js';
import type { AllReduceOptions, BroadcastOptions, Collective, ReduceOp, Shared } from './collective.js';
import { type Kind, type Region, regionOf } from './region.js';

/** What 'avg' is made of: a sum, and a division afterwards. */
export type Joining = Exclude<ReduceOp, 'avg'>;

/**
 * How bytes travel between ranks. Each method begins at once; the memory of a region is held until its promise is kept or broken.
 */
export interface Transport {
  allReduce(region: Region, op: Joining): Promise<void>;
  broadcast(region: Region, src: number): Promise<void>;
  /** `into` is `size` times as long as `region`. */
  allGather(region: Region, into: Region): Promise<void>;
  barrier(): Promise<void>;
  close(): Promise<void>;
  /** See `Collective`. */
  progress?(): void;
}

const OPS: readonly ReduceOp[] = ['sum', 'avg', 'product', 'min', 'max'];

const isFloat = (kind: Kind): boolean => kind === 'float32' || kind === 'float64';

function opOf(given: ReduceOp | AllReduceOptions | undefined, kind: Kind): ReduceOp {
  if (isOptions(given)) checkOptions('allReduce', given, ['op']);
  const op = (isOptions(given) ? (given as AllReduceOptions).op : (given as ReduceOp | undefined)) ?? 'sum';
  if (!OPS.includes(op)) fail('argument', `allReduce: op must be one of ${OPS.join(', ')}, got '${String(op)}'.`);
  if (op === 'avg' && !isFloat(kind)) {
    fail('dtype', `allReduce: an average of ${kind} would be cut. Convert with .float(), or take the sum.`);
  }
  if (kind === 'bool' && op !== 'min' && op !== 'max') {
    fail('dtype', `allReduce: bool has no ${op}. Use 'min' for and, 'max' for or, or convert with .int().`);
  }
  return op;
}

/** A Collective on top of a transport: checks what is passed, finds its memory, and keeps operations in their order. */
export class Communicator implements Collective {
  /** Operations that fetch their data from another device first, and all that came behind them. */
  private queue: Promise<unknown> | null = null;
  private closing: Promise<void> | null = null;

  constructor(
    readonly rank: number,
    readonly size: number,
    private readonly transport: Transport,
  ) {}

  async allReduce<T extends Shared>(data: T, given?: ReduceOp | AllReduceOptions): Promise<T> {
    this.check('allReduce');
    const region = regionOf('allReduce', data, true);
    let op: ReduceOp;
    try {
      op = opOf(given, region.kind);
    } catch (error) {
      region.release();
      throw error;
    }
    await this.carry(region, async () => {
      await this.transport.allReduce(region, op === 'avg' ? 'sum' : op);
      if (op === 'avg') divide(region.view(), this.size);
      region.store();
    });
    written(data, 'allReduce');
    return data;
  }

  async broadcast<T extends Shared>(data: T, given?: number | BroadcastOptions): Promise<T> {
    this.check('broadcast');
    if (isOptions(given)) checkOptions('broadcast', given, ['src']);
    const src = (isOptions(given) ? (given as BroadcastOptions).src : (given as number | undefined)) ?? 0;
    if (!Number.isInteger(src) || src < 0 || src >= this.size) {
      fail('argument', `broadcast: src must be a rank, 0 … ${this.size - 1}, got ${String(src)}.`);
    }
    const region = regionOf('broadcast', data, false);
    await this.carry(region, async () => {
      await this.transport.broadcast(region, src);
      if (this.rank !== src) region.store();
    });
    written(data, 'broadcast');
    return data;
  }

  async allGather<T extends Shared>(data: T): Promise<T[]> {
    this.check('allGather');
    const region = regionOf('allGather', data, false);
    // Made now, so that it belongs to the scope of the caller and not to one that is open when the others have come.
    const result = this.roomFor(data);
    const into = regionOf('allGather', result.all as Shared, false);
    try {
      await this.carry(region, async () => {
        await this.transport.allGather(region, into);
        into.store();
      });
    } finally {
      into.release();
      result.end();
    }
    return result.parts as T[];
  }

  async barrier(): Promise<void> {
    this.check('barrier');
    if (this.queue !== null) await this.queue;
    await this.transport.barrier();
  }

  close(): Promise<void> {
    this.closing ??= this.queue === null ? this.transport.close() : this.queue.then(() => this.transport.close());
    return this.closing;
  }

  progress(): void {
    this.transport.progress?.();
  }

  private check(op: string): void {
    if (this.closing !== null) fail('state', `${op}: rank ${this.rank} has closed this Collective.`);
    if (isCapturing()) {
      fail('state', `${op}: a captured step cannot wait for other ranks. Capture what comes before and after it.`);
    }
  }

  /**
   * Runs an operation on `region` and lets go of it. Those whose data must be fetched begin late; whatever is called meanwhile
   * has to wait for them, since the ranks have to begin their operations in the same order.
   */
  private async carry(region: Region, work: () => Promise<void>): Promise<void> {
    try {
      const before = this.queue;
      const coming = region.load();
      if (before === null && coming === undefined) {
        await work();
        return;
      }
      let begun: () => void = () => {};
      const mine = new Promise<void>((resolve) => {
        begun = resolve;
      });
      this.queue = mine;
      try {
        await Promise.all([before, coming]);
        const working = work();
        begun();
        await working;
      } finally {
        begun();
        if (this.queue === mine) this.queue = null;
      }
    } finally {
      region.release();
    }
  }

  /** Memory for the data of all ranks: as a whole, and as the parts that the caller gets. */
  private roomFor(data: Shared): { all: BareTensor | TypedArray; parts: readonly Shared[]; end: () => void } {
    const ranks = Array.from({ length: this.size }, (_, i) => i);
    if (!(data instanceof Tensor)) {
      const kind = data.constructor as new (length: number) => TypedArray;
      const all = new kind(data.length * this.size);
      const parts = ranks.map((i) => all.subarray(i * data.length, (i + 1) * data.length));
      return { all, parts, end: () => {} };
    }
    const { shape, storage, dtype } = data;
    const all = allocate(storage.device, [this.size, ...shape], dtype, 'allGather');
    const strides = all.strides.slice(1);
    const parts = ranks.map((i) => all.strided(shape, strides, i * data.numel()) as Tensor);
    return { all, parts, end: () => all.dispose() };
  }
}

/** Notes a write into a tensor, so that a backward pass that has saved its value says so. */
function written(data: Shared, op: string): void {
  if (data instanceof Tensor) data.storage.touch(op);
}

function divide(values: TypedArray, by: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) / by;
}
