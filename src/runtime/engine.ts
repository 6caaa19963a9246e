import { core } from '#binary';
import type { KernelName, MemoryUse } from '../core/device.js';
import { fail } from '../core/errors.js';
import { Allocator } from './allocator.js';
import { type Entry, Kernels, type Loaded } from './kernels.js';
import { chooseVariant, createHost, growMemory, HEAP_START, type Host, type Instance, instantiate } from './module.js';
import type { Overlay } from './overlay.js';
import { nameOf, type Part, type PartKernel } from './part.js';
import type { Team } from './team.js';
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
/** Scratch memory of one thread shares no cache line with that of another. */
const LINE = 64;
const PAGE = 65536;

/**
 * The WebAssembly engine: one memory, the parts of the binary that compute on it, and an account of who holds what. A part is
 * loaded when its first kernel is called. Pointers are offsets, so binaries can be exchanged for others on the same memory
 * (`deterministic`) at any time.
 */
export class Engine {
  host: Host;
  private parts: readonly Part[] = [core];
  /** Instances of the parts, kept for the case that the arithmetic is exchanged again. */
  private instances = new Map<Variant, Map<Part, Instance>>();
  /** Instances of what stands in for the parts. */
  private stands = new Map<Overlay, Instance>();
  /** Tells overlays apart on other threads. */
  private readonly overlayKeys = new WeakMap<Overlay, string>();
  private overlays = 0;
  /** Runs records: the core's. */
  private runRecords: Instance['replay'];
  /** Binaries whose kernels stand in for those of the parts; `enter()` puts a new list to work. */
  over: readonly Overlay[] = [];
  /** Other threads at work, if there are any. */
  private others: Team | null = null;
  private readonly kernels = new Kernels();
  private arithmetic: Variant;
  private readonly allocator: Allocator;
  /** Heads the ring of blocks in use, and is none itself. */
  private readonly blocks = new Block(0, 0, '', undefined);
  private live = 0;
  private liveBytes = 0;
  private peakBytes = 0;
  private scratchAddress = 0;
  /** Of each thread. */
  private scratchBytes = 0;
  private tracking = false;
  /** The most bytes that may be held at once; what is beyond it fails as if memory were short. */
  limit = Number.POSITIVE_INFINITY;
  /** Called before the memory may come to lie elsewhere, by whoever has given its address to others: they have to be done. */
  readonly beforeMoving = new Set<() => void>();
  /** Address of the record that eager launches use. */
  readonly record: number;
  i32: Int32Array;
  f32: Float32Array;
  u8: Uint8Array;

  constructor(options: { shared?: boolean; strict?: boolean } = {}) {
    const shared = options.shared ?? false;
    this.host = createHost(INITIAL_PAGES, shared);
    this.arithmetic = chooseVariant({ shared, strict: options.strict ?? false });
    this.runRecords = this.enter();
    const { buffer } = this.host.memory;
    this.i32 = new Int32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.u8 = new Uint8Array(buffer);
    const heap = {
      words: () => this.i32,
      grow: (bytes: number) => this.grow(bytes),
    };
    this.allocator = new Allocator(heap, HEAP_START, buffer.byteLength);
    this.record = this.allocator.allocate(RECORD_SLOTS * 4);
    // Never none: a kernel that were launched without saying what it needs would write at address 0.
    this.needScratch(MIN_SCRATCH);
  }

  get variant(): Variant {
    return this.arithmetic;
  }

  /** The kernel, whose part is loaded when it is needed; throws where there is none. */
  kernel(kernel: KernelName): Entry {
    return this.kernels.get(kernel) ?? this.load(kernel);
  }

  /** Runs `count` records that stand one behind another; gives the number that were left when a kernel refused, or 0. */
  replay(records: number, count: number): number {
    return this.others === null ? this.runRecords(records, count) : this.others.replay(records, count);
  }

  /** Whether threads share this memory, or could. */
  get shared(): boolean {
    return this.arithmetic.endsWith('shared');
  }

  get team(): Team | null {
    return this.others;
  }

  /** From now on launches are shared with `team`, or with nobody. */
  join(team: Team | null): void {
    if (team !== null) this.share();
    const before = this.others;
    this.others = team;
    try {
      this.enter();
    } catch (error) {
      this.others = before;
      throw error;
    }
    const bytes = this.scratchBytes;
    this.scratchBytes = 0;
    this.needScratch(bytes);
  }

  /**
   * Moves to a memory that threads can share, with all that it holds at the same addresses: tensors and captured steps know
   * addresses and nothing else, and work on. The memory stays a shared one, even when no thread is left to share it with.
   */
  share(): void {
    if (this.shared) return;
    this.aboutToMove();
    const { host, arithmetic, instances, stands, u8 } = this;
    this.host = createHost(u8.byteLength / PAGE, true);
    this.host.scratch.value = host.scratch.value;
    this.host.refused.value = host.refused.value;
    this.instances = new Map();
    this.stands = new Map();
    this.arithmetic = chooseVariant({ shared: true, strict: arithmetic.startsWith('strict') });
    // What is copied includes the static data that the new instances have put there, which is that of the old.
    new Uint8Array(this.host.memory.buffer).set(u8);
    try {
      this.enter();
    } catch (error) {
      // A binary that is not at hand: nothing has been moved.
      Object.assign(this, { host, arithmetic, instances, stands });
      throw error;
    }
    this.view();
    this.allocator.moved();
  }

