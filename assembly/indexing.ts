/**
 * Gathering and scattering by an index tensor of i32, and triangles of matrices.
 *
 * Indices are trusted: the host has checked that each lies in [0, n). A scatter gives each thread columns of its own,
 * so that two threads never add to one element and the order of the additions does not depend on how the work is split.
 */
import { int, pointer } from './launch';
import { bytes } from './simd';

/**
 * y[i, :] = x[index[i], :]: an embedding, or indexSelect along the first dimension.
 *
 * slots: y, x, index (pointers) · rows, rowLength (ints)
 * work:  rows of y [rows, rowLength]
 */
export function gatherRows_b4(r: usize, begin: i32, end: i32): void {
  const x = pointer(r, 1);
  const index = pointer(r, 2);
  const n = int(r, 4);
  const rowBytes = bytes(n);
  let y = pointer(r, 0) + <usize>begin * rowBytes;
  for (let i = begin; i < end; i++) {
    copyWords(y, x + <usize>load<i32>(index + bytes(i)) * rowBytes, n);
    y += rowBytes;
  }
}

/**
 * y[index[i], :] = x[i, :], where no index comes twice.
 *
 * slots: y, x, index (pointers) · rows of x, rowLength (ints)
 * work:  rows of x
 */
export function putRows_b4(r: usize, begin: i32, end: i32): void {
  const y = pointer(r, 0);
  const index = pointer(r, 2);
  const n = int(r, 4);
  const rowBytes = bytes(n);
  let x = pointer(r, 1) + <usize>begin * rowBytes;
  for (let i = begin; i < end; i++) {
    copyWords(y + <usize>load<i32>(index + bytes(i)) * rowBytes, x, n);
    x += rowBytes;
  }
}

/** memory.copy is a call out of the module's code: rows of some cache lines are quicker by hand. */
// @ts-ignore: decorator
@inline function copyWords(y: usize, x: usize, n: i32): void {
  if (n > 256) {
    memory.copy(y, x, bytes(n));
    return;
  }
  while (n >= 4) {
    v128.store(y, v128.load(x));
    x += 16;
    y += 16;
    n -= 4;
  }
  while (n > 0) {
    store<u32>(y, load<u32>(x));
    x += 4;
    y += 4;
    n--;
  }
}

/** y += x for n floats. */
// @ts-ignore: decorator
@inline function addFloats(y: usize, x: usize, n: i32): void {
  while (n >= 4) {
    v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
    x += 16;
    y += 16;
    n -= 4;
  }
  while (n > 0) {
    store<f32>(y, load<f32>(y) + load<f32>(x));
    x += 4;
    y += 4;
    n--;
  }
}

/**
 * y[index[i], :] += g[i, :]: the adjoint of gatherRows.
 *
 * slots: y, g, index (pointers) · rows of g, rowLength (ints)
 * work:  columns, rowLength of them
 */
export function scatterAddRows_f32(r: usize, begin: i32, end: i32): void {
  const y = pointer(r, 0) + bytes(begin);
  const g = pointer(r, 1) + bytes(begin);
  const index = pointer(r, 2);
  const rows = int(r, 3);
  const rowBytes = bytes(int(r, 4));
  for (let i = 0; i < rows; i++) {
    addFloats(y + <usize>load<i32>(index + bytes(i)) * rowBytes, g + <usize>i * rowBytes, end - begin);
  }
}

/**
 * y[o, j, i] = x[o, index[o, j, i], i], PyTorch's gather along a dimension, for elements of four bytes.
 *
 * slots: y, x, index (pointers) · outer, nX, nIndex, inner (ints)
 * work:  elements of y [outer, nIndex, inner]; x is [outer, nX, inner]
 */
export function gather_b4(r: usize, begin: i32, end: i32): void {
  const y = pointer(r, 0);
  const x = pointer(r, 1);
  const index = pointer(r, 2);
  const nX = int(r, 4);
  const nIndex = int(r, 5);
  const inner = int(r, 6);
  while (begin < end) {
    const line = begin / inner;
    let column = begin - line * inner;
    const plane = x + bytes((line / nIndex) * nX * inner);
    const stop = min(begin + inner - column, end);
    for (; begin < stop; begin++) {
      const from = load<i32>(index + bytes(begin)) * inner + column;
      store<u32>(y + bytes(begin), load<u32>(plane + bytes(from)));
      column++;
    }
  }
}

