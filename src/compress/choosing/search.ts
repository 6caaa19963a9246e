import { checkOptions } from '../../core/arguments.js';
import { fail } from '../../core/errors.js';
import { defaultGenerator } from '../../core/random.js';
import type { LayerTypes } from '../../nn/index.js';
import type { Batches } from '../pruning/activations.js';
import { type CompressionData, prepareData, type Runnable } from './data.js';
import { type Method, methodsFor, type Objective } from './methods.js';
import { drawSearch } from './picture.js';
import { checkSteps } from './run.js';
import { searchTable } from './searchtable.js';
import { LEARNING_RATE } from './step.js';
import { knownSteps, type Step } from './steps.js';
import type { Store } from './store.js';
import { type Cut, Tree } from './tree.js';
import { type Chain, type Trial, Trials } from './trials.js';

export interface SearchProgress {
  /** Trials done so far, and seconds, those of interrupted runs included. */
  readonly trials: number;
  readonly seconds: number;
  /** The share of the budget that is used, in [0, 1]. */
  readonly spent: number;
  /** The chain at work, in words. */
  readonly label: string;
  /** The training within it, if there is one. */
  readonly training?: { readonly name: string; readonly done: number; readonly total: number | null };
  /** The chain's figures, when it is done. */
  readonly trial?: Trial;
  /** The cheapest chain within the budget of accuracy so far. */
  readonly best: Trial | null;
}

export interface SearchOptions {
  /** How much of the metric may be lost on the validation data. Default 0.01. */
  readonly maxAccuracyDrop?: number;
  /** What is to become small: bytes of the packed file, milliseconds of a pass, or multiply-adds. Default 'size'. */
  readonly objective?: Objective;
  /** Methods to try: names, or methods of your own. Default: those that can lower the objective. */
  readonly methods?: readonly (string | Method)[];
  /** How many methods a chain has at most. Default 3. */
  readonly depth?: number;
  /** How many chains of each length are gone on with. Default 3. */
  readonly beam?: number;
  /** When to stop: after so many trials, or so many seconds; the trial at work is finished. Default 60 trials. */
  readonly budget?: { readonly trials?: number; readonly seconds?: number };
  /** Passes over the training data after each pruning. Default 2. */
  readonly epochs?: number;
  /** Learning rate of these. Default 0.001. */
  readonly lr?: number;
  /** Random numbers of the trials follow from it. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SearchProgress) => void;
  /**
   * Where every trial is kept as soon as it is done. A search with the same model and options that finds its own there goes
   * on with it, also with a larger budget.
   */
  readonly store?: Store;
  /** Layer types of your own, which `store` needs to keep models that hold some; without, they are made again. */
  readonly types?: LayerTypes;
}

export interface SearchResult<M extends Runnable = Runnable> {
  /** The best model, in evaluation mode, or a copy of the one that was given. It is the caller's to dispose. */
  readonly model: M;
  /** The trial that made it: the cheapest that loses no more than allowed. */
  readonly best: Trial;
  /** Its steps, for `recipe`. */
  readonly steps: readonly Step[];
  readonly original: Trial;
  /** All chains that were tried, in that order. */
  readonly trials: readonly Trial[];
  /** Those within the budget of accuracy that no other beats in both cost and metric, from the cheapest on. */
  readonly pareto: readonly Trial[];
  /** Branches that were not followed, and why. */
  readonly cuts: readonly Cut[];
  readonly seconds: number;
  /** The front as a table. */
  table(): string;
  /** Cost against metric as an SVG picture that stands by itself, readable on light and dark. */
  svg(): string;
  toString(): string;
}

const OPTIONS = [
  'maxAccuracyDrop',
  'objective',
  'methods',
  'depth',
  'beam',
  'budget',
  'epochs',
  'lr',
  'seed',
  'signal',
  'onProgress',
  'store',
  'types',
] as const;

const OBJECTIVES: readonly Objective[] = ['size', 'latency', 'flops'];
const TRIALS = 60;

function checkWhole(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least) {
    fail('argument', `search: ${name} must be a whole number ≥ ${least}, got ${value}.`);
  }
  return value;
}

/** The options with their defaults, checked. */
function read(options: SearchOptions) {
  checkOptions('search', options, OPTIONS);
  const { maxAccuracyDrop = 0.01, objective = 'size', budget = {}, lr = LEARNING_RATE } = options;
  if (!(maxAccuracyDrop >= 0 && maxAccuracyDrop < Infinity)) {
    fail('argument', `search: maxAccuracyDrop must be a number ≥ 0, got ${maxAccuracyDrop}.`);
  }
  if (!OBJECTIVES.includes(objective)) {
    fail('argument', `search: objective must be one of ${OBJECTIVES.join(', ')}, got '${String(objective)}'.`);
  }
  checkOptions('search: budget', budget, ['trials', 'seconds']);
  const { trials = budget.seconds === undefined ? TRIALS : Number.MAX_SAFE_INTEGER, seconds = Infinity } = budget;
  if (!(seconds > 0)) fail('argument', `search: budget.seconds must be above 0, got ${seconds}.`);
  if (!(lr > 0 && lr < Infinity)) fail('argument', `search: lr must be above 0, got ${lr}.`);
  return {
    maxDrop: maxAccuracyDrop,
    objective,
    depth: checkWhole('depth', options.depth ?? 3, 1),
    beam: checkWhole('beam', options.beam ?? 3, 1),
    budget: { trials: checkWhole('budget.trials', trials, 1), seconds },
    training: { epochs: checkWhole('epochs', options.epochs ?? 2, 0), lr },
    seed: checkWhole('seed', options.seed ?? 0, 0),
  };
}

