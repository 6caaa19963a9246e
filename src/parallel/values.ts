import { fail } from '../core/errors.js';
import { byteLength } from '../data/workers/parcel.js';
import type { Module } from '../nn/index.js';
import type { Tensor } from '../tensor.js';
import { bytesIn, copyIn, copyOf, pointerTo, sharedHeapOf, sharedMemoryOf } from './bytes.js';
import type { Room } from './lane.js';
import type { Mode, Values } from './messages.js';

/** Where a model's values stand in memory that other threads can read, by byte addresses. */
export interface ValuePlaces {
  /** Raised when one of them has moved. */
  readonly version: number;
  readonly heap: SharedArrayBuffer;
  readonly parameters: Float64Array;
  readonly buffers: Float64Array;
}

/** The values of a model on this thread, and how others come by them. */
export class ModelValues {
  readonly parameters: readonly Tensor[];
  private readonly buffered: readonly Tensor[];
  private readonly modules: readonly Module[];
  /** Raised when a parameter has changed; threads that have the current one are sent none. */
  private version = 0;
  /** What each parameter's storage counted when the version was raised. */
  private writes: number[] = [];
  private stand: ValuePlaces | null = null;

  constructor(
    private readonly name: string,
    model: Module,
  ) {
    this.parameters = model.parameters();
    this.buffered = model.buffers();
    this.modules = model.modules();
  }

  /** Notes whether parameters have changed, and gives the version that they are at. */
  publish(): number {
    const now = this.parameters.map((x) => {
      if (x.disposed) {
        fail('state', `${this.name}: the model has lost a parameter since. Make a new ${this.name} of it.`);
      }
      return x.storage.version;
    });
    if (this.version === 0 || now.some((count, i) => count !== this.writes[i])) this.version++;
    this.writes = now;
    return this.version;
  }

  /** What a thread needs that has version `known`: where the parameters stand, or a copy of them, which `send` then lists. */
  forThread(known: number, send: ArrayBuffer[]): Values | null {
    const version = this.publish();
    if (known === version) return null;
    const shared = this.parameters.map(sharedMemoryOf);
    const heap = shared[0]?.buffer;
    if (heap !== undefined && shared.every((memory) => memory?.buffer === heap)) {
      return {
        version,
        heap: heap as SharedArrayBuffer,
        at: Float64Array.from(shared, (memory) => memory?.byteOffset as number),
        copy: null,
      };
    }
    const copy = flat(this.parameters);
    send.push(copy.buffer);
    return { version, heap: null, at: null, copy };
  }

  /** Where the values stand; null where they do not stand in one shared memory. */
  places(): ValuePlaces | null {
    const { parameters, buffered, stand } = this;
    const [first] = parameters;
    const heap = first && sharedHeapOf(first);
    const all = [...parameters, ...buffered];
    if (heap === undefined || all.some((x) => x.storage.device !== first?.storage.device || !x.isContiguous())) {
      return null;
    }
    const stays = (at: Float64Array, tensors: readonly Tensor[]): boolean =>
      tensors.every((x, i) => at[i] === pointerTo(x));
    if (stand?.heap === heap && stays(stand.parameters, parameters) && stays(stand.buffers, buffered)) return stand;
    this.stand = {
      version: (stand?.version ?? 0) + 1,
      heap,
      parameters: Float64Array.from(parameters, pointerTo),
      buffers: Float64Array.from(buffered, pointerTo),
    };
    return this.stand;
  }

  /** What buffers and flags of the parameters take. */
  get room(): Room {
    return { flags: this.parameters.length, bytes: bytesIn(this.buffered) };
  }

  /** The bytes of all buffers, one behind another. */
  buffers(): Uint8Array {
    return flat(this.buffered);
  }

  mode(): Mode {
    return {
      training: Uint8Array.from(this.modules, ({ training }) => Number(training)),
      wants: Uint8Array.from(this.parameters, ({ wantsGrad }) => Number(wantsGrad)),
    };
  }

  /** Whether a module is in training. */
  get trains(): boolean {
    return this.modules.some(({ training }) => training);
  }

  /**
   * Moves buffers to what the parts of a batch made of them: statistics by the mean of the parts' moves, weighted by their
   * samples, in order; counts as the first part did.
   */
  mixBuffers(parts: readonly Uint8Array[], samples: readonly number[]): void {
    const total = samples.reduce((a, b) => a + b, 0);
    let at = 0;
    for (const x of this.buffered) {
      const bytes = byteLength(x);
      const from = at;
      at += bytes;
      const slices = parts.map((part) => part.slice(from, from + bytes));
      const before = copyOf(x);
      if (slices.every((slice) => slice.every((byte, i) => byte === before[i]))) continue;
      copyIn(x, x.dtype === 'float32' ? mixed(before, slices, samples, total) : (slices[0] as Uint8Array));
    }
  }
}

/** before + Σ share · (part − before): exactly what it was where no part has moved it. */
function mixed(
  before: Uint8Array<ArrayBuffer>,
  parts: readonly Uint8Array<ArrayBuffer>[],
  samples: readonly number[],
  total: number,
): Uint8Array {
  const old = new Float32Array(before.buffer);
  const moved = parts.map((part) => new Float32Array(part.buffer));
  const result = old.map((value, i) => {
    const first = moved[0]?.[i] as number;
    if (moved.every((part) => part[i] === first)) return first;
    let sum = value;
    moved.forEach((part, m) => {
      sum += ((samples[m] as number) / total) * ((part[i] as number) - value);
    });
    return sum;
  });
  return new Uint8Array(result.buffer);
}

function flat(tensors: readonly Tensor[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bytesIn(tensors));
  let at = 0;
  for (const x of tensors) {
    all.set(copyOf(x), at);
    at += byteLength(x);
  }
  return all;
}
