import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { keywords, leading } from '../core/keywords.js';
import { broadcastShapes, normalizeDim, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, mul } from './arithmetic.js';
import { expand } from './broadcast.js';
import { gt, lt, where } from './compare.js';
import { gather, indexSelect, prepare } from './indexing.js';
import { checkIndices } from './indices.js';
import { maskedFill, nonzero } from './masked.js';
import { narrow, reshape } from './movement.js';
import { checkTensor } from './op.js';
import { countedRows } from './rowgradient.js';
import { type ScatterReduceOptions, scatter, scatterAdd, scatterReduce } from './scatter.js';

/** Reading and writing whole slices, elements of a flattened tensor, and the places of a mask. */

/** The elements of `input`, seen as one line, at `index`, whose shape the result has. Negative indices count from the end. */
export const take = /* @__PURE__ */ keywords('take', ['index'], (input: Tensor, index: Tensor): Tensor => {
  checkTensor('take', input);
  const line = wrapped('take', input, index, input.numel());
  return reshape(indexSelect(reshape(input, [input.numel()]), 0, line), index.shape);
});

/** `index` in one dimension, with negative places counted from the end. */
function wrapped(name: string, input: Tensor, index: Tensor, size: number): Tensor<'int32'> {
  const { places } = prepare(name, input, index);
  const line = reshape(places, [places.numel()]);
  return where(lt(line, 0), add(line, size), line) as Tensor<'int32'>;
}

export interface PutOptions {
  /** Add to what is there instead of writing over it. Default false. */
  readonly accumulate?: boolean;
}

/** A copy of `input` with the elements of `source` at `index`, places in `input` seen as one line. */
export const put = /* @__PURE__ */ leading(
  'put',
  ['index', 'source'],
  (input: Tensor, index: Tensor, source: Tensor, ...rest: (boolean | PutOptions | undefined)[]): Tensor => {
    checkTensor('put', input);
    checkTensor('put', source, 'source');
    const { accumulate = false } = readArguments<PutOptions>('put', rest, ['accumulate']);
    const line = wrapped('put', input, index, input.numel());
    if (source.numel() !== line.numel()) {
      fail(
        'shape',
        `put: index and source must have equally many elements, got ${show(index.shape)} and ${show(source.shape)}.`,
      );
    }
    const [flat, values] = [reshape(input, [input.numel()]), reshape(source, [source.numel()])];
    return reshape(accumulate ? scatterAdd(flat, 0, line, values) : scatter(flat, 0, line, values), input.shape);
  },
);

/**
 * Elements of `input` at `indices` along `dim`, as gather, with the other dimensions broadcast. Without `dim` both are seen
 * as one line.
 */
export const takeAlongDim = /* @__PURE__ */ leading(
  'takeAlongDim',
  ['indices'],
  (
    input: Tensor,
    indices: Tensor,
    ...rest: (number | null | { readonly dim?: number | null } | undefined)[]
  ): Tensor => {
    const name = 'takeAlongDim';
    checkTensor(name, input);
    checkTensor(name, indices, 'indices');
    const { dim = null } = readArguments<{ readonly dim?: number | null }>(name, rest, ['dim']);
    if (dim === null) return gather(reshape(input, [-1]), 0, reshape(indices, [-1]));
    if (input.ndim !== indices.ndim) {
      fail(
        'shape',
        `${name}: input and indices must have as many dimensions, got ${show(input.shape)} and ${show(indices.shape)}.`,
      );
    }
    const d = normalizeDim(name, dim, input.ndim);
    const one = (x: Tensor): number[] => x.shape.map((size, i) => (i === d ? 1 : size));
    const shape = broadcastShapes(name, one(input), one(indices));
    const wide = (x: Tensor): Tensor =>
      expand(
        x,
        shape.map((size, i) => (i === d ? (x.shape[d] as number) : size)),
      );
    return gather(wide(input), d, wide(indices));
  },
);

/** `index` [n] repeated to the shape of slices: the same place for every element of a slice. */
function everywhere(index: Tensor, shape: readonly number[], d: number): Tensor {
  const line = reshape(
    index,
    shape.map((_, i) => (i === d ? index.numel() : 1)),
  );
  return expand(
    line,
    shape.map((size, i) => (i === d ? index.numel() : size)),
  );
}

