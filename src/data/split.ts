import { fail } from '../core/errors.js';
import { defaultGenerator, Generator } from '../core/random.js';
import type { Collated } from './collate.js';
import { type Dataset, Subset } from './dataset.js';
import { groupByLabel, type Labels } from './labels.js';

/** A seed, a stream of random numbers, or nothing for the default stream. */
export type Randomness = number | Generator;

function generatorOf(randomness: Randomness | undefined): Generator {
  if (randomness === undefined) return defaultGenerator;
  return typeof randomness === 'number' ? new Generator(randomness) : randomness;
}

/** Throws unless `fractions` are shares of a whole; returns what they leave of it, free of rounding. */
function restOf(name: string, fractions: readonly number[]): number {
  const sum = fractions.reduce((a, b) => a + b, 0);
  if (fractions.length === 0 || fractions.some((f) => !(f >= 0)) || sum > 1 + 1e-9) {
    fail(
      'argument',
      `${name}: fractions must be ≥ 0 and add up to at most 1, got ${fractions.join(', ')} (sum ${sum}).`,
    );
  }
  return sum > 1 - 1e-9 ? 0 : 1 - sum;
}

/** Sizes of the parts: as given, or fractions of `total` rounded down, the rest dealt out one by one from the first on. */
function sizesOf(lengths: readonly number[], total: number): number[] {
  const sum = lengths.reduce((a, b) => a + b, 0);
  if (lengths.every((n) => Number.isInteger(n) && n >= 0) && sum === total) return [...lengths];
  if (lengths.some((n) => !(n >= 0 && n <= 1)) || Math.abs(sum - 1) > 1e-9) {
    fail(
      'argument',
      `randomSplit: expected sizes that add up to ${total} or fractions that add up to 1, got ${lengths.join(', ')}.`,
    );
  }
  // The product may fall short of a whole number by one rounding error.
  const sizes = lengths.map((fraction) => Math.floor(fraction * total + 1e-9));
  let rest = total - sizes.reduce((a, b) => a + b, 0);
  for (let i = 0; rest > 0; i = (i + 1) % sizes.length) {
    sizes[i] = (sizes[i] as number) + 1;
    rest--;
  }
  return sizes;
}

/** Cuts a dataset at random into parts of the given sizes, or of the given fractions of it, which add up to 1. */
export function randomSplit<T, B = Collated<T>>(
  dataset: Dataset<T, B>,
  lengths: readonly number[],
  randomness?: Randomness,
): Subset<T, B>[] {
  const sizes = sizesOf(lengths, dataset.length);
  const order = generatorOf(randomness).permutation(dataset.length);
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return new Subset(dataset, order.subarray(at - size, at));
  });
}

/**
 * Cuts samples at random into parts that hold every class in the same share. Returns the samples' numbers, in ascending
 * order, for each of `fractions`; what these leave of the whole belongs to no part. Both the parts and the classes within
 * them have the wanted sizes to within one sample.
 *
 * @example
 * const [train, test] = data.stratifiedSplit(['a', 'a', 'b', 'b', 'b', 'b'], [0.5, 0.5], 0);
 * train.length; // → 3
 */
export function stratifiedSplit<const F extends readonly number[]>(
  labels: Labels,
  fractions: F,
  randomness?: Randomness,
): { -readonly [K in keyof F]: Int32Array } {
  const rest = restOf('stratifiedSplit', fractions);
  const shares = rest > 0 ? [...fractions, rest] : [...fractions];
  const parts: number[][] = shares.map(() => []);
  const generator = generatorOf(randomness);
  let dealt = 0;
  for (const members of groupByLabel('stratifiedSplit', labels)) {
    for (const k of generator.permutation(members.length)) {
      dealt++;
      // To the part that lags furthest behind its share of all dealt so far. Classes are dealt one after another, so what
      // a part has when one begins and when it ends are both right, and so is the difference.
      let neediest = 0;
      let most = Number.NEGATIVE_INFINITY;
      shares.forEach((share, p) => {
        const lag = share * dealt - (parts[p] as number[]).length;
        if (share > 0 && lag > most + 1e-9) {
          most = lag;
          neediest = p;
        }
      });
      (parts[neediest] as number[]).push(members[k] as number);
    }
  }
  const result: readonly Int32Array[] = parts.slice(0, fractions.length).map((part) => Int32Array.from(part).sort());
  return result as { -readonly [K in keyof F]: Int32Array };
}

