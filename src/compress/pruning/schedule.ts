import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';

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
  return { steps, reach: (i, target) => (i === steps ? target : 1 - elementary.pow(1 - target, i / steps)) };
}

/**
 * Nothing up to step `begin`, then up to step `end` along s · (1 − (1 − (i − begin) / (end − begin))³): fast while weights are
 * plenty (automated gradual pruning; M. Zhu and S. Gupta 2017, "To prune, or not to prune"). `cubic(n)` is `cubic(0, n)`.
 */
export function cubic(end: number): Schedule;
export function cubic(begin: number, end: number): Schedule;
export function cubic(...given: [number] | [number, number]): Schedule {
  const [begin, last] = given.length === 1 ? [0, given[0]] : given;
  const steps = checkSteps('cubic', last);
  if (!Number.isInteger(begin) || begin < 0 || begin >= steps) {
    fail(
      'argument',
      `cubic: begin must be a whole number in [0, ${steps}), the step where pruning begins; got ${begin}.`,
    );
  }
  return {
    steps,
    reach: (i, target) => {
      if (i === steps) return target;
      return i <= begin ? 0 : target * (1 - elementary.pow(1 - (i - begin) / (steps - begin), 3));
    },
  };
}
