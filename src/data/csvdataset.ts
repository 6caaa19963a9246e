import { fail } from '../core/errors.js';
import { tensor } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { type CsvFormat, CsvParser, type CsvRecord } from './csv.js';
import { checkIndex, type Dataset } from './dataset.js';
import { nameOf, readSource, type Source } from './source.js';

/** Numbers, or names that are numbered in alphabetical order. */
export type ColumnType = 'number' | 'category';

export interface CsvOptions extends CsvFormat {
  /** Whether the first record names the columns. Default true; without names columns are called by number: '0', '1', … */
  readonly header?: boolean;
  /** Records before that to leave out. Default 0. */
  readonly skip?: number;
  /** The column with the class or the value to predict: a name, or a number from 0, negative ones from the end. Default −1. */
  readonly target?: string | number;
  /** Whether the target is a class or a number. Default 'category'. */
  readonly targetType?: ColumnType;
  /** Types of columns by name. Default: numbers where every value is one, categories otherwise. */
  readonly types?: Readonly<Record<string, ColumnType>>;
  /** Columns to leave out, by name. */
  readonly drop?: readonly string[];
  /** Texts that mean a missing value. Default '', 'NA', 'N/A', 'NaN', 'nan', 'null', '?'. */
  readonly missing?: readonly string[];
}

/** A column as it was read. */
export interface CsvColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** The names that numbers 0, 1, … stand for; empty for numbers. */
  readonly categories: readonly string[];
}

/** What a CSV file holds: numbers, ready to be tensors. */
export interface CsvTable {
  readonly columns: readonly CsvColumn[];
  /** Row by row: numbers, numbers of categories, NaN where a value is missing. */
  readonly features: Float32Array;
  readonly target: CsvColumn;
  readonly targets: Float32Array | Int32Array;
}

const MISSING = ['', 'NA', 'N/A', 'NaN', 'nan', 'null', '?'];
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

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
   * Reads a file, a URL, a Blob or bytes (UTF-8). Records of unequal length, text in a column of numbers, a missing target
   * and columns that do not exist throw an error that says the line and the column.
   */
  static async load(source: Source, options: CsvOptions = {}): Promise<CSVDataset> {
    const name = nameOf(source);
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(await readSource(source));
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      return fail('format', `${name}: not UTF-8 text.`, cause);
    }
    return CSVDataset.parse(text, options, name);
  }

  /** The same from text. */
  static parse(text: string, options: CsvOptions = {}, name = 'CSV'): CSVDataset {
    const parser = new CsvParser(name, options);
    return new CSVDataset(tableOf(name, [...parser.push(text), ...parser.end()], options));
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

function tableOf(name: string, records: readonly CsvRecord[], options: CsvOptions): CsvTable {
  const kept = records.slice(options.skip ?? 0);
  const header = (options.header ?? true) ? kept.shift() : undefined;
  const first = header ?? kept[0];
  if (first === undefined || kept.length === 0) return fail('data', `${name}: holds no records.`);
  const names = header?.fields ?? first.fields.map((_, i) => String(i));
  const twice = names.find((column, i) => names.indexOf(column) !== i);
  if (twice !== undefined) fail('format', `${name}:${first.line}: two columns are called '${twice}'.`);
  const odd = kept.find((record) => record.fields.length !== names.length);
  if (odd !== undefined) {
    fail('format', `${name}:${odd.line}: expected ${names.length} fields, got ${odd.fields.length}.`);
  }

  const place = (column: string): number => {
    const at = names.indexOf(column);
    return at >= 0 ? at : fail('argument', `${name}: there is no column '${column}'. There are ${names.join(', ')}.`);
  };
  const target = targetPlace(name, names, options.target ?? -1, place);
  const dropped = new Set((options.drop ?? []).map(place));
  for (const column of Object.keys(options.types ?? {})) place(column);
  const features = names.map((_, at) => at).filter((at) => at !== target && !dropped.has(at));
  const missing = new Set(options.missing ?? MISSING);

  const read = features.map((at) => readColumn(name, names[at] as string, at, kept, options.types, missing));
  const targetName = names[target] as string;
  const type = options.types?.[targetName] ?? options.targetType ?? 'category';
  const read0 = readColumn(name, targetName, target, kept, { [targetName]: type }, missing);
  const gap = read0.values.findIndex((value) => Number.isNaN(value));
  if (gap >= 0) fail('data', `${name}:${kept[gap]?.line}: the target '${targetName}' is missing.`);

  const all = new Float32Array(kept.length * features.length);
  read.forEach(({ values }, f) => {
    for (let i = 0; i < kept.length; i++) all[i * features.length + f] = values[i] as number;
  });
  return {
    columns: read.map(({ column }) => column),
    features: all,
    target: read0.column,
    targets: type === 'category' ? Int32Array.from(read0.values) : Float32Array.from(read0.values),
  };
}

function targetPlace(
  name: string,
  names: readonly string[],
  target: string | number,
  place: (c: string) => number,
): number {
  if (typeof target === 'string') return place(target);
  const at = target < 0 ? target + names.length : target;
  if (!Number.isInteger(at) || at < 0 || at >= names.length) {
    fail('argument', `${name}: target ${target} is none of the ${names.length} columns.`);
  }
  return at;
}

interface ReadColumn {
  readonly column: CsvColumn;
  readonly values: Float64Array;
}

function readColumn(
  file: string,
  name: string,
  at: number,
  records: readonly CsvRecord[],
  types: CsvOptions['types'],
  missing: ReadonlySet<string>,
): ReadColumn {
  const texts = records.map((record) => (record.fields[at] as string).trim());
  const isNumber = (text: string): boolean => missing.has(text) || NUMBER.test(text);
  const type = types?.[name] ?? (texts.every(isNumber) ? 'number' : 'category');
  if (type === 'number') {
    const odd = texts.findIndex((text) => !isNumber(text));
    if (odd >= 0)
      fail('data', `${file}:${records[odd]?.line}: column '${name}' must hold numbers, got '${texts[odd]}'.`);
    const values = Float64Array.from(texts, (text) => (missing.has(text) ? Number.NaN : Number(text)));
    return { column: { name, type, categories: [] }, values };
  }
  const categories = [...new Set(texts.filter((text) => !missing.has(text)))].sort(compare);
  const codes = new Map(categories.map((category, code) => [category, code]));
  const values = Float64Array.from(texts, (text) => codes.get(text) ?? Number.NaN);
  return { column: { name, type, categories }, values };
}

/** Names in alphabetical order, numbers by size: class '10' comes behind class '9'. */
function compare(a: string, b: string): number {
  if (NUMBER.test(a) && NUMBER.test(b) && Number(a) !== Number(b)) return Number(a) - Number(b);
  return a < b ? -1 : Number(a > b);
}
