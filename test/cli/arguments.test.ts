import { describe, expect, it } from 'vitest';
import { OPTIONS, readArguments } from '../../src/cli/arguments.js';
import { HELP, nearest, typed, UsageError } from '../../src/cli/usage.js';

const read = (line: string) => readArguments(line.split(' ').filter((word) => word !== ''));

const DEFAULTS = { data: 'digits', seed: 0, epochs: null, quick: false, out: null, resume: false };

describe('readArguments', () => {
  it.each([
    ['demo', {}],
    ['demo --seed 7 --epochs 12 --quick', { seed: 7, epochs: 12, quick: true }],
    ['demo --seed=7 --epochs=12', { seed: 7, epochs: 12 }],
    ['demo --data mnist:../data/mnist --out runs/a', { data: 'mnist:../data/mnist', out: 'runs/a' }],
    ['demo --data=fashion:C:\\data', { data: 'fashion:C:\\data' }],
    ['demo --out=a=b', { out: 'a=b' }],
    ['demo --out -odd', { out: '-odd' }],
    ['demo --seed 1 --seed 2', { seed: 2 }],
    ['demo --seed 9007199254740991', { seed: 2 ** 53 - 1 }],
    ['demo --resume', { resume: true }],
    ['demo --resume --json', { resume: true }],
    ['demo --resume runs/a', { resume: 'runs/a' }],
    ['demo --resume=runs/a --out b', { resume: 'runs/a', out: 'b' }],
  ])('%s', (line, expected) => {
    expect(read(line)).toEqual({
      name: 'demo',
      json: line.includes('--json'),
      options: { ...DEFAULTS, ...expected },
    });
  });

  it.each([
    ['eval m.safetensors', { file: 'm.safetensors', data: null, json: false }],
    ['eval --json m.safetensors --data digits', { file: 'm.safetensors', data: 'digits', json: true }],
    ['eval -- --odd.safetensors', { file: '--odd.safetensors', data: null, json: false }],
  ])('%s', (line, expected) => {
    expect(read(line)).toEqual({ name: 'eval', ...expected });
  });

  it.each(['', 'help', '--help', '-h', 'demo --help', 'demo -h --seed 3', 'eval --help', 'eval -h', 'help demo'])(
    "'%s' is help",
    (line) => {
      expect(read(line)).toEqual({ name: 'help' });
    },
  );

  it.each(['--version', '-v', 'demo --version', 'eval -v'])("'%s' is the version", (line) => {
    expect(read(line)).toEqual({ name: 'version' });
  });
});

