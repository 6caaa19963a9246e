import { FettleError, fail } from '../core/errors.js';
import type { Joining, Transport } from '../parallel/communicator.js';
import type { Kind, Region } from '../parallel/region.js';
import type { Engine } from '../runtime/engine.js';
import { type Handle, type Mpi, textFrom } from './library.js';
import { Patience } from './patience.js';
import { doWithin } from './watch.node.js';

/** The most elements of one call: MPI counts with 32 bits. */
const MOST = 2 ** 30;

/** Milliseconds that the end of MPI may take at most when all ranks are there. */
const PARTING = 60_000;

/** Bytes of an element. */
const WIDTHS: Readonly<Record<Kind, number>> = {
  float64: 8,
  float32: 4,
  int32: 4,
  uint32: 4,
  int16: 2,
  uint16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** An operation under way. */
interface Pending {
  /** The request, where MPI keeps its handle. */
  readonly request: Uint8Array<ArrayBuffer>;
  readonly what: string;
  readonly began: number;
  /** The memory that MPI reads and writes. */
  readonly regions: readonly Region[];
  readonly keep: () => void;
  readonly refuse: (error: Error) => void;
}

/** What a transport has to know of its place. */
export interface Seat {
  readonly mpi: Mpi;
  /** The communicator. */
  readonly comm: Handle;
  readonly rank: number;
  readonly size: number;
  /** Milliseconds after which an operation counts as hung. */
  readonly timeout: number;
  /** Whether more ranks than processors share this machine. */
  readonly crowded: boolean;
}

function spoken(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toPrecision(3)} kB` : `${(bytes / 1e6).toPrecision(3)} MB`;
}

/**
 * Exchange by MPI's operations that do not block, on memory where it lies: of the heap, or of an array. MPI does its work within
 * calls, so as long as something is under way this asks after it, with the event loop turning in between: timers, signals and
 * the other work of the program go on.
 */
export class MpiTransport implements Transport {
  private readonly pending = new Set<Pending>();
  private readonly flag = new Int32Array(1);
  /** Engines whose memory MPI has addresses of. */
  private readonly heaps = new Set<Engine>();
  private pumping = false;
  private failure: Error | null = null;
  private ended = false;

  constructor(private readonly seat: Seat) {}

  /** Whether MPI can be ended in good order: all that was begun has been done. */
  get isSound(): boolean {
    return this.failure === null && this.pending.size === 0;
  }

  /** Whether MPI has been ended. */
  get isEnded(): boolean {
    return this.ended;
  }

  async allReduce(region: Region, op: Joining): Promise<void> {
    const { mpi, comm } = this.seat;
    const { MPI_Iallreduce } = mpi.call;
    const joining = mpi.ops[op];
    await this.inPieces('allReduce', region, (view, type, request) =>
      MPI_Iallreduce(mpi.inPlace, view, view.length, type, joining, comm, request),
    );
  }

  async broadcast(region: Region, src: number): Promise<void> {
    const { mpi, comm } = this.seat;
    const { MPI_Ibcast } = mpi.call;
    await this.inPieces('broadcast', region, (view, type, request) =>
      MPI_Ibcast(view, view.length, type, src, comm, request),
    );
  }

  async allGather(region: Region, into: Region): Promise<void> {
    if (region.length === 0) return;
    if (region.length > MOST) fail('unsupported', `allGather: at most ${MOST} elements a rank, got ${region.length}.`);
    const { mpi, comm } = this.seat;
    const type = mpi.types[region.kind];
    await this.start(this.sizeOf('allGather', region), [region, into], (request) =>
      mpi.call.MPI_Iallgather(region.view(), region.length, type, into.view(), region.length, type, comm, request),
    );
  }

  async barrier(): Promise<void> {
    await this.start('barrier', [], (request) => this.seat.mpi.call.MPI_Ibarrier(this.seat.comm, request));
  }

  async close(): Promise<void> {
    // A group that has lost a rank cannot part in good order; how the process ends tells the others.
    if (this.failure !== null) return;
    await this.barrier();
    this.finalize(Math.min(PARTING, this.seat.timeout));
  }

  /** Ends MPI, which waits for the other ranks to do so; by default as long as operations do. */
  finalize(patience = this.seat.timeout): void {
    if (this.ended) return;
    this.ended = true;
    const { mpi, rank, size } = this.seat;
    const message =
      `close: rank ${rank} of ${size} has waited ${(patience / 1000).toFixed(0)} s for MPI_Finalize of ${mpi.version}, and ends here. ` +
      'All operations before are done. MPICH is known for this on UCX over TCP, where Open MPI ends well.';
    doWithin(patience, message, () => mpi.call.MPI_Finalize());
  }

  progress(): void {
    if (this.pending.size > 0) this.poll();
  }

  /** An operation in as many calls as its length takes. */
  private async inPieces(
    op: string,
    region: Region,
    begin: (view: ReturnType<Region['view']>, type: Handle, request: Uint8Array) => number,
  ): Promise<void> {
    const type = this.seat.mpi.types[region.kind];
    const what = this.sizeOf(op, region);
    const calls: Promise<void>[] = [];
    for (let at = 0; at < region.length; at += MOST) {
      calls.push(this.start(what, [region], (request) => begin(region.view().subarray(at, at + MOST), type, request)));
    }
    await Promise.all(calls);
  }

  private sizeOf(op: string, { length, kind }: Region): string {
    return `${op} of ${spoken(length * WIDTHS[kind])}`;
  }

  private start(what: string, regions: readonly Region[], begin: (request: Uint8Array) => number): Promise<void> {
    return new Promise((keep, refuse) => {
      if (this.failure !== null) {
        refuse(this.failure);
        return;
      }
      const request = new Uint8Array(8);
      const code = begin(request);
      if (code !== 0) {
        refuse(this.errorOf(what, code));
        return;
      }
      this.pending.add({ request, what, began: performance.now(), regions, keep, refuse });
      for (const { heap } of regions) {
        if (heap === null || this.heaps.has(heap)) continue;
        this.heaps.add(heap);
        heap.beforeMoving.add(this.finishNow);
      }
      if (this.pumping) return;
      this.pumping = true;
      queueMicrotask(() => void this.pump());
    });
  }

  /** Asks after everything once; gives how many are done. */
  private poll(): number {
    const { mpi } = this.seat;
    let done = 0;
    for (const one of this.pending) {
      const code = mpi.call.MPI_Test(one.request, this.flag, mpi.statusIgnore);
      if (code !== 0) {
        this.breakOff(this.errorOf(one.what, code));
        return done;
      }
      if (this.flag[0] === 0) continue;
      this.pending.delete(one);
      one.keep();
      done++;
    }
    if (this.pending.size === 0) this.letGo();
    return done;
  }

  private async pump(): Promise<void> {
    const patience = new Patience(this.seat.crowded);
    while (this.pending.size > 0) {
      if (this.poll() > 0) patience.begin();
      if (this.pending.size === 0) break;
      this.checkTime();
      await patience.pause(() => this.poll() > 0);
    }
    this.pumping = false;
  }

  /** Waits for everything that is under way, without the event loop turning: the memory is about to lie elsewhere. */
  private readonly finishNow = (): void => {
    while (this.pending.size > 0) {
      this.poll();
      this.checkTime();
      if (this.failure !== null) throw this.failure;
    }
  };

  private checkTime(): void {
    const { timeout, rank, size } = this.seat;
    const now = performance.now();
    for (const { began, what } of this.pending) {
      if (now - began < timeout) continue;
      this.breakOff(
        new FettleError(
          'state',
          `${what}: rank ${rank} of ${size} has waited ${(timeout / 1000).toFixed(0)} s for the others. One of them has ended, ` +
            'hangs, or calls something else; what it printed says more. Start again from the last checkpoint, or allow ' +
            'more time: initProcessGroup({ timeout }).',
        ),
      );
      return;
    }
  }

  /** Nothing can be exchanged any more. MPI may still write to the memory of what was under way, which is therefore never freed. */
  private breakOff(error: Error): void {
    this.failure = error;
    const pending = [...this.pending];
    this.pending.clear();
    this.letGo();
    for (const { regions, refuse } of pending) {
      for (const region of regions) region.retain();
      refuse(error);
    }
  }

  private letGo(): void {
    for (const heap of this.heaps) heap.beforeMoving.delete(this.finishNow);
    this.heaps.clear();
  }

  private errorOf(what: string, code: number): FettleError {
    const { mpi, rank, size } = this.seat;
    const bytes = new Uint8Array(1024);
    const length = new Int32Array(1);
    mpi.call.MPI_Error_string(code, bytes, length);
    const said = textFrom(bytes, length[0] as number);
    return new FettleError(
      'state',
      `${what}: ${mpi.flavour} failed on rank ${rank} of ${size}: ${said}. Another rank may have ended; what it printed says ` +
        'more. Start again from the last checkpoint.',
    );
  }
}
