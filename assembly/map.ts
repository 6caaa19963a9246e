/**
 * One operand in, one result out: the loops under every unary kernel.
 *
 * A kernel is a functor class and one line. The functor's method v maps a vector to a vector, and the compiler inlines
 * it; its fields, if it has any, are the launch record's float slots, read in place.
 *
 *   slots: y, x (pointers) · one for each field of the functor (floats) · ndim, shape[ndim], strides of x [ndim] (ints)
 *   work:  elements of y, which is contiguous; y may be x where x is contiguous and of the same element size
 */
import { gather, laneCount, loadLanes, storeFew, storeLanes } from './lanes';
import { walk } from './walk';

export function map<X, Y, F>(r: usize, begin: i32, end: i32): void {
  walk(r, begin, end, 1, offsetof<F>(), sizeof<Y>(), sizeof<X>(), 0, (f, y, n, x, step, b, stepB, c, stepC) => {
    mapRow<X, Y, F>(f, y, n, x, step);
  });
}

/** For float32 functions that are long and much used: four vectors an iteration where map has two. */
export function mapLong<F>(r: usize, begin: i32, end: i32): void {
  walk(r, begin, end, 1, offsetof<F>(), 4, 4, 0, (f, y, n, x, step, b, stepB, c, stepC) => {
    mapLongRow<F>(f, y, n, x, step);
  });
}

/** For functors whose method v holds only for usual inputs: see mapGuardedRow. */
export function mapGuarded<F>(r: usize, begin: i32, end: i32): void {
  walk(r, begin, end, 1, offsetof<F>(), 4, 4, 0, (f, y, n, x, step, b, stepB, c, stepC) => {
    mapGuardedRow<F>(f, y, n, x, step);
  });
}

/**
 * Two vectors an iteration, so that the compiler interleaves two chains of dependent instructions. What is left, and
 * what is not contiguous, passes through the same vector code, so that an element's bits do not depend on its place.
 */
function mapRow<X, Y, F>(functor: usize, y: usize, n: i32, x: usize, step: usize): void {
  const f = changetype<F>(functor);
  const lanes = laneCount<X, Y>();
  if (step == sizeof<X>()) {
    while (n >= 2 * lanes) {
      const a = f.v(loadLanes<X, Y>(x));
      const b = f.v(loadLanes<X, Y>(x + lanes * sizeof<X>()));
      storeLanes<X, Y>(y, a);
      storeLanes<X, Y>(y + lanes * sizeof<Y>(), b);
      x += 2 * lanes * sizeof<X>();
      y += 2 * lanes * sizeof<Y>();
      n -= 2 * lanes;
    }
  }
  if (lanes == 16) {
    while (n > 0) {
      v128.store8_lane(y, f.v(v128.load8_splat(x)), 0);
      x += step;
      y++;
      n--;
    }
  } else {
    while (n > 0) {
      const k = min(n, 4);
      storeFew<Y>(y, f.v(gather<X>(x, step, k)), k);
      x += 4 * step;
      y += 4 * sizeof<Y>();
      n -= 4;
    }
  }
}

/** The same with twice the chains: a processor's window is too short to see the next iteration of a long function. */
function mapLongRow<F>(functor: usize, y: usize, n: i32, x: usize, step: usize): void {
  const f = changetype<F>(functor);
  if (step == 4) {
    while (n >= 16) {
      const a = f.v(v128.load(x));
      const b = f.v(v128.load(x, 16));
      const c = f.v(v128.load(x, 32));
      const d = f.v(v128.load(x, 48));
      v128.store(y, a);
      v128.store(y, b, 16);
      v128.store(y, c, 32);
      v128.store(y, d, 48);
      x += 64;
      y += 64;
      n -= 16;
    }
  }
  while (n > 0) {
    const k = min(n, 4);
    storeFew<f32>(y, f.v(gather<f32>(x, step, k)), k);
    x += 4 * step;
    y += 16;
    n -= 4;
  }
}

/**
 * mapRow for functions with rare inputs that cost much (a logarithm's zero, a sine's 1e30). The functor has three
 * methods: v, the usual case; rare, a mask of the lanes where v does not hold; mend(x, y), which corrects those lanes
 * of y = v(x) and leaves the others as they are.
 */
function mapGuardedRow<F>(functor: usize, y: usize, n: i32, x: usize, step: usize): void {
  const f = changetype<F>(functor);
  if (step == 4) {
    while (n >= 8) {
      const x0 = v128.load(x);
      const x1 = v128.load(x, 16);
      let a = f.v(x0);
      let b = f.v(x1);
      if (v128.any_true(v128.or(f.rare(x0), f.rare(x1)))) {
        a = f.mend(x0, a);
        b = f.mend(x1, b);
      }
      v128.store(y, a);
      v128.store(y, b, 16);
      x += 32;
      y += 32;
      n -= 8;
    }
  }
  while (n > 0) {
    const k = min(n, 4);
    const x0 = gather<f32>(x, step, k);
    let a = f.v(x0);
    if (v128.any_true(f.rare(x0))) a = f.mend(x0, a);
    storeFew<f32>(y, a, k);
    x += 4 * step;
    y += 16;
    n -= 4;
  }
}
