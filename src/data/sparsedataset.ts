import { fail } from '../core/errors.js';
import { tensor } from '../ops/index.js';
import { csr, type SparseTensor } from '../ops/sparse.js';
import type { Tensor } from '../tensor.js';
import { checkIndex, type Dataset } from './dataset.js';
import { decimal } from './decimal.js';
import { nameOf, type Source } from './source.js';
import { linesOf } from './text/stream.js';
import type { Construction } from './transforms/transform.js';

/** Rows of a sparse matrix with a target for each. */
export interface SparseTable {
  /** Where each row begins among the values: [rows + 1]. */
  readonly crowIndices: Int32Array;
  /** The column of each value, ascending within a row. */
  readonly colIndices: Int32Array;
  readonly values: Float32Array;
  /** Columns there are. */
  readonly features: number;
  readonly targets: Float32Array | Int32Array;
  /** Names of the classes; empty where the target is a number. */
  readonly classes: readonly string[];
}

export interface SparseOptions {
  /** Columns there are. Default: as many as the largest index says. Needed where a test part lacks the last ones. */
  readonly features?: number;
  /** Whether columns are counted from 0. Default: from 1, unless an index is 0. */
  readonly zeroBased?: boolean | 'auto';
  /** Whether the target is a class or a number. Default 'category'. */
  readonly targetType?: 'category' | 'number';
  /** The classes and their order, where a part may lack some. Default: those found, by size. */
  readonly classes?: readonly string[];
}

/** An array that grows. */
class Growing<A extends Int32Array | Float32Array> {
  length = 0;

  constructor(private data: A) {}

  push(value: number): void {
    if (this.length === this.data.length) {
      const wider = new (this.data.constructor as new (n: number) => A)(2 * this.length);
      wider.set(this.data);
      this.data = wider;
    }
    this.data[this.length++] = value;
  }

  at(index: number): number {
    return this.data[index] as number;
  }

  end(): A {
    return this.data.slice(0, this.length) as A;
  }
}

/**
 * Sparse samples with their targets, as texts and clicks have them: sample i is its row as a sparse matrix [1, F] and its
 * target; a batch is a sparse matrix [N, F] in rows and the targets [N], int32 for classes, float32 for numbers. Nothing is
 * ever made dense, so F may be millions.
 */
export class SparseDataset implements Dataset<[SparseTensor, Tensor], [SparseTensor, Tensor]> {
  readonly length: number;
  readonly features: number;
  readonly classes: readonly string[];
  readonly targets: Float32Array | Int32Array;
  private readonly table: SparseTable;

  constructor(table: SparseTable) {
    const { crowIndices, colIndices, values, targets, features } = table;
    if (crowIndices.length !== targets.length + 1 || colIndices.length !== values.length) {
      fail(
        'shape',
        `SparseDataset: ${targets.length} targets need ${targets.length + 1} row beginnings, got ${crowIndices.length}; ` +
          `${values.length} values need as many columns, got ${colIndices.length}.`,
      );
    }
    this.table = table;
    this.length = targets.length;
    this.features = features;
    this.classes = table.classes;
    this.targets = targets;
  }

  /**
   * Reads the format of LIBSVM and SVMlight, gzipped or not: a line a sample, `target index:value index:value …`, with
   * ascending indices; `qid:` is left out, and what follows # is a comment. A line that is not so throws, code 'format'.
   */
  static async load(source: Source, options: SparseOptions = {}): Promise<SparseDataset> {
    const name = nameOf(source);
    const starts = new Growing(new Int32Array(1024));
    const columns = new Growing(new Int32Array(4096));
    const values = new Growing(new Float32Array(4096));
    const labels: string[] = [];
    starts.push(0);
    let number = 0;
    for await (const line of linesOf(source)) {
      number++;
      const comment = line.indexOf('#');
      const text = comment < 0 ? line : line.slice(0, comment);
      let label: string | null = null;
      let before = -1;
      for (let at = afterBlanks(text, 0); at < text.length; ) {
        const end = beforeBlank(text, at);
        if (label === null) {
          label = text.slice(at, end);
          labels.push(label);
        } else {
          const colon = text.indexOf(':', at);
          const index = decimal(text, at, colon);
          // What is not plain digits is rare, and worth a closer look.
          let value = decimal(text, colon + 1, end);
          if (Number.isNaN(value)) value = Number(text.slice(colon + 1, end));
          const isPair = colon > at && colon < end - 1 && Number.isInteger(index) && index >= 0 && index < 2 ** 31;
          const isQuery = Number.isNaN(index) && text.slice(at, colon) === 'qid';
          if (!isQuery) {
            if (!isPair || !Number.isFinite(value)) {
              fail('format', `${name}:${number}: expected index:value, got '${text.slice(at, end)}'.`);
            }
            if (index <= before) {
              fail('format', `${name}:${number}: indices must ascend, ${index} follows ${before}.`);
            }
            before = index;
            columns.push(index);
            values.push(value);
          }
        }
        at = afterBlanks(text, end);
      }
      if (label === null) continue;
      starts.push(columns.length);
    }
    if (labels.length === 0) fail('data', `${name}: holds no samples.`);
    const crowIndices = starts.end();
    const { colIndices, features } = counted(name, columns.end(), options);
    const { targets, classes } = targetsOf(name, labels, options);
    return new SparseDataset({ crowIndices, colIndices, values: values.end(), features, targets, classes });
  }

