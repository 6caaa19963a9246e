import { indexing } from '#binary';
import { record } from '../autograd/index.js';
import { traits } from '../core/dtype.js';
import { fail, show } from '../core/errors.js';
import { keywords, type Named, type Whole } from '../core/keywords.js';
import { normalizeDim, type Shape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { clone } from './movement.js';
import { checkTensor, convert, copyInto, dense, empty, type Op, op } from './op.js';
import { at, build, type Reference, spread } from './sheet.js';

/** Triangles and diagonals of matrices. */

type Triangle = Op<(input: Tensor, ...rest: Named<[diagonal?: Whole], readonly ['diagonal']>) => Tensor>;

function triangle(name: 'tril' | 'triu', doc: string, keeps: (row: number, column: number) => boolean): Triangle {
  const compute = keywords(name, ['diagonal'], (input: Tensor, diagonal: Whole = 0): Tensor => {
    checkTensor(name, input);
    if (input.ndim < 2) fail('shape', `${name}: expected at least 2 dimensions, got ${show(input.shape)}.`);
    if (!Number.isInteger(diagonal)) fail('argument', `${name}: diagonal must be a whole number, got ${diagonal}.`);
    // The kernel moves four bytes at a time; narrow types take the way of a wide one.
    const { bytes, isFloat } = traits[input.dtype];
    const x = dense(bytes === 4 ? input : convert(input, isFloat ? 'float32' : 'int32'));
    const y = empty(x, x.shape, x.dtype, name);
    const [rows, columns] = x.shape.slice(-2) as [number, number];
    // Beyond the corners nothing changes any more, and the kernel's arithmetic stays within 32 bits.
    const shift = Math.min(Math.max(diagonal, -rows - 1), columns + 1);
    y.storage.device.launch({
      kernel: indexing.kernel(`${name}_f32`),
      work: columns === 0 ? 0 : y.numel() / columns,
      grain: Math.max(1, Math.ceil(32768 / Math.max(columns, 1))),
      writes: [y],
      reads: [x],
      ints: [rows, columns, shift],
    });
    const result = convert(y, input.dtype);
    record(name, [input], [result], [], ([g]) => [again(g as Tensor, diagonal)]);
    return result;
  });
  const again = compute;
  return op(compute, {
    name,
    family: 'movement',
    doc,
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [diagonal = 0]) => {
      const a = x as Reference;
      return build(a.shape, (i) => {
        const [row, column] = i.slice(-2) as [number, number];
        return keeps(row + (diagonal as number), column) ? at(a, i) : 0;
      });
    },
    samples: () => [
      { inputs: [spread([1, 1])] },
      { inputs: [spread([4, 4])] },
      { inputs: [spread([3, 5])], args: [1] },
      { inputs: [spread([5, 3])], args: [-2] },
      { inputs: [spread([2, 3, 4])], args: [9] },
      { inputs: [spread([2, 3, 4])], args: [-9] },
      { inputs: [spread([0, 3])] },
    ],
  });
}

export const tril = /* @__PURE__ */ triangle(
  'tril',
  'The lower triangle of matrices [.., M, N]: 0 above the given `diagonal`.',
  (row, column) => column <= row,
);
export const triu = /* @__PURE__ */ triangle(
  'triu',
  'The upper triangle of matrices [.., M, N]: 0 below the given `diagonal`.',
  (row, column) => column >= row,
);

/** Where the diagonal of dimensions d1 and d2 of a shape begins, and how long it is. */
function span(shape: Shape, offset: number, d1: number, d2: number) {
  const [rows, columns] = [shape[d1] as number, shape[d2] as number];
  const length = offset >= 0 ? Math.min(rows, columns - offset) : Math.min(rows + offset, columns);
  return { row: Math.max(-offset, 0), column: Math.max(offset, 0), length: Math.max(length, 0) };
}