  /** Whether a kernel has refused its input since this was asked last. */
  takeRefusal(): boolean {
    const { refused } = this.host;
    if (refused.value === 0) return false;
    refused.value = 0;
    return true;
  }

  /** Exchanges the arithmetic: strict gives the same bits on every machine, the default is the fastest there is. */
  useStrict(strict: boolean): void {
    const before = this.arithmetic;
    this.arithmetic = chooseVariant({ shared: this.shared, strict });
    if (this.arithmetic === before) return;
    try {
      this.enter();
    } catch (error) {
      // A binary that is not at hand: nothing has been exchanged.
      this.arithmetic = before;
      throw error;
    }
  }

  allocate(bytes: number, label: string): Block {
    const pointer = this.liveBytes + bytes > this.limit ? 0 : this.allocator.allocate(bytes);
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

  /** Gives a function that frees every block made from now on and not yet freed. */
  savepoint(): () => void {
    const earlier = new Set(this.blocks.others());
    return () => {
      for (const block of [...this.blocks.others()]) if (!earlier.has(block)) this.free(block);
    };
  }

  /** Makes sure that kernels find at least `bytes` of scratch memory, on each thread. */
  needScratch(bytes: number): void {
    if (bytes <= this.scratchBytes) return;
    const threads = this.others?.size ?? 1;
    const each = Math.ceil(bytes / LINE) * LINE;
    if (this.scratchAddress !== 0) this.allocator.free(this.scratchAddress);
    this.scratchBytes = 0;
    this.scratchAddress = this.allocator.allocate(each * threads + LINE);
    if (this.scratchAddress === 0) this.outOfMemory(each * threads, 'scratch');
    this.scratchBytes = each;
    // Packed panels begin on a cache line.
    const first = Math.ceil(this.scratchAddress / LINE) * LINE;
    this.host.scratch.value = first;
    this.others?.scratch(first, each);
  }

  use(): MemoryUse {
    return {
      tensors: this.live,
      bytes: this.liveBytes,
      peakBytes: this.peakBytes,
      heapBytes: this.host.memory.buffer.byteLength,
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

  /** Puts the kernels to work that the arithmetic allows, and gives what runs their records. */
  enter(): Instance['replay'] {
    const loaded = this.parts.map((part) => this.instanceOf(part));
    const strict = this.arithmetic.startsWith('strict');
    const over = this.over.filter(({ exact }) => exact || !strict);
    this.kernels.use(
      loaded,
      over.map((overlay) => this.standIn(overlay)),
    );
    const { table, replay } = (loaded[0] as Loaded).instance;
    this.runRecords = replay;
    this.others?.use(
      table,
      this.parts.map(({ name, index, binaries }) => ({
        key: `${name}.${this.arithmetic}`,
        index,
        binary: binaries[this.arithmetic],
      })),
      over.map((overlay) => ({ key: this.keyOf(overlay), binary: () => overlay.binary(this.shared) })),
    );
    return replay;
  }

  private instanceOf(part: Part): Loaded {
    const instances = this.instances.get(this.arithmetic) ?? new Map<Part, Instance>();
    this.instances.set(this.arithmetic, instances);
    const instance = instances.get(part) ?? instantiate(part.binaries[this.arithmetic](), this.host);
    instances.set(part, instance);
    return { part, instance };
  }

  private standIn(overlay: Overlay): Instance {
    const instance = this.stands.get(overlay) ?? instantiate(overlay.binary(this.shared), this.host);
    this.stands.set(overlay, instance);
    return instance;
  }

  private keyOf(overlay: Overlay): string {
    const key = this.overlayKeys.get(overlay) ?? `overlay ${this.overlays++}`;
    this.overlayKeys.set(overlay, key);
    return key;
  }

  /** Loads the part of a kernel that is not at work yet. */
  private load(kernel: KernelName): Entry {
    const part = typeof kernel === 'string' ? core : (kernel as PartKernel).part;
    const before = this.parts;
    if (!before.includes(part)) {
      this.parts = [...before, part];
      try {
        this.enter();
      } catch (error) {
        this.parts = before;
        throw error;
      }
    }
    return (
      this.kernels.get(kernel) ??
      fail(
        'unsupported',
        `${nameOf(kernel)}: the wasm device has no such kernel. This dtype may not be supported; cast with .to('float32').`,
      )
    );
  }

  private aboutToMove(): void {
    for (const finish of this.beforeMoving) finish();
  }

  private grow(bytes: number): number {
    // Runtimes set addresses aside and grow a memory where it is; where they had none to spare, they copy it.
    this.aboutToMove();
    const { memory } = this.host;
    const grown = growMemory(memory, bytes);
    if (grown > 0) this.view();
    return grown;
  }

  /** Looks at the memory anew, after it has moved or grown. */
  private view(): void {
    const { buffer } = this.host.memory;
    this.i32 = new Int32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.u8 = new Uint8Array(buffer);
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
  const outside = lines.find((line) => !/[\\/](core|runtime|backend|autograd|ops|fettle[\\/]dist)[\\/]/.test(line));
  return (outside ?? lines[lines.length - 1] ?? '').trim();
}
