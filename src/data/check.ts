import { fail, show, warnOnce } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { Tensor } from '../tensor.js';
import { defaultCollate } from './collate.js';
import type { Dataset } from './dataset.js';

/** What a look at all samples finds before a training wastes its time on them. */

/** Samples that are read at a time. */
const CHUNK = 1024;

/** All samples in order, as batches, each freed when the next is asked for. */
async function eachBatch(dataset: Dataset, visit: (batch: unknown, first: number) => void): Promise<void> {
  for (let first = 0; first < dataset.length; first += CHUNK) {
    const indices = Int32Array.from({ length: Math.min(CHUNK, dataset.length - first) }, (_, i) => first + i);
    await scope(async () => {
      const batch =
        dataset.getBatch === undefined
          ? defaultCollate(await Promise.all(Array.from(indices, (index) => dataset.get(index))))
          : await dataset.getBatch(indices);
      visit(batch, first);
    });
  }
}

/** The inputs of a batch, which come first, and its targets, if it has any. */
function partsOf(batch: unknown): { readonly x: Tensor | null; readonly y: Tensor | null } {
  const [x, y] = Array.isArray(batch) ? (batch as readonly unknown[]) : [batch];
  return { x: x instanceof Tensor ? x : null, y: y instanceof Tensor ? y : null };
}

export interface CheckOptions {
  /** How many classes there are: targets must be whole numbers below it. Default: as the dataset's `classes` says, if it does. */
  readonly classes?: number;
}

/** What `checkData` found. */
export interface DataReport {
  readonly samples: number;
  /** Columns that hold NaN, and how many; the columns of images are their places. */
  readonly nan: readonly { readonly column: number; readonly count: number }[];
  /** Columns that are the same in all samples, of samples of one dimension. */
  readonly constant: readonly number[];
  /** The first sample whose target is no class, and the target. */
  readonly label: { readonly sample: number; readonly value: number } | null;
}

/**
 * Reads all samples once and warns, once each, of NaN in the inputs or targets, of columns that are the same everywhere, and
 * of targets that are no class. Samples are `[input, target]` or inputs alone. What it found comes back, too.
 *
 * @example
 * const table = new data.TensorDataset(tensor([[1, 5], [2, 5]]), tensor([0, 1], { dtype: 'int32' }));
 * (await data.checkData(table)).constant; // → [1]
 */
export async function checkData(dataset: Dataset, options: CheckOptions = {}): Promise<DataReport> {
  const known = 'classes' in dataset && Array.isArray(dataset.classes) ? dataset.classes.length : 0;
  const classes = options.classes ?? (known > 0 ? known : null);
  if (classes !== null && !(Number.isInteger(classes) && classes >= 1)) {
    fail('argument', `checkData: classes must be a whole number ≥ 1, got ${classes}.`);
  }
  let begin: ArrayLike<number> | null = null;
  let counts = new Float64Array(0);
  let differs = new Uint8Array(0);
  let isTable = false;
  let label: DataReport['label'] = null;
  await eachBatch(dataset, (batch, first) => {
    const { x, y } = partsOf(batch);
    if (x !== null && x.numel() > 0) {
      const values = x.dataSync();
      const width = values.length / (x.shape[0] as number);
      if (begin === null) {
        begin = values.slice(0, width);
        counts = new Float64Array(width);
        differs = new Uint8Array(width);
        isTable = x.ndim === 2;
      }
      if (width !== counts.length) fail('shape', `checkData: samples from ${first} on are ${show(x.shape.slice(1))}.`);
      for (let i = 0, f = 0; i < values.length; i++) {
        const value = values[i] as number;
        if (value !== (begin as ArrayLike<number>)[f]) {
          differs[f] = 1;
          if (Number.isNaN(value)) counts[f] = (counts[f] as number) + 1;
        }
        if (++f === width) f = 0;
      }
    }
    if (y !== null && label === null) label = oddTarget(y, classes, first);
  });
  const nan = Array.from(counts, (count, column) => ({ column, count })).filter(({ count }) => count > 0);
  const constant = isTable && dataset.length > 1 ? [...differs.keys()].filter((f) => differs[f] === 0) : [];
  const report: DataReport = { samples: dataset.length, nan, constant, label };
  tell(report, counts.length, classes);
  return report;
}

