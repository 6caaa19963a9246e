import { fail } from '../../core/errors.js';
import { fieldsOf, wordFrom } from './json.js';
import { Preprocessor } from './preprocessor.js';
import { likeSamples, readTable, type Samples, type SamplesLike, type Table } from './table.js';

const NORMS = ['l1', 'l2', 'max'] as const;

export interface NormalizerOptions {
  /** Sum of magnitudes, Euclidean length, or largest magnitude. Default 'l2'. */
  readonly norm?: (typeof NORMS)[number];
}

export interface NormalizerJSON {
  readonly kind: 'Normalizer';
  readonly norm: (typeof NORMS)[number];
}

/**
 * Divides every sample by its norm; scikit-learn's Normalizer. A sample of zeros stays. It learns nothing from the training
 * data, so it need not be fitted, and what it took away cannot be given back.
 */
export class Normalizer extends Preprocessor<object> {
  readonly kind = 'Normalizer';
  readonly norm: (typeof NORMS)[number];

  constructor({ norm = 'l2' }: NormalizerOptions = {}) {
    super();
    if (!NORMS.includes(norm)) {
      fail('argument', `Normalizer: norm must be ${NORMS.join(', ')}, got '${String(norm)}'.`);
    }
    this.norm = norm;
  }

  override get fitted(): boolean {
    return true;
  }

  transform<X extends Samples>(x: X): SamplesLike<X> {
    const { data, rows, features } = readTable('Normalizer.transform', x);
    const out = new Float64Array(rows * features);
    for (let r = 0; r < rows; r++) {
      const norm = this.normOf(data, r * features, features);
      if (Number.isNaN(norm)) {
        fail('data', `Normalizer.transform: sample ${r} holds NaN, so it has no norm. Fill it with SimpleImputer.`);
      }
      for (let f = 0; f < features; f++) {
        out[r * features + f] = (data[r * features + f] as number) / (norm < 10 * Number.EPSILON ? 1 : norm);
      }
    }
    return likeSamples(x, out, features);
  }

  inverseTransform<X extends Samples>(_x: X): SamplesLike<X> {
    return fail('unsupported', 'Normalizer.inverseTransform: the norms are gone, and the samples cannot be restored.');
  }

  private normOf(data: ArrayLike<number>, from: number, count: number): number {
    let total = 0;
    for (let i = from; i < from + count; i++) {
      const magnitude = Math.abs(data[i] as number);
      if (this.norm === 'max') total = Math.max(total, magnitude);
      else total += this.norm === 'l1' ? magnitude : magnitude * magnitude;
    }
    return this.norm === 'l2' ? Math.sqrt(total) : total;
  }

  protected override get learns(): boolean {
    return false;
  }

  protected learn(_table: Table): object {
    return {};
  }

  protected featuresOf(_state: object): number {
    return fail('state', 'Normalizer: it takes samples of any number of features.');
  }

  override partialFit(x: Samples): this {
    return this.fit(x);
  }

  toJSON(): NormalizerJSON {
    return { kind: 'Normalizer', norm: this.norm };
  }

  static fromJSON(json: unknown): Normalizer {
    const { norm } = fieldsOf('Normalizer', json);
    return new Normalizer({ norm: wordFrom('Normalizer.fromJSON', 'norm', norm, NORMS) });
  }
}