/** The samples to train on and the samples to test on. */
export type Fold = readonly [train: Int32Array, test: Int32Array];

export interface KFoldOptions {
  /** Whether to shuffle before cutting. Default false. */
  readonly shuffle?: boolean;
  /** Seed or generator for the shuffle. Default: the default generator. */
  readonly seed?: Randomness;
}

function checkFolds(name: string, nSplits: number): void {
  if (!Number.isInteger(nSplits) || nSplits < 2) {
    fail('argument', `${name}: expected a whole number of at least 2 folds, got ${nSplits}.`);
  }
}

/** Each fold once as the test part, given the fold of each sample. */
function* foldsOf(foldOf: Int32Array, nSplits: number): IterableIterator<Fold> {
  for (let fold = 0; fold < nSplits; fold++) {
    const train: number[] = [];
    const test: number[] = [];
    foldOf.forEach((f, i) => {
      (f === fold ? test : train).push(i);
    });
    yield [Int32Array.from(train), Int32Array.from(test)];
  }
}

/** K folds of consecutive (or shuffled) samples, as scikit-learn's KFold; each serves once as the test part. */
export class KFold {
  constructor(
    readonly nSplits = 5,
    private readonly options: KFoldOptions = {},
  ) {
    checkFolds('KFold', nSplits);
  }

  /** The folds of a dataset, or of as many samples as given. */
  split(source: number | { readonly length: number }): IterableIterator<Fold> {
    const n = typeof source === 'number' ? source : source.length;
    if (this.nSplits > n) fail('argument', `KFold: ${this.nSplits} folds need as many samples, there are ${n}.`);
    const order = this.options.shuffle ? generatorOf(this.options.seed).permutation(n) : null;
    const foldOf = new Int32Array(n);
    let at = 0;
    for (let fold = 0; fold < this.nSplits; fold++) {
      const end = at + Math.floor(n / this.nSplits) + Number(fold < n % this.nSplits);
      for (; at < end; at++) foldOf[order?.[at] ?? at] = fold;
    }
    return foldsOf(foldOf, this.nSplits);
  }
}

/** K folds that hold every class in the same share, as scikit-learn's StratifiedKFold. */
export class StratifiedKFold {
  constructor(
    readonly nSplits = 5,
    private readonly options: KFoldOptions = {},
  ) {
    checkFolds('StratifiedKFold', nSplits);
  }

  split(labels: Labels): IterableIterator<Fold> {
    const classes = groupByLabel('StratifiedKFold', labels);
    const largest = Math.max(0, ...classes.map((members) => members.length));
    if (this.nSplits > largest) {
      fail('argument', `StratifiedKFold: ${this.nSplits} folds, but no class has more than ${largest} samples.`);
    }
    const generator = this.options.shuffle ? generatorOf(this.options.seed) : null;
    const foldOf = new Int32Array(labels.length);
    // Classes stand one behind another and are dealt out to the folds in turn, so that the folds' sizes differ by at most
    // one, in each class and in all. What a class has in each fold is then filled with its samples in order.
    let dealt = 0;
    for (const members of classes) {
      const counts = new Int32Array(this.nSplits);
      for (let k = 0; k < members.length; k++) {
        const fold = dealt++ % this.nSplits;
        counts[fold] = (counts[fold] as number) + 1;
      }
      const folds: number[] = [];
      counts.forEach((count, fold) => {
        for (let k = 0; k < count; k++) folds.push(fold);
      });
      const order = generator?.permutation(members.length);
      members.forEach((i, k) => {
        foldOf[i] = folds[order?.[k] ?? k] as number;
      });
    }
    return foldsOf(foldOf, this.nSplits);
  }
}
