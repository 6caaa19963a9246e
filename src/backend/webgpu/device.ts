import type { Device, Launch, MemoryUse, Recording } from '../../core/device.js';
import { fail } from '../../core/errors.js';
import { type Block, Storage } from '../../core/storage.js';
import { nameOf } from '../../runtime/part.js';
import { SafetyNet } from '../forgotten.js';
import { blockOf, GpuBlock, Slab } from './block.js';
import type { Chip, Command, Executor } from './executor.js';
import { heldBack } from './held.js';
import type { Pass } from './pass.js';
import { type Around, Planner } from './planner.js';
import { type Buffer, BufferPool } from './pool.js';
import { PutOff } from './putoff.js';
import { type Carried, Recorder } from './recorder.js';
import { REFUSALS_OF_STEP, Refusals } from './refusals.js';
import type { Shader } from './shader.js';
import { shaders } from './shaders/index.js';
import { updates } from './shaders/optim.js';
import { type Member, memberOf, updatePasses } from './shaders/update.js';
import { gather, kindsOf } from './slabs.js';

/**
 * The GPU. Launches become passes (shaders/), passes become programs and numbers, and an executor has them carried out. Nothing
 * waits: what is read back is a promise, and an error that a kernel finds comes with the next one.
 */
export class WebGpuDevice implements Device {
  readonly name = 'webgpu';
  private pool: BufferPool;
  private recorder: Recorder | null = null;
  private readonly planner: Planner;
  private readonly net = new SafetyNet<Block>((block) => this.free(block));
  private readonly refusals: Refusals;
  /** Blocks whose buffer serves nothing else and goes with the captured step it was made in. */
  private readonly owned = new Set<GpuBlock>();
  /** Updates of parameters that have been asked for and not been carried out. */
  private putOff = new PutOff();
  private live = 0;
  /** Blocks that there have been. */
  private made = 0;
  private liveBytes = 0;
  private peakBytes = 0;
  private readonly blocks = new Set<GpuBlock>();
  /** The most bytes that may be held at once. */
  private limit = Number.POSITIVE_INFINITY;
  /** Why the device is gone; null while it is there. */
  lost: string | null = null;

  get answersAtOnce(): boolean {
    return this.executor.readSync !== undefined;
  }

  get chip(): Chip {
    return this.executor.chip;
  }

  get multipliesHalves(): boolean {
    return this.planner.chip.f16;
  }

  /** Bytes of the largest tensor. */
  get largest(): number {
    return Math.min(this.chip.bufferBytes, this.chip.bindingBytes);
  }

  constructor(private readonly executor: Executor) {
    this.planner = new Planner(this, executor);
    this.pool = new BufferPool(executor, this.largest);
    const { pool } = this;
    this.refusals = new Refusals(
      executor,
      (bytes) => pool.own(bytes),
      () => this.made,
    );
    executor.lost.then((reason) => {
      this.lost = reason;
    });
  }

  allocate(bytes: number, label: string): Storage {
    this.check(label);
    if (this.liveBytes + bytes > this.limit) {
      fail(
        'memory',
        `${label}: out of memory: ${bytes} bytes wanted, ${this.limit - this.liveBytes} may still be held here.`,
      );
    }
    const buffer = this.pool.take(bytes);
    if (buffer === null) {
      return fail(
        'memory',
        `${label}: a tensor of ${bytes} bytes is larger than the largest that this GPU's shaders can see, ` +
          `${this.largest} bytes. Split it, or use a smaller batch.`,
      );
    }
    const block = new GpuBlock(buffer, this.pool, bytes, label, this.made++);
    this.blocks.add(block);
    this.live++;
    this.liveBytes += bytes;
    if (this.liveBytes > this.peakBytes) this.peakBytes = this.liveBytes;
    const storage = new Storage(this, block);
    this.net.add(storage);
    this.recorder?.made.add(storage);
    return storage;
  }

  free(block: Block): void {
    // A block may be freed a second time by the finalizer; by then its buffer may belong to another.
    if (!(block instanceof GpuBlock) || !block.used) return;
    this.settle();
    block.used = false;
    this.blocks.delete(block);
    this.live--;
    this.liveBytes -= block.bytes;
    if (!this.owned.delete(block)) block.release();
  }

  write(storage: Storage, offset: number, data: Uint8Array): void {
    this.check('write');
    this.settle();
    if (this.recorder !== null) this.writeConstant(this.recorder, storage, offset, data);
    const { buffer, base } = storage.block as GpuBlock;
    const whole = offset % 4 === 0 && (data.length % 4 === 0 || offset + data.length === storage.bytes);
    if (whole) {
      this.executor.write(buffer.id, base + offset, inWords(data));
      return;
    }
    // Bytes within words that hold others, too: by way of a buffer of their own.
    const aside = this.pool.take(data.length) as Buffer;
    this.executor.write(aside.id, 0, inWords(data));
    this.executor.dispatch(this.planner.moved(buffer, base + offset, aside, 0, data.length));
    this.pool.give(aside);
  }

