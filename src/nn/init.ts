import { noGrad } from '../autograd/index.js';
import { onWasm } from '../backend/current.js';
import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import { defaultGenerator, type Generator } from '../core/random.js';
import { scope } from '../core/scoping.js';
import { sizeOf } from '../core/shape.js';
import * as ops from '../ops/index.js';
import { normalCdf } from '../ops/special.js';
import type { Tensor } from '../tensor.js';
import { normalQuantile, orthonormal } from './distribution.js';

/** Initial values of parameters. All work in place, without recording, and return their tensor. */

type Camel =
  | 'linear'
  | 'conv1d'
  | 'conv2d'
  | 'conv3d'
  | 'convTranspose1d'
  | 'convTranspose2d'
  | 'convTranspose3d'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leakyRelu'
  | 'selu';

/** What follows a layer, by the name of its function; PyTorch's spelling is understood, too. */
export type Nonlinearity = Camel | 'leaky_relu' | 'conv_transpose1d' | 'conv_transpose2d' | 'conv_transpose3d';

/** A name as JavaScript spells it. */
function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The factor by which a nonlinearity's input should be scaled for its output to keep the variance. */
export function calculateGain(nonlinearity: Nonlinearity, param: number | null = null): number {
  const name = camel(nonlinearity);
  if (name === 'tanh') return 5 / 3;
  if (name === 'relu') return Math.SQRT2;
  if (name === 'leakyRelu') return Math.sqrt(2 / (1 + (param ?? 0.01) * (param ?? 0.01)));
  if (name === 'selu') return 3 / 4;
  if (name === 'linear' || name === 'sigmoid' || /^conv(Transpose)?[123]d$/.test(name)) return 1;
  return fail(
    'argument',
    `calculateGain: unknown nonlinearity '${nonlinearity}'. Known are linear, conv1d … conv3d, convTranspose1d … ` +
      'convTranspose3d, sigmoid, tanh, relu, leakyRelu and selu.',
  );
}

/** Inputs and outputs that meet in one weight: [out, in, …kernel]. */
export function fans(t: Tensor): { fanIn: number; fanOut: number } {
  if (t.ndim < 2) fail('shape', `init: fan in and out need at least 2 dimensions, got ${show(t.shape)}.`);
  const field = sizeOf(t.shape.slice(2));
  return { fanIn: (t.shape[1] as number) * field, fanOut: (t.shape[0] as number) * field };
}

interface Drawing {
  readonly generator?: Generator;
}

interface UniformOptions extends Drawing {
  readonly a?: number;
  readonly b?: number;
}

const UNIFORM = ['a', 'b', 'generator'] as const;

/** Uniform numbers in [a, b); by default [0, 1). */
export function uniform_<T extends Tensor>(t: T, ...rest: NamedArguments<UniformOptions, typeof UNIFORM>): T {
  const { a = 0, b = 1, generator } = readArguments<UniformOptions>('uniform_', rest, UNIFORM);
  return noGrad(() => ops.uniform_(t, a, b, generator));
}

interface NormalOptions extends Drawing {
  readonly mean?: number;
  readonly std?: number;
}

const NORMAL = ['mean', 'std', 'generator'] as const;

/** Normal numbers; by default of mean 0 and standard deviation 1. */
export function normal_<T extends Tensor>(t: T, ...rest: NamedArguments<NormalOptions, typeof NORMAL>): T {
  const { mean = 0, std = 1, generator } = readArguments<NormalOptions>('normal_', rest, NORMAL);
  return noGrad(() => ops.normal_(t, mean, std, generator));
}

interface TruncNormalOptions extends NormalOptions {
  readonly a?: number;
  readonly b?: number;
}

const TRUNC_NORMAL = ['mean', 'std', 'a', 'b', 'generator'] as const;

