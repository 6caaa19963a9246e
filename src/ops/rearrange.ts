import { record } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import { keywords } from '../core/keywords.js';
import { normalizeDim, sizeOf } from '../core/shape.js';
import { type Listed, listOf } from '../core/sizes.js';
import type { Tensor } from '../core/tensor.js';
import { expand } from './broadcast.js';
import { cat } from './join.js';
import { narrow, permute, reshape } from './movement.js';
import { checkTensor, copyInto, empty, op } from './op.js';
import { at, build, type Reference, spread } from './sheet.js';

/** Ops that repeat, shift, pad and reorder whole dimensions. */

/** `input` `counts[i]` times along each dimension i; there may be more counts than dimensions. */
function repeated(name: string, input: Tensor, counts: readonly number[]): Tensor {
  if (counts.some((count) => !Number.isInteger(count) || count < 0)) {
    fail('argument', `${name}: repeats must be whole numbers ≥ 0, got ${show(counts)}.`);
  }
  let y = reshape(input, [...new Array<number>(counts.length - input.ndim).fill(1), ...input.shape]);
  // A dimension at a time, as a new dimension of stride 0 that is then made one with its neighbour: the rank stays small.
  for (const [d, count] of counts.entries()) {
    if (count === 1) continue;
    const { shape } = y;
    const outer = sizeOf(shape.slice(0, d));
    const rest = sizeOf(shape.slice(d));
    const copies = expand(reshape(y, [outer, 1, rest]), [outer, count, rest]);
    y = reshape(
      copies,
      shape.map((size, i) => (i === d ? size * count : size)),
    );
  }
  // A copy in any case, as in PyTorch: writing into the result leaves the input alone.
  return y.storage === input.storage ? copyOf(name, y) : y;
}

function copyOf(name: string, input: Tensor): Tensor {
  const y = empty(input, input.shape, input.dtype, name);
  copyInto(y, input);
  record(name, [input], [y], [], ([g]) => [g]);
  return y;
}

const repeatOracle = ([x]: readonly Reference[], [counts]: readonly unknown[]): Reference => {
  const a = x as Reference;
  const times = counts as number[];
  const rank = Math.max(times.length, a.shape.length);
  const sizes = [...new Array<number>(rank - a.shape.length).fill(1), ...a.shape];
  const all = [...new Array<number>(rank - times.length).fill(1), ...times];
  return build(
    sizes.map((size, i) => size * (all[i] as number)),
    (i) =>
      at(
        a,
        i.map((v, d) => v % (sizes[d] as number)),
      ),
  );
};

export const repeat = op(
  (input: Tensor, ...sizes: Listed<'repeats'>): Tensor => {
    checkTensor('repeat', input);
    const counts = listOf('repeat', 'repeats', sizes);
    if (counts.length < input.ndim) {
      fail('argument', `repeat: expected a count for each dimension of ${show(input.shape)}, got ${show(counts)}.`);
    }
    return repeated('repeat', input, counts);
  },
  {
    name: 'repeat',
    family: 'movement',
    doc: 'A copy of `input` repeated `sizes[i]` times along each dimension; more sizes than dimensions add leading ones.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: repeatOracle,
    samples: () => [
      { inputs: [spread([])], args: [[3]] },
      { inputs: [spread([3])], args: [[2]] },
      { inputs: [spread([2, 3])], args: [[2, 1, 3]] },
      { inputs: [spread([2, 3])], args: [[1, 1]] },
      { inputs: [spread([2, 3])], args: [[0, 2]] },
      { inputs: [spread([2, 1, 3])], args: [[2, 4, 2]] },
    ],
    tolerance: 2e-6,
  },
);

export const tile = op(
  (input: Tensor, ...dims: Listed<'dims'>): Tensor => {
    checkTensor('tile', input);
    const counts = listOf('tile', 'dims', dims);
    return repeated('tile', input, [...new Array<number>(Math.max(input.ndim - counts.length, 0)).fill(1), ...counts]);
  },
  {
    name: 'tile',
    family: 'movement',
    doc: 'As repeat, with 1 for leading dimensions that `dims` does not reach.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: repeatOracle,
    samples: () => [
      { inputs: [spread([3])], args: [[2]] },
      { inputs: [spread([2, 3])], args: [[2]] },
      { inputs: [spread([2, 3])], args: [[2, 1, 3]] },
    ],
    tolerance: 2e-6,
  },
);

/** The elements of one dimension moved on by `shift`, those that leave at the end entering at the beginning. */
function rolled(input: Tensor, shift: number, d: number): Tensor {
  const size = input.shape[d] as number;
  if (input.numel() === 0) return input;
  const step = ((shift % size) + size) % size;
  return cat([narrow(input, d, size - step, step), narrow(input, d, 0, size - step)], d);
}

