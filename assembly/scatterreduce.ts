/** Scattering that combines what meets in one place by other means than a sum. */
import { int, pointer } from './launch';
import { bytes } from './simd';

/** A functor has of(a, x): what becomes of a when x arrives. */
function scatterReduce<T, F>(r: usize, begin: i32, end: i32): void {
  const f = changetype<F>(0);
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
        const to = plane + bytes(load<i32>(index + at) * inner + i);
        store<T>(to, f.of(load<T>(to), load<T>(x + at)));
      }
    }
    begin += last - first;
  }
}

@unmanaged
class Product<T> {
  @inline of(a: T, x: T): T {
    return <T>(a * x);
  }
}

@unmanaged
class Largest<T> {
  @inline of(a: T, x: T): T {
    return max<T>(a, x);
  }
}

@unmanaged
class Smallest<T> {
  @inline of(a: T, x: T): T {
    return min<T>(a, x);
  }
}

/**
 * y[o, index[o, j, i], i] *= x[o, j, i]: PyTorch's scatterReduce along a dimension, by products. In those by extremes a NaN
 * remains.
 *
 * slots: y, x, index (pointers) · outer, nY, nIndex, inner (ints)
 * work:  outer · inner, the columns of y [outer, nY, inner] and x [outer, nIndex, inner]
 */
export function scatterProd_f32(r: usize, begin: i32, end: i32): void {
  scatterReduce<f32, Product<f32>>(r, begin, end);
}

export function scatterProd_i32(r: usize, begin: i32, end: i32): void {
  scatterReduce<i32, Product<i32>>(r, begin, end);
}

export function scatterMax_f32(r: usize, begin: i32, end: i32): void {
  scatterReduce<f32, Largest<f32>>(r, begin, end);
}

export function scatterMax_i32(r: usize, begin: i32, end: i32): void {
  scatterReduce<i32, Largest<i32>>(r, begin, end);
}

export function scatterMin_f32(r: usize, begin: i32, end: i32): void {
  scatterReduce<f32, Smallest<f32>>(r, begin, end);
}

export function scatterMin_i32(r: usize, begin: i32, end: i32): void {
  scatterReduce<i32, Smallest<i32>>(r, begin, end);
}
