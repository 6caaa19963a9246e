import { fail } from '../../core/errors.js';
import type { Change, Chip, Command, Copy, Dispatch, Executor, Program } from './executor.js';
import { type OnCompile, type Pipeline, Pipelines } from './pipelines.js';
import { bytesOf, Prepared } from './prepared.js';

/** Usage bits, by the names that WebGPU gives them: the globals that hold them are not there on every runtime. */
const MAP_READ = 1;
const COPY_SRC = 4;
const COPY_DST = 8;
const UNIFORM = 64;
const STORAGE = 128;
/** Map bit. */
const READ = 1;

/** Bytes of uniforms and of small writes between two submissions. */
const RING = 1 << 20;
/** Dispatches after which what has gathered is sent off, so that the GPU works while the rest is being written down. */
const GATHERED = 128;

/** Bytes from which a buffer that cannot be had is likely enough to be asked for. */
const LARGE = 1 << 20;

/** Bind groups that are remembered of a pipeline. */
const MOST_GROUPS = 1024;

/** Commands that are held back at most until programs have been compiled: a loop that never awaits must not pile up more. */
const HELD = 4096;

/** What is done when the programs that it needs are there, and all that was asked for before has been done. */
interface Held {
  readonly needs: readonly Program[];
  readonly act: () => void;
}

/** What shaders are to use where the device has it. */
export interface Wanted {
  readonly f16?: boolean | undefined;
  readonly subgroups?: boolean | undefined;
}

/** The largest subgroups that there are, for a device that does not say. */
const LARGEST_SUBGROUP = 128;

/** The limits and features that matter here. */
export function chipOf(
  device: GPUDevice,
  name: string,
  language?: ReadonlySet<string>,
  { f16 = false, subgroups = true }: Wanted = {},
): Chip {
  const { limits, features } = device;
  const { subgroupMaxSize = LARGEST_SUBGROUP } = device.adapterInfo ?? {};
  return {
    name,
    bufferBytes: limits.maxBufferSize,
    bindingBytes: limits.maxStorageBufferBindingSize,
    buffers: limits.maxStorageBuffersPerShaderStage,
    sharedBytes: limits.maxComputeWorkgroupStorageSize,
    invocations: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
    groups: limits.maxComputeWorkgroupsPerDimension,
    f16: f16 && features.has('shader-f16'),
    subgroups: subgroups && features.has('subgroups') ? subgroupMaxSize : 0,
    packedDot: language?.has('packed_4x8_integer_dot_product') ?? false,
  };
}

/**
 * Carries out commands on a GPUDevice. All of them go into one command encoder, which is submitted when something is read, at a
 * flush, or when enough has gathered. Uniforms and small writes lie in one ring, which is uploaded once a submission.
 *
 * A program is compiled in the background from the first dispatch of it on. That dispatch and all that comes behind are held back
 * until it is there, while the JavaScript goes on: so the programs of a model's first step are compiled together, and whoever reads
 * is the first to wait.
 */
export class GpuExecutor implements Executor {
  readonly chip: Chip;
  readonly lost: Promise<string>;
  private readonly buffers = new Map<number, GPUBuffer>();
  private readonly pipelines: Pipelines;
  /** What waits for programs, in order. */
  private readonly held: Held[] = [];
  /** Where bind groups with a buffer are remembered. */
  private readonly users = new Map<number, Set<Pipeline['groups']>>();
  private readonly prepared: Prepared;
  private goingOn = false;
  private sequences = 0;
  private readonly ring: GPUBuffer;
  private readonly staged = new Uint8Array(RING);
  private readonly alignment: number;
  private ringUsed = 0;
  private encoder: GPUCommandEncoder | null = null;
  private pass: GPUComputePassEncoder | null = null;
  private gathered = 0;
  /** What went wrong since the last read. */
  private failure: string | null = null;
  /** A buffer that could not be had, with which all that follows goes wrong. */
  private missing: { readonly wanted: number; readonly total: number } | null = null;
  /** Bytes of all buffers. */
  private bytes = 0;

  constructor(
    private readonly device: GPUDevice,
    name = 'WebGPU',
    language?: ReadonlySet<string>,
    onCompile?: OnCompile,
    wanted?: Wanted,
  ) {
    this.chip = chipOf(device, name, language, wanted);
    this.alignment = device.limits.minUniformBufferOffsetAlignment;
    this.ring = device.createBuffer({ label: 'numbers', size: RING, usage: UNIFORM | COPY_SRC | COPY_DST });
    const refused = (message: string): void => {
      this.failure ??= message;
    };
    this.pipelines = new Pipelines(device, () => this.goOn(), refused, onCompile);
    this.prepared = new Prepared(device, this.pipelines, (...of) => this.groupOf(...of));
    this.lost = device.lost.then(({ message, reason }) => message || reason || 'it was lost');
    device.onuncapturederror = ({ error }) => {
      this.failure ??= error.message;
    };
  }

