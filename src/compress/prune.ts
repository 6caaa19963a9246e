import { fail } from '../core/errors.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import { normalizeDim } from '../core/shape.js';
import type { Module, Parameter } from '../nn/index.js';
import { dropMask, maskOf, parameterOf, setMask } from './mask.js';

/** Pruning as in torch.nn.utils.prune: the same masks, counts and rounding. */

/** A fraction in [0, 1] of the weights that are left, or a whole number of them. */
export type Amount = number;

/** How many of `count` weights `amount` means. A whole number ≥ 1 is a count, anything below 1 a fraction, rounded to even. */
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

/** Positions of the `n` smallest scores; equal ones in their order. */
function smallest(scores: ArrayLike<number>, candidates: readonly number[], n: number): number[] {
  return [...candidates].sort((a, b) => (scores[a] as number) - (scores[b] as number) || a - b).slice(0, n);
}

/** Positions of a parameter that are not pruned yet. */
function alive(parameter: Parameter): number[] {
  const mask = maskOf(parameter)?.dataSync();
  const positions: number[] = [];
  for (let i = 0; i < parameter.numel; i++) if (mask === undefined || mask[i] !== 0) positions.push(i);
  return positions;
}

function removeAt(parameter: Parameter, positions: readonly number[]): void {
  const mask = new Float32Array(parameter.numel).fill(1);
  for (const i of positions) mask[i] = 0;
  setMask(parameter, mask);
}

function checkScores(scores: ArrayLike<number>, expected: number, of: string): void {
  if (scores.length !== expected) fail('shape', `prune: importance scores of ${of} must have ${expected} elements, got ${scores.length}.`);
}

export interface UnstructuredOptions {
  /** Importance of each weight, flat; the smallest go first. Default: its absolute value. */
  readonly importanceScores?: ArrayLike<number>;
}

/** Removes the weights of smallest magnitude from one parameter. */
export function l1Unstructured(module: Module, name: string, amount: Amount, { importanceScores }: UnstructuredOptions = {}): void {
  const parameter = parameterOf(module, name);
  const scores = importanceScores ?? parameter.dataSync().map(Math.abs);
  checkScores(scores, parameter.numel, name);
  const positions = alive(parameter);
  removeAt(parameter, smallest(scores, positions, countOf(amount, positions.length)));
}

export interface RandomOptions {
  readonly generator?: Generator;
}

/** Removes weights at random from one parameter. */
export function randomUnstructured(module: Module, name: string, amount: Amount, { generator = defaultGenerator }: RandomOptions = {}): void {
  const parameter = parameterOf(module, name);
  const positions = alive(parameter);
  const order = generator.permutation(positions.length);
  const count = countOf(amount, positions.length);
  removeAt(parameter, Array.from(order.slice(0, count), (i) => positions[i] as number));
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
  const places: { target: number; index: number; score: number }[] = [];
  targets.forEach((parameter, target) => {
    const scores = importanceScores?.[target] ?? parameter.dataSync().map(Math.abs);
    checkScores(scores, parameter.numel, parameters[target]?.[1] ?? '');
    for (const index of alive(parameter)) places.push({ target, index, score: scores[index] as number });
  });
  const count = countOf(amount, places.length);
  const chosen =
    pruningMethod === 'random'
      ? Array.from(generator.permutation(places.length).slice(0, count), (i) => places[i] as (typeof places)[number])
      : places.sort((a, b) => a.score - b.score || a.target - b.target || a.index - b.index).slice(0, count);
  targets.forEach((parameter, target) => {
    removeAt(
      parameter,
      chosen.filter((place) => place.target === target).map((place) => place.index),
    );
  });
}

export interface StructuredOptions {
  /** Which norm ranks the slices. Default 2. */
  readonly n?: number;
  /** Dimension whose slices are removed: 0 for neurons and filters. Default 0. */
  readonly dim?: number;
  /** Importance of each slice. Default: its norm. */
  readonly importanceScores?: ArrayLike<number>;
}

/** The n-norm of every slice along `dim`. */
export function sliceNorms(parameter: Parameter, dim: number, n: number): Float64Array {
  const size = parameter.shape[dim] as number;
  const inner = parameter.shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  const norms = new Float64Array(size);
  parameter.dataSync().forEach((value, i) => {
    const slice = Math.floor(i / inner) % size;
    const magnitude = Math.abs(value);
    norms[slice] = n === Infinity ? Math.max(norms[slice] as number, magnitude) : (norms[slice] as number) + magnitude ** n;
  });
  return n === Infinity ? norms : norms.map((total) => total ** (1 / n));
}

/** Removes whole slices of one parameter: rows of a linear layer, filters of a convolution. */
export function lnStructured(module: Module, name: string, amount: Amount, { n = 2, dim = 0, importanceScores }: StructuredOptions = {}): void {
  const parameter = parameterOf(module, name);
  const d = normalizeDim('lnStructured', dim, parameter.ndim);
  const size = parameter.shape[d] as number;
  const inner = parameter.shape.slice(d + 1).reduce((a, b) => a * b, 1);
  const scores = importanceScores ?? sliceNorms(parameter, d, n);
  checkScores(scores, size, `${name} along dim ${d}`);
  const sliceAt = (i: number): number => Math.floor(i / inner) % size;
  const left = [...new Set(alive(parameter).map(sliceAt))].sort((a, b) => a - b);
  const gone = new Set(smallest(scores, left, countOf(amount, left.length)));
  removeAt(
    parameter,
    Array.from({ length: parameter.numel }, (_, i) => i).filter((i) => gone.has(sliceAt(i))),
  );
}

/** Makes the pruning of a parameter permanent: its mask is forgotten, its zeros stay. */
export function remove(module: Module, name: string): void {
  const parameter = parameterOf(module, name);
  if (maskOf(parameter) === null) fail('argument', `prune.remove: '${name}' of ${module.constructor.name} is not pruned.`);
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
      weights: parameter.numel,
      zeros: parameter.dataSync().reduce((count, value) => count + (value === 0 ? 1 : 0), 0),
    }));
  const weights = layers.reduce((n, layer) => n + layer.weights, 0);
  const zeros = layers.reduce((n, layer) => n + layer.zeros, 0);
  return { sparsity: weights === 0 ? 0 : zeros / weights, weights, zeros, layers };
}
