import { fail } from '../core/errors.js';
import { type CsvFormat, CsvParser, type CsvRecord } from './csv.js';
import { decimal } from './decimal.js';

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
/** What ended lines on old machines; one at the end may be half of \r\n. */
const LONE_RETURN = /\r(?!\n|$)/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Names in alphabetical order, numbers by size: class '10' comes behind class '9'. */
function compare(a: string, b: string): number {
  if (NUMBER.test(a) && NUMBER.test(b) && Number(a) !== Number(b)) return Number(a) - Number(b);
  return a < b ? -1 : Number(a > b);
}

/** A column that grows. */
class ColumnReader {
  private values: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
  private length = 0;
  /** Categories in the order in which they appear. */
  private readonly codes = new Map<string, number>();

  constructor(
    readonly name: string,
    readonly type: ColumnType,
    private readonly missing: ReadonlySet<string>,
  ) {
    // Numbers end up in float32; there may be more categories than that could tell apart.
    this.values = type === 'number' ? new Float32Array(1024) : new Float64Array(1024);
  }

  /** Takes the next value; false if it is no number where one must be. */
  push(text: string): boolean {
    let value: number;
    if (this.missing.has(text)) value = Number.NaN;
    else if (this.type === 'category') {
      const code = this.codes.get(text) ?? this.codes.size;
      if (code === this.codes.size) this.codes.set(text, code);
      value = code;
    } else if (NUMBER.test(text)) value = Number(text);
    else return false;
    this.add(value);
    return true;
  }

  /** Takes the next value of a column of numbers. */
  add(value: number): void {
    if (this.length === this.values.length) {
      const wider = this.type === 'number' ? new Float32Array(2 * this.length) : new Float64Array(2 * this.length);
      wider.set(this.values);
      this.values = wider;
    }
    this.values[this.length++] = value;
  }

  end(): { readonly column: CsvColumn; readonly values: Float32Array | Float64Array } {
    const values = this.values.subarray(0, this.length);
    const categories = [...this.codes.keys()].sort(compare);
    const places = new Map(categories.map((category, place) => [this.codes.get(category) as number, place]));
    return {
      column: { name: this.name, type: this.type, categories },
      values: this.type === 'number' ? values : values.map((code) => places.get(code) ?? Number.NaN),
    };
  }
}

/** The columns of a file, once its first record has named or counted them. */
interface Layout {
  readonly columns: readonly {
    readonly at: number;
    readonly reader: ColumnReader;
    readonly isTarget: boolean;
    /** Whether digits are what they say: those of categories are names, and some may mean a missing value. */
    readonly isPlain: boolean;
  }[];
  readonly width: number;
}

/**
 * Makes a table of CSV as it comes. A column whose type is not given is one of numbers until a value is none: the file is then
 * read again, with that column among `categories`.
 */
export class CsvTableReader {
  private readonly parser: CsvParser;
  private readonly missing: ReadonlySet<string>;
  private layout: Layout | null = null;
  private toSkip: number;
  private rows = 0;
  private isMistaken = false;

  constructor(
    private readonly name: string,
    private readonly options: CsvOptions,
    private readonly categories: Set<string>,
  ) {
    this.parser = new CsvParser(name, options);
    this.missing = new Set(options.missing ?? MISSING);
    this.toSkip = options.skip ?? 0;
  }

  /** Takes more text. False when a column has turned out to be of categories: nothing more needs to come. */
  push(text: string): boolean {
    if (text.includes(this.options.quote ?? '"') || LONE_RETURN.test(text)) this.parse(text);
    else this.takePlain(text);
    return !this.isMistaken;
  }

  /**
   * The same for text without quotes: lines that are whole, which is nearly all there are, are read from where they stand. What
   * comes before the first of them and behind the last goes the long way.
   */
  private takePlain(text: string): void {
    let at = 0;
    while (at < text.length && !this.isMistaken && (!this.parser.isIdle || this.layout === null)) {
      const end = text.indexOf('\n', at);
      const to = end < 0 ? text.length : end + 1;
      this.parse(text.slice(at, to));
      at = to;
    }
    const last = text.lastIndexOf('\n') + 1;
    let lines = 0;
    const from = this.parser.nextLine;
    while (at < last && !this.isMistaken) {
      const end = text.indexOf('\n', at);
      const isReturn = text.charCodeAt(end - 1) === 13;
      const to = isReturn && end > at ? end - 1 : end;
      if (to > at) this.takeLine(text, at, to, from + lines);
      lines++;
      at = end + 1;
    }
    this.parser.skipLines(lines);
    if (at < text.length) this.parse(text.slice(at));
  }

  private parse(text: string): void {
    for (const record of this.parser.push(text)) if (!this.isMistaken) this.take(record);
  }