  create(buffer: number, bytes: number): void {
    const watched = bytes >= LARGE;
    if (watched) this.device.pushErrorScope('out-of-memory');
    this.buffers.set(buffer, this.device.createBuffer({ size: bytes, usage: STORAGE | COPY_SRC | COPY_DST }));
    this.bytes += bytes;
    if (!watched) return;
    const total = this.bytes;
    this.device.popErrorScope().then(
      (error) => {
        if (error !== null) this.missing ??= { wanted: bytes, total };
      },
      () => {},
    );
  }

  destroy(buffer: number): void {
    this.inOrder(() => this.destroyNow(buffer));
  }

  write(buffer: number, offset: number, data: Uint8Array): void {
    const given = this.held.length > 0 ? data.slice() : data;
    this.inOrder(() => this.writeNow(buffer, offset, given));
  }

  copy(copy: Copy): void {
    this.inOrder(() => this.copyNow(copy));
  }

  dispatch(dispatch: Dispatch): void {
    const { program, words } = dispatch;
    if (this.held.length === 0 && this.pipelines.isSettled(program.id)) {
      this.dispatchNow(dispatch);
      return;
    }
    this.pipelines.ask(program);
    // The words of a captured step change with its next run.
    const given = { ...dispatch, words: words.slice() };
    this.inOrder(() => this.dispatchNow(given), [program]);
  }

  flush(): void {
    this.inOrder(() => this.flushNow());
  }

  prepare(commands: readonly Command[]): number {
    const sequence = this.sequences++;
    const programs = commands.flatMap((command) => (command.do === 'dispatch' ? [command.program] : []));
    for (const program of programs) this.pipelines.ask(program);
    this.inOrder(() => this.prepared.make(sequence, commands), programs);
    return sequence;
  }

  replay(sequence: number, changes: readonly Change[]): void {
    const given = this.held.length > 0 ? changes.map(({ at, words }) => ({ at, words: words.slice() })) : changes;
    this.inOrder(() => this.replayNow(sequence, given));
  }

  forget(sequence: number): void {
    this.inOrder(() => this.prepared.forget(sequence));
  }

  read(buffer: number, offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return new Promise((resolve) => {
      this.inOrder(() => resolve(this.readNow(buffer, offset, bytes)));
    });
  }

  close(): void {
    this.device.destroy();
  }

  /** Does what is asked for, as soon as the programs that it needs are there and what was asked for before has been done. */
  private inOrder(act: () => void, needs: readonly Program[] = []): void {
    if (this.held.length === 0 && needs.every(({ id }) => this.pipelines.isSettled(id))) {
      act();
      return;
    }
    this.held.push({ needs, act });
    if (this.held.length < HELD) return;
    // Nobody awaits, so that no program that is on its way can arrive: they are waited for here.
    for (const program of this.held.flatMap(({ needs }) => needs)) this.pipelines.now(program);
    this.goOn();
  }

  /** Does what has been held back, up to what needs a program that is not there. */
  private goOn(): void {
    if (this.goingOn) return;
    this.goingOn = true;
    const { held } = this;
    let done = 0;
    try {
      while (done < held.length) {
        const { needs, act } = held[done] as Held;
        if (!needs.every(({ id }) => this.pipelines.isSettled(id))) break;
        done++;
        try {
          act();
        } catch (error) {
          // Whoever asked for it has gone on: the next read tells it.
          this.failure ??= String(error instanceof Error ? error.message : error);
        }
      }
    } finally {
      held.splice(0, done);
      this.goingOn = false;
    }
  }

  private destroyNow(buffer: number): void {
    // What has been written down and not sent off may still use it.
    this.flushNow();
    const target = this.bufferOf(buffer);
    this.bytes -= target.size;
    target.destroy();
    this.buffers.delete(buffer);
    for (const groups of this.users.get(buffer) ?? []) {
      for (const key of groups.keys()) if (key.split(',').includes(String(buffer))) groups.delete(key);
    }
    this.users.delete(buffer);
  }

  private writeNow(buffer: number, offset: number, data: Uint8Array): void {
    const target = this.bufferOf(buffer);
    // What the queue writes comes before all that is only written down, so small data go along with the commands.
    if (this.encoder !== null && data.length <= RING / 16) {
      const at = this.reserve(data.length);
      this.staged.set(data, at);
      this.endPass();
      this.commands().copyBufferToBuffer(this.ring, at, target, offset, data.length);
      return;
    }
    this.flushNow();
    this.device.queue.writeBuffer(target, offset, data as Uint8Array<ArrayBuffer>);
  }

