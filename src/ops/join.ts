import { markSeveral, record } from '../autograd/index.js';
import { type DType, promote } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { keywords, renamed, type Whole } from '../core/keywords.js';
import { normalizeDim, sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { narrow, reshape, unsqueeze } from './movement.js';
import { checkTensor, convert, copyInto, empty } from './op.js';

/** Ops that cut tensors into pieces and join them. */

/** Pieces along `dim`: of `size` each (the last may be smaller), or of the given sizes. Views. */
export const split = /* @__PURE__ */ renamed(
  { splitSizeOrSections: 'splitSize' },
  keywords(
    'split',
    ['splitSize', 'dim'],
    (input: Tensor, size: number | readonly number[], dim: Whole = 0): Tensor[] => {
      checkTensor('split', input);
      const d = normalizeDim('split', dim, input.ndim);
      const total = input.shape[d] as number;
      const sizes: readonly number[] =
        typeof size === 'number'
          ? Array.from({ length: Math.max(Math.ceil(total / size), 1) }, (_, i) => Math.min(size, total - i * size))
          : size;
      if (sizes.reduce((a, b) => a + b, 0) !== total) {
        fail(
          'argument',
          `split: sizes ${show(sizes)} must add up to ${total}, the size of dim ${dim} of ${show(input.shape)}.`,
        );
      }
      let first = 0;
      const pieces = sizes.map((length) => {
        const piece = narrow(input, d, first, length);
        first += length;
        return piece;
      });
      return markSeveral('split', pieces);
    },
  ),
);

/** At most `chunks` pieces of equal size along `dim` (the last may be smaller). Views. */
export const chunk = /* @__PURE__ */ keywords(
  'chunk',
  ['chunks', 'dim'],
  (input: Tensor, chunks: number, dim: Whole = 0): Tensor[] => {
    checkTensor('chunk', input);
    if (!Number.isInteger(chunks) || chunks < 1) fail('argument', `chunk: expected a whole number ≥ 1, got ${chunks}.`);
    const d = normalizeDim('chunk', dim, input.ndim);
    const size = input.shape[d] as number;
    // Of nothing there are as many pieces as were asked for, as in PyTorch.
    return split(input, size === 0 ? new Array<number>(chunks).fill(0) : Math.ceil(size / chunks), d);
  },
);

/**
 * Tensors joined along an existing dimension; their other sizes must agree, and the result has the dtype that holds them
 * all. One-dimensional tensors without elements are left out, whatever the others' sizes.
 */
export const cat = /* @__PURE__ */ keywords('cat', ['dim'], (tensors: readonly Tensor[], dim: Whole = 0): Tensor => {
  for (const x of tensors) checkTensor('cat', x, 'tensors');
  const isNothing = (x: Tensor): boolean => x.ndim === 1 && x.shape[0] === 0;
  const first = tensors.find((x) => !isNothing(x)) ?? tensors[0];
  if (first === undefined) return fail('argument', 'cat: expected at least one tensor.');
  if (first.ndim === 0) fail('shape', 'cat: a tensor without dimensions cannot be joined, got []. Use stack().');
  const d = normalizeDim('cat', dim, first.ndim);
  const parts = tensors.map((x) => (isNothing(x) ? null : x));
  for (const x of parts) {
    if (x === null || (x.ndim === first.ndim && x.shape.every((s, i) => i === d || s === first.shape[i]))) continue;
    fail('shape', `cat: sizes must agree outside dim ${dim}, got ${show(first.shape)} and ${show(x.shape)}.`);
  }
  const dtype = tensors.reduce<DType>((joint, x) => promote(joint, x.dtype), first.dtype);
  const sizes = parts.map((x) => (x === null ? 0 : (x.shape[d] as number)));
  const shape = first.shape.map((s, i) => (i === d ? sizes.reduce((a, b) => a + b, 0) : s));
  const y = empty(first, shape, dtype, 'cat');
  let offset = 0;
  for (const [k, x] of parts.entries()) {
    if (x === null) continue;
    const window = y.strided(x.shape, y.strides, offset * (y.strides[d] as number));
    copyInto(window, convert(x, dtype));
    window.dispose();
    offset += sizes[k] as number;
  }
  record('cat', tensors, [y], [], ([g]) =>
    split(g as Tensor, sizes, d).map((piece, k) => (parts[k] === null ? reshape(piece, [0]) : piece)),
  );
  return y;
});

/** Tensors of one shape joined along a new dimension. */
export const stack = /* @__PURE__ */ keywords(
  'stack',
  ['dim'],
  (tensors: readonly Tensor[], dim: Whole = 0): Tensor => {
    const first = tensors[0];
    if (first === undefined) return fail('argument', 'stack: expected at least one tensor.');
    const odd = tensors.find((x) => !sameShape(x.shape, first.shape));
    if (odd !== undefined)
      fail('shape', `stack: shapes must be equal, got ${show(first.shape)} and ${show(odd.shape)}.`);
    return cat(
      tensors.map((x) => unsqueeze(x, dim)),
      normalizeDim('stack', dim, first.ndim + 1),
    );
  },
);
