import { isGradEnabled, noGrad } from '../autograd/index.js';
import { checkOptions } from '../core/arguments.js';
import { crc32 } from '../core/crc.js';
import type { DType } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { Module } from '../nn/index.js';
import { cat, copy_, flatten, narrow, view } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import type { Collective } from './collective.js';
import { Reducer } from './reducer.js';

export interface DistributedDataParallelOptions {
  /** The ranks that train together. */
  readonly processGroup: Collective;
  /** The most megabytes (2^20 bytes) of small gradients that go in one message. Default 25. */
  readonly bucketCapMb?: number;
  /** Whether buffers, such as running statistics, follow rank 0's after each step. Default true. */
  readonly broadcastBuffers?: boolean;
}

/**
 * A model of which every rank has a copy, trained as one: each rank computes the gradients of its own batch, and all step with the
 * average of them, so that the copies stay the same. With batches of equal size and a loss that is a mean, that is the gradient
 * of the batches together.
 *
 * At the beginning every rank gets the parameters and buffers of rank 0. Gradients travel while backward() still computes; as
 * nothing in JavaScript may wait but a promise, the step ends with `await model.synchronize()`, before the optimizer's.
 *
 * @example
 * const processGroup = parallel.alone(); // await initProcessGroup() of fettle/mpi, under mpirun
 * const model = new parallel.DistributedDataParallel(new nn.Linear(4, 2), { processGroup });
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * await model.synchronize();
 * model.forward(ones([8, 4])).sum().backward();
 * await model.synchronize();
 * optimizer.step();
 * model.unwrap().dispose();
 */
export class DistributedDataParallel<M extends Module = Module> extends Module {
  readonly module: M;
  readonly processGroup: Collective;
  private readonly broadcastBuffers: boolean;
  private readonly reducer: Reducer | null;
  private readonly beginning: Promise<void>;
  private hasBegun = false;
  /** A forward has been recorded whose gradients are to be averaged. */
  private isExpecting = false;
  /** How many noSync() are open. */
  private quiet = 0;

  constructor(module: M, options: DistributedDataParallelOptions) {
    super();
    checkOptions('DistributedDataParallel', options, ['processGroup', 'bucketCapMb', 'broadcastBuffers']);
    const { processGroup, bucketCapMb = 25, broadcastBuffers = true } = options;
    if (!(module instanceof Module)) {
      fail('argument', `DistributedDataParallel: expected a Module, got ${typeof module}.`);
    }
    if (typeof processGroup?.allReduce !== 'function') {
      fail(
        'argument',
        'DistributedDataParallel: processGroup must be a Collective. Pass { processGroup: await initProcessGroup() }.',
      );
    }
    if (!(bucketCapMb > 0)) {
      fail('argument', `DistributedDataParallel: bucketCapMb must be megabytes > 0, got ${String(bucketCapMb)}.`);
    }
    const parameters = module.parameters().filter(({ requiresGrad }) => requiresGrad);
    if (parameters.length === 0) {
      fail(
        'argument',
        'DistributedDataParallel: no parameter of the model requires a gradient: there is nothing to average.',
      );
    }
    this.module = module;
    this.processGroup = processGroup;
    this.broadcastBuffers = broadcastBuffers;
    this.reducer =
      processGroup.size === 1
        ? null
        : new Reducer(parameters, processGroup, bucketCapMb * 2 ** 20, () => this.quiet === 0);
    this.beginning = this.begin();
    // Whoever awaits synchronize() is told; until then nobody listens.
    this.beginning.catch(() => {});
  }

