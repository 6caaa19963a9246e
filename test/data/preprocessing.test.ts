import { tensor } from 'fettle';
import {
  encoderFromJSON,
  LabelEncoder,
  MaxAbsScaler,
  Normalizer,
  OneHotEncoder,
  PCA,
  Pipeline,
  PowerTransformer,
  type Preprocessor,
  preprocessorFromJSON,
  QuantileTransformer,
  RobustScaler,
  type Samples,
  SimpleImputer,
  StandardScaler,
} from 'fettle/data';
import { describe, expect, it } from 'vitest';
import golden from './golden/preprocessing.json' with { type: 'json' };

type Rows = readonly (readonly (number | null)[])[];

/** Goldens have null for NaN. */
const plain = (rows: Rows): number[][] => rows.map((row) => row.map((v) => v ?? Number.NaN));
const pick = (rows: number[][], columns: readonly number[]): number[][] =>
  rows.map((row) => columns.map((c) => row[c] as number));

function close(got: ArrayLike<number>, wanted: ArrayLike<number | null>, tolerance: number): void {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < got.length; i++) {
    const [a, b] = [got[i] as number, wanted[i] ?? Number.NaN];
    if (Number.isNaN(b)) expect(a, `element ${i}`).toBeNaN();
    else
      expect(Math.abs(a - b), `element ${i}: ${a}, expected ${b}`).toBeLessThanOrEqual(tolerance * (1 + Math.abs(b)));
  }
}

const KINDS = {
  MaxAbsScaler,
  RobustScaler,
  PowerTransformer,
  QuantileTransformer,
  Normalizer,
  PCA,
  SimpleImputer,
} as const;

interface Case {
  readonly kind: keyof typeof KINDS;
  readonly options: object;
  readonly columns?: readonly number[];
  readonly transform: Rows;
  readonly new: Rows;
  readonly inverse?: Rows;
}

const make = ({ kind, options }: Case): Preprocessor => new (KINDS[kind] as new (o: object) => Preprocessor)(options);

/** The samples that scikit-learn had for a case. */
function samplesOf({ kind, columns = [0, 1, 2, 3, 4] }: Case): { x: number[][]; fresh: number[][] } {
  const isWhole = kind === 'Normalizer' || kind === 'PCA';
  const x = kind === 'SimpleImputer' ? golden.holes : isWhole ? golden.full : golden.x;
  return { x: pick(plain(x), columns), fresh: pick(plain(isWhole ? golden.fullNew : golden.new), columns) };
}

const TOLERANCE: Partial<Record<Case['kind'], number>> = { PowerTransformer: 1e-5, PCA: 1e-8 };
const cases = (golden.cases as unknown as Case[]).map(
  (one) => [`${one.kind} ${JSON.stringify(one.options)}`, one] as const,
);

describe.each(cases)('%s', (_name, one) => {
  const { x, fresh } = samplesOf(one);
  const tolerance = TOLERANCE[one.kind] ?? 1e-9;

  it('is scikit-learn’s on rows', () => {
    const made = make(one);
    close(made.fitTransform(x).flat(), one.transform.flat(), tolerance);
    close(made.transform(fresh).flat(), one.new.flat(), tolerance);
    if (one.inverse) close(made.inverseTransform(plain(one.transform)).flat(), one.inverse.flat(), 10 * tolerance);
  });

  it('fits a stream of batches as the whole', async () => {
    const made = make(one);
    await made.fitStream([x.slice(0, 7), x.slice(7, 30), x.slice(30)]);
    close(made.transform(fresh).flat(), one.new.flat(), tolerance);
  });

  it('is saved and restored exactly', () => {
    const made = make(one).fit(x);
    const restored = preprocessorFromJSON(JSON.parse(JSON.stringify(made)));
    expect(restored).toBeInstanceOf(made.constructor);
    expect(restored.transform(fresh)).toEqual(made.transform(fresh));
    expect(JSON.stringify(restored)).toBe(JSON.stringify(made));
  });

  it('takes tensors', () => {
    const made = make(one).fit(x);
    const input = tensor(fresh);
    const rounded = fresh.map((row) => row.map(Math.fround));
    const y = made.transform(input);
    const wanted = made.transform(rounded);
    expect([y.shape, y.dtype]).toEqual([[wanted.length, wanted[0]?.length], 'float32']);
    close(y.dataSync(), wanted.flat(), one.kind === 'PCA' ? 1e-5 : 1e-6);
  });

  it('says what is wrong', () => {
    if (one.kind !== 'Normalizer') expect(() => make(one).transform(x)).toThrow('fit it first');
    expect(() => make(one).fit([])).toThrow('at least one sample');
    expect(() => make(one).fit([[1, Number.POSITIVE_INFINITY]])).toThrow('Infinity in feature 1');
    expect(() => preprocessorFromJSON({ kind: one.kind })).toThrow(`${one.kind}.fromJSON`);
    if (one.kind !== 'Normalizer') {
      expect(() =>
        make(one)
          .fit(x)
          .transform([[1]]),
      ).toThrow('these samples have 1');
      const restored = preprocessorFromJSON(JSON.parse(JSON.stringify(make(one).fit(x))));
      if (one.kind !== 'MaxAbsScaler') expect(() => restored.partialFit(x)).toThrow('Fit it anew');
    }
  });
});

