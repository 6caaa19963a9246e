import { fail } from '../../core/errors.js';
import { tensor } from '../../ops/index.js';
import { csr, type SparseTensor } from '../../ops/sparse.js';
import { Tensor } from '../../tensor.js';
import { type Category, categoriesFrom, categoriesOf, isMissing, keyOf, savedCategories } from './category.js';
import { fieldsOf, wordFrom } from './json.js';

/** Samples of categories: a row for each sample, or a tensor [N, features]. */
export type CategorySamples = Tensor | readonly (readonly Category[])[];

const UNKNOWN = ['error', 'ignore'] as const;
const DROPS = ['none', 'first', 'ifBinary'] as const;

export interface OneHotEncoderOptions {
  /** The categories of each feature; default those that are fitted. */
  readonly categories?: readonly (readonly Category[])[];
  /** Leave out the first category of each feature, or of those that have two, since the others tell it. Default 'none'. */
  readonly drop?: (typeof DROPS)[number];
  /** Whether a category that was not fitted is an error or becomes zeros. Default 'error'. */
  readonly handleUnknown?: (typeof UNKNOWN)[number];
}

export interface OneHotEncoderJSON {
  readonly kind: 'OneHotEncoder';
  readonly drop: (typeof DROPS)[number];
  readonly handleUnknown: (typeof UNKNOWN)[number];
  readonly categories: readonly (readonly Category[])[];
}

/** One feature's categories, and the column that each has in the result; −1 for the one that is left out. */
interface Feature {
  readonly categories: readonly Category[];
  readonly columns: ReadonlyMap<string, number>;
  readonly dropped: Category | undefined;
}

interface Fitted {
  readonly features: readonly Feature[];
  readonly width: number;
}

/**
 * Gives every category of every feature a column of its own that is 1 where the feature has that category and 0 elsewhere;
 * scikit-learn's OneHotEncoder. Missing values (null, NaN) are a category of their own.
 */
export class OneHotEncoder {
  readonly kind = 'OneHotEncoder';
  private readonly given: readonly (readonly Category[])[] | null;
  private readonly drop: (typeof DROPS)[number];
  private readonly handleUnknown: (typeof UNKNOWN)[number];
  private state: Fitted | null = null;

  constructor({ categories, drop = 'none', handleUnknown = 'error' }: OneHotEncoderOptions = {}) {
    this.given = categories ?? null;
    this.drop = wordOf('drop', drop, DROPS);
    this.handleUnknown = wordOf('handleUnknown', handleUnknown, UNKNOWN);
  }

  get fitted(): boolean {
    return this.state !== null;
  }

  /** The categories of each feature. */
  get categories(): readonly (readonly Category[])[] {
    return this.known('categories').features.map(({ categories }) => categories);
  }

  /** Columns of the result. */
  get width(): number {
    return this.known('width').width;
  }

  /** Forgets what was fitted and collects the categories of `x`. */
  fit(x: CategorySamples): this {
    const rows = rowsOf('OneHotEncoder.fit', x);
    const features = rows[0]?.length ?? 0;
    if (features === 0) fail('data', 'OneHotEncoder.fit: expected at least one sample with one feature.');
    checkWidth('OneHotEncoder.fit', rows, features);
    if (this.given !== null && this.given.length !== features) {
      fail(
        'argument',
        `OneHotEncoder.fit: categories are given for ${this.given.length} features, the samples have ${features}.`,
      );
    }
    const categories =
      this.given ??
      Array.from({ length: features }, (_, f) =>
        categoriesOf(
          'OneHotEncoder.fit',
          rows.map((row) => row[f] as Category),
        ),
      );
    const fitted = layOut(categories, this.drop);
    if (this.given !== null && this.handleUnknown === 'error') {
      for (const row of rows)
        for (let f = 0; f < features; f++) columnOf(fitted, row[f] as Category, f, 'error', 'fit');
    }
    this.state = fitted;
    return this;
  }

  /** Collects the categories of `x` in addition; columns move, since categories stay in order. */
  partialFit(x: CategorySamples): this {
    if (this.state === null || this.given !== null) return this.fit(x);
    const { features } = this.state;
    const rows = rowsOf('OneHotEncoder.partialFit', x);
    checkWidth('OneHotEncoder.partialFit', rows, features.length);
    const categories = features.map((feature, f) =>
      categoriesOf('OneHotEncoder.partialFit', [...feature.categories, ...rows.map((row) => row[f] as Category)]),
    );
    this.state = layOut(categories, this.drop);
    return this;
  }

  /** Rows of 0 and 1 for rows, a float32 tensor [N, width] for a tensor. */
  transform<X extends CategorySamples>(x: X): X extends Tensor ? Tensor<'float32'> : number[][] {
    const { width } = this.known('transform');
    const places = this.placesOf('transform', x);
    if (x instanceof Tensor) {
      const values = new Float32Array(places.length * width);
      places.forEach((columns, r) => {
        for (const column of columns) values[r * width + column] = 1;
      });
      return tensor(values, [places.length, width]) as X extends Tensor ? Tensor<'float32'> : never;
    }
    const rows = places.map((columns) => {
      const row = new Array<number>(width).fill(0);
      for (const column of columns) row[column] = 1;
      return row;
    });
    return rows as X extends Tensor ? never : number[][];
  }

