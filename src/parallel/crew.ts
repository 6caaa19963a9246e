/** The threads that compute for one program, seen from its thread: started, given jobs, replaced when they end or hang. */
import { transfer, wrap } from 'comlink';
import { FettleError, fail, warnOnce } from '../core/errors.js';
import { errorOf, failureOf } from '../data/workers/messages.js';
import { startThread, type Thread, type WorkerSource } from '../runtime/worker.js';
import { JOBS, LaneHead, laneMemory, type Room } from './lane.js';
import type { Answer, Done, Form, Job, RemoteReplica, Replica, Setup } from './messages.js';

export interface CrewOptions {
  /** What messages call the owner. */
  readonly name: string;
  readonly workers: number;
  /** Most milliseconds that a job may take; 0 for no end. */
  readonly timeout: number;
  /** What the threads run, in place of fettle's own module. */
  readonly worker?: URL | (() => unknown) | undefined;
  /** What the threads are told first, asked for when the first one starts. */
  readonly setup: () => Promise<Setup>;
  /** What answers need, where jobs can be told by numbers; asked for each thread. */
  readonly lane?: () => Room | null;
}

const REPLICA: WorkerSource = {
  web: () => new Worker(new URL('./webreplica.js', import.meta.url), { type: 'module' }),
  file: () => new URL(/* @vite-ignore */ /* webpackIgnore: true */ './replica.js', import.meta.url),
};

/** Jobs that a thread has been given at a time: one that it does, and one to go on with at once. */
const GIVEN = JOBS;
/** How often a job is begun whose thread ends over it. */
const ATTEMPTS = 2;
/** A thread that starts is given no less time than this, in milliseconds: it reads its modules first. */
const LEAST_START = 30_000;
/** How long threads are waited for that should end, in milliseconds. */
const FAREWELL = 2000;

/** What a thread knows. */
export interface Known {
  /** The version of its values; -1 before it has any. */
  readonly version: number;
  /** Forms by which it can be told jobs; null where it has no lane. */
  readonly forms: ReadonlySet<Form> | null;
}

/** A job in full. */
export interface Told {
  readonly job: Job;
  readonly send: readonly ArrayBuffer[];
}

/** A job by numbers, and the version of the values that the thread has after it. */
export interface Briefed {
  readonly numbers: readonly number[];
  readonly version: number;
}

/** A job as each attempt at it makes it anew: what was sent to a thread that ended is lost. */
export interface Order {
  /** What messages call it. */
  readonly what: string;
  /** What a thread is told that knows so much. */
  make(known: Known): Told | Briefed;
  /** Called when its thread has ended; says whether another one is to try again. Default: it is. */
  readonly lost?: () => boolean;
}

interface Task {
  readonly order: Order;
  resolve(done: Done): void;
  reject(error: unknown): void;
  /** How many threads have ended over it. */
  attempts: number;
}

/** A thread at work. */
interface Hand {
  /** Resolves when the thread has made the model. */
  readonly ready: Promise<RemoteReplica>;
  thread: Thread | null;
  lane: LaneHead | null;
  readonly forms: Set<Form>;
  /** In the order in which they were given. */
  readonly tasks: Task[];
  /** Version of the values that it has; -1 before it has any. */
  version: number;
  gone: boolean;
  clock: ReturnType<typeof setTimeout> | undefined;
}

export class Crew {
  private hands: Hand[] = [];
  private queue: Task[] = [];
  private setup: Promise<Setup> | null = null;
  /** Threads that have been told to end, until they have. */
  private readonly leaving = new Set<Promise<void>>();
  private unfinished = 0;
  private closed = false;
  /** Threads that ended by themselves or were ended because they hung. */
  lost = 0;

  constructor(private readonly options: CrewOptions) {}

  /** Has a thread do a job. Only while there is something to do do the threads keep the process. */
  ask(order: Order): Promise<Done> {
    const { name } = this.options;
    if (this.closed) fail('state', `${name}: it has been closed. Make a new one.`);
    if (++this.unfinished === 1) this.hold(true);
    const answer = new Promise<Done>((resolve, reject) => {
      this.queue.push({ order, resolve, reject, attempts: 0 });
    });
    this.give();
    const finished = (): void => {
      if (--this.unfinished === 0) this.hold(false);
    };
    answer.then(finished, finished);
    return answer;
  }

