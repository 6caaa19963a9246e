import { fail, warnOnce } from '../../core/errors.js';
import { Tensor } from '../../tensor.js';
import { noteFitted, watchFit } from '../parts.js';
import { checkFeatures, readTable, type Samples, type SamplesLike, type Table } from './table.js';

/** Samples, or what a DataLoader collates: an array that begins with them. */
export type Batch = Samples | readonly [Samples, ...unknown[]];

/** What a preprocessor becomes as plain data, and from which `preprocessorFromJSON` restores it. */
export interface PreprocessorJSON {
  readonly kind: string;
}

/**
 * What changes samples the same way in training and afterwards: `fit` on the training part alone, `transform` any. Names and
 * results are scikit-learn's; statistics are float64.
 */
export abstract class Preprocessor<S extends object = object> {
  abstract readonly kind: string;
  /** What was fitted. */
  protected state: S | null = null;
  /** The samples of the last fitTransform, until transform() is called. */
  private last: { readonly x: WeakRef<object>; readonly rows: number } | null = null;

  /** What `table` teaches, in addition to what was known before. */
  protected abstract learn(table: Table, before: S | null): S;

  /** How many features were fitted. */
  protected abstract featuresOf(state: S): number;

  /** Changes samples; those of another number of features than were fitted throw. */
  abstract transform<X extends Samples>(x: X): SamplesLike<X>;

  /** Undoes `transform`, as far as it can be undone. */
  abstract inverseTransform<X extends Samples>(x: X): SamplesLike<X>;

  /** What `fromJSON` restores: plain data, exact. */
  abstract toJSON(): PreprocessorJSON;

  get fitted(): boolean {
    return this.state !== null;
  }

  /** Forgets what was fitted and fits `x`. Throws for infinities. */
  fit(x: Samples): this {
    const name = `${this.kind}.fit`;
    const table = readTable(name, x);
    if (this.learns) watchFit(name, x);
    if (this.scales) watchConstants(name, x, table);
    this.state = this.learn(table, null);
    return this;
  }

  /** Fits `x` in addition to what was fitted before, as if all had come at once. */
  partialFit(x: Samples): this {
    const name = `${this.kind}.partialFit`;
    watchFit(name, x);
    if (this.state === null) {
      this.state = this.learn(readTable(name, x), null);
      return this;
    }
    checkFeatures(name, x, this.featuresOf(this.state));
    this.state = this.learn(readTable(name, x), this.state);
    return this;
  }

  /**
   * Fits all batches of a stream, one after another, and forgets what was fitted before: batches of samples, or, as a
   * DataLoader gives them, arrays that begin with samples.
   */
  async fitStream(batches: AsyncIterable<Batch> | Iterable<Samples>): Promise<this> {
    if ('dataset' in batches) watchFit(`${this.kind}.fitStream`, batches.dataset);
    const before = this.state;
    this.state = null;
    try {
      for await (const batch of batches) this.partialFit(samplesOf(batch));
      if (this.state === null) fail('data', `${this.kind}.fitStream: the stream gave no batch.`);
    } catch (error) {
      this.state = before;
      throw error;
    }
    return this;
  }

  fitTransform<X extends Samples>(x: X): SamplesLike<X> {
    this.watchRefit(x);
    const y = this.fit(x).transform(x);
    this.last = { x: new WeakRef<object>(x), rows: rowsOf(x) };
    if (this.learns) noteFitted(y, this.kind);
    return y;
  }

  /** Whether a feature that is the same everywhere has no scale that this preprocessor could learn. */
  protected get scales(): boolean {
    return false;
  }

  /** Whether it learns anything of the samples it is fitted to, and does not change each by itself. */
  protected get learns(): boolean {
    return true;
  }

  /**
   * Warns of the test part fitted anew in place of being transformed: other samples, no more than before, without a transform()
   * in between. A loop over folds, which transforms the test part of each, does not do that.
   */
  private watchRefit(x: Samples): void {
    const { last } = this;
    if (last === null || !this.learns || last.x.deref() === x || rowsOf(x) > last.rows) return;
    const name = `${this.kind}.fitTransform`;
    warnOnce(
      `${name}: it was fitted to ${last.rows} samples, and forgets them for ${rowsOf(x)} others, which then are on another scale ` +
        `than those. Use transform() for the test part, and a new ${this.kind} for other data.`,
      `${name} again`,
    );
  }

  protected known(what: string): S {
    return this.state ?? fail('state', `${this.kind}.${what}: fit it first, with samples of the training part.`);
  }

  /** What was fitted, for samples that are checked against it. */
  protected knownFor(what: string, x: Samples): S {
    const state = this.known(what);
    this.last = null;
    checkFeatures(`${this.kind}.${what}`, x, this.featuresOf(state));
    return state;
  }
}

function rowsOf(x: Samples): number {
  return x instanceof Tensor ? (x.shape[0] ?? 0) : x.length;
}

/** Warns of features that are the same in all samples. Of images, whose edges often are, it says nothing. */
function watchConstants(name: string, x: Samples, { data, rows, features }: Table): void {
  if (rows < 2 || (x instanceof Tensor && x.ndim > 2)) return;
  const constant: number[] = [];
  for (let f = 0; f < features; f++) {
    let r = 1;
    while (r < rows && data[r * features + f] === data[f]) r++;
    if (r === rows) constant.push(f);
  }
  if (constant.length === 0) return;
  const shown = constant.slice(0, 10).map((f) => `${f} (${data[f]})`);
  const more = constant.length > 10 ? ` and ${constant.length - 10} more` : '';
  warnOnce(
    `${name}: ${constant.length} of ${features} columns have one value in all ${rows} samples, which tells nothing: ` +
      `${shown.join(', ')}${more}. Are they read right? They are left unscaled.`,
    `${name} of constants`,
  );
}

/** The samples of a batch: itself, or the first of what a loader collated. */
export function samplesOf(batch: Batch): Samples {
  if (!Array.isArray(batch)) return batch as Samples;
  const [first] = batch as readonly unknown[];
  const isRow = Array.isArray(first) && !Array.isArray(first[0]);
  return first === undefined || isRow ? (batch as Samples) : (first as Samples);
}
