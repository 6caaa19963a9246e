import { fail } from '../core/errors.js';
import type { Affine } from '../ops/quantized.js';

/** Watches values and chooses how to map them to int8. */
export class MinMaxObserver {
  // Zero must be exact: padding and relu put it everywhere.
  private low = 0;
  private high = 0;

  /** Takes in more values; `what` names them in the error for values that are not finite, which no map can reach. */
  observe(what: string, values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (!Number.isFinite(value)) fail('data', `quantize: ${what} holds ${value}. Calibrate with finite data.`);
      if (value < this.low) this.low = value;
      else if (value > this.high) this.high = value;
    }
  }

  /** The map of [low, high] onto −128 … 127 (Jacob et al. 2018, "Quantization and training of neural networks …"). */
  affine(): Affine {
    const scale = (this.high - this.low) / 255;
    if (!(scale > 0)) return { scale: 1, zeroPoint: 0 };
    const zeroPoint = Math.min(127, Math.max(-128, Math.round(-128 - this.low / scale)));
    return { scale: Math.fround(scale), zeroPoint };
  }
}
