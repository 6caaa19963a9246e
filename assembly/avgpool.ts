/**
 * Average pooling over planes [H, W], and its gradient. Work items are planes (N · C of them); 1-d pooling is H = 1.
 */
import { pointer, scratch } from './launch';
import { isHalving, loadApart, plainSpanOf, Window, windowOf } from './poolwindow';
import { loadUpTo4, storeUpTo4 } from './row';
import { bytes, splat } from './simd';

/**
 * Rows of a window from `start` on that PyTorch counts: padding counts up to the padded edge, ceil mode's excess does
 * not.
 */
// @ts-ignore: decorator
@inline function counted(start: i32, size: i32, inside: i32, padding: i32): i32 {
  return min(start + size, inside + padding) - start;
}

/** The part of a divisor that a window's columns make, for each window of a line, whole fours of them. */
function columnDivisors(p: Window, to: usize): void {
  for (let ox = 0; ox < ((p.ow + 3) & ~3); ox++) {
    const from = ox * p.sw - p.pw;
    const inside = min(from + p.kw, p.w) - max(from, 0);
    // A window without an element inside has the sum 0, whatever divides it.
    const cols = p.dh ? counted(from, p.kw, p.w, p.pw) : inside;
    const some = inside > 0 ? cols : 1;
    store<f32>(to + bytes(ox), <f32>some);
  }
}

/** Divisors of four windows, given the part of their rows. */
// @ts-ignore: decorator
@inline function divisors(p: Window, rows: i32, columns: usize): v128 {
  return p.dw != 0 ? splat(<f32>p.dw) : f32x4.mul(splat(<f32>rows), v128.load(columns));
}

/**
 * y = the sum of each window divided by its size: with its padding (countIncludePad), without, or divisorOverride (0:
 * none).
 * Slots: 0 y [planes, OH, OW], 1 x [planes, H, W], 2 planes, 3 H, 4 W, 5 OH, 6 OW, 7 KH, 8 KW, 9 SH, 10 SW, 11 PH, 12
 * PW, 13 countIncludePad (0 or 1), 14 divisorOverride. Work: planes. Scratch: 4 (plainSpanOf + OW + 4) bytes.
 *
 * The columns of a line of windows are summed into a row with zeros on both sides, and neighbours there are the windows'
 * sums: KH + KW steps for each window instead of KH · KW.
 */
export function avgPool2d_f32(r: usize, begin: i32, end: i32): void {
  const p = windowOf(r, 2);
  const halves = isHalving(p) && p.ow >= 4;
  const sums = scratch();
  const columns = sums + bytes(plainSpanOf(p));
  if (!halves) {
    memory.fill(sums, 0, bytes(plainSpanOf(p)));
    columnDivisors(p, columns);
  }
  for (let plane = begin; plane < end; plane++) {
    let y = pointer(r, 0) + <usize>plane * bytes(p.oh * p.ow);
    const x = pointer(r, 1) + <usize>plane * bytes(p.h * p.w);
    if (halves) {
      halve(p, y, x);
      continue;
    }
    for (let oy = 0; oy < p.oh; oy++) {
      const start = oy * p.sh - p.ph;
      const top = max(start, 0);
      const bottom = min(start + p.kh, p.h);
      if (top < bottom) {
        sumColumns(p, sums + bytes(p.pw), x, top, bottom);
        const rows = p.dh ? counted(start, p.kh, p.h, p.ph) : bottom - top;
        for (let ox = 0; ox < p.ow; ox += 4) {
          // The last four windows overlap the four before.
          const first = min(ox, max(p.ow - 4, 0));
          const sum = sumAcross(p, sums + bytes(first * p.sw));
          storeUpTo4(y + bytes(first), f32x4.div(sum, divisors(p, rows, columns + bytes(first))), min(4, p.ow));
        }
      } else memory.fill(y, 0, bytes(p.ow));
      y += bytes(p.ow);
    }
  }
}

function sumColumns(p: Window, sums: usize, x: usize, top: i32, bottom: i32): void {
  const w = p.w;
  for (let col = 0; col < w; col += 4) {
    const n = min(4, w - col);
    let at = top * w + col;
    let sum = loadUpTo4(x + bytes(at), n);
    for (at += w; at < bottom * w; at += w) sum = f32x4.add(sum, loadUpTo4(x + bytes(at), n));
    storeUpTo4(sums + bytes(col), sum, n);
  }
}

