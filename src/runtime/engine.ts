import type { MemoryUse } from '../core/device.js';
import { fail } from '../core/errors.js';
import { Allocator } from './allocator.js';
import { type Entry, Kernels } from './kernels.js';
import {
  type Controls,
  chooseVariant,
  createMemory,
  growMemory,
  HEAP_START,
  type Instance,
  instantiate,
} from './module.js';
import type { Overlay } from './overlay.js';
import type { Variant } from './variant.js';

/** A stretch of memory that is in use, and for what. Those in use form a ring, which is cheaper to change than a table. */
export class Block {
  private before: Block = this;
  private after: Block = this;

  constructor(
    readonly pointer: number,
    readonly bytes: number,
    readonly label: string,
    /** Where it was allocated, when leaks are being tracked. */
    readonly stack: string | undefined,
  ) {}

  /** Whether it stands in a ring: it has been allocated, and not been freed. */
  get used(): boolean {
    return this.after !== this;
  }

  /** Enters the ring after `other`. */
  join(other: Block): void {
    this.before = other;
    this.after = other.after;
    other.after.before = this;
    other.after = this;
  }

  /** Leaves the ring. */
  leave(): void {
    this.before.after = this.after;
    this.after.before = this.before;
    this.before = this;
    this.after = this;
  }

  /** The others of its ring. */
  *others(): Generator<Block> {
    for (let block = this.after; block !== this; block = block.after) yield block;
  }
}

/** Slots of the longest launch record: four of header, then pointers, floats and four lists of eight ints. */
const RECORD_SLOTS = 96;
const INITIAL_PAGES = 32;
const MIN_SCRATCH = 8192;

/**
 * The WebAssembly engine: one memory, the binary that computes on it, and an account of who holds what. Pointers are
 * offsets, so a binary can be exchanged for another on the same memory (`deterministic`) at any time.
 */
export class Engine {
  readonly memory: WebAssembly.Memory;
  private main: Instance & Controls;
  /** Instances whose kernels stand in for those of the main binary; `enter()` puts a new list to work. */
  over: readonly Overlay[] = [];
  private readonly kernels = new Kernels();
  private arithmetic: Variant;
  private readonly allocator: Allocator;
  /** Heads the ring of blocks in use, and is none itself. */
  private readonly blocks = new Block(0, 0, '', undefined);
  private live = 0;
  private liveBytes = 0;
  private peakBytes = 0;
  private scratchAddress = 0;
  private scratchBytes = 0;
  private tracking = false;
  /** Address of the record that eager launches use. */
  readonly record: number;
  i32: Int32Array;
  f32: Float32Array;
  u8: Uint8Array;

  constructor(options: { shared?: boolean; strict?: boolean } = {}) {
    const shared = options.shared ?? false;
    this.memory = createMemory(INITIAL_PAGES, shared);
    this.arithmetic = chooseVariant({ shared, strict: options.strict ?? false });
    this.main = instantiate(this.arithmetic, this.memory);
    this.enter();
    this.i32 = new Int32Array(this.memory.buffer);
    this.f32 = new Float32Array(this.memory.buffer);
    this.u8 = new Uint8Array(this.memory.buffer);
    const heap = {
      words: () => this.i32,
      grow: (bytes: number) => this.grow(bytes),
    };
    this.allocator = new Allocator(heap, HEAP_START, this.memory.buffer.byteLength);
    this.record = this.allocator.allocate(RECORD_SLOTS * 4);
    // Never none: a kernel that were launched without saying what it needs would write at address 0.
    this.needScratch(MIN_SCRATCH);
  }

  get variant(): Variant {
    return this.arithmetic;
  }

  /** The kernel of this name; throws where there is none. */
  kernel(name: string): Entry {
    return this.kernels.get(name);
  }

  /** Runs `count` records that stand one behind another; gives the number that were left when a kernel refused, or 0. */
  replay(records: number, count: number): number {
    return this.main.replay(records, count);
  }

  /** Whether a kernel has refused its input since this was asked last. */
  takeRefusal(): boolean {
    return this.main.takeRefusal() !== 0;
  }

