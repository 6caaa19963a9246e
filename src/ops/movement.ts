import { record } from '../autograd/index.js';
import { type DType, traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { keywords, type Named, type Whole } from '../core/keywords.js';
import type { Minus1, Plus1 } from '../core/rank.js';
import { contiguousStrides, normalizeDim, type Shape, sizeOf } from '../core/shape.js';
import type { Permute, Reshape } from '../core/signatures.js';
import { type Listed, listOf } from '../core/sizes.js';
import type { Tensor } from '../core/tensor.js';
import { checkTensor, convert, copyInto, dense, empty, op, signed } from './op.js';
import { at, build, type Reference, spread } from './sheet.js';

/** Ops that move elements or only look at them in another order. */

/** A new shape for `numel` elements, with one −1 inferred. */
function inferShape(name: string, shape: Shape, wanted: readonly number[]): number[] {
  const numel = sizeOf(shape);
  const known = wanted.reduce((n, size) => (size === -1 ? n : n * size), 1);
  const unknown = wanted.filter((size) => size === -1).length;
  const target = wanted.map((size) => (size === -1 ? numel / known : size));
  const valid = unknown <= 1 && target.every((size) => Number.isInteger(size) && size >= 0) && sizeOf(target) === numel;
  if (!valid) {
    fail(
      'shape',
      `${name}: ${show(shape)} has ${numel} elements, which do not fit ${show(wanted)}. Use one −1 to infer a size.`,
    );
  }
  return target;
}

/** Strides with which `shape` reads the same memory in the same order, or null when no strides do. */
function viewStrides(shape: Shape, strides: Shape, target: Shape): number[] | null {
  if (sizeOf(shape) === 0) return contiguousStrides(target);
  const out = new Array<number>(target.length).fill(1);
  // Walks both shapes from the back in runs of equal size; each old run must be evenly stepped to be cut anew.
  let t = target.length - 1;
  let d = shape.length - 1;
  while (d >= 0) {
    let size = shape[d] as number;
    if (size === 1) {
      d--;
      continue;
    }
    let step = strides[d] as number;
    let run = size;
    while (d > 0 && ((shape[d - 1] as number) === 1 || strides[d - 1] === step * run)) run *= shape[--d] as number;
    size = run;
    while (t >= 0 && size > 1) {
      const wanted = target[t] as number;
      if (size % wanted !== 0) return null;
      out[t--] = step;
      step *= wanted;
      size /= wanted;
    }
    d--;
  }
  for (; t >= 0; t--) out[t] = 1;
  return out;
}

function reshapeSheet(name: string, doc: string) {
  return {
    name,
    family: 'movement',
    doc,
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x]: readonly Reference[], [sizes]: readonly unknown[]): Reference => ({
      shape: inferShape(name, (x as Reference).shape, sizes as number[]),
      data: (x as Reference).data,
    }),
    samples: () => [
      { inputs: [spread([2, 6])], args: [[3, 4]] },
      { inputs: [spread([2, 6])], args: [[-1]] },
      { inputs: [spread([2, 3, 4])], args: [[2, -1]] },
      { inputs: [spread([])], args: [[1, 1]] },
      { inputs: [spread([0, 3])], args: [[3, 0]] },
    ],
  };
}

/** `input` under other sizes: a view where strides allow it, a copy otherwise. One size may be −1. */
export const reshape = op(
  signed<Reshape<'shape'>>((input: Tensor, ...sizes: Listed<'shape'>): Tensor => {
    checkTensor('reshape', input);
    const shape = inferShape('reshape', input.shape, listOf('reshape', 'shape', sizes));
    const strides = viewStrides(input.shape, input.strides, shape);
    const x = strides === null ? dense(input) : input;
    const y = x.strided(shape, strides ?? contiguousStrides(shape), x.offset);
    const from = input.shape;
    record('reshape', [input], [y], [], ([g]) => [reshape(g as Tensor, from)]);
    return y;
  }),
  reshapeSheet(
    'reshape',
    '`input` under other sizes, in row-major order; a view where strides allow it. One size may be −1.',
  ),
);

/** Like `reshape`, but never copies: throws where strides do not allow a view. */
export const view = op(
  signed<Reshape<'size'>>((input: Tensor, ...sizes: Listed<'size'>): Tensor => {
    checkTensor('view', input);
    const shape = inferShape('view', input.shape, listOf('view', 'size', sizes));
    if (viewStrides(input.shape, input.strides, shape) === null) {
      fail(
        'shape',
        `view: ${show(input.shape)} with strides ${show(input.strides)} cannot be viewed as ${show(shape)}. Use reshape().`,
      );
    }
    return reshape(input, shape);
  }),
  reshapeSheet('view', '`input` under other sizes without copying; throws where strides do not allow it.'),
);

