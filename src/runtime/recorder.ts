import type { KernelName, Launch, LaunchNumbers, Observer, Recording } from '../core/device.js';
import { type DType, traits } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { Storage } from '../core/storage.js';
import type { Tensor } from '../core/tensor.js';
import type { Block, Engine } from './engine.js';
import { HEADER } from './launch.js';
import { nameOf } from './part.js';
import { type Lifetime, plan } from './plan.js';

/**
 * Records the launches of a step while they run, so that they can run again without the program that made them: no tensors, no
 * allocation, one call into the module for all of them.
 *
 * Every storage that the step touches is one of four kinds. What was there before stays where it is; so does what the step
 * made and left alive (results, gradients), which the recording then holds. What the step made and let go shares one arena,
 * planned by lifetime. And what JavaScript wrote (a scalar, a table) is a constant, unless a kernel writes it too.
 */

/** Bytes that a run begins with and only reads. */
export interface Constant {
  readonly bytes: number;
  readonly data: Uint8Array;
}

/** A place in memory, known when the plan is. */
export interface Place {
  readonly storage: Storage | Constant;
  /** Bytes from its beginning. */
  readonly offset: number;
  readonly dtype: DType;
}

/** A launch, as it was recorded. */
export interface Step {
  readonly kernel: KernelName;
  readonly work: number;
  readonly grain: number;
  readonly places: readonly (Place | null)[];
  /** How many of the places are written. */
  readonly writes: number;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly refresh: Launch['refresh'];
  readonly refusal: Launch['refusal'];
}

/** What JavaScript wrote into a storage of the step. */
interface Upload {
  readonly bytes: Uint8Array;
  /** Number of steps before it. */
  readonly at: number;
}

/** All launches of a step, with places for what lives only within it. */
export interface Planned {
  readonly steps: readonly Step[];
  /** Bytes that kernels need to work with. */
  readonly scratch: number;
  /** What the step only reads, of what JavaScript wrote and let go. */
  readonly constants: ReadonlyMap<Place['storage'], Uint8Array>;
  /** Where, in an arena of so many bytes, those stand that the step made and let go. */
  readonly places: ReadonlyMap<Storage, number>;
  readonly arenaBytes: number;
  /** What the step made and left alive. */
  readonly left: readonly Storage[];
  /** What it uses and has not made, each with a kernel that does. */
  readonly outside: ReadonlyMap<Storage, string>;
}

const ALIGNMENT = 64;
/** Bytes of a slot of a record. */
const SLOT = 4;

