import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import type { Tensor } from '../core/tensor.js';
import { div, mul } from './arithmetic.js';
import { expand } from './broadcast.js';
import { logicalNot, lt } from './compare.js';
import { ones } from './create.js';
import { along, checkComplex } from './fft.js';
import { gatherOp, scatterOp } from './indexing.js';
import { checkHolds } from './indices.js';
import { cast, narrow, reshape, squeeze, transpose, unsqueeze } from './movement.js';
import { checkTensor, empty } from './op.js';
import { type PadMode, pad } from './pad.js';
import { abs } from './unary.js';

/** The short-time Fourier transform of signals, and its inverse. Complex numbers are pairs in a last dimension; see fft. */

interface FrameOptions {
  /** Samples from one frame to the next. Default: a quarter of nFft. */
  readonly hopLength?: number | null;
  /** Length of the window, around which zeros fill it up to nFft. Default: nFft. */
  readonly winLength?: number | null;
  /** Weights of a frame's samples, [winLength]. Default: ones. */
  readonly window?: Tensor | null;
  /** Whether frame t is centred at t · hopLength, beyond the ends of the signal too. Default true. */
  readonly center?: boolean;
  /** Whether spectra are divided by √nFft. Default false. */
  readonly normalized?: boolean;
  /** Only the first nFft / 2 + 1 frequencies. Default true, as signals are real. */
  readonly onesided?: boolean | null;
  /** Either way complex numbers are pairs in a last dimension. */
  readonly returnComplex?: boolean | null;
}

export interface StftOptions extends FrameOptions {
  /** How a centred signal goes on beyond its ends. Default 'reflect'. */
  readonly padMode?: PadMode;
}

export interface IstftOptions extends FrameOptions {
  /** Length of the signal. Default: what the frames cover. */
  readonly length?: number | null;
}

/** What follows nFft, by position or by name. */
export type StftArguments =
  | readonly [options?: StftOptions]
  | readonly [
      hopLength?: number | null,
      winLength?: number | null | StftOptions,
      window?: Tensor | null | StftOptions,
      center?: boolean | StftOptions,
      padMode?: PadMode | StftOptions,
      normalized?: boolean | StftOptions,
      onesided?: boolean | null | StftOptions,
      returnComplex?: boolean | null | StftOptions,
    ];

export type IstftArguments =
  | readonly [options?: IstftOptions]
  | readonly [
      hopLength?: number | null,
      winLength?: number | null | IstftOptions,
      window?: Tensor | null | IstftOptions,
      center?: boolean | IstftOptions,
      normalized?: boolean | IstftOptions,
      onesided?: boolean | null | IstftOptions,
      length?: number | null | IstftOptions,
      returnComplex?: boolean | null | IstftOptions,
    ];

interface Frames {
  readonly nFft: number;
  readonly hop: number;
  /** [nFft], or null for ones. */
  readonly window: Tensor | null;
}

function framesOf(name: string, nFft: number, options: FrameOptions): Frames {
  if (!Number.isInteger(nFft) || nFft < 1)
    fail('argument', `${name}: nFft must be a whole number ≥ 1, got ${String(nFft)}.`);
  const hop = options.hopLength ?? Math.floor(nFft / 4);
  if (!Number.isInteger(hop) || hop < 1) fail('argument', `${name}: hopLength must be a whole number ≥ 1, got ${hop}.`);
  const length = options.winLength ?? nFft;
  if (!Number.isInteger(length) || length < 1 || length > nFft) {
    fail('argument', `${name}: winLength must be in [1, ${nFft}], got ${length}.`);
  }
  const given = options.window ?? null;
  if (given !== null) {
    checkTensor(name, given, 'window');
    if (given.ndim !== 1 || given.shape[0] !== length) {
      fail('shape', `${name}: window must be [${length}], got ${show(given.shape)}.`);
    }
  }
  const before = Math.floor((nFft - length) / 2);
  const around = [before, nFft - length - before];
  if (given === null && length === nFft) return { nFft, hop, window: null };
  return { nFft, hop, window: pad(given ?? ones(length), around) };
}

/** Places of `count` frames in a signal, `hop` apart: [1, count · nFft], int32. */
function places(like: Tensor, count: number, { nFft, hop }: Frames): Tensor {
  const index = empty(like, [1, count * nFft], 'int32', 'stft');
  const values = Int32Array.from({ length: count * nFft }, (_, i) => Math.floor(i / nFft) * hop + (i % nFft));
  index.storage.device.write(index.storage, 0, new Uint8Array(values.buffer));
  return index;
}

/** The frames of signals [B, L], one behind another: [B, count, nFft]. */
function cut(x: Tensor, count: number, frames: Frames): Tensor {
  const [batch] = x.shape as [number, number];
  const index = expand(places(x, count, frames), [batch, count * frames.nFft]);
  return reshape(gatherOp(x, index, 1), [batch, count, frames.nFft]);
}

/** Signals [B, L] that are the sums of overlapping frames [B, count, nFft]. */
function overlap(y: Tensor, frames: Frames): Tensor {
  const [batch, count] = y.shape as [number, number, number];
  const index = expand(places(y, count, frames), [batch, count * frames.nFft]);
  const length = frames.nFft + frames.hop * (count - 1);
  return scatterOp(reshape(y, [batch, count * frames.nFft]), index, 1, [batch, length]);
}

