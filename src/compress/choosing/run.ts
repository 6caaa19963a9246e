import { FettleError, fail } from '../../core/errors.js';
import { defaultGenerator, Generator } from '../../core/random.js';
import type { Prepared, RetrainContext, Runnable } from './data.js';
import { retrain } from './retrain.js';
import type { KnownStep } from './steps.js';

/** What running one step needs to know beside the step. */
export interface StepRun {
  readonly by: string;
  readonly data: Prepared;
  readonly original: Runnable;
  readonly seed: number;
  readonly signal: AbortSignal | undefined;
  readonly onBatch?: (name: string, done: number, total: number | null) => void;
}

/** Throws for steps with options that are not theirs, before anything is changed. */
export function checkSteps(by: string, steps: readonly KnownStep[], model: Runnable, data: Prepared): void {
  steps.forEach(({ name, kind, options }, i) => {
    kind.check(`${by}: step ${i + 1} (${name})`, options, model, data);
  });
}

/**
 * Does one step to `model`, which is the recipe's own, and gives the model that goes on; where that is another, the one given
 * is freed. Random numbers follow from the seed and the path to the step alone, whatever ran before.
 */
export async function runStep(
  model: Runnable,
  { name, kind, options }: KnownStep,
  path: string,
  { by, data, original, seed, signal, onBatch }: StepRun,
): Promise<{ model: Runnable; report: unknown }> {
  signal?.throwIfAborted();
  defaultGenerator.manualSeed(new Generator(seed).fork('compress', path).initialSeed());
  const where = `${by}: ${name}`;
  const train = (learner: Runnable, context: Omit<RetrainContext, 'signal' | 'onBatch'>): Promise<void> =>
    retrain(where, data, learner, {
      ...context,
      ...(signal === undefined ? {} : { signal }),
      ...(onBatch === undefined ? {} : { onBatch: (done, total) => onBatch(context.name, done, total) }),
    });
  try {
    const outcome = await kind.apply(model, options, { where, data, original, signal, retrain: train });
    const next = outcome.model ?? model;
    if (next !== model) model.dispose();
    return { model: next.eval(), report: outcome.report ?? null };
  } catch (error) {
    if (error instanceof FettleError) fail(error.code, `${where}: ${error.message}`, error);
    throw error;
  }
}
