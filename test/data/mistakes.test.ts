import { ones, randn, tensor } from 'fettle';
import {
  ConcatDataset,
  CSVDataset,
  checkData,
  checkSplit,
  DataLoader,
  Digits,
  holdOut,
  KFold,
  keepOrder,
  MaxAbsScaler,
  MinMaxScaler,
  MNIST,
  Normalizer,
  PCA,
  Pipeline,
  PowerTransformer,
  QuantileTransformer,
  RandomSampler,
  RobustScaler,
  randomSplit,
  SimpleImputer,
  StandardScaler,
  StratifiedKFold,
  Subset,
  stratifiedSplit,
  TensorDataset,
  TimeSeriesSplit,
} from 'fettle/data';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** Each mistake is told once, by what caused it, and what is no mistake is not told. */

let warnings: string[];

beforeEach(() => {
  warnings = [];
  vi.spyOn(console, 'warn').mockImplementation((message: string) => void warnings.push(message));
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** The warnings since the last call. */
const told = (): string[] => warnings.splice(0);

const numbers = (n: number): TensorDataset<readonly [ReturnType<typeof randn>, ReturnType<typeof randn>]> =>
  new TensorDataset(randn([n, 3]), randn([n]));

describe('fitting on what was held out', () => {
  it('is told for splits, folds, test parts and what is marked, through subsets and loaders', async () => {
    const data = numbers(20);
    const [train, test] = randomSplit(data, [0.8, 0.2], 0);
    await new StandardScaler().fitStream(new DataLoader(train as Subset<unknown>, { batchSize: 4 }) as never);
    expect(told()).toEqual([]);
    const loader = new DataLoader(new Subset(test as Subset<unknown>, [0, 1, 2]), { batchSize: 2 });
    await new StandardScaler().fitStream(loader as never);
    const [warning, ...rest] = told();
    expect(warning).toContain('StandardScaler.fitStream: these samples are part 1 of randomSplit');
    expect(warning).toContain('Fit on the training part');
    expect(rest).toEqual([]);
    // Once for each kind.
    await new StandardScaler().fitStream(loader as never);
    expect(told()).toEqual([]);
    for await (const [x] of new DataLoader(test as typeof data | Subset<never> as never, { batchSize: 4 })) {
      new MinMaxScaler().partialFit(x as never);
    }
    expect(told()).toEqual([expect.stringContaining('MinMaxScaler.partialFit')]);
    const [[fit, check]] = [...new KFold(4).split(data)] as [[Int32Array, Int32Array]];
    await new MaxAbsScaler().fitStream(new DataLoader(new Subset(data, fit), { batchSize: 5 }) as never);
    expect(told()).toEqual([]);
    const held = new ConcatDataset([new Subset(data, fit), new Subset(data, check)]);
    await new PCA().fitStream(new DataLoader(held, { batchSize: 20 }) as never);
    expect(told()).toEqual([expect.stringContaining('the test part of a fold')]);
    const rows = holdOut([
      [1, 2],
      [3, 5],
    ]);
    new Pipeline([new RobustScaler()]).fit(rows);
    expect(told()).toEqual([expect.stringContaining('a part that was held out')]);
    new Normalizer().fit(rows);
    expect(told()).toEqual([]);
  });

  it('is told for the test part of a data set that has one', async () => {
    const idx = (rank: number, sizes: number[], bytes: number[]): Uint8Array =>
      Uint8Array.from([0, 0, 8, rank, ...sizes.flatMap((n) => [0, 0, 0, n]), ...bytes]);
    const pair = { images: idx(3, [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]), labels: idx(1, [2], [0, 1]) };
    const [train, test] = [await MNIST.load(pair), await MNIST.load(pair, { train: false })];
    await new QuantileTransformer({ nQuantiles: 2 }).fitStream(new DataLoader(train, { batchSize: 2 }));
    expect(told()).toEqual([]);
    await new QuantileTransformer({ nQuantiles: 2 }).fitStream(new DataLoader(test, { batchSize: 2 }));
    expect(told()).toEqual([expect.stringContaining('the test part of MNIST')]);
  });
});

describe('preprocessing before the cut', () => {
  it('is told where all samples were fitted and are then cut', () => {
    const x = randn([10, 2]);
    randomSplit(new TensorDataset(new StandardScaler().fitTransform(x)), [5, 5]);
    expect(told()).toEqual([
      expect.stringContaining('randomSplit: a StandardScaler was fitted to all of these samples'),
    ]);
    [...new KFold(2).split(new TensorDataset(new MinMaxScaler().fitTransform(x)))];
    expect(told()).toEqual([expect.stringContaining('KFold: a MinMaxScaler was fitted')]);
    randomSplit(new TensorDataset(new Normalizer().fitTransform(x)), [5, 5]);
    const fitted = new StandardScaler().fit(x);
    randomSplit(new TensorDataset(fitted.transform(x)), [5, 5]);
    expect(told()).toEqual([]);
  });

  it('is told where the test part is fitted anew', () => {
    const [train, test] = [randn([8, 2]), randn([4, 2])];
    const scaler = new StandardScaler();
    scaler.fitTransform(train);
    scaler.fitTransform(train);
    expect(told()).toEqual([]);
    scaler.fitTransform(test);
    expect(told()).toEqual([expect.stringContaining('it was fitted to 8 samples, and forgets them for 4 others')]);
    // Folds: what is fitted is used on the test part before it is fitted anew.
    const again = new MinMaxScaler();
    for (let fold = 0; fold < 3; fold++) {
      again.fitTransform(randn([8, 2]));
      again.transform(randn([4, 2]));
    }
    again.fit(train);
    again.fit(test);
    expect(told()).toEqual([]);
  });
});

describe('samples in order of time', () => {
  it('are told when they are shuffled', () => {
    const [[train]] = [...new TimeSeriesSplit(3).split(20)] as unknown as [[Int32Array]];
    const part = new Subset(numbers(20), train);
    new DataLoader(part, { batchSize: 2 });
    new DataLoader(part, { sampler: new RandomSampler(part) });
    expect(told()).toEqual([]);
    new DataLoader(part, { shuffle: true });
    new DataLoader(part, { shuffle: true });
    expect(told()).toEqual([expect.stringContaining('DataLoader: these samples stand in order of time')]);
    const series = keepOrder(numbers(9));
    [...new KFold(3).split(series)];
    expect(told()).toEqual([]);
    [...new KFold(3, { shuffle: true }).split(series)];
    randomSplit(series, [6, 3]);
    expect(told()).toEqual([expect.stringContaining('KFold: these'), expect.stringContaining('randomSplit: these')]);
  });
});

describe('columns that are the same everywhere', () => {
  it('are told by scalers, but not of images', () => {
    const rows = [
      [1, 7, 3],
      [2, 7, 3],
    ];
    new RobustScaler().fit(rows);
    expect(told()).toEqual([
      'fettle: RobustScaler.fit: 2 of 3 columns have one value in all 2 samples, which tells nothing: 1 (7), 2 (3). ' +
        'Are they read right? They are left unscaled.',
    ]);
    new MaxAbsScaler().fit(rows);
    new StandardScaler().fit(ones([3, 1, 2, 2]));
    new StandardScaler().fit([[1, 2]]);
    new StandardScaler().fit([
      [1, Number.NaN],
      [2, Number.NaN],
    ]);
    expect(told()).toEqual([]);
    new MinMaxScaler().fit(tensor([[1], [1]]));
    expect(told()).toEqual([expect.stringContaining('1 of 1 columns have one value in all 2 samples')]);
  });
});

describe('checkData', () => {
  it('finds NaN, constant columns and targets that are no class', async () => {
    const x = tensor([
      [1, Number.NaN, 5],
      [2, 4, 5],
      [3, Number.NaN, 5],
    ]);
    const y = tensor([0, 3, 1], { dtype: 'int32' });
    const report = await checkData(new TensorDataset(x, y), { classes: 3 });
    expect(report).toEqual({
      samples: 3,
      nan: [{ column: 1, count: 2 }],
      constant: [2],
      label: { sample: 1, value: 3 },
    });
    const [nan, constant, label, ...rest] = told();
    expect(nan).toContain('2 values are NaN, in 1 of 3 columns: 1 (2)');
    expect(constant).toContain('1 of 3 columns have one value in all 3 samples, which tells nothing: 2');
    expect(label).toContain('the target of sample 1 is 3, expected a class, 0 … 2');
    expect(rest).toEqual([]);
    await checkData(new TensorDataset(x, y), { classes: 3 });
    expect(told()).toEqual([]);
  });

  it('knows the classes of a dataset, and samples of any kind', async () => {
    const table = CSVDataset.parse('a,b,c\n1,,x\n2,3,y\n');
    expect((await checkData(table)).nan).toEqual([{ column: 1, count: 1 }]);
    told();
    expect(await checkData(new Digits())).toMatchObject({ nan: [], label: null });
    const single = { length: 2, get: (i: number) => ({ data: Float32Array.of(i, 1), shape: [2] }) };
    expect((await checkData(single)).constant).toEqual([1]);
    told();
    await expect(checkData(table, { classes: 0 })).rejects.toThrow('classes must be');
  });
});

describe('checkSplit', () => {
  it('finds samples that are in both parts, and no others', async () => {
    const x = randn([3000, 4]);
    const all = new TensorDataset(x, randn([3000]));
    const [train, test] = randomSplit(all, [2500, 500], 1) as [Subset<never>, Subset<never>];
    expect(await checkSplit(train, test)).toEqual({ duplicates: [] });
    expect(told()).toEqual([]);
    const leaky = new Subset(all, [
      ...(test.indices as Int32Array),
      train.indices[7] as number,
      train.indices[1400] as number,
    ]);
    const { duplicates } = await checkSplit(train, leaky);
    expect(duplicates).toEqual([
      { sample: 500, of: 7 },
      { sample: 501, of: 1400 },
    ]);
    expect(told()).toEqual([expect.stringContaining('2 of 502 samples of the second part are in the first part too')]);
    await expect(checkSplit({ length: 1, get: () => 'a' }, all)).rejects.toThrow('samples must be tensors');
  });
});

describe('ordinary use', () => {
  it('is told nothing', async () => {
    const set = new Digits();
    const [a, b, c] = stratifiedSplit(set.labels, [0.6, 0.2, 0.2], 0);
    const part = (indices: Int32Array): Subset<never> => new Subset(set, indices) as Subset<never>;
    const [train, validation, test] = [part(a), part(b), part(c)];
    const pipeline = new Pipeline([new SimpleImputer(), new StandardScaler()]);
    await pipeline.fitStream(new DataLoader(train, { batchSize: 100, shuffle: true, seed: 0 }) as never);
    for (const held of [validation, test]) {
      for await (const [x] of new DataLoader(held, { batchSize: 100 }) as AsyncIterable<[ReturnType<typeof randn>]>) {
        pipeline.transform(x);
      }
    }
    for (const [fit, check] of new StratifiedKFold(3, { shuffle: true, seed: 0 }).split(set.labels)) {
      const scaler = new PowerTransformer();
      const rows = (indices: Int32Array): number[][] =>
        Array.from(indices.subarray(0, 30), (i) => [i % 7, (i * i) % 11]);
      scaler.fitTransform(rows(fit));
      scaler.transform(rows(check));
    }
    expect(told()).toEqual([]);
  });
});
