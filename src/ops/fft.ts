import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { normalizeDim } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { fourier } from './fourier.js';
import { cast, narrow, permute } from './movement.js';
import { checkTensor, type Op, op } from './op.js';
import { type Reference, type Sample, spread } from './sheet.js';

/**
 * Discrete Fourier transforms. There is no complex dtype: a complex tensor is float32 with a last dimension of 2, the real and
 * the imaginary part, as PyTorch's view_as_real gives it. Dimensions are counted without that one.
 */

/** Where the factor 1/n goes: to the inverse, to both as 1/√n, or to the forward transform. */
export type FourierNorm = 'backward' | 'ortho' | 'forward';

export interface FftOptions {
  /** Length of the transform; the input is cut, or filled with zeros, to it. Default: the input's. */
  readonly n?: number | null;
  /** The dimension to transform. Default −1. */
  readonly dim?: number;
  /** Default 'backward': the inverse is divided by n. */
  readonly norm?: FourierNorm | null;
}

export interface ComplexFftOptions extends FftOptions {
  /** Whether the input is complex, [.., n, 2], or real, [.., n]. */
  readonly complex?: boolean;
}

/** What follows the input, by position or by name. */
export type FftArguments<O extends FftOptions> = readonly [
  n?: number | null | O,
  dim?: number | O,
  norm?: FourierNorm | null | O,
  options?: O,
];

/** What a transform is divided by, given its length. */
export function scaleOf(name: string, norm: unknown, n: number, inverse: boolean): number {
  const how = norm ?? 'backward';
  if (how === 'ortho') return 1 / Math.sqrt(n);
  if (how !== 'backward' && how !== 'forward') {
    fail('argument', `${name}: norm must be 'backward', 'ortho' or 'forward', got ${String(norm)}.`);
  }
  return (how === 'backward') === inverse ? 1 / n : 1;
}

/** Throws unless `input` can hold complex numbers: a last dimension of 2, and one before it. */
export function checkComplex(name: string, input: Tensor): void {
  if (input.ndim >= 2 && input.shape[input.ndim - 1] === 2) return;
  fail(
    'shape',
    `${name}: expected complex input [.., n, 2], real and imaginary parts last, got ${show(input.shape)}.` +
      (/^i?fft/.test(name) ? ' Pass { complex: false } for real input.' : ''),
  );
}

/** The kinds of transform: what goes in, and what comes out. */
export interface Kind {
  readonly name: string;
  readonly inverse: boolean;
  /** Half a spectrum goes in ('irfft'), comes out ('rfft'), or neither. */
  readonly half: 'none' | 'in' | 'out';
}

/** The transform of one dimension. `complex` says whether the input is. */
export function along(input: Tensor, kind: Kind, options: FftOptions, complex: boolean): Tensor {
  const { name, inverse, half } = kind;
  const rank = input.ndim - (complex ? 1 : 0);
  if (rank < 1) fail('shape', `${name}: expected at least one dimension to transform, got ${show(input.shape)}.`);
  const d = normalizeDim(name, options.dim ?? -1, rank);
  const size = input.shape[d] as number;
  const n = options.n ?? (half === 'in' ? 2 * (size - 1) : size);
  if (!Number.isInteger(n) || n < 1) {
    fail(
      'argument',
      `${name}: the length of the transform must be a whole number ≥ 1, got ${n} for ${show(input.shape)}.`,
    );
  }
  const bins = Math.floor(n / 2) + 1;
  const most = half === 'in' ? bins : n;
  const x = cast(size > most ? narrow(input, d, 0, most) : input, 'float32');
  // The dimension goes behind the others for the kernel, and back to its place.
  const order = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== d);
  const forth = [...order, d, ...(complex ? [rank] : [])];
  const y = fourier(d === rank - 1 ? x : permute(x, forth), {
    n,
    count: half === 'out' ? bins : n,
    realIn: !complex,
    realOut: half === 'in',
    inverse,
    doubled: half === 'in' ? 'in' : 'none',
    scale: scaleOf(name, options.norm, n, inverse),
  });
  if (d === rank - 1) return y;
  const back = Array.from({ length: rank }, (_, i) => (i === d ? rank - 1 : i < d ? i : i - 1));
  return permute(y, half === 'in' ? back : [...back, rank]);
}

/** The definition, in float64: rows of complex numbers from entry (row, j), to `count` bins. */
function definition(
  lead: readonly number[],
  m: number,
  n: number,
  count: number,
  inverse: boolean,
  entry: (row: number, j: number) => readonly [number, number],
): Reference {
  const rows = lead.reduce((a, b) => a * b, 1);
  const data = new Float64Array(rows * count * 2);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < count; k++) {
      for (let j = 0; j < Math.min(m, n); j++) {
        const [re, im] = entry(row, j);
        const angle = ((inverse ? 2 : -2) * Math.PI * ((j * k) % n)) / n;
        const at = 2 * (row * count + k);
        data[at] = (data[at] as number) + re * Math.cos(angle) - im * Math.sin(angle);
        data[at + 1] = (data[at + 1] as number) + re * Math.sin(angle) + im * Math.cos(angle);
      }
    }
  }
  return { shape: [...lead, count, 2], data };
}

