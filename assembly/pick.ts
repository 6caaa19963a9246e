/**
 * Images put together from rows and columns of others: crops, flips, borders of every kind, enlarging by the nearest pixel.
 * Elements are moved and not looked at, so b1, b2 and b4 stand for bytes.
 */
import { int, pointer, scratch } from './launch';
import { bytes } from './simd';

/**
 * y[n, c, oy, ox] = x[n, c, rows[n, oy], columns[n, ox]], or fill[c] where either of the two is negative.
 *
 * Slots: 0 y [N, C, outH, outW], 1 x [N, C, H, W], 2 rows [N, outH], 3 columns [N, outW], 4 fill [C] of y's elements, 5 C,
 * 6 H, 7 W, 8 outH, 9 outW.
 * Work: N · C planes. Scratch: 16 bytes for each of outW columns.
 */
export function pick_b1(r: usize, begin: i32, end: i32): void {
  pick<u8>(r, begin, end);
}

export function pick_b2(r: usize, begin: i32, end: i32): void {
  pick<u16>(r, begin, end);
}

export function pick_b4(r: usize, begin: i32, end: i32): void {
  pick<u32>(r, begin, end);
}

function pick<T>(r: usize, begin: i32, end: i32): void {
  const channels = int(r, 5);
  const w = int(r, 7);
  const outH = int(r, 8);
  const outW = int(r, 9);
  const inPlane = <usize>(int(r, 6) * w) * sizeof<T>();
  const line = <usize>outW * sizeof<T>();
  let y = pointer(r, 0) + <usize>begin * <usize>outH * line;
  let image = -1;
  let runs = 0;
  for (let plane = begin; plane < end; plane++) {
    const n = plane / channels;
    const columns = pointer(r, 3) + <usize>n * bytes(outW);
    if (n != image) runs = runsOf(columns, outW);
    image = n;
    const x = pointer(r, 1) + <usize>plane * inPlane;
    const fill = load<T>(pointer(r, 4) + <usize>(plane - n * channels) * sizeof<T>());
    const rows = pointer(r, 2) + <usize>n * bytes(outH);
    for (let oy = 0; oy < outH; oy++) {
      const row = load<i32>(rows + bytes(oy));
      const from = x + <usize>(row * w) * sizeof<T>();
      if (row < 0) spread<T>(y, fill, outW);
      else if (runs * 4 > outW) each<T>(y, from, columns, outW, fill);
      else joined<T>(y, from, runs, fill);
      y += line;
    }
  }
}

/** Runs of columns that follow upon one another, in scratch: (first column or -1, step, length). Gives their number. */
function runsOf(columns: usize, n: i32): i32 {
  let run = scratch();
  let count = 0;
  let at = 0;
  while (at < n) {
    const from = load<i32>(columns + bytes(at));
    let length = 1;
    let step = 0;
    if (from < 0) {
      while (at + length < n && load<i32>(columns + bytes(at + length)) < 0) length++;
    } else if (at + 1 < n) {
      step = load<i32>(columns + bytes(at + 1)) - from;
      if (step < -1 || step > 1) step = 1;
      while (at + length < n) {
        const next = from + step * length;
        if (next < 0 || load<i32>(columns + bytes(at + length)) != next) break;
        length++;
      }
    }
    store<i32>(run, max(from, -1));
    store<i32>(run, step, 4);
    store<i32>(run, length, 8);
    run += 16;
    at += length;
    count++;
  }
  return count;
}

function joined<T>(y: usize, x: usize, runs: i32, fill: T): void {
  let run = scratch();
  for (let k = 0; k < runs; k++) {
    const first = load<i32>(run);
    const step = load<i32>(run, 4);
    const n = load<i32>(run, 8);
    const from = x + <usize>first * sizeof<T>();
    if (first < 0) spread<T>(y, fill, n);
    else if (step > 0) memory.copy(y, from, <usize>n * sizeof<T>());
    else if (step < 0) reversed<T>(y, from, n);
    else spread<T>(y, load<T>(from), n);
    y += <usize>n * sizeof<T>();
    run += 16;
  }
}

/** The n elements that end at `last`, from behind. */
function reversed<T>(y: usize, last: usize, n: i32): void {
  const lanes: i32 = 16 / sizeof<T>();
  for (; n >= lanes; n -= lanes) {
    last -= 16;
    const v = v128.load(last, sizeof<T>());
    v128.store(y, i8x16.swizzle(v, orderOf<T>()));
    y += 16;
  }
  for (; n > 0; n--) {
    store<T>(y, load<T>(last));
    last -= sizeof<T>();
    y += sizeof<T>();
  }
}

/** Places of the bytes of a vector whose elements change places. */
// @ts-ignore: decorator
@inline function orderOf<T>(): v128 {
  if (sizeof<T>() == 1) return i8x16(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  if (sizeof<T>() == 2) return i8x16(14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1);
  return i8x16(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
}

function spread<T>(y: usize, value: T, n: i32): void {
  for (; n > 0; n--) {
    store<T>(y, value);
    y += sizeof<T>();
  }
}

function each<T>(y: usize, x: usize, columns: usize, n: i32, fill: T): void {
  for (let k = 0; k < n; k++) {
    const from = load<i32>(columns + bytes(k));
    store<T>(y, from < 0 ? fill : load<T>(x + <usize>from * sizeof<T>()));
    y += sizeof<T>();
  }
}

/**
 * y = x, with values[n, c] within the box (top, left, height, width) of image n, which lies inside the image.
 * Slots: 0 y [N, C, H, W], 1 x, 2 boxes [N, 4], 3 values [N, C] of y's elements, 4 C, 5 H, 6 W. Work: N · C planes.
 */
export function erase_b1(r: usize, begin: i32, end: i32): void {
  erase<u8>(r, begin, end);
}

export function erase_b2(r: usize, begin: i32, end: i32): void {
  erase<u16>(r, begin, end);
}

export function erase_b4(r: usize, begin: i32, end: i32): void {
  erase<u32>(r, begin, end);
}

function erase<T>(r: usize, begin: i32, end: i32): void {
  const channels = int(r, 4);
  const w = int(r, 6);
  const size = <usize>(int(r, 5) * w) * sizeof<T>();
  const first = <usize>begin * size;
  memory.copy(pointer(r, 0) + first, pointer(r, 1) + first, <usize>(end - begin) * size);
  for (let plane = begin; plane < end; plane++) {
    const box = pointer(r, 2) + <usize>(plane / channels) * 16;
    const value = load<T>(pointer(r, 3) + <usize>plane * sizeof<T>());
    const top = load<i32>(box);
    const bottom = top + load<i32>(box, 8);
    for (let row = top; row < bottom; row++) {
      const at = <usize>(row * w + load<i32>(box, 4)) * sizeof<T>();
      spread<T>(pointer(r, 0) + <usize>plane * size + at, value, load<i32>(box, 12));
    }
  }
}
