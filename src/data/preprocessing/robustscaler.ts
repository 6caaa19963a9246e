import { type Affine, standardize, unstandardize, withoutZeros } from './affine.js';
import { fieldsOf, fromNumbers, toNumbers, vectorFrom } from './json.js';
import { Preprocessor } from './preprocessor.js';
import { checkRange, normalQuantile, quantileOf } from './quantile.js';
import { joinTables, kept, presentOf, type Samples, type SamplesLike, type Table } from './table.js';

export interface RobustScalerOptions {
  /** Subtract the median. Default true. */
  readonly withCentering?: boolean;
  /** Divide by the distance of two quantiles. Default true. */
  readonly withScaling?: boolean;
  /** Which two, in percent. Default [25, 75]: the interquartile range. */
  readonly quantileRange?: readonly [least: number, most: number];
  /** Scale so that normally distributed features get the variance 1. Default false. */
  readonly unitVariance?: boolean;
}

export interface RobustScalerJSON {
  readonly kind: 'RobustScaler';
  readonly withCentering: boolean;
  readonly withScaling: boolean;
  readonly quantileRange: readonly [number, number];
  readonly unitVariance: boolean;
  readonly center: readonly (number | null)[];
  readonly scale: readonly (number | null)[];
}

interface Fitted {
  readonly center: Float64Array;
  readonly scale: Float64Array;
  /** All samples that were fitted; null once restored from a file. */
  readonly table: Table | null;
}

/**
 * Subtracts the median and divides by the interquartile range, which outliers move little; scikit-learn's RobustScaler. NaN
 * is left out and stays NaN. `partialFit` and `fitStream` are exact and therefore keep the samples seen; a scaler restored
 * from JSON cannot be fitted further, only anew.
 */
export class RobustScaler extends Preprocessor<Fitted> {
  readonly kind = 'RobustScaler';
  readonly withCentering: boolean;
  readonly withScaling: boolean;
  readonly quantileRange: readonly [least: number, most: number];
  readonly unitVariance: boolean;

  constructor(options: RobustScalerOptions = {}) {
    super();
    const { withCentering = true, withScaling = true, quantileRange = [25, 75], unitVariance = false } = options;
    checkRange('RobustScaler', quantileRange);
    this.withCentering = withCentering;
    this.withScaling = withScaling;
    this.quantileRange = quantileRange;
    this.unitVariance = unitVariance;
  }

  /** Median of each feature. */
  get center(): Float64Array {
    return this.known('center').center;
  }

  /** What each feature is divided by. */
  get scale(): Float64Array {
    return this.known('scale').scale;
  }

  transform<X extends Samples>(x: X): SamplesLike<X> {
    return standardize(x, this.affine(this.knownFor('transform', x)));
  }

  inverseTransform<X extends Samples>(x: X): SamplesLike<X> {
    return unstandardize(x, this.affine(this.knownFor('inverseTransform', x)));
  }

  private affine({ center, scale }: Fitted): Affine {
    return { centre: this.withCentering ? center : null, scale: this.withScaling ? scale : null };
  }

  protected override get scales(): boolean {
    return true;
  }

  protected learn(table: Table, before: Fitted | null): Fitted {
    const all = joinTables(before === null ? null : kept(this.kind, before.table), table);
    const [low, high] = this.quantileRange.map((percent) => percent / 100) as [number, number];
    const center = new Float64Array(all.features);
    const scale = new Float64Array(all.features);
    const width = this.unitVariance ? normalQuantile(high) - normalQuantile(low) : 1;
    for (let f = 0; f < all.features; f++) {
      const sorted = presentOf(all, f).slice().sort();
      center[f] = quantileOf(sorted, 0.5);
      scale[f] = quantileOf(sorted, high) - quantileOf(sorted, low);
    }
    return { center, scale: withoutZeros(scale).map((s) => s / width), table: all };
  }

  protected featuresOf({ center }: Fitted): number {
    return center.length;
  }

  toJSON(): RobustScalerJSON {
    const { center, scale } = this.known('toJSON');
    return {
      kind: 'RobustScaler',
      withCentering: this.withCentering,
      withScaling: this.withScaling,
      quantileRange: [...this.quantileRange],
      unitVariance: this.unitVariance,
      center: toNumbers(center),
      scale: toNumbers(scale),
    };
  }

  static fromJSON(json: unknown): RobustScaler {
    const name = 'RobustScaler.fromJSON';
    const fields = fieldsOf('RobustScaler', json);
    const [least, most] = fromNumbers(name, 'quantileRange', fields.quantileRange);
    const scaler = new RobustScaler({
      withCentering: fields.withCentering !== false,
      withScaling: fields.withScaling !== false,
      quantileRange: [least ?? Number.NaN, most ?? Number.NaN],
      unitVariance: fields.unitVariance === true,
    });
    const center = vectorFrom(name, 'center', fields.center);
    scaler.state = { center, scale: vectorFrom(name, 'scale', fields.scale, center.length), table: null };
    return scaler;
  }
}
