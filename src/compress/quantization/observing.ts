import { fail } from '../../core/errors.js';
import type { Affine } from '../../ops/quantized.js';
import { Tensor } from '../../tensor.js';

/** What all observers have in common. */

/** What can be observed. */
export type Values = Tensor | ArrayLike<number>;

export interface ObserverOptions {
  /** Whether the map is symmetric around 0: zero point 0. Default false. */
  readonly symmetric?: boolean;
}

/** Watches values and chooses how to map them to int8. */
export interface Observer {
  /** Takes in more values; `what` names them in the error for values that are not finite, which no map can reach. */
  observe(x: Values, what?: string): void;
  /** The map for all that was seen; scale 1 and zero point 0 before anything was. */
  affine(): Affine;
}

export function numbersOf(x: Values): Float32Array {
  const values = x instanceof Tensor ? x.dataSync() : x;
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

/** The least and the largest of `values`, or null of none. Throws for what is not finite. */
export function rangeOf(values: Float32Array, what: string): { readonly low: number; readonly high: number } | null {
  if (values.length === 0) return null;
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) fail('data', `quantize: ${what} holds ${value}. Calibrate with finite data.`);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}
