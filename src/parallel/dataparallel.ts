import { noGrad } from '../autograd/index.js';
import { processors, shareHeap } from '../backend/threads.js';
import { breathe } from '../core/breathe.js';
import { fail, warnOnce } from '../core/errors.js';
import { currentScope, Scope, within } from '../core/scope.js';
import { scope } from '../core/scoping.js';
import type { Parcel } from '../data/workers/parcel.js';
import { Module } from '../nn/index.js';
import { mul_ } from '../ops/index.js';
import { threadsMissing } from '../runtime/worker.js';
import { checkWhole } from './check.js';
import { Crew } from './crew.js';
import { type LossSource, lossPlan, modelPlan } from './describe.js';
import type { Done, Setup } from './messages.js';
import type { Batches, BatchResult, DataParallelOptions, Measured, Stepping } from './options.js';
import { all, inOrder } from './ordered.js';
import { Orders } from './orders.js';
import { cuts, gathered, received, type Shard, samplesOf, shardsOf } from './shards.js';
import { normalizedChannels } from './syncnorm.js';
import { BatchTraining } from './training.js';
import { ModelValues } from './values.js';

/** Parts that are computed ahead of the one that is added next, for each thread. */
const AHEAD = 2;
const NAME = 'DataParallel';

/**
 * A model that is trained and used on several threads: each batch is cut into parts, each thread has an engine and a replica of
 * the model of its own, and gradients are summed in shared memory, always in the order of the parts. `module` is the model, on
 * this thread: its parameters get the gradients, and the optimizer is stepped here, once.
 *
 * `model` is a Module or a function that makes one. Threads make it anew from its structure, for which it consists of layers of
 * fettle/nn; or from a module, where `fromModule` of fettle/data has made it. What changes its structure later needs a new
 * DataParallel; modes, values, and which parameters are frozen, are followed.
 *
 * A thread that ends, or takes longer than `timeout`, is replaced, and its part is done again. An error in a thread is thrown
 * here, with its stack as the cause, and gradients stay what they were. Threads do not keep a process; `close()` ends them.
 * Where memory cannot be shared, gradients are sent.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.Linear(16, 3));
 * const parallel = new DataParallel(model, { workers: 2, loss: 'crossEntropy' });
 * const optimizer = new optim.Adam(parallel.parameters());
 * const batch = [randn([32, 4]), randint(0, 3, [32])];
 * optimizer.zeroGrad();
 * const { loss } = await parallel.backward(batch);
 * optimizer.step();
 * await parallel.close();
 */
export class DataParallel<M extends Module = Module> {
  /** The model. */
  readonly module: M;
  readonly workers: number;
  private readonly values: ModelValues;
  private readonly orders: Orders;
  private readonly crew: Crew;
  private readonly dim: number;
  /** One batch at a time: they would sum into the same gradients. */
  private last: Promise<unknown> = Promise.resolve();
  /** Whether gradients come by shared memory; known when the first thread starts. */
  private readonly begun: () => Promise<boolean>;
  private training: BatchTraining | null = null;

  constructor(
    model: M | (() => M),
    private readonly options: DataParallelOptions = {},
  ) {
    const { workers = processors(), timeout = 300_000, dim = 0, microBatch, worker } = options;
    checkWhole(NAME, 'workers', workers, 1);
    checkWhole(NAME, 'timeout', timeout, 0);
    checkWhole(NAME, 'dim', dim, 0);
    if (microBatch !== undefined) checkWhole(NAME, 'microBatch', microBatch, 1);
    if (options.loss !== undefined && options.step !== undefined) {
      fail('argument', `${NAME}: loss and step exclude each other: a step computes its loss itself.`);
    }
    if (!['mean', 'sum', undefined].includes(options.reduction)) {
      fail('argument', `${NAME}: reduction must be 'mean' or 'sum', got '${String(options.reduction)}'.`);
    }
    const missing = threadsMissing();
    if (missing !== undefined) fail('unsupported', `${NAME}: ${missing}. Train on this thread.`);
    const module = typeof model === 'function' ? model() : model;
    if (!(module instanceof Module)) {
      fail('argument', `${NAME}: expected a Module or a function that makes one, got ${typeof module}.`);
    }
    const plan = modelPlan(module);
    this.module = module;
    this.workers = workers;
    this.dim = dim;
    this.values = new ModelValues(NAME, module);
    this.orders = new Orders(NAME, this.values);
    const { device = 'wasm', capture = null } = options;
    const setup = async (): Promise<Setup> => {
      const source = options.loss ?? options.step;
      const loss =
        source === undefined ? null : await lossPlan(source as LossSource, module, options.step !== undefined);
      return { model: plan, loss, work: null, device, capture, lane: null };
    };
    // Jobs are told by addresses, which the threads read where they compute.
    const lane = () => (device === 'wasm' && this.values.places() !== null ? this.values.room : null);
    this.crew = new Crew({ name: NAME, workers, timeout, worker, setup, lane });
    let sharing: Promise<boolean> | undefined;
    this.begun = () => {
      sharing ??= this.share();
      return sharing;
    };
  }

