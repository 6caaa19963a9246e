import type { Value } from './trace.js';
import type { UnitRole } from './units.js';

/** Ops that make sums of products: where slices of one tensor are read, and others are made. */

/** What a product tells about its slices; values are null where no gradient can reach them. */
export interface Bonds {
  /** Joins the places along one dimension with those along another, one by one. */
  same(a: Value | null | undefined, dimA: number, b: Value | null | undefined, dimB: number): void;
  join(
    a: Value | null | undefined,
    dimA: number,
    i: number,
    b: Value | null | undefined,
    dimB: number,
    j: number,
  ): void;
  /** What weights hold along a dimension does for the units there. */
  mark(value: Value | null | undefined, dim: number, role: UnitRole): void;
  /** Nothing along this dimension can go. */
  hold(value: Value | null | undefined, dim: number, reason: string): void;
  /** Along this dimension, products are added up. */
  reads(value: Value | null | undefined, dim: number): void;
}

type Inputs = readonly (Value | null)[];

function sizeAlong(value: Value | null | undefined, dim: number): number {
  return value?.shape?.[dim] ?? 0;
}

/** x [R, K], weight [N, K], bias [N] → [R, N]. */
function linear([x, weight, bias]: Inputs, [y]: readonly Value[], bonds: Bonds): void {
  bonds.same(x, 0, y, 0);
  bonds.same(x, 1, weight, 1);
  bonds.same(weight, 0, y, 1);
  bonds.same(bias, 0, y, 1);
  bonds.reads(x, 1);
  bonds.mark(weight, 1, 'reads');
  bonds.mark(weight, 0, 'makes');
  bonds.mark(bias, 0, 'makes');
}

/** Matrices [.., M, K] × [.., K, N] → [.., M, N], without or with one leading dimension. */
function matmul([a, b]: Inputs, [y]: readonly Value[], bonds: Bonds): void {
  const last = (y?.shape?.length ?? 0) - 1;
  if (last === 2) for (const x of [a, b]) bonds.same(x, 0, y, 0);
  bonds.same(a, last - 1, y, last - 1);
  bonds.same(b, last, y, last);
  bonds.same(a, last, b, last - 1);
  bonds.reads(a, last);
  bonds.reads(b, last - 1);
  bonds.mark(a, last, 'reads');
  bonds.mark(a, last - 1, 'makes');
  bonds.mark(b, last - 1, 'reads');
  bonds.mark(b, last, 'makes');
}

/**
 * x [N, C, …], weight [OC, C / groups, …], bias [OC] → [N, OC, …]. Of a depthwise convolution, a channel goes with all that is
 * made of it. Of another grouped one, groups stay as large as one another: the channels at one place of all groups go together.
 */
function convolution([x, weight, bias]: Inputs, [y]: readonly Value[], bonds: Bonds): void {
  const own = sizeAlong(weight, 1);
  const groups = sizeAlong(x, 1) === 0 ? 1 : sizeAlong(x, 1) / own;
  channels(x, y, weight, bonds, groups, own, sizeAlong(weight, 0) / groups, [1, 0]);
  bonds.same(bias, 0, y, 1);
  bonds.mark(bias, 0, groups > 1 && own === 1 ? 'scales' : 'makes');
}

/** x [N, C, …], weight [C, OC / groups, …], bias [OC] → [N, OC, …]. */
function transposedConvolution([x, weight, bias]: Inputs, [y]: readonly Value[], bonds: Bonds): void {
  const made = sizeAlong(weight, 1);
  const groups = made === 0 ? 1 : sizeAlong(y, 1) / made;
  channels(x, y, weight, bonds, groups, sizeAlong(weight, 0) / groups, made, [0, 1]);
  bonds.same(bias, 0, y, 1);
  bonds.mark(bias, 0, groups > 1 && sizeAlong(weight, 0) === groups ? 'scales' : 'makes');
}