/** The next multiple of a cache line: blocks that begin on one never share it. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

export class Recorder implements Observer {
  private readonly made = new Set<Storage>();
  private readonly uploads = new Map<Storage, Upload>();
  private readonly steps: Step[] = [];
  private scratch = 0;

  constructor(
    private readonly engine: Engine,
    /** Who records, for messages. */
    private readonly what = 'capture',
  ) {}

  allocated(storage: Storage): void {
    this.made.add(storage);
  }

  launched(launch: Launch): void {
    if (launch.work === 0) return;
    const { kernel, work, grain = work, writes, floats = [], ints = [], refresh, refusal } = launch;
    const places = [...writes, ...launch.reads].map(placeOf);
    this.steps.push({
      kernel,
      work,
      grain,
      places,
      writes: writes.length,
      floats: [...floats],
      ints: [...ints],
      refresh,
      refusal,
    });
    this.scratch = Math.max(this.scratch, launch.scratch ?? 0);
  }

  written(storage: Storage, offset: number, data: Uint8Array): void {
    if (!this.made.has(storage)) {
      fail(
        'unsupported',
        `${this.what}: JavaScript wrote into a tensor that was there before the step; a replay would write the same again. ` +
          'Change tensors within a step by ops, such as add_.',
      );
    }
    const bytes = this.uploads.get(storage)?.bytes ?? new Uint8Array(storage.bytes);
    bytes.set(data, offset);
    this.uploads.set(storage, { bytes, at: this.steps.length });
  }

  /** Called for every read, which the step must not make. */
  read(): never {
    return fail(
      'unsupported',
      `${this.what}: the step reads a value (item(), toArray(), dataSync(), or an op whose result has a size that depends on values). ` +
        'A replay does not run the JavaScript in between. Return the tensor and read it after the step.',
    );
  }

  /** Plans the memory of what has been recorded. Called once, by whoever makes something of it. */
  plan(): Planned {
    const constants = this.separateConstants();
    const { steps, scratch, made } = this;
    const transient = [...made].filter((storage) => storage.freed && !constants.has(storage));
    const { places, bytes } = plan(this.lifetimes(transient));
    const left = [...made].filter((storage) => !storage.freed);
    return { steps, scratch, constants, places, arenaBytes: bytes, left, outside: this.outside() };
  }

  /** Plans the memory, and makes of the steps records that stand one behind another. */
  finish(): Recording {
    const { engine } = this;
    const { steps, scratch, constants, places, arenaBytes, left, outside } = this.plan();
    engine.needScratch(scratch);
    let size = arenaBytes;
    const constantAt = new Map<Place['storage'], number>();
    for (const [key, data] of constants) {
      constantAt.set(key, size);
      size += aligned(data.length);
    }
    const slots = steps.reduce((n, step) => n + lengthOf(step), 0);
    const block = engine.allocate(size + slots * SLOT + ALIGNMENT, 'captured step');
    const arena = aligned(block.pointer);
    for (const [key, data] of constants) engine.u8.set(data, arena + (constantAt.get(key) as number));

    const addressOf = ({ storage }: Place): number => {
      const at = constantAt.get(storage) ?? places.get(storage as Storage);
      return at === undefined ? (storage as Storage).pointer : arena + at;
    };
    const refreshers: Refresher[] = [];
    let at = arena + size;
    for (const step of steps) {
      const { index } = engine.kernel(step.kernel);
      engine.i32.set(recordOf(step, index, addressOf), at / SLOT);
      if (step.refresh !== undefined) refreshers.push(new Refresher(engine, step, step.refresh, at));
      at += lengthOf(step) * SLOT;
    }
    const held = left.map((storage) => storage.retain());
    const written = [...held, ...outside.keys()].filter((storage) =>
      steps.some((step) => writtenBy(step).includes(storage)),
    );
    const refusals = steps.map(({ refusal }) => refusal);
    return new Replay(engine, block, arena + size, arenaBytes, refusals, refreshers, held, outside, written);
  }

  /**
   * What JavaScript wrote and no kernel writes, as constants. Where a kernel writes too, the writing becomes a step of its own,
   * which copies from a constant.
   */
  private separateConstants(): Map<Place['storage'], Uint8Array> {
    const constants = new Map<Place['storage'], Uint8Array>();
    const uploads: { readonly step: Step; readonly at: number }[] = [];
    for (const [storage, { bytes: data, at }] of this.uploads) {
      const uses = (places: Step['places']): boolean => places.some((place) => place?.storage === storage);
      if (!this.steps.some(({ places, writes }) => uses(places.slice(0, writes)))) {
        if (storage.freed) constants.set(storage, data);
        continue;
      }
      if (this.steps.slice(0, at).some(({ places }) => uses(places))) {
        fail(
          'unsupported',
          `${this.what}: JavaScript wrote into a tensor between two ops on it. Change tensors within a step by ops, such as add_.`,
        );
      }
      const source: Constant = { bytes: data.length, data };
      constants.set(source, data);
      uploads.push({ at, step: copyStep(storage, source) });
    }
    for (const { step, at } of uploads.sort((a, b) => b.at - a.at)) this.steps.splice(at, 0, step);
    return constants;
  }

  /** From which step to which each of the storages is in use. */
  private lifetimes(storages: readonly Storage[]): Lifetime<Storage>[] {
    const found = new Map<Place['storage'], { first: number; last: number }>();
    this.steps.forEach(({ places }, i) => {
      for (const place of places) {
        if (place === null) continue;
        const seen = found.get(place.storage);
        if (seen === undefined) found.set(place.storage, { first: i, last: i });
        else seen.last = i;
      }
    });
    return storages.flatMap((storage) => {
      const lifetime = found.get(storage);
      return lifetime === undefined ? [] : [{ key: storage, bytes: aligned(storage.bytes), ...lifetime }];
    });
  }

  /** Storages that the step uses and has not made, each with a kernel that does. */
  private outside(): Map<Storage, string> {
    const found = new Map<Storage, string>();
    for (const { places, kernel } of this.steps) {
      for (const place of places) {
        if (place?.storage instanceof Storage && !this.made.has(place.storage))
          found.set(place.storage, nameOf(kernel));
      }
    }
    return found;
  }
}