/**
 * The spectra of the frames of a signal: input [L] or [B, L] → [frequencies, frames, 2] or [B, frequencies, frames, 2], the
 * real and imaginary parts last, whatever `returnComplex` says.
 */
export const stft = /* @__PURE__ */ leading(
  'stft',
  ['nFft'],
  (input: Tensor, nFft: number, ...rest: StftArguments): Tensor => {
    checkTensor('stft', input);
    const options = readArguments<StftOptions>('stft', rest, [
      ...([
        'hopLength',
        'winLength',
        'window',
        'center',
        'padMode',
        'normalized',
        'onesided',
        'returnComplex',
      ] as const),
    ]);
    if (input.ndim !== 1 && input.ndim !== 2) fail('shape', `stft: expected [L] or [B, L], got ${show(input.shape)}.`);
    if (!traits[input.dtype].isFloat)
      fail('dtype', `stft: expected floating point, got ${input.dtype}. Use .to('float32').`);
    if (input.ndim === 1) return squeeze(stft(unsqueeze(input, 0), nFft, options), 0);
    const { center = true, padMode = 'reflect', normalized = false } = options;
    const frames = framesOf('stft', nFft, options);
    const margin = center ? Math.floor(nFft / 2) : 0;
    // Modes other than 'constant' pad the last of three dimensions.
    const signal = cast(input, 'float32');
    const x = margin === 0 ? signal : squeeze(pad(unsqueeze(signal, 0), [margin, margin], padMode), 0);
    const length = x.shape[1] as number;
    if (length < nFft) fail('argument', `stft: a frame of ${nFft} does not fit into a signal of ${length} samples.`);
    const count = 1 + Math.floor((length - nFft) / frames.hop);
    const pieces = cut(x, count, frames);
    const weighted = frames.window === null ? pieces : mul(pieces, frames.window);
    const half = (options.onesided ?? true) ? 'out' : 'none';
    const norm = normalized ? 'ortho' : 'backward';
    return transpose(along(weighted, { name: 'stft', inverse: false, half }, { norm }, false), 1, 2);
  },
);

/**
 * The signal whose frames have the given spectra, as nearly as one can: the least-squares inverse of stft (Griffin and Lim
 * 1984). Input [frequencies, frames, 2] or [B, frequencies, frames, 2] → [L] or [B, L].
 */
export const istft = /* @__PURE__ */ leading(
  'istft',
  ['nFft'],
  (input: Tensor, nFft: number, ...rest: IstftArguments): Tensor => {
    checkTensor('istft', input);
    const options = readArguments<IstftOptions>('istft', rest, [
      ...(['hopLength', 'winLength', 'window', 'center', 'normalized', 'onesided', 'length', 'returnComplex'] as const),
    ]);
    checkComplex('istft', input);
    if (input.ndim !== 3 && input.ndim !== 4) {
      fail(
        'shape',
        `istft: expected [frequencies, frames, 2] or [B, frequencies, frames, 2], got ${show(input.shape)}.`,
      );
    }
    if (input.ndim === 3) return squeeze(istft(unsqueeze(input, 0), nFft, options), 0);
    if (options.returnComplex) {
      fail(
        'unsupported',
        'istft: returnComplex must be false; signals are real. Take the ifft of each frame for complex ones.',
      );
    }
    const { center = true, normalized = false } = options;
    const frames = framesOf('istft', nFft, options);
    const [, bins, count] = input.shape as [number, number, number, number];
    const half = options.onesided ?? bins !== nFft;
    const expected = half ? Math.floor(nFft / 2) + 1 : nFft;
    if (bins !== expected || count === 0) {
      fail('shape', `istft: expected ${expected} frequencies and at least one frame, got ${show(input.shape)}.`);
    }
    if (frames.hop > (options.winLength ?? nFft)) {
      fail(
        'argument',
        `istft: hopLength must be at most winLength, got ${frames.hop}; the samples between frames are lost.`,
      );
    }
    const norm = normalized ? 'ortho' : 'backward';
    // Of the spectrum of a real signal the first half says all; the other is its mirror image.
    const seen = half ? input : narrow(input, 1, 0, Math.floor(nFft / 2) + 1);
    const kind = { name: 'istft', inverse: true, half: 'in' } as const;
    const pieces = along(transpose(seen, 1, 2), kind, { n: nFft, norm }, true);
    const window = frames.window ?? ones(nFft);
    const total = overlap(mul(pieces, window), frames);
    const weights = overlap(expand(mul(window, window), [1, count, nFft]), frames);
    const covered = total.shape[1] as number;
    const start = center ? Math.floor(nFft / 2) : 0;
    const length = options.length ?? null;
    const end = Math.min(length === null ? covered - start : start + length, covered);
    const envelope = narrow(weights, 1, start, end - start);
    checkHolds(logicalNot(lt(abs(envelope), 1e-11)), () =>
      fail(
        'argument',
        'istft: some samples have no weight in any frame. Use a window without zeros, more overlap, or center.',
      ),
    );
    const y = div(narrow(total, 1, start, end - start), envelope);
    return length !== null && length > end - start ? pad(y, [0, length - (end - start)]) : y;
  },
);
