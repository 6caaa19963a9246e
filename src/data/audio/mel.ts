import { checkOptions, isOptions } from '../../core/arguments.js';
import * as elementary from '../../core/elementary.js';
import { fail, show } from '../../core/errors.js';
import { scope } from '../../core/scoping.js';
import { hannWindow, log, matmul, maximum, pow, stft, tensor } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';

export interface MelOptions {
  /** Samples a second. Default 16000. */
  readonly sampleRate?: number;
  /** Samples that a spectrum is taken of. Default 400. */
  readonly nFft?: number;
  /** Length of the window. Default: nFft. */
  readonly winLength?: number;
  /** Samples from one spectrum to the next. Default: half of winLength. */
  readonly hopLength?: number;
  /** Bands. Default 128. */
  readonly nMels?: number;
  /** Lowest and highest frequency, in hertz. Default 0 and half the sample rate. */
  readonly fMin?: number;
  readonly fMax?: number;
  /** 2 for power, 1 for magnitude. Default 2. */
  readonly power?: number;
  /** How pitch is measured: 'htk' by 2595 log₁₀(1 + f / 700), 'slaney' in steps that are even below 1 kHz. Default 'htk'. */
  readonly melScale?: 'htk' | 'slaney';
  /** Whether bands have the same area rather than the same height. Default false. */
  readonly norm?: boolean;
}

interface Scale {
  readonly toMel: (hertz: number) => number;
  readonly toHertz: (mel: number) => number;
}

/** Slaney's scale (Auditory toolbox, 1998): 200 / 3 Hz a step up to 1 kHz, then 27 steps for each factor of 6.4. */
const LINEAR_STEP = 200 / 3;
const BREAK = 1000;
const BREAK_MEL = BREAK / LINEAR_STEP;
const LOG_STEP = /* @__PURE__ */ elementary.log(6.4) / 27;

const SCALES: Readonly<Record<'htk' | 'slaney', Scale>> = {
  htk: {
    toMel: (hertz) => 2595 * elementary.log10(1 + hertz / 700),
    toHertz: (mel) => 700 * (elementary.pow(10, mel / 2595) - 1),
  },
  slaney: {
    toMel: (hertz) => (hertz < BREAK ? hertz / LINEAR_STEP : BREAK_MEL + elementary.log(hertz / BREAK) / LOG_STEP),
    toHertz: (mel) => (mel < BREAK_MEL ? mel * LINEAR_STEP : BREAK * elementary.exp(LOG_STEP * (mel - BREAK_MEL))),
  },
};

/** The weights of frequencies in bands: triangles that are evenly wide in pitch. [frequencies, bands], row by row. */
export function melFilters(
  frequencies: number,
  options: Required<Omit<MelOptions, 'winLength' | 'hopLength'>>,
): Float32Array {
  const { sampleRate, nMels, fMin, fMax, melScale, norm } = options;
  const { toMel, toHertz } = SCALES[melScale];
  const [low, high] = [toMel(fMin), toMel(fMax)];
  const corners = Array.from({ length: nMels + 2 }, (_, i) => toHertz(low + ((high - low) * i) / (nMels + 1)));
  const weights = new Float32Array(frequencies * nMels);
  for (let f = 0; f < frequencies; f++) {
    const hertz = (f * (sampleRate / 2)) / (frequencies - 1);
    for (let m = 0; m < nMels; m++) {
      const [left, middle, right] = corners.slice(m, m + 3) as [number, number, number];
      const height = Math.min((hertz - left) / (middle - left), (right - hertz) / (right - middle));
      weights[f * nMels + m] = Math.max(0, height) * (norm ? 2 / (right - left) : 1);
    }
  }
  return weights;
}

const OPTIONS = [
  'sampleRate',
  'nFft',
  'winLength',
  'hopLength',
  'nMels',
  'fMin',
  'fMax',
  'power',
  'melScale',
  'norm',
] as const satisfies readonly (keyof MelOptions)[];

/** Throws unless `options` are some of those that are there: a rate by itself would otherwise be ignored in silence. */
function check(op: string, options: MelOptions, names: readonly string[]): void {
  if (!isOptions(options)) {
    fail('argument', `${op}: expected options such as { sampleRate: 16000 }, got ${String(options)}.`);
  }
  checkOptions(op, options, names);
}

/** The strength of a sound in bands of pitch over time: [.., samples] → float32 [.., nMels, times]. torchaudio's MelSpectrogram. */
export function melSpectrogram(waveform: Tensor, options: MelOptions = {}): Tensor {
  check('melSpectrogram', options, OPTIONS);
  const { sampleRate = 16000, nFft = 400, nMels = 128, fMin = 0, power = 2, melScale = 'htk', norm = false } = options;
  const { winLength = nFft, fMax = sampleRate / 2 } = options;
  const { hopLength = Math.floor(winLength / 2) } = options;
  if (!(fMin >= 0 && fMin < fMax && fMax <= sampleRate / 2)) {
    fail(
      'argument',
      `melSpectrogram: 0 ≤ fMin < fMax ≤ ${sampleRate / 2} (half the sample rate) must hold, got ${fMin} and ${fMax}.`,
    );
  }
  if (!Number.isInteger(nMels) || nMels < 1) fail('argument', `melSpectrogram: nMels must be ≥ 1, got ${nMels}.`);
  if (!Object.hasOwn(SCALES, melScale)) {
    fail('argument', `melSpectrogram: melScale must be 'htk' or 'slaney', got '${String(melScale)}'.`);
  }
  if (waveform.ndim === 0) fail('shape', `melSpectrogram: expected [.., samples], got ${show(waveform.shape)}.`);
  return scope(() => {
    const samples = waveform.shape[waveform.ndim - 1] as number;
    const spectra = stft(waveform.reshape(-1, samples), nFft, { hopLength, winLength, window: hannWindow(winLength) });
    // [rows, frequencies, times, 2]
    const squares = spectra.mul(spectra).sum(3);
    const strengths = power === 2 ? squares : pow(squares, power / 2);
    const frequencies = strengths.shape[1] as number;
    const bands = tensor(melFilters(frequencies, { sampleRate, nFft, nMels, fMin, fMax, power, melScale, norm }), [
      frequencies,
      nMels,
    ]);
    const mel = matmul(strengths.transpose(1, 2), bands).transpose(1, 2).contiguous();
    return mel.reshape(...waveform.shape.slice(0, -1), nMels, mel.shape[2] as number);
  });
}

/** Its natural logarithm, with strengths below `floor` taken for `floor`, as networks for speech take it. */
export function logMelSpectrogram(waveform: Tensor, options: MelOptions & { readonly floor?: number } = {}): Tensor {
  check('logMelSpectrogram', options, [...OPTIONS, 'floor']);
  const { floor = 1e-6, ...rest } = options;
  if (!(floor > 0)) fail('argument', `logMelSpectrogram: floor must be > 0, got ${floor}.`);
  return scope(() => log(maximum(melSpectrogram(waveform, rest), floor)));
}
