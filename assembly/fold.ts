/**
 * Reductions: x is contiguous [outer, red, inner], y is [outer, inner], and red is reduced away.
 *
 *   slots: y, x (pointers) · outer, red, inner (ints)
 *   work:  outer · inner, the elements of y
 *
 * Where inner is 1 a line of x is folded along itself, several vectors at a time; elsewhere neighbouring columns are
 * folded side by side, one lane each. Every element of y is computed from beginning to end in an order that depends on
 * the shape alone, so the bits do not depend on how the work is split.
 */
import { int, pointer } from './launch';
import { gather, loadUpToFour, storeFew } from './lanes';
import { choose } from './math';

/** Reduces n contiguous elements of x to one element of y. */
type Line = (r: usize, y: usize, x: usize, n: i32) => void;
/** Reduces `columns` neighbouring columns of n elements, `step` bytes apart, to as many elements of y. */
type Strip = (r: usize, y: usize, x: usize, n: i32, step: usize, columns: i32) => void;

/** Calls `line` or `strip` for the work items [begin, end). `layout` is the slot of outer. */
export function reduceOver(
  r: usize,
  begin: i32,
  end: i32,
  layout: usize,
  sizeX: usize,
  sizeY: usize,
  line: Line,
  strip: Strip,
): void {
  const red = int(r, layout + 1);
  const inner = int(r, layout + 2);
  const x = pointer(r, 1);
  let y = pointer(r, 0) + <usize>begin * sizeY;
  if (inner == 1) {
    const lineBytes = <usize>red * sizeX;
    let at = x + <usize>begin * lineBytes;
    for (; begin < end; begin++) {
      line(r, y, at, red);
      y += sizeY;
      at += lineBytes;
    }
    return;
  }
  const step = <usize>inner * sizeX;
  while (begin < end) {
    const outer = begin / inner;
    const column = begin - outer * inner;
    const columns = min(inner - column, end - begin);
    strip(r, y, x + <usize>outer * <usize>red * step + <usize>column * sizeX, red, step, columns);
    y += <usize>columns * sizeY;
    begin += columns;
  }
}

// A sliding window over these words is a mask of the first k lanes: it begins 4 · (4 − k) bytes in.
const LANE_MASKS: usize = memory.data<u32>([0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0, 0]);

/** Mask of the first k lanes, 0 ≤ k ≤ 4. */
// @ts-ignore: decorator
@inline export function firstLanes(k: i32): v128 {
  return v128.load(LANE_MASKS + ((<usize>(4 - k)) << 2));
}

/**
 * Folds with a functor of three methods: start, the accumulator of nothing; join, which takes a vector of elements into
 * an accumulator; merge of two accumulators. X is u8 for sixteen lanes of 8 bits, else there are four of 32. A fold of
 * bytes gives a bool, 1 where its accumulator is not 0.
 */
export function fold<X, F>(r: usize, begin: i32, end: i32): void {
  reduceOver(
    r,
    begin,
    end,
    2,
    sizeof<X>(),
    sizeof<X>(),
    (r, y, x, n) => {
      const value = foldLine<X, F>(x, n);
      if (sizeof<X>() == 1) v128.store8_lane(y, isNotZero(value), 0);
      else v128.store32_lane(y, value, 0);
    },
    (r, y, x, n, step, columns) => {
      if (sizeof<X>() == 1) foldByteStrip<F>(y, x, n, step, columns);
      else foldStrip<F>(y, x, n, step, columns);
    },
  );
}

/** The fold of n contiguous elements, in lane 0. */
export function foldLine<X, F>(x: usize, n: i32): v128 {
  const f = changetype<F>(0);
  const lanes: i32 = 16 / sizeof<X>();
  let a = f.start();
  if (n >= 4 * lanes) {
    let b = a;
    let c = a;
    let d = a;
    while (n >= 4 * lanes) {
      a = f.join(a, v128.load(x));
      b = f.join(b, v128.load(x, 16));
      c = f.join(c, v128.load(x, 32));
      d = f.join(d, v128.load(x, 48));
      x += 64;
      n -= 4 * lanes;
    }
    a = f.merge(f.merge(a, b), f.merge(c, d));
  }
  while (n >= lanes) {
    a = f.join(a, v128.load(x));
    x += 16;
    n -= lanes;
  }
  if (sizeof<X>() == 1) {
    // The folds of bytes do not mind an element taken more than once.
    for (; n > 0; n--) a = f.join(a, v128.load8_splat(x++));
  } else if (n > 0) {
    a = choose(firstLanes(n), f.join(a, gather<X>(x, 4, n)), a);
  }
  a = f.merge(a, v128.shuffle<i64>(a, a, 1, 0));
  a = f.merge(a, v128.shuffle<i32>(a, a, 1, 0, 3, 2));
  if (sizeof<X>() == 1) {
    a = f.merge(a, v128.shuffle<i16>(a, a, 1, 0, 3, 2, 5, 4, 7, 6));
    a = f.merge(a, v128.shuffle<i8>(a, a, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
  }
  return a;
}

// Rows of a column strip that are folded before the next columns are. The result waits in y meanwhile, and memory is
// read in the order in which it lies.
const ROW_BLOCK: i32 = 32;

function foldStrip<F>(y: usize, x: usize, n: i32, step: usize, columns: i32): void {
  const f = changetype<F>(0);
  const panel = (<usize>(columns & ~15)) << 2;
  for (let j: usize = 0; j < panel; j += 16) v128.store(y + j, f.start());
  let rows = x;
  for (let left = n; left > 0; left -= ROW_BLOCK) {
    const size = min(left, ROW_BLOCK);
    for (let j: usize = 0; j < panel; j += 64) {
      const to = y + j;
      let a = v128.load(to);
      let b = v128.load(to, 16);
      let c = v128.load(to, 32);
      let d = v128.load(to, 48);
      let at = rows + j;
      for (let i = size; i > 0; i--) {
        a = f.join(a, v128.load(at));
        b = f.join(b, v128.load(at, 16));
        c = f.join(c, v128.load(at, 32));
        d = f.join(d, v128.load(at, 48));
        at += step;
      }
      v128.store(to, a);
      v128.store(to, b, 16);
      v128.store(to, c, 32);
      v128.store(to, d, 48);
    }
    rows += <usize>size * step;
  }
  x += panel;
  y += panel;
  columns &= 15;
  while (columns > 0) {
    const k = min(columns, 4);
    let a = f.start();
    let at = x;
    for (let i = n; i > 0; i--) {
      a = f.join(a, loadUpToFour(at, k));
      at += step;
    }
    storeFew<f32>(y, a, k);
    x += 16;
    y += 16;
    columns -= 4;
  }
}

/** 1 in the lanes of 8 bits that are not 0. */
// @ts-ignore: decorator
@inline function isNotZero(a: v128): v128 {
  return v128.andnot(i8x16.splat(1), i8x16.eq(a, i8x16.splat(0)));
}

function foldByteStrip<F>(y: usize, x: usize, n: i32, step: usize, columns: i32): void {
  const f = changetype<F>(0);
  while (columns > 0) {
    const whole = columns >= 16;
    let a = f.start();
    let at = x;
    for (let i = n; i > 0; i--) {
      a = f.join(a, whole ? v128.load(at) : v128.load8_splat(at));
      at += step;
    }
    a = isNotZero(a);
    if (whole) v128.store(y, a);
    else v128.store8_lane(y, a, 0);
    const taken = whole ? 16 : 1;
    x += taken;
    y += taken;
    columns -= taken;
  }
}
