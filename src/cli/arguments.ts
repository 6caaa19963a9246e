import { benchCommand } from './commands/bench.js';
import { convertCommand } from './commands/convert.js';
import { demoCommand } from './commands/demo.js';
import { distillCommand } from './commands/distill.js';
import { evalCommand } from './commands/eval.js';
import { profileCommand } from './commands/profile.js';
import { pruneCommand } from './commands/prune.js';
import { quantizeCommand } from './commands/quantize.js';
import { searchCommand } from './commands/search.js';
import { trainCommand } from './commands/train.js';
import { type Machine, machineOf } from './machine.js';
import { type Entry, type Options, parse } from './options.js';
import { nearest, UsageError } from './usage.js';

/** Every command, in the order of the help. */
export const COMMANDS = {
  demo: demoCommand,
  train: trainCommand,
  eval: evalCommand,
  profile: profileCommand,
  prune: pruneCommand,
  distill: distillCommand,
  quantize: quantizeCommand,
  search: searchCommand,
  convert: convertCommand,
  bench: benchCommand,
} as const;

type Name = keyof typeof COMMANDS;

/** What was asked for. */
export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  | {
      [N in Name]: { readonly name: N; readonly json: boolean; readonly machine: Machine } & ReturnType<
        (typeof COMMANDS)[N]['read']
      >;
    }[Name];

/** The options of each command: what `--help` has to tell of. */
export const OPTIONS = Object.fromEntries(
  Object.entries(COMMANDS).map(([name, { options }]) => [name, options]),
) as unknown as Readonly<Record<Name, Options>>;

/** The command of that name. */
export function entryOf(name: Name): Entry<object> {
  return COMMANDS[name];
}

/** Reads the command line. Throws a UsageError with one helpful line. */
export function readArguments(argv: readonly string[]): Command {
  const [first, ...rest] = argv;
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') return { name: 'help' };
  if (first === '--version' || first === '-v') return { name: 'version' };
  if (Object.hasOwn(COMMANDS, first)) {
    const name = first as Name;
    const parsed = parse(name, OPTIONS[name], rest);
    if (parsed.values.help !== undefined) return { name: 'help' };
    if (parsed.values.version !== undefined) return { name: 'version' };
    const { values } = parsed;
    return {
      name,
      json: values.json !== undefined,
      machine: machineOf(values),
      ...COMMANDS[name].read(parsed),
    } as Command;
  }
  if (first.startsWith('-')) {
    throw new UsageError(`a command comes first. Type fettle demo ${argv.join(' ')}, or fettle --help for all.`);
  }
  const meant = nearest(first, Object.keys(COMMANDS));
  throw new UsageError(
    `unknown command '${first}'. ${meant === undefined ? `Type fettle demo, or fettle --help for all.` : `Did you mean fettle ${meant}?`}`,
  );
}
