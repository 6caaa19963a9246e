import { checkOptions } from '../../core/arguments.js';
import { fail } from '../../core/errors.js';
import type { Prepared, RetrainContext, Runnable } from './data.js';

/** What a step of a recipe is to the recipe. */
export interface StepKind<Options> {
  /** Throws for options that are not this step's. `where` begins the message. */
  check(where: string, options: Options, model: Runnable, data: Prepared): void;
  /** The step in a few words, as 'prune 90 %'. */
  label(options: Options): string;
  /** Changes the model, or makes another of it. */
  apply(model: Runnable, options: Options, context: StepContext): Promise<Outcome>;
}

/** What a step did. */
export interface Outcome {
  /** The model that goes on, where it is not the one that was given; the step has not freed that. */
  readonly model?: Runnable;
  /** What the method itself reports. */
  readonly report?: unknown;
}

/** What a step works with. */
export interface StepContext {
  readonly where: string;
  readonly data: Prepared;
  /** The model as it was before the first step. */
  readonly original: Runnable;
  readonly signal: AbortSignal | undefined;
  /** Trains, if there are epochs. */
  retrain(model: Runnable, context: Omit<RetrainContext, 'signal' | 'onBatch'>): Promise<void>;
}

/** How long and how fast a step trains. */
export interface TrainingOptions {
  /** Passes over the training data; 0 for none. */
  readonly epochs?: number;
  /** Learning rate. Default 0.001. */
  readonly lr?: number;
}

export const LEARNING_RATE = 1e-3;

export function checkTraining(
  where: string,
  { epochs = 0, lr = LEARNING_RATE }: TrainingOptions,
  data: Prepared,
): void {
  if (!Number.isInteger(epochs) || epochs < 0)
    fail('argument', `${where}: epochs must be a whole number ≥ 0, got ${epochs}.`);
  if (!(lr > 0 && lr < Infinity)) fail('argument', `${where}: lr must be above 0, got ${lr}.`);
  if (epochs > 0 && data.train === null && data.retrain === null) {
    fail('argument', `${where}: training needs data.train or data.retrain. Pass one, or epochs: 0.`);
  }
}

/** Checks that options are a plain object with these keys. */
export function checkKeys(where: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    fail('argument', `${where}: options must be an object, got ${options === null ? 'null' : typeof options}.`);
  }
  checkOptions(where, options as object, names);
}

export function checkShare(where: string, name: string, value: unknown): void {
  if (!(typeof value === 'number' && value >= 0 && value < 1)) {
    fail('argument', `${where}: ${name} must be a share in [0, 1), got ${String(value)}.`);
  }
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