describe('PowerTransformer', () => {
  it('finds scikit-learn’s powers', () => {
    for (const [, one] of cases) {
      if (one.kind !== 'PowerTransformer') continue;
      const { lambdas } = one as Case & { lambdas: number[] };
      close(new PowerTransformer().fit(samplesOf(one).x).lambdas, lambdas, 1e-5);
    }
    const x = plain(golden.boxcox.x);
    const made = new PowerTransformer({ method: 'box-cox' }).fit(x);
    close(made.lambdas, golden.boxcox.lambdas, 1e-5);
    close(made.transform(x).flat(), golden.boxcox.transform.flat(), 1e-4);
    close(made.inverseTransform(plain(golden.boxcox.transform)).flat(), golden.boxcox.inverse.flat(), 1e-4);
  });

  it('leaves a constant feature where it is, and refuses what a power cannot take', () => {
    const made = new PowerTransformer().fit([[3], [3], [3]]);
    expect([...made.lambdas]).toEqual([1]);
    expect(made.transform([[3], [4]])).toEqual([[0], [1]]);
    expect(() => new PowerTransformer({ method: 'box-cox' }).fit([[1], [0]])).toThrow('sample 1 has 0 in feature 0');
    expect(() => new PowerTransformer({ method: 'cube' as 'box-cox' })).toThrow("got 'cube'");
  });
});

describe('QuantileTransformer', () => {
  it('thins out many samples and stays near the whole', () => {
    const x = Array.from({ length: 5000 }, (_, i) => [((i * 7919) % 5000) / 5000]);
    const y = new QuantileTransformer({ nQuantiles: 100, subsample: 1000 }).fit(x).transform([[0.25], [0.5]]);
    close(y.flat(), [0.25, 0.5], 0.04);
    expect(() => new QuantileTransformer({ nQuantiles: 11, subsample: 10 })).toThrow('more than the subsample');
  });
});

describe('PCA', () => {
  it('has scikit-learn’s components and variances', () => {
    for (const [, one] of cases) {
      if (one.kind !== 'PCA') continue;
      const { components, variance, ratio } = one as Case & { components: Rows; variance: number[]; ratio: number[] };
      const made = make(one).fit(samplesOf(one).x) as PCA;
      close(
        made.components.flatMap((row) => [...row]),
        components.flat(),
        1e-8,
      );
      close(made.explainedVariance, variance, 1e-9);
      close(made.explainedVarianceRatio, ratio, 1e-9);
    }
  });

  it('whitens: components are uncorrelated and of variance 1', () => {
    const x = Array.from({ length: 200 }, (_, i) => {
      const [a, b, c] = [Math.sin(i * 1.7), Math.cos(i * 0.9), Math.sin(i * 0.31 + 1)];
      return [a + b, a - 2 * c, b * 3 + c, a + 0.5 * b];
    });
    const y = new PCA({ nComponents: 3, whiten: true }).fitTransform(x);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        const covariance = y.reduce((sum, row) => sum + (row[i] as number) * (row[j] as number), 0) / 199;
        expect(Math.abs(covariance - Number(i === j))).toBeLessThan(1e-9);
      }
    }
    expect(() => new PCA({ nComponents: 5 }).fit(x)).toThrow('the smaller of 200 samples and 4 features');
    expect(() => new PCA({ nComponents: 1.5 })).toThrow('a share in (0, 1)');
    expect(() => new PCA().fit([[1, Number.NaN]])).toThrow('SimpleImputer');
  });

  it('takes images as flat features', () => {
    const x = tensor(
      Float32Array.from({ length: 10 * 9 }, (_, i) => Math.sin(i * i)),
      [10, 1, 3, 3],
    );
    const made = new PCA({ nComponents: 9 }).fit(x);
    const y = made.transform(x);
    expect(y.shape).toEqual([10, 9]);
    close(made.inverseTransform(y).dataSync(), [...x.dataSync()], 1e-5);
  });
});

describe('Normalizer', () => {
  it('leaves a sample of zeros, keeps images in shape, and refuses NaN', () => {
    expect(
      new Normalizer().transform([
        [0, 0],
        [3, 4],
      ]),
    ).toEqual([
      [0, 0],
      [0.6, 0.8],
    ]);
    expect(new Normalizer().transform(tensor([3, 0, 4, 0], [1, 1, 2, 2])).shape).toEqual([1, 1, 2, 2]);
    expect(() => new Normalizer().transform([[Number.NaN]])).toThrow('sample 0 holds NaN');
    expect(() => new Normalizer({ norm: 'l3' as 'l1' })).toThrow("got 'l3'");
    expect(() => new Normalizer().inverseTransform([[1]])).toThrow('cannot be restored');
  });
});