export const permute = op(
  signed<Permute>((input: Tensor, ...given: Listed<'dims'>): Tensor => {
    checkTensor('permute', input);
    const dims = listOf('permute', 'dims', given);
    const order = dims.map((d) => normalizeDim('permute', d, input.ndim));
    if (order.length !== input.ndim || new Set(order).size !== input.ndim) {
      fail('argument', `permute: expected each of ${input.ndim} dimensions once, got ${show(dims)}.`);
    }
    const y = input.strided(
      order.map((d) => input.shape[d] as number),
      order.map((d) => input.strides[d] as number),
      input.offset,
    );
    const inverse = order.map((_, i) => order.indexOf(i));
    record('permute', [input], [y], [], ([g]) => [permute(g as Tensor, inverse)]);
    return y;
  }),
  {
    name: 'permute',
    family: 'movement',
    doc: 'A view of `input` with its dimensions in another order.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [dims]) => {
      const a = x as Reference;
      const order = (dims as number[]).map((d) => (d < 0 ? d + a.shape.length : d));
      return build(
        order.map((d) => a.shape[d] as number),
        (i) =>
          at(
            a,
            order.map((_, d) => i[order.indexOf(d)] as number),
          ),
      );
    },
    samples: () => [
      { inputs: [spread([2, 3])], args: [[1, 0]] },
      { inputs: [spread([2, 3, 4])], args: [[2, 0, 1]] },
      { inputs: [spread([2, 1, 4])], args: [[-1, 1, 0]] },
    ],
  },
);

/** A view of `input` with two dimensions exchanged. */
export const transpose = op(
  signed<
    <D extends DType, R extends number>(
      input: Tensor<D, R>,
      ...rest: Named<[dim0: number, dim1: number], readonly ['dim0', 'dim1']>
    ) => Tensor<D, R>
  >(
    keywords('transpose', ['dim0', 'dim1'], (input: Tensor, dim0: number, dim1: number): Tensor => {
      checkTensor('transpose', input);
      const [a, b] = [normalizeDim('transpose', dim0, input.ndim), normalizeDim('transpose', dim1, input.ndim)];
      const order = input.shape.map((_, i) => (i === a ? b : i === b ? a : i));
      return permute(input, order);
    }),
  ),
  {
    name: 'transpose',
    family: 'movement',
    doc: 'A view of `input` with two dimensions exchanged.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [d0, d1]) => {
      const a = x as Reference;
      const [p, q] = [d0, d1].map((d) => ((d as number) < 0 ? (d as number) + a.shape.length : (d as number))) as [
        number,
        number,
      ];
      const swap = <T>(v: readonly T[]): T[] => v.map((_, i) => v[i === p ? q : i === q ? p : i] as T);
      return build(swap(a.shape), (i) => at(a, swap(i)));
    },
    samples: () => [
      { inputs: [spread([2, 3])], args: [0, 1] },
      { inputs: [spread([2, 3, 4])], args: [0, -1] },
    ],
  },
);

/** The transpose of a matrix; tensors of one or no dimension are returned as they are. */
export function t<D extends DType, R extends number>(input: Tensor<D, R>): Tensor<D, R> {
  if (input.ndim > 2)
    fail('shape', `t: expected at most 2 dimensions, got ${show(input.shape)}. Use transpose(dim0, dim1).`);
  return input.ndim < 2 ? input : (transpose(input, 0, 1) as Tensor as Tensor<D, R>);
}

/** Inserts a dimension of size 1 at `dim`. A view. */
export const unsqueeze: <D extends DType, R extends number>(
  input: Tensor<D, R>,
  ...rest: Named<[dim: number], readonly ['dim']>
) => Tensor<D, Plus1<R>> = /* @__PURE__ */ signed(
  /* @__PURE__ */ keywords('unsqueeze', ['dim'], (input: Tensor, dim: number): Tensor => {
    checkTensor('unsqueeze', input);
    const d = normalizeDim('unsqueeze', dim, input.ndim + 1);
    return reshape(input, [...input.shape.slice(0, d), 1, ...input.shape.slice(d)]);
  }),
);

/** Drops dimensions of size 1: all of them, or those named. A named dimension of another size stays. */
export const squeeze = /* @__PURE__ */ keywords(
  'squeeze',
  ['dim'],
  (input: Tensor, dim: number | readonly number[] | undefined = undefined): Tensor => {
    checkTensor('squeeze', input);
    const dims =
      dim === undefined
        ? input.shape.map((_, i) => i)
        : [dim].flat().map((d) => normalizeDim('squeeze', d as number, input.ndim));
    return reshape(
      input,
      input.shape.filter((size, i) => size !== 1 || !dims.includes(i)),
    );
  },
);