  copy(target: Storage, targetOffset: number, source: Storage, sourceOffset: number, bytes: number): void {
    this.check('copy');
    this.settle();
    const [{ buffer: to, base: toBase }, { buffer: from, base: fromBase }] = [
      target.block as GpuBlock,
      source.block as GpuBlock,
    ];
    const [toOffset, fromOffset] = [toBase + targetOffset, fromBase + sourceOffset];
    const aligned = [targetOffset, sourceOffset, bytes].every((n) => n % 4 === 0);
    const commands: Command[] = [];
    if (aligned && to !== from) {
      commands.push({
        do: 'copy',
        target: to.id,
        targetOffset: toOffset,
        source: from.id,
        sourceOffset: fromOffset,
        bytes,
      });
    } else {
      const aside = this.pool.take(bytes) as Buffer;
      commands.push(
        { do: 'dispatch', ...this.planner.moved(aside, 0, from, fromOffset, bytes) },
        { do: 'dispatch', ...this.planner.moved(to, toOffset, aside, 0, bytes) },
      );
      this.pool.give(aside);
    }
    for (const command of commands) {
      if (command.do === 'copy') this.executor.copy(command);
      else this.executor.dispatch(command);
    }
    this.recorder?.copied(target, source, commands);
  }

  async read(storage: Storage, offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    this.check('data');
    this.settle();
    this.recorder?.read();
    const { buffer, base } = blockOf(this, storage);
    const first = (base + offset) & ~3;
    const skipped = base + offset - first;
    const asked = this.executor.read(buffer.id, first, skipped + bytes);
    // An error of either is this read's, and none is left that nobody waits for.
    const [data] = await Promise.all([asked, ...this.refusals.answers()]);
    return data.slice(skipped);
  }

  readSync(
    storage: Storage,
    offset: number,
    bytes: number,
    into: Uint8Array<ArrayBuffer> = new Uint8Array(bytes),
  ): Uint8Array<ArrayBuffer> {
    if (this.executor.readSync === undefined) {
      return fail(
        'device',
        "a GPU does not answer at once, so dataSync(), item(), toArray(), to('wasm') and the like cannot be had on WebGPU. " +
          "Use `await x.data()`, `(await x.data())[0]` for one number, and `await download(x)` of 'fettle/webgpu' for a " +
          'tensor or a model on wasm.',
      );
    }
    this.check('dataSync');
    this.settle();
    this.recorder?.read();
    const { buffer, base } = blockOf(this, storage);
    const first = (base + offset) & ~3;
    const skipped = base + offset - first;
    into.set(this.executor.readSync(buffer.id, first, skipped + bytes).subarray(skipped));
    return into;
  }

  launch(launch: Launch): void {
    if (launch.work === 0) return;
    const name = nameOf(launch.kernel);
    this.check(name);
    const shader = this.shaderOf(name);
    if (updates.has(name)) {
      this.update(launch);
      return;
    }
    this.settle();
    const passes = shader(launch, this.planner.chip);
    const around = this.around();
    const carried: Carried[] = [];
    const { recorder, refusals } = this;
    const guards = refusals.guards(recorder);
    const lasts = (storage: Storage): boolean =>
      recorder === null ? refusals.followed(storage.block as GpuBlock) : !recorder.made.has(storage);
    for (const whole of Array.isArray(passes) ? (passes as readonly Pass[]) : [passes as Pass]) {
      if ((whole.items ?? whole.groups ?? 0) === 0) continue;
      const { pass, copies, aside } = this.planner.apart(whole, this.pool);
      const held = heldBack(pass, guards, this.executor.chip.buffers, lasts);
      const dispatch = this.planner.dispatchOf(held, around);
      for (const copy of copies) this.executor.copy(copy);
      this.executor.dispatch(dispatch);
      for (const buffer of aside) this.pool.give(buffer);
      carried.push({ copies, pass, dispatch, around });
    }
    for (const buffer of around.scratches.values()) this.pool.give(buffer);
    recorder?.launched(launch, carried);
    if (launch.refusal !== undefined) this.checked(launch.refusal);
  }

  /**
   * Updates of parameters are put off until something else is asked for, and carried out together. What memory they need is
   * there by then: whatever is freed meanwhile has them carried out first.
   */
  private update(launch: Launch): void {
    const member = memberOf(launch);
    if (this.putOff.follows(member)) this.settle();
    for (const tensor of [...member.writes, ...member.reads]) if (tensor !== null) blockOf(this, tensor.storage);
    this.putOff.add(member);
  }

  /** Carries out what has been put off. */
  private settle(): void {
    const { members } = this.putOff;
    if (members.length === 0) return;
    this.putOff = new PutOff();
    const { recorder } = this;
    if (recorder === null) this.gather(members);
    const around = this.around();
    const guards = this.refusals.guards(recorder);
    for (const { pass } of updatePasses(members, this.executor.chip, guards)) {
      this.executor.dispatch(this.planner.dispatchOf(pass, around));
    }
    recorder?.updated(members, around);
  }

