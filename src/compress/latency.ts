import { noGrad } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import type { Module } from '../nn/index.js';
import { Tensor } from '../tensor.js';

export interface LatencyOptions {
  /** Fewest and most timed runs. Defaults 20 and 400. */
  readonly minRuns?: number;
  readonly maxRuns?: number;
  /** Milliseconds after which no further run is begun, once minRuns are done. Default 200. */
  readonly budgetMs?: number;
}

/**
 * Median milliseconds of one forward pass of `model` over `x`, without recording, after warming up. Throws for inputs on a GPU, which
 * has not even begun when forward returns.
 */
export function latency(
  model: Module,
  x: Tensor | readonly Tensor[],
  { minRuns = 20, maxRuns = 400, budgetMs = 200 }: LatencyOptions = {},
): number {
  if (!(minRuns >= 1 && maxRuns >= minRuns)) {
    fail('argument', `latency: expected 1 ≤ minRuns ≤ maxRuns, got ${minRuns} and ${maxRuns}.`);
  }
  const inputs = x instanceof Tensor ? [x] : x;
  const late = inputs.find(({ storage }) => !storage.device.answersAtOnce);
  if (late !== undefined) {
    fail(
      'device',
      `latency: inputs lie on ${late.device}, which works behind the program. Time a loop of forward() up to one \`await y.data()\`, ` +
        'or `fettle bench --device webgpu`.',
    );
  }
  const run = (): void =>
    scope(() => {
      noGrad(() => model.forward(...(inputs as never[])));
    });
  const wasTraining = model.training;
  model.eval();
  const times: number[] = [];
  try {
    // Enough calls for the engine to have compiled both the kernels and the code around them.
    for (let i = 0; i < minRuns; i++) run();
    const end = performance.now() + budgetMs;
    while (times.length < maxRuns && (times.length < minRuns || performance.now() < end)) {
      const start = performance.now();
      run();
      times.push(performance.now() - start);
    }
  } finally {
    model.train(wasTraining);
  }
  times.sort((a, b) => a - b);
  return times[times.length >> 1] as number;
}
