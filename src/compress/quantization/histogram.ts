import type { Affine } from '../../ops/quantized.js';
import { affineOf, type Grid, INT8, roundHalfEven } from './affine.js';
import { numbersOf, type Observer, type ObserverOptions, rangeOf, type Values } from './observing.js';

const BINS = 2048;
/** Parts of a bin by which an earlier histogram is shifted into a wider one. */
const UPSAMPLE = 128;
const LEVELS = 256;
/** Share of the values by which the search moves in from an end. */
const STEP = 1e-5;

const { fround } = Math;

/**
 * The range that loses least of a histogram of the values, found by moving in from both ends (the nonlinear search of
 * PyTorch's HistogramObserver). Values are counted over their true range, as PyTorch does from 2.0 on; 1.13 cuts the range
 * to whole numbers.
 */
export class HistogramObserver implements Observer {
  private low = Infinity;
  private high = -Infinity;
  private counts: Float64Array = new Float64Array(BINS);
  private readonly grid: Grid;

  constructor({ symmetric = false }: ObserverOptions = {}) {
    this.grid = { ...INT8, symmetric };
  }

  observe(x: Values, what = 'the input'): void {
    const values = numbersOf(x);
    const range = rangeOf(values, what);
    if (range === null) return;
    if (!(this.high > this.low)) {
      // Nothing yet, or one value only, which has no width to be counted in.
      const before = this.high === this.low ? this.counts.reduce((a, b) => a + b, 0) : 0;
      const only = this.low;
      this.low = Math.min(this.low, range.low);
      this.high = Math.max(this.high, range.high);
      this.counts = count(values, this.low, this.high);
      if (before > 0)
        this.counts[binOf(only, this.low, this.high)] =
          (this.counts[binOf(only, this.low, this.high)] as number) + before;
      return;
    }
    this.widen(range.low, range.high);
    const more = count(values, this.low, this.high);
    this.counts = this.counts.map((n, i) => n + (more[i] as number));
  }

  /** Makes the histogram reach over [low, high] too; a bin's values count as spread evenly over it. */
  private widen(low: number, high: number): void {
    const least = Math.min(low, this.low);
    const most = Math.max(high, this.high);
    if (least === this.low && most === this.high) return;
    const part = fround(fround(this.high - this.low) / (BINS * UPSAMPLE));
    const parts = Math.ceil(fround(fround(most - least) / fround(BINS * part)));
    const start = roundHalfEven(fround(fround(this.low - least) / part));
    const wide = new Float64Array(BINS);
    for (let i = 0; i < BINS * UPSAMPLE; i++) {
      const bin = Math.floor((start + i) / parts);
      if (bin < BINS) wide[bin] = (wide[bin] as number) + (this.counts[Math.floor(i / UPSAMPLE)] as number) / UPSAMPLE;
    }
    this.counts = wide;
    this.low = least;
    // The upper end alone gives way, so that what begins at 0 keeps doing so.
    this.high = fround(least + fround(parts * fround(BINS * part)));
  }

  affine(): Affine {
    if (!(this.high > this.low)) return affineOf(Math.min(this.low, 0), Math.max(this.high, 0), this.grid);
    const { start, end } = this.search();
    const width = fround(fround(this.high - this.low) / BINS);
    return affineOf(fround(this.low + width * start), fround(this.low + width * (end + 1)), this.grid);
  }

  /** The first and the last bin to keep. */
  private search(): { readonly start: number; readonly end: number } {
    const sums = new Float64Array(BINS);
    let total = 0;
    this.counts.forEach((n, i) => {
      total += n;
      sums[i] = total;
    });
    let [alpha, beta, start, end, least] = [0, 1, 0, BINS - 1, Infinity];
    while (alpha < beta) {
      const [nextAlpha, nextBeta] = [alpha + STEP, beta - STEP];
      let [left, right] = [start, end];
      while (left < end && (sums[left] as number) < nextAlpha * total) left++;
      while (right > start && (sums[right] as number) > nextBeta * total) right--;
      let [nextStart, nextEnd] = [start, end];
      if (left - start > end - right) {
        nextStart = left;
        alpha = nextAlpha;
      } else {
        nextEnd = right;
        beta = nextBeta;
      }
      if (nextStart === start && nextEnd === end) continue;
      const loss = this.loss(nextStart, nextEnd);
      if (loss > least) break;
      [least, start, end] = [loss, nextStart, nextEnd];
    }
    return { start, end };
  }

  /** Squared error of mapping bins `start` to `end` to the levels, if values are spread evenly within each bin. */
  private loss(start: number, end: number): number {
    const width = (this.high - this.low) / BINS;
    const level = (width * (end - start + 1)) / LEVELS;
    if (level === 0) return 0;
    const cube = (from: number, to: number): number => (to * to * to - from * from * from) / 3;
    const whole = cube(-level / 2, level / 2);
    const at = (x: number): number => Math.min(LEVELS - 1, Math.max(0, Math.floor(x / level)));
    let loss = 0;
    for (let bin = 0; bin < BINS; bin++) {
      const from = (bin - start) * width;
      const [first, last] = [at(from), at(from + width)];
      const density = (this.counts[bin] as number) / width;
      const head = cube(from - (first + 0.5) * level, level / 2);
      const tail = cube(-level / 2, from + width - (last + 0.5) * level);
      loss += density * (head + (last - first - 1) * whole + tail);
    }
    return loss;
  }
}

function binOf(value: number, low: number, high: number): number {
  return high > low ? Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS)) : 0;
}

function count(values: Float32Array, low: number, high: number): Float64Array {
  const counts = new Float64Array(BINS);
  for (const value of values) counts[binOf(value, low, high)] = (counts[binOf(value, low, high)] as number) + 1;
  return counts;
}
