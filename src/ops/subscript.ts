import { isOptions, readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { broadcastShapes, type Shape, sizeOf } from '../core/shape.js';
import { Tensor } from '../core/tensor.js';
import { add, mul } from './arithmetic.js';
import { expand } from './broadcast.js';
import { lt, where } from './compare.js';
import { tensor } from './create.js';
import { indexSelect } from './indexing.js';
import { checkRange } from './indices.js';
import { indicesLike, nonzero } from './masked.js';
import { permute, reshape, select, slice, unsqueeze } from './movement.js';
import { checkTensor, convert, knownValues } from './op.js';

/**
 * Python's square brackets. What stands between them is a list, one subscript for each dimension, or a single one:
 *
 *     Python              fettle
 *     x[2]                x.index([2])               one slice, its dimension dropped
 *     x[1:5, ::2]         x.index(['1:5', '::2'])    a range; also { start: 1, stop: 5 } and { step: 2 }
 *     x[..., 0]           x.index(['...', 0])        all dimensions that nothing else names
 *     x[:, None]          x.index([':', 'None'])     a new dimension of size 1
 *     x[:, [0, 2]]        x.index([null, [0, 2]])    null is ':', as in PyTorch's own index(input, indices)
 *     x[[0, 2], [1, 1]]   x.index([[0, 2], [1, 1]])  elements by their places; also integer tensors, which broadcast
 *     x[x > 0]            x.index(x.gt(0))           elements that a mask names
 */

/** A range along one dimension, as Python's slice: missing ends reach as far as there is something. */
export interface SliceRange {
  readonly start?: number | null;
  readonly stop?: number | null;
  /** Default 1. */
  readonly step?: number | null;
}

/** Places as nested arrays, of numbers, or of booleans for a mask. */
export type NestedIndices = readonly (number | boolean | NestedIndices)[];

/** A new dimension, which text calls 'None'. */
const NEW = Symbol('None');

/** What may stand for a dimension between the brackets. */
export type Subscript = number | boolean | null | undefined | string | SliceRange | Tensor | NestedIndices;

/** All that stands between them. */
export type Subscripts = Tensor | string | number | SliceRange | readonly Subscript[];

/** The same with text read. */
type Item = Subscript | typeof NEW;

/** Ranges, numbers and new dimensions applied, and the tensors that are left, by the dimension they stand for. */
interface Seen {
  readonly x: Tensor;
  readonly places: readonly (Tensor | null)[];
}

const RANGE = /^(-?\d+)?:(-?\d+)?(?::(-?\d+)?)?$/;

/** A subscript that was written as text. */
function parseText(text: string): Item {
  const word = text.trim();
  if (word === '...') return word;
  if (word === 'None' || word === 'newaxis') return NEW;
  if (word === 'True' || word === 'False') return word === 'True';
  if (/^-?\d+$/.test(word)) return Number(word);
  const parts = RANGE.exec(word);
  if (parts === null) {
    return fail('argument', `index: '${text}' is no subscript. Write '1:5', '::2', '...', 'None' or a number.`);
  }
  const [start, stop, step] = parts.slice(1).map((part) => (part === undefined ? null : Number(part)));
  return { start: start ?? null, stop: stop ?? null, step: step ?? null };
}

function listOf(subscripts: Subscripts): Item[] {
  const items: readonly Subscript[] = Array.isArray(subscripts) ? subscripts : [subscripts as Subscript];
  return items.flatMap((item) => (typeof item === 'string' ? item.split(',').map(parseText) : [item]));
}

function isRange(item: Item): item is SliceRange {
  return (
    typeof item === 'object' &&
    item !== null &&
    !Array.isArray(item) &&
    !(item instanceof Tensor) &&
    Object.keys(item).every((key) => ['start', 'stop', 'step'].includes(key))
  );
}

/** Whether places are named by where a mask holds. uint8 is a mask too, as in PyTorch. */
function isMask(item: Tensor): boolean {
  return item.dtype === 'bool' || item.dtype === 'uint8';
}

function asTensor(items: NestedIndices): Tensor {
  const made: Tensor = tensor(items as never);
  return made.dtype === 'bool' ? made : tensor(items as never, { dtype: 'int32' });
}

/** How many dimensions of the input a subscript stands for. */
function consumes(item: Item): number {
  if (item === NEW || item === '...' || typeof item === 'boolean') return 0;
  return item instanceof Tensor && isMask(item) ? item.ndim : 1;
}

/** The places where `mask` holds, a tensor for each of its dimensions. Of none, a new dimension of size 1 or 0. */
function placesOf(mask: Tensor): Tensor[] {
  if (mask.ndim > 0) return nonzero(mask, { asTuple: true });
  const holds = Number(knownValues('index', mask)[0]) !== 0;
  return [indicesLike(mask, new Int32Array(Number(holds)), [Number(holds)], 'index')];
}

/** Everything but tensors, from the left: views. */
function apply(input: Tensor, items: readonly Item[]): Seen {
  const taken = items.reduce<number>((n, item) => n + consumes(item), 0);
  if (taken > input.ndim) {
    fail('argument', `index: ${items.length} subscripts stand for ${taken} dimensions of ${show(input.shape)}.`);
  }
  if (items.filter((item) => item === '...').length > 1) fail('argument', "index: '...' may come once.");
  let x = input;
  let d = 0;
  const places: (Tensor | null)[] = [];
  const skip = (count: number): void => {
    for (let i = 0; i < count; i++) places.push(null);
    d += count;
  };
  for (const item of items) {
    if (item === '...') skip(input.ndim - taken);
    else if (item === undefined || item === null) skip(1);
    else if (item === NEW) {
      x = unsqueeze(x, d);
      skip(1);
    } else if (typeof item === 'number') x = select(x, d, item);
    else if (typeof item === 'boolean') {
      x = unsqueeze(x, d++);
      places.push(indicesLike(input, new Int32Array(Number(item)), [Number(item)], 'index'));
    } else if (isRange(item)) {
      x = slice(x, d, item.start, item.stop, item.step ?? 1);
      skip(1);
    } else {
      const index = item instanceof Tensor ? item : asTensor(item as NestedIndices);
      if (isMask(index)) {
        index.shape.forEach((size, i) => {
          if (size === x.shape[d + i]) return;
          fail(
            'argument',
            `index: a mask of ${show(index.shape)} does not fit dimensions ${show(x.shape.slice(d, d + index.ndim))}.`,
          );
        });
        if (index.ndim === 0) x = unsqueeze(x, d);
        places.push(...placesOf(index));
        d += Math.max(index.ndim, 1);
      } else if (index.dtype === 'float32' || index.dtype === 'float16') {
        fail('dtype', `index: places must be whole numbers or a mask, got ${index.dtype}. Use .to('int32').`);
      } else if (index.ndim === 0) x = select(x, d, Number(knownValues('index', index)[0]));
      else {
        places.push(index);
        d++;
      }
    }
  }
  return { x, places };
}

/** Index tensors, broadcast to `shape`, as one row-major place [places] among the dimensions they stand for: int32. */
function flatPlaces(x: Tensor, dims: readonly number[], tensors: readonly Tensor[], shape: Shape): Tensor {
  const flat = tensors.reduce<Tensor | null>((before, index, k) => {
    const size = x.shape[dims[k] as number] as number;
    const given = convert(index, 'int32');
    checkRange(
      given,
      -size,
      size,
      (place) => `index: place ${place} is out of range for dim ${dims[k]} of ${show(x.shape)}.`,
    );
    const place = where(lt(given, 0), add(given, size), given);
    return before === null ? place : add(mul(before, size), place);
  }, null) as Tensor;
  return reshape(expand(flat, shape), [sizeOf(shape)]);
}

/** The elements of `x` at the places that tensors name for some dimensions. */
function pick({ x, places }: Seen): Tensor {
  const dims = places.flatMap((index, d) => (index === null ? [] : [d]));
  if (dims.length === 0) return x;
  const tensors = dims.map((d) => places[d] as Tensor);
  const shape = tensors.reduce<Shape>((joint, { shape }) => broadcastShapes('index', joint, shape), []);
  const flat = flatPlaces(x, dims, tensors, shape);
  const first = dims[0] as number;
  const adjacent = dims.every((d, i) => d === first + i);
  // Neighbouring dimensions become one where they are; others are brought to the front, where the result has them too.
  const rest = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const ready = adjacent ? x : permute(x, [...dims, ...rest]);
  const at = adjacent ? first : 0;
  const before = ready.shape.slice(0, at);
  const after = ready.shape.slice(at + dims.length);
  const run = sizeOf(ready.shape.slice(at, at + dims.length));
  const joined = reshape(ready, [...before, run, ...after]);
  const picked = indexSelect(joined, at, flat);
  return reshape(picked, [...before, ...shape, ...after]);
}

/**
 * The part of `input` that subscripts name, as `input[…]` is in PyTorch: numbers, ranges and new dimensions give a view,
 * index tensors and masks a copy. Index tensors broadcast with one another; their dimensions stand in the result where those
 * they replace were, or in front if these were not neighbours. Negative places count from the end.
 */
export function index(
  input: Tensor,
  ...given: readonly [indices: Subscripts | { readonly indices: Subscripts }]
): Tensor {
  checkTensor('index', input);
  const [first] = given;
  // A range is an object too.
  const isNamed = given.length !== 1 || (isOptions(first) && 'indices' in first);
  const { indices } = isNamed
    ? readArguments<{ indices: Subscripts }>('index', given, ['indices'])
    : { indices: first };
  if (indices === undefined) fail('argument', 'index: indices is missing.');
  const result = pick(apply(input, listOf(indices as Subscripts)));
  // A view even of everything: the result is a tensor of its own, as in PyTorch.
  return result === input ? reshape(input, input.shape) : result;
}
