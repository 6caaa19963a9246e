import type { Criterion, Granularity, Step } from '../../compress/index.js';
import { prune } from '../../compress/index.js';
import { COMPUTING, dataName, decimal, type Entry, oneFile, oneOf, wholeNumber } from '../options.js';
import { UsageError } from '../usage.js';
import { resultName, runRecipe } from '../work.js';

export interface PruneAsked {
  readonly file: string;
  readonly data: string | null;
  readonly out: string;
  readonly seed: number;
  readonly options: {
    readonly sparsity: number;
    readonly granularity: Granularity;
    readonly importance: Criterion;
    readonly scope: 'global' | 'layer';
    readonly rounds: number;
    readonly epochs: number;
    readonly lr: number;
  };
}

const GRANULARITIES: readonly Granularity[] = ['weight', 'block', 'n:m', 'neuron', 'channel', 'filter', 'head'];
const UNITS: readonly Granularity[] = ['neuron', 'channel', 'filter', 'head'];

export const pruneCommand: Entry<PruneAsked> = {
  options: {
    ...COMPUTING,
    sparsity: { example: '0.9' },
    granularity: { example: 'channel' },
    importance: { example: 'taylor' },
    scope: { example: 'layer' },
    rounds: { example: '5' },
    epochs: { example: '2' },
    lr: { example: '0.001' },
    seed: { example: '3' },
    out: { short: '-o', example: 'small.safetensors' },
  },
  read(parsed) {
    const { values } = parsed;
    const file = oneFile('prune', parsed, 'mlp.safetensors --sparsity 0.9');
    const sparsity = decimal('--sparsity', values.sparsity, { least: 0, below: 1, example: '0.9' });
    if (sparsity === null) {
      throw new UsageError(
        `prune needs --sparsity, the share to remove. For example fettle prune ${file} --sparsity 0.9.`,
      );
    }
    return {
      file,
      data: dataName(values.data, { every: true }),
      out: values.out ?? resultName(file, 'pruned'),
      seed: wholeNumber('--seed', values.seed, 0) ?? 0,
      options: {
        sparsity,
        granularity: oneOf('--granularity', values.granularity, GRANULARITIES) ?? 'weight',
        importance: oneOf('--importance', values.importance, prune.importance) ?? 'magnitude',
        scope: oneOf('--scope', values.scope, ['global', 'layer'] as const) ?? 'global',
        rounds: wholeNumber('--rounds', values.rounds, 1) ?? 3,
        epochs: wholeNumber('--epochs', values.epochs, 0) ?? 2,
        lr: decimal('--lr', values.lr, { least: 1e-9, example: '0.001' }) ?? 1e-3,
      },
    };
  },
  async run({ options, ...asked }, shell) {
    // Units that are silent go; single weights stay where they are, as zeros.
    const cut: readonly Step[] = UNITS.includes(options.granularity) ? [{ shrink: {} }] : [];
    await runRecipe(asked, () => [{ prune: options }, ...cut], shell);
  },
};
