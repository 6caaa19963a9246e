import { fail } from '../../core/errors.js';
import type { Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { sameShape } from '../../core/shape.js';
import { cat, indexSelect, tensor } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { checkProbability } from './numbers.js';
import { callable, imagesOf, streamsFor, type Transform } from './transform.js';

/**
 * Treats the images of a batch in groups: those of one key together. `change` gets the images of a group and their numbers.
 * The results must be of one size, and come back in the order of the batch.
 */
function inGroups<K>(
  name: string,
  input: Tensor,
  keys: readonly K[],
  change: (images: Tensor, key: K, members: readonly number[]) => Tensor,
): Tensor {
  const groups = new Map<K, number[]>();
  keys.forEach((key, n) => {
    groups.set(key, [...(groups.get(key) ?? []), n]);
  });
  const [only] = groups;
  if (only === undefined) return input;
  if (groups.size === 1) return change(input, only[0], only[1]);
  return scope(() => {
    const places = (members: readonly number[]): Tensor => tensor(Int32Array.from(members), [members.length]);
    const results = [...groups].map(([key, members]) => change(indexSelect(input, 0, places(members)), key, members));
    const first = results[0] as Tensor;
    const odd = results.find(
      (one) => one.dtype !== first.dtype || !sameShape(one.shape.slice(1), first.shape.slice(1)),
    );
    if (odd !== undefined) {
      fail(
        'shape',
        `${name}: images of this batch come out as ${first.dtype} [${first.shape.slice(1)}] and ${odd.dtype} ` +
          `[${odd.shape.slice(1)}]. Choose among transforms that give one size, or treat images one by one.`,
      );
    }
    const order = [...groups.values()].flat();
    const back = new Array<number>(order.length);
    order.forEach((n, place) => {
      back[n] = place;
    });
    return indexSelect(cat(results), 0, places(back));
  });
}

/** Streams of their own for the transform at place k. */
const forked = (streams: readonly Generator[], k: number): Generator[] => streams.map((stream) => stream.fork(k));

function checkList(name: string, transforms: readonly Transform[]): readonly Transform[] {
  if (!Array.isArray(transforms) || transforms.some((one) => typeof one?.forward !== 'function')) {
    fail('argument', `${name}: expected a list of transforms.`);
  }
  return transforms;
}

class RandomApplyTransform implements Transform {
  private readonly transforms: readonly Transform[];

  constructor(
    transforms: readonly Transform[],
    readonly p = 0.5,
  ) {
    this.transforms = checkList('RandomApply', transforms);
    checkProbability('RandomApply', p);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const own = streamsFor('RandomApply', imagesOf('RandomApply', input).count, streams);
    const applied = own.map((stream) => stream.uniform() < this.p);
    return inGroups('RandomApply', input, applied, (images, apply, members) => {
      if (!apply) return images;
      const theirs = members.map((n) => own[n] as Generator);
      return this.transforms.reduce((x, transform, k) => transform.forward(x, forked(theirs, k)), images);
    });
  }
}

/** All of a list of transforms with probability p (default 0.5), else none of them; for each image by itself. */
export const RandomApply = /* @__PURE__ */ callable('RandomApply', RandomApplyTransform);
export type RandomApply = RandomApplyTransform;

class RandomChoiceTransform implements Transform {
  private readonly transforms: readonly Transform[];
  /** Where the share of each transform ends, of 1. */
  private readonly ends: readonly number[];

  constructor(transforms: readonly Transform[], p?: readonly number[] | null) {
    this.transforms = checkList('RandomChoice', transforms);
    const weights = p ?? transforms.map(() => 1);
    const sum = weights.reduce((a, b) => a + b, 0);
    if (
      transforms.length === 0 ||
      weights.length !== transforms.length ||
      !weights.every((w) => w >= 0) ||
      !(sum > 0)
    ) {
      fail(
        'argument',
        `RandomChoice: expected a weight ≥ 0 for each of ${transforms.length} transforms, got ${weights}.`,
      );
    }
    let end = 0;
    this.ends = weights.map((weight) => {
      end += weight / sum;
      return end;
    });
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const own = streamsFor('RandomChoice', imagesOf('RandomChoice', input).count, streams);
    const chosen = own.map((stream) => {
      const at = stream.uniform();
      const k = this.ends.findIndex((end) => at < end);
      // What rounding leaves behind the last end belongs to the last that has a share.
      return k >= 0 ? k : this.ends.indexOf(this.ends[this.ends.length - 1] as number);
    });
    return inGroups('RandomChoice', input, chosen, (images, k, members) => {
      const theirs = members.map((n) => own[n] as Generator);
      return (this.transforms[k] as Transform).forward(images, forked(theirs, k));
    });
  }
}

/** One of a list of transforms for each image, all alike or with probabilities in proportion to `p`. */
export const RandomChoice = /* @__PURE__ */ callable('RandomChoice', RandomChoiceTransform);
export type RandomChoice = RandomChoiceTransform;

class RandomOrderTransform implements Transform {
  private readonly transforms: readonly Transform[];

  constructor(transforms: readonly Transform[]) {
    this.transforms = checkList('RandomOrder', transforms);
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const own = streamsFor('RandomOrder', imagesOf('RandomOrder', input).count, streams);
    const orders = own.map((stream) => stream.permutation(this.transforms.length).join());
    return inGroups('RandomOrder', input, orders, (images, order, members) => {
      const theirs = members.map((n) => own[n] as Generator);
      const places = order === '' ? [] : order.split(',').map(Number);
      return places.reduce((x, k) => (this.transforms[k] as Transform).forward(x, forked(theirs, k)), images);
    });
  }
}

/** All of a list of transforms, in an order that is drawn for each image. */
export const RandomOrder = /* @__PURE__ */ callable('RandomOrder', RandomOrderTransform);
export type RandomOrder = RandomOrderTransform;

/** What a function of one's own does: it gets the images, and a stream of random numbers for each of them. */
export type ImageFunction = (input: Tensor, streams: readonly Generator[]) => Tensor;

class LambdaTransform implements Transform {
  constructor(private readonly change: ImageFunction) {
    if (typeof change !== 'function') fail('argument', 'Lambda: expected a function of images.');
  }

  forward(input: Tensor, streams?: readonly Generator[]): Tensor {
    const own = streamsFor('Lambda', imagesOf('Lambda', input).count, streams);
    const y = this.change(input, own);
    return y instanceof Tensor ? y : fail('argument', 'Lambda: the function must return a Tensor.');
  }
}

/**
 * A function of one's own as a transform. Functions cannot be sent to other threads, so a loader with workers refuses it: write
 * a class that workers can import, or use numWorkers 0.
 */
export const Lambda = /* @__PURE__ */ callable('Lambda', LambdaTransform, false);
export type Lambda = LambdaTransform;
