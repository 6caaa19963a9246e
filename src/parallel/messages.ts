/** What a pool of replicas and its threads say to each other. */
import type { Failure } from '../data/workers/messages.js';
import type { Parcel } from '../data/workers/parcel.js';
import type { Topology } from '../nn/topology.js';

/** What makes a model anew: its structure, or the module or class that it was made by. */
export type ModelPlan = { readonly topology: Topology } | { readonly made: Parcel };

/** What a thread computes of a model's output, or of a batch: by name, or as a loss of fettle/nn with its arguments. */
export interface LossPlan {
  /** A function of fettle, an export of the model's module, or one that serveParallel() was given. */
  readonly name: string;
  /** What a class of fettle/nn is constructed with; undefined for a function. */
  readonly args?: Parcel;
  /** Whether it takes (model, batch) rather than (output, target). */
  readonly isStep: boolean;
}

/** What a thread is told first. */
export interface Setup {
  readonly model: ModelPlan | null;
  readonly loss: LossPlan | null;
  /** Of parallelMap: a module's export, called for each item. */
  readonly work: { readonly module: string; readonly name: string } | null;
  readonly device: 'wasm' | 'webgpu' | 'auto';
  /** Whether parts are recorded and replayed; null: where all that they are made of is fettle's. */
  readonly capture: boolean | null;
  /** Where jobs come that are told by numbers; null where memory is not shared. */
  readonly lane: SharedArrayBuffer | null;
}

/**
 * What is the same about many jobs of training, so that each of them is told by numbers: that of the form, the seed, the scale,
 * the version of the values, where gradients go, and where each tensor of the batch stands.
 */
export interface Form {
  readonly id: number;
  /** As of a job. */
  readonly key: string;
  /** Its tensors have no bytes. */
  readonly batch: Parcel;
  readonly strict: boolean;
  readonly mode: Mode;
  readonly heap: SharedArrayBuffer;
  /** Byte addresses in `heap`. */
  readonly parameters: Float64Array;
  readonly buffers: Float64Array;
}

/** Where the numbers of such a job stand. */
export const Brief = { FORM: 0, SEED: 1, SCALE: 2, VERSION: 3, INTO: 4, BATCH: 5 } as const;

/** A model's parameters: where each stands in shared memory, or a copy of them, one behind another. */
export interface Values {
  readonly version: number;
  readonly heap: SharedArrayBuffer | null;
  /** Byte addresses in `heap`. */
  readonly at: Float64Array | null;
  readonly copy: Uint8Array | null;
}

/** What can differ from job to job about a model. */
export interface Mode {
  /** Whether each module is in training, in the order of modules(). */
  readonly training: Uint8Array;
  /** Whether each parameter wants a gradient. */
  readonly wants: Uint8Array;
}

export interface Job {
  readonly kind: 'train' | 'forward' | 'measure' | 'map';
  readonly batch: Parcel;
  readonly strict: boolean;
  /** Begins the thread's random stream. */
  readonly seed: number;
  /** Null where the thread has them. */
  readonly values: Values | null;
  /** The bytes of all buffers, one behind another. */
  readonly buffers: Uint8Array;
  readonly mode: Mode | null;
  /** Of training: what the loss is multiplied by before its gradient is taken. */
  readonly scale: number;
  /** Where gradients go in shared memory; null where they are sent. */
  readonly into: Uint8Array | null;
  /** Memory to send them in that came with earlier ones. */
  readonly spare: ArrayBuffer | null;
  /** Of training with synchronised batch norm. */
  readonly exchange: Exchange | null;
  /** Of training: a text for all that a recording of the job depends on; null where it cannot be told. */
  readonly key: string | null;
  /** How later jobs of this kind are told; null where there is no lane for them, or the thread knows it. */
  readonly form: Form | null;
}

/** Shared memory through which threads that compute parts of one batch tell each other its statistics. */
export interface Exchange {
  readonly memory: SharedArrayBuffer;
  readonly rank: number;
  readonly size: number;
  /** Milliseconds to wait for the others. */
  readonly timeout: number;
}

/** What comes of a job. */
export interface Done {
  readonly loss: number;
  /** Samples whose largest output is their class; null where the outputs are no logits of classes. */
  readonly correct: number | null;
  /** Whether each parameter has a gradient. */
  readonly has: Uint8Array;
  /** The gradients, one behind another, where they were not written into shared memory. */
  readonly gradients: ArrayBuffer | null;
  /** What the buffers are after the job; null where they do not matter. */
  readonly buffers: Uint8Array | null;
  /** Of 'forward' and 'map'. */
  readonly output: Parcel | null;
}

export type Answer = Done | { readonly failure: Failure };

/** What a thread does. */
export interface Replica {
  /** Makes the model; resolves with the error if it cannot. */
  open(setup: Setup): Promise<Failure | null>;
  work(job: Job): Promise<Answer>;
  /** Looks into the lane for jobs, until there has been none for a while. */
  attend(): void;
}

/** A replica in another thread. */
export type RemoteReplica = {
  readonly [K in keyof Replica]: (...args: Parameters<Replica[K]>) => Promise<Awaited<ReturnType<Replica[K]>>>;
};