/** Joins dimensions startDim … endDim into one. */
export const flatten = /* @__PURE__ */ keywords(
  'flatten',
  ['startDim', 'endDim'],
  (input: Tensor, startDim: Whole = 0, endDim: Whole = -1): Tensor => {
    checkTensor('flatten', input);
    if (input.ndim === 0) return reshape(input, [1]);
    const [a, b] = [normalizeDim('flatten', startDim, input.ndim), normalizeDim('flatten', endDim, input.ndim)];
    if (a > b) fail('argument', `flatten: startDim must not come after endDim, got ${startDim} and ${endDim}.`);
    return reshape(input, [
      ...input.shape.slice(0, a),
      sizeOf(input.shape.slice(a, b + 1)),
      ...input.shape.slice(b + 1),
    ]);
  },
);

/** `input` itself if it is contiguous, else a contiguous copy. */
export function contiguous<D extends DType, R extends number>(input: Tensor<D, R>): Tensor<D, R> {
  checkTensor('contiguous', input);
  return input.isContiguous() ? input : clone(input);
}

/** A copy in memory of its own, through which gradients flow. */
export function clone<D extends DType, R extends number>(input: Tensor<D, R>): Tensor<D, R> {
  checkTensor('clone', input);
  const y = empty(input, input.shape, input.dtype, 'clone') as Tensor<D, R>;
  copyInto(y, input);
  record('clone', [input], [y], [], ([g]) => [g]);
  return y;
}

/** The same values cut off from the graph: a view that requires no gradient. */
export function detach<D extends DType, R extends number>(input: Tensor<D, R>): Tensor<D, R> {
  checkTensor('detach', input);
  return input.strided(input.shape, input.strides, input.offset) as Tensor<D, R>;
}

/** `input` as another dtype; the same tensor when it has it already. Gradients flow between floating-point types. */
export function cast<D extends DType, R extends number>(input: Tensor<DType, R>, dtype: D): Tensor<D, R> {
  checkTensor('cast', input);
  const y = convert(input, dtype) as Tensor<D, R>;
  if ((y as Tensor) !== input && traits[dtype].isFloat) {
    const from = input.dtype;
    record('cast', [input], [y], [], ([g]) => [cast(g as Tensor, from)]);
  }
  return y;
}

/** A view of `length` slices along `dim`, beginning at `start`. */
export const narrow = op(
  signed<
    <D extends DType, R extends number>(
      input: Tensor<D, R>,
      ...rest: Named<[dim: number, start: number, length: number], readonly ['dim', 'start', 'length']>
    ) => Tensor<D, R>
  >(
    keywords(
      'narrow',
      ['dim', 'start', 'length'],
      (input: Tensor, dim: number, start: number, length: number): Tensor => {
        checkTensor('narrow', input);
        const d = normalizeDim('narrow', dim, input.ndim);
        const size = input.shape[d] as number;
        const first = start < 0 ? start + size : start;
        if (
          !(Number.isInteger(first) && Number.isInteger(length) && first >= 0 && length >= 0 && first + length <= size)
        ) {
          fail('argument', `narrow: ${start} … ${start + length} lies outside dim ${dim} of ${show(input.shape)}.`);
        }
        return stepped('narrow', input, d, first, 1, length);
      },
    ),
  ),
  {
    name: 'narrow',
    family: 'movement',
    doc: 'A view of `length` slices of `input` along `dim`, beginning at `start`.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [dim, start, length]) => {
      const a = x as Reference;
      const shape = a.shape.map((s, i) => (i === dim ? (length as number) : s));
      return build(shape, (i) =>
        at(
          a,
          i.map((v, d) => (d === dim ? v + (start as number) : v)),
        ),
      );
    },
    samples: () => [
      { inputs: [spread([7])], args: [0, 2, 3] },
      { inputs: [spread([3, 5])], args: [1, 1, 3] },
      { inputs: [spread([3, 5, 2])], args: [0, 1, 2] },
    ],
  },
);

/** A view of every `step`th slice along `d`; its gradient is spread into zeros. */
function stepped(name: string, input: Tensor, d: number, first: number, step: number, length: number): Tensor {
  const stride = input.strides[d] as number;
  const y = input.strided(
    input.shape.map((size, i) => (i === d ? length : size)),
    input.strides.map((s, i) => (i === d ? s * step : s)),
    input.offset + first * stride,
  );
  const from = input.shape;
  record(name, [input], [y], [], ([g]) => [embed(g as Tensor, from, d, first, step)]);
  return y;
}

