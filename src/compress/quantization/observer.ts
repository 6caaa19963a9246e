import { fail } from '../../core/errors.js';
import type { Affine } from '../../ops/quantized.js';
import type { Tensor } from '../../tensor.js';
import { affineOf, type Grid, INT8 } from './affine.js';
import { EntropyObserver, MSEObserver } from './clipping.js';
import { HistogramObserver } from './histogram.js';
import type { Observer, ObserverOptions, Values } from './observing.js';
import { numbersOf, rangeOf } from './observing.js';

/**
 * Observers watch values and choose how to map them to int8. Their parameters are those of `torch.ao.quantization` for
 * `torch.qint8`, but for two choices: a range of zeros alone has the scale 1, and there is no least scale of 1.2e-7, which
 * would leave small values few levels.
 */

/** The range of all values. */
export class MinMaxObserver implements Observer {
  private low = Infinity;
  private high = -Infinity;
  protected readonly grid: Grid;

  constructor({ symmetric = false }: ObserverOptions = {}) {
    this.grid = { ...INT8, symmetric };
  }

  observe(x: Values, what = 'the input'): void {
    const range = rangeOf(numbersOf(x), what);
    if (range === null) return;
    this.low = Math.min(this.low, range.low);
    this.high = Math.max(this.high, range.high);
  }

  affine(): Affine {
    return affineOf(this.low, this.high, this.grid);
  }
}

/** The range of the first batch, moved toward that of each other one by a share of the way. */
export class MovingAverageMinMaxObserver implements Observer {
  private low: number | null = null;
  private high = 0;
  private readonly share: number;
  private readonly grid: Grid;

  /** `averagingConstant`: the share of a batch. Default 0.01. */
  constructor({
    averagingConstant = 0.01,
    symmetric = false,
  }: ObserverOptions & { readonly averagingConstant?: number } = {}) {
    if (!(averagingConstant > 0 && averagingConstant <= 1)) {
      fail('argument', `MovingAverageMinMaxObserver: averagingConstant must lie in (0, 1], got ${averagingConstant}.`);
    }
    this.share = averagingConstant;
    this.grid = { ...INT8, symmetric };
  }

  observe(x: Values, what = 'the input'): void {
    const range = rangeOf(numbersOf(x), what);
    if (range === null) return;
    if (this.low === null) {
      this.low = range.low;
      this.high = range.high;
      return;
    }
    this.low = Math.fround(this.low + this.share * (range.low - this.low));
    this.high = Math.fround(this.high + this.share * (range.high - this.high));
  }

  affine(): Affine {
    return affineOf(this.low ?? 0, this.high, this.grid);
  }
}

/** The range of each slice along a dimension. */
export class PerChannelMinMaxObserver {
  private lows: number[] = [];
  private highs: number[] = [];
  private readonly axis: number;
  private readonly grid: Grid;

  /** `axis`: the dimension of the channels. Default 0. */
  constructor({ axis = 0, symmetric = false }: ObserverOptions & { readonly axis?: number } = {}) {
    this.axis = axis;
    this.grid = { ...INT8, symmetric };
  }

  observe(x: Tensor, what = 'the input'): void {
    const axis = this.axis < 0 ? this.axis + x.ndim : this.axis;
    const channels = x.shape[axis];
    if (channels === undefined) {
      fail('argument', `PerChannelMinMaxObserver: axis ${this.axis} is none of ${x.ndim} dimensions.`);
    }
    if (this.lows.length > 0 && this.lows.length !== channels) {
      fail('shape', `PerChannelMinMaxObserver: expected ${this.lows.length} channels as before, got ${channels}.`);
    }
    if (this.lows.length === 0) {
      this.lows = new Array<number>(channels).fill(Infinity);
      this.highs = new Array<number>(channels).fill(-Infinity);
    }
    const inner = x.shape.slice(axis + 1).reduce((n, size) => n * size, 1);
    const values = numbersOf(x);
    for (let at = 0, line = 0; at < values.length; at += inner, line++) {
      const range = rangeOf(values.subarray(at, at + inner), what);
      const channel = line % channels;
      if (range === null) continue;
      this.lows[channel] = Math.min(this.lows[channel] as number, range.low);
      this.highs[channel] = Math.max(this.highs[channel] as number, range.high);
    }
  }

  /** The map of each channel. */
  affines(): Affine[] {
    return this.lows.map((low, i) => affineOf(low, this.highs[i] as number, this.grid));
  }
}

export type ObserverName = 'minmax' | 'movingAverage' | 'histogram' | 'mse' | 'entropy';

const OBSERVERS: { readonly [N in ObserverName]: new (options: ObserverOptions) => Observer } = {
  minmax: MinMaxObserver,
  movingAverage: MovingAverageMinMaxObserver,
  histogram: HistogramObserver,
  mse: MSEObserver,
  entropy: EntropyObserver,
};

/** A function that makes observers of the kind called `name`. `by` names the caller in errors. */
export function observerOf(by: string, name: ObserverName, options: ObserverOptions): () => Observer {
  if (!Object.hasOwn(OBSERVERS, name)) {
    const names = Object.keys(OBSERVERS)
      .map((key) => `'${key}'`)
      .join(', ');
    fail('argument', `${by}: observer must be one of ${names}, got '${String(name)}'.`);
  }
  const Kind = OBSERVERS[name];
  return () => new Kind(options);
}
