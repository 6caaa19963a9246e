import { noGrad, record } from '../autograd/index.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { keywords, type Whole } from '../core/keywords.js';
import { normalizeDim, type Shape, sameShape, sizeOf } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { zeros } from './create.js';
import { take } from './indexwrite.js';
import { indicesLike } from './masked.js';
import { reshape, select, slice } from './movement.js';
import { checkTensor, copyInto, empty } from './op.js';
import { scatterAdd } from './scatter.js';
import { diagonalOf } from './triangle.js';

/** Copies of a tensor in which what a view would show is replaced, and views by strides of the caller's choice. */

/** A copy of `input` whose `view` shows `src`. */
function paste(name: string, input: Tensor, src: Tensor, view: (x: Tensor) => Tensor): Tensor {
  checkTensor(name, input);
  checkTensor(name, src, 'src');
  const y = empty(input, input.shape, input.dtype, name);
  copyInto(y, input);
  const window = noGrad(() => view(y));
  if (!sameShape(window.shape, src.shape) || src.dtype !== input.dtype) {
    fail(
      'shape',
      `${name}: src must be ${input.dtype} ${show(window.shape)}, as what it replaces in ${show(input.shape)}; got ` +
        `${src.dtype} ${show(src.shape)}.`,
    );
  }
  copyInto(window, src);
  window.dispose();
  record(name, [input, src], [y], [], ([g], _, needs) => [
    needs[0] ? paste(name, g as Tensor, zeros(src.shape, { dtype: (g as Tensor).dtype }), view) : null,
    needs[1] ? view(g as Tensor) : null,
  ]);
  return y;
}

/** A copy of `input` with `src` in place of slice `index` along `dim`. */
export const selectScatter = /* @__PURE__ */ keywords(
  'selectScatter',
  ['src', 'dim', 'index'],
  (input: Tensor, src: Tensor, dim: number, index: number): Tensor => {
    return paste('selectScatter', input, src, (x) => select(x, dim, index));
  },
);

/** A copy of `input` with `src` in place of slices start, start + step, … before end along `dim`. */
export const sliceScatter = /* @__PURE__ */ keywords(
  'sliceScatter',
  ['src', 'dim', 'start', 'end', 'step'],
  (
    input: Tensor,
    src: Tensor,
    dim: Whole = 0,
    start: number | null = null,
    end: number | null = null,
    step: Whole = 1,
  ): Tensor => {
    return paste('sliceScatter', input, src, (x) => slice(x, dim, start, end, step));
  },
);

/** A copy of `input` with `src` in place of the diagonal of dimensions dim1 and dim2, `offset` above it. */
export const diagonalScatter = /* @__PURE__ */ keywords(
  'diagonalScatter',
  ['src', 'offset', 'dim1', 'dim2'],
  (input: Tensor, src: Tensor, offset: Whole = 0, dim1: Whole = 0, dim2: Whole = 1): Tensor => {
    checkTensor('diagonalScatter', input);
    const [d1, d2] = [
      normalizeDim('diagonalScatter', dim1, input.ndim),
      normalizeDim('diagonalScatter', dim2, input.ndim),
    ];
    if (d1 === d2) fail('argument', `diagonalScatter: dim1 and dim2 must differ, got ${dim1} and ${dim2}.`);
    return paste('diagonalScatter', input, src, (x) => diagonalOf(x, offset, d1, d2));
  },
);

/** Where in its storage each element stands. */
function placesIn(shape: Shape, strides: Shape, offset: number): Int32Array {
  const places = new Int32Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < places.length; i++) {
    places[i] = index.reduce((place, k, d) => place + k * (strides[d] as number), offset);
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      index[d] = 0;
    }
  }
  return places;
}

/**
 * A view of the memory of `input` with the given sizes and strides, from `storageOffset` on (default: where input begins); all
 * count elements. Elements may be seen more than once, and then gather the gradients of all their appearances.
 */
export const asStrided = /* @__PURE__ */ keywords(
  'asStrided',
  ['size', 'stride', 'storageOffset'],
  (input: Tensor, size: readonly number[], stride: readonly number[], storageOffset: number | null = null): Tensor => {
    const name = 'asStrided';
    checkTensor(name, input);
    const offset = storageOffset ?? input.offset;
    const isCount = (v: number): boolean => Number.isInteger(v) && v >= 0;
    if (size.length !== stride.length || ![...size, ...stride, offset].every(isCount)) {
      fail(
        'argument',
        `${name}: expected as many sizes as strides, and an offset, all whole numbers ≥ 0; got ${show(size)}, ` +
          `${show(stride)} and ${offset}.`,
      );
    }
    const held = input.storage.bytes / traits[input.dtype].bytes;
    const last = size.reduce((place, s, d) => place + (s - 1) * (stride[d] as number), offset);
    if (sizeOf(size) > 0 && last >= held) {
      fail(
        'argument',
        `${name}: ${show(size)} with strides ${show(stride)} from ${offset} reaches past ${held} elements.`,
      );
    }
    const y = input.strided([...size], [...stride], offset);
    const { shape, strides, offset: begin } = input;
    record(name, [input], [y], [], ([gradient]) => {
      const g = gradient as Tensor;
      const [from, to] = [placesIn(shape, strides, begin), placesIn(size, stride, offset)];
      const length = Math.max(last, ...from) + 1;
      const line = scatterAdd(
        zeros([length], { dtype: g.dtype }),
        0,
        indicesLike(g, to, [to.length], name),
        reshape(g, [-1]),
      );
      return [take(line, indicesLike(g, from, shape, name))];
    });
    return y;
  },
);
