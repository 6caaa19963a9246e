import { fail } from '../../core/errors.js';
import { type Affine, standardize, unstandardize, withoutZeros } from './affine.js';
import { countFrom, fieldsOf, toNumbers, vectorFrom } from './json.js';
import { type Extremes, extremesOf, mergeExtremes } from './minmaxscaler.js';
import { Preprocessor } from './preprocessor.js';
import type { Samples, SamplesLike, Table } from './table.js';

export interface MaxAbsScalerJSON {
  readonly kind: 'MaxAbsScaler';
  readonly dataMin: readonly (number | null)[];
  readonly dataMax: readonly (number | null)[];
  readonly nSamplesSeen: number;
}

/**
 * Divides every feature by its largest magnitude, so that it lies in [−1, 1] and zeros stay zeros; scikit-learn's
 * MaxAbsScaler. NaN is left out and stays NaN.
 */
export class MaxAbsScaler extends Preprocessor<Extremes> {
  readonly kind = 'MaxAbsScaler';

  /** Largest magnitude of each feature. */
  get maxAbs(): Float64Array {
    const { min, max } = this.known('maxAbs');
    return max.map((v, f) => Math.max(Math.abs(v), Math.abs(min[f] as number)));
  }

  /** What each feature is divided by. */
  get scale(): Float64Array {
    return withoutZeros(this.maxAbs);
  }

  /** How many samples were fitted. */
  get nSamplesSeen(): number {
    return this.known('nSamplesSeen').count;
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
    return { centre: null, scale: this.scale };
  }

  protected learn(table: Table, before: Extremes | null): Extremes {
    const now = extremesOf(table);
    return before === null ? now : mergeExtremes(before, now);
  }

  protected featuresOf({ min }: Extremes): number {
    return min.length;
  }

  toJSON(): MaxAbsScalerJSON {
    const { min, max, count } = this.known('toJSON');
    return { kind: 'MaxAbsScaler', dataMin: toNumbers(min), dataMax: toNumbers(max), nSamplesSeen: count };
  }

  static fromJSON(json: unknown): MaxAbsScaler {
    const name = 'MaxAbsScaler.fromJSON';
    const fields = fieldsOf('MaxAbsScaler', json);
    const min = vectorFrom(name, 'dataMin', fields.dataMin);
    const max = vectorFrom(name, 'dataMax', fields.dataMax, min.length);
    if (max.some((v, f) => v < (min[f] as number))) fail('format', `${name}: dataMax is below dataMin.`);
    const scaler = new MaxAbsScaler();
    scaler.state = { min, max, count: countFrom(name, 'nSamplesSeen', fields.nSamplesSeen) };
    return scaler;
  }
}
