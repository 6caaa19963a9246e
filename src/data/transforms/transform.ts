import { fail, show } from '../../core/errors.js';
import { defaultGenerator, type Generator } from '../../core/random.js';
import { Tensor } from '../../tensor.js';
import type { Collated } from '../collate.js';
import { type Dataset, type Pass, streamsOf } from '../dataset.js';

/**
 * A step of preprocessing for images: one [C, H, W], or a batch [N, C, H, W] in which every image is treated by itself.
 *
 * A random transform draws what it needs for image n from `streams[n]`. A dataset derives these from (seed, epoch, index of
 * the sample), so that what happens to a sample depends neither on the batch it is in nor on who loads it. Without streams
 * the default generator is drawn from.
 */
export interface Transform {
  forward(input: Tensor, streams?: readonly Generator[]): Tensor;
}

/** A class that may be called without `new`, as torchvision's transforms are made. */
export type Callable<A extends unknown[], T> = {
  new (...args: A): T;
  (...args: A): T;
  readonly prototype: T;
};

/** What a transform or a dataset was made by, with which another thread makes it anew. */
export interface Construction {
  /** The name that the class has among the exports of `module`. */
  readonly type: string;
  /** Numbers, texts, typed arrays, tensors, lists and plain objects of them, transforms and datasets. */
  readonly args: readonly unknown[];
  /** The address of the module that exports it. Default: fettle/data. */
  readonly module?: string;
}

const constructions = new WeakMap<object, Construction>();

/** What `transform` was made by; undefined for one that is not fettle's own. */
export function constructionOf(transform: object): Construction | undefined {
  return constructions.get(transform);
}

/** `name` is what the class is exported as; minifiers rename the class itself. One that is not portable cannot be made anew. */
// @__NO_SIDE_EFFECTS__
export function callable<A extends unknown[], T extends object>(
  name: string,
  type: new (...args: A) => T,
  portable = true,
): Callable<A, T> {
  // Called with or without new, the function returns an instance; sharing the prototype keeps instanceof true.
  function make(...args: A): T {
    const made = new type(...args);
    if (portable) constructions.set(made, { type: name, args });
    return made;
  }
  make.prototype = type.prototype;
  Object.defineProperty(make, 'name', { value: name });
  return make as unknown as Callable<A, T>;
}

/** Sizes of a batch of images. */
export interface Images {
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** The sizes of `input` as a batch. Throws unless it is a tensor [C, H, W] or [N, C, H, W]. */
export function imagesOf(name: string, input: Tensor): Images {
  if (!(input instanceof Tensor)) return fail('argument', `${name}: expected a Tensor [C, H, W] or [N, C, H, W].`);
  input.check(name);
  if (input.ndim !== 3 && input.ndim !== 4) {
    fail('shape', `${name}: expected images [C, H, W] or [N, C, H, W], got ${show(input.shape)}.`);
  }
  const [width, height, channels, count = 1] = [...input.shape].reverse() as [number, number, number, number?];
  return { count, channels, height, width };
}

/** A stream for each image: those given, or streams of the default generator's. */
export function streamsFor(
  name: string,
  count: number,
  streams: readonly Generator[] | undefined,
): readonly Generator[] {
  if (streams === undefined) {
    // One number moves the default stream on, so that the next call draws others.
    const base = defaultGenerator.fork('transform', defaultGenerator.uint32());
    return Array.from({ length: count }, (_, n) => base.fork(n));
  }
  if (streams.length !== count) {
    fail('argument', `${name}: expected a stream for each of ${count} images, got ${streams.length}.`);
  }
  return streams;
}

class ComposeTransform implements Transform {
  constructor(readonly transforms: readonly Transform[]) {}

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const own = streams ?? streamsFor('Compose', imagesOf('Compose', input).count, undefined);
    // Each transform gets streams of its own: what one draws does not shift what the next one does.
    return this.transforms.reduce(
      (x, transform, k) =>
        transform.forward(
          x,
          own.map((stream) => stream.fork(k)),
        ),
      input,
    );
  }
}

/** Transforms one after another. */
export const Compose = /* @__PURE__ */ callable('Compose', ComposeTransform);
export type Compose = ComposeTransform;

/** A dataset with its samples' first entry transformed: what augments a training part and leaves the others alone. */
export class TransformDataset<T extends readonly [Tensor, ...unknown[]], B = Collated<T>> implements Dataset<T, B> {
  readonly getBatch?: (indices: Int32Array, pass?: Pass) => B | Promise<B>;

  constructor(
    readonly dataset: Dataset<T, B>,
    readonly transform: Transform,
  ) {
    if (dataset.getBatch !== undefined) this.getBatch = (indices, pass) => this.takeBatch(indices, pass);
  }

  get length(): number {
    return this.dataset.length;
  }

  get(index: number, pass?: Pass): T | Promise<T> {
    const sample = this.dataset.get(index, pass);
    const change = (it: T): T => this.changed(it, streamsOf([index], pass));
    return sample instanceof Promise ? sample.then(change) : change(sample);
  }

  /** What makes the same dataset in another thread. */
  portable(): Construction {
    return { type: 'TransformDataset', args: [this.dataset, this.transform] };
  }

  private takeBatch(indices: Int32Array, pass: Pass | undefined): B | Promise<B> {
    const batch = this.dataset.getBatch?.(indices, pass) as B | Promise<B>;
    const streams = streamsOf(indices, pass);
    return batch instanceof Promise ? batch.then((it) => this.changed(it, streams)) : this.changed(batch, streams);
  }

  private changed<X>(entries: X, streams: readonly Generator[] | undefined): X {
    const [input, ...rest] = entries as readonly unknown[];
    return [this.transform.forward(input as Tensor, streams), ...rest] as X;
  }
}