/** Normal numbers between a and b, by default −2 and 2, by the inverse of the distribution function. */
export function truncNormal_<T extends Tensor>(
  t: T,
  ...rest: NamedArguments<TruncNormalOptions, typeof TRUNC_NORMAL>
): T {
  const given = readArguments<TruncNormalOptions>('truncNormal_', rest, TRUNC_NORMAL);
  const { mean = 0, std = 1, a = -2, b = 2, generator = defaultGenerator } = given;
  if (!(a <= b)) fail('argument', `truncNormal_: a must not be above b, got ${a} and ${b}.`);
  const [low, high] = [normalCdf((a - mean) / std), normalCdf((b - mean) / std)];
  const uniform = draw(() => ops.rand(t.shape, { generator }));
  return write(
    t,
    Float32Array.from(uniform, (u) => {
      const value = mean + std * normalQuantile(low + u * (high - low));
      return Math.min(Math.max(value, a), b);
    }),
  );
}

/** Sets every element to `val`. */
export function constant_<T extends Tensor>(t: T, val: number): T {
  return noGrad(() => ops.fill_(t, val));
}

export function zeros_<T extends Tensor>(t: T): T {
  return constant_(t, 0);
}

export function ones_<T extends Tensor>(t: T): T {
  return constant_(t, 1);
}

/** The identity: ones on the diagonal of a matrix, zeros elsewhere. */
export function eye_<T extends Tensor>(t: T): T {
  const [rows, columns] = matrix('eye_', t);
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < Math.min(rows, columns); i++) data[i * columns + i] = 1;
  return write(t, data);
}

/**
 * The identity of a convolution: each of the first channels of a group goes through as it is. Weights [out, in, …kernel] of
 * 1 to 3 spatial dimensions.
 */
export function dirac_<T extends Tensor>(t: T, ...rest: NamedArguments<{ groups?: number }, readonly ['groups']>): T {
  const { groups = 1 } = readArguments<{ groups?: number }>('dirac_', rest, ['groups']);
  if (t.ndim < 3 || t.ndim > 5) fail('shape', `dirac_: expected 3 to 5 dimensions, got ${show(t.shape)}.`);
  const [out, channels, ...kernel] = t.shape as [number, number, ...number[]];
  if (out % groups !== 0) fail('argument', `dirac_: groups must divide ${out} output channels, got ${groups}.`);
  const middle = kernel.reduce((at, size) => at * size + Math.floor(size / 2), 0);
  const field = sizeOf(kernel);
  const data = new Float32Array(t.numel());
  for (let g = 0; g < groups; g++) {
    for (let d = 0; d < Math.min(out / groups, channels); d++) {
      data[((g * out) / groups + d) * channels * field + d * field + middle] = 1;
    }
  }
  return write(t, data);
}

export interface XavierOptions extends Drawing {
  readonly gain?: number;
}

const XAVIER = ['gain', 'generator'] as const;

/** U(−a, a), a = gain · √(6 / (fan in + fan out)) (Glorot and Bengio 2010). */
export function xavierUniform_<T extends Tensor>(t: T, ...rest: NamedArguments<XavierOptions, typeof XAVIER>): T {
  const { gain = 1, generator } = readArguments<XavierOptions>('xavierUniform_', rest, XAVIER);
  const { fanIn, fanOut } = fans(t);
  const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
  return uniform_(t, -bound, bound, generator);
}

/** N(0, σ²), σ = gain · √(2 / (fan in + fan out)) (Glorot and Bengio 2010). */
export function xavierNormal_<T extends Tensor>(t: T, ...rest: NamedArguments<XavierOptions, typeof XAVIER>): T {
  const { gain = 1, generator } = readArguments<XavierOptions>('xavierNormal_', rest, XAVIER);
  const { fanIn, fanOut } = fans(t);
  return normal_(t, 0, gain * Math.sqrt(2 / (fanIn + fanOut)), generator);
}

export interface KaimingOptions extends Drawing {
  /** Negative slope of the leaky relu that follows. Default 0. */
  readonly a?: number;
  /** Whether the forward pass keeps its variance, or the backward pass. Default 'fanIn'. */
  readonly mode?: 'fanIn' | 'fanOut' | 'fan_in' | 'fan_out';
  /** Default 'leakyRelu'. */
  readonly nonlinearity?: Nonlinearity;
}

const KAIMING = ['a', 'mode', 'nonlinearity', 'generator'] as const;
type KaimingArguments = NamedArguments<KaimingOptions, typeof KAIMING>;

