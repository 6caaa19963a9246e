import { fail, show } from '../core/errors.js';
import type { Shape } from '../core/shape.js';
import type { NestedArray, Tensor } from '../core/tensor.js';
import { tensor } from './create.js';
import { checkTensor, knownValues } from './op.js';

/** What a sparse matrix is made of, read and checked before anything is built of it. */

/** Indices as a tensor of whole numbers or as arrays. */
export type Indices = Tensor | NestedArray | Int32Array<ArrayBuffer>;

export function checkFloat(x: Tensor): Tensor {
  if (x.dtype !== 'float32') fail('dtype', `sparse: products are of float32, got ${x.dtype}. Use .to('float32').`);
  return x;
}

export function checkValues(name: string, values: Tensor): Tensor {
  checkTensor(name, values, 'values');
  if (values.dtype !== 'float32') {
    fail('dtype', `${name}: values must be float32, got ${values.dtype}. Use .to('float32').`);
  }
  return values;
}

export function numbersOf(name: string, what: string, given: Indices): Int32Array<ArrayBuffer> {
  if (given instanceof Int32Array) return given.slice();
  const source: ArrayLike<number> =
    typeof given === 'object' && 'dataSync' in given ? knownValues(name, given) : ([given].flat(3) as number[]);
  const numbers = Int32Array.from(source);
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i] !== source[i]) fail('argument', `${name}: ${what} must be whole numbers, got ${source[i]}.`);
  }
  return numbers;
}

export function checkShape(name: string, shape: Shape): readonly [number, number] {
  const [rows, columns] = shape;
  if (shape.length !== 2 || !shape.every((size) => Number.isInteger(size) && size >= 0)) {
    fail('shape', `${name}: shape must be [rows, columns], got ${show(shape)}.`);
  }
  return [rows as number, columns as number];
}

/** Throws unless `heads` and `places` are compressed indices of `lines` lines whose numbers lie in [0, size). */
export function checkCompressed(
  name: string,
  [headName, placeName]: readonly [string, string],
  heads: Int32Array,
  places: Int32Array,
  lines: number,
  size: number,
): void {
  if (heads.length !== lines + 1) {
    fail('shape', `${name}: ${headName} must have ${lines + 1} numbers, one more than lines, got ${heads.length}.`);
  }
  if (heads[0] !== 0 || heads[lines] !== places.length) {
    fail(
      'argument',
      `${name}: ${headName} must begin with 0 and end with the number of values, ${places.length}, ` +
        `got ${heads[0]} and ${heads[lines]}.`,
    );
  }
  for (let line = 0; line < lines; line++) {
    const [begin, end] = [heads[line] as number, heads[line + 1] as number];
    if (end < begin) fail('argument', `${name}: ${headName} must not fall: ${begin} is followed by ${end}.`);
    // Checked before the numbers are read: a head beyond the end would let them be read beyond it.
    if (end > places.length) fail('argument', `${name}: ${headName} must not exceed ${places.length}, got ${end}.`);
    for (let p = begin; p < end; p++) {
      const place = places[p] as number;
      if (place < 0 || place >= size) {
        fail('argument', `${name}: ${placeName} must lie in [0, ${size}), got ${place} in line ${line}.`);
      }
      if (p > begin && place <= (places[p - 1] as number)) {
        fail(
          'argument',
          `${name}: ${placeName} must rise within a line, got ${places[p - 1]}, ${place} in ${line}. Use sparse.coo, which takes any order and adds up what comes twice.`,
        );
      }
    }
  }
}

export function checkCount(name: string, values: Tensor, count: number): void {
  if (values.ndim !== 1 || values.shape[0] !== count) {
    fail('shape', `${name}: values must be [${count}], one for each index, got ${show(values.shape)}.`);
  }
}

export function valuesOf(name: string, values: Tensor | NestedArray): Tensor {
  return checkValues(name, typeof values === 'object' && 'dataSync' in values ? values : tensor(values));
}