/** Zeros of `shape` with `input` at first, first + step, … along `d`: the gradient of `stepped`. */
function embed(input: Tensor, shape: Shape, d: number, first: number, step: number): Tensor {
  const y = empty(input, shape, input.dtype, 'embed');
  y.storage.device.launch({
    kernel: `fill_b${traits[y.dtype].bytes}`,
    work: y.numel(),
    grain: 65536,
    writes: [y],
    reads: [],
    ints: [0],
  });
  const length = input.shape[d] as number;
  const window = y.strided(
    input.shape,
    y.strides.map((s, i) => (i === d ? s * step : s)),
    first * (y.strides[d] as number),
  );
  copyInto(window, input);
  window.dispose();
  record('embed', [input], [y], [], ([g]) => [stepped('narrow', g as Tensor, d, first, step, length)]);
  return y;
}

/** Slice `index` along `dim`, without that dimension. */
export const select: <D extends DType, R extends number>(
  input: Tensor<D, R>,
  ...rest: Named<[dim: number, index: number], readonly ['dim', 'index']>
) => Tensor<D, Minus1<R>> = /* @__PURE__ */ signed(
  /* @__PURE__ */ keywords('select', ['dim', 'index'], (input: Tensor, dim: number, index: number): Tensor => {
    checkTensor('select', input);
    const d = normalizeDim('select', dim, input.ndim);
    const size = input.shape[d] as number;
    if (!Number.isInteger(index) || index < -size || index >= size) {
      fail('argument', `select: index ${index} lies outside dim ${dim} of ${show(input.shape)}.`);
    }
    return squeeze(narrow(input, d, index < 0 ? index + size : index, 1), d);
  }),
);

/** Elements start, start + step, … before end along `dim`, as Python slices: out-of-range ends are cut. */
export const slice: <D extends DType, R extends number>(
  input: Tensor<D, R>,
  ...rest: Named<
    [dim: number, start?: number | null, end?: number | null, step?: number],
    readonly ['dim', 'start', 'end', 'step']
  >
) => Tensor<D, R> = /* @__PURE__ */ signed(
  /* @__PURE__ */ keywords(
    'slice',
    ['dim', 'start', 'end', 'step'],
    (
      input: Tensor,
      dim: number,
      start: number | null | undefined = undefined,
      end: number | null | undefined = undefined,
      step: Whole = 1,
    ): Tensor => {
      checkTensor('slice', input);
      const d = normalizeDim('slice', dim, input.ndim);
      const size = input.shape[d] as number;
      if (!Number.isInteger(step) || step < 1) fail('argument', `slice: step must be a whole number ≥ 1, got ${step}.`);
      const clip = (v: number): number => Math.min(Math.max(v < 0 ? v + size : v, 0), size);
      const first = clip(start ?? 0);
      const last = clip(end ?? size);
      return stepped('slice', input, d, first, step, Math.max(Math.ceil((last - first) / step), 0));
    },
  ),
);

/** Reverses the order of elements along `dims`. */
export const flip = op(
  signed<Permute>((input: Tensor, ...given: Listed<'dims'>): Tensor => {
    checkTensor('flip', input);
    const dims = listOf('flip', 'dims', given);
    const reversed = dims.map((d) => normalizeDim('flip', d, input.ndim));
    if (new Set(reversed).size !== reversed.length) fail('argument', `flip: ${show(dims)} names a dimension twice.`);
    const y = empty(input, input.shape, input.dtype, 'flip');
    let offset = input.offset;
    const strides = input.strides.map((s, i) => {
      if (!reversed.includes(i)) return s;
      offset += s * Math.max((input.shape[i] as number) - 1, 0);
      return -s;
    });
    const backwards = input.strided(input.shape, strides, offset);
    copyInto(y, backwards);
    backwards.dispose();
    record('flip', [input], [y], [], ([g]) => [flip(g as Tensor, reversed)]);
    return y;
  }),
  {
    name: 'flip',
    family: 'movement',
    doc: 'A copy of `input` with the order of elements reversed along `dims`.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [dims]) => {
      const a = x as Reference;
      return build(a.shape, (i) =>
        at(
          a,
          i.map((v, d) => ((dims as number[]).includes(d) ? (a.shape[d] as number) - 1 - v : v)),
        ),
      );
    },
    samples: () => [
      { inputs: [spread([7])], args: [[0]] },
      { inputs: [spread([3, 5])], args: [[0, 1]] },
      { inputs: [spread([2, 3, 4])], args: [[1]] },
    ],
  },
);