describe('SimpleImputer', () => {
  it('takes out again what it filled in', () => {
    const x = [
      [1, Number.NaN],
      [Number.NaN, 4],
      [3, 8],
    ];
    const made = new SimpleImputer({ addIndicator: true }).fit(x);
    expect(made.transform(x)).toEqual([
      [1, 6, 0, 1],
      [2, 4, 1, 0],
      [3, 8, 0, 0],
    ]);
    expect(made.inverseTransform(made.transform(x))).toEqual(x);
    expect(() => new SimpleImputer().fit(x).inverseTransform(x)).toThrow('addIndicator');
  });
});

describe('OneHotEncoder', () => {
  const words = golden.words as (string | number)[][];

  it.each(golden.oneHot)('is scikit-learn’s with drop $drop', ({ drop, categories, y }) => {
    const made = new OneHotEncoder({ drop: drop as 'none' });
    expect(made.fitTransform(words)).toEqual(y);
    expect(made.categories).toEqual(categories);
    expect(made.inverseTransform(y)).toEqual(words);
    const restored = encoderFromJSON(JSON.parse(JSON.stringify(made))) as OneHotEncoder;
    expect(restored.transform(words)).toEqual(y);
    const sparse = made.transformSparse(words);
    expect([...sparse.toDense().dataSync()]).toEqual(y.flat());
    sparse.dispose();
  });

  it('fits a stream as the whole', () => {
    const made = new OneHotEncoder();
    for (const row of words) made.partialFit([row]);
    expect(made.transform(words)).toEqual(new OneHotEncoder().fitTransform(words));
  });

  it('makes zeros of the unknown, or says which it is', () => {
    const made = new OneHotEncoder({ handleUnknown: 'ignore' }).fit(words);
    expect(made.transform([['red', 'xl', 2]])).toEqual(golden.unknown);
    expect(made.inverseTransform(golden.unknown)).toEqual([['red', null, 2]]);
    const strict = new OneHotEncoder().fit(words);
    expect(() => strict.transform([['red', 'xl', 2]])).toThrow('"xl" in feature 1 was not fitted');
    expect(() => strict.transform([['red']])).toThrow('expected 3 features, sample 0 has 1');
    expect(() => new OneHotEncoder().fit([['a'], [1]])).toThrow('of one type, got string and number');
    expect(() => new OneHotEncoder({ categories: [['a']] }).fit([['b']])).toThrow('"b" in feature 0');
    expect(() => new OneHotEncoder().transform([['a']])).toThrow('fit it first');
    expect(() => encoderFromJSON({ kind: 'OneHotEncoder', categories: [['a', 'a']] })).toThrow('drop');
  });

  it('takes tensors, and missing values as a category', () => {
    const y = new OneHotEncoder().fitTransform(
      tensor(
        [
          [2, 5],
          [1, 5],
        ],
        { dtype: 'int32' },
      ),
    );
    expect([y.shape, [...y.dataSync()]]).toEqual([
      [2, 3],
      [0, 1, 1, 1, 0, 1],
    ]);
    expect(new OneHotEncoder().fit([[null], ['a'], [Number.NaN]]).categories).toHaveLength(1);
  });
});

describe('LabelEncoder', () => {
  it('is scikit-learn’s', () => {
    const { labels, classes, y } = golden.labels;
    const made = new LabelEncoder();
    expect([...made.fitTransform(labels)]).toEqual(y);
    expect(made.classes).toEqual(classes);
    expect(made.inverseTransform(y)).toEqual(labels);
    expect([...(encoderFromJSON(JSON.parse(JSON.stringify(made))) as LabelEncoder).transform(labels)]).toEqual(y);
    expect([...new LabelEncoder().fit([10, 2, 2]).transform([2, 10])]).toEqual([0, 1]);
  });

  it('says what is wrong', () => {
    const made = new LabelEncoder().fit(['a', 'b']);
    expect(() => made.transform(['a', 'c'])).toThrow('label 1 is "c", which was not fitted. Known are "a", "b".');
    expect(() => made.inverseTransform([2])).toThrow('the classes have 0 to 1');
    expect(() => new LabelEncoder().transform(['a'])).toThrow('fit it first');
    expect(made.partialFit(['0']).classes).toEqual(['0', 'a', 'b']);
  });
});

describe('Pipeline', () => {
  const x = plain(golden.holes);

  it('fits each step to what the one before makes of the samples', async () => {
    const make = (): Pipeline => new Pipeline([new SimpleImputer(), new StandardScaler(), new PCA({ nComponents: 2 })]);
    const made = make().fit(x);
    const filled = new SimpleImputer().fitTransform(x);
    const scaled = new StandardScaler().fitTransform(filled);
    const wanted = new PCA({ nComponents: 2 }).fitTransform(scaled);
    expect(made.transform(x)).toEqual(wanted);
    expect(preprocessorFromJSON(JSON.parse(JSON.stringify(made))).transform(x)).toEqual(wanted);
    const streamed = await make().fitStream([x.slice(0, 20), x.slice(20)] as Samples[]);
    close(streamed.transform(x).flat(), wanted.flat(), 1e-8);
    expect(() => made.partialFit(x)).toThrow('Fit it whole');
    expect(() => new Pipeline([])).toThrow('at least one step');
  });
});
