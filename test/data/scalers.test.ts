import { tensor } from 'fettle';
import { MinMaxScaler, type Preprocessor, preprocessorFromJSON, StandardScaler } from 'fettle/data';
import { describe, expect, it } from 'vitest';
import golden from './golden/scalers.json' with { type: 'json' };

type Rows = readonly (readonly (number | null)[])[];
type Case = (typeof golden.cases)[number];

/** Goldens have null for NaN. */
const plain = (rows: Rows): number[][] => rows.map((row) => row.map((v) => v ?? Number.NaN));
const x = plain(golden.x);
const fresh = plain(golden.new);
const cases = golden.cases.map((one) => [`${one.kind} ${JSON.stringify(one.options)}`, one] as const);

function close(got: ArrayLike<number>, wanted: ArrayLike<number | null>, tolerance: number): void {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < got.length; i++) {
    const [a, b] = [got[i] as number, wanted[i] ?? Number.NaN];
    if (Number.isNaN(b)) expect(a).toBeNaN();
    else
      expect(Math.abs(a - b), `element ${i}: ${a}, expected ${b}`).toBeLessThanOrEqual(tolerance * (1 + Math.abs(b)));
  }
}

const closeRows = (got: number[][], wanted: Rows, tolerance: number): void =>
  close(got.flat(), wanted.flat(), tolerance);

function make({ kind, options }: Pick<Case, 'kind' | 'options'>): StandardScaler | MinMaxScaler {
  if (kind === 'MinMaxScaler') {
    const { feature_range: range = [0, 1], clip = false } = options as { feature_range?: number[]; clip?: boolean };
    return new MinMaxScaler({ featureRange: range as [number, number], clip });
  }
  const { with_mean: withMean = true, with_std: withStd = true } = options as {
    with_mean?: boolean;
    with_std?: boolean;
  };
  return new StandardScaler({ withMean, withStd });
}

describe.each(cases)('%s', (_name, golden) => {
  it('is scikit-learn’s on rows', () => {
    const scaler = make(golden);
    closeRows(scaler.fitTransform(x), golden.transform, 1e-9);
    closeRows(scaler.transform(fresh), golden.new, 1e-9);
    closeRows(scaler.inverseTransform(fresh), golden.inverse, 1e-9);
    if (golden.scale !== null) close(scaler.scale, golden.scale, 1e-12);
    if (scaler instanceof StandardScaler) {
      close(scaler.mean, golden.mean as number[], 1e-12);
      if (golden.var) close(scaler.var, golden.var, 1e-11);
      close(scaler.nSamplesSeen, golden.nSamplesSeen as number[], 0);
    } else {
      close(scaler.min, golden.min as number[], 1e-12);
    }
  });

  it('fits a stream of batches as the whole', () => {
    const scaler = make(golden);
    for (let at = 0; at < x.length; at += 16) scaler.partialFit(x.slice(at, at + 16));
    // scikit-learn's own result for the stream lacks the features that have no value in one of the batches.
    closeRows(scaler.transform(fresh), golden.new, 1e-9);
  });

  it('is saved and restored exactly', () => {
    const scaler = make(golden).fit(x);
    const restored = preprocessorFromJSON(JSON.parse(JSON.stringify(scaler)));
    expect(restored).toBeInstanceOf(scaler.constructor);
    expect(restored.transform(fresh)).toEqual(scaler.transform(fresh));
    expect(restored.partialFit(fresh).transform(x)).toEqual(scaler.partialFit(fresh).transform(x));
  });

  it('transforms tensors nearly as exactly', () => {
    const scaler = make(golden).fit(x);
    // What float32 can tell apart: a millionth of the feature's size, in units of its scale.
    const input = tensor(Float32Array.from(x.flat()), [40, 2, 3]);
    const rounded = x.map((row) => row.map(Math.fround));
    const y = scaler.transform(input);
    expect([y.shape, y.dtype]).toEqual([[40, 2, 3], 'float32']);
    const tolerance = golden.kind === 'StandardScaler' ? 3e-7 : 2e-4;
    close(y.dataSync(), scaler.transform(rounded).flat(), tolerance);
    close(scaler.inverseTransform(tensor(fresh)).dataSync(), golden.inverse.flat(), 1e-6);
  });
});

describe('scalers', () => {
  it('leave constant features where they are', () => {
    closeRows(new StandardScaler().fitTransform(plain(golden.constant.x)), golden.constant.standard, 1e-7);
    closeRows(new MinMaxScaler().fitTransform(plain(golden.constant.x)), golden.constant.minmax, 1e-7);
  });

  it('fit tensors as rows', () => {
    const rows = [
      [1, 10],
      [2, 30],
      [4, 20],
    ];
    expect([...new StandardScaler().fit(tensor(rows)).mean]).toEqual([...new StandardScaler().fit(rows).mean]);
    const scaled = new StandardScaler().fitTransform(tensor(rows));
    close(scaled.dataSync(), new StandardScaler().fitTransform(rows).flat(), 1e-6);
    const bytes = tensor(Uint8Array.of(0, 5, 10), [3, 1]);
    expect([...new MinMaxScaler().fitTransform(bytes).dataSync()]).toEqual([0, 0.5, 1]);
  });

  it.each([
    ['StandardScaler', () => new StandardScaler()],
    ['MinMaxScaler', () => new MinMaxScaler()],
  ] as [string, () => Preprocessor][])('%s says what is wrong', (name, create) => {
    expect(() => create().transform([[1]])).toThrow('fit it first');
    expect(() => create().fit([])).toThrow('at least one sample');
    expect(() => create().fit([[1, 2], [3]])).toThrow('sample 1 has 1');
    expect(() => create().fit([[1, Number.POSITIVE_INFINITY]])).toThrow('sample 0 has Infinity in feature 1');
    expect(() => create().fit(tensor([1, 2]))).toThrow('reshape(-1, 1)');
    expect(() =>
      create()
        .fit([[1, 2]])
        .transform([[1]]),
    ).toThrow('fitted to 2 features, these samples have 1');
    expect(() =>
      create()
        .fit([[1, 2]])
        .partialFit([[1]]),
    ).toThrow('fitted to 2 features');
    expect(() => create().fit([['1'] as unknown as number[]])).toThrow('no number');
    expect(() => preprocessorFromJSON({ kind: name })).toThrow(`${name}.fromJSON`);
    expect(() => preprocessorFromJSON({ kind: 'Scaler' })).toThrow('unknown kind "Scaler"');
    expect(() => new MinMaxScaler({ featureRange: [1, 1] })).toThrow('least < most');
  });
});
