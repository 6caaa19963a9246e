import { fail } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import { Tensor } from '../../tensor.js';
import { fieldsOf, toNumbers, vectorFrom, wordFrom } from './json.js';
import { Preprocessor } from './preprocessor.js';
import { quantileOf } from './quantile.js';
import { joinTables, kept, likeSamples, presentOf, type Samples, type SamplesLike, type Table } from './table.js';

const STRATEGIES = ['mean', 'median', 'mostFrequent', 'constant'] as const;
type Strategy = (typeof STRATEGIES)[number];

export interface SimpleImputerOptions {
  /** What stands in for a missing value: a statistic of its feature, or `fillValue`. Default 'mean'. */
  readonly strategy?: Strategy;
  /** For the strategy 'constant'. Default 0. */
  readonly fillValue?: number;
  /** Whether features without a single value stay, filled with `fillValue`, instead of being left out. Default false. */
  readonly keepEmptyFeatures?: boolean;
  /** Adds, behind the features, a column for each that had missing values: 1 where it is missing. Default false. */
  readonly addIndicator?: boolean;
}

export interface SimpleImputerJSON {
  readonly kind: 'SimpleImputer';
  readonly strategy: Strategy;
  readonly fillValue: number;
  readonly keepEmptyFeatures: boolean;
  readonly addIndicator: boolean;
  readonly statistics: readonly (number | null)[];
  readonly missing: readonly (number | null)[];
}

interface Fitted {
  /** What stands in, of each feature; NaN for one without a value. */
  readonly statistics: Float64Array;
  /** 1 for features that had missing values. */
  readonly missing: Float64Array;
  /** All samples that were fitted; null once restored from a file. */
  readonly table: Table | null;
}

/**
 * Fills in missing values (NaN); scikit-learn's SimpleImputer. A feature without a single value is left out of the result,
 * except with 'constant' or `keepEmptyFeatures`. `partialFit` and `fitStream` are exact and therefore keep the samples seen.
 */
export class SimpleImputer extends Preprocessor<Fitted> {
  readonly kind = 'SimpleImputer';
  readonly strategy: Strategy;
  readonly fillValue: number;
  readonly keepEmptyFeatures: boolean;
  readonly addIndicator: boolean;

  constructor(options: SimpleImputerOptions = {}) {
    super();
    const { strategy = 'mean', fillValue = 0, keepEmptyFeatures = false, addIndicator = false } = options;
    if (!STRATEGIES.includes(strategy)) {
      fail('argument', `SimpleImputer: strategy must be ${STRATEGIES.join(', ')}, got '${String(strategy)}'.`);
    }
    if (!Number.isFinite(fillValue)) fail('argument', `SimpleImputer: fillValue must be a number, got ${fillValue}.`);
    this.strategy = strategy;
    this.fillValue = fillValue;
    this.keepEmptyFeatures = keepEmptyFeatures;
    this.addIndicator = addIndicator;
  }

  /** What stands in for missing values, of each feature; NaN for a feature that is left out. */
  get statistics(): Float64Array {
    return this.known('statistics').statistics;
  }

  transform<X extends Samples>(x: X): SamplesLike<X> {
    const { statistics, missing } = this.knownFor('transform', x);
    const stays = columnsWhere(statistics, (value) => !Number.isNaN(value));
    const flags = this.addIndicator ? columnsWhere(missing, (value) => value === 1) : [];
    const data = x instanceof Tensor ? x.dataSync() : (x.flat() as ArrayLike<number>);
    const rows = x instanceof Tensor ? (x.shape[0] as number) : x.length;
    const width = stays.length + flags.length;
    const out = new Float64Array(rows * width);
    for (let r = 0; r < rows; r++) {
      const valueAt = (f: number): number => data[r * statistics.length + f] as number;
      stays.forEach((f, at) => {
        const value = valueAt(f);
        out[r * width + at] = Number.isNaN(value) ? (statistics[f] as number) : value;
      });
      flags.forEach((f, at) => {
        out[r * width + stays.length + at] = Number(Number.isNaN(valueAt(f)));
      });
    }
    return likeSamples(x, out, width);
  }

