import { noGrad } from '../autograd/index.js';
import { checkOptions, readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import * as elementary from '../core/elementary.js';
import { fail, show } from '../core/errors.js';
import { type Led, lead, leading } from '../core/keywords.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import { scope } from '../core/scoping.js';
import { broadcastShapes, type Shape } from '../core/shape.js';
import { CREATE_NAMES } from '../core/sizes.js';
import { Tensor } from '../core/tensor.js';
import { add, div, mul, neg } from './arithmetic.js';
import { ge, le, logicalAnd, lt } from './compare.js';
import { tensor } from './create.js';
import { checkHolds } from './indices.js';
import { cast } from './movement.js';
import { checkTensor, knownValues } from './op.js';
import { type RandomOptions, rand, randint, randn } from './random.js';
import { topk } from './sort.js';
import { clamp, log1p } from './unary.js';

/** Draws from distributions other than the uniform and the normal, into new tensors. fills.ts has those in place. */

export interface DrawOptions {
  /** The stream to draw from. Default: the one that `manualSeed` sets. */
  readonly generator?: Generator;
}

/** Throws unless all elements are probabilities. */
export function checkProbabilities(name: string, p: Tensor): void {
  checkHolds(logicalAnd(ge(p, 0), le(p, 1)), () =>
    fail('argument', `${name}: probabilities must be in [0, 1], got others among ${show(p.shape)}.`),
  );
}

function checkFloat(name: string, x: Tensor, what: string): void {
  if (traits[x.dtype].isFloat) return;
  fail('dtype', `${name}: ${what} must be float32, got ${x.dtype} ${show(x.shape)}. Use .float().`);
}

/** Uniform and neither 0 nor 1, so that logarithms of it and of what is left to 1 are finite. */
export function open01(shape: Shape, generator: Generator): Tensor {
  return clamp(add(rand(shape, { generator }), 2 ** -25), 2 ** -25, 1 - 2 ** -24);
}

/** 1 with the probability that each element of `input` gives, else 0, in the dtype of `input`. */
export function bernoulli(input: Tensor, options: DrawOptions = {}): Tensor {
  checkTensor('bernoulli', input);
  checkOptions('bernoulli', options, ['generator']);
  checkFloat('bernoulli', input, 'probabilities');
  const { generator = defaultGenerator } = options;
  return noGrad(() =>
    scope(() => {
      checkProbabilities('bernoulli', input);
      return cast(lt(rand(input.shape, { generator }), input), input.dtype);
    }),
  );
}

export interface MultinomialOptions extends DrawOptions {
  /** How many indices are drawn from each row. */
  readonly numSamples: number;
  /** Whether an index may come again. Default false. */
  readonly replacement?: boolean;
}

export type MultinomialArguments = [
  numSamples: number | MultinomialOptions,
  replacement?: boolean | Partial<MultinomialOptions>,
  options?: Partial<MultinomialOptions>,
];

/**
 * `numSamples` indices, int32, drawn from each row of weights `input`, [n] or [m, n]; the weights need not sum to 1. Without
 * replacement no index comes twice. Reads the weights, to check them.
 */
export function multinomial(input: Tensor, ...given: MultinomialArguments): Tensor<'int32'> {
  checkTensor('multinomial', input);
  checkFloat('multinomial', input, 'weights');
  const names = ['numSamples', 'replacement', 'generator'] as const;
  const read = readArguments<MultinomialOptions>('multinomial', given, names);
  const { numSamples, replacement = false, generator = defaultGenerator } = read;
  const size = input.shape[input.ndim - 1] ?? 0;
  if (input.ndim < 1 || input.ndim > 2) {
    fail('shape', `multinomial: expected weights [n] or [m, n], got ${show(input.shape)}.`);
  }
  if (!(Number.isInteger(numSamples) && numSamples > 0)) {
    fail('argument', `multinomial: numSamples must be a whole number > 0, got ${String(numSamples)}.`);
  }
  return noGrad(() =>
    scope(() => {
      const weights = knownValues('multinomial', input) as Float32Array;
      const rows = input.ndim === 1 ? 1 : (input.shape[0] as number);
      for (let r = 0; r < rows; r++) {
        const row = weights.subarray(r * size, (r + 1) * size);
        checkWeights(row, replacement ? 1 : numSamples);
      }
      const shape = input.ndim === 1 ? [numSamples] : [rows, numSamples];
      if (replacement) return drawRows(weights, rows, size, numSamples, shape, generator);
      // The first of independent exponential arrivals is each index with its share of the weights, and so on for the rest.
      const arrivals = neg(log1p(neg(open01(input.shape, generator))));
      return cast(topk(div(cast(input, 'float32'), arrivals), numSamples).indices, 'int32');
    }),
  );
}

function drawRows(
  weights: Float32Array,
  rows: number,
  size: number,
  count: number,
  shape: Shape,
  generator: Generator,
): Tensor<'int32'> {
  const draws = knownValues('multinomial', rand([rows, count], { generator }));
  const indices = new Int32Array(rows * count);
  for (let r = 0; r < rows; r++) {
    const row = weights.subarray(r * size, (r + 1) * size);
    const sums = new Float64Array(size);
    let total = 0;
    let last = 0;
    row.forEach((weight, i) => {
      total += weight;
      sums[i] = total;
      if (weight > 0) last = i;
    });
    for (let k = 0; k < count; k++) {
      const at = (draws[r * count + k] as number) * total;
      indices[r * count + k] = Math.min(firstAbove(sums, at), last);
    }
  }
  return tensor(indices, shape, { dtype: 'int32' });
}

/** The index of the first of rising `sums` that is above `x`. */
function firstAbove(sums: Float64Array, x: number): number {
  let [low, high] = [0, sums.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] as number) > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

function checkWeights(row: Float32Array, needed: number): void {
  if (!row.every((weight) => weight >= 0 && weight < Infinity)) {
    fail('argument', 'multinomial: weights must be finite numbers ≥ 0.');
  }
  const positive = row.reduce((n, weight) => n + Number(weight > 0), 0);
  if (positive < needed) {
    fail(
      'argument',
      `multinomial: ${needed} draws need as many weights above 0, got ${positive}. Pass { replacement: true }.`,
    );
  }
}

export interface NormalOptions extends DrawOptions {
  /** Of two numbers, the sizes of the result. */
  readonly size?: Shape;
}

/**
 * Normal numbers with this mean and deviation, each a tensor or a number, which broadcast; for two numbers the shape is given
 * too: `normal(0, 1, [2, 3])`.
 */
export function normal(
  mean: Tensor | number,
  ...given: Led<[std: Tensor | number, size?: Shape | NormalOptions, options?: DrawOptions], readonly ['std']>
): Tensor {
  const [std, ...rest] = lead('normal', ['std'], given) as [Tensor | number, ...unknown[]];
  const read = readArguments<NormalOptions>(
    'normal',
    rest.filter((x) => x !== undefined),
    ['size', 'generator'],
  );
  const { size, ...settings } = read;
  const isShape = size !== undefined;
  const tensors = [mean, std].filter((x) => x instanceof Tensor);
  for (const x of tensors) {
    checkTensor('normal', x);
    checkFloat('normal', x, 'mean and std');
  }
  if (tensors.length === 0 && !isShape) {
    fail('argument', 'normal: two numbers need a shape, as in normal(0, 1, [2, 3]).');
  }
  const refuse = (got: number | string): never => fail('argument', `normal: std must be ≥ 0, got ${got}.`);
  if (std instanceof Tensor) checkHolds(ge(std, 0), () => refuse('a negative element'));
  else if (!(std >= 0)) refuse(std);
  const [a, b] = [mean, std].map((x) => (x instanceof Tensor ? x.shape : [])) as [Shape, Shape];
  const shape = isShape ? (size as Shape) : broadcastShapes('normal', a, b);
  return noGrad(() => scope(() => add(mul(randn(shape, settings), std), mean)));
}

/** log k! for a whole k ≥ 0, by Stirling's series where the product would be long. */
function logFactorial(k: number): number {
  if (k < 20) {
    let product = 1;
    for (let i = 2; i <= k; i++) product *= i;
    return elementary.log(product);
  }
  const x = k + 1;
  return (x - 0.5) * elementary.log(x) - x + 0.5 * elementary.log(2 * Math.PI) + 1 / (12 * x) - 1 / (360 * (x * x * x));
}

/**
 * A number of events with this mean: below 10 by multiplying uniform numbers (D. E. Knuth, The art of computer programming 2),
 * above by transformed rejection (W. Hörmann, The transformed rejection method for generating Poisson random variables, 1993).
 */
function events(mean: number, generator: Generator): number {
  if (mean < 10) {
    const limit = elementary.exp(-mean);
    let count = 0;
    for (let product = generator.uniform(); product > limit; product *= generator.uniform()) count++;
    return count;
  }
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const scale = 1.1239 + 1.1328 / (b - 3.4);
  const inside = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = generator.uniform() - 0.5;
    const v = 1 - generator.uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= inside) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const height = elementary.log(v) + elementary.log(scale) - elementary.log(a / (us * us) + b);
    if (height <= k * elementary.log(mean) - mean - logFactorial(k)) return k;
  }
}

