import { fail } from '../core/errors.js';
import { groupByLabel, type Labels } from './labels.js';
import { holdOut, keepOrder, watchOrder, watchSplit } from './parts.js';
import { generatorOf, type Randomness } from './split.js';

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
    yield [Int32Array.from(train), holdOut(Int32Array.from(test), 'the test part of a fold')];
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
    watchSplit('KFold', source);
    if (this.options.shuffle) watchOrder('KFold', source);
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

/**
 * K folds in which the samples of a group (a patient, a speaker, a document) stay together, as scikit-learn's GroupKFold:
 * the largest groups are dealt out first, each to the smallest fold.
 */
export class GroupKFold {
  constructor(readonly nSplits = 5) {
    checkFolds('GroupKFold', nSplits);
  }

  /** `groups` has the group of each sample. */
  split(groups: Labels): IterableIterator<Fold> {
    // Of groups of one size the later in order goes first, as there.
    const members = groupByLabel('GroupKFold', groups).sort((a, b) => {
      const [p, q] = [groups[a[0] as number] as string | number, groups[b[0] as number] as string | number];
      return b.length - a.length || (p < q ? 1 : -1);
    });
    if (this.nSplits > members.length) {
      fail('argument', `GroupKFold: ${this.nSplits} folds need as many groups, there are ${members.length}.`);
    }
    const sizes = new Int32Array(this.nSplits);
    const foldOf = new Int32Array(groups.length);
    for (const group of members) {
      const fold = sizes.indexOf(Math.min(...sizes));
      sizes[fold] = (sizes[fold] as number) + group.length;
      for (const i of group) foldOf[i] = fold;
    }
    return foldsOf(foldOf, this.nSplits);
  }
}

export interface TimeSeriesSplitOptions {
  /** Samples in each test part. Default: the whole divided by nSplits + 1, rounded down. */
  readonly testSize?: number;
  /** Samples left out between the two parts, so that what overlaps both gives nothing away. Default 0. */
  readonly gap?: number;
  /** Samples to train on at most, the latest. Default: all there are. */
  readonly maxTrainSize?: number;
}

/** Test parts one behind another in time, each trained on what lies before it, as scikit-learn's TimeSeriesSplit. */
export class TimeSeriesSplit {
  constructor(
    readonly nSplits = 5,
    private readonly options: TimeSeriesSplitOptions = {},
  ) {
    checkFolds('TimeSeriesSplit', nSplits);
    for (const [name, value] of Object.entries(options)) {
      const least = name === 'gap' ? 0 : 1;
      if (value !== undefined && !(Number.isInteger(value) && value >= least)) {
        fail('argument', `TimeSeriesSplit: ${name} must be a whole number ≥ ${least}, got ${value}.`);
      }
    }
  }

  /** The folds of a dataset in order of time, or of as many samples as given. */
  *split(source: number | { readonly length: number }): IterableIterator<Fold> {
    const n = typeof source === 'number' ? source : source.length;
    const { gap = 0, maxTrainSize = Number.POSITIVE_INFINITY } = this.options;
    const testSize = this.options.testSize ?? Math.floor(n / (this.nSplits + 1));
    const first = n - this.nSplits * testSize;
    if (testSize === 0 || first - gap <= 0) {
      fail(
        'argument',
        `TimeSeriesSplit: ${n} samples are too few for ${this.nSplits} parts of ${testSize} and a gap of ${gap}.`,
      );
    }
    watchSplit('TimeSeriesSplit', source);
    const range = (from: number, to: number): Int32Array =>
      keepOrder(Int32Array.from({ length: to - from }, (_, i) => from + i));
    for (let fold = 0; fold < this.nSplits; fold++) {
      const begin = first + fold * testSize;
      yield [
        range(Math.max(0, begin - gap - maxTrainSize), begin - gap),
        holdOut(range(begin, begin + testSize), 'the test part of a fold'),
      ];
    }
  }
}