  /** With `addIndicator`: what was filled in becomes NaN again. */
  inverseTransform<X extends Samples>(x: X): SamplesLike<X> {
    const { statistics, missing } = this.known('inverseTransform');
    if (!this.addIndicator) {
      fail(
        'unsupported',
        'SimpleImputer.inverseTransform: what was missing is known with { addIndicator: true } alone.',
      );
    }
    const stays = columnsWhere(statistics, (value) => !Number.isNaN(value));
    const flags = columnsWhere(missing, (value) => value === 1);
    const width = stays.length + flags.length;
    const found = x instanceof Tensor ? sizeOf(x.shape.slice(1)) : (x[0]?.length ?? width);
    if (found !== width) fail('shape', `SimpleImputer.inverseTransform: expected ${width} features, got ${found}.`);
    const data = x instanceof Tensor ? x.dataSync() : (x.flat() as ArrayLike<number>);
    const rows = data.length / width;
    const features = statistics.length;
    const out = new Float64Array(rows * features).fill(Number.NaN);
    for (let r = 0; r < rows; r++) {
      stays.forEach((f, at) => {
        const flag = flags.indexOf(f);
        const isMissing = flag >= 0 && data[r * width + stays.length + flag] === 1;
        if (!isMissing) out[r * features + f] = data[r * width + at] as number;
      });
    }
    return likeSamples(x, out, features);
  }

  protected learn(table: Table, before: Fitted | null): Fitted {
    const all = joinTables(before === null ? null : kept(this.kind, before.table), table);
    const statistics = new Float64Array(all.features);
    const missing = new Float64Array(all.features);
    for (let f = 0; f < all.features; f++) {
      const present = presentOf(all, f);
      missing[f] = Number(present.length < all.rows);
      statistics[f] = this.statisticOf(present);
    }
    return { statistics, missing, table: all };
  }

  private statisticOf(present: Float64Array): number {
    if (this.strategy === 'constant') return this.fillValue;
    if (present.length === 0) return this.keepEmptyFeatures ? this.fillValue : Number.NaN;
    if (this.strategy === 'mean') return present.reduce((sum, value) => sum + value, 0) / present.length;
    const sorted = present.slice().sort();
    return this.strategy === 'median' ? quantileOf(sorted, 0.5) : mostFrequent(sorted);
  }

  protected featuresOf({ statistics }: Fitted): number {
    return statistics.length;
  }

  toJSON(): SimpleImputerJSON {
    const { statistics, missing } = this.known('toJSON');
    return {
      kind: 'SimpleImputer',
      strategy: this.strategy,
      fillValue: this.fillValue,
      keepEmptyFeatures: this.keepEmptyFeatures,
      addIndicator: this.addIndicator,
      statistics: toNumbers(statistics),
      missing: toNumbers(missing),
    };
  }

  static fromJSON(json: unknown): SimpleImputer {
    const name = 'SimpleImputer.fromJSON';
    const fields = fieldsOf('SimpleImputer', json);
    const imputer = new SimpleImputer({
      strategy: wordFrom(name, 'strategy', fields.strategy, STRATEGIES),
      fillValue: typeof fields.fillValue === 'number' ? fields.fillValue : Number.NaN,
      keepEmptyFeatures: fields.keepEmptyFeatures === true,
      addIndicator: fields.addIndicator === true,
    });
    const statistics = vectorFrom(name, 'statistics', fields.statistics);
    const missing = vectorFrom(name, 'missing', fields.missing, statistics.length);
    imputer.state = { statistics, missing, table: null };
    return imputer;
  }
}

/** The places of the values that `holds` holds for. */
function columnsWhere(values: Float64Array, holds: (value: number) => boolean): number[] {
  return Array.from(values.keys()).filter((f) => holds(values[f] as number));
}

/** The value that stands most often in ascending ones; the smallest of several. */
function mostFrequent(sorted: Float64Array): number {
  let best = Number.NaN;
  let most = 0;
  for (let from = 0, i = 1; i <= sorted.length; i++) {
    if (sorted[i] === sorted[from]) continue;
    if (i - from > most) [best, most] = [sorted[from] as number, i - from];
    from = i;
  }
  return best;
}
