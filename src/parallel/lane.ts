import type { Failure } from '../data/workers/messages.js';

/**
 * Memory through which one thread gives another jobs that are told by a few numbers, and gets numbers back: a store and a
 * wake-up where a message would be written, read and answered.
 *
 * The thread that works looks for jobs in two ways. It attends, deaf to messages, spinning for a moment and then asleep on the
 * bell; or it is away in its event loop, and has to be called by a message. Whoever leaves says so first and then looks once
 * more for a job, and whoever posts a job looks afterwards whether the other one is away: so one of the two sees it. Answers
 * stand in the memory as well, and a message without content says that there is one, since the thread that asks must not block.
 *
 *   | words i32 | a job's numbers f64 × JOBS | an answer's numbers f64, flags u8, bytes u8 × JOBS |
 */

/** Jobs that may be under way in a lane at a time. */
export const JOBS = 2;

/** Numbers that a job may have. */
export const MOST_NUMBERS = 64;

const Word = {
  /** Rung whenever there is something new. */
  BELL: 0,
  /** Jobs that have been posted. */
  POSTED: 1,
  /** Whether nobody attends. */
  AWAY: 2,
  /** Messages that have been sent beside the lane. */
  SENT: 3,
} as const;
const WORDS = 4 * Int32Array.BYTES_PER_ELEMENT;
const DOUBLE = Float64Array.BYTES_PER_ELEMENT;

/** Milliseconds that a thread attends until its event loop turns. */
const STAY = 50;

/** What an answer has room for, beside two numbers. */
export interface Room {
  /** Yes or no for each parameter. */
  readonly flags: number;
  readonly bytes: number;
}

/** What comes of a job. */
export interface Reply {
  readonly numbers: readonly [number, number];
  readonly flags: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Where a thread writes what comes of a job. */
export interface ReplyPlaces {
  readonly numbers: Float64Array;
  readonly flags: Uint8Array;
  readonly bytes: Uint8Array;
}

/** What is said by a message: that the next answer is there, or why there is none. */
export interface Answered {
  readonly answered: Failure | null;
}

function isAnswered(data: unknown): data is Answered {
  return typeof data === 'object' && data !== null && 'answered' in data;
}

/** The parts of a lane's memory. */
class Places {
  readonly words: Int32Array;
  private readonly answers: number;
  private readonly answerLength: number;

  constructor(
    readonly memory: SharedArrayBuffer,
    private readonly room: Room,
  ) {
    this.words = new Int32Array(memory, 0, WORDS / 4);
    this.answers = WORDS + JOBS * MOST_NUMBERS * DOUBLE;
    this.answerLength = answerLength(room);
  }

  job(count: number): Float64Array {
    return new Float64Array(this.memory, WORDS + (count % JOBS) * MOST_NUMBERS * DOUBLE, MOST_NUMBERS);
  }

  answer(count: number): ReplyPlaces {
    const at = this.answers + (count % JOBS) * this.answerLength;
    const { flags, bytes } = this.room;
    return {
      numbers: new Float64Array(this.memory, at, 2),
      flags: new Uint8Array(this.memory, at + 2 * DOUBLE, flags),
      bytes: new Uint8Array(this.memory, at + 2 * DOUBLE + flags, bytes),
    };
  }
}

function answerLength({ flags, bytes }: Room): number {
  return Math.ceil((2 * DOUBLE + flags + bytes) / DOUBLE) * DOUBLE;
}

/** Memory for a lane. */
export function laneMemory(room: Room): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS + JOBS * (MOST_NUMBERS * DOUBLE + answerLength(room)));
}

/** The end of the thread that asks. */
export class LaneHead {
  private readonly places: Places;
  private posted = 0;
  private heard = 0;
  private readonly waiting: ((answer: Reply | { readonly failure: Failure }) => void)[] = [];