  /** The same as a sparse matrix [N, width] in rows, for features of very many categories. */
  transformSparse(x: CategorySamples): SparseTensor {
    const { width } = this.known('transformSparse');
    const places = this.placesOf('transformSparse', x);
    const starts = new Int32Array(places.length + 1);
    places.forEach((columns, r) => {
      starts[r + 1] = (starts[r] as number) + columns.length;
    });
    const columns = Int32Array.from(places.flat());
    return csr(starts, columns, tensor(new Float32Array(columns.length).fill(1)), [places.length, width]);
  }

  fitTransform<X extends CategorySamples>(x: X): X extends Tensor ? Tensor<'float32'> : number[][] {
    return this.fit(x).transform(x);
  }

  /** The categories of rows of 0 and 1. Zeros alone are the category that was left out, or null where none was. */
  inverseTransform(x: Tensor | readonly (readonly number[])[]): Category[][] {
    const { features, width } = this.known('inverseTransform');
    const rows = rowsOf('OneHotEncoder.inverseTransform', x) as number[][];
    checkWidth('OneHotEncoder.inverseTransform', rows, width);
    return rows.map((row, r) =>
      features.map(({ categories, columns, dropped }) => {
        const found = categories.find((category) => (row[columns.get(keyOf(category)) as number] ?? 0) > 0);
        if (found !== undefined) return found;
        if (dropped !== undefined) return dropped;
        if (this.handleUnknown === 'ignore') return null;
        return fail('data', `OneHotEncoder.inverseTransform: sample ${r} has no category of ${categories.join(', ')}.`);
      }),
    );
  }

  /** What `fromJSON` restores. */
  toJSON(): OneHotEncoderJSON {
    return {
      kind: 'OneHotEncoder',
      drop: this.drop,
      handleUnknown: this.handleUnknown,
      categories: this.categories.map(savedCategories),
    };
  }

  static fromJSON(json: unknown): OneHotEncoder {
    const name = 'OneHotEncoder.fromJSON';
    const { drop, handleUnknown, categories } = fieldsOf('OneHotEncoder', json);
    const encoder = new OneHotEncoder({
      drop: wordFrom(name, 'drop', drop, DROPS),
      handleUnknown: wordFrom(name, 'handleUnknown', handleUnknown, UNKNOWN),
    });
    if (!Array.isArray(categories) || categories.length === 0) {
      fail('format', `${name}: categories must be a list for each feature.`);
    }
    encoder.state = layOut(
      (categories as unknown[]).map((list) => categoriesFrom(name, list)),
      encoder.drop,
    );
    return encoder;
  }

  /** The columns that are 1, of each sample. */
  private placesOf(what: string, x: CategorySamples): number[][] {
    const fitted = this.known(what);
    const rows = rowsOf(`OneHotEncoder.${what}`, x);
    checkWidth(`OneHotEncoder.${what}`, rows, fitted.features.length);
    return rows.map((row) =>
      row.map((value, f) => columnOf(fitted, value, f, this.handleUnknown, what)).filter((column) => column >= 0),
    );
  }

  private known(what: string): Fitted {
    return this.state ?? fail('state', `OneHotEncoder.${what}: fit it first, with samples of the training part.`);
  }
}

function wordOf<W extends string>(option: string, value: W, words: readonly W[]): W {
  if (words.includes(value)) return value;
  return fail('argument', `OneHotEncoder: ${option} must be ${words.join(', ')}, got '${String(value)}'.`);
}

function layOut(categories: readonly (readonly Category[])[], drop: (typeof DROPS)[number]): Fitted {
  let width = 0;
  const features = categories.map((list) => {
    const isDropping = drop === 'first' || (drop === 'ifBinary' && list.length === 2);
    const columns = new Map(list.map((value, i) => [keyOf(value), isDropping && i === 0 ? -1 : width++]));
    return { categories: list, columns, dropped: isDropping ? list[0] : undefined };
  });
  return { features, width };
}

function columnOf(
  { features }: Fitted,
  value: Category,
  f: number,
  handleUnknown: (typeof UNKNOWN)[number],
  what: string,
): number {
  const { columns } = features[f] as Feature;
  const column = columns.get(keyOf(value));
  if (column !== undefined || handleUnknown === 'ignore') return column ?? -1;
  const shown = isMissing(value) ? 'a missing value' : JSON.stringify(value);
  return fail(
    'data',
    `OneHotEncoder.${what}: ${shown} in feature ${f} was not fitted. Pass { handleUnknown: 'ignore' } to make it zeros.`,
  );
}

function rowsOf(name: string, x: CategorySamples): readonly (readonly Category[])[] {
  if (!(x instanceof Tensor)) {
    if (Array.isArray(x) && x.every(Array.isArray)) return x;
    return fail('argument', `${name}: expected a tensor [N, features] or an array with an array for each sample.`);
  }
  if (x.ndim !== 2) return fail('shape', `${name}: expected [N, features], got [${x.shape.join(', ')}].`);
  const [rows, features] = x.shape as [number, number];
  const data = x.dataSync();
  return Array.from({ length: rows }, (_, r) => Array.from(data.subarray(r * features, (r + 1) * features)));
}

function checkWidth(name: string, rows: readonly (readonly unknown[])[], width: number): void {
  const odd = rows.findIndex((row) => row.length !== width);
  if (odd >= 0) fail('shape', `${name}: expected ${width} features, sample ${odd} has ${rows[odd]?.length}.`);
}
