import { checkOptions } from '../../core/arguments.js';
import { fail } from '../../core/errors.js';
import { defaultGenerator } from '../../core/random.js';
import type { LayerTypes } from '../../nn/index.js';
import type { Batches } from '../pruning/activations.js';
import { inColumns } from './columns.js';
import { type CompressionData, type Prepared, prepareData, type Runnable } from './data.js';
import { type Figures, figuresOf } from './figure.js';
import { formatBytes, formatCount, formatDuration, formatMilliseconds } from './figures.js';
import { checkSteps, runStep } from './run.js';
import { copyModel, readSnapshot, writeSnapshot } from './snapshot.js';
import { type KnownStep, knownSteps, type Step } from './steps.js';
import { loadJson, type Store, saveJson } from './store.js';
import { race } from './timing.js';

/** The model after a step, or before the first. */
export interface StepReport extends Figures {
  /** The step in words; 'original' before the first. */
  readonly label: string;
  /** How much the metric has lost since the original; negative where it has gained. */
  readonly drop: number;
  /** Milliseconds of one pass over the example inputs, measured in turns with the original. */
  readonly milliseconds: number;
  /** How often this model runs while the original runs once, timed in turns. */
  readonly speedup: number;
  /** What the step took. */
  readonly seconds: number;
  /** What the method itself reports; null after a resumption. */
  readonly report: unknown;
}

export interface RecipeResult<M extends Runnable = Runnable> {
  /** The finished model, in evaluation mode. It is the caller's to dispose. */
  readonly model: M;
  readonly original: StepReport;
  readonly steps: readonly StepReport[];
  /** The table. */
  toString(): string;
}

export interface RecipeProgress {
  /** The step at work, counted from 1, and how many there are. */
  readonly step: number;
  readonly steps: number;
  readonly label: string;
  /** The training within it, if there is one, with its batches; `total` is null where the data does not know its length. */
  readonly training?: { readonly name: string; readonly done: number; readonly total: number | null };
  /** The step's figures, when it is done. */
  readonly report?: StepReport;
}

export interface RecipeOptions {
  /** Random numbers of the steps follow from it. Default: it follows from what `manualSeed` was given. */
  readonly seed?: number;
  /** Stops between two batches or steps, with the signal's reason as the error. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RecipeProgress) => void;
  /** Where the model after each step is kept. A run of the same recipe that finds its own there goes on behind it. */
  readonly store?: Store;
  /** Layer types of your own, needed where `store` is to keep a model that holds some. */
  readonly types?: LayerTypes;
}

const STATE = 'recipe.json';
const MODEL = 'recipe.safetensors';

interface State {
  readonly recipe: string;
  readonly seed: number;
  readonly original: StepReport;
  readonly steps: readonly StepReport[];
}

function isState(value: unknown): value is State {
  const { recipe, seed, original, steps } = (value ?? {}) as Partial<State>;
  return typeof recipe === 'string' && typeof seed === 'number' && typeof original === 'object' && Array.isArray(steps);
}

/** Methods one after another, ready to be applied to models. */
export class Recipe {
  private readonly known: readonly KnownStep[];

  constructor(readonly steps: readonly Step[]) {
    this.known = knownSteps('recipe', steps);
  }

  /**
   * Applies the steps to a copy of `model`, which itself is not changed, and measures after each: the metric, the numbers
   * and bytes left, and the time of a pass. All options are checked before the first step begins.
   */
  async run<M extends Runnable>(
    model: M,
    data: Batches | CompressionData,
    options: RecipeOptions = {},
  ): Promise<RecipeResult<M>> {
    checkOptions('recipe.run', options, ['seed', 'signal', 'onProgress', 'store', 'types']);
    options.signal?.throwIfAborted();
    const prepared = await prepareData('recipe', data);
    const random = defaultGenerator.getState();
    try {
      checkSteps('recipe', this.known, model, prepared);
      const { model: made, original, steps } = await this.apply(model, prepared, options);
      return { model: made as M, original, steps, toString: () => table([original, ...steps]) };
    } finally {
      prepared.dispose();
      defaultGenerator.setState(random);
    }
  }

