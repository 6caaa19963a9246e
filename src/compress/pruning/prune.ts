import { noGrad } from '../../autograd/index.js';
import { readArguments } from '../../core/arguments.js';
import { fail } from '../../core/errors.js';
import { defaultGenerator, type Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { normalizeDim } from '../../core/shape.js';
import type { Module, Parameter } from '../../nn/index.js';
import { cat, flatten, ones, tensor } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { SparseLayer } from '../sparsity/sparselayer.js';
import { dropMask, maskOf, parameterOf, setMask } from './mask.js';
import {
  type Amount,
  BasePruningMethod,
  BlockStructured,
  CustomFromMask,
  Identity,
  L1Unstructured,
  LnStructured,
  NM,
  RandomStructured,
  RandomUnstructured,
  type Scores,
} from './method.js';

/**
 * Pruning as in torch.nn.utils.prune: the same masks, counts and rounding. Masks live beside the parameters, which keep their
 * names; optimizers keep what was pruned at 0.
 */

export { criteria as importance } from './criteria.js';
export {
  type Amount,
  BasePruningMethod,
  BlockStructured,
  CustomFromMask,
  Identity,
  L1Unstructured,
  LnStructured,
  NM,
  PruningContainer,
  RandomStructured,
  RandomUnstructured,
  type Scores,
} from './method.js';

export interface UnstructuredOptions {
  /** Importance of each weight; the smallest in absolute value go first. Default: the weights themselves. */
  readonly importanceScores?: Scores;
}

/** Removes nothing, and gives the parameter a mask of ones. */
export function identity(module: Module, name: string): void {
  new Identity().apply(module, name);
}

/** Removes the weights of smallest magnitude from one parameter. */
export function l1Unstructured(
  module: Module,
  name: string,
  amount: Amount,
  { importanceScores }: UnstructuredOptions = {},
): void {
  new L1Unstructured(amount).apply(module, name, importanceScores);
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
  new RandomUnstructured(amount, generator).apply(module, name);
}

export interface RandomStructuredOptions extends RandomOptions {
  /** Dimension whose slices are removed: 0 for neurons and filters. Default 0. */
  readonly dim?: number;
}

/** Removes whole slices of one parameter at random: `randomStructured(module, 'weight', 0.5, 0)`. */
export function randomStructured(
  module: Module,
  name: string,
  amount: Amount,
  ...rest: readonly [dim?: number | RandomStructuredOptions, options?: RandomStructuredOptions]
): void {
  const { dim = 0, generator } = readArguments<RandomStructuredOptions>('randomStructured', rest, ['dim', 'generator']);
  new RandomStructured(amount, dim, generator).apply(module, name);
}

export interface StructuredOptions {
  /** Which norm ranks the slices: 0 or more, or ±Infinity. Default 2. */
  readonly n?: number;
  /** Dimension whose slices are removed: 0 for neurons and filters. Default 0. */
  readonly dim?: number;
  /** Importance of each weight, whose norms rank the slices, or of each slice. Default: the weights. */
  readonly importanceScores?: Scores;
}

/** Removes the slices of smallest norm: rows of a linear layer, filters of a convolution. */
export function lnStructured(
  module: Module,
  name: string,
  amount: Amount,
  ...rest: readonly [n?: number | StructuredOptions, dim?: number | StructuredOptions, options?: StructuredOptions]
): void {
  const {
    n = 2,
    dim = 0,
    importanceScores: given,
  } = readArguments<StructuredOptions>('lnStructured', rest, ['n', 'dim', 'importanceScores']);
  const { shape } = parameterOf(module, name);
  const size = shape[normalizeDim('lnStructured', dim, shape.length)];
  const values = given instanceof Tensor ? given.dataSync() : given;
  if (values !== undefined && values.length === size)
    new LnStructured(amount, n, dim, values as ArrayLike<number>).apply(module, name);
  else new LnStructured(amount, n, dim).apply(module, name, values as ArrayLike<number> | undefined);
}

export interface NMOptions {
  /** The dimension along which weights are counted. Default 1, that of the inputs; of vectors 0. */
  readonly dim?: number;
}

/** Keeps the `n` largest of every `m` weights in a row along the inputs: `nm(module, 'weight', 2, 4)`. */
export function nm(module: Module, name: string, n: number, m: number, { dim }: NMOptions = {}): void {
  new NM(n, m, dim ?? null).apply(module, name);
}

export interface BlockOptions {
  /** Rows and columns of a block. Default [4, 4]. */
  readonly size?: readonly [rows: number, columns: number];
  /** Which norm ranks the blocks. Default 2. */
  readonly n?: number;
}

/** Removes the blocks of smallest norm: `block(module, 'weight', 0.5, [4, 1])`. */
export function block(
  module: Module,
  name: string,
  amount: Amount,
  ...rest: readonly [size?: readonly [number, number] | BlockOptions, n?: number | BlockOptions, options?: BlockOptions]
): void {
  const { size, n } = readArguments<BlockOptions>('prune.block', rest, ['size', 'n']);
  new BlockStructured(amount, size, n).apply(module, name);
}

/** Removes what a mask of the parameter's shape says: 1 keeps, 0 removes. */
export function customFromMask(module: Module, name: string, mask: Scores): void {
  new CustomFromMask(mask).apply(module, name);
}

export interface GlobalOptions {
  /** A name, or a method that looks at weights one by one. Default 'l1'. */
  readonly pruningMethod?: 'l1' | 'random' | BasePruningMethod;
  /** How much of all parameters together; a method that was made knows it already. */
  readonly amount?: Amount;
  /** Importance of each weight of each parameter, in the order given. Default: the weights. */
  readonly importanceScores?: readonly (Scores | undefined)[];
  readonly generator?: Generator;
}

function methodOf({ pruningMethod: given = 'l1', amount = NaN, generator }: GlobalOptions): BasePruningMethod {
  if (given === 'l1') return new L1Unstructured(amount);
  if (given === 'random') return new RandomUnstructured(amount, generator);
  if (given instanceof BasePruningMethod && given.pruningType === 'unstructured') return given;
  return fail(
    'argument',
    `globalUnstructured: pruningMethod must be 'l1' or 'random', got '${given instanceof BasePruningMethod ? given.constructor.name : String(given)}'; ` +
      'or a method of pruningType unstructured.',
  );
}

/** Removes the least important weights of several parameters together: those of one may go before any of another. */
export function globalUnstructured(
  parameters: readonly (readonly [Module, string])[],
  options: GlobalOptions = {},
): void {
  const method = methodOf(options);
  const targets = parameters.map(([module, name]) => parameterOf(module, name));
  if (targets.length === 0) fail('argument', 'globalUnstructured: expected pairs of a module and a name, got none.');
  const masks = scope(() =>
    noGrad(() => {
      const scores = targets.map((parameter, i) => {
        const given = options.importanceScores?.[i];
        if (given === undefined) return flatten(parameter);
        const values = given instanceof Tensor ? given.dataSync() : given;
        if (values.length === parameter.numel()) return tensor(Float32Array.from(values as ArrayLike<number>));
        const name = parameters[i]?.[1];
        return fail(
          'shape',
          `prune: importance scores of ${name} must have ${parameter.numel()} elements, got ${values.length}.`,
        );
      });
      const before = targets.map((parameter) => flatten(maskOf(parameter) ?? ones(parameter.shape)));
      return method.maskAfter(cat(scores), cat(before)).dataSync();
    }),
  );
  let at = 0;
  for (const parameter of targets) {
    setMask(parameter, masks.subarray(at, at + parameter.numel()) as Float32Array);
    at += parameter.numel();
  }
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

/**
 * Counts the zeros in the weights of a model, layer by layer; what sparse layers do not keep counts as zero. Biases and norms, of
 * one dimension, are not counted.
 */
export function sparsity(module: Module): Sparsity {
  const sizes = new Map<Parameter, number>();
  for (const layer of module.modules()) if (layer instanceof SparseLayer) sizes.set(layer.values, layer.size);
  const layers = module
    .namedParameters()
    .filter(([, parameter]) => parameter.ndim >= 2 || sizes.has(parameter))
    .map(([name, parameter]) => {
      const kept = parameter.dataSync().reduce((count, value) => count + Number(value !== 0), 0);
      const weights = sizes.get(parameter) ?? parameter.numel();
      return { name, weights, zeros: weights - kept };
    });
  const weights = layers.reduce((n, layer) => n + layer.weights, 0);
  const zeros = layers.reduce((n, layer) => n + layer.zeros, 0);
  return { sparsity: weights === 0 ? 0 : zeros / weights, weights, zeros, layers };
}