  /** The record from `at` up to `end`, which holds neither quotes nor the end of a line. */
  private takeLine(text: string, at: number, end: number, line: number): void {
    const { columns, width } = this.layout as Layout;
    const delimiter = (this.options.delimiter ?? ',').charCodeAt(0);
    let next = 0;
    let from = at;
    for (let field = 0; ; field++) {
      let to = from;
      while (to < end && text.charCodeAt(to) !== delimiter) to++;
      const column = columns[next];
      if (column?.at === field) {
        next++;
        const number = column.isPlain ? decimal(text, from, to) : Number.NaN;
        if (Number.isNaN(number)) {
          if (!this.takeField(column, text.slice(from, to), line)) return;
        } else column.reader.add(number);
      }
      if (to === end) {
        if (field + 1 !== width) this.refuseWidth(line, width, field + 1);
        this.rows++;
        return;
      }
      from = to + 1;
    }
  }

  /** The table, or null when the file has to be read again. */
  end(): CsvTable | null {
    for (const last of this.isMistaken ? [] : this.parser.end()) this.take(last);
    if (this.isMistaken) return null;
    const { layout, rows } = this;
    if (layout === null || rows === 0) return fail('data', `${this.name}: holds no records.`);
    const features = layout.columns.filter(({ isTarget }) => !isTarget).map(({ reader }) => reader.end());
    const target = (layout.columns.find(({ isTarget }) => isTarget) as Layout['columns'][number]).reader.end();
    const all = new Float32Array(rows * features.length);
    features.forEach(({ values }, f) => {
      for (let i = 0; i < rows; i++) all[i * features.length + f] = values[i] as number;
    });
    return {
      columns: features.map(({ column }) => column),
      features: all,
      target: target.column,
      targets: target.column.type === 'category' ? Int32Array.from(target.values) : Float32Array.from(target.values),
    };
  }

  private take(record: CsvRecord): void {
    if (this.toSkip > 0) {
      this.toSkip--;
      return;
    }
    if (this.layout === null) {
      const hasHeader = this.options.header ?? true;
      this.layout = this.layOut(record, hasHeader ? record.fields : record.fields.map((_, i) => String(i)));
      if (hasHeader) return;
    }
    const { columns, width } = this.layout;
    if (record.fields.length !== width) this.refuseWidth(record.line, width, record.fields.length);
    for (const column of columns) {
      if (!this.takeField(column, record.fields[column.at] as string, record.line)) return;
    }
    this.rows++;
  }

  private refuseWidth(line: number, width: number, found: number): never {
    return fail('format', `${this.name}:${line}: expected ${width} fields, got ${found}.`);
  }

  /** Takes the value of a column; false when it has turned out to be one of categories. */
  private takeField({ reader, isTarget }: Layout['columns'][number], field: string, line: number): boolean {
    const text = field.trim();
    if (isTarget && this.missing.has(text))
      fail('data', `${this.name}:${line}: the target '${reader.name}' is missing.`);
    if (reader.push(text)) return true;
    if (isTarget || this.options.types?.[reader.name] !== undefined) {
      fail('data', `${this.name}:${line}: column '${reader.name}' must hold numbers, got '${text}'.`);
    }
    this.categories.add(reader.name);
    this.isMistaken = true;
    return false;
  }

  private layOut({ line }: CsvRecord, names: readonly string[]): Layout {
    const { target, targetType, types = {}, drop = [] } = this.options;
    const twice = names.find((column, i) => names.indexOf(column) !== i);
    if (twice !== undefined) fail('format', `${this.name}:${line}: two columns are called '${twice}'.`);
    const place = (column: string): number => {
      const at = names.indexOf(column);
      if (at >= 0) return at;
      return fail('argument', `${this.name}: there is no column '${column}'. There are ${names.join(', ')}.`);
    };
    const targetAt = typeof target === 'string' ? place(target) : this.counted(names, target ?? -1);
    const dropped = new Set(drop.map(place));
    for (const column of Object.keys(types)) place(column);
    const missesNumbers = [...this.missing].some((text) => NUMBER.test(text));
    const columns = names
      .map((column, at) => {
        const isTarget = at === targetAt;
        const guess = isTarget ? (targetType ?? 'category') : this.categories.has(column) ? 'category' : 'number';
        const reader = new ColumnReader(column, types[column] ?? guess, this.missing);
        return { at, isTarget, reader, isPlain: reader.type === 'number' && !missesNumbers };
      })
      .filter(({ at, isTarget }) => isTarget || !dropped.has(at));
    return { columns, width: names.length };
  }

  private counted(names: readonly string[], target: number): number {
    const at = target < 0 ? target + names.length : target;
    if (!Number.isInteger(at) || at < 0 || at >= names.length) {
      fail('argument', `${this.name}: target ${target} is none of the ${names.length} columns.`);
    }
    return at;
  }
}
