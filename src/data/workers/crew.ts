/** The threads that read for a loader, seen from the loader's thread. */
import { transfer, wrap } from 'comlink';
import { FettleError, fail, warnOnce } from '../../core/errors.js';
import { bsr, coo, csc, csr } from '../../ops/sparse.js';
import { startThread, type Thread, type WorkerSource } from '../../runtime/worker.js';
import { type Answer, errorOf, failureOf, type Job, type Reader, type RemoteReader } from './messages.js';
import { type Made, type Parcel, tensorsIn, unpack } from './parcel.js';

export interface CrewOptions {
  readonly workers: number;
  /** Most milliseconds to wait for a batch; 0 for no end. */
  readonly timeout: number;
  /** What the threads run, in place of fettle's own module. */
  readonly worker?: URL | (() => unknown) | undefined;
  /** What makes the dataset, asked for when the first thread starts. */
  readonly dataset: () => Parcel;
}

const READER: WorkerSource = {
  web: () => new Worker(new URL('./webreader.js', import.meta.url), { type: 'module' }),
  file: () => new URL(/* @vite-ignore */ /* webpackIgnore: true */ './reader.js', import.meta.url),
};

/** Jobs that a thread has been given at a time: one that it does, and one to go on with at once. */
const GIVEN = 2;
/** How often a batch is begun whose thread ends over it. */
const ATTEMPTS = 2;

/** A batch that was asked for. */
interface Task {
  readonly job: Job;
  readonly answer: Promise<Delivery>;
  resolve(delivery: Delivery): void;
  reject(error: unknown): void;
  /** How many threads have ended while they read it. */
  attempts: number;
}

/** A batch that has arrived, and the thread to which its memory goes back. */
interface Delivery {
  readonly parcel: Parcel;
  readonly hand: Hand | null;
}

/** A thread at work. */
interface Hand {
  /** Resolves when the thread has made the dataset. */
  readonly ready: Promise<RemoteReader>;
  thread: Thread | null;
  /** In the order in which they were given. */
  readonly tasks: Task[];
  /** Memory of batches of this thread that were taken over. */
  spare: ArrayBuffer[];
  gone: boolean;
}

export class Crew {
  private hands: Hand[] = [];
  /** Waiting to be given to a thread, in order. */
  private queue: Task[] = [];
  private description: Parcel | null = null;
  private waiting = 0;
  private numbered = 0;
  private disposed = false;

  constructor(private readonly options: CrewOptions) {}

  /** Begins a pass: `jobs` are done in order, no more than `limit` of them ahead of the one that is asked for. */
  begin(jobs: Iterator<Omit<Job, 'number'>>, limit: number): Reading {
    return new Reading(this, jobs, limit);
  }

  ask(job: Omit<Job, 'number'>): Task {
    let [resolve, reject] = [(_: Delivery): void => {}, (_: unknown): void => {}];
    const answer = new Promise<Delivery>((yes, no) => {
      [resolve, reject] = [yes, no];
    });
    // The error is thrown when its batch is due; until then it is not unhandled.
    answer.catch(() => {});
    const task: Task = { job: { ...job, number: this.numbered++ }, answer, resolve, reject, attempts: 0 };
    this.queue.push(task);
    this.give();
    return task;
  }