export const roll = op(
  keywords(
    'roll',
    ['shifts', 'dims'],
    (
      input: Tensor,
      shifts: number | readonly number[],
      dims: number | readonly number[] | null | undefined = undefined,
    ): Tensor => {
      checkTensor('roll', input);
      const steps = [shifts].flat() as number[];
      if (steps.some((s) => !Number.isInteger(s))) {
        fail('argument', `roll: shifts must be whole numbers, got ${show(steps)}.`);
      }
      const along = dims === undefined || dims === null ? [] : ([dims].flat() as number[]);
      if (along.length === 0 && steps.length === 1) {
        return reshape(rolled(reshape(input, [-1]), steps[0] as number, 0), input.shape);
      }
      if (along.length !== steps.length) {
        fail('argument', `roll: expected as many shifts as dims, got ${show(steps)} and ${show(along)}.`);
      }
      const normalized = along.map((d) => normalizeDim('roll', d, input.ndim));
      return normalized.reduce((y, d, i) => rolled(y, steps[i] as number, d), input);
    },
  ),
  {
    name: 'roll',
    family: 'movement',
    doc: '`input` moved on by `shifts` along `dims` (default: flattened), what leaves at the end entering at the beginning.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [shifts, dims]) => {
      const a = x as Reference;
      const steps = [shifts].flat() as number[];
      if (dims === undefined) {
        const n = a.data.length;
        return {
          shape: a.shape,
          data: a.data.map((_, i) => a.data[(((i - (steps[0] as number)) % n) + n) % n] as number),
        };
      }
      const along = ([dims].flat() as number[]).map((d) => (d + a.shape.length) % a.shape.length);
      return build(a.shape, (index) => {
        const from = [...index];
        along.forEach((d, k) => {
          const n = a.shape[d] as number;
          from[d] = ((((from[d] as number) - (steps[k] as number)) % n) + n) % n;
        });
        return at(a, from);
      });
    },
    samples: () => [
      { inputs: [spread([7])], args: [2, 0] },
      { inputs: [spread([3, 5])], args: [-2] },
      {
        inputs: [spread([3, 5])],
        args: [
          [1, 7],
          [0, -1],
        ],
      },
      {
        inputs: [spread([2, 3, 4])],
        args: [
          [1, 1],
          [1, 1],
        ],
      },
      { inputs: [spread([0, 3])], args: [1, 1] },
    ],
  },
);

export const movedim = op(
  keywords(
    'movedim',
    ['source', 'destination'],
    (input: Tensor, source: number | readonly number[], destination: number | readonly number[]): Tensor => {
      checkTensor('movedim', input);
      const [from, to] = [source, destination].map((dims) =>
        ([dims].flat() as number[]).map((d) => normalizeDim('movedim', d, input.ndim)),
      ) as [number[], number[]];
      if (from.length !== to.length || new Set(from).size !== from.length || new Set(to).size !== to.length) {
        fail(
          'argument',
          `movedim: source and destination must name equally many dimensions, each once, got ${show([source].flat())} ` +
            `and ${show([destination].flat())}.`,
        );
      }
      if (input.ndim === 0) return input;
      const rest = input.shape.map((_, i) => i).filter((d) => !from.includes(d));
      return permute(
        input,
        input.shape.map((_, i) => (to.includes(i) ? (from[to.indexOf(i)] as number) : (rest.shift() as number))),
      );
    },
  ),
  {
    name: 'movedim',
    family: 'movement',
    doc: 'A view of `input` with dimensions `source` moved to places `destination`; the others keep their order.',
    dtypes: ['float32', 'int32', 'uint8', 'bool'],
    differentiable: [true],
    oracle: ([x], [source, destination]) => {
      const a = x as Reference;
      const [from, to] = [source, destination].map((dims) =>
        ([dims].flat() as number[]).map((d) => (d + a.shape.length) % a.shape.length),
      ) as [number[], number[]];
      const rest = a.shape.map((_, i) => i).filter((d) => !from.includes(d));
      const order = a.shape.map((_, i) =>
        to.includes(i) ? (from[to.indexOf(i)] as number) : (rest.shift() as number),
      );
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
      { inputs: [spread([2, 3])], args: [0, 1] },
      { inputs: [spread([2, 3, 4])], args: [0, -1] },
      {
        inputs: [spread([2, 3, 4, 2])],
        args: [
          [0, 2],
          [-1, 0],
        ],
      },
    ],
  },
);

/** Dimension `dim` cut into dimensions of `sizes`, one of which may be −1. */
export const unflatten = /* @__PURE__ */ keywords(
  'unflatten',
  ['dim', 'sizes'],
  (input: Tensor, dim: number, sizes: readonly number[]): Tensor => {
    checkTensor('unflatten', input);
    const d = normalizeDim('unflatten', dim, input.ndim);
    const size = input.shape[d] ?? fail('shape', 'unflatten: a tensor without dimensions has none to cut, got [].');
    if (sizes.length === 0) fail('argument', 'unflatten: expected at least one size, got [].');
    const known = sizes.reduce((n, s) => (s === -1 ? n : n * s), 1);
    const whole = sizes.map((s) => (s === -1 ? size / known : s));
    const valid = whole.every((s) => Number.isInteger(s) && s >= 0) && sizes.filter((s) => s === -1).length <= 1;
    if (!valid || sizeOf(whole) !== size) {
      fail('shape', `unflatten: ${show(sizes)} does not multiply to ${size}, dim ${dim} of ${show(input.shape)}.`);
    }
    return reshape(input, [...input.shape.slice(0, d), ...whole, ...input.shape.slice(d + 1)]);
  },
);