/** The diagonal of two dimensions of `x`, last: a view. */
function view(x: Tensor, offset: number, d1: number, d2: number): Tensor {
  const { row, column, length } = span(x.shape, offset, d1, d2);
  const [down, across] = [x.strides[d1] as number, x.strides[d2] as number];
  const rest = x.shape.map((_, i) => i).filter((i) => i !== d1 && i !== d2);
  return x.strided(
    [...rest.map((i) => x.shape[i] as number), length],
    [...rest.map((i) => x.strides[i] as number), down + across],
    length === 0 ? x.offset : x.offset + row * down + column * across,
  );
}

/** The diagonal of two dimensions, last: a view. */
export function diagonalOf(input: Tensor, offset: number, d1: number, d2: number): Tensor {
  const y = view(input, offset, d1, d2);
  const from = input.shape;
  record('diagonal', [input], [y], [], ([g]) => [ontoDiagonal(g as Tensor, from, offset, d1, d2)]);
  return y;
}

/** Zeros of `shape` with `input` on the diagonal of two dimensions: the gradient of `diagonalOf`. */
export function ontoDiagonal(input: Tensor, shape: Shape, offset: number, d1: number, d2: number): Tensor {
  const y = empty(input, shape, input.dtype, 'diag');
  const kernel = `fill_b${traits[y.dtype].bytes}`;
  y.storage.device.launch({ kernel, work: y.numel(), grain: 65536, writes: [y], reads: [], ints: [0] });
  const window = view(y, offset, d1, d2);
  copyInto(window, input);
  window.dispose();
  record('diag', [input], [y], [], ([g]) => [diagonalOf(g as Tensor, offset, d1, d2)]);
  return y;
}

export const diagonal = op(
  keywords(
    'diagonal',
    ['offset', 'dim1', 'dim2'],
    (input: Tensor, offset: Whole = 0, dim1: Whole = 0, dim2: Whole = 1): Tensor => {
      checkTensor('diagonal', input);
      const [d1, d2] = [normalizeDim('diagonal', dim1, input.ndim), normalizeDim('diagonal', dim2, input.ndim)];
      if (d1 === d2) fail('argument', `diagonal: dim1 and dim2 must differ, got ${dim1} and ${dim2}.`);
      return diagonalOf(input, offset, d1, d2);
    },
  ),
  {
    name: 'diagonal',
    family: 'movement',
    doc: 'A view of the diagonal of dimensions dim1 and dim2, `offset` above it, as the last dimension.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [offset = 0, dim1 = 0, dim2 = 1]) => {
      const a = x as Reference;
      const [d1, d2] = [dim1, dim2].map((d) => ((d as number) + a.shape.length) % a.shape.length) as [number, number];
      const { row, column, length } = span(a.shape, offset as number, d1, d2);
      const rest = a.shape.map((_, i) => i).filter((i) => i !== d1 && i !== d2);
      return build([...rest.map((i) => a.shape[i] as number), length], (index) => {
        const k = index[index.length - 1] as number;
        const place = a.shape.map((_, i) => (i === d1 ? row + k : i === d2 ? column + k : index[rest.indexOf(i)]));
        return at(a, place as number[]);
      });
    },
    samples: () => [
      { inputs: [spread([3, 3])] },
      { inputs: [spread([3, 5])], args: [1] },
      { inputs: [spread([3, 5])], args: [-1] },
      { inputs: [spread([3, 5])], args: [-1, 1, 0] },
      { inputs: [spread([2, 3, 4])], args: [0, 0, 2] },
      { inputs: [spread([2, 3, 4])], args: [1, -2, -1] },
      { inputs: [spread([2, 3])], args: [7] },
    ],
  },
);

/** A matrix with `input` [n] on its diagonal, `diagonal` above the middle; of a matrix, a copy of that diagonal. */
export const diag = /* @__PURE__ */ keywords('diag', ['diagonal'], (input: Tensor, diagonal: Whole = 0): Tensor => {
  checkTensor('diag', input);
  if (input.ndim === 1) {
    const size = (input.shape[0] as number) + Math.abs(diagonal);
    return ontoDiagonal(input, [size, size], diagonal, 0, 1);
  }
  if (input.ndim === 2) return clone(diagonalOf(input, diagonal, 0, 1));
  return fail('shape', `diag: expected 1 or 2 dimensions, got ${show(input.shape)}. Use diagonal().`);
});