function kaiming(name: string, t: Tensor, rest: KaimingArguments): { std: number; generator: Generator | undefined } {
  const given = readArguments<KaimingOptions>(name, rest, KAIMING);
  const { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu', generator } = given;
  const which = camel(mode);
  if (which !== 'fanIn' && which !== 'fanOut') {
    fail('argument', `${name}: mode must be 'fanIn' or 'fanOut', got '${String(mode)}'.`);
  }
  return { std: calculateGain(nonlinearity, a) / Math.sqrt(fans(t)[which as 'fanIn' | 'fanOut']), generator };
}

/** U(−b, b), b = gain · √(3 / fan) (He et al. 2015). */
export function kaimingUniform_<T extends Tensor>(t: T, ...rest: KaimingArguments): T {
  const { std, generator } = kaiming('kaimingUniform_', t, rest);
  const bound = Math.sqrt(3) * std;
  return uniform_(t, -bound, bound, generator);
}

/** N(0, σ²), σ = gain / √fan (He et al. 2015). */
export function kaimingNormal_<T extends Tensor>(t: T, ...rest: KaimingArguments): T {
  const { std, generator } = kaiming('kaimingNormal_', t, rest);
  return normal_(t, 0, std, generator);
}

/**
 * A random orthogonal matrix times `gain`, evenly distributed; of [rows, …] as a matrix, its shorter side is orthonormal
 * (Saxe et al. 2013).
 */
export function orthogonal_<T extends Tensor>(t: T, ...rest: NamedArguments<XavierOptions, typeof XAVIER>): T {
  const { gain = 1, generator = defaultGenerator } = readArguments<XavierOptions>('orthogonal_', rest, XAVIER);
  if (t.ndim < 2) fail('shape', `orthogonal_: expected at least 2 dimensions, got ${show(t.shape)}.`);
  if (t.numel() === 0) return t;
  const rows = t.shape[0] as number;
  const columns = t.numel() / rows;
  const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
  const q = orthonormal(Float64Array.from(draw(() => ops.randn([long, short], { generator }))), long, short);
  const data = new Float32Array(t.numel());
  for (let i = 0; i < long; i++) {
    for (let j = 0; j < short; j++) {
      data[rows < columns ? j * columns + i : i * columns + j] = gain * (q[i * short + j] as number);
    }
  }
  return write(t, data);
}

interface SparseOptions extends Drawing {
  readonly sparsity?: number;
  readonly std?: number;
}

const SPARSE = ['sparsity', 'std', 'generator'] as const;

/** N(0, std²), with the share `sparsity` of each column of a matrix set to 0 (Martens 2010). `std` is 0.01 by default. */
export function sparse_<T extends Tensor>(t: T, ...rest: NamedArguments<SparseOptions, typeof SPARSE>): T {
  const { sparsity, std = 0.01, generator = defaultGenerator } = readArguments<SparseOptions>('sparse_', rest, SPARSE);
  const [rows, columns] = matrix('sparse_', t);
  if (!(sparsity !== undefined && sparsity >= 0 && sparsity <= 1)) {
    return fail('argument', `sparse_: sparsity must be in [0, 1], got ${String(sparsity)}.`);
  }
  const zeros = Math.ceil(sparsity * rows);
  const data = draw(() => ops.mul(ops.randn(t.shape, { generator }), std));
  for (let column = 0; column < columns; column++) {
    for (const row of generator.permutation(rows).subarray(0, zeros)) data[row * columns + column] = 0;
  }
  return write(t, data);
}

function matrix(name: string, t: Tensor): [number, number] {
  if (t.ndim !== 2) fail('shape', `${name}: expected a matrix, got ${show(t.shape)}.`);
  return t.shape as unknown as [number, number];
}

/** The numbers that `make` gives, whose tensors are freed. */
function draw(make: () => Tensor): Float32Array {
  let data = new Float32Array();
  onWasm(() =>
    scope(() => {
      data = Float32Array.from(make().dataSync());
    }),
  );
  return data;
}

/** Copies `data` into `t`. */
function write<T extends Tensor>(t: T, data: Float32Array): T {
  scope(() => {
    noGrad(() => ops.copy_(t, ops.tensor(data, t.shape)));
  });
  return t;
}
