/**
 * Copies between strided tensors, fills and ranges. Copies ask only for an element's size: b1, b2 and b4 stand for
 * bytes.
 */
import { float, int, pointer, slot } from './launch';
import { bytes } from './simd';
import { listed, offsetOf } from './walk';

/**
 * slots: y, x (pointers) · ndim, shape[ndim], strides of y [ndim], strides of x [ndim] (ints)
 * work:  elements. Which of them an index means is up to the kernel, so only shares of one launch fit together.
 */
export function copy_b4(r: usize, begin: i32, end: i32): void {
  copy<u32>(r, begin, end);
}

export function copy_b2(r: usize, begin: i32, end: i32): void {
  copy<u16>(r, begin, end);
}

export function copy_b1(r: usize, begin: i32, end: i32): void {
  copy<u8>(r, begin, end);
}

function copy<T>(r: usize, begin: i32, end: i32): void {
  const y = pointer(r, 0);
  const x = pointer(r, 1);
  const ndim = int(r, 2);
  const shape = slot(r, 3);
  const stridesY = shape + ((<usize>ndim) << 2);
  const stridesX = stridesY + ((<usize>ndim) << 2);
  // The innermost dimension, and the one around it, of 1 where there is none.
  let columns = listed(shape, ndim - 1);
  let stepY = <usize>listed(stridesY, ndim - 1) * sizeof<T>();
  let stepX = <usize>listed(stridesX, ndim - 1) * sizeof<T>();
  let lines = 1;
  let lineY: usize = 0;
  let lineX: usize = 0;
  if (ndim > 1) {
    lines = listed(shape, ndim - 2);
    lineY = <usize>listed(stridesY, ndim - 2) * sizeof<T>();
    lineX = <usize>listed(stridesX, ndim - 2) * sizeof<T>();
  }
  if (stepY != sizeof<T>() && lineY == sizeof<T>()) {
    // y is contiguous along the other dimension: walk that one inside.
    const n = columns;
    columns = lines;
    lines = n;
    const outerY = stepY;
    stepY = lineY;
    lineY = outerY;
    const outerX = stepX;
    stepX = lineX;
    lineX = outerX;
  }
  const transposed = sizeof<T>() == 4 && stepY == 4 && lineX == 4 && stepX != 4;
  while (begin < end) {
    const lineIndex = begin / columns;
    let column = begin - lineIndex * columns;
    const plane = lineIndex / lines;
    let line = lineIndex - plane * lines;
    const outer = max(ndim - 2, 0);
    let atY = y + <usize>offsetOf(shape, stridesY, outer, plane) * sizeof<T>() + <usize>line * lineY;
    let atX = x + <usize>offsetOf(shape, stridesX, outer, plane) * sizeof<T>() + <usize>line * lineX;
    while (line < lines && begin < end) {
      let taken = 1;
      let n = columns;
      if (transposed && column == 0 && end - begin >= 4 * columns && lines - line >= 4) {
        taken = min(lines - line, (end - begin) / columns) & ~3;
        transpose(atY, atX, lineY, stepX, taken, columns);
      } else {
        n = min(columns - column, end - begin);
        const j = <usize>column;
        copyLine<T>(atY + j * stepY, atX + j * stepX, stepY, stepX, n);
      }
      atY += <usize>taken * lineY;
      atX += <usize>taken * lineX;
      begin += taken * n;
      column = 0;
      line += taken;
    }
  }
}

/** Elements from which the runtime's own copy is worth calling. */
const LONG_LINE: i32 = 64;

function copyLine<T>(y: usize, x: usize, stepY: usize, stepX: usize, n: i32): void {
  if (stepY == sizeof<T>() && stepX == sizeof<T>()) {
    memory.copy(y, x, <usize>n * sizeof<T>());
    return;
  }
  if (stepY == sizeof<T>() && stepX == 0) {
    fill<T>(y, load<T>(x), n);
    return;
  }
  if (stepY == sizeof<T>() && stepX == sizeof<T>() && n >= LONG_LINE) {
    memory.copy(y, x, <usize>n * sizeof<T>());
    return;
  }
  while (n >= 4) {
    const a = load<T>(x);
    const b = load<T>(x + stepX);
    const c = load<T>(x + 2 * stepX);
    const d = load<T>(x + 3 * stepX);
    store<T>(y, a);
    store<T>(y + stepY, b);
    store<T>(y + 2 * stepY, c);
    store<T>(y + 3 * stepY, d);
    x += 4 * stepX;
    y += 4 * stepY;
    n -= 4;
  }
  while (n > 0) {
    store<T>(y, load<T>(x));
    x += stepX;
    y += stepY;
    n--;
  }
}