  /** What makes the same dataset in another thread. */
  portable(): Construction {
    return { type: 'SparseDataset', args: [this.table] };
  }

  get(index: number): [SparseTensor, Tensor] {
    const [x, y] = this.getBatch(Int32Array.of(checkIndex('SparseDataset', index, this.length)));
    return [x, y.select(0, 0)];
  }

  getBatch(indices: Int32Array): [SparseTensor, Tensor] {
    const { crowIndices, colIndices, values } = this.table;
    const starts = new Int32Array(indices.length + 1);
    indices.forEach((index, n) => {
      checkIndex('SparseDataset', index, this.length);
      starts[n + 1] = (starts[n] as number) + (crowIndices[index + 1] as number) - (crowIndices[index] as number);
    });
    const count = starts[indices.length] as number;
    const [columns, numbers] = [new Int32Array(count), new Float32Array(count)];
    const targets = this.targets.slice(0, indices.length);
    indices.forEach((index, n) => {
      const [from, to] = [crowIndices[index] as number, crowIndices[index + 1] as number];
      columns.set(colIndices.subarray(from, to), starts[n]);
      numbers.set(values.subarray(from, to), starts[n]);
      targets[n] = this.targets[index] as number;
    });
    const x = csr(starts, columns, tensor(numbers), [indices.length, this.features]);
    return [x, tensor(targets, [indices.length])];
  }
}

/** Whether a character parts what stands in a line. */
function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

function afterBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBlank(text.charCodeAt(at))) at++;
  return at;
}

function beforeBlank(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isBlank(text.charCodeAt(at))) at++;
  return at;
}

/** Columns counted from 0, and how many there are. */
function counted(
  name: string,
  columns: Int32Array,
  { features, zeroBased = 'auto' }: SparseOptions,
): { colIndices: Int32Array; features: number } {
  let least = Number.POSITIVE_INFINITY;
  let most = -1;
  for (const column of columns) {
    least = Math.min(least, column);
    most = Math.max(most, column);
  }
  const base = zeroBased === 'auto' ? Number(least > 0) : Number(!zeroBased);
  if (least < base) fail('format', `${name}: there is a column 0. Pass { zeroBased: true } if columns count from 0.`);
  const found = most + 1 - base;
  if (features !== undefined && features < found) {
    fail('format', `${name}: { features: ${features} } was expected, there is a column ${most}.`);
  }
  return { colIndices: base === 0 ? columns : columns.map((c) => c - 1), features: features ?? Math.max(found, 0) };
}

function targetsOf(
  name: string,
  labels: readonly string[],
  { targetType = 'category', classes }: SparseOptions,
): { targets: Float32Array | Int32Array; classes: readonly string[] } {
  if (targetType === 'number') {
    const odd = labels.findIndex((label) => !Number.isFinite(Number(label)));
    if (odd >= 0) fail('format', `${name}: the target of sample ${odd} must be a number, got '${labels[odd]}'.`);
    return { targets: Float32Array.from(labels, Number), classes: [] };
  }
  // '+1' and '1' are one class.
  const plain = labels.map((label) => (Number.isNaN(Number(label)) ? label : String(Number(label))));
  const order = (a: string, b: string): number => Number(a) - Number(b) || (a < b ? -1 : Number(a > b));
  const names = classes ?? [...new Set(plain)].sort(order);
  const numbers = new Map(names.map((label, i) => [label, i]));
  const odd = plain.findIndex((label) => !numbers.has(label));
  if (odd >= 0) fail('data', `${name}: the class '${plain[odd]}' of sample ${odd} is none of ${names.join(', ')}.`);
  return { targets: Int32Array.from(plain, (label) => numbers.get(label) as number), classes: names };
}
