/**
 * What a stream can show, and how wide text is on it. Everything the command line prints asks here first, so that a
 * terminal gets colour and redrawing, and a pipe or a log file gets plain lines without one control character.
 */
import { stripVTControlCharacters } from 'node:util';

/** The part of a Node stream that the command line needs; `process.stdout` and `process.stderr` are of this shape. */
export interface TerminalStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What a stream can show. */
export interface TerminalStyle {
  /** Lines can be redrawn in place. */
  readonly interactive: boolean;
  /** ANSI colours are welcome. */
  readonly color: boolean;
  /** Box-drawing and typographic characters are welcome; otherwise ASCII only. */
  readonly unicode: boolean;
  /** Width in character cells. */
  readonly columns: number;
}

/** The environment variables that matter here; `process.env` is of this shape. */
export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_COLUMNS = 80;

/**
 * Reads what `stream` can show. `NO_COLOR` (no-color.org: any non-empty value) turns colour off and leaves redrawing
 * on; `TERM=dumb` turns both off.
 */
export function terminalStyle(stream: TerminalStream, env: Environment = process.env): TerminalStyle {
  const interactive = stream.isTTY === true && env.TERM !== 'dumb';
  return {
    interactive,
    color: interactive && !env.NO_COLOR,
    unicode: interactive && localeSpeaksUnicode(env),
    columns: stream.columns !== undefined && stream.columns > 0 ? stream.columns : DEFAULT_COLUMNS,
  };
}

/** An unset locale counts as UTF-8: containers rarely set one, and their terminals show UTF-8 all the same. */
function localeSpeaksUnicode(env: Environment): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG;
  return !locale || /utf-?8/i.test(locale);
}

const SGR = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** A colour or weight from the terminal's own 16-colour theme, so that it suits light and dark terminals alike. */
export type Paint = keyof typeof SGR;

/** Wraps `text` in the escape codes of `paint`, or returns it unchanged where colour is off. */
export function paint(text: string, how: Paint, color: boolean): string {
  if (!color || text === '') return text;
  const code = SGR[how];
  return `\u001b[${code}m${text}\u001b[${code < 10 ? 22 : 39}m`;
}

/** Width of `text` in character cells: escape codes and combining marks take none, East Asian wide characters two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += characterWidth(character.codePointAt(0) ?? 0);
  return width;
}

function characterWidth(code: number): number {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 0;
  if ((code >= 0x300 && code <= 0x36f) || (code >= 0x200b && code <= 0x200f)) return 0;
  if (code >= 0xfe00 && code <= 0xfe0f) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}

/** Pads `text` with spaces to `width` cells; longer text is returned unchanged. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + space : space + text;
}

/** Cuts plain text (no escape codes) to `width` cells, the last of which say that something was cut. */
export function truncate(text: string, width: number, ellipsis = '…'): string {
  if (displayWidth(text) <= width) return text;
  const room = width - displayWidth(ellipsis);
  if (room <= 0) return '.'.repeat(Math.max(0, width));
  let kept = '';
  let used = 0;
  for (const character of text) {
    const cells = characterWidth(character.codePointAt(0) ?? 0);
    if (used + cells > room) break;
    kept += character;
    used += cells;
  }
  return kept.trimEnd() + ellipsis;
}

const ASCII: Readonly<Record<string, string>> = {
  '×': 'x',
  '–': '-',
  '—': '-',
  '−': '-',
  '…': '...',
  '✓': '*',
  '→': '->',
  '≤': '<=',
  '≥': '>=',
  '·': '|',
  µ: 'u',
  '\u00a0': ' ',
  '\u202f': ' ',
};

/** Replaces the typographic characters that this project prints by ASCII; letters of names are left alone. */
export function toAscii(text: string): string {
  return text.replace(/[×–—−…✓→≤≥·µ\u00a0\u202f]/g, (character) => ASCII[character] ?? character);
}

/**
 * Makes text from outside fit for one terminal line: escape codes and control characters could move the cursor, and a
 * line break would tear a bar apart.
 */
export function singleLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing control characters is the purpose.
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