describe('a wrong argument gets one line that says what to type', () => {
  const wrong: [line: string, message: string][] = [
    ['dmeo', "unknown command 'dmeo'. Did you mean fettle demo?"],
    ['evla x', "unknown command 'evla'. Did you mean fettle eval?"],
    ['train', "unknown command 'train'. Type fettle demo, or fettle --help for all."],
    ['--quick', 'a command comes first. Type fettle demo --quick, or fettle --help for all.'],
    ['demo --sed 3', 'demo has no option --sed. Did you mean --seed?'],
    ['demo --no-json', 'demo has no option --no-json. Did you mean --json?'],
    ['demo --threads 2', 'demo has no option --threads. It has --help, --version, --json, --data, --seed, --epochs,'],
    ['demo -x', 'demo has no option -x. It has --help'],
    ['demo -quick', 'demo has no option -quick. Did you mean --quick?'],
    ['demo --__proto__', 'demo has no option --__proto__.'],
    ['demo --constructor', 'demo has no option --constructor.'],
    ['eval m --seed 3', 'eval has no option --seed. It has --help, --version, --json, --data.'],
    ['demo --seed', '--seed needs a value. For example --seed 3.'],
    ['demo --seed --quick', '--seed needs a value. For example --seed 3.'],
    ['demo --seed=', '--seed needs a value.'],
    ['demo --out', '--out needs a value. For example --out runs/mine.'],
    ['demo --data', '--data needs a value. For example --data mnist:path/to/folder.'],
    ['demo --resume=', '--resume needs a value.'],
    ['demo --quick=yes', "--quick takes no value, got 'yes'."],
    ['demo --seed -1', "--seed takes a whole number ≥ 0, got '-1'. For example --seed 3."],
    ['demo --seed 1.5', "--seed takes a whole number ≥ 0, got '1.5'."],
    ['demo --seed 1e3', "--seed takes a whole number ≥ 0, got '1e3'."],
    ['demo --seed 0x10', "--seed takes a whole number ≥ 0, got '0x10'."],
    ['demo --seed 9007199254740992', "--seed takes a whole number ≥ 0, got '9007199254740992'."],
    ['demo --epochs 0', "--epochs takes a whole number ≥ 1, got '0'. For example --epochs 3."],
    ['demo --epochs many', "--epochs takes a whole number ≥ 1, got 'many'."],
    [
      'demo --data mnist',
      "--data takes digits | mnist:DIR | fashion:DIR, got 'mnist'. For example --data mnist:path/to/folder.",
    ],
    ['demo --data mnist:', "got 'mnist:'"],
    ['demo --data Digits', "got 'Digits'"],
    ['demo digits', "demo takes no 'digits'. Options begin with --; see fettle --help."],
    ['demo --quick true', "demo takes no 'true'."],
    [
      'demo --resume --seed 1 --quick',
      '--resume goes on with the options of the interrupted run; leave out --seed, --quick.',
    ],
    ['eval', 'eval needs a model file. For example fettle eval runs/…/teacher.safetensors.'],
    ['eval a b', "eval takes one file, got 'a' and 'b'."],
    ['eval a --data cifar', "got 'cifar'"],
  ];
  it.each(wrong)('%s', (line, message) => {
    let error: unknown;
    try {
      read(line);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain('\n');
  });
});

describe('help', () => {
  it('tells of every command and option, and of no other', () => {
    const told = new Set(HELP.match(/--[a-z]+/g));
    const options = Object.values(OPTIONS).flatMap((of) => Object.keys(of).map((key) => `--${key}`));
    expect([...told].sort()).toEqual([...new Set(options)].sort());
    for (const command of Object.keys(OPTIONS)) expect(HELP).toContain(`fettle ${command}`);
  });

  it('lists under each command what that command takes', () => {
    const [, demo, evaluation] = HELP.split(/Options of \w+\n/) as [string, string, string];
    const listed = (text: string) => (text.match(/^ {2}--[a-z]+/gm) ?? []).map((flag) => flag.trim().slice(2));
    const shared = ['help', 'version'];
    expect(listed(demo).sort()).toEqual(
      Object.keys(OPTIONS.demo)
        .filter((key) => !shared.includes(key))
        .sort(),
    );
    expect(listed(evaluation).sort()).toEqual(
      Object.keys(OPTIONS.eval)
        .filter((key) => !shared.includes(key))
        .sort(),
    );
  });

  it('fits a terminal of 100 columns and ends with a line break', () => {
    for (const line of HELP.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(HELP.endsWith('\n')).toBe(true);
  });
});

describe('words', () => {
  it('are found by their nearest spelling, swapped neighbours counting once', () => {
    expect(nearest('dmeo', ['demo', 'eval'])).toBe('demo');
    expect(nearest('--epoch', ['--epochs', '--seed'])).toBe('--epochs');
    expect(nearest('--ouput', ['--out', '--quick'])).toBe('--out');
    expect(nearest('bench', ['demo', 'eval'])).toBeUndefined();
    expect(nearest('', ['demo'])).toBeUndefined();
  });

  it('are those that started the command', () => {
    expect(typed('demo', '--resume', {})).toBe('fettle demo --resume');
    expect(typed('demo', '--resume', { npm_lifecycle_event: 'start' })).toBe('npm start -- --resume');
    expect(typed('eval', 'a', { npm_lifecycle_event: 'start' })).toBe('npm start -- eval a');
  });
});
