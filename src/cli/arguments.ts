import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { DemoOptions } from './demo/demo.js';
import { DATA_HELP, isDataName } from './demo/source.js';
import { nearest, UsageError } from './usage.js';

/** What was asked for. */
export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  | { readonly name: 'demo'; readonly options: DemoOptions; readonly json: boolean }
  | { readonly name: 'eval'; readonly file: string; readonly data: string | null; readonly json: boolean };

type Options = NonNullable<ParseArgsConfig['options']>;

const SHARED = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
  json: { type: 'boolean' },
  data: { type: 'string' },
} as const satisfies Options;

const DEMO = {
  ...SHARED,
  seed: { type: 'string' },
  epochs: { type: 'string' },
  quick: { type: 'boolean' },
  out: { type: 'string' },
  resume: { type: 'string' },
} as const satisfies Options;

const COMMANDS = ['demo', 'eval'];

/** Throws a UsageError that names the option meant, where Node only says that one is unknown. */
function parse<O extends Options>(args: readonly string[], options: O) {
  const known = Object.keys(options).map((key) => `--${key}`);
  for (const arg of args) {
    const [flag = ''] = arg.split('=');
    if (!flag.startsWith('--') || flag === '--' || known.includes(flag)) continue;
    const meant = nearest(flag, known);
    throw new UsageError(
      `unknown option ${flag}. ${meant === undefined ? `Known are ${known.join(', ')}.` : `Did you mean ${meant}?`}`,
    );
  }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('\n')[0]}`);
  }
}

function wholeNumber(flag: string, text: string | undefined, least: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) {
    throw new UsageError(
      `${flag} takes a whole number ≥ ${least}, got '${text}'. For example ${flag} ${Math.max(least, 3)}.`,
    );
  }
  return value;
}

function dataName(text: string | undefined): string | null {
  if (text === undefined || isDataName(text)) return text ?? null;
  throw new UsageError(`--data takes ${DATA_HELP}, got '${text}'. For example --data mnist:path/to/folder.`);
}

/** `--resume` may stand alone: then the latest unfinished run is meant. */
function withResumeValue(args: readonly string[]): string[] {
  return args.map((arg, i) => {
    const next = args[i + 1];
    return arg === '--resume' && (next === undefined || next.startsWith('-')) ? '--resume=' : arg;
  });
}

/** Reads the command line. Throws a UsageError with one helpful line. */
export function readArguments(argv: readonly string[]): Command {
  const [first, ...rest] = argv;
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') return { name: 'help' };
  if (first === '--version' || first === '-v') return { name: 'version' };
  if (first === 'demo') return readDemo(rest);
  if (first === 'eval') return readEval(rest);
  const meant = nearest(first, COMMANDS);
  throw new UsageError(
    `unknown command '${first}'. ${meant === undefined ? `Type fettle demo, or fettle --help for all.` : `Did you mean fettle ${meant}?`}`,
  );
}

function readDemo(args: readonly string[]): Command {
  const { values, positionals } = parse(withResumeValue(args), DEMO);
  if (values.help) return { name: 'help' };
  if (values.version) return { name: 'version' };
  if (positionals.length > 0)
    throw new UsageError(`demo takes no '${positionals[0]}'. Options begin with --; see fettle --help.`);
  const resume = values.resume === undefined ? false : values.resume === '' ? true : values.resume;
  const given = ['data', 'seed', 'epochs', 'quick'].filter((key) => values[key as keyof typeof values] !== undefined);
  if (resume !== false && given.length > 0) {
    throw new UsageError(
      `--resume goes on with the options of the interrupted run; leave out ${given.map((key) => `--${key}`).join(', ')}.`,
    );
  }
  return {
    name: 'demo',
    json: values.json ?? false,
    options: {
      data: dataName(values.data) ?? 'digits',
      seed: wholeNumber('--seed', values.seed, 0) ?? 0,
      epochs: wholeNumber('--epochs', values.epochs, 1),
      quick: values.quick ?? false,
      out: values.out ?? null,
      resume,
    },
  };
}

function readEval(args: readonly string[]): Command {
  const { values, positionals } = parse(args, SHARED);
  if (values.help) return { name: 'help' };
  if (values.version) return { name: 'version' };
  const [file, extra] = positionals;
  if (file === undefined)
    throw new UsageError('eval needs a model file. For example fettle eval runs/…/teacher.safetensors.');
  if (extra !== undefined) throw new UsageError(`eval takes one file, got '${file}' and '${extra}'.`);
  return { name: 'eval', file, data: dataName(values.data), json: values.json ?? false };
}
