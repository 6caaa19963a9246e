import { FettleError, fail } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import {
  CSVDataset,
  DataLoader,
  type Dataset,
  type Preprocessor,
  StandardScaler,
  stratifiedSplit,
} from '../data/index.js';
import { tensor } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { loadModel } from '../train/index.js';
import type { Net } from './demo/nets.js';
import { datasetOf, fitScaler, loadParts } from './demo/source.js';
import { isFolderName, loadFolder, USUAL_SIZE } from './folder.js';
import { isCsvName } from './options.js';

/** Data that a command works with: standardized, and cut into three parts. */

type Pairs = Dataset<[Tensor, Tensor], [Tensor, Tensor]>;
export type PairLoader = DataLoader<[Tensor, Tensor], [Tensor, Tensor]>;

/** What is saved beside a model, so that it can be used on the same data again. */
export interface About {
  readonly data: string;
  readonly seed: number;
  /** Of one sample: channels, height and width, or features. */
  readonly shape: readonly number[];
  readonly classes: readonly string[];
  readonly preprocessing: unknown;
  /** The parameters that pruning holds at 0. */
  readonly pruned?: readonly string[];
}

export interface Task {
  readonly about: About;
  readonly train: Pairs;
  readonly validation: Pairs;
  readonly test: Pairs;
}

/** Whether a model file says of what data its model is. */
export function isAbout(value: unknown): value is About {
  const about = value as Partial<About> | null;
  if (typeof about !== 'object' || about === null) return false;
  const { data, seed, shape, classes } = about;
  return typeof data === 'string' && typeof seed === 'number' && Array.isArray(shape) && Array.isArray(classes);
}

/**
 * Reads data and cuts it, the same way every time for a seed. Without a scaler, one is fitted to the training part. Images in
 * folders are brought to `size` × `size` pixels.
 */
export async function loadTask(
  data: string,
  seed: number,
  scaler: Preprocessor | null = null,
  size: number = USUAL_SIZE,
): Promise<Task> {
  if (isCsvName(data)) return loadTable(data, seed, scaler);
  if (scaler !== null && !(scaler instanceof StandardScaler)) {
    fail('unsupported', `${data}: images are standardized; the model's preprocessing is a ${scaler.kind}.`);
  }
  const parts = isFolderName(data) ? await loadFolder(data, seed, size) : await loadParts(data, seed);
  const fitted = scaler ?? fitScaler(parts.train);
  const { classes, shape } = parts;
  return {
    about: { data, seed, classes, shape, preprocessing: fitted.toJSON() },
    train: datasetOf(parts.train, fitted) as Pairs,
    validation: datasetOf(parts.validation, fitted) as Pairs,
    test: datasetOf(parts.test, fitted) as Pairs,
  };
}

/** A table of numbers whose last column is the class. Each column is standardized; a missing number becomes the mean. */
async function loadTable(data: string, seed: number, scaler: Preprocessor | null): Promise<Task> {
  const file = data.slice(data.indexOf(':') + 1);
  const table = await CSVDataset.load(file);
  const width = table.columns.length;
  if (table.classes.length < 2) fail('data', `${file}: the last column must tell classes, at least two.`);
  if (width === 0) fail('data', `${file}: there is no column beside the class.`);
  const named = table.columns.find(({ type }) => type === 'category');
  if (named !== undefined) fail('data', `${file}: column '${named.name}' holds text. Replace it by numbers first.`);
  const parts = stratifiedSplit(table.targets as Int32Array, [0.65, 0.15, 0.2], seed);
  const rows = (indices: Int32Array): Float32Array => {
    const kept = new Float32Array(indices.length * width);
    indices.forEach((index, i) => {
      kept.set(table.features.subarray(index * width, (index + 1) * width), i * width);
    });
    return kept;
  };
  return scope(() => {
    const matrix = (values: Float32Array): Tensor => tensor(values, [values.length / width, width]);
    const fitted = scaler ?? new StandardScaler().fit(matrix(rows(parts[0] as Int32Array)));
    const [train, validation, test] = parts.map((indices): Pairs => {
      const scaled = (fitted.transform(matrix(rows(indices))) as Tensor).dataSync();
      if (scaled.length !== indices.length * width) {
        fail('unsupported', `${file}: the model's preprocessing, a ${fitted.kind}, changes the number of columns.`);
      }
      const features = Float32Array.from(scaled, (value) => (Number.isNaN(value) ? 0 : value));
      const targets = Int32Array.from(indices, (index) => table.targets[index] as number);
      return new CSVDataset({ columns: table.columns, target: table.target, features, targets });
    }) as [Pairs, Pairs, Pairs];
    const { classes } = table;
    const about = { data, seed, classes, shape: [width], preprocessing: fitted.toJSON() };
    return { about, train, validation, test };
  });
}

/** Batches to train on in random order, and others to look at. */
export function loaderOf(part: Pairs, options: { batchSize: number; shuffleBy?: number }): PairLoader {
  const { batchSize, shuffleBy } = options;
  return new DataLoader(part, { batchSize, shuffle: shuffleBy !== undefined, seed: shuffleBy ?? 0 });
}

/** Training batches as large as the data bears. */
export function batchSizeOf(part: Pairs): number {
  return part.length < 10_000 ? 32 : 128;
}

function described(shape: readonly number[], classes: readonly string[], data: string): string {
  const what = isCsvName(data) ? 'rows' : 'images';
  return `${what} [${shape.join(', ')}] of ${classes.length} classes`;
}

/** A saved model, and the data it was trained on, or other data of the same kind. The model is the caller's to dispose. */
export async function openModel(file: string, data: string | null): Promise<{ model: Net; about: About; task: Task }> {
  const { model, about, preprocessing } = await loadModel(file);
  try {
    if (!isAbout(about)) {
      return fail(
        'format',
        `${file}: the model does not say what data it was trained on. Use a model that fettle train or demo saved.`,
      );
    }
    if (preprocessing === null)
      return fail('format', `${file}: the model does not say how its inputs are preprocessed.`);
    const source = data ?? about.data;
    const task = await loadTask(source, about.seed, preprocessing, about.shape[1]).catch((error: unknown) => {
      if (data !== null || !(error instanceof FettleError)) throw error;
      return fail(
        error.code,
        `${error.message} ${file} was trained on ${source}; pass --data if that is elsewhere now.`,
      );
    });
    const mine = described(about.shape, about.classes, about.data);
    const theirs = described(task.about.shape, task.about.classes, source);
    if (mine !== theirs) {
      fail('shape', `${file}: the model takes ${mine}, ${source} has ${theirs}.`);
    }
    return { model: model as Net, about, task };
  } catch (error) {
    model.dispose();
    throw error;
  }
}
