import { fail, show } from '../core/errors.js';
import { keywords, type Whole } from '../core/keywords.js';
import { normalizeDim } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { cat, split } from './join.js';
import { reshape, select, slice } from './movement.js';
import { checkTensor, knownValues } from './op.js';

/** Joining and cutting as NumPy's users know it, by rows, columns and depth. */

/** Tensors one by one, or in a list. */
export type Tensors = readonly Tensor[] | readonly [readonly Tensor[]];

/** `f(a, b)` and `f([a, b])` mean the same. */
export function listOf(name: string, tensors: Tensors): readonly Tensor[] {
  const list = (Array.isArray(tensors[0]) ? tensors[0] : tensors) as readonly Tensor[];
  for (const x of list) checkTensor(name, x, 'tensors');
  return list;
}

/** One tensor for one, a list for several or for a list. */
function each(name: string, tensors: Tensors, shape: (x: Tensor) => readonly number[]): Tensor | Tensor[] {
  const list = listOf(name, tensors).map((x) => reshape(x, shape(x)));
  return list.length === 1 && !Array.isArray(tensors[0]) ? (list[0] as Tensor) : list;
}

const line = (x: Tensor): readonly number[] => (x.ndim === 0 ? [1] : x.shape);
const plane = (x: Tensor): readonly number[] => (x.ndim < 2 ? [1, x.numel()] : x.shape);
const solid = (x: Tensor): readonly number[] =>
  x.ndim < 2 ? [1, x.numel(), 1] : x.ndim === 2 ? [...x.shape, 1] : x.shape;

/** A view of at least one dimension: a number becomes [1]. Of several tensors, or of a list, the list of such views. */
export function atleast1d(input: Tensor): Tensor;
export function atleast1d(...tensors: Tensors): Tensor[];
export function atleast1d(...tensors: Tensors): Tensor | Tensor[] {
  return each('atleast1d', tensors, line);
}

/** A view of at least two dimensions: [n] becomes [1, n]. */
export function atleast2d(input: Tensor): Tensor;
export function atleast2d(...tensors: Tensors): Tensor[];
export function atleast2d(...tensors: Tensors): Tensor | Tensor[] {
  return each('atleast2d', tensors, plane);
}

/** A view of at least three dimensions: [n] becomes [1, n, 1], and [n, m] becomes [n, m, 1]. */
export function atleast3d(input: Tensor): Tensor;
export function atleast3d(...tensors: Tensors): Tensor[];
export function atleast3d(...tensors: Tensors): Tensor | Tensor[] {
  return each('atleast3d', tensors, solid);
}

/** Tensors joined side by side: along the second dimension, or the only one. */
export function hstack(tensors: readonly Tensor[]): Tensor {
  const list = listOf('hstack', tensors).map((x) => reshape(x, line(x)));
  return cat(list, list[0]?.ndim === 1 ? 0 : 1);
}

/** Tensors joined one below the other; one of a single dimension is a row. */
export function vstack(tensors: readonly Tensor[]): Tensor {
  return cat(
    listOf('vstack', tensors).map((x) => reshape(x, plane(x))),
    0,
  );
}

/** vstack() under its other name. */
export const rowStack = vstack;

/** Tensors joined one behind the other, along the third dimension. */
export function dstack(tensors: readonly Tensor[]): Tensor {
  return cat(
    listOf('dstack', tensors).map((x) => reshape(x, solid(x))),
    2,
  );
}

/** Tensors joined side by side; one of a single dimension is a column. */
export function columnStack(tensors: readonly Tensor[]): Tensor {
  return hstack(listOf('columnStack', tensors).map((x) => (x.ndim < 2 ? reshape(x, [x.numel(), 1]) : x)));
}

/** cat() under its other names. */
export const concat = cat;
export const concatenate = cat;

/**
 * Pieces along `dim`: so many of nearly equal size, the first ones larger by one, or those between the given places. Views.
 */
export const tensorSplit = /* @__PURE__ */ keywords(
  'tensorSplit',
  ['indicesOrSections', 'dim'],
  (input: Tensor, indicesOrSections: number | readonly number[] | Tensor, dim: Whole = 0): Tensor[] => {
    checkTensor('tensorSplit', input);
    if (input.ndim === 0) fail('shape', 'tensorSplit: a tensor without dimensions cannot be cut, got [].');
    const d = normalizeDim('tensorSplit', dim, input.ndim);
    const size = input.shape[d] as number;
    const given =
      indicesOrSections instanceof Tensor
        ? indicesOrSections.ndim === 0
          ? Number(knownValues('tensorSplit', indicesOrSections)[0])
          : Array.from(knownValues('tensorSplit', indicesOrSections))
        : indicesOrSections;
    if (typeof given === 'number') {
      if (!Number.isInteger(given) || given < 1) {
        fail('argument', `tensorSplit: expected a whole number of pieces ≥ 1, got ${given}.`);
      }
      const least = Math.floor(size / given);
      const sizes = Array.from({ length: given }, (_, i) => least + Number(i < size % given));
      return split(input, sizes, d);
    }
    return [...given, null].map((end, i) => {
      const start = i === 0 ? 0 : (given[i - 1] as number);
      return slice(input, d, start, end);
    });
  },
);

/** tensorSplit() along `d`, for a tensor of at least `rank` dimensions that divides evenly. */
function evenly(name: string, input: Tensor, given: number | readonly number[], d: number, rank: number): Tensor[] {
  checkTensor(name, input);
  if (input.ndim < rank) fail('shape', `${name}: expected at least ${rank} dimensions, got ${show(input.shape)}.`);
  if (
    typeof given === 'number' &&
    (!Number.isInteger(given) || given < 1 || (input.shape[d] as number) % given !== 0)
  ) {
    fail(
      'argument',
      `${name}: ${given} does not divide ${input.shape[d]}, dim ${d} of ${show(input.shape)}. Use tensorSplit().`,
    );
  }
  return tensorSplit(input, given, d);
}

/** Pieces side by side: along the second dimension, or the only one. Views. */
export const hsplit = /* @__PURE__ */ keywords(
  'hsplit',
  ['indicesOrSections'],
  (input: Tensor, indicesOrSections: number | readonly number[]): Tensor[] => {
    return evenly('hsplit', input, indicesOrSections, input.ndim === 1 ? 0 : 1, 1);
  },
);

/** Pieces one below the other, along the first dimension. Views. */
export const vsplit = /* @__PURE__ */ keywords(
  'vsplit',
  ['indicesOrSections'],
  (input: Tensor, indicesOrSections: number | readonly number[]): Tensor[] => {
    return evenly('vsplit', input, indicesOrSections, 0, 2);
  },
);

/** Pieces one behind the other, along the third dimension. Views. */
export const dsplit = /* @__PURE__ */ keywords(
  'dsplit',
  ['indicesOrSections'],
  (input: Tensor, indicesOrSections: number | readonly number[]): Tensor[] => {
    return evenly('dsplit', input, indicesOrSections, 2, 3);
  },
);

/** The slices along `dim`, without that dimension. Views. */
export const unbind = /* @__PURE__ */ keywords('unbind', ['dim'], (input: Tensor, dim: Whole = 0): Tensor[] => {
  checkTensor('unbind', input);
  if (input.ndim === 0) fail('shape', 'unbind: a tensor without dimensions has no slices, got [].');
  const d = normalizeDim('unbind', dim, input.ndim);
  return Array.from({ length: input.shape[d] as number }, (_, i) => select(input, d, i));
});
