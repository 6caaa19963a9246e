import { fail } from '../core/errors.js';

/** Characters in a field beyond which a file is not what it is taken for: it would fill the memory. */
const LONGEST = 2 ** 26;

export interface CsvFormat {
  /** What separates fields. Default ','. */
  readonly delimiter?: string;
  /** What fields that hold delimiters or line breaks are enclosed in; doubled within them. Default '"'. */
  readonly quote?: string;
}

/** A record and the line of the file it begins in, counted from 1. */
export interface CsvRecord {
  readonly line: number;
  readonly fields: string[];
}

enum State {
  /** At the beginning of a field. */
  Begin,
  /** In a field without quotes. */
  Plain,
  Quoted,
  /** Behind a quote within a quoted field: its end, or the first of two that mean one. */
  Closing,
}

/**
 * Comma-separated values (RFC 4180), piece by piece: `push` takes text as it comes, cut anywhere, and gives the records
 * that are complete; `end` gives the last one. Lines end in \n, \r\n or \r; empty lines are left out. Quotes that are not
 * closed, or followed by more than a delimiter, throw an error of code 'format' with the line.
 */
export class CsvParser {
  private readonly delimiter: string;
  private readonly quote: string;
  private state = State.Begin;
  private field = '';
  private fields: string[] = [];
  private line = 1;
  private firstLine = 1;
  private quoteLine = 1;
  private begun = false;
  /** The last character of a quoted field so far: \r\n may be cut in two, and counts as one line. */
  private lastQuoted = '';
  private afterReturn = false;

  constructor(
    private readonly name: string,
    format: CsvFormat = {},
  ) {
    this.delimiter = format.delimiter ?? ',';
    this.quote = format.quote ?? '"';
    if (this.delimiter.length !== 1 || this.quote.length !== 1 || this.delimiter === this.quote) {
      fail('argument', `${name}: delimiter and quote must be two different single characters.`);
    }
  }

  push(text: string): CsvRecord[] {
    const records: CsvRecord[] = [];
    let at = 0;
    if (!this.begun && text.length > 0) {
      this.begun = true;
      // A byte order mark that a decoder left in.
      if (text.charCodeAt(0) === 0xfeff) at = 1;
    }
    while (at < text.length) at = this.step(text, at, records);
    if (this.field.length > LONGEST) {
      fail(
        'format',
        `${this.name}:${this.state === State.Quoted ? this.quoteLine : this.line}: a field of more than ${LONGEST} characters. ` +
          'Is a quote not closed, or is it no table?',
      );
    }
    return records;
  }

  end(): CsvRecord[] {
    if (this.state === State.Quoted) {
      fail('format', `${this.name}:${this.quoteLine}: this quoted field is never closed.`);
    }
    const records: CsvRecord[] = [];
    this.endRecord(records);
    return records;
  }

  /** Whether it stands between two records. */
  get isIdle(): boolean {
    return (
      this.state === State.Begin && this.fields.length === 0 && this.field === '' && this.begun && !this.afterReturn
    );
  }

  /** The line that comes next, counted from 1. */
  get nextLine(): number {
    return this.line;
  }

  /** Goes on behind `lines` lines that the caller has read itself. Only between two records. */
  skipLines(lines: number): void {
    this.line += lines;
    this.firstLine = this.line;
  }

  /** Takes what stands at `at`, and returns where the next begins. */
  private step(text: string, at: number, records: CsvRecord[]): number {
    const character = text[at] as string;
    if (this.state === State.Quoted) return this.quoted(text, at);
    if (this.state === State.Closing && character === this.quote) {
      this.field += this.quote;
      this.lastQuoted = this.quote;
      this.state = State.Quoted;
      return at + 1;
    }
    const follows = this.afterReturn && character === '\n';
    this.afterReturn = false;
    // The second half of \r\n.
    if (follows) return at + 1;
    if (character === '\n' || character === '\r') {
      this.afterReturn = character === '\r';
      this.endRecord(records);
      this.line++;
      this.firstLine = this.line;
      return at + 1;
    }
    if (character === this.delimiter) {
      this.endField();
      return at + 1;
    }
    if (this.state === State.Closing) {
      fail(
        'format',
        `${this.name}:${this.line}: expected ${this.delimiter} or the end of the line behind a quoted field, got ${character}.`,
      );
    }
    if (this.state === State.Begin && character === this.quote) {
      this.state = State.Quoted;
      this.quoteLine = this.line;
      this.lastQuoted = '';
      return at + 1;
    }
    // Everything up to the next character that means something is taken in one piece.
    let to = at + 1;
    while (to < text.length) {
      const next = text[to] as string;
      if (next === this.delimiter || next === '\n' || next === '\r') break;
      to++;
    }
    this.field += text.slice(at, to);
    this.state = State.Plain;
    return to;
  }

  private quoted(text: string, at: number): number {
    const close = text.indexOf(this.quote, at);
    const to = close < 0 ? text.length : close;
    const piece = text.slice(at, to);
    for (const { 0: character, index } of piece.matchAll(/[\r\n]/g)) {
      const before = index === 0 ? this.lastQuoted : piece[index - 1];
      if (character === '\r' || before !== '\r') this.line++;
    }
    if (piece.length > 0) this.lastQuoted = piece.slice(-1);
    this.field += piece;
    if (close < 0) return to;
    this.state = State.Closing;
    return to + 1;
  }

  private endField(): void {
    this.fields.push(this.field);
    this.field = '';
    this.state = State.Begin;
  }

  private endRecord(records: CsvRecord[]): void {
    const isEmpty = this.fields.length === 0 && this.field === '' && this.state === State.Begin;
    if (isEmpty) return;
    this.endField();
    records.push({ line: this.firstLine, fields: this.fields });
    this.fields = [];
  }
}

/** All records of a text. */
export function parseCsv(text: string, name = 'CSV', format: CsvFormat = {}): CsvRecord[] {
  const parser = new CsvParser(name, format);
  return [...parser.push(text), ...parser.end()];
}
