import { fail } from '../core/errors.js';

/** How sparsity rises to its target. */
export interface Schedule {
  readonly steps: number;
  /** The sparsity to reach with step `i`, counted from 1; the last step reaches `target`. */
  reach(i: number, target: number): number;
}

function checkSteps(name: string, steps: number): number {
  if (!Number.isInteger(steps) || steps < 1)
    fail('argument', `${name}: expected a whole number of steps ≥ 1, got ${steps}.`);
  return steps;
}

/** Everything at once. */
export function oneShot(): Schedule {
  return { steps: 1, reach: (_, target) => target };
}

/** In `n` steps, each removing the same share of the weights that are left (Han et al. 2015). */
export function iterative(n: number): Schedule {
  const steps = checkSteps('iterative', n);
  return { steps, reach: (i, target) => (i === steps ? target : 1 - (1 - target) ** (i / steps)) };
}

/** In `n` steps along s · (1 − (1 − i/n)³): fast while weights are plenty (Zhu and Gupta 2017, "To prune, or not to prune"). */
export function cubic(n: number): Schedule {
  const steps = checkSteps('cubic', n);
  return { steps, reach: (i, target) => target * (1 - (1 - i / steps) ** 3) };
}