  /** Exchanges the arithmetic: strict gives the same bits on every machine, the default is the fastest there is. */
  useStrict(strict: boolean): void {
    const variant = chooseVariant({ shared: this.arithmetic.endsWith('shared'), strict });
    if (variant === this.arithmetic) return;
    this.main = instantiate(variant, this.memory);
    this.arithmetic = variant;
    this.enter();
  }

  allocate(bytes: number, label: string): Block {
    const pointer = this.allocator.allocate(bytes);
    if (pointer === 0) this.outOfMemory(bytes, label);
    const block = new Block(pointer, bytes, label, this.tracking ? new Error().stack : undefined);
    block.join(this.blocks);
    this.live++;
    this.liveBytes += bytes;
    if (this.liveBytes > this.peakBytes) this.peakBytes = this.liveBytes;
    return block;
  }

  free(block: Block): void {
    // A block may be freed a second time by the finalizer; by then its address may belong to another.
    if (!block.used) return;
    block.leave();
    this.live--;
    this.liveBytes -= block.bytes;
    this.allocator.free(block.pointer);
  }

  /** Makes sure that kernels find at least `bytes` of scratch memory. */
  needScratch(bytes: number): void {
    if (bytes <= this.scratchBytes) return;
    if (this.scratchAddress !== 0) this.allocator.free(this.scratchAddress);
    this.scratchBytes = 0;
    this.scratchAddress = this.allocator.allocate(bytes + 64);
    if (this.scratchAddress === 0) this.outOfMemory(bytes, 'scratch');
    this.scratchBytes = bytes;
    this.shareScratch();
  }

  use(): MemoryUse {
    return {
      tensors: this.live,
      bytes: this.liveBytes,
      peakBytes: this.peakBytes,
      heapBytes: this.memory.buffer.byteLength,
    };
  }

  /** From now on every allocation remembers its line. Slows each one down by microseconds. */
  trackLeaks(on: boolean): void {
    this.tracking = on;
  }

  /** What is alive, most bytes first: one line for each maker, with its line of code where that was tracked. */
  report(limit = 10): string[] {
    const groups = new Map<string, { count: number; bytes: number }>();
    for (const block of this.blocks.others()) {
      const key = block.stack === undefined ? block.label : `${block.label} ${callerOf(block.stack)}`;
      const group = groups.get(key) ?? { count: 0, bytes: 0 };
      groups.set(key, { count: group.count + 1, bytes: group.bytes + block.bytes });
    }
    return [...groups]
      .sort((a, b) => b[1].bytes - a[1].bytes)
      .slice(0, limit)
      .map(([key, { count, bytes }]) => `${key}: ${bytes} bytes in ${count}`);
  }

  /** Tells every instance where scratch memory begins: kept at 64 bytes so that packed panels begin on a cache line. */
  private shareScratch(): void {
    const address = Math.ceil(this.scratchAddress / 64) * 64;
    this.main.setScratch(address);
    for (const { instance } of this.over) instance.setScratch(address);
  }

  /** Puts the kernels to work that the arithmetic allows. */
  enter(): void {
    this.shareScratch();
    const strict = this.arithmetic.startsWith('strict');
    const over = this.over.filter(({ exact }) => exact || !strict).map(({ instance }) => instance);
    this.kernels.use(this.main, over);
  }

  private grow(bytes: number): number {
    const grown = growMemory(this.memory, bytes);
    if (grown > 0) {
      this.i32 = new Int32Array(this.memory.buffer);
      this.f32 = new Float32Array(this.memory.buffer);
      this.u8 = new Uint8Array(this.memory.buffer);
    }
    return grown;
  }

  private outOfMemory(bytes: number, label: string): never {
    return fail(
      'memory',
      `${label}: out of memory: ${bytes} bytes wanted, ${this.liveBytes} bytes live in ${this.live} tensors. ` +
        `Most is held by ${this.report(3).join('; ') || 'nothing'}. ` +
        'Try a smaller batch, wrap the step in scope(), use noGrad() for evaluation, or dispose() what is no longer needed.',
    );
  }
}

/** The first line of a stack that lies outside fettle's own source. */
function callerOf(stack: string): string {
  const lines = stack.split('\n').slice(1);
  const outside = lines.find((line) => !/[\\/](core|runtime|backend|autograd|ops)[\\/]/.test(line));
  return (outside ?? lines[lines.length - 1] ?? '').trim();
}
