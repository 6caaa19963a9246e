import { noGrad } from '../../autograd/index.js';
import { scope } from '../../core/scoping.js';
import type { Module } from '../../nn/index.js';
import type { Tensor } from '../../tensor.js';

/** The middle one of some numbers; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** The number below which a quarter of some numbers lies; NaN for none. */
function lowerQuartile(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 2] ?? Number.NaN;
}

/** One pass of a model, without recording; what it makes is freed. */
export function pass(model: Module, inputs: readonly Tensor[]): void {
  scope(() => {
    noGrad(() => (model.forward as (...xs: readonly Tensor[]) => unknown)(...inputs));
  });
}

/** Runs `body` with `models` in evaluation mode, and puts every module of theirs back into the mode it was in. */
export function evaluating<T>(models: readonly Module[], body: () => T): T {
  const modules = models.flatMap((model) => model.modules());
  const modes = modules.map((module) => module.training);
  for (const model of models) model.eval();
  try {
    return body();
  } finally {
    modules.forEach((module, i) => {
      module.training = modes[i] as boolean;
    });
  }
}

export interface RaceOptions {
  /** How often each model runs at most. Default 100. */
  readonly runs?: number;
  /** Milliseconds after which no further round is begun, once each model ran nine times. Default 150. */
  readonly budgetMs?: number;
}

/**
 * Milliseconds of one pass of each model, in evaluation mode and after warming up: what three quarters of the passes exceed,
 * since other work on the machine can only add to them. The models run in turns, each time another one first: where threads
 * share a core, its changes of hands keep in step with the rounds, and would fall on the same model every time. Compare the
 * figures of one call only.
 */
export function race(
  models: readonly Module[],
  inputs: readonly Tensor[],
  { runs = 100, budgetMs = 150 }: RaceOptions = {},
): number[] {
  return evaluating(models, () => {
    for (const model of models) for (let i = 0; i < 3; i++) pass(model, inputs);
    const times = models.map((): number[] => []);
    const end = performance.now() + budgetMs;
    for (let round = 0; round < runs && (round < 9 || performance.now() < end); round++) {
      for (let turn = 0; turn < models.length; turn++) {
        const i = (round + turn) % models.length;
        const start = performance.now();
        pass(models[i] as Module, inputs);
        times[i]?.push(performance.now() - start);
      }
    }
    return times.map(lowerQuartile);
  });
}
