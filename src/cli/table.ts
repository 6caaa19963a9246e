/** Tables for people, on whatever a stream can show. */
import { MISSING } from '../compress/choosing/figures.js';
import { displayWidth, pad, paint, singleLine, type TerminalStyle, toAscii, truncate } from './terminal.js';

export * from '../compress/choosing/figures.js';

/** What a cell may hold. A number without a `format` is printed as JavaScript prints it. */
export type Cell = string | number | null | undefined;

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => Cell;
  /** Prints a number; strings pass untouched. */
  readonly format?: (value: number) => string;
  /** Default: right where every cell that holds something holds a number, left elsewhere. */
  readonly align?: 'left' | 'right';
}

export interface TableOptions<Row = unknown> {
  /** Rules from box-drawing characters; otherwise hyphens, and typographic characters become ASCII. Default false. */
  readonly unicode?: boolean;
  /** Default false. */
  readonly color?: boolean;
  /** Widest line allowed, in cells: left-aligned columns are shortened to fit, the widest first. Default: no limit. */
  readonly columns?: number;
  /** Rows to print in bold, such as the recommended one. */
  readonly emphasize?: (row: Row) => boolean;
}

/** Narrower than this a shortened column tells nothing, so it is left to overflow instead. */
const NARROWEST_COLUMN = 8;

/**
 * Lays `rows` out under the titles of `columns`. Returns lines joined by '\n', without a final line break.
 *
 * Pass what `terminalStyle(stream)` gives (leaving out `columns` for a pipe, where a log should keep whole words).
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions<Row> = {},
): string {
  const { unicode = false, color = false } = options;
  const speak = unicode ? (text: string) => text : toAscii;
  const gap = '  ';
  const laidOut = columns.map((column) => {
    const values = rows.map((row) => column.value(row));
    const present = values.filter((value) => value !== null && value !== undefined && value !== '');
    const numeric = present.length > 0 && present.every((value) => typeof value === 'number');
    const cells = values.map((value) => speak(printCell(value, column.format)));
    const title = speak(column.title);
    const width = Math.max(displayWidth(title), ...cells.map(displayWidth));
    return { title, cells, width, align: column.align ?? (numeric ? 'right' : 'left') };
  });
  shrinkToFit(laidOut, options.columns, gap.length);

  const ellipsis = unicode ? '…' : '..';
  const row = (pick: (column: (typeof laidOut)[number]) => string) =>
    laidOut
      .map((column) => pad(truncate(pick(column), column.width, ellipsis), column.width, column.align))
      .join(gap)
      .trimEnd();
  const rule = laidOut.map((column) => (unicode ? '─' : '-').repeat(column.width)).join(unicode ? '──' : gap);
  const body = rows.map((item, index) => {
    const text = row((column) => column.cells[index] ?? '');
    return options.emphasize?.(item) ? paint(text, 'bold', color) : text;
  });
  const head = paint(
    row((column) => column.title),
    'dim',
    color,
  );
  const closing = unicode ? [paint(rule, 'dim', color)] : [];
  return [head, paint(rule, 'dim', color), ...body, ...closing].join('\n');
}

/** Options of `formatTable` for a stream: rules, colour and, on a terminal only, its width. */
export function tableOptions(style: TerminalStyle): Pick<TableOptions, 'unicode' | 'color' | 'columns'> {
  const { unicode, color, interactive, columns } = style;
  return interactive ? { unicode, color, columns } : { unicode, color };
}

function printCell(value: Cell, format: ((value: number) => string) | undefined): string {
  if (value === null || value === undefined) return MISSING;
  if (typeof value === 'string') return singleLine(value);
  if (format) return format(value);
  return Number.isFinite(value) ? String(value) : MISSING;
}

function shrinkToFit(
  columns: { width: number; readonly align: 'left' | 'right' }[],
  limit: number | undefined,
  gap: number,
): void {
  if (limit === undefined) return;
  let excess = columns.reduce((sum, column) => sum + column.width, gap * (columns.length - 1)) - limit;
  while (excess > 0) {
    const shrinkable = columns.filter((column) => column.align === 'left' && column.width > NARROWEST_COLUMN);
    const widest = shrinkable.reduce<(typeof columns)[number] | undefined>(
      (best, column) => (best === undefined || column.width > best.width ? column : best),
      undefined,
    );
    if (widest === undefined) return;
    widest.width--;
    excess--;
  }
}
