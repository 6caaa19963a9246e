/**
 * Average pooling over planes [H, W], and its gradient. Work items are planes (N · C of them); 1-d pooling is H = 1.
 */
import { pointer } from './launch';
import { endInterior, firstInterior, isHalving, loadApart, Window, windowOf } from './poolwindow';
import { bytes, splat } from './simd';

/**
 * Rows of a window from `start` on that PyTorch counts: padding counts up to the padded edge, ceil mode's excess does
 * not.
 */
// @ts-ignore: decorator
@inline function counted(start: i32, size: i32, inside: i32, padding: i32): i32 {
  return min(start + size, inside + padding) - start;
}

/** What a window of the given rows and columns, of which `inRows` × `inCols` lie inside, divides by. */
// @ts-ignore: decorator
@inline function divisorOf(p: Window, rows: i32, cols: i32, inRows: i32, inCols: i32): f32 {
  if (p.dw != 0) return <f32>p.dw;
  return <f32>(p.dh ? rows * cols : inRows * inCols);
}

/**
 * y = the sum of each window divided by its size: with its padding (countIncludePad), without, or divisorOverride (0:
 * none).
 * Slots: 0 y [planes, OH, OW], 1 x [planes, H, W], 2 planes, 3 H, 4 W, 5 OH, 6 OW, 7 KH, 8 KW, 9 SH, 10 SW, 11 PH, 12
 * PW, 13 countIncludePad (0 or 1), 14 divisorOverride. Work: planes.
 */
export function avgPool2d_f32(r: usize, begin: i32, end: i32): void {
  const p = windowOf(r, 2);
  const first = firstInterior(p);
  const last = endInterior(p, p.kw - 1);
  const fours = last - first >= 4;
  const halves = isHalving(p) && p.ow >= 4;
  for (let plane = begin; plane < end; plane++) {
    let y = pointer(r, 0) + <usize>plane * bytes(p.oh * p.ow);
    const x = pointer(r, 1) + <usize>plane * bytes(p.h * p.w);
    if (halves) {
      halve(p, y, x);
      continue;
    }
    for (let oy = 0; oy < p.oh; oy++) {
      const start = oy * p.sh - p.ph;
      const rows = counted(start, p.kh, p.h, p.ph);
      const top = max(start, 0);
      const bottom = min(start + p.kh, p.h);
      const inner = fours && top < bottom;
      for (let ox = 0; ox < p.ow; ) {
        const from = ox * p.sw - p.pw;
        if (inner && ox >= first && ox < last) {
          // The last four windows overlap the four before.
          ox = min(ox, last - 4);
          const divisor = divisorOf(p, rows, p.kw, bottom - top, p.kw);
          averageOfFour(p, y + bytes(ox), x, top, bottom, ox * p.sw - p.pw, divisor);
          ox += 4;
        } else {
          const left = max(from, 0);
          const right = min(from + p.kw, p.w);
          const cols = counted(from, p.kw, p.w, p.pw);
          let sum: f32 = 0;
          for (let iy = top; iy < bottom; iy++) {
            for (let ix = left; ix < right; ix++) sum += load<f32>(x + bytes(iy * p.w + ix));
          }
          const some = top < bottom && left < right;
          store<f32>(y + bytes(ox), some ? sum / divisorOf(p, rows, cols, bottom - top, right - left) : 0);
          ox++;
        }
      }
      y += bytes(p.ow);
    }
  }
}

function averageOfFour(p: Window, y: usize, x: usize, top: i32, bottom: i32, left: i32, divisor: f32): void {
  let sum = splat(0);
  const right = left + p.kw;
  for (let iy = top; iy < bottom; iy++) {
    for (let ix = left; ix < right; ix++) sum = f32x4.add(sum, loadApart(x + bytes(iy * p.w + ix), p.sw));
  }
  v128.store(y, f32x4.div(sum, splat(divisor)));
}

