import { DATA_HELP, isDataName } from './demo/source.js';
import type { Progress } from './progress.js';
import type { TerminalStream } from './terminal.js';
import { nearest, UsageError } from './usage.js';

/** Reading the arguments of one command, and what a command is. */

/** A switch takes no value; others say with an example what theirs may be, and some may be given without one. */
export interface Option {
  readonly short?: string;
  readonly example?: string;
  readonly mayBeAlone?: true;
}

export type Options = Readonly<Record<string, Option>>;

/** Texts of the options that were given; '' for one without a value. */
export type Values = Readonly<Record<string, string | undefined>>;

export interface Parsed {
  readonly values: Values;
  readonly positionals: readonly string[];
}

/** What a command works with. */
export interface Shell {
  readonly stream: TerminalStream;
  readonly json: boolean;
  /** On what a command with that option computes. */
  readonly device: 'wasm' | 'webgpu' | 'auto';
  readonly progress: Progress;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** A command: its options, how they are read, and what it does. */
export interface Entry<Asked extends object> {
  readonly options: Options;
  /** Throws a UsageError with one line that says what to type instead. */
  read(parsed: Parsed): Asked;
  run(asked: Asked, shell: Shell): Promise<void>;
  /** What the user types to go on after Ctrl-C, if there is anything to go on with. */
  goOn?(asked: Asked): string;
}

/** Options that every command has. */
export const SHARED = {
  help: { short: '-h' },
  version: { short: '-v' },
  json: {},
} as const satisfies Options;

/** What commands compute with: see machine.ts. A GPU is for those that need not look at weights, for which it would have to wait. */
export const THREADS = { threads: { example: 'auto' } } as const satisfies Options;
export const DEVICE = { device: { example: 'webgpu' } } as const satisfies Options;

/** Options of commands that compute on data. */
export const COMPUTING = {
  ...SHARED,
  ...THREADS,
  data: { example: 'mnist:path/to/folder' },
} as const satisfies Options;

function unknownOption(command: string, flag: string, options: Options): never {
  const known = Object.keys(options).map((key) => `--${key}`);
  const meant = nearest(flag, known);
  throw new UsageError(
    `${command} has no option ${flag}. ${meant === undefined ? `It has ${known.join(', ')}.` : `Did you mean ${meant}?`}`,
  );
}

/** Sorts arguments into options and the rest; what follows `--` is no option. */
export function parse(command: string, options: Options, args: readonly string[]): Parsed {
  const values: Record<string, string> = {};
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const positionals = args.slice(end + 1);
  for (let i = 0; i < end; i++) {
    const arg = args[i] as string;
    if (!/^-./.test(arg)) {
      positionals.push(arg);
      continue;
    }
    const [, flag, given] = /^([^=]*)(?:=(.*))?$/s.exec(arg) as unknown as [string, string, string | undefined];
    const found = Object.entries(options).find(([key, { short }]) => flag === `--${key}` || flag === short);
    if (found === undefined) return unknownOption(command, flag, options);
    const [key, { example, mayBeAlone }] = found;
    if (example === undefined) {
      if (given !== undefined) throw new UsageError(`${flag} takes no value, got '${given}'.`);
      values[key] = '';
      continue;
    }
    const next = args[i + 1];
    // A value that begins with one dash may be meant: a negative number, which is then refused for what it is.
    const isValue = i + 1 < end && next !== undefined && !next.startsWith(mayBeAlone ? '-' : '--');
    if (given === undefined && isValue) i++;
    const value = given ?? (isValue ? next : '');
    if (value === '' && !(mayBeAlone && given === undefined)) {
      throw new UsageError(`${flag} needs a value. For example ${flag} ${example}.`);
    }
    values[key] = value;
  }
  return { values, positionals };
}

export function wholeNumber(flag: string, text: string | undefined, least: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw new UsageError(
      `${flag} takes a whole number ≥ ${least}, got '${text}'. For example ${flag} ${Math.max(least, 3)}.`,
    );
  }
  return value;
}

/** A decimal number in a range, of which the upper end is not part. */
export function decimal(
  flag: string,
  text: string | undefined,
  { least, below = Infinity, example }: { least: number; below?: number; example: string },
): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!/^\d*\.?\d+(e-?\d+)?$/i.test(text) || !(value >= least && value < below)) {
    const range = below === Infinity ? `a number ≥ ${least}` : `a number in [${least}, ${below})`;
    throw new UsageError(`${flag} takes ${range}, got '${text}'. For example ${flag} ${example}.`);
  }
  return value;
}

/** One of some words; `other` says what may be given besides, which the caller looks for. */
export function oneOf<Word extends string>(
  flag: string,
  text: string | undefined,
  words: readonly Word[],
  other?: string,
): Word | null {
  if (text === undefined) return null;
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  const meant = nearest(text, words);
  const all = other === undefined ? words : [...words, other];
  throw new UsageError(
    `${flag} takes ${all.join(' | ')}, got '${text}'. ${meant === undefined ? `For example ${flag} ${words[0]}.` : `Did you mean ${meant}?`}`,
  );
}

/** The name of a data set; with `every` of all kinds, else of those that the demonstration takes. */
export function dataName(text: string | undefined, { every = false }: { every?: boolean } = {}): string | null {
  if (text === undefined || isDataName(text) || (every && (isCsvName(text) || isFilesName(text)))) return text ?? null;
  const help = every ? ALL_DATA_HELP : DATA_HELP;
  throw new UsageError(`--data takes ${help}, got '${text}'. For example --data ${COMPUTING.data.example}.`);
}

export const ALL_DATA_HELP = `${DATA_HELP} | cifar10:DIR | folder:DIR | csv:FILE`;

function isFilesName(data: string): boolean {
  return /^(cifar10|folder):./.test(data);
}

export function isCsvName(data: string): boolean {
  return /^csv:./.test(data);
}

/** The one file that a command takes. */
export function oneFile(command: string, { positionals }: Parsed, example: string): string {
  const [file, extra] = positionals;
  if (file === undefined)
    throw new UsageError(`${command} needs a model file. For example fettle ${command} ${example}.`);
  if (extra !== undefined) throw new UsageError(`${command} takes one file, got '${file}' and '${extra}'.`);
  return file;
}

/** Refuses what is not an option. */
export function noPositionals(command: string, { positionals }: Parsed): void {
  if (positionals.length > 0) {
    throw new UsageError(`${command} takes no '${positionals[0]}'. Options begin with --; see fettle --help.`);
  }
}
