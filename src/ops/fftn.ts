import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { keywords, type Whole } from '../core/keywords.js';
import { normalizeDim } from '../core/shape.js';
import { CREATE_NAMES } from '../core/sizes.js';
import type { Tensor } from '../core/tensor.js';
import { type CreateOptions, tensor } from './create.js';
import { along, checkComplex, type FourierNorm, type Kind } from './fft.js';
import { checkTensor } from './op.js';
import { roll } from './rearrange.js';

/** Fourier transforms of several dimensions, and the frequencies their bins stand for. */

export interface FftnOptions {
  /** Lengths of the transforms, one for each of `dim`; −1 keeps the input's. Default: the input's sizes. */
  readonly s?: readonly number[] | null;
  /** The dimensions. Default: as many of the last as `s` has, or all; the last two for those of two dimensions. */
  readonly dim?: readonly number[] | number | null;
  /** Default 'backward': the inverse is divided by the number of elements. */
  readonly norm?: FourierNorm | null;
}

export interface ComplexFftnOptions extends FftnOptions {
  /** Whether the input is complex, [.., 2], or real. */
  readonly complex?: boolean;
}

/** What follows the input, by position or by name. */
export type FftnArguments<O extends FftnOptions> = readonly [
  s?: readonly number[] | null | O,
  dim?: readonly number[] | number | null | O,
  norm?: FourierNorm | null | O,
  options?: O,
];

/** The dimensions to transform, and the length of each; undefined where it is the input's. */
function plan(name: string, rank: number, { s, dim }: FftnOptions): [d: number, n: number | undefined][] {
  const given = typeof dim === 'number' ? [dim] : dim;
  const all = Array.from({ length: rank }, (_, i) => i);
  if (!given && s && s.length > rank) {
    fail('argument', `${name}: s has ${s.length} lengths for ${rank} dimensions.`);
  }
  const dims = given?.map((d) => normalizeDim(name, d, rank)) ?? (s ? all.slice(rank - s.length) : all);
  if (dims.length === 0) fail('argument', `${name}: expected at least one dimension to transform.`);
  if (new Set(dims).size !== dims.length) fail('argument', `${name}: dim ${show(dims)} names a dimension twice.`);
  if (s && s.length !== dims.length) {
    fail('argument', `${name}: s and dim must be of one length, got ${show(s)} and ${show(dims)}.`);
  }
  return dims.map((d, i) => [d, s?.[i] === -1 ? undefined : s?.[i]]);
}

/** Transforms dimension after dimension: the one whose spectrum is halved first of a forward, last of an inverse. */
function transformAll(input: Tensor, kind: Kind, options: FftnOptions, complex: boolean): Tensor {
  checkTensor(kind.name, input);
  if (complex) checkComplex(kind.name, input);
  const rank = input.ndim - (complex ? 1 : 0);
  const { norm } = options;
  const steps = plan(kind.name, rank, options);
  const [last, lastN] = steps[steps.length - 1] as [number, number | undefined];
  const full: Kind = { ...kind, half: 'none' };
  const rest = (x: Tensor): Tensor =>
    steps.slice(0, -1).reduceRight((y, [dim, n]) => along(y, full, { dim, n, norm }, true), x);
  const one = (x: Tensor, isComplex: boolean): Tensor => along(x, kind, { dim: last, n: lastN, norm }, isComplex);
  return kind.half === 'in' ? one(rest(input), true) : rest(one(input, complex));
}

function complexAll(name: string, inverse: boolean, dims: readonly number[] | null) {
  const kind: Kind = { name, inverse, half: 'none' };
  return (input: Tensor, ...rest: FftnArguments<ComplexFftnOptions>): Tensor => {
    const options = readArguments<ComplexFftnOptions>(name, rest, ['s', 'dim', 'norm', 'complex']);
    return transformAll(input, kind, { ...options, dim: options.dim ?? dims }, options.complex ?? inverse);
  };
}

function realAll(name: string, half: 'in' | 'out', dims: readonly number[] | null) {
  const kind: Kind = { name, inverse: half === 'in', half };
  return (input: Tensor, ...rest: FftnArguments<FftnOptions>): Tensor => {
    const options = readArguments<FftnOptions>(name, rest, ['s', 'dim', 'norm']);
    return transformAll(input, kind, { ...options, dim: options.dim ?? dims }, half === 'in');
  };
}

const LAST_TWO = [-2, -1];

