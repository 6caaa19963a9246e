/** Products, extremes, counts and the sums of integers, by folding. Slots and work: see fold.ts. */
import { fold } from './fold';
import { constant, maximum, minimum, ZERO } from './math';

@unmanaged
class Product {
  @inline start(): v128 {
    return f32x4.splat(1);
  }

  @inline join(a: v128, x: v128): v128 {
    return f32x4.mul(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}

export function prod_f32(r: usize, begin: i32, end: i32): void {
  fold<f32, Product>(r, begin, end);
}

/** NaN if any element is. */
@unmanaged
export class Largest {
  @inline start(): v128 {
    return f32x4.splat(-Infinity);
  }

  @inline join(a: v128, x: v128): v128 {
    return maximum(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return maximum(a, b);
  }
}

export function max_f32(r: usize, begin: i32, end: i32): void {
  fold<f32, Largest>(r, begin, end);
}

/** NaN if any element is. */
@unmanaged
class Smallest {
  @inline start(): v128 {
    return f32x4.splat(Infinity);
  }

  @inline join(a: v128, x: v128): v128 {
    return minimum(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return minimum(a, b);
  }
}

export function min_f32(r: usize, begin: i32, end: i32): void {
  fold<f32, Smallest>(r, begin, end);
}

/** How many elements are not 0; NaN is not. The result is i32. */
@unmanaged
class CountNonzero {
  @inline start(): v128 {
    return i32x4.splat(0);
  }

  @inline join(a: v128, x: v128): v128 {
    return i32x4.sub(a, f32x4.ne(x, constant(ZERO)));
  }

  @inline merge(a: v128, b: v128): v128 {
    return i32x4.add(a, b);
  }
}

export function countNonzero_f32(r: usize, begin: i32, end: i32): void {
  fold<f32, CountNonzero>(r, begin, end);
}

// ── integers, modulo 2³² ────────────────────────────────────────────────────────────────────────────────────────────

@unmanaged
class SumInt {
  @inline start(): v128 {
    return i32x4.splat(0);
  }

  @inline join(a: v128, x: v128): v128 {
    return i32x4.add(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return i32x4.add(a, b);
  }
}

export function sum_i32(r: usize, begin: i32, end: i32): void {
  fold<i32, SumInt>(r, begin, end);
}

@unmanaged
class ProductInt {
  @inline start(): v128 {
    return i32x4.splat(1);
  }

  @inline join(a: v128, x: v128): v128 {
    return i32x4.mul(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return i32x4.mul(a, b);
  }
}

export function prod_i32(r: usize, begin: i32, end: i32): void {
  fold<i32, ProductInt>(r, begin, end);
}

@unmanaged
class LargestInt {
  @inline start(): v128 {
    return i32x4.splat(i32.MIN_VALUE);
  }

  @inline join(a: v128, x: v128): v128 {
    return i32x4.max_s(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return i32x4.max_s(a, b);
  }
}

export function max_i32(r: usize, begin: i32, end: i32): void {
  fold<i32, LargestInt>(r, begin, end);
}

@unmanaged
class SmallestInt {
  @inline start(): v128 {
    return i32x4.splat(i32.MAX_VALUE);
  }

  @inline join(a: v128, x: v128): v128 {
    return i32x4.min_s(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return i32x4.min_s(a, b);
  }
}

export function min_i32(r: usize, begin: i32, end: i32): void {
  fold<i32, SmallestInt>(r, begin, end);
}

// ── booleans ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** 1 if any element is not 0. */
@unmanaged
class Any {
  @inline start(): v128 {
    return i8x16.splat(0);
  }

  @inline join(a: v128, x: v128): v128 {
    return v128.or(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return v128.or(a, b);
  }
}

export function any_u8(r: usize, begin: i32, end: i32): void {
  fold<u8, Any>(r, begin, end);
}

/** 1 if no element is 0. */
@unmanaged
class All {
  @inline start(): v128 {
    return i8x16.splat(-1);
  }

  @inline join(a: v128, x: v128): v128 {
    return i8x16.min_u(a, x);
  }

  @inline merge(a: v128, b: v128): v128 {
    return i8x16.min_u(a, b);
  }
}

export function all_u8(r: usize, begin: i32, end: i32): void {
  fold<u8, All>(r, begin, end);
}