  /** Starts all threads, and waits until they have made the model. */
  async start(): Promise<void> {
    this.hold(true);
    try {
      while (this.hands.length < this.options.workers) this.begin();
      await Promise.all(this.hands.map(({ ready }) => ready));
    } finally {
      this.hold(this.unfinished > 0);
    }
  }

  /** Takes back every job that is not done: threads that do one are ended, as there is no other way to stop them. */
  private abandon(reason: Error): void {
    for (const task of this.queue.splice(0)) task.reject(reason);
    for (const hand of this.hands.filter(({ tasks }) => tasks.length > 0)) {
      for (const task of this.dismiss(hand)) task.reject(reason);
    }
  }

  /** Ends all threads. Resolves when they are gone. */
  async close(): Promise<void> {
    this.closed = true;
    this.abandon(this.closedError());
    for (const hand of [...this.hands]) this.dismiss(hand);
    await Promise.all(this.leaving);
  }

  private hold(on: boolean): void {
    for (const { thread } of this.hands) thread?.hold(on);
  }

  /** Ends a thread; returns what it had to do. */
  private dismiss(hand: Hand): Task[] {
    hand.gone = true;
    clearTimeout(hand.clock);
    this.hands = this.hands.filter((other) => other !== hand);
    if (hand.thread !== null) this.farewell(hand.thread);
    return hand.tasks.splice(0);
  }

