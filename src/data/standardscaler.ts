import { fail } from '../core/errors.js';
import { add, div, mul, sub } from '../ops/index.js';
import { Tensor } from '../tensor.js';
import {
  checkFeatures,
  fieldsOf,
  floats,
  fromNumbers,
  mapRows,
  perFeature,
  readTable,
  roundedOff,
  type Samples,
  type SamplesLike,
  type Table,
  toNumbers,
} from './table.js';

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
export class StandardScaler {
  readonly withMean: boolean;
  readonly withStd: boolean;
  private statistics: Statistics | null = null;

  constructor(options: StandardScalerOptions = {}) {
    this.withMean = options.withMean ?? true;
    this.withStd = options.withStd ?? true;
  }

  get fitted(): boolean {
    return this.statistics !== null;
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
      const bound = n * Number.EPSILON * v + (n * m * Number.EPSILON) ** 2;
      return v <= bound ? 1 : Math.sqrt(v);
    });
  }

  /** Forgets what was fitted and fits `x`. Throws for infinities, which have no mean. */
  fit(x: Samples): this {
    this.statistics = statisticsOf(readTable('StandardScaler.fit', x));
    return this;
  }

  /** Fits `x` in addition to what was fitted before, as if all had come at once. */
  partialFit(x: Samples): this {
    if (this.statistics === null) return this.fit(x);
    checkFeatures('StandardScaler.partialFit', x, this.statistics.mean.length);
    this.statistics = merge(this.statistics, statisticsOf(readTable('StandardScaler.partialFit', x)));
    return this;
  }

  fitTransform<X extends Samples>(x: X): SamplesLike<X> {
    return this.fit(x).transform(x);
  }

  transform<X extends Samples>(x: X): SamplesLike<X> {
    const { mean } = this.known('transform');
    checkFeatures('StandardScaler.transform', x, mean.length);
    const { scale } = this;
    if (!(x instanceof Tensor)) {
      return mapRows(x, (value, f) => {
        const centred = this.withMean ? value - (mean[f] as number) : value;
        return this.withStd ? centred / (scale[f] as number) : centred;
      }) as SamplesLike<X>;
    }
    let y = floats(x) as Tensor;
    if (this.withMean) y = sub(sub(y, perFeature(x, mean)), perFeature(x, roundedOff(mean)));
    if (this.withStd) y = div(y, perFeature(x, scale));
    return y as SamplesLike<X>;
  }

  inverseTransform<X extends Samples>(x: X): SamplesLike<X> {
    const { mean } = this.known('inverseTransform');
    checkFeatures('StandardScaler.inverseTransform', x, mean.length);
    const { scale } = this;
    if (!(x instanceof Tensor)) {
      return mapRows(x, (value, f) => {
        const wide = this.withStd ? value * (scale[f] as number) : value;
        return this.withMean ? wide + (mean[f] as number) : wide;
      }) as SamplesLike<X>;
    }
    let y = floats(x) as Tensor;
    if (this.withStd) y = mul(y, perFeature(x, scale));
    if (this.withMean) y = add(add(y, perFeature(x, roundedOff(mean))), perFeature(x, mean));
    return y as SamplesLike<X>;
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
    scaler.statistics = { mean, var: variance, count };
    return scaler;
  }

  private known(what: string): Statistics {
    return this.statistics ?? fail('state', `StandardScaler.${what}: fit it first: scaler.fit(trainingSamples).`);
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
    return (s - (drift[f] as number) ** 2 / n) / n;
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
