import * as elementary from '../core/elementary.js';
import { fail } from '../core/errors.js';
import type { Generator } from '../core/random.js';
import { defaultGenerator } from '../core/random.js';
import { groupByLabel, type Labels } from './labels.js';

/**
 * An order in which to visit samples. It is a function of the generator it is given, and a loader gives one that depends on
 * its seed and the epoch alone, so the order of any epoch can be found again.
 */
export interface Sampler {
  /** How many samples one pass visits. */
  readonly length: number;
  /**
   * The samples' numbers, in the order of one pass. Without a generator it draws from the default one. A loader tells its epoch
   * too, which the generator already follows from.
   */
  order(generator?: Generator, epoch?: number): Int32Array;
}

/** What a sampler of a whole dataset has to know of it. */
export type Sized = number | { readonly length: number };

export function lengthOf(name: string, source: Sized): number {
  const length = typeof source === 'number' ? source : source.length;
  if (!Number.isInteger(length) || length < 0 || length >= 2 ** 31) {
    fail('argument', `${name}: expected a dataset, or how many samples it has, got ${String(length)}.`);
  }
  return length;
}

/** A number in [0, 1) with 53 random bits, where the 24 of a float32 would be too coarse. */
function fine(generator: Generator): number {
  return ((generator.uint32() >>> 5) * 2 ** 26 + (generator.uint32() >>> 6)) / 2 ** 53;
}

/** 0, 1, 2, … */
export class SequentialSampler implements Sampler {
  readonly length: number;

  constructor(source: Sized) {
    this.length = lengthOf('SequentialSampler', source);
  }

  order(): Int32Array {
    return Int32Array.from({ length: this.length }, (_, i) => i);
  }
}

export interface RandomSamplerOptions {
  /** Whether a sample may come more than once. Default false. */
  readonly replacement?: boolean;
  /** How many samples a pass visits. Default: as many as there are. Beyond that, further shuffles follow the first. */
  readonly numSamples?: number;
}

/** All samples in random order, or `numSamples` drawn at random. */
export class RandomSampler implements Sampler {
  readonly length: number;
  private readonly size: number;
  private readonly replacement: boolean;

  constructor(source: Sized, options: RandomSamplerOptions = {}) {
    this.size = lengthOf('RandomSampler', source);
    this.length = lengthOf('RandomSampler numSamples', options.numSamples ?? this.size);
    this.replacement = options.replacement ?? false;
    if (this.size === 0 && this.length > 0) fail('argument', 'RandomSampler: there are no samples to draw from.');
  }

  order(generator: Generator = defaultGenerator): Int32Array {
    if (this.replacement) return Int32Array.from({ length: this.length }, () => generator.below(this.size));
    const order = new Int32Array(this.length);
    for (let at = 0; at < this.length; at += this.size) {
      order.set(generator.permutation(this.size).subarray(0, this.length - at), at);
    }
    return order;
  }
}

/** The given samples in random order. */
export class SubsetRandomSampler implements Sampler {
  readonly indices: Int32Array;

  constructor(indices: ArrayLike<number>) {
    this.indices = Int32Array.from(indices);
  }

  get length(): number {
    return this.indices.length;
  }

  order(generator: Generator = defaultGenerator): Int32Array {
    return generator.permutation(this.length).map((i) => this.indices[i] as number);
  }
}

/**
 * `numSamples` samples drawn with probabilities proportional to `weights`: with replacement by inversion, without by
 * exponential keys (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
 */
export class WeightedRandomSampler implements Sampler {
  private readonly weights: Float64Array;

  constructor(
    weights: ArrayLike<number>,
    readonly length: number,
    private readonly options: { readonly replacement?: boolean } = {},
  ) {
    this.weights = Float64Array.from(weights);
    lengthOf('WeightedRandomSampler numSamples', length);
    const odd = this.weights.findIndex((w) => !(w >= 0 && w < Number.POSITIVE_INFINITY));
    if (odd >= 0) {
      fail('argument', `WeightedRandomSampler: weights must be finite and ≥ 0, weight ${odd} is ${this.weights[odd]}.`);
    }
    const positive = this.weights.reduce((n, w) => n + Number(w > 0), 0);
    const needed = (options.replacement ?? true) ? Math.min(length, 1) : length;
    if (positive < needed) {
      fail(
        'argument',
        `WeightedRandomSampler: ${needed} samples of positive weight are needed, there are ${positive}.`,
      );
    }
  }

  order(generator: Generator = defaultGenerator): Int32Array {
    return (this.options.replacement ?? true) ? this.withReplacement(generator) : this.withoutReplacement(generator);
  }

  private withReplacement(generator: Generator): Int32Array {
    let total = 0;
    const ends = this.weights.map((w) => {
      total += w;
      return total;
    });
    return Int32Array.from({ length: this.length }, () => {
      const wanted = fine(generator) * total;
      // The first sample whose stretch ends behind the number; one without weight has no stretch and is never it.
      let low = 0;
      let high = ends.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((ends[middle] as number) > wanted) high = middle;
        else low = middle + 1;
      }
      return low;
    });
  }

  private withoutReplacement(generator: Generator): Int32Array {
    const keys = this.weights.map((w) => (w > 0 ? -elementary.log(1 - fine(generator)) / w : Number.POSITIVE_INFINITY));
    const order = Int32Array.from(keys, (_, i) => i);
    order.sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
    return order.subarray(0, this.length);
  }
}

/** Weights with which a WeightedRandomSampler draws every class equally often: 1 / (size of the sample's class). */
export function balancedWeights(labels: Labels): Float64Array {
  const weights = new Float64Array(labels.length);
  for (const members of groupByLabel('balancedWeights', labels)) {
    for (const i of members) weights[i] = 1 / members.length;
  }
  return weights;
}

/**
 * All samples in random order, with the classes spread evenly: every stretch of the order, and so every batch of any size,
 * holds each class in about the share it has of the whole.
 */
export class StratifiedSampler implements Sampler {
  readonly length: number;
  private readonly classes: readonly Int32Array[];

  /** `labels` has the class of each sample. */
  constructor(labels: Labels) {
    this.classes = groupByLabel('StratifiedSampler', labels);
    this.length = labels.length;
  }

  order(generator: Generator = defaultGenerator): Int32Array {
    // Each class's samples are shuffled and dealt out over the pass, one to each of as many equal stretches as there are
    // samples, at a random place within its stretch.
    const places = new Float64Array(this.length);
    for (const members of this.classes) {
      generator.permutation(members.length).forEach((k, nth) => {
        places[members[k] as number] = (nth + fine(generator)) / members.length;
      });
    }
    return Int32Array.from(places, (_, i) => i).sort((a, b) => (places[a] as number) - (places[b] as number) || a - b);
  }
}
