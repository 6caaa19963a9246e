/** Batch norm over a batch of which each thread has a part, as PyTorch's SyncBatchNorm. */
import { AutogradFunction, type FunctionContext, noGrad } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { sizeOf } from '../core/shape.js';
import { BatchNorm1d, BatchNorm2d, BatchNorm3d, type Module } from '../nn/index.js';
import { add, add_, div, mul, mul_, reshape, rsqrt, square, sub, sum, tensor } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import type { Exchange } from './messages.js';

/*
 * The memory of an exchange: how many have arrived, counted over all sums, and whether it was called off; then two rooms for
 * each thread, used in turn. Whoever writes into a room for the second time has seen all others arrive at the sum between, so
 * they have read what it held.
 *
 *   | arrived i32 | off i32 | rank 0: room 0 | rank 0: room 1 | rank 1: room 0 | …      rooms of f64
 */
const ARRIVED = 0;
const OFF = 1;
const HEADER = 8;

/** Numbers in a room: a sum for each channel, and the count. */
const roomOf = (channels: number): number => channels + 1;

/** Memory for threads that normalize up to `channels` channels. */
export function exchangeMemory(size: number, channels: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER + size * 2 * roomOf(channels) * 8);
}

/** Lets go of threads that wait for others, which will not come. */
export function callOff(memory: SharedArrayBuffer): void {
  const words = new Int32Array(memory, 0, 2);
  Atomics.store(words, OFF, 1);
  Atomics.notify(words, ARRIVED);
}

/** The most channels of a batch norm in a model; 0 where there is none. */
export function normalizedChannels(model: Module): number {
  return Math.max(0, ...model.modules().map((module) => (isBatchNorm(module) ? module.numFeatures : 0)));
}

type BatchNorm = BatchNorm1d | BatchNorm2d | BatchNorm3d;

function isBatchNorm(module: Module): module is BatchNorm {
  return module instanceof BatchNorm1d || module instanceof BatchNorm2d || module instanceof BatchNorm3d;
}

/** One thread's end of an exchange. */
export class StatisticsExchange {
  private at: Exchange | null = null;
  private sums = 0;

  use(exchange: Exchange | null): void {
    this.at = exchange;
    this.sums = 0;
  }

  get isOpen(): boolean {
    return this.at !== null;
  }

  /** The sum of what all threads give, in the order of their ranks. Waits for them. */
  total(mine: Float64Array): Float64Array {
    const { memory, rank, size, timeout } = this.at as Exchange;
    const words = new Int32Array(memory, 0, 2);
    const length = (memory.byteLength - HEADER) / 8 / size / 2;
    const turn = this.sums++ % 2;
    const room = (r: number): Float64Array =>
      new Float64Array(memory, HEADER + (2 * r + turn) * length * 8, mine.length);
    room(rank).set(mine);
    Atomics.add(words, ARRIVED, 1);
    Atomics.notify(words, ARRIVED);
    const due = this.sums * size;
    const began = performance.now();
    for (;;) {
      if (Atomics.load(words, OFF) !== 0) fail('state', 'syncBatchNorm: another thread has ended.');
      const arrived = Atomics.load(words, ARRIVED);
      if (arrived >= due) break;
      if (timeout > 0 && performance.now() - began > timeout) {
        fail('state', `syncBatchNorm: the other threads did not come within ${timeout} ms.`);
      }
      Atomics.wait(words, ARRIVED, arrived, 100);
    }
    const total = new Float64Array(mine.length);
    for (let r = 0; r < size; r++) {
      const theirs = room(r);
      for (let i = 0; i < total.length; i++) total[i] = (total[i] as number) + (theirs[i] as number);
    }
    return total;
  }
}

/** The sum over all threads. Its gradient is again a sum over them, as each thread's loss depends on every thread's part. */
class TotalSum extends AutogradFunction {
  static forward(ctx: FunctionContext, x: Tensor, exchange: StatisticsExchange): Tensor {
    ctx.exchange = exchange;
    return totalOf(x, exchange);
  }

  static backward(ctx: FunctionContext, g: Tensor): readonly (Tensor | null)[] {
    return [totalOf(g, ctx.exchange as StatisticsExchange), null];
  }
}

function totalOf(x: Tensor, exchange: StatisticsExchange): Tensor {
  return tensor(Float32Array.from(exchange.total(Float64Array.from(x.dataSync()))), x.shape) as Tensor;
}

/** Lets the batch norms among `modules` normalize with all threads while the exchange that this gives is in use. */
export function synchronise(modules: readonly Module[]): StatisticsExchange {
  const exchange = new StatisticsExchange();
  for (const module of modules) {
    if (!isBatchNorm(module)) continue;
    const alone = module.forward.bind(module);
    module.forward = (x) => (exchange.isOpen && module.training ? together(module, x, exchange) : alone(x));
  }
  return exchange;
}

/** y = (x − mean) / √(var + eps) · weight + bias, with mean and biased variance of all threads' parts. */
function together(module: BatchNorm, x: Tensor, exchange: StatisticsExchange): Tensor {
  const { weight, bias, eps } = module;
  if (x.shape[1] !== module.numFeatures) return module.forward(x);
  const others = x.shape.map((_, d) => d).filter((d) => d !== 1);
  const wide = (v: Tensor): Tensor => reshape(v, [1, -1, ...others.slice(1).map(() => 1)]);
  const count = exchange.total(Float64Array.of(sizeOf(x.shape) / module.numFeatures))[0] as number;
  const mean = div(TotalSum.apply(sum(x, others), exchange), count);
  const centred = sub(x, wide(mean));
  const variance = div(TotalSum.apply(sum(square(centred), others), exchange), count);
  track(module, mean, variance, count);
  const normal = mul(centred, wide(rsqrt(add(variance, eps))));
  const scaled = weight === null ? normal : mul(normal, wide(weight));
  return bias === null ? scaled : add(scaled, wide(bias));
}

/** Moves the running statistics: the variance with Bessel's correction, as batch norm does. */
function track(module: BatchNorm, mean: Tensor, variance: Tensor, count: number): void {
  const { runningMean, runningVar, numBatchesTracked } = module;
  if (runningMean === null || runningVar === null) return;
  noGrad(() =>
    scope(() => {
      if (numBatchesTracked !== null) add_(numBatchesTracked, 1);
      const share = module.momentum ?? 1 / (numBatchesTracked?.item() ?? 1);
      const unbiased = mul(variance.detach(), count / Math.max(count - 1, 1));
      for (const [running, now] of [
        [runningMean, mean.detach()],
        [runningVar, unbiased],
      ] as const) {
        mul_(running, 1 - share);
        add_(running, mul(now, share));
      }
    }),
  );
}