  /** Threads that ended by themselves, or were ended as they hung, and had to be replaced. */
  get lostWorkers(): number {
    return this.crew.lost;
  }

  parameters(): ReturnType<M['parameters']> {
    return this.module.parameters() as ReturnType<M['parameters']>;
  }

  namedParameters(): ReturnType<M['namedParameters']> {
    return this.module.namedParameters() as ReturnType<M['namedParameters']>;
  }

  stateDict(): ReturnType<M['stateDict']> {
    return this.module.stateDict() as ReturnType<M['stateDict']>;
  }

  train(mode = true): this {
    this.module.train(mode);
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  zeroGrad(): void {
    this.module.zeroGrad();
  }

  /** Starts the threads, which otherwise happens with the first batch. */
  async start(): Promise<this> {
    await this.begun();
    await this.crew.start();
    return this;
  }

  /**
   * Computes the loss of a batch and adds its gradients, times `scale`, to those that the parameters have: with
   * { scale: 1 / k }, k batches give the gradient of one of their size. `batch` is what `loss` takes, the inputs of the model
   * and then the target; every tensor in it is cut along the dimension of samples.
   */
  backward(batch: unknown, { scale = 1 }: { readonly scale?: number } = {}): Promise<BatchResult> {
    return this.next(async () => {
      if (this.options.loss === undefined && this.options.step === undefined) {
        fail('argument', `${NAME}.backward: training needs a loss. Pass { loss: 'crossEntropy' }, or another one.`);
      }
      const shared = await this.begun();
      this.training ??= this.makeTraining(shared);
      const { training } = this;
      return this.sharded(batch, (shards, held) => training.accumulate(shards, scale, held));
    });
  }

  /** A step of training on one batch: gradients of it alone, then the optimizer's step. */
  async step(batch: unknown, optimizer: Stepping): Promise<BatchResult> {
    optimizer.zeroGrad();
    const result = await this.backward(batch);
    optimizer.step();
    return result;
  }

  /**
   * Trains on a stream of batches, and gives what each step did: `for await (const { loss } of parallel.fit(loader, optimizer))`.
   * With `accumulate`, a step is taken over the mean of so many batches; the last may be of fewer.
   */
  async *fit(
    batches: Batches,
    optimizer: Stepping,
    { accumulate = 1, beforeStep }: { readonly accumulate?: number; readonly beforeStep?: (model: M) => void } = {},
  ): AsyncGenerator<BatchResult> {
    checkWhole(NAME, 'accumulate', accumulate, 1);
    const pause = breathe();
    let group: BatchResult[] = [];
    optimizer.zeroGrad();
    const finish = (): BatchResult => {
      // A last group may be smaller than the others, for which its gradients were scaled.
      if (group.length < accumulate) this.rescale(accumulate / group.length);
      beforeStep?.(this.module);
      optimizer.step();
      optimizer.zeroGrad();
      const done = joinedResults(group);
      group = [];
      return done;
    };
    for await (const batch of batches) {
      group.push(await this.backward(batch, { scale: 1 / accumulate }));
      if (group.length === accumulate) yield finish();
      await pause();
    }
    if (group.length > 0) yield finish();
  }

  /** What the model gives for a batch, of which each thread computes a part, without a gradient. */
  forward(...inputs: readonly unknown[]): Promise<unknown> {
    return this.next(async () => {
      await this.begun();
      return this.sharded(inputs, async (shards) => {
        const orders = shards.map(({ value }, i) => this.orders.asking('forward', value, i));
        const done = await all(orders.map((order) => this.crew.ask(order)));
        return gathered(
          `${NAME}.forward`,
          done.map(({ output }) => received(output as Parcel)),
          this.dim,
        );
      });
    });
  }

  /**
   * What the model gives for each batch of a stream, in order; each is computed by one thread, and no more of them are read
   * ahead than the threads have to do. Without a gradient, in the mode that the model is in.
   */
  async *map(stream: Batches): AsyncGenerator<unknown> {
    await this.begun();
    const ask = (batch: unknown): Promise<Done> => this.whole('forward', Array.isArray(batch) ? batch : [batch]);
    // A loader frees with each batch what is made while it is at hand.
    const outer = currentScope();
    for await (const { output } of inOrder(stream, this.workers * AHEAD, ask)) {
      yield within(outer?.isOpen ? outer : null, () => received(output as Parcel));
    }
  }

  /** Mean loss and accuracy over batches, in evaluation mode, each computed by one thread. */
  async evaluate(batches: Batches): Promise<Measured> {
    await this.begun();
    const modes = this.module.modules().map(({ training }) => training);
    this.module.eval();
    const total = { loss: 0, correct: 0, labelled: 0, samples: 0 };
    const sizes: number[] = [];
    const ask = (batch: unknown): Promise<Done> => {
      sizes.push(samplesOf(`${NAME}.evaluate`, batch, this.dim));
      return this.whole('measure', batch);
    };
    try {
      for await (const { loss, correct } of inOrder(batches, this.workers * AHEAD, ask)) {
        const samples = sizes.shift() as number;
        total.loss += this.options.reduction === 'sum' ? loss : loss * samples;
        total.samples += samples;
        total.correct += correct ?? 0;
        if (correct !== null) total.labelled += samples;
      }
    } finally {
      this.module.modules().forEach((module, i) => {
        module.training = modes[i] as boolean;
      });
    }
    const { loss, correct, labelled, samples } = total;
    return { loss: loss / samples, accuracy: labelled > 0 ? correct / labelled : null, samples };
  }

  /** Ends all threads, and frees what was for them. The model stays. Resolves when they are gone. */
  async close(): Promise<void> {
    await this.crew.close();
    await this.last;
    this.training?.dispose();
    this.training = null;
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')](): Promise<void> {
    await this.close();
  }

  /** Does something when all that was asked for before is done. */
  private next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  private async share(): Promise<boolean> {
    const reason = await shareHeap();
    if (reason === undefined) return true;
    if (this.options.syncBatchNorm === true) {
      fail('unsupported', `${NAME}: syncBatchNorm needs shared memory, and ${reason.replace(/\.$/, '')}.`);
    }
    warnOnce(`${NAME}: gradients are sent from thread to thread, which takes longer: ${reason.replace(/\.$/, '')}.`);
    return false;
  }

  /** Cuts a batch into parts that live until `use` is done. */
  private async sharded<T>(batch: unknown, use: (shards: Shard[], held: Scope) => Promise<T>): Promise<T> {
    const samples = samplesOf(NAME, batch, this.dim);
    const ends = cuts(samples, { size: this.options.microBatch, parts: this.workers });
    if (this.options.syncBatchNorm === true && ends.length - 1 > this.workers) {
      fail(
        'argument',
        `${NAME}: syncBatchNorm has all parts of a batch computed at once, and ${ends.length - 1} parts of ` +
          `${this.options.microBatch} samples are more than ${this.workers} workers. Leave out microBatch, or raise it.`,
      );
    }
    const held = new Scope(null);
    try {
      return await use(
        within(held, () => shardsOf(batch, ends, this.dim)),
        held,
      );
    } finally {
      held.end();
    }
  }

  private whole(kind: 'forward' | 'measure', batch: unknown): Promise<Done> {
    const held = new Scope(null);
    const [shard] = within(held, () => shardsOf(batch, [0, 0], this.dim));
    return this.crew.ask(this.orders.asking(kind, (shard as Shard).value, 0)).finally(() => held.end());
  }

  private makeTraining(shared: boolean): BatchTraining {
    const { reduction, weight, timeout, syncBatchNorm } = this.options;
    return new BatchTraining(this.crew, this.orders, this.values, shared, {
      name: NAME,
      ...(reduction === undefined ? {} : { reduction }),
      ...(weight === undefined ? {} : { weight }),
      ...(timeout === undefined ? {} : { timeout }),
      ahead: this.workers * AHEAD,
      channels: syncBatchNorm === true ? normalizedChannels(this.module) : 0,
    });
  }

  private rescale(factor: number): void {
    noGrad(() =>
      scope(() => {
        for (const { grad } of this.module.parameters()) if (grad !== null) mul_(grad, factor);
      }),
    );
  }
}

/** What several batches gave that were one step. */
function joinedResults(batches: readonly BatchResult[]): BatchResult {
  const known = batches.every(({ correct }) => correct !== null);
  return {
    loss: batches.reduce((sum, { loss }) => sum + loss, 0) / batches.length,
    samples: batches.reduce((sum, { samples }) => sum + samples, 0),
    correct: known ? batches.reduce((sum, { correct }) => sum + (correct as number), 0) : null,
  };
}
