import { fail } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { sizeOf } from '../../core/shape.js';
import { add, matmul, reshape, tensor } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { standardize } from './affine.js';
import { symmetricEigen } from './eigen.js';
import { countFrom, fieldsOf, toNumbers, vectorFrom } from './json.js';
import { Preprocessor } from './preprocessor.js';
import type { Samples, SamplesLike, Table } from './table.js';

export interface PCAOptions {
  /**
   * How many components are kept: a whole number, or a share in (0, 1) of the variance that they must explain together.
   * Default: all there are.
   */
  readonly nComponents?: number;
  /** Give every component the variance 1. Default false. */
  readonly whiten?: boolean;
}

export interface PCAJSON {
  readonly kind: 'PCA';
  readonly nComponents: number | null;
  readonly whiten: boolean;
  readonly nSamplesSeen: number;
  readonly mean: readonly (number | null)[];
  readonly totalVariance: number;
  readonly explainedVariance: readonly (number | null)[];
  readonly components: readonly (readonly (number | null)[])[];
}

/** Sums over samples from which everything follows. */
interface Scatter {
  readonly count: number;
  readonly mean: Float64Array;
  /** Σ (x − mean)(x − mean)ᵀ, features × features. */
  readonly products: Float64Array;
}

interface Fitted {
  readonly count: number;
  readonly mean: Float64Array;
  readonly totalVariance: number;
  readonly explainedVariance: Float64Array;
  /** One a row, of unit length. */
  readonly components: readonly Float64Array[];
  /** Null once restored from a file. */
  readonly scatter: Scatter | null;
}

/**
 * Turns features into their principal components, those of most variance first; scikit-learn's PCA. The component's largest
 * weight is positive. Memory is the square of the number of features; a stream is fitted exactly.
 */
export class PCA extends Preprocessor<Fitted> {
  readonly kind = 'PCA';
  readonly nComponents: number | null;
  readonly whiten: boolean;

  constructor({ nComponents, whiten = false }: PCAOptions = {}) {
    super();
    const isShare = nComponents !== undefined && nComponents > 0 && nComponents < 1;
    if (nComponents !== undefined && !isShare && !(Number.isInteger(nComponents) && nComponents >= 1)) {
      fail('argument', `PCA: nComponents must be a whole number ≥ 1 or a share in (0, 1), got ${nComponents}.`);
    }
    this.nComponents = nComponents ?? null;
    this.whiten = whiten;
  }

  /** Mean of each feature. */
  get mean(): Float64Array {
    return this.known('mean').mean;
  }

  /** Directions of most variance, one a row. */
  get components(): readonly Float64Array[] {
    return this.known('components').components;
  }

  /** Variance along each component, divided by n − 1. */
  get explainedVariance(): Float64Array {
    return this.known('explainedVariance').explainedVariance;
  }

  /** The share of all variance that lies along each component. */
  get explainedVarianceRatio(): Float64Array {
    const { explainedVariance, totalVariance } = this.known('explainedVarianceRatio');
    return explainedVariance.map((v) => v / totalVariance);
  }

  transform<X extends Samples>(x: X): SamplesLike<X> {
    const { mean, components, explainedVariance } = this.knownFor('transform', x);
    const scaled = components.map((row, c) => row.map((v) => v / this.widthOf(explainedVariance[c] as number)));
    if (!(x instanceof Tensor)) {
      return x.map((row) =>
        scaled.map((weights) => weights.reduce((sum, w, f) => sum + w * ((row[f] as number) - (mean[f] as number)), 0)),
      ) as SamplesLike<X>;
    }
    return scope(() => {
      const centred = reshape(standardize(x, { centre: mean, scale: null }), [x.shape[0] as number, mean.length]);
      return matmul(centred, matrix(scaled, mean.length).transpose(0, 1));
    }) as SamplesLike<X>;
  }

  /** The samples that have these components: what lies along components that were not kept is lost. */
  inverseTransform<X extends Samples>(x: X): SamplesLike<X> {
    const { mean, components, explainedVariance } = this.known('inverseTransform');
    const count = components.length;
    const found = x instanceof Tensor ? sizeOf(x.shape.slice(1)) : (x[0]?.length ?? count);
    if (found !== count) fail('shape', `PCA.inverseTransform: expected ${count} components, got ${found}.`);
    const scaled = components.map((row, c) => row.map((v) => v * this.widthOf(explainedVariance[c] as number)));
    if (!(x instanceof Tensor)) {
      return x.map((row) =>
        Array.from(mean, (m, f) =>
          scaled.reduce((sum, weights, c) => sum + (row[c] as number) * (weights[f] as number), m),
        ),
      ) as SamplesLike<X>;
    }
    return scope(() => {
      const rows = reshape(x, [x.shape[0] as number, count]);
      return add(matmul(rows, matrix(scaled, mean.length)), tensor(Float32Array.from(mean)));
    }) as SamplesLike<X>;
  }

  /** What a component is divided by. */
  private widthOf(variance: number): number {
    // A component without variance holds rounding alone, which must not be blown up.
    return this.whiten && variance > 0 ? Math.sqrt(variance) : 1;
  }

