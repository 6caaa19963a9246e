import { type DemoOptions, runDemo } from '../demo/demo.js';
import { printResults } from '../demo/results.js';
import { COMPUTING, dataName, type Entry, noPositionals, wholeNumber } from '../options.js';
import { shortPath, typed, UsageError } from '../usage.js';

export const demoCommand: Entry<{ readonly options: DemoOptions }> = {
  options: {
    ...COMPUTING,
    seed: { example: '3' },
    epochs: { example: '20' },
    quick: {},
    out: { example: 'runs/mine' },
    // Alone, it means the latest unfinished run.
    resume: { example: 'runs/mine', mayBeAlone: true },
  },
  read(parsed) {
    const { values } = parsed;
    noPositionals('demo', parsed);
    const resume = values.resume === undefined ? false : values.resume === '' ? true : values.resume;
    const given = ['data', 'seed', 'epochs', 'quick'].filter((key) => values[key] !== undefined);
    if (resume !== false && given.length > 0) {
      throw new UsageError(
        `--resume goes on with the options of the interrupted run; leave out ${given.map((key) => `--${key}`).join(', ')}.`,
      );
    }
    return {
      options: {
        data: dataName(values.data) ?? 'digits',
        seed: wholeNumber('--seed', values.seed, 0) ?? 0,
        epochs: wholeNumber('--epochs', values.epochs, 1),
        quick: values.quick !== undefined,
        out: values.out ?? null,
        resume,
      },
    };
  },
  async run({ options }, { progress, signal, json, stream }) {
    const result = await runDemo(options, progress, signal);
    progress.close();
    printResults(result, { json, stream });
  },
  goOn({ options: { resume, out } }) {
    const folder = typeof resume === 'string' ? resume : out;
    return typed('demo', folder === null ? '--resume' : `--resume ${shortPath(folder)}`);
  },
};
