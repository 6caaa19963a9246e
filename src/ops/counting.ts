import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { sameShape } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { tensor } from './create.js';
import { indicesLike } from './masked.js';
import { checkTensor, knownValues } from './op.js';

/** Places in sorted sequences, and how much falls where. Nothing here has a gradient; all of it is computed on the host. */

export interface SearchsortedOptions {
  /** Accepted for PyTorch's sake: indices are int32. */
  readonly outInt32?: boolean;
  /** Behind equal elements rather than before them. Default false. */
  readonly right?: boolean;
  /** 'right' is the same as `right: true`. Default 'left'. */
  readonly side?: 'left' | 'right';
  /** Places that put `sortedSequence` in order, if it is not. */
  readonly sorter?: Tensor | null;
}

/** How many of n ascending elements stand before `value`; NaN is the largest. */
function placeOf(at: (i: number) => number, n: number, value: number, right: boolean): number {
  let [low, high] = [0, n];
  while (low < high) {
    const middle = (low + high) >> 1;
    const element = at(middle);
    const isBefore = right ? !(element > value) : !(element >= value);
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The places in the ascending `sortedSequence` [.., n] at which elements of `input` [.., m], a tensor or a number, would be put;
 * int32. A sequence of one dimension serves every element of input.
 */
export const searchsorted = /* @__PURE__ */ leading(
  'searchsorted',
  ['input'],
  (sortedSequence: Tensor, input: Tensor | number, ...rest: (SearchsortedOptions | undefined)[]): Tensor<'int32'> => {
    const name = 'searchsorted';
    checkTensor(name, sortedSequence, 'sortedSequence');
    const names = ['outInt32', 'right', 'side', 'sorter'] as const;
    const given = readArguments<SearchsortedOptions>(name, rest, names);
    const { right = false, side, sorter = null } = given;
    if (side !== undefined && side !== 'left' && side !== 'right') {
      fail('argument', `${name}: side must be 'left' or 'right', got '${String(side)}'.`);
    }
    if (side === 'left' && right) fail('argument', `${name}: side 'left' and right: true contradict each other.`);
    if (sortedSequence.ndim === 0) fail('shape', `${name}: sortedSequence must have a dimension, got [].`);
    if (input instanceof Tensor) checkTensor(name, input);
    else if (typeof input !== 'number')
      fail('argument', `${name}: input must be a Tensor or a number, got ${typeof input}.`);
    const shape = input instanceof Tensor ? input.shape : [];
    const lead = sortedSequence.shape.slice(0, -1);
    if (sortedSequence.ndim > 1 && (shape.length !== sortedSequence.ndim || !sameShape(lead, shape.slice(0, -1)))) {
      fail(
        'shape',
        `${name}: input must agree with sortedSequence but in the last dimension, or that have one dimension alone; got ` +
          `${show(sortedSequence.shape)} and ${show(shape)}.`,
      );
    }
    if (sorter !== null && !sameShape(sorter.shape, sortedSequence.shape)) {
      fail(
        'shape',
        `${name}: sorter ${show(sorter.shape)} must have sortedSequence's shape ${show(sortedSequence.shape)}.`,
      );
    }
    if (input instanceof Tensor && input.dtype !== sortedSequence.dtype) {
      fail('dtype', `${name}: input must be ${sortedSequence.dtype} as sortedSequence is, got ${input.dtype}.`);
    }
    const sequence = knownValues(name, sortedSequence);
    const order = sorter === null ? null : knownValues(name, sorter);
    const values = input instanceof Tensor ? knownValues(name, input) : [input];
    const n = sortedSequence.shape[sortedSequence.ndim - 1] as number;
    const m = shape[shape.length - 1] ?? 1;
    const out = Int32Array.from(values, (value: number, i: number) => {
      const base = sortedSequence.ndim > 1 ? Math.floor(i / m) * n : 0;
      const at = (k: number): number => sequence[base + (order === null ? k : (order[base + k] as number))] as number;
      return placeOf(at, n, value, right || side === 'right');
    });
    return indicesLike(sortedSequence, out, shape, name);
  },
);

/** The places of elements of `input`, a tensor or a number, among the ascending `boundaries` [n]; int32. */
export const bucketize = /* @__PURE__ */ leading(
  'bucketize',
  ['boundaries'],
  (
    input: Tensor | number,
    boundaries: Tensor,
    ...rest: (Pick<SearchsortedOptions, 'outInt32' | 'right'> | undefined)[]
  ): Tensor<'int32'> => {
    checkTensor('bucketize', boundaries, 'boundaries');
    if (boundaries.ndim !== 1) {
      fail(
        'shape',
        `bucketize: boundaries must have one dimension, got ${show(boundaries.shape)}. Use searchsorted().`,
      );
    }
    return searchsorted(boundaries, input, readArguments('bucketize', rest, ['outInt32', 'right']));
  },
);

export interface BincountOptions {
  /** What each element counts for; of input's shape. Default 1. */
  readonly weights?: Tensor | null;
  /** The least number of bins. Default 0. */
  readonly minlength?: number;
}

/** How often each whole number from 0 to the largest comes in `input` [n]; int32, or float32 where weights are summed. */
export function bincount(input: Tensor, ...rest: (Tensor | number | null | BincountOptions | undefined)[]): Tensor {
  checkTensor('bincount', input);
  const { weights = null, minlength = 0 } = readArguments<BincountOptions>('bincount', rest, ['weights', 'minlength']);
  if (input.ndim !== 1 || traits[input.dtype].isFloat || input.dtype === 'bool') {
    fail('argument', `bincount: expected whole numbers in one dimension, got ${input.dtype} ${show(input.shape)}.`);
  }
  if (!Number.isInteger(minlength) || minlength < 0) {
    fail('argument', `bincount: minlength must be a whole number ≥ 0, got ${minlength}.`);
  }
  if (weights !== null && !sameShape(weights.shape, input.shape)) {
    fail('shape', `bincount: weights ${show(weights.shape)} must have input's shape ${show(input.shape)}.`);
  }
  const values = knownValues('bincount', input);
  const shares = weights === null ? null : knownValues('bincount', weights);
  let bins = minlength;
  for (const value of values) {
    if (value < 0) fail('argument', `bincount: expected whole numbers ≥ 0, got ${value}.`);
    bins = Math.max(bins, value + 1);
  }
  const counts = new Float64Array(bins);
  values.forEach((value: number, i: number) => {
    counts[value] = (counts[value] as number) + (shares?.[i] ?? 1);
  });
  return tensor(counts, { dtype: weights === null ? 'int32' : 'float32' });
}

export interface HistcOptions {
  /** Default 100. */
  readonly bins?: number;
  /** Where the first bin begins. With min = max, both are those of the input. Default 0. */
  readonly min?: number;
  /** Where the last one ends. Default 0. */
  readonly max?: number;
}

/** How many elements fall into each of equal bins from min to max, both included; what lies outside does not count. */
export function histc(input: Tensor, ...rest: (number | HistcOptions | undefined)[]): Tensor {
  checkTensor('histc', input);
  const { bins = 100, min = 0, max = 0 } = readArguments<HistcOptions>('histc', rest, ['bins', 'min', 'max']);
  if (!traits[input.dtype].isFloat) fail('dtype', `histc: expected floating point, got ${input.dtype}. Use .float().`);
  if (!Number.isInteger(bins) || bins < 1) fail('argument', `histc: bins must be a whole number ≥ 1, got ${bins}.`);
  const values = knownValues('histc', input);
  let [low, high] = [min, max];
  if (low === high && values.length > 0) {
    [low, high] = [Infinity, -Infinity];
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  if (low === high) [low, high] = [low - 1, high + 1];
  if (!Number.isFinite(low) || !Number.isFinite(high) || low > high) {
    fail('argument', `histc: min and max must be finite, and min the smaller, got ${low} and ${high}.`);
  }
  const counts = new Float32Array(bins);
  for (const value of values) {
    if (!(value >= low && value <= high)) continue;
    const bin = Math.min(Math.floor(((value - low) * bins) / (high - low)), bins - 1);
    counts[bin] = (counts[bin] as number) + 1;
  }
  return tensor(counts);
}
