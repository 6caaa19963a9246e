import type { DemoOptions } from './demo/demo.js';
import { DATA_HELP, isDataName } from './demo/source.js';
import { nearest, UsageError } from './usage.js';

/** What was asked for. */
export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  | { readonly name: 'demo'; readonly options: DemoOptions; readonly json: boolean }
  | { readonly name: 'eval'; readonly file: string; readonly data: string | null; readonly json: boolean };

/** A switch takes no value; others say with an example what theirs may be, and some may be given without one. */
interface Option {
  readonly short?: string;
  readonly example?: string;
  readonly mayBeAlone?: true;
}

type Options = Readonly<Record<string, Option>>;

const SHARED = {
  help: { short: '-h' },
  version: { short: '-v' },
  json: {},
  data: { example: 'mnist:path/to/folder' },
} as const satisfies Options;

const DEMO = {
  ...SHARED,
  seed: { example: '3' },
  epochs: { example: '20' },
  quick: {},
  out: { example: 'runs/mine' },
  // Alone, it means the latest unfinished run.
  resume: { example: 'runs/mine', mayBeAlone: true },
} as const satisfies Options;

/** The options of each command: what `--help` has to tell of. */
export const OPTIONS: Readonly<Record<'demo' | 'eval', Options>> = { demo: DEMO, eval: SHARED };

interface Parsed {
  /** Texts of the options that were given; '' for one without a value. */
  readonly values: Readonly<Record<string, string>>;
  readonly positionals: readonly string[];
}

function unknownOption(command: string, flag: string, options: Options): never {
  const known = Object.keys(options).map((key) => `--${key}`);
  const meant = nearest(flag, known);
  throw new UsageError(
    `${command} has no option ${flag}. ${meant === undefined ? `It has ${known.join(', ')}.` : `Did you mean ${meant}?`}`,
  );
}

/** Sorts arguments into options and the rest; what follows `--` is no option. */
function parse(command: keyof typeof OPTIONS, args: readonly string[]): Parsed {
  const options = OPTIONS[command];
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

function wholeNumber(flag: string, text: string | undefined, least: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw new UsageError(
      `${flag} takes a whole number ≥ ${least}, got '${text}'. For example ${flag} ${Math.max(least, 3)}.`,
    );
  }
  return value;
}

function dataName(text: string | undefined): string | null {
  if (text === undefined || isDataName(text)) return text ?? null;
  throw new UsageError(`--data takes ${DATA_HELP}, got '${text}'. For example --data ${SHARED.data.example}.`);
}

/** Reads the command line. Throws a UsageError with one helpful line. */
export function readArguments(argv: readonly string[]): Command {
  const [first, ...rest] = argv;
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') return { name: 'help' };
  if (first === '--version' || first === '-v') return { name: 'version' };
  if (first === 'demo') return readDemo(rest);
  if (first === 'eval') return readEval(rest);
  if (first.startsWith('-')) {
    throw new UsageError(`a command comes first. Type fettle demo ${argv.join(' ')}, or fettle --help for all.`);
  }
  const meant = nearest(first, Object.keys(OPTIONS));
  throw new UsageError(
    `unknown command '${first}'. ${meant === undefined ? `Type fettle demo, or fettle --help for all.` : `Did you mean fettle ${meant}?`}`,
  );
}

function readDemo(args: readonly string[]): Command {
  const { values, positionals } = parse('demo', args);
  if (values.help !== undefined) return { name: 'help' };
  if (values.version !== undefined) return { name: 'version' };
  if (positionals.length > 0)
    throw new UsageError(`demo takes no '${positionals[0]}'. Options begin with --; see fettle --help.`);
  const resume = values.resume === undefined ? false : values.resume === '' ? true : values.resume;
  const given = ['data', 'seed', 'epochs', 'quick'].filter((key) => values[key] !== undefined);
  if (resume !== false && given.length > 0) {
    throw new UsageError(
      `--resume goes on with the options of the interrupted run; leave out ${given.map((key) => `--${key}`).join(', ')}.`,
    );
  }
  return {
    name: 'demo',
    json: values.json !== undefined,
    options: {
      data: dataName(values.data) ?? 'digits',
      seed: wholeNumber('--seed', values.seed, 0) ?? 0,
      epochs: wholeNumber('--epochs', values.epochs, 1),
      quick: values.quick !== undefined,
      out: values.out ?? null,
      resume,
    },
  };
}

function readEval(args: readonly string[]): Command {
  const { values, positionals } = parse('eval', args);
  if (values.help !== undefined) return { name: 'help' };
  if (values.version !== undefined) return { name: 'version' };
  const [file, extra] = positionals;
  if (file === undefined)
    throw new UsageError('eval needs a model file. For example fettle eval runs/…/teacher.safetensors.');
  if (extra !== undefined) throw new UsageError(`eval takes one file, got '${file}' and '${extra}'.`);
  return { name: 'eval', file, data: dataName(values.data), json: values.json !== undefined };
}
