/**
 * How to wait for other processes: at first eagerly, since most answers come within microseconds, and ever more quietly
 * afterwards, since the processor may be what the others wait for.
 */

/** Milliseconds of asking again at once. */
const EAGER = 0.05;
/** Milliseconds without an answer after which the thread sleeps a little, and after which it sleeps longer. */
const QUIET = 2;
const IDLE = 200;
/** Lengths of these sleeps, in milliseconds. The system adds about 0.05. */
const NAP = 0.05;
const REST = 2;

/** Lets timers, signals and everything else of the event loop have their turn. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });

export class Patience {
  private since = performance.now();
  private readonly never = new Int32Array(new SharedArrayBuffer(4));

  /** `crowded`: whether other processes wait for this processor. */
  constructor(private readonly crowded: boolean) {}

  /** There was an answer: the next may come as soon. */
  begin(): void {
    this.since = performance.now();
  }

  /** Waits for a while, or until `isDone` says so. */
  async pause(isDone: () => boolean): Promise<void> {
    const waited = performance.now() - this.since;
    if (waited > IDLE) {
      await new Promise((resolve) => setTimeout(resolve, REST));
      return;
    }
    const until = performance.now() + EAGER;
    while (performance.now() < until) {
      if (!isDone()) continue;
      this.begin();
      break;
    }
    if (this.crowded || waited > QUIET) Atomics.wait(this.never, 0, 0, NAP);
    await turn();
  }
}
