import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import { fieldsOf, toNumbers, vectorFrom, wordFrom } from './json.js';
import { minimize } from './minimize.js';
import { Preprocessor } from './preprocessor.js';
import { StandardScaler } from './standardscaler.js';
import {
  joinTables,
  kept,
  mapColumns,
  presentOf,
  readTable,
  type Samples,
  type SamplesLike,
  type Table,
} from './table.js';

const METHODS = ['yeo-johnson', 'box-cox'] as const;
type Method = (typeof METHODS)[number];

export interface PowerTransformerOptions {
  /** 'yeo-johnson' takes any values, 'box-cox' positive ones alone. Default 'yeo-johnson'. */
  readonly method?: Method;
  /** Bring the result to mean 0 and standard deviation 1. Default true. */
  readonly standardize?: boolean;
}

export interface PowerTransformerJSON {
  readonly kind: 'PowerTransformer';
  readonly method: Method;
  readonly standardize: boolean;
  readonly lambdas: readonly (number | null)[];
  readonly scaler: unknown;
}

interface Fitted {
  readonly lambdas: Float64Array;
  readonly scaler: StandardScaler | null;
  /** All samples that were fitted; null once restored from a file. */
  readonly table: Table | null;
}

interface Power {
  forward(x: number, lambda: number): number;
  back(y: number, lambda: number): number;
  /** Logarithm of the derivative of `forward` by x, divided by λ − 1. */
  logSlope(x: number): number;
}

const POWERS: Readonly<Record<Method, Power>> = {
  // Yeo and Johnson 2000, "A new family of power transformations to improve normality or symmetry".
  'yeo-johnson': {
    forward: (x, lambda) => {
      if (x >= 0)
        return Math.abs(lambda) < Number.EPSILON ? elementary.log1p(x) : (elementary.pow(x + 1, lambda) - 1) / lambda;
      const other = 2 - lambda;
      return Math.abs(other) <= Number.EPSILON ? -elementary.log1p(-x) : -(elementary.pow(1 - x, other) - 1) / other;
    },
    back: (y, lambda) => {
      if (y >= 0)
        return Math.abs(lambda) < Number.EPSILON ? elementary.expm1(y) : elementary.pow(y * lambda + 1, 1 / lambda) - 1;
      const other = 2 - lambda;
      return Math.abs(other) <= Number.EPSILON ? -elementary.expm1(-y) : 1 - elementary.pow(1 - other * y, 1 / other);
    },
    logSlope: (x) => Math.sign(x) * elementary.log1p(Math.abs(x)),
  },
  // Box and Cox 1964, "An analysis of transformations".
  'box-cox': {
    forward: (x, lambda) => (lambda === 0 ? elementary.log(x) : elementary.expm1(lambda * elementary.log(x)) / lambda),
    back: (y, lambda) => (lambda === 0 ? elementary.exp(y) : elementary.exp(elementary.log1p(lambda * y) / lambda)),
    logSlope: elementary.log,
  },
};

/** The λ under which the transformed values are likeliest to be normal. */
function bestLambda({ forward, logSlope }: Power, values: Float64Array): number {
  const n = values.length;
  const slopes = values.reduce((sum, x) => sum + logSlope(x), 0);
  const isConstant = values.every((x) => x === values[0]);
  // Every λ makes a constant of a constant: 1 leaves it as it is.
  if (n === 0 || isConstant) return 1;
  return minimize(
    (lambda) => {
      let mean = 0;
      for (const x of values) mean += forward(x, lambda) / n;
      let variance = 0;
      for (const x of values) variance += elementary.square(forward(x, lambda) - mean) / n;
      // 2⁻¹⁰²²: what is smaller has vanished by rounding and says nothing.
      if (!(variance >= 2.2250738585072014e-308)) return Number.POSITIVE_INFINITY;
      return (n / 2) * elementary.log(variance) - (lambda - 1) * slopes;
    },
    -2,
    2,
  );
}

/**
 * Makes features more like a normal distribution by a power of them that is fitted by maximum likelihood, each feature its
 * own; scikit-learn's PowerTransformer. NaN is left out and stays NaN. `partialFit` and `fitStream` are exact and therefore
 * keep the samples seen.
 */