  /** The batch of a task. Only while somebody waits do the threads keep the process. */
  async wait(task: Task): Promise<Delivery> {
    const { timeout } = this.options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    if (++this.waiting === 1) this.hold(true);
    try {
      if (timeout === 0) return await task.answer;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(this.late(task)), timeout);
      });
      return await Promise.race([task.answer, late]);
    } finally {
      clearTimeout(timer);
      if (--this.waiting === 0) this.hold(false);
    }
  }

  /** Gives tasks up: those that no thread has begun are not begun any more. */
  cancel(tasks: readonly Task[]): void {
    this.queue = this.queue.filter((task) => !tasks.includes(task));
    for (const hand of this.hands) {
      const numbers = hand.tasks.filter((task) => tasks.includes(task)).map(({ job }) => job.number);
      if (numbers.length > 0) hand.ready.then((reader) => reader.cancel(numbers)).catch(() => {});
    }
  }

  /** Makes a value of what arrived, and lets its memory go back. */
  open({ parcel, hand }: Delivery): unknown {
    const value = unpack(parcel, make);
    if (hand !== null && !hand.gone) {
      hand.spare.push(...tensorsIn(parcel).map(({ bytes }) => bytes.buffer as ArrayBuffer));
    }
    return value;
  }

  dispose(): void {
    this.disposed = true;
    this.stop(() => new FettleError('state', 'DataLoader: it was disposed while it was read.'));
  }

  /** Ends all threads. What is left to do is done by new ones, or ends with an error. */
  private stop(error?: () => Error): void {
    const { hands } = this;
    this.hands = [];
    const tasks = hands.flatMap((hand) => this.dismiss(hand));
    this.queue = [...tasks, ...this.queue].sort((a, b) => a.job.number - b.job.number);
    if (error === undefined) return;
    for (const task of this.queue.splice(0)) task.reject(error());
  }

  /** Ends a thread; returns what it had to do. */
  private dismiss(hand: Hand): Task[] {
    hand.gone = true;
    hand.thread?.terminate();
    hand.spare = [];
    return hand.tasks.splice(0);
  }

  private hold(on: boolean): void {
    for (const { thread } of this.hands) thread?.hold(on);
  }

  /** Gives out what there is to do, first to the threads that have least, starting those that are missing. */
  private give(): void {
    while (this.queue.length > 0 && !this.disposed) {
      let hand = this.hands.find(({ tasks }) => tasks.length === 0);
      if (hand === undefined && this.hands.length < this.options.workers) hand = this.start();
      hand ??= this.hands.reduce((a, b) => (b.tasks.length < a.tasks.length ? b : a));
      if (hand.tasks.length >= GIVEN) return;
      const task = this.queue.shift() as Task;
      hand.tasks.push(task);
      this.run(hand, task);
    }
  }

  private async run(hand: Hand, task: Task): Promise<void> {
    let reader: RemoteReader;
    try {
      reader = await hand.ready;
    } catch (error) {
      if (!hand.gone) this.lose(hand, error);
      return;
    }
    if (hand.gone) return;
    const spare = hand.spare.splice(0);
    const answer: Answer = await reader
      .read(task.job, transfer(spare, spare))
      .catch((error: unknown) => ({ failure: failureOf(error) }));
    if (hand.gone) return;
    hand.tasks.splice(hand.tasks.indexOf(task), 1);
    if (answer === null) task.reject(new FettleError('state', 'DataLoader: the batch was taken back.'));
    else if ('failure' in answer) task.reject(errorOf(answer.failure));
    else task.resolve({ parcel: answer.parcel, hand });
    this.give();
  }

  private start(): Hand {
    const hand: Hand = { ready: this.launch(() => hand), thread: null, tasks: [], spare: [], gone: false };
    hand.ready.catch(() => {});
    this.hands.push(hand);
    return hand;
  }

  private async launch(self: () => Hand): Promise<RemoteReader> {
    const thread = await startThread(this.options.worker ?? READER);
    const hand = self();
    if (hand.gone) {
      thread.terminate();
      fail('state', 'DataLoader: it was disposed.');
    }
    hand.thread = thread;
    thread.hold(this.waiting > 0);
    let isReady = false;
    thread.ended.then((reason) => {
      if (!hand.gone && isReady) this.replace(hand, reason);
    });
    const died = thread.ended.then((cause) =>
      fail('state', `DataLoader: a worker thread could not be started: ${cause.message}. ${ELSEWHERE}`, cause),
    );
    died.catch(() => {});
    await Promise.race([thread.ready, died]);
    const reader: RemoteReader = wrap<Reader>(thread);
    this.description ??= this.options.dataset();
    const failure = await Promise.race([reader.open(this.description), died]);
    if (failure !== null) throw errorOf(failure);
    isReady = true;
    return reader;
  }

  /** A thread could not be made ready: no other could, so nothing that was asked for can be read. */
  private lose(hand: Hand, error: unknown): void {
    this.hands = this.hands.filter((other) => other !== hand);
    const tasks = [...this.dismiss(hand), ...this.queue.splice(0)];
    for (const task of tasks) task.reject(error);
  }

  /** A thread has ended: another one goes on where it was, unless its batch has ended two threads. */
  private replace(hand: Hand, reason: Error): void {
    this.hands = this.hands.filter((other) => other !== hand);
    const [first, ...rest] = this.dismiss(hand);
    if (first !== undefined && ++first.attempts >= ATTEMPTS) {
      const what = `${ATTEMPTS} worker threads ended while they read samples ${listed(first.job.indices)}`;
      first.reject(new FettleError('state', `DataLoader: ${what}: ${reason.message}.`, { cause: reason }));
    } else if (first !== undefined) {
      warnOnce(
        `DataLoader: a worker thread ended while it read (${reason.message}). Another one takes its place and reads again.`,
      );
      rest.unshift(first);
    }
    this.queue.unshift(...rest);
    this.give();
  }

  private late({ job }: Task): Error {
    // Whichever thread is in the way, of this pass or of one that was left, is not worth waiting for.
    this.stop();
    // When the pass that waited has given up what it asked for, others go on with new threads.
    setTimeout(() => this.give(), 0);
    const { timeout } = this.options;
    return new FettleError(
      'state',
      `DataLoader: samples ${listed(job.indices)} did not arrive within ${timeout} ms (timeout). The worker threads were ` +
        'stopped; the next pass starts new ones.',
    );
  }
}

const ELSEWHERE =
  'Where a bundler does not carry its file along, pass { worker: () => new Worker(…) } with a module of your own that calls ' +
  'serveLoader({ ...data }).';

function listed(indices: Int32Array): string {
  const shown = [...indices.subarray(0, 8)].join(', ');
  return indices.length > 8 ? `${shown}, … (${indices.length})` : shown;
}

/** Sparse matrices are the only things that are made anew on this side. */
function make({ type, args }: Made): unknown {
  const known: Readonly<Record<string, unknown>> = { csr, csc, coo, bsr };
  const maker = known[type] as (...args: readonly unknown[]) => unknown;
  return maker(...args.map((arg) => unpack(arg, make)));
}

/** One pass over batches that threads read. */
export class Reading {
  private readonly ahead: Task[] = [];
  private due: Task | null = null;

  constructor(
    private readonly crew: Crew,
    private readonly jobs: Iterator<Omit<Job, 'number'>>,
    private readonly limit: number,
  ) {}

  /** Waits for the next batch; the value of what it resolves to is asked for when its scope is open. */
  async next(): Promise<() => unknown> {
    this.fill(this.limit);
    this.due = this.ahead.shift() as Task;
    const delivery = await this.crew.wait(this.due);
    this.due = null;
    // The threads are to read while the batch is worked on.
    this.fill(this.limit);
    return () => this.crew.open(delivery);
  }

  /** Gives up what has not been handed out. */
  end(): void {
    this.crew.cancel(this.due === null ? this.ahead : [this.due, ...this.ahead]);
  }

  private fill(limit: number): void {
    while (this.ahead.length < limit) {
      const next = this.jobs.next();
      if (next.done) return;
      this.ahead.push(this.crew.ask(next.value));
    }
  }
}