  /** What the model gives for this rank's inputs. */
  forward(...inputs: Parameters<M['forward']>): ReturnType<M['forward']> {
    if (!this.hasBegun) {
      fail(
        'state',
        'DistributedDataParallel: the ranks have not got the parameters of rank 0 yet. await model.synchronize() first.',
      );
    }
    if (this.reducer?.isOpen === true && this.quiet === 0) {
      fail(
        'state',
        'DistributedDataParallel: the gradients of the last backward() are not averages yet. await model.synchronize() ' +
          'after backward(), before the optimizer steps.',
      );
    }
    if (isGradEnabled() && this.quiet === 0) this.isExpecting = true;
    const forward = this.module.forward as (...given: Parameters<M['forward']>) => ReturnType<M['forward']>;
    return forward.apply(this.module, inputs);
  }

  /**
   * Waits until this rank has what all have agreed on: at the beginning the parameters and buffers, after backward() the averages of
   * all gradients. Every rank has to call it as often as the others.
   */
  async synchronize(): Promise<void> {
    await this.beginning;
    if (!this.isExpecting && this.reducer?.isOpen !== true) return;
    this.isExpecting = false;
    if (this.reducer === null) return;
    const following = this.broadcastBuffers && this.training ? this.followBuffers() : null;
    await this.reducer.finish();
    await following;
  }

  /**
   * Runs `body`, in which backward() adds to this rank's own gradients and nothing is exchanged: for all but the last of several
   * batches that make one step. The passes forward belong in it, too.
   */
  noSync<T>(body: () => T): T {
    this.quiet++;
    const end = (): void => {
      this.quiet--;
    };
    let result: T;
    try {
      result = body();
    } catch (error) {
      end();
      throw error;
    }
    if (result instanceof Promise) return result.finally(end) as T;
    end();
    return result;
  }

  /** Ends the exchange of gradients, and gives the model as it was. */
  unwrap(): M {
    this.reducer?.dispose();
    return this.module;
  }

  override dispose(): void {
    this.reducer?.dispose();
    super.dispose();
  }

  private async begin(): Promise<void> {
    await this.checkModels();
    const all: Tensor[] = [...this.module.parameters(), ...this.module.buffers()];
    await Promise.all(all.map((tensor) => this.processGroup.broadcast(tensor)));
    this.hasBegun = true;
  }

  /** Throws on every rank where one has another model: messages would be cut in different places. */
  private async checkModels(): Promise<void> {
    const names = [...this.module.namedParameters(), ...this.module.namedBuffers()].map(
      ([name, tensor]) => `${name} ${show(tensor.shape)} ${tensor.dtype} ${tensor.requiresGrad}`,
    );
    const mine = Uint32Array.of(names.length, crc32(new TextEncoder().encode(names.join('\n'))));
    const all = await this.processGroup.allGather(mine);
    const other = all.findIndex((theirs) => theirs.some((value, i) => value !== all[0]?.[i]));
    if (other > 0) {
      fail(
        'state',
        `DistributedDataParallel: the model of rank ${other} is not that of rank 0: it has ${all[other]?.[0]} parameters and buffers, ` +
          `rank 0 has ${all[0]?.[0]}, and their names, shapes and requiresGrad must be the same. Build it alike on all ranks.`,
      );
    }
  }

  /** Takes the buffers of rank 0, those of one dtype in one message. */
  private async followBuffers(): Promise<void> {
    const byDType = new Map<DType, Tensor[]>();
    for (const buffer of this.module.buffers()) {
      byDType.set(buffer.dtype, [...(byDType.get(buffer.dtype) ?? []), buffer]);
    }
    await Promise.all([...byDType.values()].map((buffers) => this.follow(buffers)));
  }

  private async follow(buffers: readonly Tensor[]): Promise<void> {
    const all = noGrad(() => scope(() => cat(buffers.map((buffer) => flatten(buffer))).keep()));
    try {
      await this.processGroup.broadcast(all);
      noGrad(() =>
        scope(() => {
          let at = 0;
          for (const buffer of buffers) {
            copy_(buffer, view(narrow(all, 0, at, buffer.numel()), buffer.shape));
            at += buffer.numel();
          }
        }),
      );
    } finally {
      all.dispose();
    }
  }
}