  private farewell(thread: Thread): void {
    thread.terminate();
    let clock: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      clock = setTimeout(resolve, FAREWELL);
    });
    const gone = Promise.race([thread.ended, late]).then(() => {
      clearTimeout(clock);
      this.leaving.delete(gone);
    });
    this.leaving.add(gone);
  }

  /** Gives out what there is to do: to threads that have nothing, then to new ones, then to those that have least. */
  private give(): void {
    while (this.queue.length > 0 && !this.closed) {
      let hand = this.hands.find(({ tasks }) => tasks.length === 0);
      if (hand === undefined && this.hands.length < this.options.workers) hand = this.begin();
      hand ??= this.hands.reduce((a, b) => (b.tasks.length < a.tasks.length ? b : a));
      if (hand.tasks.length >= GIVEN) return;
      const task = this.queue.shift() as Task;
      hand.tasks.push(task);
      if (hand.tasks.length === 1) this.watch(hand, Math.max(this.options.timeout, hand.version < 0 ? LEAST_START : 0));
      void this.run(hand, task);
    }
  }

  /** Begins to wait for what the thread does now. */
  private watch(hand: Hand, timeout: number): void {
    clearTimeout(hand.clock);
    if (this.options.timeout === 0 || hand.tasks.length === 0) return;
    hand.clock = setTimeout(() => {
      this.replace(hand, new Error(`it did not answer within ${timeout} ms (timeout)`));
    }, timeout);
  }

  private async run(hand: Hand, task: Task): Promise<void> {
    let replica: RemoteReplica;
    try {
      replica = await hand.ready;
    } catch (error) {
      if (!hand.gone) this.giveUp(hand, error);
      return;
    }
    if (hand.gone) return;
    let answer: Answer;
    try {
      const { version, lane, forms } = hand;
      const telling = task.order.make({ version, forms: lane && forms });
      if (hand.tasks[0] === task) this.watch(hand, this.options.timeout);
      answer = await ('job' in telling ? this.tell(hand, replica, telling) : this.brief(hand, telling));
    } catch (error) {
      answer = { failure: failureOf(error) };
    }
    if (hand.gone) return;
    hand.tasks.splice(hand.tasks.indexOf(task), 1);
    this.watch(hand, this.options.timeout);
    if ('failure' in answer) task.reject(errorOf(answer.failure));
    else task.resolve(answer);
    this.give();
  }

  /** Tells a job in full, by a message. */
  private async tell(hand: Hand, replica: RemoteReplica, { job, send }: Told): Promise<Answer> {
    hand.version = job.values?.version ?? Math.max(hand.version, 0);
    const answer = replica.work(transfer(job, [...send]));
    hand.lane?.message();
    const done = await answer;
    // It has the form for certain when it has answered: what is told by the lane may overtake a message.
    if (job.form !== null) hand.forms.add(job.form);
    return done;
  }

  /** Tells a job by the lane. */
  private async brief(hand: Hand, { numbers, version }: Briefed): Promise<Answer> {
    const reply = await (hand.lane as LaneHead).post(numbers);
    hand.version = Math.max(hand.version, version);
    if ('failure' in reply) return reply;
    const [loss, correct] = reply.numbers;
    const { flags: has, bytes: buffers } = reply;
    return { loss, correct: Number.isNaN(correct) ? null : correct, has, gradients: null, buffers, output: null };
  }

  private begin(): Hand {
    const hand: Hand = {
      ready: this.launch(() => hand),
      thread: null,
      lane: null,
      forms: new Set(),
      tasks: [],
      version: -1,
      gone: false,
      clock: undefined,
    };
    hand.ready.catch(() => {});
    this.hands.push(hand);
    return hand;
  }

  private async launch(self: () => Hand): Promise<RemoteReplica> {
    const { name } = this.options;
    this.setup ??= this.options.setup();
    const setup = await this.setup;
    const thread = await startThread(this.options.worker ?? REPLICA);
    const hand = self();
    if (hand.gone) {
      this.farewell(thread);
      fail('state', `${name}: it has been closed.`);
    }
    hand.thread = thread;
    // Until it is ready, whoever asked for it waits.
    thread.hold(true);
    let isReady = false;
    thread.ended.then((reason) => {
      if (!hand.gone && isReady) this.replace(hand, reason);
    });
    const died = thread.ended.then((cause) =>
      fail('state', `${name}: a worker thread could not be started: ${cause.message}. ${ELSEWHERE}`, cause),
    );
    died.catch(() => {});
    await Promise.race([thread.ready, died]);
    const replica: RemoteReplica = wrap<Replica>(thread);
    const room = this.options.lane?.() ?? null;
    const lane = room && laneMemory(room);
    const failure = await Promise.race([replica.open({ ...setup, lane }), died]);
    if (failure !== null) throw errorOf(failure);
    if (room !== null && lane !== null) hand.lane = this.openLane(thread, replica, lane, room);
    isReady = true;
    thread.hold(this.unfinished > 0);
    return replica;
  }

  private openLane(thread: Thread, replica: RemoteReplica, memory: SharedArrayBuffer, room: Room): LaneHead {
    // It answers when it stops to attend, which nobody waits for.
    const lane = new LaneHead(memory, room, () => void replica.attend().catch(() => {}));
    thread.addEventListener('message', (event) => lane.hear((event as MessageEvent<unknown>).data));
    return lane;
  }

  /** A thread could not be made ready: no other could, so nothing that was asked for can be done. */
  private giveUp(hand: Hand, error: unknown): void {
    const tasks = [...this.dismiss(hand), ...this.queue.splice(0)];
    for (const task of tasks) task.reject(error);
  }

  /** A thread has ended, or hangs: another one does again what it did, unless that has ended two threads. */
  private replace(hand: Hand, reason: Error): void {
    const { name } = this.options;
    const [first, ...rest] = this.dismiss(hand);
    this.lost++;
    const over = first === undefined ? 'while it had nothing to do' : `over ${first.order.what}`;
    warnOnce(
      `${name}: a worker thread ended ${over} (${reason.message}). Another one takes its place.`,
      `${name}: a worker thread ended (${reason.message})`,
    );
    if (first !== undefined) {
      const again = first.order.lost?.() ?? true;
      first.attempts++;
      if (again && first.attempts < ATTEMPTS) rest.unshift(first);
      else {
        const threads = first.attempts === 1 ? 'a worker thread' : `${first.attempts} worker threads`;
        const message = `${name}: ${threads} ended ${over}: ${reason.message}.`;
        first.reject(new FettleError('state', message, { cause: reason }));
      }
    }
    // What a thread that hangs writes to is not given to another one before it has ended.
    Promise.all(this.leaving).then(() => {
      if (this.closed) {
        for (const task of rest) task.reject(this.closedError());
        return;
      }
      this.queue.unshift(...rest);
      this.give();
    });
  }

  private closedError(): Error {
    return new FettleError('state', `${this.options.name}: it was closed while it worked.`);
  }
}

const ELSEWHERE =
  'Where a bundler does not carry its file along, pass { worker: () => new Worker(…) } with a module of your own that calls ' +
  'serveParallel().';
