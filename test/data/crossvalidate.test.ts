import { randn, scope, type Tensor, tensor } from 'fettle';
import {
  CSVDataset,
  crossValidate,
  type FoldData,
  KFold,
  Pipeline,
  type Preprocessor,
  SimpleImputer,
  StandardScaler,
  TensorDataset,
} from 'fettle/data';
import { describe, expect, it } from 'vitest';

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('crossValidate', () => {
  it('fits the preprocessing of each fold to its training part alone', async () => {
    const values = [1, 2, 3, 4, 100, 200];
    const dataset = new TensorDataset(tensor(values.map((v) => [v])), tensor([0, 1, 0, 1, 0, 1], { dtype: 'int32' }));
    const folds = [...new KFold(3).split(dataset)];
    const seen: FoldData[] = [];
    const means: number[] = [];
    const result = await crossValidate(
      (parts) => {
        seen.push(parts);
        means.push((parts.preprocessing as StandardScaler).mean[0] as number);
        const [x] = parts.train.tensors as readonly [Tensor];
        expect(Math.abs(x.mean().item())).toBeLessThan(1e-6);
        const [u, y] = parts.test.tensors as readonly [Tensor, Tensor];
        const [, test] = folds[parts.fold] as [Int32Array, Int32Array];
        const restored = parts.preprocessing?.inverseTransform(u) as Tensor;
        Array.from(test).forEach((i, k) => {
          expect(restored.select(0, k).item()).toBeCloseTo(values[i] as number, 3);
          expect(y.select(0, k).item()).toBe(i % 2);
        });
        return parts.fold;
      },
      dataset,
      folds,
      { preprocessing: () => new StandardScaler() },
    );
    folds.forEach(([train], fold) => {
      expect(means[fold]).toBeCloseTo(mean(Array.from(train, (i) => values[i] as number)), 10);
    });
    expect(result).toEqual({ scores: [0, 1, 2], mean: 1, std: 1 });
    expect(seen.every(({ train, test }) => [...train.tensors, ...test.tensors].every((x) => x.disposed))).toBe(true);
  });

  it('shows less than a preprocessing that has seen the test part', async () => {
    // Noise without any relation to its labels, of which the columns that happen to fit are picked: only where the picking sees
    // the test part does a classifier seem to find anything.
    const [n, d] = [40, 400];
    const x = randn([n, d]);
    const y = tensor(
      Int32Array.from({ length: n }, (_, i) => i % 2),
      [n],
    );
    const gapsOf = (rows: Tensor, labels: Tensor): Tensor =>
      scope(() => labels.mul(2).sub(1).to('float32').matmul(rows));
    const score = (train: readonly Tensor[], test: readonly Tensor[], gaps: Tensor): number =>
      scope(() => {
        const picked = gaps.abs().topk(10)[1];
        const [u, v] = test as readonly [Tensor, Tensor];
        const weights = gapsOf(train[0] as Tensor, train[1] as Tensor).indexSelect(0, picked);
        return u.indexSelect(1, picked).matmul(weights).gt(0).to('int32').eq(v).to('float32').mean().item();
      });
    const folds = [...new KFold(5).split(n)];
    const dataset = new TensorDataset(x, y);
    const all = gapsOf(x, y);
    const honest = await crossValidate(
      ({ train, test }) => score(train.tensors, test.tensors, gapsOf(...(train.tensors as [Tensor, Tensor]))),
      dataset,
      folds,
    );
    const leaking = await crossValidate(({ train, test }) => score(train.tensors, test.tensors, all), dataset, folds);
    expect(leaking.mean).toBeGreaterThan(honest.mean + 0.15);
  });

  it('takes samples one by one, pipelines, and says what is wrong', async () => {
    const table = CSVDataset.parse('a,b\n1,x\n,y\n3,x\n4,y\n');
    const single = { length: 4, get: (i: number) => table.get(i) };
    const preprocessing = (): Preprocessor => new Pipeline([new SimpleImputer(), new StandardScaler()]);
    const run = ({ train, test }: FoldData): number => train.length * 10 + test.length;
    for (const dataset of [table, single]) {
      expect((await crossValidate(run, dataset, new KFold(2).split(4), { preprocessing })).scores).toEqual([22, 22]);
    }
    const used = new StandardScaler().fit([[1], [2]]);
    await expect(crossValidate(run, table, new KFold(2).split(4), { preprocessing: () => used })).rejects.toThrow(
      'make a new one in each fold',
    );
    await expect(crossValidate(() => Number.NaN, table, new KFold(2).split(4))).rejects.toThrow('fold 0 gave NaN');
    await expect(crossValidate(run, table, [])).rejects.toThrow('no folds');
    const numbers = { length: 4, get: () => 3 };
    await expect(crossValidate(run, numbers as never, new KFold(2).split(4))).rejects.toThrow('arrays of tensors');
  });
});