/** The transform of the last dimension in float64, for the oracles. */
function reference(kind: Kind, x: Reference, args: readonly unknown[]): Reference {
  const last = args[args.length - 1];
  const options = (typeof last === 'object' && last !== null ? last : {}) as ComplexFftOptions;
  const complex = kind.half === 'in' || (kind.half === 'none' && (options.complex ?? kind.inverse));
  const lead = x.shape.slice(0, complex ? -2 : -1);
  const m = x.shape[lead.length] as number;
  const n = typeof args[0] === 'number' ? args[0] : (options.n ?? (kind.half === 'in' ? 2 * (m - 1) : m));
  const bins = Math.floor(n / 2) + 1;
  const seen = kind.half === 'in' ? Math.min(m, bins) : m;
  const y = definition(lead, seen, n, kind.half === 'out' ? bins : n, kind.inverse, (row, j) => {
    const at = row * m + j;
    if (!complex) return [x.data[at] as number, 0];
    const times = kind.half === 'in' && j > 0 && 2 * j < n ? 2 : 1;
    return [times * (x.data[2 * at] as number), times * (x.data[2 * at + 1] as number)];
  });
  const scale = scaleOf(kind.name, options.norm ?? args[2], n, kind.inverse);
  const data = y.data.map((v) => v * scale);
  if (kind.half !== 'in') return { shape: y.shape, data };
  return { shape: y.shape.slice(0, -1), data: data.filter((_, i) => i % 2 === 0) };
}

/** Lengths of every way through the kernel: powers of two, small primes, their products, and primes that are not small. */
const LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 15, 16, 17, 19, 22, 30, 32, 34, 64, 210];

function samplesOf(real: boolean): Sample[] {
  const tail = real ? [] : [2];
  const options = real ? {} : { complex: true };
  return [
    { inputs: [spread([2, 6, ...tail])], args: [options] },
    { inputs: [spread([3, 7, ...tail])], args: [5, options] },
    { inputs: [spread([2, 5, ...tail])], args: [{ ...options, n: 8, norm: 'ortho' }] },
    ...LENGTHS.map((n) => ({ inputs: [spread([2, n, ...tail])], args: [{ ...options, norm: 'forward' }] })),
  ];
}

type ComplexFft = Op<(input: Tensor, ...rest: FftArguments<ComplexFftOptions>) => Tensor>;

function complexTransform(name: 'fft' | 'ifft', doc: string): ComplexFft {
  const kind: Kind = { name, inverse: name === 'ifft', half: 'none' };
  return op(
    (input: Tensor, ...rest: FftArguments<ComplexFftOptions>): Tensor => {
      checkTensor(name, input);
      const options = readArguments<ComplexFftOptions>(name, rest, ['n', 'dim', 'norm', 'complex']);
      const complex = options.complex ?? kind.inverse;
      if (complex) checkComplex(name, input);
      return along(input, kind, options, complex);
    },
    {
      name,
      family: 'fft',
      doc,
      dtypes: ['float32'],
      differentiable: [true],
      oracle: ([x], args) => reference(kind, x as Reference, args),
      samples: () => [
        ...samplesOf(false),
        { inputs: [spread([2, 9])], args: [{ complex: false }] },
        { inputs: [spread([2, 17])], args: [{ complex: false }] },
      ],
      tolerance: 2e-6,
    },
  );
}

export const fft = /* @__PURE__ */ complexTransform(
  'fft',
  'The discrete Fourier transform of `dim`: real input [.., n], or complex [.., n, 2] with `complex: true`; [.., n, 2].',
);
export const ifft = /* @__PURE__ */ complexTransform(
  'ifft',
  'The inverse of fft: complex input [.., n, 2], or real [.., n] with `complex: false`; [.., n, 2].',
);

type RealFft = Op<(input: Tensor, ...rest: FftArguments<FftOptions>) => Tensor>;

function realTransform(name: 'rfft' | 'irfft', doc: string): RealFft {
  const isInverse = name === 'irfft';
  const kind: Kind = { name, inverse: isInverse, half: isInverse ? 'in' : 'out' };
  return op(
    (input: Tensor, ...rest: FftArguments<FftOptions>): Tensor => {
      checkTensor(name, input);
      const options = readArguments<FftOptions>(name, rest, ['n', 'dim', 'norm']);
      if (isInverse) checkComplex(name, input);
      return along(input, kind, options, isInverse);
    },
    {
      name,
      family: 'fft',
      doc,
      dtypes: ['float32'],
      differentiable: [true],
      oracle: ([x], args) => reference(kind, x as Reference, args),
      samples: () =>
        isInverse
          ? [
              { inputs: [spread([2, 4, 2])] },
              { inputs: [spread([3, 4, 2])], args: [7] },
              { inputs: [spread([2, 5, 2])], args: [{ n: 5, norm: 'ortho' }] },
              ...LENGTHS.map((n) => ({
                inputs: [spread([2, Math.floor(n / 2) + 1, 2])],
                args: [n, { norm: 'forward' }],
              })),
            ]
          : samplesOf(true),
      tolerance: 2e-6,
    },
  );
}

export const rfft = /* @__PURE__ */ realTransform(
  'rfft',
  'The first half, n / 2 + 1 bins, of the Fourier transform of real input [.., n]; [.., n / 2 + 1, 2].',
);
export const irfft = /* @__PURE__ */ realTransform(
  'irfft',
  'The inverse of rfft: half a spectrum [.., m, 2] → real [.., n], where n is 2 (m − 1) unless given.',
);
