/**
 * Several threads at one launch. Threads share the memory and nothing else: each has instances of its own, and a table with the
 * same kernels at the same places, which this module imports. So all that a launch needs is the address of its record.
 *
 * What they agree through stands at `control`, with each word that is written often on a cache line of its own:
 *
 *   byte 0    gate      generation · 2048 + joined · 2 + open
 *        64   next      the share to be taken next
 *        128  left      workers that have joined and are done       132  waiting    whether the host sleeps until all are
 *        192  record    196  work    200  length of a share         204  shares     of the launch under way
 *        256  version   of the kernels that a worker must have      260  sleepers   workers that wait for a notice
 *        264  refused   a worker's kernel has refused its input     268  failed     a worker's kernel has trapped
 *        272  threads   workers that serve, and the host            276  spins      rounds before a thread goes to sleep
 *        280  mayWait   whether the host may sleep at all           284  missed     shares that sleepers could have taken
 *        288  helped    times that a worker has taken part in a launch
 *        292  lost      the launch was given up, since a worker did not come back
 *        296  patience  milliseconds, and more of a long launch, after which it is
 *        320  addresses of the workers' scratch memory
 *
 * The host opens the gate. Whoever is awake joins while it is open, and takes shares until none is left. Then the host closes
 * the gate and waits for those that have joined, and for nobody else: a worker that sleeps, loads kernels or is given no
 * processor is not waited for, so a launch never takes much longer than the host alone would.
 *
 * Who computes a share, and where it begins, changes no bit: kernels compute the items of their work independently.
 */

/** Where this thread's kernels find their scratch memory, and whether one has refused its input (see ../launch.ts). */
@external("env", "scratch")
declare let scratch: usize;

@external("env", "refused")
declare let refused: i32;

@external("env", "control")
declare const control: usize;

/** Milliseconds of a clock that only runs forward. */
@external("env", "now")
declare function now(): f64;

const OPEN: i32 = 1;
const JOIN: i32 = 2;
const MOST_JOINED: i32 = 1023;
const GENERATION: i32 = 2048;

const NEXT: usize = 64;
const LEFT: usize = 128;
const WAITING: usize = 132;
const RECORD: usize = 192;
const WORK: usize = 196;
const LENGTH: usize = 200;
const SHARES: usize = 204;
const VERSION: usize = 256;
const SLEEPERS: usize = 260;
const REFUSED: usize = 264;
const FAILED: usize = 268;
const THREADS: usize = 272;
const SPINS: usize = 276;
const MAY_WAIT: usize = 280;
const MISSED: usize = 284;
const HELPED: usize = 288;
const LOST: usize = 292;
const PATIENCE: usize = 296;
const SCRATCH: usize = 320;

/** Where a launch record has its kernel, its work and its grain, in bytes (see ../launch.ts). */
const RECORD_WORK: usize = 4;
const RECORD_GRAIN: usize = 8;
const RECORD_SLOTS: usize = 12;

/** Shares that a thread should find: more than one, so that a thread which is held up leaves its rest to the others. */
const SHARES_EACH: i32 = 4;

/** Lengths of shares beyond this are multiples of it: 64 items of any size begin on a cache line if the first does. */
const LINE: i32 = 64;

/** Below this, one item more or less in a share makes a difference. */
const FEW: i32 = 8;

/** Shares missed by sleepers until they are woken: a notice costs the host microseconds, and one launch may be all there is. */
const MISSED_MOST: i32 = 4;

/**
 * The host waits for a worker that has joined so many times as long as its own shares have taken, and PATIENCE more: one that was
 * ended in the middle of a share never leaves, and others may have longer shares.
 */
const TIMES: f64 = 20;

/** A sleeping host wakes after so many nanoseconds to count them; one that must not sleep looks at the clock in so many rounds. */
const NAP: i64 = 1_000_000_000;
const NAP_MILLISECONDS: f64 = 1000;
const ROUNDS: i32 = 1 << 20;

/** Runs the launch record, on all threads that are awake. */
export function launch(record: usize): void {
  const work = load<i32>(record, RECORD_WORK),
    grain = load<i32>(record, RECORD_GRAIN);
  const threads = atomic.load<i32>(control, THREADS);
  const sleepers = atomic.load<i32>(control, SLEEPERS);
  let missed = 0;
  if (sleepers > 0) {
    missed = load<i32>(control, MISSED) + work / max(grain, 1);
    store<i32>(control, missed < MISSED_MOST ? missed : 0, MISSED);
  }
  if (threads == 1 || (sleepers >= threads - 1 && missed < MISSED_MOST)) {
    call_indirect<void>(load<u32>(record), record, 0, work);
    return;
  }
  let length = max(grain, (work + threads * SHARES_EACH - 1) / (threads * SHARES_EACH));
  // Of few items, shares come out as even as they can: six among two threads are three and three, not twice two and two.
  if (length < FEW && work < threads * length * SHARES_EACH) length = max(grain, (work + threads - 1) / threads);
  else if (length > LINE) length = (length + LINE - 1) & -LINE;
  store<usize>(control, record, RECORD);
  store<i32>(control, work, WORK);
  store<i32>(control, length, LENGTH);
  store<i32>(control, (work + length - 1) / length, SHARES);
  atomic.store<i32>(control, 0, NEXT);
  atomic.store<i32>(control, 0, LEFT);
  atomic.store<i32>(control, ((atomic.load<i32>(control) & -GENERATION) + GENERATION) | OPEN);
  if (missed >= MISSED_MOST) atomic.notify(control, sleepers);
  const began = now();
  takeShares();
  const joined = (atomic.and<i32>(control, ~OPEN) >> 1) & MOST_JOINED;
  awaitAll(joined, began);
  if (atomic.load<i32>(control, FAILED) != 0) {
    atomic.store<i32>(control, 0, FAILED);
    unreachable();
  }
  if (atomic.load<i32>(control, REFUSED) != 0) {
    atomic.store<i32>(control, 0, REFUSED);
    refused = 1;
  }
}

