import { fail } from '../../core/errors.js';
import { add, clamp, div, mul, sub } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { withoutZeros } from './affine.js';
import { fieldsOf, fromNumbers, toNumbers } from './json.js';
import { Preprocessor } from './preprocessor.js';
import { floats, mapRows, perFeature, type Samples, type SamplesLike, type Table } from './table.js';

export interface MinMaxScalerOptions {
  /** What the smallest and the largest fitted value become. Default [0, 1]. */
  readonly featureRange?: readonly [least: number, most: number];
  /** Whether values beyond those fitted are cut to the range. Default false. */
  readonly clip?: boolean;
}

export interface MinMaxScalerJSON {
  readonly kind: 'MinMaxScaler';
  readonly featureRange: readonly [number, number];
  readonly clip: boolean;
  readonly dataMin: readonly (number | null)[];
  readonly dataMax: readonly (number | null)[];
  readonly nSamplesSeen: number;
}

export interface Extremes {
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly count: number;
}

/**
 * Brings every feature into a range: x · scale + min; scikit-learn's MinMaxScaler. Extremes are float64 and leave NaN out,
 * which stays NaN in the result; a constant feature becomes the range's least value. Tensors are transformed on their device
 * in float32, rows in float64.
 */
export class MinMaxScaler extends Preprocessor<Extremes> {
  readonly kind = 'MinMaxScaler';
  readonly featureRange: readonly [least: number, most: number];
  readonly clip: boolean;

  constructor(options: MinMaxScalerOptions = {}) {
    super();
    const { featureRange = [0, 1], clip = false } = options;
    if (!(featureRange[0] < featureRange[1])) {
      fail(
        'argument',
        `MinMaxScaler: featureRange must be [least, most] with least < most, got ${featureRange.join(', ')}.`,
      );
    }
    this.featureRange = featureRange;
    this.clip = clip;
  }

  /** Smallest value of each feature. */
  get dataMin(): Float64Array {
    return this.known('dataMin').min;
  }

  /** Largest value of each feature. */
  get dataMax(): Float64Array {
    return this.known('dataMax').max;
  }

  /** dataMax − dataMin. */
  get dataRange(): Float64Array {
    const { min, max } = this.known('dataRange');
    return max.map((v, f) => v - (min[f] as number));
  }

  /** How many samples were fitted. */
  get nSamplesSeen(): number {
    return this.known('nSamplesSeen').count;
  }

  /** What each feature is multiplied by; that of a constant one counts its range as 1. */
  get scale(): Float64Array {
    const [least, most] = this.featureRange;
    return withoutZeros(this.dataRange).map((range) => (most - least) / range);
  }

  /** What is then added. */
  get min(): Float64Array {
    const { scale, dataMin } = this;
    return scale.map((s, f) => this.featureRange[0] - (dataMin[f] as number) * s);
  }

  transform<X extends Samples>(x: X): SamplesLike<X> {
    this.knownFor('transform', x);
    const { scale, min } = this;
    const [least, most] = this.featureRange;
    if (!(x instanceof Tensor)) {
      return mapRows(x, (value, f) => {
        const scaled = value * (scale[f] as number) + (min[f] as number);
        return this.clip ? (scaled < least ? least : scaled > most ? most : scaled) : scaled;
      }) as SamplesLike<X>;
    }
    const y = add(mul(floats(x), perFeature(x, scale)), perFeature(x, min));
    return (this.clip ? clamp(y, least, most) : y) as SamplesLike<X>;
  }

  inverseTransform<X extends Samples>(x: X): SamplesLike<X> {
    this.knownFor('inverseTransform', x);
    const { scale, min } = this;
    if (!(x instanceof Tensor)) {
      return mapRows(x, (value, f) => (value - (min[f] as number)) / (scale[f] as number)) as SamplesLike<X>;
    }
    return div(sub(floats(x), perFeature(x, min)), perFeature(x, scale)) as SamplesLike<X>;
  }

  /** What `fromJSON` restores: plain data, exact. */
  toJSON(): MinMaxScalerJSON {
    const { min, max, count } = this.known('toJSON');
    return {
      kind: 'MinMaxScaler',
      featureRange: [...this.featureRange],
      clip: this.clip,
      dataMin: toNumbers(min),
      dataMax: toNumbers(max),
      nSamplesSeen: count,
    };
  }

  static fromJSON(json: unknown): MinMaxScaler {
    const name = 'MinMaxScaler.fromJSON';
    const { featureRange, clip, dataMin, dataMax, nSamplesSeen } = fieldsOf('MinMaxScaler', json);
    const [least, most] = fromNumbers(name, 'featureRange', featureRange);
    const scaler = new MinMaxScaler({ featureRange: [least ?? Number.NaN, most ?? Number.NaN], clip: clip === true });
    const min = fromNumbers(name, 'dataMin', dataMin);
    const max = fromNumbers(name, 'dataMax', dataMax);
    if (min.length === 0 || max.length !== min.length || typeof nSamplesSeen !== 'number') {
      fail(
        'format',
        `${name}: dataMin and dataMax must have one length, got ${min.length} and ${max.length}, and nSamplesSeen be a number.`,
      );
    }
    scaler.state = { min, max, count: nSamplesSeen };
    return scaler;
  }

  protected override get scales(): boolean {
    return true;
  }

  protected learn(table: Table, before: Extremes | null): Extremes {
    const now = extremesOf(table);
    return before === null ? now : mergeExtremes(before, now);
  }

  protected featuresOf({ min }: Extremes): number {
    return min.length;
  }
}

/** Smallest and largest value of each feature, NaN left out. */
export function extremesOf({ data, rows, features }: Table): Extremes {
  const min = new Float64Array(features).fill(Number.NaN);
  const max = new Float64Array(features).fill(Number.NaN);
  for (let i = 0, f = 0; i < rows * features; i++) {
    const value = data[i] as number;
    if (!Number.isNaN(value)) {
      // The negations let the first value replace NaN.
      if (!((min[f] as number) <= value)) min[f] = value;
      if (!((max[f] as number) >= value)) max[f] = value;
    }
    if (++f === features) f = 0;
  }
  return { min, max, count: rows };
}

/** Extremes of two sets of samples together. */
export function mergeExtremes(a: Extremes, b: Extremes): Extremes {
  const join = (p: Float64Array, q: Float64Array, choose: (a: number, b: number) => number): Float64Array =>
    p.map((v, f) => (Number.isNaN(v) ? (q[f] as number) : Number.isNaN(q[f]) ? v : choose(v, q[f] as number)));
  return { min: join(a.min, b.min, Math.min), max: join(a.max, b.max, Math.max), count: a.count + b.count };
}