/** Input, index and source as the scattering ops take them: source has input's shape with index's length at d. */
function slices(name: string, input: Tensor, dim: number, index: Tensor, source: Tensor) {
  checkTensor(name, input);
  checkTensor(name, index, 'index');
  checkTensor(name, source, 'source');
  const d = normalizeDim(name, dim, input.ndim);
  if (index.ndim > 1) fail('shape', `${name}: index must have one dimension, got ${show(index.shape)}.`);
  const shape = input.shape.map((size, i) => (i === d ? index.numel() : size));
  const fits =
    input.ndim === 0 || source.ndim === 0
      ? source.numel() === sizeOf(shape) && index.numel() === 1
      : source.ndim === input.ndim && source.shape.every((size, i) => size === shape[i]);
  if (!fits) {
    fail(
      'shape',
      `${name}: source must have input's sizes and, along dim ${dim}, index's ${index.numel()}; got ${show(source.shape)} ` +
        `for input ${show(input.shape)}.`,
    );
  }
  if (input.ndim === 0) return { d, places: reshape(index, []), values: reshape(source, []) };
  return { d, places: everywhere(index, shape, d), values: reshape(source, shape) };
}

export interface IndexAddOptions {
  /** Factor of `source`. Default 1. */
  readonly alpha?: number;
}

/** A copy of `input` with slice j of `source`, times alpha, added to slice index[j] along `dim`. */
export const indexAdd = /* @__PURE__ */ leading(
  'indexAdd',
  ['dim', 'index', 'source'],
  (input: Tensor, dim: number, index: Tensor, source: Tensor, ...rest: (IndexAddOptions | undefined)[]): Tensor => {
    const { alpha = 1 } = readArguments<IndexAddOptions>('indexAdd', rest, ['alpha']);
    const { d, places, values } = slices('indexAdd', input, dim, index, source);
    return scatterAdd(input, d, places, alpha === 1 ? values : mul(values, alpha));
  },
);

/** A copy of `input` with slice j of `source` in place of slice index[j] along `dim`. */
export const indexCopy = /* @__PURE__ */ keywords(
  'indexCopy',
  ['dim', 'index', 'source'],
  (input: Tensor, dim: number, index: Tensor, source: Tensor): Tensor => {
    const { d, places, values } = slices('indexCopy', input, dim, index, source);
    return scatter(input, d, places, values);
  },
);

/** A copy of `input` with the slices `index` along `dim` combined with those of `source`; see scatterReduce. */
export const indexReduce = /* @__PURE__ */ leading(
  'indexReduce',
  ['dim', 'index', 'source', 'reduce'],
  (
    input: Tensor,
    dim: number,
    index: Tensor,
    source: Tensor,
    reduce: 'prod' | 'mean' | 'amax' | 'amin',
    ...rest: (ScatterReduceOptions | undefined)[]
  ): Tensor => {
    const { d, places, values } = slices('indexReduce', input, dim, index, source);
    if ((reduce as string) === 'sum') fail('argument', "indexReduce: reduce 'sum' is indexAdd().");
    return scatterReduce(input, d, places, values, reduce, ...rest);
  },
);

/** A copy of `input` with `value`, a number or a tensor without dimensions, in the slices `index` along `dim`. */
export const indexFill = /* @__PURE__ */ keywords(
  'indexFill',
  ['dim', 'index', 'value'],
  (input: Tensor, dim: number, index: Tensor, value: Tensor | number): Tensor => {
    checkTensor('indexFill', input);
    checkTensor('indexFill', index, 'index');
    const d = normalizeDim('indexFill', dim, input.ndim);
    if (index.ndim > 1) fail('shape', `indexFill: index must have one dimension, got ${show(index.shape)}.`);
    const size = input.shape[d] ?? 1;
    const line = wrapped('indexFill', input, index, size);
    checkIndices('indexFill', line, size);
    const sizes = input.shape.map((_, i) => (i === d ? size : 1));
    // A mask, so that a place that comes twice counts once in the gradient of the value.
    return maskedFill(input, reshape(gt(countedRows(line, size), 0), sizes), value);
  },
);

/**
 * A copy of `input` with the first elements of `source` where `mask` (bool, broadcast with input) holds, in their order.
 */
export const maskedScatter = /* @__PURE__ */ keywords(
  'maskedScatter',
  ['mask', 'source'],
  (input: Tensor, mask: Tensor, source: Tensor): Tensor => {
    checkTensor('maskedScatter', input);
    checkTensor('maskedScatter', mask, 'mask');
    checkTensor('maskedScatter', source, 'source');
    if (mask.dtype !== 'bool') {
      fail('dtype', `maskedScatter: mask must be bool, got ${mask.dtype}. Use a comparison, or .to('bool').`);
    }
    if (source.dtype !== input.dtype) {
      fail('dtype', `maskedScatter: source must be ${input.dtype} as input is, got ${source.dtype}.`);
    }
    const shape = broadcastShapes('maskedScatter', input.shape, mask.shape);
    const places = reshape(nonzero(reshape(expand(mask, shape), [-1])), [-1]);
    if (source.numel() < places.numel()) {
      fail('shape', `maskedScatter: mask holds ${places.numel()} times, source has ${source.numel()} elements.`);
    }
    const line = reshape(expand(input, shape), [sizeOf(shape)]);
    return reshape(scatter(line, 0, places, narrow(reshape(source, [-1]), 0, 0, places.numel())), shape);
  },
);
