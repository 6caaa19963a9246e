import { fail } from '../../core/errors.js';
import { fromHalf, toHalf } from '../../core/half.js';
import { rowBytes, type StoredFormat, storedBytes } from '../../ops/storedweight.js';
import type { Tensor } from '../../tensor.js';

/** Weights in fewer bits. */

/** The weights as numbers; throws for those that are not finite, under which no scale is right. */
export function weightsOf(what: string, weight: Tensor): Float32Array {
  const values = weight.dataSync();
  const bad = values.findIndex((value: number) => !Number.isFinite(value));
  if (bad >= 0) fail('data', `quantize: ${what} holds ${values[bad]}. Only finite weights have a scale.`);
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

/** Weights in int8, symmetric around 0 within ±127, and a scale for each unit. */
export interface IntegerWeights {
  readonly values: Int8Array<ArrayBuffer>;
  readonly scales: Float32Array<ArrayBuffer>;
}

/** The scale of each of `units` rows of `source` whose largest magnitude becomes 127. */
export function unitScales(source: Float32Array, units: number, perChannel: boolean): Float32Array<ArrayBuffer> {
  const inner = source.length / units;
  const tops = Float32Array.from({ length: units }, (_, unit) => {
    let top = 0;
    for (let i = unit * inner; i < (unit + 1) * inner; i++) top = Math.max(top, Math.abs(source[i] as number));
    return top;
  });
  const largest = tops.reduce((a, b) => Math.max(a, b), 0);
  // A unit of zeros alone may have any scale; 1 keeps it finite. A scale must be normal, so that its inverse is finite.
  return tops.map((top) => Math.max(((perChannel ? top : largest) || 127) / 127, 2 ** -126));
}

/** `source` [units, …] on the grid of `scales`. */
export function quantizeWeights(source: Float32Array, scales: Float32Array<ArrayBuffer>): IntegerWeights {
  const inner = source.length / scales.length;
  const values = Int8Array.from(source, (value, i) =>
    Math.max(-127, Math.min(127, Math.round(value / (scales[Math.floor(i / inner)] as number)))),
  );
  return { values, scales };
}

export interface StoredOptions {
  readonly format: StoredFormat;
  /** Neighbours in a row that share a scale: a multiple of 32. */
  readonly group: number;
  /** Whether 0 stands in the middle of the whole numbers, and not where the range of the group puts it. */
  readonly symmetric: boolean;
}

/** The bytes of a stored matrix, and its scales and zeros by group. */
export interface StoredWeights {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly scales: Float32Array<ArrayBuffer>;
  readonly zeros: Int8Array<ArrayBuffer>;
}

/** bfloat16 nearest to `value`, halves to even, as its 16 bits. */
function toBrain(value: number): number {
  const [bits] = new Uint32Array(Float32Array.of(value).buffer) as unknown as [number];
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function fromBrain(bits: number): number {
  return (new Float32Array(Uint32Array.of(bits << 16).buffer) as unknown as [number])[0];
}

/** Scale and zero of a group of weights: whole numbers around 0, or over its range widened to hold 0. */
function gridOf(values: Float32Array, isNibble: boolean, symmetric: boolean): [scale: number, zero: number] {
  const low = values.reduce((a, b) => Math.min(a, b), 0);
  const high = values.reduce((a, b) => Math.max(a, b), 0);
  const [least, levels, middle] = isNibble ? [0, 15, 8] : [-128, 255, 0];
  const span = symmetric ? Math.max(-low, high) / ((levels - 1) / 2) : (high - low) / levels;
  if (span === 0) return [1, middle];
  const scale = Math.max(Math.fround(span), 2 ** -126);
  return [scale, symmetric ? middle : Math.round(least - low / scale)];
}

/** Stores `source` [rows, columns]. `what` names it in errors. */
export function storeWeights(what: string, source: Float32Array, rows: number, options: StoredOptions): StoredWeights {
  const { format, group, symmetric } = options;
  const columns = rows === 0 ? 0 : source.length / rows;
  const bytes = new Uint8Array(storedBytes(format, rows, columns));
  if (format === 'float16' || format === 'bfloat16') {
    const halves = Uint16Array.from(source, format === 'float16' ? toHalf : toBrain);
    const back = format === 'float16' ? fromHalf : fromBrain;
    const lost = halves.findIndex((half) => !Number.isFinite(back(half)));
    if (lost >= 0) {
      fail('data', `quantize: ${what} holds ${source[lost]}, which ${format} cannot. Keep this layer in float32.`);
    }
    bytes.set(new Uint8Array(halves.buffer));
    return { bytes, scales: new Float32Array(0), zeros: new Int8Array(0) };
  }
  const isNibble = format === 'int4';
  const groups = Math.ceil(columns / group);
  const scales = new Float32Array(rows * groups);
  const zeros = new Int8Array(rows * groups);
  const [least, most] = isNibble ? [0, 15] : [-128, 127];
  const stride = rowBytes(format, columns);
  for (let row = 0; row < rows; row++) {
    for (let g = 0; g < groups; g++) {
      const first = g * group;
      const part = source.subarray(row * columns + first, row * columns + Math.min(columns, first + group));
      const [scale, zero] = gridOf(part, isNibble, symmetric);
      scales[row * groups + g] = scale;
      zeros[row * groups + g] = zero;
      part.forEach((value, i) => {
        const q = Math.max(least, Math.min(most, Math.round(value / scale) + zero));
        const at = row * stride + (isNibble ? (first + i) >> 1 : first + i);
        bytes[at] = isNibble && (first + i) % 2 === 1 ? (bytes[at] as number) | (q << 4) : q & 255;
      });
    }
  }
  return { bytes, scales, zeros };
}