/** Windows of 2 × 2 side by side, four at a time. */
function halve(p: Window, y: usize, x: usize): void {
  const divisor = splat(divisorOf(p, 2, 2, 2, 2));
  const last = p.ow - 4;
  for (let oy = 0; oy < p.oh; oy++) {
    const row = x + bytes(2 * oy * p.w);
    for (let ox = 0; ; ) {
      const upper = row + bytes(2 * ox);
      const lower = upper + bytes(p.w);
      const a0 = v128.load(upper);
      const a1 = v128.load(upper, 16);
      const b0 = v128.load(lower);
      const b1 = v128.load(lower, 16);
      let sum = f32x4.add(v128.shuffle<i32>(a0, a1, 0, 2, 4, 6), v128.shuffle<i32>(a0, a1, 1, 3, 5, 7));
      sum = f32x4.add(sum, v128.shuffle<i32>(b0, b1, 0, 2, 4, 6));
      sum = f32x4.add(sum, v128.shuffle<i32>(b0, b1, 1, 3, 5, 7));
      v128.store(y + bytes(ox), f32x4.div(sum, divisor));
      if (ox == last) break;
      ox = min(ox + 4, last);
    }
    y += bytes(p.ow);
  }
}

/**
 * dx += dy / divisor over each window, on cleared planes.
 * Slots: 0 dx [planes, H, W], 1 dy [planes, OH, OW], 2… as avgPool2d_f32. Work: planes.
 */
export function avgPool2d_grad_f32(r: usize, begin: i32, end: i32): void {
  const p = windowOf(r, 2);
  const size = bytes(p.h * p.w);
  const halves = isHalving(p) && p.ow >= 4;
  memory.fill(pointer(r, 0) + <usize>begin * size, 0, <usize>(end - begin) * size);
  for (let plane = begin; plane < end; plane++) {
    const dx = pointer(r, 0) + <usize>plane * size;
    let dy = pointer(r, 1) + <usize>plane * bytes(p.oh * p.ow);
    if (halves) {
      spreadHalves(p, dx, dy);
      continue;
    }
    for (let oy = 0; oy < p.oh; oy++) {
      const start = oy * p.sh - p.ph;
      const rows = counted(start, p.kh, p.h, p.ph);
      const top = max(start, 0);
      const bottom = min(start + p.kh, p.h);
      for (let ox = 0; ox < p.ow; ox++) {
        const from = ox * p.sw - p.pw;
        const left = max(from, 0);
        const right = min(from + p.kw, p.w);
        const cols = counted(from, p.kw, p.w, p.pw);
        addToWindow(
          dx,
          p.w,
          top,
          bottom,
          left,
          right,
          load<f32>(dy) / divisorOf(p, rows, cols, bottom - top, right - left),
        );
        dy += 4;
      }
    }
  }
}

function addToWindow(dx: usize, w: i32, top: i32, bottom: i32, left: i32, right: i32, g: f32): void {
  for (let iy = top; iy < bottom; iy++) {
    let to = dx + bytes(iy * w + left);
    const stop = dx + bytes(iy * w + right);
    for (; to < stop; to += 4) store<f32>(to, load<f32>(to) + g);
  }
}

/** Windows of 2 × 2 side by side do not overlap: every one writes its four places, four windows at a time. */
function spreadHalves(p: Window, dx: usize, dy: usize): void {
  const divisor = splat(divisorOf(p, 2, 2, 2, 2));
  const last = p.ow - 4;
  for (let oy = 0; oy < p.oh; oy++) {
    const row = dx + bytes(2 * oy * p.w);
    for (let ox = 0; ; ) {
      const g = f32x4.div(v128.load(dy + bytes(ox)), divisor);
      const a = v128.shuffle<i32>(g, g, 0, 0, 1, 1);
      const b = v128.shuffle<i32>(g, g, 2, 2, 3, 3);
      const upper = row + bytes(2 * ox);
      const lower = upper + bytes(p.w);
      v128.store(upper, a);
      v128.store(upper, b, 16);
      v128.store(lower, a);
      v128.store(lower, b, 16);
      if (ox == last) break;
      ox = min(ox + 4, last);
    }
    dy += bytes(p.ow);
  }
}