// Tiles of 32 lines by 32 columns: both sides of one stay in the first cache, and each cache line is used up while
// there.
const TILE: i32 = 32;

/**
 * y[i][j] = x[j][i] for `lines` (a multiple of four) lines of y, each a step further in x, and any number of columns.
 */
function transpose(y: usize, x: usize, lineY: usize, stepX: usize, lines: i32, columns: i32): void {
  for (let i0 = 0; i0 < lines; i0 += TILE) {
    const i1 = min(i0 + TILE, lines);
    for (let j0 = 0; j0 < columns; j0 += TILE) {
      const j1 = min(j0 + TILE, columns);
      for (let i = i0; i < i1; i += 4) {
        transposeFour(y + <usize>i * lineY + bytes(j0), x + bytes(i) + <usize>j0 * stepX, lineY, stepX, j1 - j0);
      }
    }
  }
}

/** Four lines of y from n columns of x. */
function transposeFour(y0: usize, x: usize, lineY: usize, stepX: usize, n: i32): void {
  let y1 = y0 + lineY;
  let y2 = y1 + lineY;
  let y3 = y2 + lineY;
  while (n >= 4) {
    const a = v128.load(x);
    const b = v128.load(x + stepX);
    const c = v128.load(x + 2 * stepX);
    const d = v128.load(x + 3 * stepX);
    const ab01 = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    const ab23 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const cd01 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const cd23 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    v128.store(y0, v128.shuffle<i64>(ab01, cd01, 0, 2));
    v128.store(y1, v128.shuffle<i64>(ab01, cd01, 1, 3));
    v128.store(y2, v128.shuffle<i64>(ab23, cd23, 0, 2));
    v128.store(y3, v128.shuffle<i64>(ab23, cd23, 1, 3));
    x += 4 * stepX;
    y0 += 16;
    y1 += 16;
    y2 += 16;
    y3 += 16;
    n -= 4;
  }
  while (n > 0) {
    const a = v128.load(x);
    v128.store32_lane(y0, a, 0);
    v128.store32_lane(y1, a, 1);
    v128.store32_lane(y2, a, 2);
    v128.store32_lane(y3, a, 3);
    x += stepX;
    y0 += 4;
    y1 += 4;
    y2 += 4;
    y3 += 4;
    n--;
  }
}

// ── fills and ranges ────────────────────────────────────────────────────────────────────────────────────────────────

function fill<T>(y: usize, value: T, n: i32): void {
  const lanes: i32 = 16 / sizeof<T>();
  if (n >= lanes) {
    const v = v128.splat<T>(value);
    const end = y + <usize>n * sizeof<T>() - 16;
    while (y < end) {
      v128.store(y, v);
      y += 16;
    }
    // The last vector overlaps the one before it where the length is not a multiple.
    v128.store(end, v);
    return;
  }
  for (; n > 0; n--) {
    store<T>(y, value);
    y += sizeof<T>();
  }
}

/** slots: y (pointer) · the element's bits, a float's too (int). work: elements of y, which is contiguous. */
export function fill_b4(r: usize, begin: i32, end: i32): void {
  fill<i32>(pointer(r, 0) + bytes(begin), int(r, 1), end - begin);
}

export function fill_b2(r: usize, begin: i32, end: i32): void {
  fill<i16>(pointer(r, 0) + ((<usize>begin) << 1), <i16>int(r, 1), end - begin);
}

export function fill_b1(r: usize, begin: i32, end: i32): void {
  fill<i8>(pointer(r, 0) + <usize>begin, <i8>int(r, 1), end - begin);
}

/**
 * y[i] = start + i · step, computed in double.
 *
 * slots: y (pointer) · start, step (floats)
 * work:  elements of y, which is contiguous
 */
export function arange_f32(r: usize, begin: i32, end: i32): void {
  const start = <f64>float(r, 1);
  const step = <f64>float(r, 2);
  const y = pointer(r, 0);
  for (let i = begin; i < end; i++) store<f32>(y + bytes(i), <f32>(start + <f64>i * step));
}

/** y[i] = start + i · step. slots: y (pointer) · start, step (ints). work: elements of y. */
export function arange_i32(r: usize, begin: i32, end: i32): void {
  const start = int(r, 1);
  const step = int(r, 2);
  const y = pointer(r, 0);
  for (let i = begin; i < end; i++) store<i32>(y + bytes(i), start + i * step);
}
