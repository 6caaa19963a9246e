import type { Block, Storage } from './storage.js';
import type { Tensor } from './tensor.js';

/** A kernel that not every program carries: an object that brings it along. */
export interface Kernel {
  readonly name: string;
}

/** A kernel by its name, where every program has it, or else as an object. */
export type KernelName = string | Kernel;

/**
 * One kernel call as data. Eager mode runs it at once; a pool runs it with a share of the work each; a captured step keeps
 * it and runs it again; a GPU encodes it. Whatever a kernel needs is in here and nowhere else.
 */
export interface Launch {
  /** The kernel, which is called `op_dtype`. */
  readonly kernel: KernelName;
  /** Number of work items; each kernel says what one of its items is. */
  readonly work: number;
  /** The smallest number of items worth a thread of its own. */
  readonly grain?: number;
  /** Tensors that are written; null where an optional one is absent. Their strides are not passed; what a kernel must know of them is in `ints`. */
  readonly writes: readonly (Tensor | null)[];
  /** Tensors that are read; null where an optional one is absent. */
  readonly reads: readonly (Tensor | null)[];
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
  /** Bytes of scratch memory the kernel uses while it runs. */
  readonly scratch?: number;
  /** For a kernel that only checks: throws the error that says what it has refused. */
  readonly refusal?: () => never;
  /**
   * Sets, before each replay of a captured step, the numbers that change from one to the next: a learning rate, a count of
   * steps, the place in a stream of random numbers. Without it they stay what they were.
   */
  readonly refresh?: (numbers: LaunchNumbers) => void;
}

/** The numbers of a recorded launch, to be set by their places in `floats` and `ints`. */
export interface LaunchNumbers {
  float(i: number, value: number): void;
  int(i: number, value: number): void;
}

/** Sees what happens on a device, to record it. */
export interface Observer {
  allocated(storage: Storage): void;
  launched(launch: Launch): void;
  written(storage: Storage, offset: number, data: Uint8Array): void;
  /** Called for every read. */
  read(): void;
}

/** A sequence of launches that can run again, on memory of its own that was planned once. */
export interface Recording {
  /** Launches of one run. */
  readonly launches: number;
  /** Bytes that the tensors share which live only within a run. */
  readonly arenaBytes: number;
  /** Runs all launches. Throws when memory they use has been freed. */
  run(): void;
  /** Frees its memory. */
  dispose(): void;
}

export interface MemoryUse {
  /** Tensors that own memory and are still alive; views are not counted. */
  readonly tensors: number;
  /** Bytes they hold. */
  readonly bytes: number;
  /** The most bytes held at once. */
  readonly peakBytes: number;
  /** Bytes taken from the system so far. */
  readonly heapBytes: number;
}

/**
 * A device is a connector: it hands out memory, moves bytes in and out, and runs launches. It knows nothing of shapes,
 * gradients or ops, so that a new device is one file, and every op works on it as soon as its kernels do.
 */
export interface Device {
  readonly name: 'wasm' | 'webgpu';
  /** Whether `readSync` answers. */
  readonly answersAtOnce: boolean;
  /** Uninitialized memory for one tensor. `label` says what it is for in reports. */
  allocate(bytes: number, label: string): Storage;
  /** Takes back the memory of a storage that nothing holds any more. */
  free(block: Block): void;
  /** Copies `data` into the storage, beginning at byte `offset`. */
  write(storage: Storage, offset: number, data: Uint8Array): void;
  /** A copy of `bytes` bytes from byte `offset` on. */
  read(storage: Storage, offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The same at once, into memory of the caller's if it is given; throws with the remedy where the device cannot. */
  readSync(storage: Storage, offset: number, bytes: number, into?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  launch(launch: Launch): void;
  /** Whether products of two float16 matrices are to be launched on these as they are, and not on copies in float32. */
  readonly multipliesHalves?: boolean;
  /** Copies bytes from one storage to another. */
  copy(target: Storage, targetOffset: number, source: Storage, sourceOffset: number, bytes: number): void;
  /** Runs `body`, which may hold so many bytes more; frees what it made where it throws. Absent where src/backend/current.ts does it. */
  readonly within?: <T>(bytes: number, body: () => T) => T;
  /** Runs `body` and keeps what it launched. Absent where src/backend/record.ts does it. */
  readonly record?: (body: () => void) => Recording;
  memory(): MemoryUse;
  /** What is alive, most bytes first: one line for each maker, `limit` of them at most. */
  report(limit?: number): string[];
}
