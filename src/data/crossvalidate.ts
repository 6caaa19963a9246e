import { fail } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { Tensor } from '../tensor.js';
import { defaultCollate } from './collate.js';
import { type Dataset, Subset, TensorDataset } from './dataset.js';
import type { Fold } from './folds.js';
import { inherit } from './parts.js';
import type { Preprocessor } from './preprocessing/preprocessor.js';

/** The parts of one fold, in memory, the inputs of both as the preprocessing of the fold leaves them. */
export interface FoldData {
  readonly train: TensorDataset<readonly Tensor[]>;
  readonly test: TensorDataset<readonly Tensor[]>;
  /** From 0 on. */
  readonly fold: number;
  /** What was fitted to the training part of this fold, and to nothing else; null where there is no preprocessing. */
  readonly preprocessing: Preprocessor | null;
}

export interface CrossValidateOptions {
  /** Makes the preprocessing of a fold: a new Pipeline or scaler, not fitted yet. Default: none. */
  readonly preprocessing?: () => Preprocessor;
}

/** The figures of all folds. */
export interface CrossValidation {
  readonly scores: readonly number[];
  readonly mean: number;
  /** Of the folds as a sample: divided by their number less one. */
  readonly std: number;
}

/**
 * Trains and tests once for each fold: `run` is given the two parts, makes a model, trains it on the one and returns its figure on
 * the other. The preprocessing is made and fitted anew in each fold, to its training part alone, so that nothing of the test part
 * leaks into it. Samples of `dataset` are `[input, …]`; the inputs of a fold are held in memory. What `run` makes is freed after
 * its fold.
 *
 * @example
 * const dataset = new data.TensorDataset(tensor([[1], [2], [3], [10]]), tensor([0, 0, 1, 1], { dtype: 'int32' }));
 * const preprocessing = () => new data.StandardScaler();
 * const { scores } = await data.crossValidate(({ test }) => test.length, dataset, new data.KFold(2).split(dataset), { preprocessing });
 * scores; // → [2, 2]
 */
export async function crossValidate(
  run: (parts: FoldData) => number | Promise<number>,
  dataset: Dataset<readonly Tensor[], readonly Tensor[]>,
  folds: Iterable<Fold>,
  options: CrossValidateOptions = {},
): Promise<CrossValidation> {
  const scores: number[] = [];
  for (const [train, test] of folds) {
    const fold = scores.length;
    const score = await scope(async () => {
      const preprocessing = options.preprocessing?.() ?? null;
      if (preprocessing?.fitted === true) {
        fail('argument', 'crossValidate: preprocessing must make a new one in each fold, this one has been fitted.');
      }
      const [x, ...rest] = await rowsOf(dataset, train);
      const [u, ...others] = await rowsOf(dataset, test);
      const parts = {
        train: new TensorDataset<readonly Tensor[]>(
          preprocessing === null ? x : preprocessing.fit(x).transform(x),
          ...rest,
        ),
        test: new TensorDataset<readonly Tensor[]>(preprocessing === null ? u : preprocessing.transform(u), ...others),
      };
      return run({ ...parts, fold, preprocessing });
    });
    if (typeof score !== 'number' || Number.isNaN(score)) {
      fail('data', `crossValidate: fold ${fold} gave ${String(score)}, expected a number.`);
    }
    scores.push(score);
  }
  if (scores.length === 0) fail('argument', 'crossValidate: there are no folds.');
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  const squares = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return { scores, mean, std: scores.length > 1 ? Math.sqrt(squares / (scores.length - 1)) : 0 };
}

/** The samples `indices` as tensors. */
async function rowsOf(
  dataset: Dataset<readonly Tensor[], readonly Tensor[]>,
  indices: Int32Array,
): Promise<readonly [Tensor, ...Tensor[]]> {
  const part = new Subset(dataset, indices);
  const all = Int32Array.from(indices.keys());
  const batch =
    part.getBatch === undefined
      ? defaultCollate(await Promise.all(Array.from(all, (i) => part.get(i))))
      : await part.getBatch(all);
  const isRows = Array.isArray(batch) && batch.length > 0 && batch.every((x) => x instanceof Tensor);
  if (!isRows) fail('argument', 'crossValidate: samples must be arrays of tensors, the input first.');
  return inherit(batch as [Tensor, ...Tensor[]], indices);
}
