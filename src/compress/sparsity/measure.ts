import { noGrad } from '../../autograd/index.js';
import { scope } from '../../core/scoping.js';
import type { Module } from '../../nn/index.js';
import { randn } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';

/** What a layer costs, measured side by side with what might replace it. */

/** A layer of one input. */
type Runnable = Module & { forward(x: Tensor): Tensor };

/**
 * Rounds in which every side runs once in turn, each time another one first, so that a machine that drifts slows them alike, and
 * its changes of hands do not fall on the same one in every round; and the least time of a turn.
 */
const ROUNDS = 9;
const TURN_MILLISECONDS = 2;
/** Turns of this many runs are counted out at most. */
const MOST_RUNS = 10_000;

/** Milliseconds of a forward pass of each layer for inputs of these shapes, one after another: lower quartiles of alternating rounds. */
export function measureSides(layers: readonly Runnable[], shapes: readonly (readonly number[])[]): number[] {
  return noGrad(() =>
    scope(() => {
      const inputs = shapes.map((shape) => randn(shape));
      const sides = layers.map((layer) => (): void => {
        scope(() => {
          for (const x of inputs) layer.forward(x);
        });
      });
      const counts = sides.map(runsOfTurn);
      const times = sides.map(() => [] as number[]);
      for (let round = 0; round < ROUNDS; round++) {
        for (let turn = 0; turn < sides.length; turn++) {
          const i = (round + turn) % sides.length;
          const [run, count] = [sides[i] as () => void, counts[i] as number];
          const start = performance.now();
          for (let n = 0; n < count; n++) run();
          (times[i] as number[]).push((performance.now() - start) / count);
        }
      }
      // What other work on the machine takes can only add to a time: the lower quartile has least of it.
      return times.map((list) => list.sort((a, b) => a - b)[ROUNDS >> 2] as number);
    }),
  );
}

/** How often to run for a turn that the clock can tell. Runs enough for the compiler to have done its work, too. */
function runsOfTurn(run: () => void): number {
  run();
  const start = performance.now();
  let count = 0;
  while (count < MOST_RUNS && performance.now() - start < TURN_MILLISECONDS) {
    run();
    count++;
  }
  return Math.max(1, count);
}
