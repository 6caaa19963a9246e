import { fail } from '../../core/errors.js';
import { defaultGenerator, type Generator } from '../../core/random.js';
import { fieldsOf, fromNumbers, toNumbers, vectorFrom, wordFrom } from './json.js';
import { Preprocessor } from './preprocessor.js';
import { interpolate, normalCdf, normalQuantile, quantileOf } from './quantile.js';
import { joinTables, kept, mapColumns, presentOf, type Samples, type SamplesLike, type Table } from './table.js';

const DISTRIBUTIONS = ['uniform', 'normal'] as const;
type Distribution = (typeof DISTRIBUTIONS)[number];

export interface QuantileTransformerOptions {
  /** Points of the distribution that are remembered; no more than samples are fitted. Default 1000. */
  readonly nQuantiles?: number;
  /** What the features are distributed like afterwards. Default 'uniform'. */
  readonly outputDistribution?: Distribution;
  /** Samples at most from which quantiles are taken; more are thinned out at random. Default 10,000. */
  readonly subsample?: number;
  readonly generator?: Generator;
}

export interface QuantileTransformerJSON {
  readonly kind: 'QuantileTransformer';
  readonly nQuantiles: number;
  readonly outputDistribution: Distribution;
  readonly subsample: number;
  readonly quantiles: readonly (readonly (number | null)[])[];
}

interface Fitted {
  /** Of each feature, ascending. */
  readonly quantiles: readonly Float64Array[];
  /** All samples that were fitted; null once restored from a file. */
  readonly table: Table | null;
}

/** How near to 0 and 1 the shares of the outermost values count as 0 and 1 themselves. */
const EDGE = 1e-7;

/**
 * Replaces every value by its rank among those fitted, so that features are distributed evenly in [0, 1] or normally,
 * whatever they were before; scikit-learn's QuantileTransformer. NaN is left out and stays NaN. `partialFit` and
 * `fitStream` are exact and therefore keep the samples seen.
 */
export class QuantileTransformer extends Preprocessor<Fitted> {
  readonly kind = 'QuantileTransformer';
  readonly nQuantiles: number;
  readonly outputDistribution: Distribution;
  readonly subsample: number;
  private readonly generator: Generator;

  constructor(options: QuantileTransformerOptions = {}) {
    super();
    const { nQuantiles = 1000, outputDistribution = 'uniform', subsample = 10_000 } = options;
    for (const [name, value] of Object.entries({ nQuantiles, subsample })) {
      if (!Number.isInteger(value) || value < 1) {
        fail('argument', `QuantileTransformer: ${name} must be a whole number ≥ 1, got ${value}.`);
      }
    }
    if (nQuantiles > subsample) {
      fail('argument', `QuantileTransformer: nQuantiles ${nQuantiles} is more than the subsample of ${subsample}.`);
    }
    if (!DISTRIBUTIONS.includes(outputDistribution)) {
      fail(
        'argument',
        `QuantileTransformer: outputDistribution must be ${DISTRIBUTIONS.join(' or ')}, got '${String(outputDistribution)}'.`,
      );
    }
    this.nQuantiles = nQuantiles;
    this.outputDistribution = outputDistribution;
    this.subsample = subsample;
    this.generator = options.generator ?? defaultGenerator;
  }

  /** Values at the evenly spaced shares from 0 to 1, of each feature. */
  get quantiles(): readonly Float64Array[] {
    return this.known('quantiles').quantiles;
  }

  transform<X extends Samples>(x: X): SamplesLike<X> {
    const { quantiles } = this.knownFor('transform', x);
    const ascending = this.references(quantiles);
    // The mirror image: where values repeat, the shares on both sides of them are averaged.
    const mirrored = quantiles.map((q) => q.map((v) => -v).reverse());
    const falling = ascending.map((v) => -v).reverse();
    const isNormal = this.outputDistribution === 'normal';
    const margin = isNormal ? EDGE : 0;
    const [least, most] = [normalQuantile(EDGE - 2 ** -52), normalQuantile(1 - (EDGE - 2 ** -52))];
    return mapColumns(x, (column, f) => {
      const points = quantiles[f] as Float64Array;
      const [low, high] = [points[0] as number, points[points.length - 1] as number];
      for (let i = 0; i < column.length; i++) {
        const value = column[i] as number;
        if (Number.isNaN(value)) continue;
        const up = interpolate(value, points, ascending);
        const down = interpolate(-value, mirrored[f] as Float64Array, falling);
        let share = 0.5 * (up - down);
        if (value + margin > high || value === high) share = 1;
        // The lower edge goes first where a feature is constant.
        if (value - margin < low || value === low) share = 0;
        column[i] = isNormal ? Math.min(most, Math.max(least, normalQuantile(share))) : share;
      }
    });
  }

