import { currentDevice } from '../backend/current.js';
import { readArguments } from '../core/arguments.js';
import { checkDType } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import { checkShape, type Shape } from '../core/shape.js';
import { allocate, type Tensor } from '../core/tensor.js';
import { mul } from './arithmetic.js';
import { type CreateOptions, tensor } from './create.js';
import { checkTensor, empty } from './op.js';

/** Tensors of random numbers, drawn from a counter-based stream: the same seed gives the same numbers on every device. */

export interface RandomOptions<D extends 'float32' | 'int32' = 'float32'> extends CreateOptions<D> {
  /** The stream to draw from. Default: the one that `manualSeed` sets. */
  readonly generator?: Generator;
}

/** Fills `y` from the next numbers of the stream. Element i comes from word i mod 4 of block ⌊i / 4⌋ of this call. */
function draw(kernel: string, y: Tensor, generator: Generator, floats: readonly number[]): void {
  const key = generator.key();
  const blocks = Math.ceil(y.numel() / 4);
  const counter = generator.reserve(blocks);
  y.storage.device.launch({
    kernel,
    work: y.numel(),
    grain: 8192,
    writes: [y],
    reads: [],
    floats,
    ints: [...key, counter.low, counter.high],
    refresh(numbers) {
      const next = generator.reserve(blocks);
      numbers.int(2, next.low);
      numbers.int(3, next.high);
    },
  });
}

function fresh(name: string, shape: Shape | number, options: RandomOptions): Tensor<'float32'> {
  const sizes = typeof shape === 'number' ? [shape] : [...shape];
  checkShape(name, sizes);
  if (checkDType(name, options.dtype ?? 'float32') !== 'float32') {
    fail('dtype', `${name}: draws float32, got ${String(options.dtype)}. Use .to(dtype) on the result.`);
  }
  return allocate(currentDevice(), sizes, 'float32', name);
}

/** Uniform in [0, 1). */
export function rand(shape: Shape | number, options: RandomOptions = {}): Tensor<'float32'> {
  const y = fresh('rand', shape, options);
  draw('philox_f32', y, options.generator ?? defaultGenerator, []);
  if (options.requiresGrad) y.requiresGrad = true;
  return y;
}

/** Standard normal. */
export function randn(shape: Shape | number, options: RandomOptions = {}): Tensor<'float32'> {
  const y = fresh('randn', shape, options);
  draw('normal_f32', y, options.generator ?? defaultGenerator, [0, 1]);
  if (options.requiresGrad) y.requiresGrad = true;
  return y;
}

/** Whole numbers in [low, high), int32. `randint(high, shape)` begins at 0. */
export function randint(
  low: number,
  high: number | Shape,
  shape?: Shape | RandomOptions<'int32'>,
  options?: RandomOptions<'int32'>,
): Tensor {
  const short = typeof high !== 'number';
  const [from, to, sizes] = short ? [0, low, high] : [low, high, shape as Shape];
  const settings = (short ? (shape as RandomOptions<'int32'> | undefined) : options) ?? {};
  if (!(Number.isInteger(from) && Number.isInteger(to) && to > from)) {
    fail('argument', `randint: expected whole numbers low < high, got ${from} and ${to}.`);
  }
  checkShape('randint', sizes);
  const generator = settings.generator ?? defaultGenerator;
  const n = sizes.reduce((a, b) => a * b, 1);
  return tensor(
    Int32Array.from({ length: n }, () => from + generator.below(to - from)),
    sizes,
    { dtype: 'int32', ...settings },
  );
}

/** 0 … n − 1 in random order, int32. */
export function randperm(n: number, options: RandomOptions<'int32'> = {}): Tensor {
  if (!Number.isInteger(n) || n < 0) fail('argument', `randperm: expected a whole number ≥ 0, got ${n}.`);
  return tensor((options.generator ?? defaultGenerator).permutation(n), [n], { dtype: 'int32', ...options });
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
  draw('dropoutMask_f32', mask, generator, [1 - p, p === 1 ? 0 : 1 / (1 - p)]);
  return mul(input, mask);
}
