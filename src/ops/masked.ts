import { checkOptions, readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { keywords } from '../core/keywords.js';
import { broadcastShapes, sizeOf } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { expand } from './broadcast.js';
import { where as choose } from './compare.js';
import type { Operand } from './families.js';
import { indexSelect } from './indexing.js';
import { cast, reshape } from './movement.js';
import { checkTensor, empty, knownValues, type Op, op, scalarLike } from './op.js';
import { at, build, integers, type Reference, spread } from './sheet.js';

/** Ops on the elements that a mask or a condition names. */

function checkMask(name: string, input: Tensor, mask: Tensor): void {
  checkTensor(name, input);
  checkTensor(name, mask, 'mask');
  if (mask.dtype !== 'bool') {
    fail('dtype', `${name}: mask must be bool, got ${mask.dtype}. Use a comparison, or .to('bool').`);
  }
}

/** A one-dimensional or wider int32 tensor on the device of `like`. */
export function indicesLike(like: Tensor, data: Int32Array, shape: readonly number[], label: string): Tensor<'int32'> {
  const y = empty(like, shape, 'int32', label);
  y.storage.device.write(y.storage, 0, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return y;
}

export const maskedFill = op(
  keywords('maskedFill', ['mask', 'value'], (input: Tensor, mask: Tensor, value: Tensor | number | boolean): Tensor => {
    checkMask('maskedFill', input, mask);
    if (value instanceof Tensor && value.ndim > 0) {
      fail('shape', `maskedFill: value must be a number or a tensor without dimensions, got ${show(value.shape)}.`);
    }
    const fill = value instanceof Tensor ? cast(value, input.dtype) : scalarLike(input, value, input.dtype);
    return choose(mask, fill, input);
  }),
  {
    name: 'maskedFill',
    family: 'ternary',
    doc: '`value` where `mask` (bool) holds, `input` elsewhere; input and mask broadcast. The result has input’s dtype.',
    dtypes: ['float32,bool', 'int32,bool', 'uint8,bool'],
    differentiable: [true, false],
    oracle: ([x, m], [value]) => {
      const [a, mask] = [x, m] as [Reference, Reference];
      const shape = broadcastShapes('maskedFill', a.shape, mask.shape);
      return build(shape, (i) => (at(mask, i) !== 0 ? (value as number) : at(a, i)));
    },
    samples: () => [
      { inputs: [spread([17]), integers([17], 0, 2)], args: [3] },
      { inputs: [spread([3, 5]), integers([5], 0, 2)], args: [0] },
      { inputs: [spread([5]), integers([3, 1], 0, 2)], args: [7] },
      { inputs: [spread([0]), integers([0], 0, 2)], args: [7] },
    ],
  },
);

/** The elements where `mask` (bool, broadcast with `input`) holds, in one dimension. */
export const maskedSelect = /* @__PURE__ */ keywords(
  'maskedSelect',
  ['mask'],
  (input: Tensor, mask: Tensor): Tensor => {
    checkMask('maskedSelect', input, mask);
    const shape = broadcastShapes('maskedSelect', input.shape, mask.shape);
    // How many there are decides the shape of the result, so the mask is read here and now.
    const places: number[] = [];
    knownValues('maskedSelect', expand(mask, shape)).forEach((holds: number, i: number) => {
      if (holds !== 0) places.push(i);
    });
    const index = indicesLike(input, Int32Array.from(places), [places.length], 'maskedSelect');
    return indexSelect(reshape(expand(input, shape), [sizeOf(shape)]), 0, index);
  },
);

/**
 * `input` where `condition` holds, `other` elsewhere; all three broadcast. Of a condition alone, the indices of its elements
 * that are not 0, a tensor for each dimension.
 */
export const where: Op<typeof whereOrPlaces> = op(whereOrPlaces, choose.op);

interface Branches {
  readonly input?: Operand;
  readonly other?: Operand;
}

function whereOrPlaces(condition: Tensor): Tensor<'int32'>[];
function whereOrPlaces(condition: Tensor, input: Operand, other: Operand | { readonly other: Operand }): Tensor;
function whereOrPlaces(condition: Tensor, options: { readonly input: Operand; readonly other: Operand }): Tensor;
function whereOrPlaces(condition: Tensor, ...given: readonly unknown[]): Tensor | Tensor<'int32'>[] {
  const { input, other } = readArguments<Branches>('where', given, ['input', 'other']);
  if (input === undefined && other === undefined) return nonzero(condition, { asTuple: true });
  if (input === undefined || other === undefined) {
    return fail('argument', 'where: expected input and other, or neither of them.');
  }
  return choose(condition, input, other);
}

/** Indices of the elements that are not 0, a row for each: int32 [n, number of dimensions]. */
export function argwhere(input: Tensor): Tensor<'int32'> {
  checkTensor('argwhere', input);
  return nonzero(input);
}

export interface NonzeroOptions {
  /** Give one tensor of indices for each dimension. Default false. */
  readonly asTuple?: boolean;
}

/** Indices of the elements that are not 0, a row for each: int32 [n, number of dimensions]. NaN is not 0. */
export function nonzero(input: Tensor): Tensor<'int32'>;
export function nonzero(input: Tensor, options: { readonly asTuple: true }): Tensor<'int32'>[];
export function nonzero(input: Tensor, options?: NonzeroOptions): Tensor<'int32'> | Tensor<'int32'>[];
export function nonzero(input: Tensor, options: NonzeroOptions = {}): Tensor<'int32'> | Tensor<'int32'>[] {
  checkTensor('nonzero', input);
  checkOptions('nonzero', options, ['asTuple']);
  const { asTuple = false } = options;
  const found: number[] = [];
  knownValues('nonzero', input).forEach((value: number, i: number) => {
    if (value !== 0) found.push(i);
  });
  // As a tuple, a number counts as one row, as in PyTorch.
  const shape = asTuple && input.ndim === 0 ? [1] : input.shape;
  const columns = shape.map((size, d) => {
    const inner = sizeOf(shape.slice(d + 1));
    return Int32Array.from(found, (i) => Math.floor(i / inner) % size);
  });
  if (asTuple) return columns.map((column) => indicesLike(input, column, [found.length], 'nonzero'));
  const rows = Int32Array.from({ length: found.length * shape.length }, (_, i) => {
    const column = columns[i % shape.length] as Int32Array;
    return column[Math.floor(i / shape.length)] as number;
  });
  return indicesLike(input, rows, [found.length, shape.length], 'nonzero');
}