function placeOf(tensor: Tensor | null): Place | null {
  if (tensor === null) return null;
  const { storage, offset, dtype } = tensor;
  return { storage, offset: offset * traits[dtype].bytes, dtype };
}

/** Length of a step's record, in slots. */
function lengthOf({ places, floats, ints }: Step): number {
  return HEADER + places.length + floats.length + ints.length;
}

function copyStep(target: Storage, source: Constant): Step {
  const n = source.bytes;
  const places: Place[] = [
    { storage: target, offset: 0, dtype: 'uint8' },
    { storage: source, offset: 0, dtype: 'uint8' },
  ];
  const ints = [1, n, 1, 1];
  const rest = { floats: [], ints, refresh: undefined, refusal: undefined };
  return { kernel: 'copy_b1', work: n, grain: 65536, places, writes: 1, ...rest };
}

/** What a step writes to. */
export function writtenBy({ places, writes }: Step): (Place['storage'] | undefined)[] {
  return places.slice(0, writes).map((place) => place?.storage);
}

/** The record of a step (assembly/launch.ts), where its kernel has the place `kernel` in the function table. */
export function recordOf(step: Step, kernel: number, addressOf: (place: Place) => number): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(lengthOf(step));
  slots.set([kernel, step.work, step.grain, slots.length]);
  slots.set(
    step.places.map((place) => (place === null ? 0 : addressOf(place) + place.offset)),
    HEADER,
  );
  const floats = HEADER + step.places.length;
  new Float32Array(slots.buffer).set(step.floats, floats);
  slots.set(step.ints, floats + step.floats.length);
  return slots;
}

/** Sets the changing numbers of one record. */
class Refresher implements LaunchNumbers {
  private readonly floats: number;
  private readonly ints: number;

  constructor(
    private readonly engine: Engine,
    step: Step,
    private readonly refresh: (numbers: LaunchNumbers) => void,
    at: number,
  ) {
    this.floats = at / SLOT + HEADER + step.places.length;
    this.ints = this.floats + step.floats.length;
  }

  run(): void {
    this.refresh(this);
  }

  float(i: number, value: number): void {
    this.engine.f32[this.floats + i] = value;
  }

  int(i: number, value: number): void {
    this.engine.i32[this.ints + i] = value;
  }
}

class Replay implements Recording {
  private alive = true;
  private readonly outside: readonly Storage[];
  private readonly users: readonly string[];

  constructor(
    private readonly engine: Engine,
    private readonly block: Block,
    private readonly records: number,
    readonly arenaBytes: number,
    private readonly refusals: readonly Launch['refusal'][],
    private readonly refreshers: readonly Refresher[],
    private readonly held: readonly Storage[],
    outside: ReadonlyMap<Storage, string>,
    /** What a run changes and somebody else may see. */
    private readonly written: readonly Storage[],
  ) {
    this.outside = [...outside.keys()];
    this.users = [...outside.values()];
  }

  get launches(): number {
    return this.refusals.length;
  }

  run(): void {
    if (!this.alive) fail('disposed', 'capture: this step has been disposed. Capture it again.');
    // Loops by index: an iterator would be garbage, and a replay makes none.
    for (let i = 0; i < this.outside.length; i++) {
      if ((this.outside[i] as Storage).freed) {
        fail(
          'disposed',
          `capture: a tensor that the step hands to ${this.users[i]} has been freed since. ` +
            'Keep what a step uses, or capture it again.',
        );
      }
    }
    for (let i = 0; i < this.refreshers.length; i++) (this.refreshers[i] as Refresher).run();
    const left = this.engine.replay(this.records, this.launches);
    if (left > 0) {
      this.engine.takeRefusal();
      this.refusals[this.launches - left]?.();
    }
    for (let i = 0; i < this.written.length; i++) (this.written[i] as Storage).touch('a captured step');
  }

  dispose(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const storage of this.held) storage.release();
    this.engine.free(this.block);
  }
}
