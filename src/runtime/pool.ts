import { FettleError, warnOnce } from '../core/errors.js';
import { type Contract, END, type Orders, Slot, type Word } from './control.js';
import type { Engine } from './engine.js';
import { instantiatePool, type PoolInstance } from './module.js';
import type { Member, MemberPart, Team } from './team.js';
import type { Thread } from './thread.js';
import type { Binary } from './variant.js';
import type { WorkerFile } from './worker.js';

/**
 * Threads that share the launches of one engine. How they share one is told in assembly/pool/index.ts; here they are started, told
 * which kernels are at work, and sent home.
 *
 * A worker either serves, within WebAssembly and deaf to messages, or stands in its event loop to be told of kernels. It is called
 * there by a new version: orders are posted first, and the version is announced behind them.
 */

/** What runs in a worker. */
export const POOL_WORKER: WorkerFile = {
  web: () => new Worker(new URL('./poolworker.js', import.meta.url), { type: 'module' }),
  file: () => new URL(/* @vite-ignore */ /* webpackIgnore: true */ './poolworker.js', import.meta.url),
};

/**
 * Rounds that a thread looks for work, or for the others to be done, before it sleeps: about 40 µs, which is what a wake-up costs.
 * So whoever waits in vain loses no more than that.
 */
const ROUNDS = 40_000;

/** How long a launch waits for a thread that takes part in it, in milliseconds, when it has itself taken none. */
const PATIENCE = 60_000;

/** How long threads are waited for that should end, in milliseconds. */
const FAREWELL = 2000;

/** Versions are counted on from one pool to the next, so that a worker of an earlier one finds its own nowhere. */
let version = 0;

/**
 * This thread's instances, by the table of the core that they work for. One pool hands them on to the next: a table holds every
 * instance that imports it, with a copy of its entries, for as long as it lives itself, and writes to each of them.
 */
const hosts = new WeakMap<WebAssembly.Table, PoolInstance>();

export class Pool implements Team {
  /** Settles when the threads of all pools that were closed are gone: until then they may write to the control block. */
  static parting: Promise<unknown> = Promise.resolve();

  private readonly crew: Thread[] = [];
  private readonly binary: Binary;
  private host: PoolInstance | null = null;
  private parts: readonly MemberPart[] = [];
  private over: readonly Member[] = [];
  /** What every worker has been sent. */
  private sent = new Set<string>();
  private closing: Promise<void> | null = null;
  /** Why not all threads serve, or null when they do. */
  ready: Promise<string | null> = Promise.resolve(null);

  /** Lets `workers` threads and this one share what `engine` launches. They come with `hire`. */
  constructor(
    private readonly engine: Engine,
    private readonly workers: number,
    binary: Binary,
  ) {
    this.binary = binary;
    engine.join(this);
    const { i32 } = engine;
    for (const at of [Slot.WAITING, Slot.SLEEPERS, Slot.REFUSED, Slot.FAILED, Slot.MISSED, Slot.LOST]) i32[at] = 0;
    i32[Slot.SPINS] = ROUNDS;
    i32[Slot.PATIENCE] = PATIENCE;
    i32[Slot.MAY_WAIT] = mayWait() ? 1 : 0;
    Atomics.store(i32, Slot.THREADS, 1);
  }

  get size(): number {
    return this.workers + 1;
  }

  /** Threads that serve by now, this one among them. */
  get serving(): number {
    return Atomics.load(this.engine.i32, Slot.THREADS);
  }

  launch(record: number): void {
    try {
      (this.host as PoolInstance).launch(record);
    } catch (cause) {
      throw this.explain(cause);
    }
  }

  replay(records: number, count: number): number {
    try {
      return (this.host as PoolInstance).replay(records, count);
    } catch (cause) {
      throw this.explain(cause);
    }
  }

  scratch(address: number, bytes: number): void {
    for (let i = 0; i < this.workers; i++) this.engine.i32[Slot.SCRATCH + i] = address + (i + 1) * bytes;
  }

  use(table: WebAssembly.Table, parts: readonly MemberPart[], over: readonly Member[]): void {
    const instance = hosts.get(table) ?? instantiatePool(this.binary, this.engine.host, table);
    hosts.set(table, instance);
    this.host = instance;
    this.parts = parts;
    this.over = over;
    version++;
    const orders = this.orders(this.sent);
    for (const { key } of [...parts, ...over]) this.sent.add(key);
    for (const thread of this.crew) thread.postMessage(orders);
    instance.announce(version);
  }

  /** Takes a thread that runs POOL_WORKER into service. From when it serves, it does not keep the process. */
  hire(thread: Thread): void {
    const contract: Contract = {
      ...this.orders(new Set()),
      memory: this.engine.host.memory,
      worker: this.crew.length,
      pool: this.binary,
    };
    this.crew.push(thread);
    const serves = new Promise<string | null>((resolve) => {
      let served = false;
      thread.addEventListener('message', (event) => {
        const said = (event as MessageEvent<Word>).data;
        served ||= 'ready' in said;
        if ('ready' in said) resolve(null);
        else if ('failed' in said) resolve(said.failed);
      });
      thread.ended.then((error) => {
        resolve(error.message);
        if (served && this.closing === null) this.miss(error);
      });
    });
    this.ready = Promise.all([this.ready, serves]).then(([before, failure]) => {
      thread.hold(false);
      return before ?? failure;
    });
    thread.postMessage(contract);
  }

  /** Ends all threads, and gives the engine back to this one. Resolves when they are gone. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    this.engine.join(null);
    const gone = this.crew.map(farewell);
    version++;
    this.host?.announce(version);
    Pool.parting = Promise.all([Pool.parting, ...gone]).then(() => {});
    await Promise.all(gone);
  }

  /** A thread has ended by itself. Who knows in what it was engaged: all are sent home. */
  private miss(error: Error): void {
    warnOnce(`a thread of setThreads() has ended (${error.message}), so one thread works on. Call setThreads() again.`);
    this.close().catch(() => {});
  }

  /** What a launch has thrown; where a thread never came back from it, that. */
  private explain(cause: unknown): unknown {
    const { i32 } = this.engine;
    if (i32[Slot.LOST] === 0) return cause;
    i32[Slot.LOST] = 0;
    this.close().catch(() => {});
    return new FettleError(
      'state',
      'a thread of setThreads() has ended or hangs in the middle of an operation, whose result is incomplete: what it writes to ' +
        'has to be made anew. One thread works on. Call setThreads() again.',
      { cause },
    );
  }

  private orders(known: ReadonlySet<string>): Orders {
    const filled = <M extends Member>(member: M) => ({
      ...member,
      binary: known.has(member.key) ? undefined : member.binary(),
    });
    return { version, parts: this.parts.map(filled), over: this.over.map(filled) };
  }
}

/** Asks a thread to end, and ends it. */
async function farewell(thread: Thread): Promise<void> {
  // A thread that has been asked to end keeps the process until it has.
  thread.hold(true);
  const done = new Promise<void>((resolve) => {
    thread.addEventListener('message', (event) => {
      if ('done' in (event as MessageEvent<Word>).data) resolve();
    });
  });
  thread.postMessage(END);
  await within(FAREWELL, Promise.race([done, thread.ended]));
  thread.terminate();
  await within(FAREWELL, thread.ended);
}

/** Waits for `promise`, but no longer than `milliseconds`. */
async function within(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

/** Whether this thread may sleep, which that of a browser's page may not. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