/** What must be the same for trials of one search to be those of another. */
function fingerprintOf(model: Runnable, methods: readonly Method[], read: Wanted): string {
  const { maxDrop, objective, depth, beam, training, seed } = read;
  const shapes = Object.entries(model.stateDict()).map(([name, x]) => `${name} ${x.dtype} ${x.shape.join('x')}`);
  const ladders = methods.map(({ name, order, rungs }) => [
    name,
    order,
    rungs.map(({ value, label }) => [value, label]),
  ]);
  // The weights themselves tell a model from the same one trained further.
  const sum = model
    .parameters()
    .reduce((n, p) => n + p.dataSync().reduce((m: number, value, i) => m + value * Math.sin(i + 1), 0), 0);
  return JSON.stringify({ maxDrop, objective, depth, beam, training, seed, ladders, shapes, sum });
}

type Wanted = ReturnType<typeof read>;

/**
 * Tries methods and chains of methods on copies of `model`, each at several strengths and with a short retraining, and finds
 * the one that makes the model smallest, or fastest, while the metric on the validation data falls by no more than
 * `maxAccuracyDrop`: the answer to which method to choose. Same seed, same trials, as long as neither the objective nor the
 * budget is a measured time. The model itself is not changed. Estimate the best model's accuracy on data that had no part in
 * the search: what was chosen by its validation accuracy has been lucky there.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 2));
 * const batches = [[randn([32, 8]), randint(0, 2, [32])]] as const;
 * const data = { train: batches, validation: batches };
 * const found = await compress.search(model, data, { maxAccuracyDrop: 0.1, objective: 'size', depth: 1 });
 * found.trials.length > 1; // → true
 */
export async function search<M extends Runnable>(
  model: M,
  data: Batches | CompressionData,
  options: SearchOptions = {},
): Promise<SearchResult<M>> {
  const wanted = read(options);
  const { objective, maxDrop, budget, training } = wanted;
  const { signal, onProgress, store, types = {} } = options;
  const methods = methodsFor(objective, options.methods, training);
  signal?.throwIfAborted();
  const prepared = await prepareData('search', data);
  const random = defaultGenerator.getState();
  let tree: Tree | null = null;
  let trials: Trials | null = null;
  try {
    for (const { rungs } of methods) {
      for (const { steps } of rungs) checkSteps('search', knownSteps('search', steps), model, prepared);
    }
    let label = 'original';
    const tell = (more: Pick<SearchProgress, 'training' | 'trial'> = {}): void => {
      if (trials === null || tree === null || onProgress === undefined) return;
      const { count, seconds } = trials;
      const spent = Math.min(1, Math.max(count / budget.trials, seconds / budget.seconds));
      const best = tree.nodes.length === 0 ? null : tree.best().trial;
      onProgress({ trials: count, seconds, spent, label, best, ...more });
    };
    const fingerprint = fingerprintOf(model, methods, wanted);
    const { seed } = wanted;
    trials = new Trials({
      original: model,
      data: prepared,
      seed,
      signal,
      store,
      types,
      fingerprint,
      onTraining: (_, at) => tell({ training: at }),
    });
    if (!(await trials.resume())) {
      fail('state', 'search: the store holds another search. Use the same model and options, or another store.');
    }
    const made = trials;
    tree = new Tree(trials, {
      ...wanted,
      methods,
      isSpent: () => made.count >= budget.trials || made.seconds >= budget.seconds,
      onTrial: (name) => {
        label = name;
        tell();
      },
      onDone: (trial) => tell({ trial }),
    });
    await tree.grow();
    return await conclude<M>(tree, trials, { objective, maxDrop });
  } finally {
    trials?.sweep(new Set());
    prepared.dispose();
    defaultGenerator.setState(random);
  }
}

async function conclude<M extends Runnable>(
  tree: Tree,
  trials: Trials,
  aim: { readonly objective: Objective; readonly maxDrop: number },
): Promise<SearchResult<M>> {
  const best = tree.best();
  const all = tree.nodes.map(({ trial }) => trial);
  const outcome = {
    best: best.trial,
    steps: stepsOf(best.chain),
    original: all[0] as Trial,
    trials: all,
    pareto: tree.front().map(({ trial }) => trial),
    cuts: tree.cuts,
    seconds: trials.seconds,
  };
  const table = (): string => searchTable(outcome, aim);
  const model = (await trials.take(best.chain)) as M;
  return { model, ...outcome, table, svg: () => drawSearch(outcome, aim), toString: table };
}

function stepsOf(chain: Chain): Step[] {
  return chain.flatMap(({ rung }) => rung.steps);
}