function scatterAdd<T>(r: usize, begin: i32, end: i32): void {
  const y = pointer(r, 0);
  const g = pointer(r, 1);
  const index = pointer(r, 2);
  const nY = int(r, 4);
  const nIndex = int(r, 5);
  const inner = int(r, 6);
  while (begin < end) {
    const outer = begin / inner;
    const first = begin - outer * inner;
    const last = min(inner, first + end - begin);
    const plane = y + bytes(outer * nY * inner);
    for (let j = 0; j < nIndex; j++) {
      const line = bytes((outer * nIndex + j) * inner);
      for (let i = first; i < last; i++) {
        const at = line + bytes(i);
        const to = plane + bytes(load<i32>(index + at) * inner + i);
        store<T>(to, <T>(load<T>(to) + load<T>(g + at)));
      }
    }
    begin += last - first;
  }
}

/**
 * y[o, index[o, j, i], i] += g[o, j, i]: PyTorch's scatterAdd along a dimension, and the adjoint of gather.
 *
 * slots: y, g, index (pointers) · outer, nY, nIndex, inner (ints)
 * work:  outer · inner, the columns of y [outer, nY, inner] and g [outer, nIndex, inner]
 */
export function scatterAdd_f32(r: usize, begin: i32, end: i32): void {
  scatterAdd<f32>(r, begin, end);
}

/** The same for integers, modulo 2³². */
export function scatterAdd_i32(r: usize, begin: i32, end: i32): void {
  scatterAdd<i32>(r, begin, end);
}

/**
 * y[o, index[o, j, i], i] = x[o, j, i]: PyTorch's scatter along a dimension. Of several x for one y the last remains.
 * Slots and work: as scatterAdd_f32.
 */
export function scatter_b4(r: usize, begin: i32, end: i32): void {
  const y = pointer(r, 0);
  const x = pointer(r, 1);
  const index = pointer(r, 2);
  const nY = int(r, 4);
  const nIndex = int(r, 5);
  const inner = int(r, 6);
  while (begin < end) {
    const outer = begin / inner;
    const first = begin - outer * inner;
    const last = min(inner, first + end - begin);
    const plane = y + bytes(outer * nY * inner);
    for (let j = 0; j < nIndex; j++) {
      const line = bytes((outer * nIndex + j) * inner);
      for (let i = first; i < last; i++) {
        const at = line + bytes(i);
        store<u32>(plane + bytes(load<i32>(index + at) * inner + i), load<u32>(x + at));
      }
    }
    begin += last - first;
  }
}

/**
 * The lower triangle: y[b, i, j] = x[b, i, j] where j ≤ i + diagonal, else 0. For elements of four bytes.
 *
 * slots: y, x (pointers) · rows, columns, diagonal (ints)
 * work:  batch · rows; both are contiguous, and y may be x
 */
export function tril_f32(r: usize, begin: i32, end: i32): void {
  triangle(r, begin, end, true);
}

/** The upper triangle: y[b, i, j] = x[b, i, j] where j ≥ i + diagonal, else 0. Slots and work: as tril_f32. */
export function triu_f32(r: usize, begin: i32, end: i32): void {
  triangle(r, begin, end, false);
}

function triangle(r: usize, begin: i32, end: i32, lower: bool): void {
  const rows = int(r, 2);
  const columns = int(r, 3);
  const diagonal = int(r, 4);
  for (let line = begin; line < end; line++) {
    const y = pointer(r, 0) + <usize>line * bytes(columns);
    const x = pointer(r, 1) + <usize>line * bytes(columns);
    // Columns up to here belong to the lower triangle for tril, and to what triu clears.
    const split = max(0, min(columns, (line % rows) + diagonal + (lower ? 1 : 0)));
    if (lower) {
      memory.copy(y, x, bytes(split));
      memory.fill(y + bytes(split), 0, bytes(columns - split));
    } else {
      memory.fill(y, 0, bytes(split));
      memory.copy(y + bytes(split), x + bytes(split), bytes(columns - split));
    }
  }
}
