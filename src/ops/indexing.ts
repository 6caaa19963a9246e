import { indexing } from '#binary';
import { record } from '../autograd/index.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { keywords, type Whole } from '../core/keywords.js';
import { normalizeDim, type Shape, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { eq } from './compare.js';
import { checkIndices, checkRange } from './indices.js';
import { narrow, reshape, unsqueeze } from './movement.js';
import { checkTensor, convert, dense, empty, knownValues, suffix } from './op.js';

/** Ops that pick elements by index. */

/** x[o, index[o, j, i], i], with x [outer, n, inner] and index [outer, m, inner]. */
function gatherAlong(x: Tensor, index: Tensor, outer: number, inner: number, shape: Shape): Tensor {
  const y = empty(x, shape, x.dtype, 'gather');
  const picks = outer * inner === 0 ? 0 : index.numel() / (outer * inner);
  const n = outer * inner === 0 ? 0 : x.numel() / (outer * inner);
  y.storage.device.launch({
    kernel: indexing.kernel('gather_b4'),
    work: y.numel(),
    grain: 16384,
    writes: [y],
    reads: [dense(x), dense(index)],
    ints: [outer, n, picks, inner],
  });
  return y;
}

/** Zeros of `shape` with g added at the places gatherAlong read. */
function scatterAddAlong(g: Tensor, index: Tensor, outer: number, inner: number, shape: Shape): Tensor {
  const y = empty(g, shape, g.dtype, 'scatterAdd');
  y.storage.device.launch({ kernel: 'fill_b4', work: y.numel(), grain: 65536, writes: [y], reads: [], ints: [0] });
  const lanes = outer * inner;
  y.storage.device.launch({
    kernel: indexing.kernel(`scatterAdd_${suffix(g.dtype)}`),
    work: lanes,
    writes: [y],
    reads: [dense(g), dense(index)],
    ints: [outer, lanes === 0 ? 0 : y.numel() / lanes, lanes === 0 ? 0 : index.numel() / lanes, inner],
  });
  return y;
}

export function lanesOf(shape: Shape, dim: number): { outer: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, dim)), inner: sizeOf(shape.slice(dim + 1)) };
}

/** A gather whose gradient is a scatter, whose gradient is a gather. */
export function gatherOp(input: Tensor, index: Tensor, dim: number): Tensor {
  const { outer, inner } = lanesOf(index.shape, dim);
  const y = gatherAlong(input, index, outer, inner, index.shape);
  const from = input.shape;
  record('gather', [input], [y], [index], ([g], [places]) => [scatterOp(g as Tensor, places as Tensor, dim, from)]);
  return y;
}

export function scatterOp(g: Tensor, index: Tensor, dim: number, shape: Shape): Tensor {
  const { outer, inner } = lanesOf(index.shape, dim);
  const y = scatterAddAlong(g, index, outer, inner, shape);
  record('scatterAdd', [g], [y], [index], ([v], [places]) => [gatherOp(v as Tensor, places as Tensor, dim)]);
  return y;
}

export function prepare(name: string, input: Tensor, index: Tensor): { x: Tensor; places: Tensor } {
  checkTensor(name, input);
  checkTensor(name, index, 'index');
  if (traits[index.dtype].isFloat || index.dtype === 'bool') {
    fail('dtype', `${name}: index must be whole numbers, got ${index.dtype}. Use .to('int32').`);
  }
  // Narrow types take the way of int32: the kernel moves four bytes at a time.
  return {
    x: traits[input.dtype].bytes === 4 ? input : convert(input, traits[input.dtype].isFloat ? 'float32' : 'int32'),
    places: convert(index, 'int32'),
  };
}

/**
 * Elements of `input` at `index` along `dim`; index has input's number of dimensions, is no larger in the others, and gives
 * the result's shape.
 */
export const gather = /* @__PURE__ */ keywords(
  'gather',
  ['dim', 'index', 'sparseGrad'],
  (input: Tensor, dim: number, index: Tensor): Tensor => {
    const { x, places } = prepare('gather', input, index);
    const d = normalizeDim('gather', dim, input.ndim);
    const fits = index.ndim === input.ndim && index.shape.every((s, i) => i === d || s <= (input.shape[i] as number));
    if (!fits) {
      fail(
        'shape',
        `gather: index must have as many dimensions as input, and be no larger except along dim ${dim}: ` +
          `${show(input.shape)} and ${show(index.shape)}.`,
      );
    }
    checkIndices('gather', places, input.shape[d] as number);
    // Along the other dimensions index and input begin together; what of the input lies beyond is not seen.
    const seen = index.shape.reduce((y, size, i) => (i === d || size === y.shape[i] ? y : narrow(y, i, 0, size)), x);
    return convert(gatherOp(seen, places, d), input.dtype);
  },
);