/** Joins channels that a convolution reads and makes, `read` and `made` of them in each of `groups`. */
function channels(
  x: Value | null | undefined,
  y: Value | undefined,
  weight: Value | null | undefined,
  bonds: Bonds,
  groups: number,
  read: number,
  made: number,
  [dimRead, dimMade]: readonly [number, number],
): void {
  bonds.same(x, 0, y, 0);
  if (groups > 1 && read === 1) {
    // The weight has a row for each channel it makes (a transposed one, for each it reads), and nothing that is summed.
    for (let g = 0; g < groups; g++) {
      for (let k = 0; k < made; k++) bonds.join(x, 1, g, y, 1, g * made + k);
      if (dimRead === 0) bonds.join(weight, 0, g, x, 1, g);
      else for (let k = 0; k < made; k++) bonds.join(weight, 0, g * made + k, x, 1, g);
    }
    bonds.mark(weight, 0, 'scales');
    return;
  }
  for (let g = 0; g < groups; g++) {
    // The dimension that is as long as all groups together has the channels of each; the other those of one.
    for (let i = 0; i < read; i++) {
      bonds.join(x, 1, g * read + i, x, 1, i);
      bonds.join(weight, dimRead, dimRead === 0 ? g * read + i : i, x, 1, i);
    }
    for (let k = 0; k < made; k++) {
      bonds.join(y, 1, g * made + k, y, 1, k);
      bonds.join(weight, dimMade, dimMade === 0 ? g * made + k : k, y, 1, k);
    }
  }
  bonds.reads(x, 1);
  bonds.mark(weight, dimRead, 'reads');
  bonds.mark(weight, dimMade, 'makes');
}

/** weight [rows, E] → [n, E]. */
function embedding([weight]: Inputs, [y]: readonly Value[], bonds: Bonds): void {
  bonds.same(weight, 1, y, 1);
  bonds.mark(weight, 1, 'makes');
  bonds.hold(weight, 0, 'its rows are read by number');
}

/** q [.., L, E], k [.., S, E], v [.., S, D] → [.., L, D]. */
function attention([q, k, v]: Inputs, [y]: readonly Value[], bonds: Bonds): void {
  const last = (y?.shape?.length ?? 0) - 1;
  for (const x of [q, k, v]) for (let d = 0; d < last - 1; d++) bonds.same(x, d, y, d);
  bonds.same(q, last - 1, y, last - 1);
  bonds.same(v, last, y, last);
  bonds.same(q, last, k, last);
  bonds.reads(q, last);
  bonds.reads(k, last);
}

/** Gates of `count` parts, one behind another along their last dimension, belong to the units of a state. */
function gates(x: Value | null | undefined, dim: number, state: Value | undefined, count: number, bonds: Bonds): void {
  const units = sizeAlong(state, 1);
  for (let g = 0; g < count; g++) for (let u = 0; u < units; u++) bonds.join(x, dim, g * units + u, state, 1, u);
}

/** A whole sequence: gates [R, G · H], states [N, H], weight [G · H, H], bias [G · H] → outputs [R, H], last states [N, H]. */
function sequence(count: number, states: number) {
  return (inputs: Inputs, outputs: readonly Value[], bonds: Bonds): void => {
    const [x] = inputs;
    const [output] = outputs;
    const weight = inputs[1 + states];
    const bias = inputs[2 + states];
    bonds.same(x, 0, output, 0);
    gates(x, 1, output, count, bonds);
    gates(weight, 0, output, count, bonds);
    gates(bias, 0, output, count, bonds);
    bonds.same(weight, 1, output, 1);
    for (const state of [...inputs.slice(1, 1 + states), ...outputs.slice(1)]) bonds.same(state, 1, output, 1);
    bonds.mark(weight, 0, 'makes');
    bonds.mark(weight, 1, 'reads');
    bonds.mark(bias, 0, 'makes');
  };
}

/** One step: gates of input and state [N, G · H], the state before [N, H] → the states after it. */
function cell(count: number) {
  return ([x, s, before]: Inputs, outputs: readonly Value[], bonds: Bonds): void => {
    const [output] = outputs;
    for (const given of [x, s]) {
      bonds.same(given, 0, output, 0);
      gates(given, 1, output, count, bonds);
    }
    for (const state of [before, ...outputs.slice(1)]) {
      bonds.same(state, 0, output, 0);
      bonds.same(state, 1, output, 1);
    }
  };
}

/** What each product joins, by the name of its op. */
export const products: Readonly<Record<string, (inputs: Inputs, outputs: readonly Value[], bonds: Bonds) => void>> = {
  linear,
  matmul,
  conv2d: convolution,
  conv2dInput: transposedConvolution,
  embedding,
  scaledDotProductAttention: attention,
  LSTM: sequence(4, 2),
  GRU: sequence(3, 1),
  lstmCell: cell(4),
  gruCell: cell(3),
};
