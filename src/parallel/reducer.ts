import { type HookHandle, noGrad, registerPostAccumulateGradHook } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { allocate } from '../core/tensor.js';
import type { Parameter } from '../nn/index.js';
import { contiguous, copy_, mul_, view, zero_ } from '../ops/index.js';
import { type Tensor, zerosLike } from '../tensor.js';
import type { Collective } from './collective.js';

/**
 * Averages gradients over ranks while a backward pass is computing more of them.
 *
 * A large gradient is a message by itself and is reduced in the memory where backward() put it. Small ones, for which the way
 * would take longer than the work, are put together in one stretch of memory. Messages go out as soon as their gradients are
 * complete, and in the same order on all ranks: whichever rank is behind decides when. The first pass goes by the order of the
 * parameters, from the last to the first; those after it by the order in which gradients came to rank 0 in the first.
 *
 *      backward   ──── w4 ──── w3 ──── w2 ──── w1 ─┐
 *      messages        └─ w4 ────┘└─ w3 ──┘└─ w2 ──┴ w1 ─┘└─ b1 b2 b3 b4 flags ─┘
 *
 * A parameter that a pass does not reach counts as 0 as long as some rank has reached it; one that none has reached keeps the
 * gradient that it had, or none, as it would in one process. Flags in the last message tell.
 */

/** Bytes from which a gradient is a message by itself: copying it would take about as long as a message's own latency. */
const LARGE = 1 << 18;

const WIDTH = 4;

interface Message {
  /** Parameters, by number, in the order of the stretch. */
  readonly members: readonly number[];
  /** Where small gradients are put together; null for a large one. */
  readonly flat: Tensor | null;
  /** Members whose gradients are still to come. */
  missing: number;
  /** What is reduced, of a large one. */
  sent: Tensor | null;
}

export class Reducer {
  private messages: Message[] = [];
  /** The message of each parameter. */
  private readonly messageOf: Message[] = [];
  /** Parameters in the order in which their gradients came in this pass. */
  private came: number[] = [];
  private readonly hasCome: Uint8Array;
  /** Messages that have gone out. */
  private gone = 0;
  private underWay: Promise<unknown>[] = [];
  private settled = false;
  private readonly handles: readonly HookHandle[];

  /** `isOn` says whether gradients that come are to be reduced. `cap` is the most bytes of small gradients in a message. */
  constructor(
    private readonly parameters: readonly Parameter[],
    private readonly group: Collective,
    private readonly cap: number,
    isOn: () => boolean,
  ) {
    this.hasCome = new Uint8Array(parameters.length);
    this.plan(parameters.map((_, i) => parameters.length - 1 - i));
    this.handles = parameters.map((parameter, i) =>
      registerPostAccumulateGradHook(parameter, () => {
        if (isOn()) this.take(i);
      }),
    );
  }

  /** Whether gradients of a pass have come that are not averages yet. */
  get isOpen(): boolean {
    return this.came.length > 0;
  }

  /** Sends what is left to send, and waits until every gradient is the average of all ranks. */
  async finish(): Promise<void> {
    while (this.gone < this.messages.length) this.send();
    await Promise.all(this.underWay);
    const last = this.messages[this.messages.length - 1] as Message;
    const flags = (await (last.flat as Tensor).data()).slice(-this.parameters.length);
    noGrad(() => scope(() => this.spread((i) => flags[i] !== 0)));
    const { came } = this;
    this.begin();
    if (this.settled) return;
    this.settled = true;
    const isIn = new Set(came);
    const rest = this.parameters.map((_, i) => i).filter((i) => !isIn.has(i));
    this.plan([...(await this.group.broadcast(Int32Array.from([...came, ...rest])))]);
  }

  /** Takes the hooks away, and frees what the messages hold. */
  dispose(): void {
    for (const handle of this.handles) handle.remove();
    for (const { flat } of this.messages) flat?.dispose();
    this.messages = [];
  }

  /** Makes the messages for gradients that come in this order. */
  private plan(order: readonly number[]): void {
    for (const { flat } of this.messages) flat?.dispose();
    const large: number[][] = [];
    const small: number[][] = [[]];
    let bytes = 0;
    for (const i of order) {
      const size = (this.parameters[i] as Parameter).numel() * WIDTH;
      if (size >= LARGE) {
        large.push([i]);
        continue;
      }
      if (bytes > 0 && bytes + size > this.cap) {
        small.push([]);
        bytes = 0;
      }
      (small[small.length - 1] as number[]).push(i);
      bytes += size;
    }
    const place = new Map(order.map((i, at) => [i, at]));
    const end = (members: readonly number[]): number => place.get(members[members.length - 1] as number) ?? -1;
    // The message with the flags closes every pass, even where it has no gradients.
    const closing = small.pop() as number[];
    const groups = [...large, ...small].sort((a, b) => end(a) - end(b));
    this.messages = [...groups.map((members) => this.message(members, small.includes(members), 0))];
    this.messages.push(this.message(closing, true, this.parameters.length));
    for (const message of this.messages) for (const i of message.members) this.messageOf[i] = message;
  }

