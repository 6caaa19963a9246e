import { describe, expect, it } from 'vitest';
import { OPTIONS, readArguments } from '../../src/cli/arguments.js';
import { HELP, nearest, typed, UsageError } from '../../src/cli/usage.js';

const readAll = (line: string) => readArguments(line.split(' ').filter((word) => word !== ''));

/** What a line asks for, but for the machine. */
const read = (line: string) => {
  const { machine: _, ...asked } = { machine: null, ...readAll(line) };
  return asked;
};

const DEFAULTS = { data: 'digits', seed: 0, epochs: null, quick: false, out: null, resume: false };

/** What `train` does without options. */
const TRAIN = {
  data: 'digits',
  model: 'mlp',
  epochs: null,
  lr: 2e-3,
  seed: 0,
  size: null,
  batch: null,
  out: 'mlp.safetensors',
  resume: false,
  distributed: false,
  timeout: 600,
  further: expect.stringMatching(/ train --resume$/),
};

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

  it.each([
    ['train', TRAIN],
    [
      'train --data csv:a.csv --model lenet-300-100 --epochs 3 --lr 1e-3 --seed 2 -o b',
      {
        ...TRAIN,
        data: 'csv:a.csv',
        model: 'lenet-300-100',
        epochs: 3,
        lr: 1e-3,
        seed: 2,
        out: 'b',
        further: expect.stringMatching(/ train --data csv:a.csv .*--out b --resume$/),
      },
    ],
    [
      'train --data folder:a/b --size 64',
      { ...TRAIN, data: 'folder:a/b', size: 64, further: expect.stringMatching(/ --size 64 --resume$/) },
    ],
    [
      'train --distributed --batch 256 --timeout 30 --resume',
      {
        ...TRAIN,
        batch: 256,
        distributed: true,
        timeout: 30,
        resume: true,
        further: expect.stringMatching(/^mpirun … .* train --distributed --batch 256 --timeout 30 --resume$/),
      },
    ],
    ['profile lenet5 --batch 64', { file: 'lenet5', data: null, batch: 64 }],
    [
      'quantize a.safetensors',
      {
        file: 'a.safetensors',
        data: null,
        out: 'a-quantized.safetensors',
        seed: 0,
        step: { quantize: { mode: 'static' } },
      },
    ],
    ['search --resume runs/a', { out: 'runs/a', plan: null }],
  ])('%s', (line, expected) => {
    expect(read(line)).toEqual({ name: line.split(' ')[0], json: false, ...expected });
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
    ['onnx', "unknown command 'onnx'. Type fettle demo, or fettle --help for all."],
    ['--quick', 'a command comes first. Type fettle demo --quick, or fettle --help for all.'],
    ['demo --sed 3', 'demo has no option --sed. Did you mean --seed?'],
    ['demo --no-json', 'demo has no option --no-json. Did you mean --json?'],
    ['demo --workers 2', 'demo has no option --workers. It has --help, --version, --json, --threads, --data, --seed,'],
    ['demo -x', 'demo has no option -x. It has --help'],
    ['demo -quick', 'demo has no option -quick. Did you mean --quick?'],
    ['demo --__proto__', 'demo has no option --__proto__.'],
    ['demo --constructor', 'demo has no option --constructor.'],
    ['eval m --seed 3', 'eval has no option --seed. It has --help, --version, --json, --threads, --data, --device.'],
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
    ['trian', 'Did you mean fettle train?'],
    ['train --model lenet', '--model takes mlp | lenet-300-100 | lenet5 | resnet8 | resnet20'],
    ['train --model lenet-5', 'Did you mean lenet5?'],
    ['train --lr fast', "--lr takes a number ≥ 1e-9, got 'fast'. For example --lr 0.002."],
    ['train digits', "train takes no 'digits'."],
    ['train --data csv:', '--data takes digits | mnist:DIR | fashion:DIR | cifar10:DIR | folder:DIR | csv:FILE'],
    ['demo --data csv:a.csv', "got 'csv:a.csv'"],
    ['demo --data folder:a', "got 'folder:a'"],
    ['train --data folder:', "got 'folder:'"],
    ['train --size 64', '--size goes with --data folder:DIR'],
    ['train --data folder:a --size 4', "--size takes a whole number ≥ 8, got '4'."],
    ['profile', 'profile needs a model file, or one of mlp'],
    ['profile a --batch 0', '--batch takes a whole number ≥ 1'],
    ['prune', 'prune needs a model file. For example fettle prune mlp.safetensors --sparsity 0.9.'],
    ['prune a', 'prune needs --sparsity, the share to remove. For example fettle prune a --sparsity 0.9.'],
    ['prune a --sparsity 1', "--sparsity takes a number in [0, 1), got '1'. For example --sparsity 0.9."],
    ['prune a --sparsity 90%', "got '90%'"],
    ['prune a --sparsity 0.5 --granularity neurons', 'Did you mean neuron?'],
    ['prune a --sparsity 0.5 --importance beauty', '--importance takes magnitude'],
    ['distill a', 'distill needs --student mlp'],
    ['distill a --student mpl', 'Did you mean mlp?'],
    ['distill a --student mlp --alpha 1.5', "--alpha takes a number in [0, 1], got '1.5'"],
    ['quantize a --mode int8', '--mode takes static | dynamic | qat | weights'],
    ['quantize a --mode dynamic --epochs 3', '--epochs belongs to --mode qat, not dynamic.'],
    ['search', 'search needs a model file.'],
    ['search a --objective speed', '--objective takes size | latency | flops'],
    ['search a --max-drop -1', "--max-drop takes a number ≥ 0, got '-1'"],
    ['search a --resume b', '--resume goes on with the file and the options of the interrupted search; leave out a.'],
    ['train --device gpu', "--device takes wasm | webgpu | auto, got 'gpu'."],
    ['train --threads 0', "--threads takes a whole number ≥ 1, got '0'."],
    ['train --distributed --device webgpu', '--device goes without --distributed'],
    ['prune a.safetensors --sparsity 0.5 --device webgpu', 'prune has no option --device.'],
    ['train --model lenet', "resnet20 | transformer | FILE.js, got 'lenet'."],
    ['bench lenet6', "got 'lenet6'. Did you mean lenet5?"],
    ['bench --data digits', 'bench has no option --data.'],
    ['search --resume', '--resume needs a value. For example --resume runs/search.'],
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

describe('the machine', () => {
  it.each([
    ['demo', { threads: null, device: 'wasm' }],
    ['prune a.safetensors --sparsity 0.5 --threads 2', { threads: 2, device: 'wasm' }],
    ['train --threads auto --device webgpu', { threads: 'auto', device: 'webgpu' }],
    ['eval a.safetensors --device auto', { threads: null, device: 'auto' }],
    ['bench --device=wasm', { threads: null, device: 'wasm' }],
  ])('%s', (line, machine) => {
    expect(readAll(line)).toMatchObject({ machine });
  });
});

describe('help', () => {
  it('tells of every command and option, and of no other', () => {
    const told = new Set(HELP.match(/--[a-z-]+/g));
    const options = Object.values(OPTIONS).flatMap((of) => Object.keys(of).map((key) => `--${key}`));
    expect([...told].sort()).toEqual([...new Set(options)].sort());
    for (const command of Object.keys(OPTIONS)) expect(HELP).toContain(`fettle ${command}`);
  });

  it('lists under each command what that command takes', () => {
    const listed = (text: string) => (text.match(/^ {2}--[a-z-]+/gm) ?? []).map((flag) => flag.trim().slice(2));
    const shared = ['help', 'version', 'threads'];
    for (const [name, options] of Object.entries(OPTIONS)) {
      const [, section = ''] = HELP.split(`Options of ${name}\n`);
      const [own = ''] = section.split('\n\n');
      expect(listed(own).sort()).toEqual(
        Object.keys(options)
          .filter((key) => !shared.includes(key))
          .sort(),
      );
    }
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
