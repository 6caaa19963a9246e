/** What windows of a plane hold, added up where the windows overlap. Work items are planes [H, W]; 1-d is H = 1. */
import { pointer } from './launch';
import { Window, windowOf } from './poolwindow';
import { bytes } from './simd';

/**
 * x[iy, ix] = Σ columns[i, j, oy, ox] over all windows (oy, ox) and their places (i, j) with oy · SH - PH + i · DH = iy
 * and ox · SW - PW + j · DW = ix; what falls outside the plane is left out. The sum runs over i, then j.
 * Slots: 0 x [planes, H, W], 1 columns [planes, KH, KW, OH, OW], 2 planes, 3 H, 4 W, 5 OH, 6 OW, 7 KH, 8 KW, 9 SH, 10
 * SW, 11 PH, 12 PW, 13 DH, 14 DW. Work: planes.
 */
export function fold_f32(r: usize, begin: i32, end: i32): void {
  const p = windowOf(r, 2);
  const size = bytes(p.h * p.w);
  const windows = bytes(p.oh * p.ow);
  memory.fill(pointer(r, 0) + <usize>begin * size, 0, <usize>(end - begin) * size);
  let from = pointer(r, 1) + <usize>begin * <usize>(p.kh * p.kw) * windows;
  for (let plane = begin; plane < end; plane++) {
    const x = pointer(r, 0) + <usize>plane * size;
    for (let i = 0; i < p.kh; i++) {
      for (let j = 0; j < p.kw; j++) {
        addPlace(p, x, from, i * p.dh - p.ph, j * p.dw - p.pw);
        from += windows;
      }
    }
  }
}

/** Adds one place of every window: that of window (oy, ox) stands at (oy · SH + top, ox · SW + left). */
function addPlace(p: Window, x: usize, from: usize, top: i32, left: i32): void {
  const firstRow = firstInside(top, p.sh);
  const endRow = endInside(top, p.h, p.sh, p.oh);
  const first = firstInside(left, p.sw);
  const end = endInside(left, p.w, p.sw, p.ow);
  if (first >= end) return;
  for (let oy = firstRow; oy < endRow; oy++) {
    const to = x + bytes((oy * p.sh + top) * p.w + first * p.sw + left);
    addLine(to, from + bytes(oy * p.ow + first), end - first, p.sw);
  }
}

function addLine(to: usize, from: usize, n: i32, stride: i32): void {
  if (stride == 1) {
    for (; n >= 4; n -= 4) {
      v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
      to += 16;
      from += 16;
    }
  }
  const step = bytes(stride);
  for (; n > 0; n--) {
    store<f32>(to, load<f32>(to) + load<f32>(from));
    to += step;
    from += 4;
  }
}

/** The first window whose place, `offset` from where it begins, is not before 0. */
// @ts-ignore: decorator
@inline function firstInside(offset: i32, stride: i32): i32 {
  return offset >= 0 ? 0 : (stride - 1 - offset) / stride;
}

/** One behind the last of `count` windows whose place is before `size`. */
// @ts-ignore: decorator
@inline function endInside(offset: i32, size: i32, stride: i32, count: i32): i32 {
  const room = size - 1 - offset;
  return room < 0 ? 0 : min(count, room / stride + 1);
}
