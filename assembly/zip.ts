/**
 * Two operands in, one result out: the loops under every binary kernel, with broadcasting.
 *
 * As in map.ts a kernel is a functor class and one line; v maps two vectors to one. A functor whose v is long leaves
 * the decorator off, and its code then stands once instead of in each of the five loops.
 *
 *   slots: y, a, b (pointers) · one for each field of the functor (floats)
 *          · ndim, shape[ndim], strides of a [ndim], strides of b [ndim] (ints)
 *   work:  elements of y, which is contiguous; y may be an operand that is contiguous and of the same element size
 */
import { gather, laneCount, loadLanes, loadSplat, storeFew, storeLanes } from './lanes';
import { walk } from './walk';

/** X is the element type of both operands, Y the result's, F the functor. */
export function zip<X, Y, F>(r: usize, begin: i32, end: i32): void {
  walk(
    r,
    begin,
    end,
    2,
    offsetof<F>(),
    sizeof<Y>(),
    sizeof<X>(),
    sizeof<X>(),
    (f, y, n, a, stepA, b, stepB, c, stepC) => {
      zipRow<X, Y, F>(f, y, n, a, stepA, b, stepB);
    },
  );
}

/** For float32 functions that are long: the fast loop is for two contiguous operands, and all else is gathered. */
export function zipLong<F>(r: usize, begin: i32, end: i32): void {
  walk(r, begin, end, 2, offsetof<F>(), 4, 4, 4, (f, y, n, a, stepA, b, stepB, c, stepC) => {
    zipLongRow<F>(f, y, n, a, stepA, b, stepB);
  });
}

function zipRow<X, Y, F>(functor: usize, y: usize, n: i32, a: usize, stepA: usize, b: usize, stepB: usize): void {
  const f = changetype<F>(functor);
  const lanes = laneCount<X, Y>();
  const strideX: usize = lanes * sizeof<X>();
  const strideY: usize = lanes * sizeof<Y>();
  if (stepA == sizeof<X>() && stepB == sizeof<X>()) {
    while (n >= 2 * lanes) {
      const p = f.v(loadLanes<X, Y>(a), loadLanes<X, Y>(b));
      const q = f.v(loadLanes<X, Y>(a + strideX), loadLanes<X, Y>(b + strideX));
      storeLanes<X, Y>(y, p);
      storeLanes<X, Y>(y + strideY, q);
      a += 2 * strideX;
      b += 2 * strideX;
      y += 2 * strideY;
      n -= 2 * lanes;
    }
  } else if (stepA == sizeof<X>() && stepB == 0) {
    const scalar = loadSplat<X, Y>(b);
    while (n >= lanes) {
      storeLanes<X, Y>(y, f.v(loadLanes<X, Y>(a), scalar));
      a += strideX;
      y += strideY;
      n -= lanes;
    }
  } else if (stepA == 0 && stepB == sizeof<X>()) {
    const scalar = loadSplat<X, Y>(a);
    while (n >= lanes) {
      storeLanes<X, Y>(y, f.v(scalar, loadLanes<X, Y>(b)));
      b += strideX;
      y += strideY;
      n -= lanes;
    }
  }
  if (lanes == 16) {
    while (n > 0) {
      v128.store8_lane(y, f.v(v128.load8_splat(a), v128.load8_splat(b)), 0);
      a += stepA;
      b += stepB;
      y++;
      n--;
    }
  } else {
    while (n > 0) {
      const k = min(n, 4);
      storeFew<Y>(y, f.v(gather<X>(a, stepA, k), gather<X>(b, stepB, k)), k);
      a += 4 * stepA;
      b += 4 * stepB;
      y += 4 * sizeof<Y>();
      n -= 4;
    }
  }
}

function zipLongRow<F>(functor: usize, y: usize, n: i32, a: usize, stepA: usize, b: usize, stepB: usize): void {
  const f = changetype<F>(functor);
  if (stepA == 4 && stepB == 4) {
    while (n >= 8) {
      const p = f.v(v128.load(a), v128.load(b));
      const q = f.v(v128.load(a, 16), v128.load(b, 16));
      v128.store(y, p);
      v128.store(y, q, 16);
      a += 32;
      b += 32;
      y += 32;
      n -= 8;
    }
  }
  while (n > 0) {
    const k = min(n, 4);
    storeFew<f32>(y, f.v(gather<f32>(a, stepA, k), gather<f32>(b, stepB, k)), k);
    a += 4 * stepA;
    b += 4 * stepB;
    y += 16;
    n -= 4;
  }
}