/** The slices of `input` at the places `index` [n] along `dim`. */
export const indexSelect = /* @__PURE__ */ keywords(
  'indexSelect',
  ['dim', 'index'],
  (input: Tensor, dim: number, index: Tensor): Tensor => {
    const { x, places } = prepare('indexSelect', input, index);
    const d = normalizeDim('indexSelect', dim, input.ndim);
    if (index.ndim > 1) fail('shape', `indexSelect: index must have one dimension, got ${show(index.shape)}.`);
    // A number is a line of one element, and remains a number however often it is picked.
    if (input.ndim === 0) {
      checkIndices('indexSelect', places, 1);
      return reshape(
        indexSelect(reshape(input, [1]), 0, narrow(reshape(index, [-1]), 0, 0, Math.min(index.numel(), 1))),
        [],
      );
    }
    checkIndices('indexSelect', places, input.shape[d] as number);
    const { outer, inner } = lanesOf(input.shape, d);
    const count = index.numel();
    const shape = input.shape.map((s, i) => (i === d ? count : s));
    const wide = empty(x, [outer, count, inner], 'int32', 'indexSelect');
    // One index for all lanes: the gather reads it through strides of 0, made whole first.
    const lanes = places.strided([outer, count, inner], [0, places.strides[0] ?? 1, 0], places.offset);
    wide.storage.device.launch({
      kernel: 'copy_b4',
      work: wide.numel(),
      grain: 16384,
      writes: [wide],
      reads: [lanes],
      ints: [3, outer, count, inner, ...wide.strides, ...lanes.strides],
    });
    lanes.dispose();
    const y = gatherAlong(x, wide, outer, inner, shape);
    const from = input.shape;
    record('indexSelect', [input], [y], [wide], ([g], [indices]) => [
      scatterSlices(g as Tensor, indices as Tensor, outer, inner, from, shape),
    ]);
    return convert(y, input.dtype);
  },
);

function scatterSlices(g: Tensor, index: Tensor, outer: number, inner: number, from: Shape, shape: Shape): Tensor {
  const dx = scatterAddAlong(g, index, outer, inner, from);
  record('scatterSlices', [g], [dx], [index], ([v], [places]) => {
    const back = gatherAlong(v as Tensor, places as Tensor, outer, inner, shape);
    record('indexSelect', [v as Tensor], [back], [places as Tensor], ([w], [again]) => [
      scatterSlices(w as Tensor, again as Tensor, outer, inner, from, shape),
    ]);
    return [back];
  });
  return dx;
}

/** Class indices [..] as rows of zeros and a one: [.., numClasses], int32. −1 takes the largest index plus one. */
export const oneHot = /* @__PURE__ */ keywords(
  'oneHot',
  ['numClasses'],
  (input: Tensor, numClasses: Whole = -1): Tensor => {
    checkTensor('oneHot', input);
    if (numClasses >= 0 && !input.storage.device.answersAtOnce) return oneHotUnseen(input, numClasses);
    const values = Int32Array.from(knownValues('oneHot', input));
    const classes = numClasses >= 0 ? numClasses : values.reduce((m, v) => Math.max(m, v), -1) + 1;
    const data = new Int32Array(values.length * classes);
    values.forEach((label, i) => {
      if (label < 0 || label >= classes)
        fail('argument', `oneHot: class ${label} is out of range for ${classes} classes.`);
      data[i * classes + label] = 1;
    });
    const y = empty(input, [...input.shape, classes], 'int32', 'oneHot');
    y.storage.device.write(y.storage, 0, new Uint8Array(data.buffer));
    return y;
  },
);

/** The same without reading the labels: a kernel refuses those out of range. */
function oneHotUnseen(input: Tensor, classes: number): Tensor<'int32'> {
  const labels = convert(input, 'int32');
  checkRange(labels, 0, classes, (label) => `oneHot: class ${label} is out of range for ${classes} classes.`);
  const each = empty(input, [classes], 'int32', 'oneHot');
  each.storage.device.launch({ kernel: 'arange_i32', work: classes, writes: [each], reads: [], ints: [0, 1] });
  return convert(eq(unsqueeze(labels, -1), each), 'int32');
}
