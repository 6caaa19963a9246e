import { fail } from '../core/errors.js';
import { type Scope, within } from '../core/scope.js';
import type { Crew } from './crew.js';
import { GradientSum } from './gradients.js';
import type { Done, Exchange } from './messages.js';
import type { BatchResult, DataParallelOptions } from './options.js';
import type { Orders } from './orders.js';
import type { Shard } from './shards.js';
import { callOff, exchangeMemory } from './syncnorm.js';
import type { ModelValues } from './values.js';

/** How often a batch is begun in which threads depend on one another. */
const ATTEMPTS = 2;

/** What a batch is trained with. */
export interface TrainingOptions extends Pick<DataParallelOptions, 'reduction' | 'weight' | 'timeout'> {
  readonly name: string;
  /** Parts that are computed ahead of the one that is added next. */
  readonly ahead: number;
  /** Channels whose statistics threads tell each other; 0 where each part has its own. */
  readonly channels: number;
}

/** Has the parts of batches computed, and sums what they give: losses, buffers, and gradients into those of the parameters. */
export class BatchTraining {
  private readonly sum: GradientSum;

  /** `shared`: whether gradients come by shared memory. */
  constructor(
    private readonly crew: Crew,
    private readonly orders: Orders,
    private readonly values: ModelValues,
    shared: boolean,
    private readonly options: TrainingOptions,
  ) {
    this.sum = new GradientSum(values.parameters, shared, options.ahead);
  }

  /** Adds the gradients of a batch in parts, times `scale`, to those of the parameters. What it makes belongs to `held`. */
  async accumulate(shards: readonly Shard[], scale: number, held: Scope): Promise<BatchResult> {
    const { reduction = 'mean', weight } = this.options;
    const weights = shards.map(({ value, samples }) => weight?.(value as never) ?? samples);
    const total = weights.reduce((a, b) => a + b, 0);
    const shares = weights.map((w) => (reduction === 'sum' ? 1 : w / total));
    const done = await this.descend(shards, shares, scale, held);
    this.values.mixBuffers(
      done.map(({ buffers }) => buffers as Uint8Array),
      shards.map(({ samples }) => samples),
    );
    return {
      loss: done.reduce((sum, { loss }, i) => sum + loss * (shares[i] as number), 0),
      samples: shards.reduce((sum, { samples }) => sum + samples, 0),
      correct: done.some(({ correct }) => correct === null)
        ? null
        : done.reduce((sum, { correct }) => sum + (correct as number), 0),
    };
  }

  dispose(): void {
    this.sum.dispose();
  }

  /** Has all parts computed, and their gradients summed and handed to the parameters. */
  private async descend(
    shards: readonly Shard[],
    shares: readonly number[],
    scale: number,
    held: Scope,
  ): Promise<Done[]> {
    const { sum, values } = this;
    const version = values.publish();
    const stream = this.orders.randomStream();
    for (let attempt = 1; ; attempt++) {
      const meeting = this.meeting(shards.length);
      const done: Done[] = [];
      const pending: Promise<Done>[] = [];
      const ask = (): void => {
        const i = pending.length;
        const order = this.orders.training((shards[i] as Shard).value, i, {
          seed: stream.fork(i).initialSeed(),
          scale: scale * (shares[i] as number),
          place: sum.placeOf(i),
          exchange: meeting.of(i),
          lost: meeting.lost,
        });
        const answer = this.crew.ask(order);
        answer.catch(meeting.callOff);
        pending.push(answer);
      };
      sum.begin();
      try {
        while (pending.length < Math.min(shards.length, sum.ahead)) ask();
        for (let i = 0; i < shards.length; i++) {
          const part = await (pending[i] as Promise<Done>);
          within(held, () => sum.add(i, part));
          done.push(part);
          if (i > 0 && pending.length < shards.length) ask();
        }
        if (values.publish() !== version) {
          const { name } = this.options;
          fail('state', `${name}.backward: the model's parameters were changed before it was done. Wait for it first.`);
        }
        sum.deliver(done);
        return done;
      } catch (error) {
        meeting.callOff();
        // What still computes writes into memory of this sum.
        await Promise.allSettled(pending);
        sum.drop();
        if (!meeting.ended || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** How the parts of a batch meet for their statistics; where they do not, nobody waits for anybody. */
  private meeting(size: number): {
    of(rank: number): Exchange | null;
    callOff(): void;
    readonly lost: (() => boolean) | undefined;
    readonly ended: boolean;
  } {
    const { channels, timeout = 300_000 } = this.options;
    if (channels === 0 || size === 1) return { of: () => null, callOff: () => {}, lost: undefined, ended: false };
    const memory = exchangeMemory(size, channels);
    const state = {
      of: (rank: number): Exchange => ({ memory, rank, size, timeout }),
      callOff: () => callOff(memory),
      // One that begins anew would wait for what the others have told before: all begin anew.
      lost: () => {
        state.ended = true;
        callOff(memory);
        return false;
      },
      ended: false,
    };
    return state;
  }
}