  /** Puts what updates write from step to step side by side, the first time that they are seen together. */
  private gather(members: readonly Member[]): void {
    const lasting = members.filter(({ kernel }) => updates.get(nameOf(kernel))?.lasting);
    if (lasting.length < 2) return;
    const isMovable = (block: GpuBlock): boolean => block.pins === 0 && !this.owned.has(block);
    for (const kind of kindsOf(lasting)) {
      const copies = gather(kind, isMovable, this.largest, (bytes) => {
        const buffer = this.pool.take(bytes);
        return buffer && new Slab(buffer, this.pool);
      });
      for (const copy of copies) this.executor.copy(copy);
    }
  }

  /** What passes meet that are made now. */
  private around(): Around {
    const { pool, recorder } = this;
    const { flags, refusals } = recorder ?? this.refusals.here;
    return { pool, scratches: new Map(), flags, refusals: refusals.length };
  }

  within<T>(bytes: number, body: () => T): T {
    const before = this.limit;
    this.limit = Math.min(before, this.liveBytes + bytes);
    const earlier = new Set(this.blocks);
    try {
      return body();
    } catch (error) {
      for (const block of [...this.blocks]) if (!earlier.has(block)) this.free(block);
      throw error;
    } finally {
      this.limit = before;
    }
  }

  /** Runs `body` and keeps what it has the GPU do, to be done again. Throws where it reads a value back, which a replay could not follow. */
  record(body: () => void): Recording {
    this.settle();
    const usual = this.pool;
    // Whatever is free now serves again in the next run, so nothing is let go.
    const pool = new BufferPool(this.executor, this.largest, Number.POSITIVE_INFINITY);
    const recorder = new Recorder(this.executor, pool, pool.own(4 * REFUSALS_OF_STEP));
    this.recorder = recorder;
    this.pool = pool;
    try {
      body();
      this.settle();
    } finally {
      this.putOff = new PutOff();
      this.recorder = null;
      this.pool = usual;
    }
    const { planner, largest: most, owned } = this;
    return recorder.finish((words) => this.refusals.replayed(words), {
      planner,
      most,
      usual,
      owned,
      settle: () => this.settle(),
    });
  }

  memory(): MemoryUse {
    return { tensors: this.live, bytes: this.liveBytes, peakBytes: this.peakBytes, heapBytes: this.pool.bytes };
  }

  report(limit = 10): string[] {
    const groups = new Map<string, { count: number; bytes: number }>();
    for (const { label, bytes } of this.blocks) {
      const group = groups.get(label) ?? { count: 0, bytes: 0 };
      groups.set(label, { count: group.count + 1, bytes: group.bytes + bytes });
    }
    return [...groups]
      .sort((a, b) => b[1].bytes - a[1].bytes)
      .slice(0, limit)
      .map(([label, { count, bytes }]) => `${label}: ${bytes} bytes in ${count}`);
  }

  /** Lets the GPU go. */
  close(): void {
    this.lost ??= 'it was closed';
    this.executor.close();
  }

  private check(op: string): void {
    if (this.lost === null) return;
    fail(
      'device',
      `${op}: the GPU is gone: ${this.lost}. What lay in its memory is lost: await setDevice('webgpu') for a new one, or ` +
        "setDevice('wasm'), and load the last checkpoint.",
    );
  }

  private shaderOf(name: string): Shader {
    return (
      shaders.get(name) ??
      fail(
        'unsupported',
        `${name}: the device 'webgpu' has no such kernel. Use await setDevice('wasm') for what needs it, or another dtype.`,
      )
    );
  }

  /** A kernel that only checks has been launched: asked at once where the device answers, else with the next read. */
  private checked(refusal: () => never): void {
    const { recorder } = this;
    if (recorder === null) {
      this.refusals.checked(refusal);
      return;
    }
    recorder.refusals.push(refusal);
    // The recording ends there, and the message may show the value.
    this.refusals.ask(recorder, () => {
      this.recorder = null;
    });
  }

  /** What JavaScript writes in a captured step is there for all runs: in a buffer that serves nothing else. */
  private writeConstant(recorder: Recorder, storage: Storage, offset: number, data: Uint8Array): void {
    recorder.writable(storage);
    const block = blockOf(this, storage);
    if (!this.owned.has(block)) {
      block.pool.give(block.buffer);
      block.buffer = block.pool.own(storage.bytes);
      this.owned.add(block);
    }
    const whole = recorder.constantOf(storage) ?? new Uint8Array(block.buffer.bytes);
    whole.set(data, offset);
    recorder.wrote(storage, block.buffer, whole);
  }
}

/** Bytes with zeros behind them up to a whole word. */
function inWords(data: Uint8Array): Uint8Array {
  if (data.length % 4 === 0) return data;
  const padded = new Uint8Array(Math.ceil(data.length / 4) * 4);
  padded.set(data);
  return padded;
}
