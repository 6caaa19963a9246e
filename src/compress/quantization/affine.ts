import type { Affine } from '../../ops/quantized.js';

/** From a range of real numbers to the whole numbers that stand for them. */

/** The whole numbers, and whether 0 stands for the real 0. */
export interface Grid {
  readonly quantMin: number;
  readonly quantMax: number;
  /** Whether the range is taken as symmetric around 0, so that the zero point is 0. */
  readonly symmetric: boolean;
}

/** int8 with a zero point of its own, as activations take it. */
export const INT8: Grid = { quantMin: -128, quantMax: 127, symmetric: false };

/** The nearest whole number, halves to even. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

/**
 * The map of [low, high], widened to hold 0, onto the whole numbers of `grid` (Jacob et al. 2018, "Quantization and training of
 * neural networks for efficient integer-arithmetic-only inference"), in float32 as PyTorch computes it. The real 0 is
 * always exact, because padding and relu put it everywhere. A range of zeros alone has the scale 1.
 */
export function affineOf(low: number, high: number, { quantMin, quantMax, symmetric }: Grid = INT8): Affine {
  const [least, most] = [Math.fround(Math.min(low, 0)), Math.fround(Math.max(high, 0))];
  if (!(most > least)) return { scale: 1, zeroPoint: 0 };
  const levels = quantMax - quantMin;
  if (symmetric) return { scale: scaleOf(Math.max(-least, most), levels / 2), zeroPoint: 0 };
  const scale = scaleOf(Math.fround(most - least), levels);
  const zeroPoint = quantMin - roundHalfEven(Math.fround(least / scale));
  return { scale, zeroPoint: Math.min(quantMax, Math.max(quantMin, zeroPoint)) };
}

/** A scale must be a normal float32, whose inverse is finite. */
function scaleOf(span: number, levels: number): number {
  return Math.max(Math.fround(span / levels), 2 ** -126);
}
