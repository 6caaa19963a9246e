import { reduction } from '#binary';
import { noGrad, record } from '../autograd/index.js';
import { isOptions, readArguments } from '../core/arguments.js';
import { checkDType, type DType, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { normalizeDims, sizeOf } from '../core/shape.js';
import type { ReducedRank, SumDType } from '../core/signatures.js';
import { Tensor } from '../core/tensor.js';
import { div, mul, sub } from './arithmetic.js';
import { eq, isnan, logicalAnd, logicalOr, where } from './compare.js';
import { maximum, minimum } from './extremes.js';
import {
  type Folded,
  fold,
  foldOracle,
  foldSamples,
  parseReduce,
  type ReduceArguments,
  type ReduceOptions,
  reduceInto,
  spreadBack,
  type TypedReduceArguments,
  type TypedReduceOptions,
} from './fold.js';
import { cast, permute, reshape } from './movement.js';
import { checkTensor, convert, empty, type Op, op, signed, suffix } from './op.js';
import { exp, sqrt } from './unary.js';

/** Ops that fold dimensions into one value. */

/** An op without its sheet. */
type CallOf<O> = O extends Op<infer F> ? F : never;

/** The dtype that a reduction names, or else that of sums. */
export type NamedDType<A extends readonly unknown[], D extends DType> = A extends readonly [...unknown[], infer Last]
  ? Last extends { readonly dtype: infer E extends DType }
    ? E
    : SumDType<D>
  : SumDType<D>;

type Reduction = Op<
  <D extends DType, R extends number, const A extends ReduceArguments>(
    input: Tensor<D, R>,
    ...args: A
  ) => Tensor<D, ReducedRank<R, A>>
>;
type TypedReduction = Op<
  <D extends DType, R extends number, const A extends TypedReduceArguments>(
    input: Tensor<D, R>,
    ...args: A
  ) => Tensor<NamedDType<A, D>, ReducedRank<R, A>>
>;
type Position = Op<
  <R extends number, const A extends OneReduceArguments>(
    input: Tensor<DType, R>,
    ...args: A
  ) => Tensor<'int32', ReducedRank<R, A>>
>;
type Truth = Op<
  <D extends DType, R extends number, const A extends ReduceArguments>(
    input: Tensor<D, R>,
    ...args: A
  ) => Tensor<D extends 'uint8' ? 'uint8' : DType extends D ? 'bool' | 'uint8' : 'bool', ReducedRank<R, A>>
>;

function summation(name: 'sum' | 'mean', doc: string, of: (values: number[]) => number): TypedReduction {
  return op(
    signed<CallOf<TypedReduction>>((given: Tensor, ...args: TypedReduceArguments): Tensor => {
      checkTensor(name, given);
      const options = parseReduce<TypedReduceOptions>(args, ['dtype']);
      const input = options.dtype === undefined ? given : cast(given, checkDType(name, options.dtype));
      const isFloat = traits[input.dtype].isFloat;
      if (name === 'mean' && !isFloat)
        fail('dtype', `mean: expected floating point, got ${input.dtype}. Use .to('float32').`);
      const folded = fold(name, convert(input, isFloat ? 'float32' : 'int32'), options);
      const scale = name === 'mean' ? 1 / folded.run : 1;
      const y = empty(input, folded.shape, isFloat ? 'float32' : 'int32', name);
      if (folded.run === 0 && name === 'mean') reduceInto('sum_f32', y, folded, [NaN]);
      else reduceInto(`sum_${suffix(y.dtype)}`, y, folded, isFloat ? [scale] : undefined);
      const result = convert(y, isFloat ? input.dtype : (options.dtype ?? 'int32'));
      const { shape } = input;
      record(name, [input], [result], [], ([g]) => {
        const back = spreadBack(g as Tensor, folded.kept, shape);
        return [scale === 1 ? back : mul(back, scale)];
      });
      return result;
    }),
    {
      name,
      family: 'reduce',
      doc,
      dtypes: name === 'sum' ? ['float32', 'int32'] : ['float32'],
      differentiable: [true],
      oracle: foldOracle(name, of),
      samples: () => foldSamples(),
      tolerance: 2e-6,
    },
  );
}

const total = (values: number[]): number => values.reduce((a, b) => a + b, 0);

export const sum = /* @__PURE__ */ summation('sum', 'Sum over `dim` (default all); integers give int32.', total);
export const mean = /* @__PURE__ */ summation('mean', 'Mean over `dim` (default all).', (v) => total(v) / v.length);

/** The largest (smallest) of values; NaN if there is one. */
const pick =
  (better: (a: number, b: number) => boolean) =>
  (values: number[]): number =>
    values.some(Number.isNaN) ? NaN : values.reduce((a, b) => (better(b, a) ? b : a));

/**
 * The largest or smallest value over dimensions. Equal extremes share the gradient evenly; where the extreme is NaN the
 * gradient is NaN, or, with `toNaNs`, shared by all NaN, as PyTorch has it in `max` and `min` of everything.
 */
function extremeValue(
  name: 'amax' | 'amin' | 'max' | 'min',
  input: Tensor,
  options: ReduceOptions,
  toNaNs = false,
): Tensor {
  checkTensor(name, input);
  const compute = traits[input.dtype].isFloat ? 'float32' : 'int32';
  const folded = fold(name, convert(input, compute), options);
  refuseEmpty(name, input, folded);
  const y = empty(input, folded.shape, compute, name);
  reduceInto(reduction.kernel(`${name.includes('max') ? 'max' : 'min'}_${suffix(compute)}`), y, folded);
  const result = convert(y, input.dtype);
  record(name, [input], [result], [input, result], ([g], [x, m]) => {
    const best = reshape(m as Tensor, folded.kept);
    const equal = eq(x as Tensor, best);
    const isBest = toNaNs ? logicalOr(equal, logicalAnd(isnan(x as Tensor), isnan(best))) : equal;
    const share = cast(isBest, 'float32');
    const count = sum(share, {
      dim: folded.kept.flatMap((s, i) => (s === (x as Tensor).shape[i] && s !== 1 ? [] : [i])),
      keepdim: true,
    });
    return [mul(div(share, count), spreadBack(g as Tensor, folded.kept, (x as Tensor).shape))];
  });
  return result;
}

function extremum(name: 'amax' | 'amin', doc: string, of: (values: number[]) => number): Reduction {
  const compute = (input: Tensor, ...args: ReduceArguments): Tensor => extremeValue(name, input, parseReduce(args));
  return op(signed<CallOf<Reduction>>(compute), {
    name,
    family: 'reduce',
    doc,
    dtypes: ['float32', 'int32'],
    differentiable: [true],
    oracle: foldOracle(name, of),
    samples: () => foldSamples(true),
  });
}

function refuseEmpty(name: string, input: Tensor, folded: Folded): void {
  if (folded.run === 0 && folded.outer * folded.inner > 0) {
    fail(
      'shape',
      `${name}: the reduced dimensions of ${show(input.shape)} are empty, and there is no ${name} of nothing.`,
    );
  }
}

const largest = /* @__PURE__ */ pick((a, b) => a > b);
const smallest = /* @__PURE__ */ pick((a, b) => a < b);

export const amax = /* @__PURE__ */ extremum(
  'amax',
  'Largest value over `dim` (default all); ties share the gradient.',
  largest,
);
export const amin = /* @__PURE__ */ extremum(
  'amin',
  'Smallest value over `dim` (default all); ties share the gradient.',
  smallest,
);

/** Of one dimension, or of all. */
export type OneReduceArguments = readonly [
  dim?: number | null | ReduceOptions,
  keepdim?: boolean | ReduceOptions,
  options?: ReduceOptions,
];

function position(name: 'argmax' | 'argmin', doc: string, of: (values: number[]) => number): Position {
  return op(
    signed<CallOf<Position>>((input: Tensor, ...args: OneReduceArguments): Tensor<'int32'> => {
      checkTensor(name, input);
      const compute = traits[input.dtype].isFloat ? 'float32' : 'int32';
      const folded = fold(name, convert(input, compute), parseReduce(args));
      refuseEmpty(name, input, folded);
      const y = empty(input, folded.shape, 'int32', name);
      reduceInto(reduction.kernel(`${name}_${suffix(compute)}`), y, folded);
      return y;
    }),
    {
      name,
      family: 'reduce',
      doc,
      dtypes: ['float32', 'int32'],
      differentiable: [false],
      oracle: foldOracle(name, of),
      samples: () => foldSamples(true).filter((s) => !Array.isArray(s.args?.[0])),
    },
  );
}

const firstOf =
  (best: (values: number[]) => number) =>
  (values: number[]): number => {
    const nan = values.findIndex(Number.isNaN);
    return nan >= 0 ? nan : values.indexOf(best(values));
  };

export const argmax = /* @__PURE__ */ position(
  'argmax',
  'Index of the first largest value along `dim` (default: of all, flattened); int32.',
  /* @__PURE__ */ firstOf(largest),
);
export const argmin = /* @__PURE__ */ position(
  'argmin',
  'Index of the first smallest value along `dim` (default: of all, flattened); int32.',
  /* @__PURE__ */ firstOf(smallest),
);

export interface VarOptions extends ReduceOptions {
  /** Subtracted from the number of values in the divisor: 1 for a sample, 0 for a population. Default 1. */
  readonly correction?: number;
  /** The same as `correction` 1 or 0. */
  readonly unbiased?: boolean;
}

/** `var()`, `var(unbiased)`, `var(dim, unbiased, keepdim)` and `var({ dim, correction })` are all understood. */
export type VarArguments = (number | readonly number[] | boolean | null | VarOptions | undefined)[];

function parseVar(name: string, args: VarArguments): VarOptions {
  const names = ['dim', 'unbiased', 'keepdim', 'correction'] as const;
  // A single boolean says whether the variance is unbiased, over everything.
  const given = readArguments<VarOptions>(name, typeof args[0] === 'boolean' ? [null, ...args] : args, names);
  if (given.correction !== undefined && given.unbiased !== undefined) {
    fail('argument', `${name}: correction and unbiased say the same thing twice. Give one of them.`);
  }
  return given;
}

/** Variance over `dim` (default all), from squared distances to the mean. */
export function variance(input: Tensor, ...args: VarArguments): Tensor {
  checkTensor('var', input);
  const given = parseVar('var', args);
  if (!traits[input.dtype].isFloat) fail('dtype', `var: expected floating point, got ${input.dtype}. Use .float().`);
  const correction = given.correction ?? (given.unbiased === false ? 0 : 1);
  const dims = normalizeDims('var', given.dim, input.ndim);
  const kept = input.shape.map((size, i) => (dims.includes(i) ? 1 : size));
  const degrees = sizeOf(dims.map((d) => input.shape[d] as number)) - correction;
  const centre = (x: Tensor): Tensor => sub(x, mean(x, { dim: dims, keepdim: true }));
  const y = noGrad(() => {
    const centred = centre(input);
    const squares = sum(mul(centred, centred), { dim: dims, keepdim: given.keepdim ?? false });
    return mul(squares, 1 / Math.max(0, degrees));
  });
  // The mean moves with x too, but the distances to it sum to 0, and with them that term.
  record('var', [input], [y], [input], ([g], [x]) => [
    mul(mul(spreadBack(g as Tensor, kept, (x as Tensor).shape), centre(x as Tensor)), 2 / degrees),
  ]);
  return y;
}

/** Standard deviation over `dim` (default all); its gradient where it is 0 is 0. */
export function std(input: Tensor, ...args: VarArguments): Tensor {
  const squared = variance(input, ...args);
  const y = noGrad(() => sqrt(squared));
  record('std', [squared], [y], [y], ([g], [s]) => [
    where(eq(s as Tensor, 0), 0, div(g as Tensor, mul(s as Tensor, 2))),
  ]);
  return y;
}

/** Variance and mean over the same dimensions: `[var, mean]`. */
export function varMean(input: Tensor, ...args: VarArguments): [variance: Tensor, mean: Tensor] {
  const { dim = null, keepdim = false } = parseVar('varMean', args);
  return [variance(input, ...args), mean(input, { dim, keepdim })];
}

/** Standard deviation and mean over the same dimensions: `[std, mean]`. */
export function stdMean(input: Tensor, ...args: VarArguments): [std: Tensor, mean: Tensor] {
  const { dim = null, keepdim = false } = parseVar('stdMean', args);
  return [std(input, ...args), mean(input, { dim, keepdim })];
}

/** Sum over `dim` (default all) of the elements that are not NaN; integers give int32. */
export function nansum(input: Tensor, ...args: TypedReduceArguments): Tensor {
  checkTensor('nansum', input);
  return sum(traits[input.dtype].isFloat ? where(isnan(input), 0, input) : input, ...args);
}

/** Mean over `dim` (default all) of the elements that are not NaN; NaN where there are none. */
export function nanmean(input: Tensor, ...args: TypedReduceArguments): Tensor {
  checkTensor('nanmean', input);
  if (!traits[input.dtype].isFloat)
    fail('dtype', `nanmean: expected floating point, got ${input.dtype}. Use .float().`);
  const { dim = null, keepdim = false } = parseReduce<TypedReduceOptions>(args, ['dtype']);
  return div(nansum(input, ...args), sum(eq(input, input), { dim, keepdim }));
}

/** How many elements over `dim` (default all) are not 0; int32. NaN is not 0. */
export function countNonzero(
  input: Tensor,
  ...args: (number | readonly number[] | null | Pick<ReduceOptions, 'dim'> | undefined)[]
): Tensor<'int32'> {
  checkTensor('countNonzero', input);
  const { dim = null } = readArguments<Pick<ReduceOptions, 'dim'>>('countNonzero', args, ['dim']);
  return sum(convert(input, 'bool'), { dim }) as Tensor<'int32'>;
}

export interface MinAndMax extends Iterable<Tensor> {
  readonly min: Tensor;
  readonly max: Tensor;
  readonly 0: Tensor;
  readonly 1: Tensor;
}

/** The smallest and the largest value over `dim` (default all): `{ min, max }`. Ties share the gradient. */
export function aminmax(input: Tensor, ...rest: ReduceArguments): MinAndMax {
  checkTensor('aminmax', input);
  const given = readArguments<ReduceOptions>('aminmax', rest, ['dim', 'keepdim']);
  const [min, max] = [amin(input, given), amax(input, given)];
  return { min, max, 0: min, 1: max, [Symbol.iterator]: () => [min, max].values() };
}

/** log Σ exp over `dim`, without overflow. */
export function logsumexp(input: Tensor, ...args: ReduceArguments): Tensor {
  checkTensor('logsumexp', input);
  const folded = fold('logsumexp', convert(input, 'float32'), parseReduce(args));
  const y = empty(input, folded.shape, 'float32', 'logsumexp');
  reduceInto(reduction.kernel('logsumexp_f32'), y, folded);
  record('logsumexp', [input], [y], [input, y], ([g], [x, l]) => {
    const softmax = exp(sub(x as Tensor, spreadBack(l as Tensor, folded.kept, (x as Tensor).shape)));
    return [mul(softmax, spreadBack(g as Tensor, folded.kept, (x as Tensor).shape))];
  });
  return y;
}

function truth(name: 'any' | 'all', doc: string, of: (values: number[]) => number): Truth {
  return op(
    signed<CallOf<Truth>>((input: Tensor, ...args: ReduceArguments): Tensor<'bool' | 'uint8'> => {
      checkTensor(name, input);
      const folded = fold(name, convert(input, 'bool'), parseReduce(args));
      const y = empty<'bool' | 'uint8'>(input, folded.shape, input.dtype === 'uint8' ? 'uint8' : 'bool', name);
      reduceInto(reduction.kernel(`${name}_u8`), y, folded);
      return y;
    }),
    {
      name,
      family: 'reduce',
      doc,
      dtypes: ['float32'],
      differentiable: [false],
      oracle: foldOracle(name, of),
      samples: () =>
        foldSamples().map((s) => ({
          ...s,
          inputs: s.inputs.map((x) => ({ ...x, data: x.data.map((v) => Number(v > 0)) })),
        })),
    },
  );
}

export const any = /* @__PURE__ */ truth(
  'any',
  'Whether some value over `dim` (default all) is not 0; bool, and uint8 of uint8.',
  (v) => Number(v.some((x) => x !== 0)),
);
export const all = /* @__PURE__ */ truth(
  'all',
  'Whether no value over `dim` (default all) is 0; bool, and uint8 of uint8.',
  (v) => Number(v.every((x) => x !== 0)),
);

/** Two tensors by name, by place, and in a row, as PyTorch's named tuples are. */
export interface ValuesAndIndices extends Iterable<Tensor> {
  readonly values: Tensor;
  readonly indices: Tensor<'int32'>;
  readonly 0: Tensor;
  readonly 1: Tensor<'int32'>;
}

export function valuesAndIndices(values: Tensor, indices: Tensor<'int32'>): ValuesAndIndices {
  return { values, indices, 0: values, 1: indices, [Symbol.iterator]: () => [values, indices].values() };
}

/** The value at `index` along a dimension, with its gradient going to that place alone. */
function pickAt(input: Tensor, index: Tensor<'int32'>, dim: number, keepdim: boolean): Tensor {
  const order = input.shape.map((_, i) => i).filter((i) => i !== dim);
  const last = permute(input, [...order, dim]);
  const n = input.shape[dim] as number;
  const rows = reshape(last, [-1, n]);
  const isHere = eq(reshape(index, [-1, 1]), arangeRow(input, n));
  const picked = sum(where(isHere, rows, 0), 1);
  const reduced = order.map((d) => input.shape[d] as number);
  return reshape(picked, keepdim ? input.shape.map((s, i) => (i === dim ? 1 : s)) : reduced);
}

/** 0 … n − 1 as one row of int32. */
function arangeRow(like: Tensor, n: number): Tensor {
  const y = empty(like, [1, n], 'int32', 'arange');
  y.storage.device.write(y.storage, 0, new Uint8Array(Int32Array.from({ length: n }, (_, i) => i).buffer));
  return y;
}

/** The largest of all elements; with `dim`, `{ values, indices }` along it; of two tensors maximum(). The gradient goes to the first largest. */
export function max(input: Tensor): Tensor;
export function max(input: Tensor, other: Tensor | { readonly other: Tensor }): Tensor;
export function max(
  input: Tensor,
  dim: number | ReduceOptions,
  keepdim?: boolean | Pick<ReduceOptions, 'keepdim'>,
): ValuesAndIndices;
export function max(input: Tensor, ...rest: readonly unknown[]): Tensor | ValuesAndIndices {
  const [first] = rest;
  const isPair = first instanceof Tensor || (isOptions(first) && 'other' in first);
  return isPair ? maximum(input, ...(rest as [Tensor])) : extreme('max', input, rest);
}

/** The smallest of all elements; with `dim`, `{ values, indices }` along it; of two tensors minimum(). The gradient goes to the first smallest. */
export function min(input: Tensor): Tensor;
export function min(input: Tensor, other: Tensor | { readonly other: Tensor }): Tensor;
export function min(
  input: Tensor,
  dim: number | ReduceOptions,
  keepdim?: boolean | Pick<ReduceOptions, 'keepdim'>,
): ValuesAndIndices;
export function min(input: Tensor, ...rest: readonly unknown[]): Tensor | ValuesAndIndices {
  const [first] = rest;
  const isPair = first instanceof Tensor || (isOptions(first) && 'other' in first);
  return isPair ? minimum(input, ...(rest as [Tensor])) : extreme('min', input, rest);
}

function extreme(name: 'max' | 'min', input: Tensor, rest: readonly unknown[]): Tensor | ValuesAndIndices {
  if (rest[0] === undefined && rest.length < 2) return extremeValue(name, input, {}, true);
  const given = parseReduce(rest) as ReduceOptions & { readonly dim?: number };
  const [d] = normalizeDims(name, given.dim, input.ndim);
  const indices = (name === 'max' ? argmax : argmin)(input, given);
  if (d === undefined) return valuesAndIndices(input, indices);
  return valuesAndIndices(cast(pickAt(input, indices, d, given.keepdim ?? false), input.dtype), indices);
}
