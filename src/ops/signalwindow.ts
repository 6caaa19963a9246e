import { readArguments } from '../core/arguments.js';
import * as elementary from '../core/elementary.js';
import { fail } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { type CreateOptions, tensor } from './create.js';

/** Windows: weights that let a stretch of a signal fade in and out before its spectrum is taken. */

export interface WindowOptions extends CreateOptions {
  /** Whether the window is one period of a periodic function, for spectra, or symmetric, for filters. Default true. */
  readonly periodic?: boolean;
}

export interface HammingWindowOptions extends WindowOptions {
  /** Default 0.54. */
  readonly alpha?: number;
  /** Default 0.46. */
  readonly beta?: number;
}

export interface KaiserWindowOptions extends WindowOptions {
  /** How narrow the window is. Default 12. */
  readonly beta?: number;
}

/** What follows the length, by position or by name. */
type WindowArguments = readonly [periodic?: boolean | WindowOptions, options?: WindowOptions];

/** `of` at the places x = 0 … 1 of a window: its last place is 1 where it is symmetric, and one step less where it is not. */
function make(name: string, length: number, options: WindowOptions, of: (x: number) => number): Tensor {
  if (!Number.isInteger(length) || length < 0) {
    fail('argument', `${name}: windowLength must be a whole number ≥ 0, got ${String(length)}.`);
  }
  const { periodic = true, ...create } = options;
  const steps = periodic ? length : length - 1;
  const values = Float64Array.from({ length }, (_, i) => (length === 1 ? 1 : of(i / steps)));
  return tensor(values, [length], { dtype: 'float32', ...create });
}

const cosine = (x: number): number => elementary.cos(2 * Math.PI * x);
const CREATE = ['dtype', 'requiresGrad'] as const;

/** ½ − ½ cos 2πx: [windowLength]. */
export function hannWindow(windowLength: number, ...rest: WindowArguments): Tensor {
  const options = readArguments<WindowOptions>('hannWindow', rest, ['periodic', ...CREATE]);
  return make('hannWindow', windowLength, options, (x) => 0.5 - 0.5 * cosine(x));
}

/** alpha − beta cos 2πx: [windowLength]. */
export function hammingWindow(
  windowLength: number,
  ...rest: readonly [
    periodic?: boolean | HammingWindowOptions,
    alpha?: number | HammingWindowOptions,
    beta?: number | HammingWindowOptions,
    options?: HammingWindowOptions,
  ]
): Tensor {
  const names = ['periodic', 'alpha', 'beta', ...CREATE] as const;
  const { alpha = 0.54, beta = 0.46, ...options } = readArguments<HammingWindowOptions>('hammingWindow', rest, names);
  return make('hammingWindow', windowLength, options, (x) => alpha - beta * cosine(x));
}

/** 0.42 − 0.5 cos 2πx + 0.08 cos 4πx: [windowLength]. */
export function blackmanWindow(windowLength: number, ...rest: WindowArguments): Tensor {
  const options = readArguments<WindowOptions>('blackmanWindow', rest, ['periodic', ...CREATE]);
  return make('blackmanWindow', windowLength, options, (x) => 0.42 - 0.5 * cosine(x) + 0.08 * cosine(2 * x));
}

/** A triangle, 0 at its ends and 1 in the middle: [windowLength]. */
export function bartlettWindow(windowLength: number, ...rest: WindowArguments): Tensor {
  const options = readArguments<WindowOptions>('bartlettWindow', rest, ['periodic', ...CREATE]);
  return make('bartlettWindow', windowLength, options, (x) => 1 - Math.abs(2 * x - 1));
}

/** The modified Bessel function of order 0, by its power series Σ ((x/2)ᵏ / k!)². */
function bessel0(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / 2 / k) * (x / 2 / k);
    sum += term;
  }
  return sum;
}

/** I₀(beta √(1 − (2x − 1)²)) / I₀(beta), with the modified Bessel function I₀ (Kaiser 1974): [windowLength]. */
export function kaiserWindow(
  windowLength: number,
  ...rest: readonly [
    periodic?: boolean | KaiserWindowOptions,
    beta?: number | KaiserWindowOptions,
    options?: KaiserWindowOptions,
  ]
): Tensor {
  const names = ['periodic', 'beta', ...CREATE] as const;
  const { beta = 12, ...options } = readArguments<KaiserWindowOptions>('kaiserWindow', rest, names);
  const whole = bessel0(beta);
  return make(
    'kaiserWindow',
    windowLength,
    options,
    (x) => bessel0(beta * Math.sqrt(1 - (2 * x - 1) * (2 * x - 1))) / whole,
  );
}