  private copyNow({ target, targetOffset, source, sourceOffset, bytes }: Copy): void {
    this.endPass();
    const [to, from] = [this.bufferOf(target), this.bufferOf(source)];
    this.commands().copyBufferToBuffer(from, sourceOffset, to, targetOffset, bytes);
  }

  private dispatchNow({ program, buffers, words, groups }: Dispatch): void {
    const compiled = this.pipelines.now(program);
    if (compiled === null) return;
    const at = this.reserve(compiled.bytes);
    this.staged.set(bytesOf(words), at);
    this.pass ??= this.commands().beginComputePass();
    this.pass.setPipeline(compiled.pipeline);
    this.pass.setBindGroup(0, this.bound(compiled, buffers), [at]);
    this.pass.dispatchWorkgroups(groups[0] ?? 1, groups[1] ?? 1, groups[2] ?? 1);
    if (++this.gathered >= GATHERED) this.flushNow();
  }

  private flushNow(): void {
    this.endPass();
    if (this.encoder === null) return;
    if (this.ringUsed > 0) this.device.queue.writeBuffer(this.ring, 0, this.staged, 0, this.ringUsed);
    this.device.queue.submit([this.encoder.finish()]);
    this.encoder = null;
    this.ringUsed = 0;
    this.gathered = 0;
  }

  private replayNow(sequence: number, changes: readonly Change[]): void {
    // What was asked for before comes before, and what it reads of the numbers of a run before too.
    this.flushNow();
    for (const step of this.prepared.run(sequence, changes)) {
      if (step.do === 'copy') {
        this.copyNow(step);
        continue;
      }
      this.pass ??= this.commands().beginComputePass();
      this.pass.setPipeline(step.compiled.pipeline);
      this.pass.setBindGroup(0, step.group, step.at);
      this.pass.dispatchWorkgroups(step.groups[0] ?? 1, step.groups[1] ?? 1, step.groups[2] ?? 1);
    }
    this.flushNow();
  }

  private async readNow(buffer: number, offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    const staging = this.device.createBuffer({ label: 'read', size, usage: MAP_READ | COPY_DST });
    try {
      this.copy2(staging, this.bufferOf(buffer), offset, size);
      this.flushNow();
      await staging.mapAsync(READ);
      const copied = new Uint8Array(staging.getMappedRange().slice(0, bytes));
      this.complain();
      return copied;
    } catch (error) {
      this.complain(error);
      throw error;
    } finally {
      staging.destroy();
    }
  }

  private copy2(target: GPUBuffer, source: GPUBuffer, offset: number, bytes: number): void {
    this.endPass();
    this.commands().copyBufferToBuffer(source, offset, target, 0, bytes);
  }

  /** Throws what went wrong since the last read. */
  private complain(cause?: unknown): void {
    const { failure, missing } = this;
    this.failure = null;
    this.missing = null;
    if (missing !== null) {
      fail(
        'memory',
        `webgpu: out of memory: a buffer of ${missing.wanted} bytes could not be had, where all together take ${missing.total}. ` +
          'What was computed since the last read is lost. Try a smaller batch, wrap the step in scope(), or capture() it.',
        cause,
      );
    }
    if (failure !== null) fail('device', `webgpu: the device reports: ${failure}`, cause);
  }

  private bufferOf(number: number): GPUBuffer {
    return this.buffers.get(number) as GPUBuffer;
  }

  private commands(): GPUCommandEncoder {
    this.encoder ??= this.device.createCommandEncoder();
    return this.encoder;
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = null;
  }

  /** A place for so many bytes in the ring. */
  private reserve(bytes: number): number {
    if (this.ringUsed + bytes > RING) this.flushNow();
    const at = this.ringUsed;
    this.ringUsed = Math.ceil((at + bytes) / this.alignment) * this.alignment;
    return at;
  }

  private bound(compiled: Pipeline, buffers: readonly number[]): GPUBindGroup {
    const key = buffers.join();
    const known = compiled.groups.get(key);
    if (known !== undefined) return known;
    const group = this.groupOf(compiled, buffers, this.ring);
    const { groups } = compiled;
    // What is asked for in ever new combinations is not worth remembering.
    if (groups.size >= MOST_GROUPS) groups.clear();
    groups.set(key, group);
    for (const buffer of buffers) {
      const uses = this.users.get(buffer);
      if (uses === undefined) this.users.set(buffer, new Set([groups]));
      else uses.add(groups);
    }
    return group;
  }

  private groupOf({ layout, bytes }: Pipeline, buffers: readonly number[], numbers: GPUBuffer): GPUBindGroup {
    return this.device.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: { buffer: numbers, size: bytes } },
        ...buffers.map((buffer, i) => ({ binding: i + 1, resource: { buffer: this.bufferOf(buffer) } })),
      ],
    });
  }
}
