/**
 * Cumulative sums and products along the middle of [outer, red, inner]. y has x's shape and may be x.
 *
 *   slots: y, x (pointers) · outer, red, inner (ints)
 *   work:  outer · inner, the sequences
 *
 * The running value is kept in double and rounded for each element, as PyTorch does, so a long sequence does not drift.
 */
import { int, pointer } from './launch';
import { highWide, joinWide, lowWide } from './wide';

/** A functor has start, s(a, x) for one double and v(a, x) for two. */
function scan<F>(r: usize, begin: i32, end: i32): void {
  const f = changetype<F>(0);
  const red = int(r, 3);
  const inner = int(r, 4);
  const step = (<usize>inner) << 2;
  while (begin < end) {
    const outer = begin / inner;
    const column = begin - outer * inner;
    const offset = (<usize>outer * <usize>red * <usize>inner + <usize>column) << 2;
    let y = pointer(r, 0) + offset;
    let x = pointer(r, 1) + offset;
    if (min(inner - column, end - begin) >= 4) {
      let low = f64x2.splat(f.start());
      let high = low;
      for (let i = red; i > 0; i--) {
        const v = v128.load(x);
        low = f.v(low, lowWide(v));
        high = f.v(high, highWide(v));
        v128.store(y, joinWide(low, high));
        x += step;
        y += step;
      }
      begin += 4;
    } else {
      let a = f.start();
      for (let i = red; i > 0; i--) {
        a = f.s(a, <f64>load<f32>(x));
        store<f32>(y, <f32>a);
        x += step;
        y += step;
      }
      begin++;
    }
  }
}

@unmanaged
class RunningSum {
  @inline start(): f64 {
    return 0;
  }

  @inline s(a: f64, x: f64): f64 {
    return a + x;
  }

  @inline v(a: v128, x: v128): v128 {
    return f64x2.add(a, x);
  }
}

export function cumsum_f32(r: usize, begin: i32, end: i32): void {
  scan<RunningSum>(r, begin, end);
}

@unmanaged
class RunningProduct {
  @inline start(): f64 {
    return 1;
  }

  @inline s(a: f64, x: f64): f64 {
    return a * x;
  }

  @inline v(a: v128, x: v128): v128 {
    return f64x2.mul(a, x);
  }
}

export function cumprod_f32(r: usize, begin: i32, end: i32): void {
  scan<RunningProduct>(r, begin, end);
}

/** The same for integers, modulo 2³². A functor has start and s(a, x). */
function scanInt<F>(r: usize, begin: i32, end: i32): void {
  const f = changetype<F>(0);
  const red = int(r, 3);
  const inner = int(r, 4);
  const step = (<usize>inner) << 2;
  for (; begin < end; begin++) {
    const outer = begin / inner;
    const offset = (<usize>outer * <usize>red * <usize>inner + <usize>(begin - outer * inner)) << 2;
    let y = pointer(r, 0) + offset;
    let x = pointer(r, 1) + offset;
    let a = f.start();
    for (let i = red; i > 0; i--) {
      a = f.s(a, load<i32>(x));
      store<i32>(y, a);
      x += step;
      y += step;
    }
  }
}

@unmanaged
class RunningSumInt {
  @inline start(): i32 {
    return 0;
  }

  @inline s(a: i32, x: i32): i32 {
    return a + x;
  }
}

export function cumsum_i32(r: usize, begin: i32, end: i32): void {
  scanInt<RunningSumInt>(r, begin, end);
}

@unmanaged
class RunningProductInt {
  @inline start(): i32 {
    return 1;
  }

  @inline s(a: i32, x: i32): i32 {
    return a * x;
  }
}

export function cumprod_i32(r: usize, begin: i32, end: i32): void {
  scanInt<RunningProductInt>(r, begin, end);
}