function sumAcross(p: Window, sums: usize): v128 {
  const sw = p.sw;
  let sum = loadApart(sums, sw);
  for (let j = p.kw; j > 1; j--) {
    sums += 4;
    sum = f32x4.add(sum, loadApart(sums, sw));
  }
  return sum;
}

/** Windows of 2 × 2 side by side, four at a time. */
function halve(p: Window, y: usize, x: usize): void {
  const divisor = splat(p.dw != 0 ? <f32>p.dw : 4);
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
 * Scratch: 4 (plainSpanOf + OW + 4 + 2 KW + max(OW, W + PW) + 8) bytes.
 *
 * What a line of windows gives to each column is added up in a row first, and that row is added to the lines they cover.
 */
export function avgPool2d_grad_f32(r: usize, begin: i32, end: i32): void {
  const p = windowOf(r, 2);
  const size = bytes(p.h * p.w);
  const halves = isHalving(p) && p.ow >= 4;
  const span = bytes(plainSpanOf(p));
  const columns = scratch() + span;
  // The quotients of a line, with zeros around them for taps that reach beyond the first and the last window.
  const shares = columns + bytes(p.ow + 4);
  const quotients = shares + bytes(p.kw);
  memory.fill(pointer(r, 0) + <usize>begin * size, 0, <usize>(end - begin) * size);
  if (!halves) {
    columnDivisors(p, columns);
    memory.fill(shares, 0, bytes(2 * p.kw + max(p.ow, p.w + p.pw) + 8));
  }
  for (let plane = begin; plane < end; plane++) {
    const dx = pointer(r, 0) + <usize>plane * size;
    let dy = pointer(r, 1) + <usize>plane * bytes(p.oh * p.ow);
    if (halves) {
      spreadHalves(p, dx, dy);
      continue;
    }
    for (let oy = 0; oy < p.oh; oy++) {
      const start = oy * p.sh - p.ph;
      const top = max(start, 0);
      const bottom = min(start + p.kh, p.h);
      if (top < bottom) {
        const rows = p.dh ? counted(start, p.kh, p.h, p.ph) : bottom - top;
        for (let ox = 0; ox < p.ow; ox += 4) {
          const n = min(4, p.ow - ox);
          const g = f32x4.div(loadUpTo4(dy + bytes(ox), n), divisors(p, rows, columns + bytes(ox)));
          storeUpTo4(quotients + bytes(ox), g, n);
        }
        if (p.sw == 1) spreadAlong(p, quotients, scratch() + bytes(p.pw));
        else spreadApart(p, quotients, scratch(), span);
        addToRows(p, dx, scratch() + bytes(p.pw), top, bottom);
      }
      dy += bytes(p.ow);
    }
  }
}

/** Column x gets the quotients of windows x + PW - j, where their columns are neighbours. */
function spreadAlong(p: Window, quotients: usize, to: usize): void {
  for (let col = 0; col < p.w; col += 4) {
    let from = quotients + bytes(col + p.pw);
    let sum = v128.load(from);
    for (let j = p.kw; j > 1; j--) {
      from -= 4;
      sum = f32x4.add(sum, v128.load(from));
    }
    storeUpTo4(to + bytes(col), sum, min(4, p.w - col));
  }
}

function spreadApart(p: Window, quotients: usize, to: usize, span: usize): void {
  memory.fill(to, 0, span);
  const step = bytes(p.sw);
  for (let ox = 0; ox < p.ow; ox++) {
    const g = load<f32>(quotients + bytes(ox));
    for (let at = to, stop = to + bytes(p.kw); at < stop; at += 4) store<f32>(at, load<f32>(at) + g);
    to += step;
  }
}

function addToRows(p: Window, dx: usize, row: usize, top: i32, bottom: i32): void {
  for (let iy = top; iy < bottom; iy++) {
    for (let col = 0; col < p.w; col += 4) {
      const n = min(4, p.w - col);
      const to = dx + bytes(iy * p.w + col);
      storeUpTo4(to, f32x4.add(loadUpTo4(to, n), loadUpTo4(row + bytes(col), n)), n);
    }
  }
}

/** Windows of 2 × 2 side by side do not overlap: every one writes its four places, four windows at a time. */
function spreadHalves(p: Window, dx: usize, dy: usize): void {
  const divisor = splat(p.dw != 0 ? <f32>p.dw : 4);
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
