import { random } from '#binary';
import { currentDevice } from '../backend/current.js';
import { isOptions, readArguments } from '../core/arguments.js';
import type { KernelName } from '../core/device.js';
import { checkDType } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { defaultGenerator, type Generator, highWord, lowWord } from '../core/random.js';
import type { RankOf } from '../core/rank.js';
import { checkShape, type Shape } from '../core/shape.js';
import { CREATE_NAMES, readSizes } from '../core/sizes.js';
import { allocate, type Tensor } from '../core/tensor.js';
import { mul } from './arithmetic.js';
import { type CreateOptions, type SizeOption, tensor } from './create.js';
import { checkTensor, empty } from './op.js';

/** Tensors of random numbers, drawn from a counter-based stream: the same seed gives the same numbers on every device. */

export interface RandomOptions<D extends 'float32' | 'int32' = 'float32'> extends CreateOptions<D> {
  /** The stream to draw from. Default: the one that `manualSeed` sets. */
  readonly generator?: Generator;
}

/** Where a draw stands in its stream, as kernels take it. One list for all draws, so that a replay makes none of its own. */
const place = [0, 0, 0, 0];

/** Reserves `blocks` blocks and sets `place` to where they begin: two words of the seed, two of the counter. */
function moveOn(generator: Generator, blocks: number): void {
  const seed = generator.initialSeed();
  const counter = generator.reserve(blocks);
  place[0] = lowWord(seed);
  place[1] = highWord(seed);
  place[2] = lowWord(counter);
  place[3] = highWord(counter);
}

/** Fills `y` from the next numbers of the stream. Element i comes from word i mod 4 of block ⌊i / 4⌋ of this call. */
function draw(kernel: KernelName, y: Tensor, generator: Generator, floats: readonly number[]): void {
  const blocks = Math.ceil(y.numel() / 4);
  moveOn(generator, blocks);
  y.storage.device.launch({
    kernel,
    work: y.numel(),
    grain: 8192,
    writes: [y],
    reads: [],
    floats,
    ints: place,
    refresh(numbers) {
      moveOn(generator, blocks);
      for (let i = 0; i < place.length; i++) numbers.int(i, place[i] as number);
    },
  });
}

const RANDOM_NAMES = [...CREATE_NAMES, 'generator'] as const;

function fresh(name: string, sizes: Shape, options: RandomOptions): Tensor<'float32'> {
  if (checkDType(name, options.dtype ?? 'float32') !== 'float32') {
    fail('dtype', `${name}: draws float32, got ${String(options.dtype)}. Use .to(dtype) on the result.`);
  }
  return allocate(currentDevice(), sizes, 'float32', name);
}

/** Uniform in [0, 1). */
export function rand<const S extends Shape | number>(size: S, options?: RandomOptions): Tensor<'float32', RankOf<S>>;
export function rand<S extends number[]>(...sizes: S): Tensor<'float32', RankOf<S>>;
export function rand(...given: [...sizes: number[], options: RandomOptions]): Tensor<'float32'>;
export function rand(options: RandomOptions & SizeOption): Tensor<'float32'>;
export function rand(...given: readonly unknown[]): Tensor<'float32'> {
  const { sizes, options } = readSizes<RandomOptions>('rand', given, RANDOM_NAMES);
  const y = fresh('rand', sizes, options);
  draw('philox_f32', y, options.generator ?? defaultGenerator, []);
  if (options.requiresGrad) y.requiresGrad = true;
  return y;
}

/** Standard normal. */
export function randn<const S extends Shape | number>(size: S, options?: RandomOptions): Tensor<'float32', RankOf<S>>;
export function randn<S extends number[]>(...sizes: S): Tensor<'float32', RankOf<S>>;
export function randn(...given: [...sizes: number[], options: RandomOptions]): Tensor<'float32'>;
export function randn(options: RandomOptions & SizeOption): Tensor<'float32'>;
export function randn(...given: readonly unknown[]): Tensor<'float32'> {
  const { sizes, options } = readSizes<RandomOptions>('randn', given, RANDOM_NAMES);
  const y = fresh('randn', sizes, options);
  draw(random.kernel('normal_f32'), y, options.generator ?? defaultGenerator, [0, 1]);
  if (options.requiresGrad) y.requiresGrad = true;
  return y;
}

