import { fail } from '../../core/errors.js';
import { manualSeed } from '../../core/random.js';
import { loadModel } from '../../train/index.js';
import type { Net } from '../demo/nets.js';
import { buildModel, isMade, MODEL_NAMES } from '../models.js';
import { COMPUTING, dataName, decimal, type Entry, oneFile, oneOf, wholeNumber } from '../options.js';
import { UsageError } from '../usage.js';
import { resultName, runRecipe } from '../work.js';

export interface DistillAsked {
  readonly file: string;
  readonly data: string | null;
  readonly out: string;
  readonly seed: number;
  readonly student: string;
  readonly options: {
    readonly losses: readonly ['kd' | 'dkd'];
    readonly temperature: number;
    readonly alpha: number;
    readonly epochs: number;
    readonly lr: number;
  };
}

export const distillCommand: Entry<DistillAsked> = {
  options: {
    ...COMPUTING,
    student: { example: 'mlp' },
    loss: { example: 'dkd' },
    temperature: { example: '4' },
    alpha: { example: '0.9' },
    epochs: { example: '20' },
    lr: { example: '0.002' },
    seed: { example: '3' },
    out: { short: '-o', example: 'student.safetensors' },
  },
  read(parsed) {
    const { values } = parsed;
    const file = oneFile('distill', parsed, 'lenet5.safetensors --student mlp');
    const { student } = values;
    if (student === undefined) {
      throw new UsageError(
        `distill needs --student ${MODEL_NAMES.join(' | ')} | FILE.js | FILE. For example fettle distill ${file} --student mlp.`,
      );
    }
    const alpha = decimal('--alpha', values.alpha, { least: 0, example: '0.9' }) ?? 0.9;
    if (alpha > 1)
      throw new UsageError(`--alpha takes a number in [0, 1], got '${values.alpha}'. For example --alpha 0.9.`);
    if (!isMade(student) && !/[./\\]/.test(student)) oneOf('--student', student, MODEL_NAMES);
    return {
      file,
      data: dataName(values.data, { every: true }),
      out: values.out ?? resultName(file, 'distilled'),
      seed: wholeNumber('--seed', values.seed, 0) ?? 0,
      student,
      options: {
        losses: [oneOf('--loss', values.loss, ['kd', 'dkd'] as const) ?? 'kd'],
        temperature: decimal('--temperature', values.temperature, { least: 1e-3, example: '4' }) ?? 4,
        alpha,
        epochs: wholeNumber('--epochs', values.epochs, 1) ?? 20,
        lr: decimal('--lr', values.lr, { least: 1e-9, example: '0.002' }) ?? 2e-3,
      },
    };
  },
  async run({ student, options, ...asked }, shell) {
    let loaded: Net | null = null;
    try {
      await runRecipe(
        asked,
        async ({ about }) => {
          const { shape, classes } = about;
          if (isMade(student)) {
            manualSeed(asked.seed);
            loaded = await buildModel(student, shape, classes.length);
          } else {
            const read = await loadModel(student);
            loaded = read.model as Net;
            const theirs = (read.about as { shape?: readonly number[] } | null)?.shape;
            if (theirs !== undefined && theirs.join() !== shape.join()) {
              fail('shape', `${student}: it takes [${theirs.join(', ')}], the teacher [${shape.join(', ')}].`);
            }
          }
          return [{ distill: { ...options, student: loaded } }];
        },
        shell,
      );
    } finally {
      (loaded as Net | null)?.dispose();
    }
  },
};
