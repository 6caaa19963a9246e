import { tensor } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { type CsvColumn, type CsvOptions, type CsvTable, CsvTableReader } from './csvtable.js';
import { checkIndex, type Dataset } from './dataset.js';
import { nameOf, type Source } from './source.js';
import { textOf } from './text/stream.js';
import type { Construction } from './transforms/transform.js';

/**
 * A table read from CSV: sample i is its features as a float32 tensor [F] and its target, int32 for a class and float32 for a
 * number; a batch is [N, F] and [N]. Columns of names are numbered in alphabetical order; a missing feature is NaN, which
 * preprocessing leaves out; a missing target is an error.
 */
export class CSVDataset implements Dataset<[Tensor, Tensor], [Tensor, Tensor]> {
  readonly length: number;
  /** The features, in order. */
  readonly columns: readonly CsvColumn[];
  readonly target: CsvColumn;
  /** Names of the classes; empty where the target is a number. */
  readonly classes: readonly string[];
  /** All features, row by row. */
  readonly features: Float32Array;
  readonly targets: Float32Array | Int32Array;

  constructor(table: CsvTable) {
    this.columns = table.columns;
    this.features = table.features;
    this.target = table.target;
    this.targets = table.targets;
    this.classes = table.target.categories;
    this.length = table.targets.length;
  }

  /**
   * Reads a file, a URL, a Blob or bytes (UTF-8, gzipped or not) piece by piece: what is held is the numbers alone. Records of unequal length, text in a column of numbers, a missing target
   * and columns that do not exist throw an error that says the line and the column.
   */
  static async load(source: Source, options: CsvOptions = {}): Promise<CSVDataset> {
    const name = nameOf(source);
    for (const categories = new Set<string>(); ; ) {
      const reader = new CsvTableReader(name, options, categories);
      for await (const text of textOf(source)) if (!reader.push(text)) break;
      const table = reader.end();
      if (table !== null) return new CSVDataset(table);
    }
  }

  /** The same from text. */
  static parse(text: string, options: CsvOptions = {}, name = 'CSV'): CSVDataset {
    for (const categories = new Set<string>(); ; ) {
      const reader = new CsvTableReader(name, options, categories);
      reader.push(text);
      const table = reader.end();
      if (table !== null) return new CSVDataset(table);
    }
  }

  /** What makes the same dataset in another thread. */
  portable(): Construction {
    const { columns, features, target, targets } = this;
    return { type: 'CSVDataset', args: [{ columns, features, target, targets } satisfies CsvTable] };
  }

  get(index: number): [Tensor, Tensor] {
    checkIndex('CSVDataset', index, this.length);
    const width = this.columns.length;
    return [
      tensor(this.features.subarray(index * width, (index + 1) * width), [width]),
      tensor(this.targets.subarray(index, index + 1), []),
    ];
  }

  getBatch(indices: Int32Array): [Tensor, Tensor] {
    const width = this.columns.length;
    const features = new Float32Array(indices.length * width);
    const targets = this.targets.slice(0, indices.length);
    indices.forEach((index, n) => {
      checkIndex('CSVDataset', index, this.length);
      features.set(this.features.subarray(index * width, (index + 1) * width), n * width);
      targets[n] = this.targets[index] as number;
    });
    return [tensor(features, [indices.length, width]), tensor(targets, [indices.length])];
  }
}