export class PowerTransformer extends Preprocessor<Fitted> {
  readonly kind = 'PowerTransformer';
  readonly method: Method;
  readonly standardize: boolean;

  constructor({ method = 'yeo-johnson', standardize = true }: PowerTransformerOptions = {}) {
    super();
    if (!METHODS.includes(method)) {
      fail('argument', `PowerTransformer: method must be ${METHODS.join(' or ')}, got '${String(method)}'.`);
    }
    this.method = method;
    this.standardize = standardize;
  }

  /** The power of each feature. */
  get lambdas(): Float64Array {
    return this.known('lambdas').lambdas;
  }

  transform<X extends Samples>(x: X): SamplesLike<X> {
    const { lambdas, scaler } = this.knownFor('transform', x);
    this.checkSign('transform', readTable('PowerTransformer.transform', x));
    const { forward } = POWERS[this.method];
    return mapColumns(x, (column, f) => {
      this.changeColumn(column, (value) => forward(value, lambdas[f] as number));
      if (scaler === null) return;
      const [mean, scale] = [scaler.mean[f] as number, scaler.scale[f] as number];
      this.changeColumn(column, (value) => (value - mean) / scale);
    });
  }

  inverseTransform<X extends Samples>(x: X): SamplesLike<X> {
    const { lambdas, scaler } = this.knownFor('inverseTransform', x);
    const { back } = POWERS[this.method];
    return mapColumns(x, (column, f) => {
      if (scaler !== null) {
        const [mean, scale] = [scaler.mean[f] as number, scaler.scale[f] as number];
        this.changeColumn(column, (value) => value * scale + mean);
      }
      this.changeColumn(column, (value) => back(value, lambdas[f] as number));
    });
  }

  private changeColumn(column: Float64Array, change: (value: number) => number): void {
    for (let i = 0; i < column.length; i++) column[i] = change(column[i] as number);
  }

  private checkSign(what: string, { data, features }: Table): void {
    if (this.method !== 'box-cox') return;
    for (let i = 0; i < data.length; i++) {
      if ((data[i] as number) <= 0) {
        fail(
          'data',
          `PowerTransformer.${what}: 'box-cox' takes positive values, sample ${Math.floor(i / features)} has ${data[i]} in ` +
            `feature ${i % features}. Use 'yeo-johnson'.`,
        );
      }
    }
  }

  protected learn(table: Table, before: Fitted | null): Fitted {
    this.checkSign('fit', table);
    const all = joinTables(before === null ? null : kept(this.kind, before.table), table);
    const power = POWERS[this.method];
    const lambdas = Float64Array.from({ length: all.features }, (_, f) => bestLambda(power, presentOf(all, f)));
    const { rows, features, data } = all;
    if (!this.standardize) return { lambdas, scaler: null, table: all };
    const powered = Array.from({ length: rows }, (_, r) =>
      Array.from({ length: features }, (_, f) => power.forward(data[r * features + f] as number, lambdas[f] as number)),
    );
    return { lambdas, scaler: new StandardScaler().fit(powered), table: all };
  }

  protected featuresOf({ lambdas }: Fitted): number {
    return lambdas.length;
  }

  toJSON(): PowerTransformerJSON {
    const { lambdas, scaler } = this.known('toJSON');
    return {
      kind: 'PowerTransformer',
      method: this.method,
      standardize: this.standardize,
      lambdas: toNumbers(lambdas),
      scaler: scaler?.toJSON() ?? null,
    };
  }

  static fromJSON(json: unknown): PowerTransformer {
    const name = 'PowerTransformer.fromJSON';
    const fields = fieldsOf('PowerTransformer', json);
    const made = new PowerTransformer({
      method: wordFrom(name, 'method', fields.method, METHODS),
      standardize: fields.standardize !== false,
    });
    const lambdas = vectorFrom(name, 'lambdas', fields.lambdas);
    const scaler = made.standardize ? StandardScaler.fromJSON(fields.scaler) : null;
    if (scaler !== null && scaler.mean.length !== lambdas.length) {
      fail('format', `${name}: the scaler must have ${lambdas.length} features, it has ${scaler.mean.length}.`);
    }
    made.state = { lambdas, scaler, table: null };
    return made;
  }
}
