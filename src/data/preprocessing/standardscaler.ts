import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import { type Affine, standardize, unstandardize } from './affine.js';
import { fieldsOf, fromNumbers, toNumbers } from './json.js';
import { Preprocessor } from './preprocessor.js';
import type { Samples, SamplesLike, Table } from './table.js';

export interface StandardScalerOptions {
  /** Subtract the mean. Default true. */
  readonly withMean?: boolean;
  /** Divide by the standard deviation. Default true. */
  readonly withStd?: boolean;
}

export interface StandardScalerJSON {
  readonly kind: 'StandardScaler';
  readonly withMean: boolean;
  readonly withStd: boolean;
  readonly mean: readonly (number | null)[];
  readonly var: readonly (number | null)[];
  readonly nSamplesSeen: readonly (number | null)[];
}

interface Statistics {
  readonly mean: Float64Array;
  readonly var: Float64Array;
  readonly count: Float64Array;
}

/**
 * Makes every feature have mean 0 and standard deviation 1: (x − mean) / scale; scikit-learn's StandardScaler. Statistics are
 * float64 and leave NaN out, which stays NaN in the result; a constant feature is only centred. Tensors are transformed on
 * their device in float32, rows in float64.
 */
export class StandardScaler extends Preprocessor<Statistics> {
  readonly kind = 'StandardScaler';
  readonly withMean: boolean;
  readonly withStd: boolean;

  constructor(options: StandardScalerOptions = {}) {
    super();
    this.withMean = options.withMean ?? true;
    this.withStd = options.withStd ?? true;
  }

  /** Mean of each feature. */
  get mean(): Float64Array {
    return this.known('mean').mean;
  }

  /** Variance of each feature, of the population: divided by n. */
  get var(): Float64Array {
    return this.known('var').var;
  }

  /** How many samples had a value, for each feature. */
  get nSamplesSeen(): Float64Array {
    return this.known('nSamplesSeen').count;
  }

  /** What each feature is divided by: its standard deviation, or 1 if it is constant. */
  get scale(): Float64Array {
    const { mean, var: variance, count } = this.known('scale');
    return variance.map((v, f) => {
      // A variance that rounding alone may have made is none: the bound is the error of the two-pass algorithm (Chan, Golub
      // and LeVeque, "Algorithms for computing the sample variance", 1983, equation 1.7).
      const [m, n] = [mean[f] as number, count[f] as number];
      const bound = n * Number.EPSILON * v + elementary.square(n * m * Number.EPSILON);
      return v <= bound ? 1 : Math.sqrt(v);
    });
  }

  transform<X extends Samples>(x: X): SamplesLike<X> {
    this.knownFor('transform', x);
    return standardize(x, this.affine());
  }

  inverseTransform<X extends Samples>(x: X): SamplesLike<X> {
    this.knownFor('inverseTransform', x);
    return unstandardize(x, this.affine());
  }

  private affine(): Affine {
    return { centre: this.withMean ? this.mean : null, scale: this.withStd ? this.scale : null };
  }

  protected override get scales(): boolean {
    return true;
  }

  protected learn(table: Table, before: Statistics | null): Statistics {
    const now = statisticsOf(table);
    return before === null ? now : merge(before, now);
  }

  protected featuresOf({ mean }: Statistics): number {
    return mean.length;
  }

  /** What `fromJSON` restores: plain data, exact. */
  toJSON(): StandardScalerJSON {
    const { mean, var: variance, count } = this.known('toJSON');
    return {
      kind: 'StandardScaler',
      withMean: this.withMean,
      withStd: this.withStd,
      mean: toNumbers(mean),
      var: toNumbers(variance),
      nSamplesSeen: toNumbers(count),
    };
  }

  static fromJSON(json: unknown): StandardScaler {
    const name = 'StandardScaler.fromJSON';
    const fields = fieldsOf('StandardScaler', json);
    const scaler = new StandardScaler({ withMean: fields.withMean !== false, withStd: fields.withStd !== false });
    const mean = fromNumbers(name, 'mean', fields.mean);
    const variance = fromNumbers(name, 'var', fields.var);
    const count = fromNumbers(name, 'nSamplesSeen', fields.nSamplesSeen);
    if (mean.length === 0 || variance.length !== mean.length || count.length !== mean.length) {
      fail(
        'format',
        `${name}: mean, var and nSamplesSeen must have one length, got ${mean.length}, ${variance.length}, ${count.length}.`,
      );
    }
    scaler.state = { mean, var: variance, count };
    return scaler;
  }
}

/** Mean and variance by two passes, the second corrected for the rounding of the mean (Chan et al., equation 1.7). */
function statisticsOf({ data, rows, features }: Table): Statistics {
  const sum = new Float64Array(features);
  const count = new Float64Array(features);
  const each = (visit: (value: number, feature: number) => void): void => {
    for (let i = 0, f = 0; i < rows * features; i++) {
      const value = data[i] as number;
      if (!Number.isNaN(value)) visit(value, f);
      if (++f === features) f = 0;
    }
  };
  each((value, f) => {
    sum[f] = (sum[f] as number) + value;
    count[f] = (count[f] as number) + 1;
  });
  // 0 / 0: a feature that has no value anywhere has no mean either.
  const mean = sum.map((s, f) => s / (count[f] as number));
  const squares = new Float64Array(features);
  const drift = new Float64Array(features);
  each((value, f) => {
    const d = value - (mean[f] as number);
    squares[f] = (squares[f] as number) + d * d;
    drift[f] = (drift[f] as number) + d;
  });
  const variance = squares.map((s, f) => {
    const n = count[f] as number;
    return (s - elementary.square(drift[f] as number) / n) / n;
  });
  return { mean, var: variance, count };
}

/** Statistics of two sets of samples together (Chan, Golub and LeVeque 1983, equation 2.1). */
function merge(a: Statistics, b: Statistics): Statistics {
  const pick = (f: number): { mean: number; var: number; count: number } => {
    const [m, n] = [a.count[f] as number, b.count[f] as number];
    if (n === 0) return { mean: a.mean[f] as number, var: a.var[f] as number, count: m };
    if (m === 0) return { mean: b.mean[f] as number, var: b.var[f] as number, count: n };
    const [p, q] = [a.mean[f] as number, b.mean[f] as number];
    const count = m + n;
    const between = (((p - q) * (p - q)) / count) * m * n;
    return {
      mean: (m * p + n * q) / count,
      var: (m * (a.var[f] as number) + n * (b.var[f] as number) + between) / count,
      count,
    };
  };
  const all = Array.from(a.mean, (_, f) => pick(f));
  return {
    mean: Float64Array.from(all, (s) => s.mean),
    var: Float64Array.from(all, (s) => s.var),
    count: Float64Array.from(all, (s) => s.count),
  };
}