export interface RandintOptions extends RandomOptions<'int32'> {
  /** Default 0. */
  readonly low?: number;
  readonly high: number;
  readonly size: Shape;
}

/** Whole numbers in [low, high), int32. `randint(high, size)` begins at 0. */
export function randint(high: number, size: Shape, options?: RandomOptions<'int32'>): Tensor;
export function randint(low: number, high: number, size: Shape, options?: RandomOptions<'int32'>): Tensor;
export function randint(low: number, high: number, options: Omit<RandintOptions, 'low' | 'high'>): Tensor;
export function randint(high: number, options: Omit<RandintOptions, 'high'>): Tensor;
export function randint(low: number, options: Omit<RandintOptions, 'low'>): Tensor;
export function randint(options: RandintOptions): Tensor;
export function randint(...given: readonly unknown[]): Tensor {
  const last = given[given.length - 1];
  const named: Partial<RandintOptions> = isOptions(last) ? last : {};
  const positional = isOptions(last) ? given.slice(0, -1) : given;
  // The first number is the upper end, unless that follows it or has its name.
  const isHigh = typeof positional[0] === 'number' && typeof positional[1] !== 'number' && named.high === undefined;
  const read = readArguments<Partial<RandintOptions>>(
    'randint',
    [...(isHigh ? [undefined] : []), ...positional, named],
    ['low', 'high', 'size', ...RANDOM_NAMES],
  );
  const { low: from = 0, high: to, size: sizes, generator = defaultGenerator, ...options } = read;
  if (!(Number.isInteger(from) && Number.isInteger(to) && (to as number) > from)) {
    fail('argument', `randint: expected whole numbers low < high, got ${from} and ${String(to)}.`);
  }
  if (!Array.isArray(sizes)) return fail('argument', `randint: size must be an array of sizes, got ${String(sizes)}.`);
  checkShape('randint', sizes);
  const n = sizes.reduce((a: number, b: number) => a * b, 1);
  return tensor(
    Int32Array.from({ length: n }, () => from + generator.below((to as number) - from)),
    sizes,
    { dtype: 'int32', ...options },
  );
}

/** 0 … n − 1 in random order, int32. */
export function randperm(n: number, options?: RandomOptions<'int32'>): Tensor;
export function randperm(options: RandomOptions<'int32'> & { readonly n: number }): Tensor;
export function randperm(...given: readonly unknown[]): Tensor {
  const read = readArguments<RandomOptions<'int32'> & { readonly n?: number }>('randperm', given, [
    'n',
    ...RANDOM_NAMES,
  ]);
  const { n, generator = defaultGenerator, ...options } = read;
  if (!Number.isInteger(n) || (n as number) < 0) {
    return fail('argument', `randperm: expected a whole number ≥ 0, got ${String(n)}.`);
  }
  return tensor(generator.permutation(n as number), [n as number], { dtype: 'int32', ...options });
}

export function randLike(input: Tensor, options: RandomOptions = {}): Tensor<'float32'> {
  return rand(input.shape, options);
}

export function randnLike(input: Tensor, options: RandomOptions = {}): Tensor<'float32'> {
  return randn(input.shape, options);
}

export interface DropoutOptions {
  /** Probability of an element to become 0. Default 0.5. */
  readonly p?: number;
  /** Whether to drop at all; the survivors are scaled by 1 / (1 − p). Default true. */
  readonly training?: boolean;
  readonly generator?: Generator;
}

export type DropoutArguments = [
  p?: number | DropoutOptions,
  training?: boolean | DropoutOptions,
  options?: DropoutOptions,
];

/** Sets elements to 0 with probability p and scales the others, so that sums keep their mean (Srivastava et al. 2014). */
export function dropout(input: Tensor, ...given: DropoutArguments): Tensor {
  checkTensor('dropout', input);
  const read = readArguments<DropoutOptions>('dropout', given, ['p', 'training', 'generator']);
  const { p = 0.5, training = true, generator = defaultGenerator } = read;
  if (!(p >= 0 && p <= 1)) fail('argument', `dropout: p must be in [0, 1], got ${p}.`);
  if (!training || p === 0) return input;
  const mask = empty(input, input.shape, 'float32', 'dropout');
  draw(random.kernel('dropoutMask_f32'), mask, generator, [1 - p, p === 1 ? 0 : 1 / (1 - p)]);
  return mul(input, mask);
}