/** The first target that is NaN or, where there are classes, none of them. */
function oddTarget(y: Tensor, classes: number | null, first: number): DataReport['label'] {
  const rows = y.shape[0] ?? 0;
  const values = y.dataSync();
  const at = Array.from(values).findIndex(
    (v) => Number.isNaN(v) || (classes !== null && y.ndim === 1 && !(Number.isInteger(v) && v >= 0 && v < classes)),
  );
  if (at < 0) return null;
  return { sample: first + Math.floor(at / (values.length / rows)), value: values[at] as number };
}

function tell({ samples, nan, constant, label }: DataReport, columns: number, classes: number | null): void {
  const list = (items: readonly string[]): string =>
    items.slice(0, 10).join(', ') + (items.length > 10 ? ` and ${items.length - 10} more` : '');
  if (nan.length > 0) {
    const total = nan.reduce((sum, { count }) => sum + count, 0);
    const where = list(nan.map(({ column, count }) => `${column} (${count})`));
    warnOnce(
      `checkData: ${total} values are NaN, in ${nan.length} of ${columns} columns: ${where}. Fill them, as SimpleImputer ` +
        'does, or leave those samples out: one NaN makes every weight NaN.',
    );
  }
  if (constant.length > 0) {
    warnOnce(
      `checkData: ${constant.length} of ${columns} columns have one value in all ${samples} samples, which tells nothing: ` +
        `${list(constant.map(String))}. Are they read right?`,
    );
  }
  if (label !== null) {
    const wanted = classes === null ? 'a number' : `a class, 0 … ${classes - 1}`;
    warnOnce(`checkData: the target of sample ${label.sample} is ${label.value}, expected ${wanted}.`);
  }
}

/** What `checkSplit` found. */
export interface SplitReport {
  /** Samples of the second part whose inputs are in the first part too, and which ones those are equal to. */
  readonly duplicates: readonly { readonly sample: number; readonly of: number }[];
}

/**
 * Looks for samples of `validation` whose inputs are also in `train`, and warns, once, where there are any: a model is then
 * tested on what it has learned by heart. Inputs are compared exactly. A number is held for each sample of `train`.
 *
 * @example
 * const [a, b] = [new data.TensorDataset(tensor([[1, 2], [3, 4]])), new data.TensorDataset(tensor([[3, 4], [5, 6]]))];
 * (await data.checkSplit(a, b)).duplicates; // → [{ sample: 0, of: 1 }]
 */
export async function checkSplit(train: Dataset, validation: Dataset): Promise<SplitReport> {
  const seen = new Map<number, number[]>();
  await eachInput('checkSplit', train, (sample, bytes) => {
    const key = hash(bytes);
    const before = seen.get(key);
    if (before === undefined) seen.set(key, [sample]);
    else before.push(sample);
  });
  // Numbers of equal hash are compared by their bytes, which are read again: few are.
  const alike: { readonly sample: number; readonly bytes: Uint8Array; readonly candidates: readonly number[] }[] = [];
  await eachInput('checkSplit', validation, (sample, bytes) => {
    const candidates = seen.get(hash(bytes));
    if (candidates !== undefined) alike.push({ sample, bytes: bytes.slice(), candidates });
  });
  const duplicates: { sample: number; of: number }[] = [];
  for (const { sample, bytes, candidates } of alike) {
    for (const of of candidates) {
      const other = await scope(async () => bytesOf('checkSplit', partsOf(await train.get(of)).x));
      if (other.length !== bytes.length || other.some((byte, i) => byte !== bytes[i])) continue;
      duplicates.push({ sample, of });
      break;
    }
  }
  if (duplicates.length > 0) {
    const [{ sample, of }] = duplicates as [{ sample: number; of: number }];
    warnOnce(
      `checkSplit: ${duplicates.length} of ${validation.length} samples of the second part are in the first part too, such as ` +
        `sample ${sample}, which is sample ${of} there. Figures on the second part come out too good: take them out of one.`,
    );
  }
  return { duplicates };
}

function bytesOf(name: string, x: Tensor | null): Uint8Array {
  if (x === null) return fail('argument', `${name}: samples must be tensors, or arrays that begin with one.`);
  const values = x.dataSync();
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

async function eachInput(
  name: string,
  dataset: Dataset,
  visit: (sample: number, bytes: Uint8Array) => void,
): Promise<void> {
  await eachBatch(dataset, (batch, first) => {
    const { x } = partsOf(batch);
    const bytes = bytesOf(name, x);
    const rows = x?.shape[0] ?? 0;
    const size = bytes.length / Math.max(1, rows);
    for (let r = 0; r < rows; r++) visit(first + r, bytes.subarray(r * size, (r + 1) * size));
  });
}

/** FNV-1a on bytes, in 32 bits. */
function hash(bytes: Uint8Array): number {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}
