import type { Tensor } from '../core/tensor.js';
import { relu, tanh } from './activation.js';
import { add } from './arithmetic.js';
import { cat } from './join.js';
import { linear } from './matmul.js';
import { gruCell, lstmCell, pieces } from './recurrentcell.js';

/**
 * Steps of recurrent networks. What a step takes of its input, input · weight_ihᵀ + bias_ih, comes in ready: of all steps it is
 * one product, and only that of the state has to wait for the step before.
 */

/** Weights of one layer in one direction. */
export interface StepWeights {
  /** [gates · hidden, output of the layer]. */
  readonly hidden: Tensor;
  /** Added to the product of the state, where it is not among what comes from the input. */
  readonly hiddenBias: Tensor | null;
  /** Projects the state of an LSTM: [projection, hidden]. */
  readonly projection: Tensor | null;
}

/** From what a step takes of its input, and the state before it, to the state after it; its output is the first part. */
export type Step = (input: Tensor, state: readonly Tensor[], weights: StepWeights) => Tensor[];

/** h' = f(x + h · Wᵀ) (Elman 1990). */
function elman(activation: (x: Tensor) => Tensor): Step {
  return (x, [h], { hidden, hiddenBias }) => [activation(add(x, linear(h as Tensor, hidden, hiddenBias)))];
}

/** Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000. */
const lstm: Step = (x, [h, c], { hidden, hiddenBias, projection }) => {
  const [output, cell] = lstmCell(x, linear(h as Tensor, hidden, hiddenBias), c as Tensor);
  return [projection === null ? output : linear(output, projection), cell];
};

/** Cho et al. 2014, with the reset behind the product. */
const gru: Step = (x, [h], { hidden, hiddenBias }) => [
  gruCell(x, linear(h as Tensor, hidden, hiddenBias), h as Tensor),
];

export type RecurrentMode = 'RNN_TANH' | 'RNN_RELU' | 'LSTM' | 'GRU';

export interface Recurrence {
  readonly step: Step;
  /** Rows of the weights for each unit. */
  readonly gates: number;
  /** Whether the bias of the state's product may as well be added to that of the input's. */
  readonly joinsBiases: boolean;
}

export const recurrences: Readonly<Record<RecurrentMode, Recurrence>> = {
  RNN_TANH: { step: elman(tanh), gates: 1, joinsBiases: true },
  RNN_RELU: { step: elman(relu), gates: 1, joinsBiases: true },
  LSTM: { step: lstm, gates: 4, joinsBiases: true },
  // The reset gate scales the product of the state with its bias, and nothing of the input.
  GRU: { step: gru, gates: 3, joinsBiases: false },
};

/**
 * Runs a step over time. `input` holds the rows of all times one after the other, `sizes[t]` of them at time t, never more
 * than at the time before: sequences stand longest first, as in a packed sequence. Gives the outputs in the same rows, and
 * each sequence's state after its last step.
 */
export function unroll(
  step: Step,
  input: Tensor,
  sizes: readonly number[],
  initial: readonly Tensor[],
  weights: StepWeights,
  reverse: boolean,
): { output: Tensor; final: Tensor[] } {
  const times = pieces(input, sizes, 0);
  const outputs: Tensor[] = new Array(times.length);
  const forward = (): Tensor[] => {
    let state = initial;
    // States of the sequences that have ended, the shortest first.
    const ended: (readonly Tensor[])[] = [];
    times.forEach((x, t) => {
      const [rows, left] = [(state[0] as Tensor).shape[0] as number, sizes[t] as number];
      if (left < rows) {
        const parts = state.map((part) => pieces(part, [left, rows - left], 0) as [Tensor, Tensor]);
        ended.push(parts.map(([, rest]) => rest));
        state = parts.map(([kept]) => kept);
      }
      state = step(x, state, weights);
      outputs[t] = state[0] as Tensor;
    });
    if (ended.length === 0) return [...state];
    return state.map((part, k) => cat([part, ...ended.map((parts) => parts[k] as Tensor).reverse()]));
  };
  const backward = (): Tensor[] => {
    // The longest sequences begin alone; the others join them, with their initial states, at their last elements.
    const joins = sizes.map((size, t) => size - (sizes[t + 1] ?? 0));
    const begins = initial.map((part) => pieces(part, [...joins].reverse(), 0));
    let state: readonly Tensor[] | null = null;
    for (let t = times.length - 1; t >= 0; t--) {
      const joining = begins.map((parts) => parts[times.length - 1 - t] as Tensor);
      const before: readonly Tensor[] | null = state;
      if (before === null) state = joining;
      else if (joins[t] !== 0) state = before.map((part, k) => cat([part, joining[k] as Tensor]));
      state = step(times[t] as Tensor, state as readonly Tensor[], weights);
      outputs[t] = state[0] as Tensor;
    }
    return [...(state as unknown as readonly Tensor[])];
  };
  const final = reverse ? backward() : forward();
  return { output: cat(outputs), final };
}