  protected learn(table: Table, before: Fitted | null): Fitted {
    if (before !== null && before.scatter === null) {
      fail('state', 'PCA.partialFit: a restored PCA no longer has the sums it was fitted from. Fit it anew.');
    }
    const now = scatterOf(table);
    const scatter = before?.scatter ? merge(before.scatter, now) : now;
    const { count, mean, products } = scatter;
    const features = mean.length;
    const { values, vectors } = symmetricEigen(products, features);
    const most = Math.min(count, features);
    const wanted = this.nComponents ?? most;
    if (wanted > most) {
      fail(
        'argument',
        `PCA: nComponents ${wanted} is more than ${most}, the smaller of ${count} samples and ${features} features.`,
      );
    }
    const variances = values.map((v) => Math.max(0, v) / Math.max(1, count - 1));
    const totalVariance = variances.reduce((a, b) => a + b, 0);
    const kept = wanted < 1 ? enough(variances, wanted * totalVariance) : wanted;
    return {
      count,
      mean,
      totalVariance,
      explainedVariance: variances.slice(0, kept),
      components: vectors.slice(0, kept).map(facing),
      scatter,
    };
  }

  protected featuresOf({ mean }: Fitted): number {
    return mean.length;
  }

  toJSON(): PCAJSON {
    const { count, mean, totalVariance, explainedVariance, components } = this.known('toJSON');
    return {
      kind: 'PCA',
      nComponents: this.nComponents,
      whiten: this.whiten,
      nSamplesSeen: count,
      mean: toNumbers(mean),
      totalVariance,
      explainedVariance: toNumbers(explainedVariance),
      components: components.map(toNumbers),
    };
  }

  static fromJSON(json: unknown): PCA {
    const name = 'PCA.fromJSON';
    const fields = fieldsOf('PCA', json);
    const { nComponents, components, totalVariance } = fields;
    const pca = new PCA({
      ...(typeof nComponents === 'number' ? { nComponents } : {}),
      whiten: fields.whiten === true,
    });
    const mean = vectorFrom(name, 'mean', fields.mean);
    const explainedVariance = vectorFrom(name, 'explainedVariance', fields.explainedVariance);
    if (!Array.isArray(components) || components.length !== explainedVariance.length) {
      fail('format', `${name}: components and explainedVariance must have one length.`);
    }
    pca.state = {
      count: countFrom(name, 'nSamplesSeen', fields.nSamplesSeen),
      mean,
      totalVariance: typeof totalVariance === 'number' ? totalVariance : Number.NaN,
      explainedVariance,
      components: (components as unknown[]).map((row) => vectorFrom(name, 'components', row, mean.length)),
      scatter: null,
    };
    return pca;
  }
}

function matrix(rows: readonly Float64Array[], width: number): Tensor {
  const values = new Float32Array(rows.length * width);
  rows.forEach((row, r) => {
    values.set(row, r * width);
  });
  return tensor(values, [rows.length, width]);
}

/** How many of the falling values exceed `sum` together. */
function enough(values: Float64Array, sum: number): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    total += values[i] as number;
    if (total > sum) return i + 1;
  }
  return values.length;
}

/** A direction and its opposite are the same component: of the two, that whose largest weight is positive. */
function facing(vector: Float64Array): Float64Array {
  const largest = vector.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
  return largest < 0 ? vector.map((v) => -v) : vector;
}

function scatterOf({ data, rows, features }: Table): Scatter {
  const mean = new Float64Array(features);
  for (let i = 0; i < rows * features; i++) {
    const value = data[i] as number;
    if (Number.isNaN(value)) {
      fail('data', `PCA.fit: sample ${Math.floor(i / features)} holds NaN. Fill it with SimpleImputer.`);
    }
    mean[i % features] = (mean[i % features] as number) + value / rows;
  }
  const products = new Float64Array(features * features);
  const centred = new Float64Array(features);
  for (let r = 0; r < rows; r++) {
    for (let f = 0; f < features; f++) centred[f] = (data[r * features + f] as number) - (mean[f] as number);
    for (let i = 0; i < features; i++) {
      const ci = centred[i] as number;
      // The lower half; the other mirrors it.
      for (let j = 0; j <= i; j++)
        products[i * features + j] = (products[i * features + j] as number) + ci * (centred[j] as number);
    }
  }
  for (let i = 0; i < features; i++)
    for (let j = 0; j < i; j++) products[j * features + i] = products[i * features + j] as number;
  return { count: rows, mean, products };
}

/** Sums of two sets of samples together (Chan, Golub and LeVeque 1983, equation 2.1, for products). */
function merge(a: Scatter, b: Scatter): Scatter {
  const count = a.count + b.count;
  const gap = a.mean.map((m, f) => (b.mean[f] as number) - m);
  const weight = (a.count * b.count) / count;
  const features = gap.length;
  return {
    count,
    mean: a.mean.map((m, f) => m + ((gap[f] as number) * b.count) / count),
    products: a.products.map(
      (v, i) =>
        v +
        (b.products[i] as number) +
        weight * (gap[Math.floor(i / features)] as number) * (gap[i % features] as number),
    ),
  };
}