/** Computes shares of the launch under way until all are taken. */
function takeShares(): void {
  const record = load<usize>(control, RECORD),
    work = load<i32>(control, WORK);
  const length = load<i32>(control, LENGTH),
    shares = load<i32>(control, SHARES);
  for (let i = atomic.add<i32>(control, 1, NEXT); i < shares; i = atomic.add<i32>(control, 1, NEXT)) {
    call_indirect<void>(load<u32>(record), record, i * length, i + 1 < shares ? (i + 1) * length : work);
  }
}

/** The host waits until the `joined` workers are done. It has computed since `began`. */
function awaitAll(joined: i32, began: f64): void {
  let left = atomic.load<i32>(control, LEFT);
  for (let spins = load<i32>(control, SPINS); left != joined && spins > 0; spins--) left = atomic.load<i32>(control, LEFT);
  if (left == joined) return;
  const since = now();
  const patience = <f64>load<i32>(control, PATIENCE) + TIMES * (since - began);
  const mayWait = load<i32>(control, MAY_WAIT) != 0;
  // Naps are counted rather than read off the clock, which goes on while the machine is asleep.
  let waited: f64 = 0;
  while (left != joined) {
    if (mayWait) {
      atomic.store<i32>(control, 1, WAITING);
      // Asked again, since the last worker may have looked for a sleeping host before it was one.
      left = atomic.load<i32>(control, LEFT);
      if (left != joined && atomic.wait<i32>(control + LEFT, left, NAP) == AtomicWaitResult.TIMED_OUT) waited += NAP_MILLISECONDS;
      atomic.store<i32>(control, 0, WAITING);
    } else {
      for (let rounds = ROUNDS; rounds > 0 && atomic.load<i32>(control, LEFT) != joined; rounds--);
      waited = now() - since;
    }
    left = atomic.load<i32>(control, LEFT);
    if (left != joined && waited > patience) {
      atomic.store<i32>(control, 1, LOST);
      unreachable();
    }
  }
}

/**
 * Runs `count` records that stand one behind another, those with enough work on all threads. Gives the number of records from the
 * one that refused on, or 0.
 */
export function replay(records: usize, count: i32): i32 {
  while (count > 0) {
    const work = load<i32>(records, RECORD_WORK);
    if (work < 2 * load<i32>(records, RECORD_GRAIN)) call_indirect<void>(load<u32>(records), records, 0, work);
    else launch(records);
    if (refused != 0) return count;
    records += (<usize>load<i32>(records, RECORD_SLOTS)) << 2;
    count--;
  }
  return 0;
}

/** Tells the workers that kernels of this version are at work. Those that have others go and fetch them, even from their sleep. */
export function announce(version: i32): void {
  atomic.store<i32>(control, version, VERSION);
  // A worker that is about to sleep has seen another value of the gate, and does not.
  atomic.store<i32>(control, (atomic.load<i32>(control) & -GENERATION) + GENERATION);
  atomic.notify(control, -1);
}

/** Whether this worker has joined a launch that it has not left. */
let within: bool = false;

/** A worker's life: joins what is launched, until kernels of another version than its own are wanted. */
export function serve(worker: i32, version: i32): void {
  let done = atomic.load<i32>(control) & -GENERATION;
  if ((atomic.load<i32>(control) & OPEN) != 0) done -= GENERATION;
  for (;;) {
    let seen = atomic.load<i32>(control);
    for (let spins = load<i32>(control, SPINS); spins > 0; spins--) {
      if ((seen & OPEN) != 0 && (seen & -GENERATION) != done) break;
      if (atomic.load<i32>(control, VERSION) != version) return;
      seen = atomic.load<i32>(control);
    }
    if ((seen & OPEN) == 0 || (seen & -GENERATION) == done) {
      atomic.add<i32>(control, 1, SLEEPERS);
      // The host changes the gate before it counts sleepers, so nothing that it launches from here on is slept through.
      atomic.wait<i32>(control, seen, -1);
      atomic.sub<i32>(control, 1, SLEEPERS);
      if (atomic.load<i32>(control, VERSION) != version) return;
      continue;
    }
    if (atomic.load<i32>(control, VERSION) != version) return;
    if (atomic.cmpxchg<i32>(control, seen, seen + JOIN) != seen) continue;
    within = true;
    scratch = load<usize>(control + (<usize>worker << 2), SCRATCH);
    takeShares();
    atomic.add<i32>(control, 1, HELPED);
    done = seen & -GENERATION;
    leave();
  }
}

/** A worker is done with the launch that it has joined. */
function leave(): void {
  within = false;
  if (refused != 0) {
    refused = 0;
    atomic.store<i32>(control, 1, REFUSED);
  }
  atomic.add<i32>(control, 1, LEFT);
  if (atomic.load<i32>(control, WAITING) != 0) atomic.notify(control + LEFT, 1);
}

/** After a trap in `serve`: the host learns of it instead of waiting forever. */
export function fail(): void {
  if (!within) return;
  atomic.store<i32>(control, 1, FAILED);
  leave();
}
