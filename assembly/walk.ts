/**
 * Walking strided operands beside a contiguous result.
 *
 * Shapes and strides are lists of ndim 32-bit integers in the launch record; strides count elements, may be negative,
 * and are 0 along a dimension that is broadcast. The last two dimensions are walked by adding; only the place where a
 * plane of those two begins is found by dividing. So a share of the work may begin anywhere, and no list of counters is
 * needed.
 */
import { pointer, slot } from './launch';

/**
 * Computes n elements of y from operands a, b and c whose elements lie so many bytes apart. A kernel takes as many of
 * the operands as it has.
 */
export type Row = (
  functor: usize,
  y: usize,
  n: i32,
  a: usize,
  stepA: usize,
  b: usize,
  stepB: usize,
  c: usize,
  stepC: usize,
) => void;

/** Entry i of a shape or of strides. */
// @ts-ignore: decorator
@inline export function listed(list: usize, i: i32): i32 {
  return load<i32>(list + ((<usize>i) << 2));
}

/** Offset, in elements, of the item with this index among the first `count` dimensions in row-major order. */
export function offsetOf(shape: usize, strides: usize, count: i32, index: i32): i32 {
  let offset = 0;
  for (let d = count - 1; d >= 0 && index > 0; d--) {
    const n = listed(shape, d);
    const quotient = index / n;
    offset += (index - quotient * n) * listed(strides, d);
    index = quotient;
  }
  return offset;
}

/**
 * Calls `row` for each piece of a row that the work items [begin, end) cover. The record's slots are
 *
 *   y, operands (pointers) · the functor's fields (floats) · ndim, shape[ndim], strides[ndim] for each operand (ints)
 *
 * `operands` is 1 to 3, `fields` the bytes of the functor, sizeA the element size of the first operand, sizeRest that
 * of the others. This exists once for all kernels: an indirect call costs nanoseconds for a row, where a copy of this
 * function for each kernel would double the binary.
 */
export function walk(
  r: usize,
  begin: i32,
  end: i32,
  operands: i32,
  fields: usize,
  sizeY: usize,
  sizeA: usize,
  sizeRest: usize,
  row: Row,
): void {
  const functor = slot(r, 1 + operands);
  const ndim = load<i32>(functor + fields);
  const shape = functor + fields + 4;
  const list = (<usize>ndim) << 2;
  const stridesA = shape + list;
  // Lists that are not there are read as the first operand's, and what comes of it is not used.
  const stridesB = operands > 1 ? stridesA + list : stridesA;
  const stridesC = operands > 2 ? stridesB + list : stridesA;
  const last = ndim - 1;
  const stepA = <usize>listed(stridesA, last) * sizeA;
  const stepB = <usize>listed(stridesB, last) * sizeRest;
  const stepC = <usize>listed(stridesC, last) * sizeRest;
  const a = pointer(r, 1);
  const b = pointer(r, 2);
  const c = pointer(r, 3);
  let y = pointer(r, 0) + <usize>begin * sizeY;
  if (ndim == 1) {
    const i = <usize>begin;
    row(functor, y, end - begin, a + i * stepA, stepA, b + i * stepB, stepB, c + i * stepC, stepC);
    return;
  }
  const columns = listed(shape, last);
  const lines = listed(shape, last - 1);
  const lineA = <usize>listed(stridesA, last - 1) * sizeA;
  const lineB = <usize>listed(stridesB, last - 1) * sizeRest;
  const lineC = <usize>listed(stridesC, last - 1) * sizeRest;
  while (begin < end) {
    const lineIndex = begin / columns;
    let column = begin - lineIndex * columns;
    const plane = lineIndex / lines;
    let line = lineIndex - plane * lines;
    const i = <usize>line;
    let atA = a + <usize>offsetOf(shape, stridesA, last - 1, plane) * sizeA + i * lineA;
    let atB = b;
    let atC = c;
    if (operands > 1) atB += <usize>offsetOf(shape, stridesB, last - 1, plane) * sizeRest + i * lineB;
    if (operands > 2) atC += <usize>offsetOf(shape, stridesC, last - 1, plane) * sizeRest + i * lineC;
    while (line < lines && begin < end) {
      const n = min(columns - column, end - begin);
      const j = <usize>column;
      row(functor, y, n, atA + j * stepA, stepA, atB + j * stepB, stepB, atC + j * stepC, stepC);
      y += <usize>n * sizeY;
      atA += lineA;
      atB += lineB;
      atC += lineC;
      begin += n;
      column = 0;
      line++;
    }
  }
}
