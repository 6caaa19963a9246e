/** What a DataParallel is told, and what it gives. */
import type { LossSource } from './describe.js';

export interface DataParallelOptions {
  /** Worker threads, each with a device and a replica of the model of its own. Default: as many as there are processors. */
  readonly workers?: number;
  /** The device of the threads. Default 'wasm'. The model itself stays where it is, on the wasm device. */
  readonly device?: 'wasm' | 'webgpu' | 'auto';
  /**
   * What training minimizes: the name of a function of fettle or of an export of the model's module, that function itself, or a
   * loss of fettle/nn. It takes the model's output and the last part of a batch. Its gradient over a batch is the mean of those
   * over the samples; see `reduction`.
   */
  readonly loss?: LossSource;
  /**
   * In place of `loss`, for models that are not trained by one: a function (model, batch) that gives the loss, or
   * { loss, logits, labels }, by its name or itself, exported by the model's module.
   */
  readonly step?: string | ((model: never, batch: never) => unknown);
  /** What the loss does with samples: 'mean', the default, or 'sum'. */
  readonly reduction?: 'mean' | 'sum';
  /**
   * Samples of a part of a batch. With it parts are the same at any number of workers, and so are, in deterministic mode, all
   * bits that come of them. Default: each worker gets one part, and all are of about one size.
   */
  readonly microBatch?: number;
  /** The dimension of samples. Default 0. */
  readonly dim?: number;
  /**
   * Whether batch norm uses the statistics of the whole batch, of which each thread has a part; needs shared memory. By default
   * each part is normalized with its own, and the running statistics move by the mean of all parts.
   */
  readonly syncBatchNorm?: boolean;
  /**
   * What a part counts, where a mean loss does not count samples: of targets that may be ignored, those that are not. Called
   * with each part of a batch. Default: its samples.
   */
  readonly weight?: (part: never) => number;
  /** Most milliseconds that a thread may take over its part, before another one does it again; 0 for no end. Default 300000. */
  readonly timeout?: number;
  /**
   * Whether threads record their part of a step, once parts of its shapes repeat, and replay it (see `capture`), which saves the
   * time of JavaScript and of memory. A replay repeats ops alone, so by default it is done where model and loss are made of
   * fettle's own layers and functions; true also where they are of your own, and do the same ops at each step.
   */
  readonly capture?: boolean;
  /**
   * What the threads run, where a bundler does not carry fettle's own module along: the address of a module, or a function that
   * starts a Worker with it, `() => new Worker(new URL('./replica.js', import.meta.url), { type: 'module' })`. The module calls
   * `serveParallel({ ...classes and functions of your own })`.
   */
  readonly worker?: URL | (() => unknown);
}

/** What a batch gave. */
export interface BatchResult {
  /** The loss of the whole batch. */
  readonly loss: number;
  readonly samples: number;
  /** Samples whose largest output is their class; null where the model's outputs are no logits of classes. */
  readonly correct: number | null;
}

/** What a set of samples gave. */
export interface Measured {
  readonly loss: number;
  /** Share of samples whose largest output is their class; null where the outputs are no logits of classes. */
  readonly accuracy: number | null;
  readonly samples: number;
}

/** Batches, as a DataLoader gives them. */
export type Batches<B = unknown> = AsyncIterable<B> | Iterable<B>;

/** An optimizer, as far as it has to be known. */
export interface Stepping {
  step(): unknown;
  zeroGrad(): void;
}