  private message(members: readonly number[], isJoined: boolean, flags: number): Message {
    const length = members.reduce((n, i) => n + (this.parameters[i] as Parameter).numel(), flags);
    const { device } = (this.parameters[0] as Parameter).storage;
    const flat = isJoined ? (allocate(device, [length], 'float32', 'DistributedDataParallel') as Tensor).keep() : null;
    return { members, flat, missing: members.length, sent: null };
  }

  /** Everything is to come again. */
  private begin(): void {
    this.came = [];
    this.hasCome.fill(0);
    this.gone = 0;
    this.underWay = [];
    for (const message of this.messages) {
      message.missing = message.members.length;
      message.sent = null;
    }
  }

  private take(i: number): void {
    if (this.hasCome[i] !== 0) {
      fail(
        'state',
        'DistributedDataParallel: a second backward() has begun before the gradients of the first were averages. Await ' +
          'model.synchronize() after each backward(), or run all but the last within model.noSync().',
      );
    }
    this.hasCome[i] = 1;
    this.came.push(i);
    (this.messageOf[i] as Message).missing--;
    // The last one waits for finish(): only then is it known what does not come at all.
    while (this.gone < this.messages.length - 1 && this.messages[this.gone]?.missing === 0) this.send();
    if (this.underWay.length > 0) this.group.progress?.();
  }

  private send(): void {
    const message = this.messages[this.gone++] as Message;
    const data = noGrad(() => (message.flat === null ? this.whole(message) : this.joined(message)));
    const done = this.group.allReduce(data);
    // Whoever awaits finish() is told; until then nobody listens.
    done.catch(() => {});
    this.underWay.push(done);
  }

  /** The gradient of a message by itself, zeros where there is none. */
  private whole(message: Message): Tensor {
    const parameter = this.parameters[message.members[0] as number] as Parameter;
    const { grad } = parameter;
    if (grad !== null && !grad.isContiguous()) {
      const straight = contiguous(grad).keep() as Tensor;
      grad.dispose();
      parameter.grad = straight;
    }
    message.sent = (parameter.grad as Tensor | null) ?? zerosLike(parameter).keep();
    return message.sent;
  }

  private joined({ members, flat: data }: Message): Tensor {
    const flat = data as Tensor;
    scope(() => {
      this.parts(members, flat, (part, { grad }) => void (grad === null ? zero_(part) : copy_(part, grad)));
      if (flat !== this.messages[this.messages.length - 1]?.flat) return;
      const flags = Uint8Array.from(this.parameters, ({ grad }) => Number(grad !== null));
      const { storage } = flat;
      storage.device.write(
        storage,
        (flat.numel() - flags.length) * WIDTH,
        new Uint8Array(Float32Array.from(flags).buffer),
      );
    });
    return flat;
  }

  /** Visits the part of `flat` of each member, in the member's shape. */
  private parts(
    members: readonly number[],
    flat: Tensor,
    visit: (part: Tensor, parameter: Parameter, i: number) => void,
  ): void {
    let at = 0;
    for (const i of members) {
      const parameter = this.parameters[i] as Parameter;
      const length = parameter.numel();
      visit(view(flat.strided([length], [1], flat.offset + at) as Tensor, parameter.shape) as Tensor, parameter, i);
      at += length;
    }
  }

  /** Makes averages of sums, and takes them to where gradients are. */
  private spread(isReached: (i: number) => boolean): void {
    const share = 1 / this.group.size;
    for (const { members, flat, sent } of this.messages) {
      if (flat !== null) {
        mul_(flat, share);
        this.parts(members, flat, (part, parameter, i) => {
          if (isReached(i)) copy_(this.gradOf(parameter), part);
        });
        continue;
      }
      const i = members[0] as number;
      const parameter = this.parameters[i] as Parameter;
      const total = sent as Tensor;
      if (isReached(i)) {
        mul_(total, share);
        parameter.grad = total;
      } else total.dispose();
    }
  }

  private gradOf(parameter: Parameter): Tensor {
    parameter.grad ??= zerosLike(parameter).keep();
    return parameter.grad as Tensor;
  }
}
