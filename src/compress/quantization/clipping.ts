import * as elementary from '../../core/elementary.js';
import type { Affine } from '../../ops/quantized.js';
import { affineOf, type Grid, INT8 } from './affine.js';
import { numbersOf, type Observer, type ObserverOptions, rangeOf, type Values } from './observing.js';

/** Observers that give up the far values of a distribution for finer steps between the others. */

/** Bins on each side of 0. */
const HALF = 2048;

/** Counts in bins of equal width around 0. Where values lie beyond, the width doubles and pairs of bins become one. */
class Counts {
  /** Bin i of `up` holds values in [i, i + 1) · width; of `down`, the same below 0. */
  readonly up = new Float64Array(HALF);
  readonly down = new Float64Array(HALF);
  width = 0;
  low = 0;
  high = 0;

  add(values: Float32Array, what: string): void {
    const range = rangeOf(values, what);
    if (range === null) return;
    this.low = Math.min(this.low, range.low);
    this.high = Math.max(this.high, range.high);
    const top = Math.max(-this.low, this.high);
    if (top === 0) return;
    if (this.width === 0) this.width = top / HALF;
    while (this.width * HALF < top) this.double();
    for (const value of values) {
      const side = value < 0 ? this.down : this.up;
      side[Math.min(HALF - 1, Math.floor(Math.abs(value) / this.width))] =
        (side[Math.min(HALF - 1, Math.floor(Math.abs(value) / this.width))] as number) + 1;
    }
  }

  private double(): void {
    for (const side of [this.up, this.down]) {
      for (let i = 0; i < HALF; i++) side[i] = i < HALF / 2 ? (side[2 * i] as number) + (side[2 * i + 1] as number) : 0;
    }
    this.width *= 2;
  }
}

abstract class ClippingObserver implements Observer {
  protected readonly counts = new Counts();
  protected readonly grid: Grid;

  constructor({ symmetric = false }: ObserverOptions = {}) {
    this.grid = { ...INT8, symmetric };
  }

  observe(x: Values, what = 'the input'): void {
    this.counts.add(numbersOf(x), what);
  }

  abstract affine(): Affine;
}

/** Steps of the search for a range, from all of it down to nothing. */
const STEPS = 128;

/**
 * The range of least squared error, rounding and clipping together, by search over both of its ends (Choukroun et al. 2019,
 * "Low-bit quantization of neural networks for efficient inference").
 */
export class MSEObserver extends ClippingObserver {
  affine(): Affine {
    const { low, high } = this.counts;
    if (low === high) return affineOf(low, high, this.grid);
    const bins = this.bins();
    let [best, least] = [affineOf(low, high, this.grid), Infinity];
    let [bottom, top] = [low, high];
    const attempt = (from: number, to: number): void => {
      const affine = affineOf(from, to, this.grid);
      const loss = lossOf(bins, affine, this.grid);
      if (loss >= least) return;
      [best, least, bottom, top] = [affine, loss, from, to];
    };
    // Both ends together first, then each by itself from there.
    for (let i = STEPS; i > 0; i--) attempt((low * i) / STEPS, (high * i) / STEPS);
    for (let i = STEPS; i > 0 && low < 0; i--) attempt((low * i) / STEPS, top);
    for (let i = STEPS; i > 0 && high > 0; i--) attempt(bottom, (high * i) / STEPS);
    return best;
  }

  /** Centres and counts of the bins that hold anything. */
  private bins(): [centre: number, count: number][] {
    const { up, down, width } = this.counts;
    return [...Array(HALF).keys()]
      .flatMap((i): [number, number][] => [
        [-(i + 0.5) * width, down[i] as number],
        // What stands next to 0 is mostly 0 itself, as relu leaves it.
        [i === 0 ? 0 : (i + 0.5) * width, up[i] as number],
      ])
      .filter(([, count]) => count > 0);
  }
}

/** Squared error of the values at the centres of bins. */
function lossOf(bins: readonly (readonly [number, number])[], { scale, zeroPoint }: Affine, grid: Grid): number {
  let loss = 0;
  for (const [value, count] of bins) {
    const level = Math.min(grid.quantMax, Math.max(grid.quantMin, Math.round(value / scale) + zeroPoint));
    loss += count * elementary.square(value - (level - zeroPoint) * scale);
  }
  return loss;
}

/** Levels of a magnitude in int8, and how many bins each step of the search for a threshold takes away. */
const MAGNITUDES = 128;
const STRIDE = 8;

/**
 * The threshold of magnitudes that loses least information: of the distributions clipped at each threshold, the one whose
 * 128 levels have the least Kullback–Leibler divergence from it (Migacz 2017, "8-bit inference with TensorRT").
 */
export class EntropyObserver extends ClippingObserver {
  affine(): Affine {
    const { up, down, width, low, high } = this.counts;
    const counts = up.map((n, i) => n + (down[i] as number));
    // Zeros are exact under every threshold, and would drown what is to be told apart.
    counts[0] = counts[1] as number;
    let [bins, least] = [HALF, Infinity];
    for (let i = HALF; i >= MAGNITUDES; i -= STRIDE) {
      const loss = divergence(counts, i);
      if (loss < least) [bins, least] = [i, loss];
    }
    const threshold = bins * width;
    return affineOf(Math.max(low, -threshold), Math.min(high, threshold), this.grid);
  }
}

/** Divergence of the first `bins` counts, with what lies beyond in the last of them, from their 128 levels. */
function divergence(counts: Float64Array, bins: number): number {
  const kept = counts.slice(0, bins);
  const beyond = counts.subarray(bins).reduce((a, b) => a + b, 0);
  const levels = new Float64Array(bins);
  for (let level = 0; level < MAGNITUDES; level++) {
    const [from, to] = [Math.floor((level * bins) / MAGNITUDES), Math.floor(((level + 1) * bins) / MAGNITUDES)];
    let [sum, filled] = [0, 0];
    for (let i = from; i < to; i++) {
      sum += kept[i] as number;
      if (kept[i] !== 0) filled++;
    }
    for (let i = from; i < to; i++) if (kept[i] !== 0) levels[i] = sum / filled;
  }
  kept[bins - 1] = (kept[bins - 1] as number) + beyond;
  const [total, leveled] = [kept, levels].map((list) => list.reduce((a, b) => a + b, 0)) as [number, number];
  if (total === 0 || leveled === 0) return Infinity;
  let sum = 0;
  for (let i = 0; i < bins; i++) {
    const p = (kept[i] as number) / total;
    // A bin that clipping alone has filled has no level: the least share stands for it.
    const q = Math.max((levels[i] as number) / leveled, 1e-9);
    if (p > 0) sum += p * elementary.log(p / q);
  }
  return sum;
}