/** Numbers of events with the means that `input` gives, float32 of its shape. Each element has a stream of its own. */
export function poisson(input: Tensor, options: DrawOptions = {}): Tensor {
  checkTensor('poisson', input);
  checkOptions('poisson', options, ['generator']);
  checkFloat('poisson', input, 'means');
  const { generator = defaultGenerator } = options;
  const means = knownValues('poisson', input);
  if (!means.every((mean) => mean >= 0)) fail('argument', 'poisson: means must be numbers ≥ 0.');
  // A word of the stream makes the streams of the elements, so that one element's rejections do not move the others.
  const key = generator.uint32();
  const counts = Float32Array.from(means, (mean, i) => events(mean, generator.fork('poisson', key, i)));
  return tensor(counts, input.shape, { dtype: input.dtype });
}

/** Like `randint`, with the shape of `input`: `randintLike(input, high)` and `randintLike(input, low, high)`, int32. */
export const randintLike = /* @__PURE__ */ leading(
  'randintLike',
  ['low'],
  (input: Tensor, low: number, high?: number | RandomOptions<'int32'>, options?: RandomOptions<'int32'>): Tensor => {
    checkTensor('randintLike', input);
    const read = readArguments<RandomOptions<'int32'> & { readonly high?: number }>(
      'randintLike',
      [high, options].filter((value) => value !== undefined),
      ['high', ...CREATE_NAMES, 'generator'],
    );
    const { high: to, ...others } = read;
    return to === undefined ? randint(low, input.shape, others) : randint(low, to, input.shape, others);
  },
);