  private async apply(
    model: Runnable,
    data: Prepared,
    { seed: given, signal, onProgress, store, types = {} }: RecipeOptions,
  ): Promise<{ model: Runnable; original: StepReport; steps: StepReport[] }> {
    const original = copyModel(model);
    let current: Runnable | null = null;
    try {
      const known = store === undefined ? null : await this.load(store, given, types);
      const seed = known?.state.seed ?? given ?? defaultGenerator.fork('recipe').initialSeed();
      current = known?.model ?? copyModel(model).eval();
      const first =
        known?.state.original ??
        (await this.measure('original', current, { data, original, began: performance.now(), types }, null));
      const steps: StepReport[] = [...(known?.state.steps ?? [])];
      for (let i = steps.length; i < this.known.length; i++) {
        const step = this.known[i] as KnownStep;
        const place = { step: i + 1, steps: this.known.length, label: step.kind.label(step.options) };
        onProgress?.(place);
        const began = performance.now();
        const done = await runStep(current, step, String(i), {
          by: 'recipe',
          data,
          original,
          seed,
          signal,
          onBatch: (name, count, total) => onProgress?.({ ...place, training: { name, done: count, total } }),
        });
        current = done.model;
        const report = await this.measure(
          place.label,
          current,
          { data, original, began, types },
          done.report,
          first.metric,
        );
        steps.push(report);
        if (store !== undefined) {
          await store.save(`${i + 1}-${MODEL}`, writeSnapshot(current, types));
          const kept = [first, ...steps].map((one) => ({ ...one, report: null }));
          await saveJson(store, STATE, { recipe: this.text(), seed, original: kept[0], steps: kept.slice(1) });
        }
        onProgress?.({ ...place, report });
      }
      return { model: current, original: first, steps };
    } catch (error) {
      current?.dispose();
      throw error;
    } finally {
      original.dispose();
    }
  }

  private async measure(
    label: string,
    model: Runnable,
    { data, original, began, types }: { data: Prepared; original: Runnable; began: number; types: LayerTypes },
    report: unknown,
    metric?: number,
  ): Promise<StepReport> {
    const seconds = (performance.now() - began) / 1000;
    const figures = await figuresOf(model, data, types);
    const [before, milliseconds] = race([original, model], data.inputs) as [number, number];
    const drop = (metric ?? figures.metric) - figures.metric;
    return { label, ...figures, drop, milliseconds, speedup: before / milliseconds, seconds, report };
  }

  /** The recipe as text, by which its own state is told from that of another; functions count by their names. */
  private text(): string {
    return JSON.stringify(this.known.map(({ name, kind, options }) => [name, kind.label(options), options]));
  }

  private async load(store: Store, seed: number | undefined, types: LayerTypes) {
    const state = await loadJson(store, STATE);
    if (state === null) return null;
    if (!isState(state) || state.recipe !== this.text() || (seed !== undefined && state.seed !== seed)) {
      fail(
        'state',
        'recipe: the store holds the state of another recipe or seed. Use another store, or empty this one.',
      );
    }
    const name = `${state.steps.length}-${MODEL}`;
    const bytes = await store.load(name);
    if (bytes === null) return null;
    return { state, model: readSnapshot(bytes, name, types) as Runnable };
  }
}

/**
 * Methods one after another: prune, shrink, distill, quantize, retrain, or a function of your own.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 2));
 * const batches = [[randn([32, 8]), randint(0, 2, [32])]] as const;
 * const steps = compress.recipe([{ prune: { sparsity: 0.5 } }, { quantize: {} }]);
 * const made = await steps.run(model, { train: batches, validation: batches });
 * made.steps.length; // → 2
 */
export function recipe(steps: readonly Step[]): Recipe {
  return new Recipe(steps);
}

const HEAD = ['step', 'metric', 'drop', 'parameters', 'nonzero', 'bytes', 'time', 'speed', 'took'];

function table(rows: readonly StepReport[]): string {
  const line = (row: StepReport): string[] => [
    row.label,
    row.metric.toFixed(4),
    row.drop.toFixed(4),
    formatCount(row.parameters),
    formatCount(row.nonzero),
    formatBytes(row.bytes),
    formatMilliseconds(row.milliseconds),
    `${row.speedup.toFixed(2)}x`,
    formatDuration(row.seconds),
  ];
  return inColumns(HEAD, rows.map(line));
}
