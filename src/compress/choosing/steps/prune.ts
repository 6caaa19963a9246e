import { fail } from '../../../core/errors.js';
import type { Module } from '../../../nn/index.js';
import { crossEntropy } from '../../../ops/index.js';
import type { Tensor } from '../../../tensor.js';
import type { Batch } from '../../pruning/activations.js';
import { Pruner, type PrunerOptions } from '../../pruning/pruner.js';
import { iterative, oneShot } from '../../pruning/schedule.js';
import type { Prepared, Runnable } from '../data.js';
import {
  checkKeys,
  checkShare,
  checkTraining,
  LEARNING_RATE,
  percent,
  type StepKind,
  type TrainingOptions,
} from '../step.js';

/** Options of a Pruner, whose example inputs and batches are the recipe's. */
export interface Prune extends Omit<PrunerOptions, (typeof OWN)[number]>, TrainingOptions {
  /** Share of weights, blocks or units to remove, in [0, 1): short for `target: { sparsity }`. */
  readonly sparsity?: number;
  /** In how many rounds, each followed by training. Default 1; `schedule` says it in another way. */
  readonly rounds?: number;
  /** Passes over the training data after each round. Default 1. */
  readonly epochs?: number;
}

/** What the recipe gives. */
const OWN = ['exampleInputs', 'batches', 'activations'] as const;

const KEYS: readonly (keyof Prune)[] = [
  'sparsity',
  'rounds',
  'epochs',
  'lr',
  'importance',
  'loss',
  'target',
  'granularity',
  'scope',
  'schedule',
  'allocation',
  'sensitivity',
  'except',
  'keepAtLeast',
  'block',
  'pattern',
  'aggregate',
  'training',
  'generator',
  'measure',
];

/** At most this many batches tell what weights and units are worth. */
const BATCHES = 16;

/** The first batches of the training data. */
function someBatches({ train }: Prepared): AsyncIterable<Batch> {
  return {
    async *[Symbol.asyncIterator]() {
      let given = 0;
      for await (const batch of train ?? []) {
        yield batch;
        if (++given === BATCHES) return;
      }
    },
  };
}

function crossEntropyOf(model: Module, batch: Batch): Tensor {
  const [x, y] = batch as readonly [Tensor, Tensor];
  return crossEntropy((model as Runnable).forward(x), y);
}

function prunerOptions({ epochs: _, lr: __, rounds, sparsity, ...options }: Prune, data: Prepared): PrunerOptions {
  return {
    schedule: rounds === undefined || rounds === 1 ? oneShot() : iterative(rounds),
    loss: crossEntropyOf,
    ...options,
    ...(sparsity === undefined ? {} : { target: { sparsity } }),
    exampleInputs: data.inputs,
    ...(data.train === null ? {} : { batches: someBatches(data) }),
  };
}

export const pruneStep: StepKind<Prune> = {
  check(where, options, model, data) {
    checkKeys(where, options, KEYS);
    const { sparsity, target, allocation, pattern, rounds = 1, epochs = 1 } = options;
    if (sparsity !== undefined && target !== undefined)
      fail('argument', `${where}: sparsity and target exclude one another.`);
    if (sparsity === undefined && target === undefined && typeof allocation !== 'object' && pattern === undefined) {
      fail('argument', `${where}: expected sparsity, a share in [0, 1), or target.`);
    }
    if (sparsity !== undefined) checkShare(where, 'sparsity', sparsity);
    if (!Number.isInteger(rounds) || rounds < 1) {
      fail('argument', `${where}: rounds must be a whole number ≥ 1, got ${rounds}.`);
    }
    checkTraining(where, { ...options, epochs }, data);
    // What a Pruner would refuse, it refuses here; layers may be named as an earlier step will call them.
    const { except: _, ...rest } = prunerOptions(options, data);
    new Pruner(model, rest);
  },
  label({ sparsity, target, allocation, granularity = 'weight', pattern }) {
    const what =
      granularity === 'weight' ? '' : granularity === 'n:m' ? ` ${pattern?.join(':') ?? 'n:m'}` : ` of ${granularity}s`;
    const [key, value] = Object.entries(target ?? {})[0] ?? ['sparsity', sparsity];
    if (value === undefined) return typeof allocation === 'object' ? `prune by layer${what}` : `prune${what}`;
    return key === 'sparsity' ? `prune ${percent(value as number)}${what}` : `prune to ${key} ${String(value)}${what}`;
  },
  async apply(model, options, { data, signal, retrain }) {
    const { epochs = 1, lr = LEARNING_RATE } = options;
    const given = prunerOptions(options, data);
    const pruner = new Pruner(model, given);
    const rounds = given.schedule?.steps ?? 1;
    let reached = 0;
    for (let round = 1; !pruner.finished; round++) {
      signal?.throwIfAborted();
      reached = await pruner.stepAsync();
      await retrain(model, { name: rounds === 1 ? 'prune' : `prune ${round}/${rounds}`, epochs, lr });
    }
    return { report: { reached } };
  },
};