/** The Fourier transform of the last two dimensions: real input [.., h, w], or complex with `complex: true`; [.., h, w, 2]. */
export const fft2 = /* @__PURE__ */ complexAll('fft2', false, LAST_TWO);
/** The inverse of fft2: complex input [.., h, w, 2], or real with `complex: false`; [.., h, w, 2]. */
export const ifft2 = /* @__PURE__ */ complexAll('ifft2', true, LAST_TWO);
/** Half of the Fourier transform of the last two dimensions of real input: [.., h, w] → [.., h, w / 2 + 1, 2]. */
export const rfft2 = /* @__PURE__ */ realAll('rfft2', 'out', LAST_TWO);
/** The inverse of rfft2: [.., h, m, 2] → real [.., h, 2 (m − 1)], unless `s` says otherwise. */
export const irfft2 = /* @__PURE__ */ realAll('irfft2', 'in', LAST_TWO);
/** The Fourier transform of all dimensions, or of `dim`: real input, or complex [.., 2] with `complex: true`; [.., 2]. */
export const fftn = /* @__PURE__ */ complexAll('fftn', false, null);
/** The inverse of fftn: complex input [.., 2], or real with `complex: false`; [.., 2]. */
export const ifftn = /* @__PURE__ */ complexAll('ifftn', true, null);
/** Half of the Fourier transform of all dimensions, or of `dim`, of real input; the last of them is halved. */
export const rfftn = /* @__PURE__ */ realAll('rfftn', 'out', null);
/** The inverse of rfftn: complex input [.., m, 2] → real. */
export const irfftn = /* @__PURE__ */ realAll('irfftn', 'in', null);

function checkCount(name: string, n: number): void {
  if (!Number.isInteger(n) || n < 0) fail('argument', `${name}: n must be a whole number ≥ 0, got ${n}.`);
}

export interface FrequencyOptions extends CreateOptions {
  /** Distance of samples. Default 1. */
  readonly d?: number;
}

export type FrequencyArguments = readonly [d?: number | FrequencyOptions, options?: CreateOptions];

/** The frequencies of the n bins of fft, of samples `d` apart: 0, 1, … then the negative ones, over n · d. */
export function fftfreq(n: number, ...given: FrequencyArguments): Tensor {
  checkCount('fftfreq', n);
  const { d: step = 1, ...rest } = readArguments<FrequencyOptions>('fftfreq', given, ['d', ...CREATE_NAMES]);
  const positive = Math.ceil(n / 2);
  const bins = Float64Array.from({ length: n }, (_, i) => (i < positive ? i : i - n) / (n * step));
  return tensor(bins, [n], { dtype: 'float32', ...rest });
}

/** The frequencies of the n / 2 + 1 bins of rfft, of samples `d` apart. */
export function rfftfreq(n: number, ...given: FrequencyArguments): Tensor {
  checkCount('rfftfreq', n);
  const { d: step = 1, ...rest } = readArguments<FrequencyOptions>('rfftfreq', given, ['d', ...CREATE_NAMES]);
  const bins = Float64Array.from({ length: Math.floor(n / 2) + 1 }, (_, i) => i / (n * step));
  return tensor(bins, [bins.length], { dtype: 'float32', ...rest });
}

function shifted(
  name: string,
  input: Tensor,
  dim: readonly number[] | number | null,
  by: (n: number) => number,
): Tensor {
  checkTensor(name, input);
  const given = typeof dim === 'number' ? [dim] : (dim ?? input.shape.map((_, i) => i));
  const dims = given.map((d) => normalizeDim(name, d, input.ndim));
  if (dims.length === 0) return input;
  return roll(
    input,
    dims.map((d) => by(input.shape[d] as number)),
    dims,
  );
}

/** The bin of frequency 0 moved to the middle of `dim` (default: all dimensions; of complex tensors name those to move). */
export const fftshift = /* @__PURE__ */ keywords(
  'fftshift',
  ['dim'],
  (input: Tensor, dim: readonly number[] | Whole | null = null): Tensor =>
    shifted('fftshift', input, dim, (n) => Math.floor(n / 2)),
);

/** The inverse of fftshift. */
export const ifftshift = /* @__PURE__ */ keywords(
  'ifftshift',
  ['dim'],
  (input: Tensor, dim: readonly number[] | Whole | null = null): Tensor =>
    shifted('ifftshift', input, dim, (n) => Math.ceil(n / 2)),
);