  inverseTransform<X extends Samples>(x: X): SamplesLike<X> {
    const { quantiles } = this.knownFor('inverseTransform', x);
    const references = this.references(quantiles);
    const isNormal = this.outputDistribution === 'normal';
    const margin = isNormal ? EDGE : 0;
    return mapColumns(x, (column, f) => {
      for (let i = 0; i < column.length; i++) {
        const value = column[i] as number;
        if (Number.isNaN(value)) continue;
        const share = isNormal ? normalCdf(value) : value;
        // A share as near to 0 or 1 as `transform` takes for them is that of the outermost value.
        const near = share - margin < 0 ? 0 : share + margin > 1 ? 1 : share;
        column[i] = interpolate(near, references, quantiles[f] as Float64Array);
      }
    });
  }

  private references(quantiles: readonly Float64Array[]): Float64Array {
    const n = quantiles[0]?.length ?? 0;
    return Float64Array.from({ length: n }, (_, i) => (n === 1 ? 0 : i / (n - 1)));
  }

  protected learn(table: Table, before: Fitted | null): Fitted {
    const all = joinTables(before === null ? null : kept(this.kind, before.table), table);
    const count = Math.min(this.nQuantiles, all.rows);
    const quantiles = Array.from({ length: all.features }, (_, f) => {
      const present = presentOf(all, f);
      const sorted = this.thinned(present).sort();
      return Float64Array.from({ length: count }, (_, i) => quantileOf(sorted, count === 1 ? 0 : i / (count - 1)));
    });
    return { quantiles, table: all };
  }

  /** As many of the values as are looked at. */
  private thinned(values: Float64Array): Float64Array {
    if (values.length <= this.subsample) return values.slice();
    const chosen = this.generator.permutation(values.length).subarray(0, this.subsample);
    return Float64Array.from(chosen, (i) => values[i] as number);
  }

  protected featuresOf({ quantiles }: Fitted): number {
    return quantiles.length;
  }

  toJSON(): QuantileTransformerJSON {
    return {
      kind: 'QuantileTransformer',
      nQuantiles: this.nQuantiles,
      outputDistribution: this.outputDistribution,
      subsample: this.subsample,
      quantiles: this.known('toJSON').quantiles.map(toNumbers),
    };
  }

  static fromJSON(json: unknown): QuantileTransformer {
    const name = 'QuantileTransformer.fromJSON';
    const fields = fieldsOf('QuantileTransformer', json);
    const [nQuantiles, subsample] = fromNumbers(name, 'nQuantiles and subsample', [
      fields.nQuantiles,
      fields.subsample,
    ]);
    const made = new QuantileTransformer({
      nQuantiles: nQuantiles as number,
      subsample: subsample as number,
      outputDistribution: wordFrom(name, 'outputDistribution', fields.outputDistribution, DISTRIBUTIONS),
    });
    if (!Array.isArray(fields.quantiles) || fields.quantiles.length === 0) {
      fail('format', `${name}: quantiles must be an array of numbers for each feature.`);
    }
    const lists = fields.quantiles as unknown[];
    const first = vectorFrom(name, 'quantiles', lists[0]);
    const quantiles = lists.map((list) => vectorFrom(name, 'quantiles', list, first.length));
    if (quantiles.some((list) => list.some((v, i) => v < (list[i - 1] ?? v)))) {
      fail('format', `${name}: quantiles must ascend.`);
    }
    made.state = { quantiles, table: null };
    return made;
  }
}
