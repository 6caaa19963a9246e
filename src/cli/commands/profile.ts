import { profile } from '../../compress/index.js';
import { manualSeed } from '../../core/random.js';
import { buildModel, isMade, MODEL_NAMES } from '../models.js';
import { COMPUTING, dataName, type Entry, oneFile, wholeNumber } from '../options.js';
import { loadTask, openModel } from '../task.js';
import { shortPath, UsageError } from '../usage.js';
import { exampleOf, spoken } from '../work.js';

export interface ProfileAsked {
  /** A file, or the name of a network. */
  readonly file: string;
  readonly data: string | null;
  readonly batch: number;
}

export const profileCommand: Entry<ProfileAsked> = {
  options: { ...COMPUTING, batch: { example: '64' } },
  read(parsed) {
    const [named] = parsed.positionals;
    if (named === undefined) {
      throw new UsageError(
        `profile needs a model file, or one of ${MODEL_NAMES.join(', ')}. For example fettle profile lenet5 --data digits.`,
      );
    }
    return {
      file: oneFile('profile', parsed, 'mlp.safetensors'),
      data: dataName(parsed.values.data, { every: true }),
      batch: wholeNumber('--batch', parsed.values.batch, 1) ?? 1,
    };
  },
  async run({ file, data, batch }, { stream, json }) {
    const { model, about } = await open(file, data);
    const example = exampleOf(about, batch);
    try {
      const report = profile(model, example, { budgetMs: 600 });
      if (json) {
        stream.write(`${JSON.stringify({ event: 'profile', file, batch, ...report, toString: undefined })}\n`);
        return;
      }
      const samples = batch === 1 ? 'one sample' : `a batch of ${batch}`;
      stream.write(spoken(stream, `${shortPath(file)}, ${samples} of ${about.data}\n\n${report}\n`));
    } finally {
      example.dispose();
      model.dispose();
    }
  },
};

async function open(file: string, data: string | null) {
  if (!isMade(file)) return openModel(file, data);
  const { about } = await loadTask(data ?? 'digits', 0);
  manualSeed(0);
  return { model: await buildModel(file, about.shape, about.classes.length), about };
}
