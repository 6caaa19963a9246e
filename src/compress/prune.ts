import { fail } from '../core/errors.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import { normalizeDim } from '../core/shape.js';
import type { Module, Parameter } from '../nn/index.js';
import { dropMask, maskOf, parameterOf } from './mask.js';
import { alive, removeAt, removeChosen, removeSmallest, sliceNorms, smallest } from './rank.js';

/** Pruning as in torch.nn.utils.prune: the same masks, counts and rounding. */

/**
 * How much to prune: from 0 to 1 a fraction of the weights (or slices) that are left, above 1 a whole number of them. PyTorch
 * tells 1 from 1.0 and takes the first for a count; JavaScript cannot, and here 1 means all. To remove one of n, pass 1 / n.
 */
export type Amount = number;

/** How many of `count` weights `amount` means. Halves are rounded to even, as Python rounds. */
function countOf(amount: Amount, count: number): number {
  if (typeof amount !== 'number' || !(amount >= 0) || (amount > 1 && !Number.isInteger(amount))) {
    fail('argument', `prune: amount must be a fraction in [0, 1] or a whole number, got ${amount}.`);
  }
  if (amount > 1 && amount > count) fail('argument', `prune: amount ${amount} is more than the ${count} there are.`);
  if (amount > 1) return amount;
  const exact = amount * count;
  const near = Math.round(exact);
  return near - exact === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

function checkScores(scores: ArrayLike<number>, expected: number, of: string): void {
  if (scores.length !== expected)
    fail('shape', `prune: importance scores of ${of} must have ${expected} elements, got ${scores.length}.`);
}

/** Weights left in all of `positions` together. */
function total(positions: readonly Int32Array[]): number {
  return positions.reduce((n, { length }) => n + length, 0);
}

export interface UnstructuredOptions {
  /** Importance of each weight, flat; the smallest go first. Default: its absolute value. */
  readonly importanceScores?: ArrayLike<number>;
}

/** Removes the weights of smallest magnitude from one parameter. */
export function l1Unstructured(
  module: Module,
  name: string,
  amount: Amount,
  { importanceScores }: UnstructuredOptions = {},
): void {
  const parameter = parameterOf(module, name);
  const scores = importanceScores ?? parameter.dataSync().map(Math.abs);
  checkScores(scores, parameter.numel(), name);
  removeSmallest([parameter], [scores], countOf(amount, alive(parameter).length));
}

export interface RandomOptions {
  readonly generator?: Generator;
}

/** Removes weights at random from one parameter. */
export function randomUnstructured(
  module: Module,
  name: string,
  amount: Amount,
  { generator = defaultGenerator }: RandomOptions = {},
): void {
  removeAtRandom([parameterOf(module, name)], amount, generator);
}

function removeAtRandom(parameters: readonly Parameter[], amount: Amount, generator: Generator): void {
  removeChosen(parameters, (left) => generator.permutation(total(left)).subarray(0, countOf(amount, total(left))));
}

export interface GlobalOptions {
  readonly pruningMethod: 'l1' | 'random';
  readonly amount: Amount;
  /** Importance of each weight of each parameter, in the order given. Default: absolute values. */
  readonly importanceScores?: readonly ArrayLike<number>[];
  readonly generator?: Generator;
}

/** Removes the least important weights of several parameters together: those of one may go before any of another. */
export function globalUnstructured(
  parameters: readonly (readonly [Module, string])[],
  { pruningMethod, amount, importanceScores, generator = defaultGenerator }: GlobalOptions,
): void {
  const targets = parameters.map(([module, name]) => parameterOf(module, name));
  if (pruningMethod === 'random') {
    removeAtRandom(targets, amount, generator);
    return;
  }
  if (pruningMethod !== 'l1') {
    fail('argument', `globalUnstructured: pruningMethod must be 'l1' or 'random', got '${String(pruningMethod)}'.`);
  }
  const scores = targets.map((parameter, i) => {
    const given = importanceScores?.[i] ?? parameter.dataSync().map(Math.abs);
    checkScores(given, parameter.numel(), parameters[i]?.[1] ?? '');
    return given;
  });
  removeSmallest(targets, scores, countOf(amount, total(targets.map(alive))));
}

export interface StructuredOptions {
  /** Which norm ranks the slices: 0 or more, or ±Infinity. Default 2. */
  readonly n?: number;
  /** Dimension whose slices are removed: 0 for neurons and filters. Default 0. */
  readonly dim?: number;
  /** Importance of each slice. Default: its norm. */
  readonly importanceScores?: ArrayLike<number>;
}

/** Removes whole slices of one parameter: rows of a linear layer, filters of a convolution. */
export function lnStructured(
  module: Module,
  name: string,
  amount: Amount,
  { n = 2, dim = 0, importanceScores }: StructuredOptions = {},
): void {
  const parameter = parameterOf(module, name);
  const d = normalizeDim('lnStructured', dim, parameter.ndim);
  if (!(n >= 0 || n === -Infinity)) fail('argument', `lnStructured: n must be 0 or more, or ±Infinity, got ${n}.`);
  const size = parameter.shape[d] as number;
  const inner = parameter.shape.slice(d + 1).reduce((a, b) => a * b, 1);
  const scores = importanceScores ?? sliceNorms(parameter, d, n);
  checkScores(scores, size, `${name} along dim ${d}`);
  const sliceAt = (i: number): number => Math.floor(i / inner) % size;
  const left = [...new Set(alive(parameter).map(sliceAt))].sort((a, b) => a - b);
  const ranked = left.map((slice) => scores[slice] as number);
  const gone = new Set(Array.from(smallest(ranked, countOf(amount, left.length)), (rank) => left[rank] as number));
  removeAt(
    parameter,
    alive(parameter).filter((i) => gone.has(sliceAt(i))),
  );
}

/** Makes the pruning of a parameter permanent: its mask is forgotten, its zeros stay. */
export function remove(module: Module, name: string): void {
  const parameter = parameterOf(module, name);
  if (maskOf(parameter) === null)
    fail('argument', `prune.remove: '${name}' of ${module.constructor.name} is not pruned.`);
  dropMask(parameter);
}

/** Whether any parameter here or below has a mask. */
export function isPruned(module: Module): boolean {
  return module.parameters().some((parameter) => maskOf(parameter) !== null);
}

export interface LayerSparsity {
  readonly name: string;
  readonly weights: number;
  readonly zeros: number;
}

export interface Sparsity {
  /** Share of zeros among all weights (parameters of two or more dimensions), in [0, 1]. */
  readonly sparsity: number;
  readonly weights: number;
  readonly zeros: number;
  readonly layers: readonly LayerSparsity[];
}

/** Counts the zeros in the weights of a model, layer by layer. Biases and norms, of one dimension, are not counted. */
export function sparsity(module: Module): Sparsity {
  const layers = module
    .namedParameters()
    .filter(([, parameter]) => parameter.ndim >= 2)
    .map(([name, parameter]) => ({
      name,
      weights: parameter.numel(),
      zeros: parameter.dataSync().reduce((count, value) => count + (value === 0 ? 1 : 0), 0),
    }));
  const weights = layers.reduce((n, layer) => n + layer.weights, 0);
  const zeros = layers.reduce((n, layer) => n + layer.zeros, 0);
  return { sparsity: weights === 0 ? 0 : zeros / weights, weights, zeros, layers };
}
