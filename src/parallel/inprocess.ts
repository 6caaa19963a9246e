import type { TypedArray } from '../core/dtype.js';
import { FettleError, fail } from '../core/errors.js';
import type { Collective } from './collective.js';
import { Communicator, type Joining, type Transport } from './communicator.js';
import type { Region } from './region.js';

/** Ranks that are tasks of one process, and meet in its memory. */

/** What one rank brings to a meeting. */
interface Part {
  readonly region: Region | null;
  /** Where it wants the parts of all. */
  readonly into: Region | null;
  readonly keep: () => void;
  readonly break: (error: Error) => void;
}

/** One operation, and who has come to it. All must have come with the same `what`. */
interface Meeting {
  readonly what: string;
  readonly firstRank: number;
  readonly act: (parts: readonly Part[]) => void;
  readonly parts: (Part | undefined)[];
}

const JOIN: Readonly<Record<Joining, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  product: (a, b) => a * b,
  min: Math.min,
  max: Math.max,
};

const viewOf = (part: Part | undefined): TypedArray => ((part as Part).region as Region).view();

/** Adds up in the order of ranks, rounding after each as an exchange of such elements does. */
function reduce(parts: readonly Part[], op: Joining): void {
  const total = viewOf(parts[0]).slice();
  const isFloat = total instanceof Float32Array || total instanceof Float64Array;
  // Products of integers wrap, and would lose their last bits before they did.
  const join = op === 'product' && !isFloat ? Math.imul : JOIN[op];
  for (const part of parts.slice(1)) {
    const values = viewOf(part);
    for (let i = 0; i < total.length; i++) total[i] = join(total[i] as number, values[i] as number);
  }
  for (const part of parts) viewOf(part).set(total);
}

function gather(parts: readonly Part[]): void {
  for (const { into } of parts) {
    parts.forEach((part, rank) => {
      const values = viewOf(part);
      into?.view().set(values, rank * values.length);
    });
  }
}

/** The place where ranks meet: the k-th operation of each is the k-th of all. */
class Group {
  private readonly meetings = new Map<number, Meeting>();
  private readonly closed = new Set<number>();
  private broken: Error | null = null;

  constructor(readonly size: number) {}

  /** `rank` comes to operation number `turn`. The promise is kept when all have come and `act` has been done. */
  meet(
    rank: number,
    turn: number,
    what: string,
    given: Omit<Part, 'keep' | 'break'>,
    act: Meeting['act'],
  ): Promise<void> {
    return new Promise((keep, refuse) => {
      if (this.broken !== null) {
        refuse(this.broken);
        return;
      }
      const meeting = this.meetings.get(turn) ?? { what, firstRank: rank, act, parts: [] };
      this.meetings.set(turn, meeting);
      meeting.parts[rank] = { ...given, keep, break: refuse };
      if (meeting.what !== what) {
        this.end(
          `rank ${rank} calls ${what} where rank ${meeting.firstRank} calls ${meeting.what}. ` +
            'All ranks must call the same, in the same order, with data of one dtype and length.',
        );
        return;
      }
      const gone = [...this.closed].find((other) => meeting.parts[other] === undefined);
      if (gone !== undefined) this.end(`rank ${rank} calls ${what}, and rank ${gone} has closed its Collective.`);
      else this.finish(turn, meeting);
    });
  }

  /** From now on `rank` comes to nothing more. */
  leave(rank: number): void {
    this.closed.add(rank);
  }

  private finish(turn: number, meeting: Meeting): void {
    const parts = Array.from({ length: this.size }, (_, rank) => meeting.parts[rank]);
    if (!parts.every((part) => part !== undefined)) return;
    this.meetings.delete(turn);
    meeting.act(parts);
    for (const part of parts) part.keep();
  }

  /** No later operation could be matched up: everybody who waits, and whoever comes, is told. */
  private end(reason: string): void {
    this.broken = new FettleError('state', `Collective: ${reason}`);
    const waiting = [...this.meetings.values()].flatMap(({ parts }) => parts);
    this.meetings.clear();
    for (const part of waiting) part?.break(this.broken);
  }
}

const described = ({ kind, length }: Region): string => `${length} × ${kind}`;

class InProcess implements Transport {
  private turn = 0;

  constructor(
    private readonly rank: number,
    private readonly group: Group,
  ) {}

  allReduce(region: Region, op: Joining): Promise<void> {
    return this.meet(`allReduce(${described(region)}, ${op})`, (parts) => reduce(parts, op), region);
  }

  broadcast(region: Region, src: number): Promise<void> {
    const send = (parts: readonly Part[]): void => {
      const values = viewOf(parts[src]);
      for (const part of parts) if (part !== parts[src]) viewOf(part).set(values);
    };
    return this.meet(`broadcast(${described(region)}, from ${src})`, send, region);
  }

  allGather(region: Region, into: Region): Promise<void> {
    return this.meet(`allGather(${described(region)})`, gather, region, into);
  }

  barrier(): Promise<void> {
    return this.meet('barrier()', () => {});
  }

  async close(): Promise<void> {
    const all = this.meet('close()', () => {});
    this.group.leave(this.rank);
    await all;
  }

  private meet(
    what: string,
    act: Meeting['act'],
    region: Region | null = null,
    into: Region | null = null,
  ): Promise<void> {
    return this.group.meet(this.rank, this.turn++, what, { region, into }, act);
  }
}

/**
 * `size` ranks of this process: tasks that take turns on one thread, each with a Collective of its own. For tests, and for
 * programs that run as well alone as on many machines.
 *
 * @example
 * const ranks = parallel.inProcess(2);
 * const sums = await Promise.all(ranks.map((c) => c.allReduce(new Float32Array([c.rank + 1, 10]))));
 * sums[1]; // → [3, 20]
 */
export function inProcess(size: number): Collective[] {
  if (!Number.isInteger(size) || size < 1) {
    fail('argument', `inProcess: size must be a whole number ≥ 1, got ${String(size)}.`);
  }
  const group = new Group(size);
  return Array.from({ length: size }, (_, rank) => new Communicator(rank, size, new InProcess(rank, group)));
}

/** What carries nothing: there is one rank. */
export function soleTransport(): Transport {
  return new InProcess(0, new Group(1));
}

/** The only rank of a program that runs by itself: everything is what it was. */
export function alone(): Collective {
  return inProcess(1)[0] as Collective;
}
