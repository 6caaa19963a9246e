import { noGrad, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import { normalizeDim, sizeOf } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { add, div, mul, sub } from './arithmetic.js';
import { eq, gt, isnan, logicalAnd, logicalOr, where } from './compare.js';
import { tensor } from './create.js';
import { floorDivide } from './division.js';
import { maximum } from './extremes.js';
import { parseReduce, type ReduceOptions } from './fold.js';
import { gather } from './indexing.js';
import { cat } from './join.js';
import { lerp } from './lerp.js';
import { indicesLike } from './masked.js';
import { cast, clone, permute, reshape, select, transpose } from './movement.js';
import { checkTensor, knownValues, scalarLike } from './op.js';
import { sum, type ValuesAndIndices, valuesAndIndices } from './reduce.js';
import { orderOf, sort } from './sort.js';
import { ceil, floor, round } from './unary.js';

/** Elements by their rank: medians, quantiles, the most frequent. NaN is larger than every number. */

/** What says the rank of the element to take from a line in ascending order. */
interface Choice {
  /** Given the values of a line, and how many of them are NaN, which stand last. */
  readonly of: (sorted: Float64Array, nans: number) => number;
  /** The same for all lines, of `size` elements, without their values; absent where the choice depends on these. */
  readonly unseen?: (size: number, nans: Tensor) => Tensor;
}

/** How many elements along d are NaN: int32, with the dimension kept. */
function nansAlong(x: Tensor, d: number): Tensor {
  return sum(cast(isnan(x), 'int32'), d, true);
}

/** The elements along `dim` that `choice` names. */
function byRank(name: string, input: Tensor, dim: number, keepdim: boolean, choice: Choice): ValuesAndIndices {
  const d = normalizeDim(name, dim, input.ndim);
  const size = input.shape[d] ?? 1;
  if (size === 0)
    fail('shape', `${name}: dim ${d} of ${show(input.shape)} is empty, and there is no ${name} of nothing.`);
  const order = orderOf(input, d, size, false, name);
  if (choice.unseen !== undefined && !input.storage.device.answersAtOnce) {
    const rank = choice.unseen(size, nansAlong(reshape(input, input.ndim === 0 ? [1] : input.shape), d));
    return picked(input, d, gather(order, d, reshape(rank, order.ndim === 0 ? [] : rank.shape)), keepdim);
  }
  const ranked = knownValues(name, order);
  order.dispose();
  const values = input.dataSync();
  const inner = sizeOf(input.shape.slice(d + 1));
  const shape = input.shape.map((s, i) => (i === d ? 1 : s));
  const sorted = new Float64Array(size);
  const places = Int32Array.from({ length: sizeOf(shape) }, (_, lane) => {
    const base = Math.floor(lane / inner) * size * inner + (lane % inner);
    for (let i = 0; i < size; i++) sorted[i] = values[base + (ranked[base + i * inner] as number) * inner] as number;
    let nans = 0;
    while (nans < size && Number.isNaN(sorted[size - 1 - nans])) nans++;
    return ranked[base + choice.of(sorted, nans) * inner] as number;
  });
  return picked(input, d, indicesLike(input, places, shape, name), keepdim);
}

/** The elements of `input` at `kept` along d, which has one place there. */
function picked(input: Tensor, d: number, kept: Tensor, keepdim: boolean): ValuesAndIndices {
  const values = gather(input, d, kept);
  const places = kept as Tensor<'int32'>;
  if (keepdim || input.ndim === 0) return valuesAndIndices(values, places);
  return valuesAndIndices(select(values, d, 0), select(places, d, 0) as Tensor<'int32'>);
}

/** The lower of the middle two; the first NaN where there is one. */
const middle: Choice = {
  of: (sorted, nans) => (nans > 0 ? sorted.length - nans : (sorted.length - 1) >> 1),
  unseen: (size, nans) => where(gt(nans, 0), sub(size, nans), (size - 1) >> 1),
};

/** The same of the numbers alone. */
const middleOfNumbers: Choice = {
  of: (sorted, nans) => Math.max(sorted.length - nans - 1, 0) >> 1,
  unseen: (size, nans) => floorDivide(maximum(sub(size - 1, nans), 0), 2),
};

/**
 * The median of all elements, the lower of two; with `dim`, `{ values, indices }` along it. NaN where there is one. Without
 * `dim` equal elements share the gradient, with it one of them has it.
 */
export function median(input: Tensor): Tensor;
export function median(
  input: Tensor,
  dim: number | ReduceOptions,
  keepdim?: boolean | Pick<ReduceOptions, 'keepdim'>,
): ValuesAndIndices;
export function median(input: Tensor, ...rest: readonly unknown[]): Tensor | ValuesAndIndices {
  return medianOf('median', input, middle, rest);
}

/** As median, of the elements that are not NaN; NaN where all are. */
export function nanmedian(input: Tensor): Tensor;
export function nanmedian(
  input: Tensor,
  dim: number | ReduceOptions,
  keepdim?: boolean | Pick<ReduceOptions, 'keepdim'>,
): ValuesAndIndices;
export function nanmedian(input: Tensor, ...rest: readonly unknown[]): Tensor | ValuesAndIndices {
  return medianOf('nanmedian', input, middleOfNumbers, rest);
}

function medianOf(name: string, input: Tensor, choice: Choice, rest: readonly unknown[]): Tensor | ValuesAndIndices {
  checkTensor(name, input);
  if (rest.some((value) => value !== undefined)) {
    const given = parseReduce(rest);
    return byRank(name, input, given.dim as number, given.keepdim ?? false, choice);
  }
  if (input.numel() === 0) return scalarLike(input, NaN, input.dtype);
  const y = noGrad(() => clone(byRank(name, reshape(input, [-1]), 0, false, choice).values));
  record(name, [input], [y], [input, y], ([g], [x, m]) => {
    const [held, best] = [x as Tensor, m as Tensor];
    const share = cast(logicalOr(eq(held, best), logicalAnd(isnan(held), isnan(best))), 'float32');
    return [mul(share, div(g as Tensor, sum(share)))];
  });
  return y;
}

export interface DimOptions {
  /** Default −1. */
  readonly dim?: number;
  /** Keep the dimension with size 1. Default false. */
  readonly keepdim?: boolean;
}

export type DimArguments = (number | boolean | DimOptions | undefined)[];

/** The `k`th smallest element along `dim`, counted from 1, and where it is: `{ values, indices }`. */
export const kthvalue = /* @__PURE__ */ leading(
  'kthvalue',
  ['k'],
  (input: Tensor, k: number, ...rest: DimArguments): ValuesAndIndices => {
    checkTensor('kthvalue', input);
    const { dim = -1, keepdim = false } = readArguments<DimOptions>('kthvalue', rest, ['dim', 'keepdim']);
    const size = input.shape[normalizeDim('kthvalue', dim, input.ndim)] ?? 1;
    if (size > 0 && !(Number.isInteger(k) && k >= 1 && k <= size)) {
      fail('argument', `kthvalue: k must be a whole number in [1, ${size}], the size of dim ${dim}, got ${k}.`);
    }
    return byRank('kthvalue', input, dim, keepdim, {
      of: () => k - 1,
      unseen: (_, nans) => add(mul(nans, 0), k - 1),
    });
  },
);

/** The most frequent element along `dim`, the smallest of several, and where it is last: `{ values, indices }`. */
export function mode(input: Tensor, ...rest: DimArguments): ValuesAndIndices {
  checkTensor('mode', input);
  const { dim = -1, keepdim = false } = readArguments<DimOptions>('mode', rest, ['dim', 'keepdim']);
  return byRank('mode', input, dim, keepdim, {
    of: (sorted) => {
      let [best, most] = [0, 0];
      for (let i = 0, run = 0; i < sorted.length; i++) {
        run = i > 0 && sorted[i] === sorted[i - 1] ? run + 1 : 1;
        if (run > most) [best, most] = [i, run];
      }
      return best;
    },
  });
}

export interface QuantileOptions {
  /** Default: all elements. */
  readonly dim?: number | null;
  /** Keep the dimension with size 1. Default false. */
  readonly keepdim?: boolean;
  /** What lies between two elements. Default 'linear'. */
  readonly interpolation?: 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest';
}

export type QuantileArguments = (number | null | boolean | QuantileOptions | undefined)[];

/** Half-way cases go to the even number. */
function roundEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

/**
 * The elements of ranks q · (n − 1) along `dim`, with what lies between two of them interpolated. `q`, in [0, 1], is a number, or
 * a tensor of one dimension that then comes first in the result. NaN where there is one.
 */
export const quantile = /* @__PURE__ */ leading(
  'quantile',
  ['q'],
  (input: Tensor, q: number | Tensor, ...rest: QuantileArguments): Tensor => {
    return quantileOf('quantile', input, q, rest, false);
  },
);

/** As quantile, of the elements that are not NaN; NaN where all are. */
export const nanquantile = /* @__PURE__ */ leading(
  'nanquantile',
  ['q'],
  (input: Tensor, q: number | Tensor, ...rest: QuantileArguments): Tensor => {
    return quantileOf('nanquantile', input, q, rest, true);
  },
);

function quantileOf(
  name: string,
  input: Tensor,
  q: number | Tensor,
  rest: QuantileArguments,
  ignoresNaN: boolean,
): Tensor {
  checkTensor(name, input);
  const names = ['dim', 'keepdim', 'interpolation'] as const;
  const { dim = null, keepdim = false, interpolation = 'linear' } = readArguments<QuantileOptions>(name, rest, names);
  if (!['linear', 'lower', 'higher', 'midpoint', 'nearest'].includes(interpolation)) {
    fail(
      'argument',
      `${name}: interpolation must be linear, lower, higher, midpoint or nearest, got '${interpolation}'.`,
    );
  }
  if (!traits[input.dtype].isFloat)
    fail('dtype', `${name}: expected floating point, got ${input.dtype}. Use .float().`);
  if (input.numel() === 0) fail('shape', `${name}: there is no quantile of nothing, got ${show(input.shape)}.`);
  if (q instanceof Tensor && (q.ndim > 1 || q.dtype !== input.dtype)) {
    fail(
      'argument',
      `${name}: q must be a number or a ${input.dtype} tensor of one dimension, got ${q.dtype} ${show(q.shape)}.`,
    );
  }
  const wanted = q instanceof Tensor ? Array.from(knownValues(name, q)) : [Math.fround(q)];
  const odd = wanted.find((value) => !(value >= 0 && value <= 1));
  if (odd !== undefined) fail('argument', `${name}: q must lie in [0, 1], got ${odd}.`);
  const d = dim === null ? 0 : normalizeDim(name, dim, input.ndim);
  const line = dim === null || input.ndim === 0 ? reshape(input, [-1]) : transpose(input, d, -1);
  const n = line.shape[line.ndim - 1] as number;
  const rows = reshape(sort(line, -1).values, [-1, n]);
  const count = rows.shape[0] as number;
  if (!rows.storage.device.answersAtOnce) {
    const y = unseen(rows, wanted, interpolation, ignoresNaN);
    return arranged(y, input, line, dim === null ? null : d, keepdim, q instanceof Tensor && q.ndim === 1);
  }
  const values = rows.dataSync();
  const below = new Int32Array(count * wanted.length);
  const above = new Int32Array(below.length);
  const weight = new Float32Array(below.length);
  for (let row = 0; row < count; row++) {
    let numbers = n;
    while (numbers > 0 && Number.isNaN(values[row * n + numbers - 1])) numbers--;
    wanted.forEach((share, k) => {
      const exact = Math.fround(share * (ignoresNaN ? Math.max(numbers - 1, 0) : n - 1));
      // A line with a NaN has it as every quantile: the last place holds one.
      const rank = !ignoresNaN && numbers < n ? n - 1 : exact;
      const i = row * wanted.length + k;
      const low =
        interpolation === 'higher' ? Math.ceil(rank) : interpolation === 'nearest' ? roundEven(rank) : Math.floor(rank);
      below[i] = low;
      above[i] = Math.ceil(rank);
      weight[i] = interpolation === 'midpoint' ? 0.5 : rank - low;
    });
  }
  const shape = [count, wanted.length];
  const low = gather(rows, 1, indicesLike(input, below, shape, name));
  const isBetween = interpolation === 'linear' || interpolation === 'midpoint';
  const y = isBetween
    ? lerp(low, gather(rows, 1, indicesLike(input, above, shape, name)), cast(tensor(weight, shape), input.dtype))
    : low;
  return arranged(y, input, line, dim === null ? null : d, keepdim, q instanceof Tensor && q.ndim === 1);
}

/** Quantiles [rows, q] of sorted rows [rows, n] without their values: ranks and weights are tensors, too. */
function unseen(rows: Tensor, wanted: number[], interpolation: string, ignoresNaN: boolean): Tensor {
  const n = rows.shape[1] as number;
  return wanted
    .map((share) => {
      const nans = nansAlong(rows, 1);
      const last = ignoresNaN ? maximum(sub(n - 1, nans), 0) : add(mul(nans, 0), n - 1);
      const exact = mul(cast(last, 'float32'), share);
      // A line with a NaN has it as every quantile: the last place holds one.
      const rank = ignoresNaN ? exact : where(gt(nans, 0), n - 1, exact);
      const low = interpolation === 'higher' ? ceil(rank) : interpolation === 'nearest' ? round(rank) : floor(rank);
      const at = (place: Tensor): Tensor => gather(rows, 1, cast(place, 'int32'));
      if (interpolation !== 'linear' && interpolation !== 'midpoint') return at(low);
      const weight = interpolation === 'midpoint' ? 0.5 : cast(sub(rank, low), rows.dtype);
      return lerp(at(low), at(ceil(rank)), weight);
    })
    .reduce((left, right) => cat([left, right], 1));
}

/** Quantiles [rows, q] in the shape of the result. */
function arranged(y: Tensor, input: Tensor, line: Tensor, d: number | null, keepdim: boolean, isList: boolean): Tensor {
  const list = y.shape[1] as number;
  const lead = isList ? [list] : [];
  const turned = permute(y, [1, 0]);
  if (d === null || input.ndim === 0) {
    return reshape(turned, [...lead, ...(keepdim ? input.shape.map(() => 1) : [])]);
  }
  const front = transpose(reshape(turned, [list, ...line.shape.slice(0, -1), 1]), d + 1, -1);
  const kept = input.shape.map((size, i) => (i === d ? 1 : size));
  return reshape(front, [...lead, ...(keepdim ? kept : kept.filter((_, i) => i !== d))]);
}