  /** `call` makes the other thread attend, by a message. */
  constructor(
    memory: SharedArrayBuffer,
    room: Room,
    private readonly call: () => void,
  ) {
    this.places = new Places(memory, room);
    Atomics.store(this.places.words, Word.AWAY, 1);
  }

  /** Posts a job. No more than JOBS are under way; answers come in their order, or never, when the thread ends. */
  post(numbers: readonly number[]): Promise<Reply | { readonly failure: Failure }> {
    const { words } = this.places;
    this.places.job(this.posted++).set(numbers);
    Atomics.store(words, Word.POSTED, this.posted | 0);
    this.ring();
    if (Atomics.load(words, Word.AWAY) === 1) this.call();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Sends the other thread to its event loop, where it hears the message that was sent before. */
  message(): void {
    Atomics.add(this.places.words, Word.SENT, 1);
    this.ring();
  }

  /** Takes a message of the other thread's, if it is of a lane. */
  hear(data: unknown): void {
    if (!isAnswered(data)) return;
    const { numbers, flags, bytes } = this.places.answer(this.heard++);
    const resolve = this.waiting.shift();
    if (data.answered !== null) resolve?.({ failure: data.answered });
    else
      resolve?.({ numbers: [numbers[0] as number, numbers[1] as number], flags: flags.slice(), bytes: bytes.slice() });
  }

  private ring(): void {
    const { words } = this.places;
    Atomics.add(words, Word.BELL, 1);
    Atomics.notify(words, Word.BELL);
  }
}

/** The end of the thread that works. */
export class LaneFoot {
  private readonly places: Places;
  private taken = 0;
  /** Messages that the event loop has had occasion to hear. */
  private sent = 0;
  /** Milliseconds that the last job has taken. */
  private lately = 0;

  /**
   * `work` writes what comes of a job into the memory that it is given; `say` sends a message; `tidy` frees what the job has
   * made, while the answer is on its way.
   */
  constructor(
    memory: SharedArrayBuffer,
    room: Room,
    private readonly work: (numbers: Float64Array, reply: ReplyPlaces) => Failure | null,
    private readonly say: (word: Answered) => void,
    private readonly tidy: () => void,
  ) {
    this.places = new Places(memory, room);
  }

  /**
   * Does jobs until the event loop has to turn. Whether it is to come again at once: when it does not, the thread is away, and
   * will be called.
   */
  attend(): boolean {
    const { words } = this.places;
    Atomics.store(words, Word.AWAY, 0);
    const began = performance.now();
    let isIdle = true;
    for (;;) {
      const bell = Atomics.load(words, Word.BELL);
      const hasJob = Atomics.load(words, Word.POSTED) !== (this.taken | 0);
      if (hasJob) this.next();
      isIdle &&= !hasJob;
      const left = began + STAY - performance.now();
      const sent = Atomics.load(words, Word.SENT);
      const isCalled = sent !== this.sent;
      this.sent = sent;
      if (isCalled || (left <= 0 && !isIdle)) return true;
      if (left <= 0) {
        Atomics.store(words, Word.AWAY, 1);
        if (Atomics.load(words, Word.POSTED) === (this.taken | 0)) return false;
        Atomics.store(words, Word.AWAY, 0);
      } else if (!hasJob) this.rest(bell, left);
    }
  }

  private next(): void {
    const began = performance.now();
    const job = this.taken++;
    const failure = this.work(this.places.job(job), this.places.answer(job));
    this.say({ answered: failure });
    this.tidy();
    this.lately = performance.now() - began;
  }

  /** Waits for the bell. */
  private rest(bell: number, most: number): void {
    const { words } = this.places;
    const end = performance.now() + Math.min(most, MOST_SPIN, this.lately / 4);
    while (performance.now() < end) if (Atomics.load(words, Word.BELL) !== bell) return;
    Atomics.wait(words, Word.BELL, bell, most);
  }
}

/** Milliseconds that a thread spins for its next job, and no longer than a quarter of what the last one took. */
const MOST_SPIN = 0.2;
