/**
 * Maximum pooling over planes [H, W], and its gradient. Work items are planes (N · C of them); 1-d pooling is H = 1.
 */
import { int, pointer, scratch } from './launch';
import { isHalving, loadApart, spanOf, Window, windowOf } from './poolwindow';
import { loadUpTo4, storeUpTo4 } from './row';
import { bytes, splat } from './simd';

/**
 * y = the largest element of each window, indices = its place in the input plane (iy · W + ix); ties go to the first,
 * a NaN wins (the last of several), as in PyTorch.
 * Slots: 0 y [planes, OH, OW], 1 indices (int32) or 0, 2 x [planes, H, W], 3 planes, 4 H, 5 W, 6 OH, 7 OW, 8 KH, 9 KW,
 * 10 SH, 11 SW, 12 PH, 13 PW, 14 DH, 15 DW. Work: planes. Scratch: 8 spanOf bytes.
 *
 * The largest of each column of a line of windows goes to a row with −∞ on both sides, and the largest of its neighbours is
 * the window's: KH + KW steps for each window instead of KH · KW, and no window is at an edge.
 */
export function maxPool2d_f32(r: usize, begin: i32, end: i32): void {
  const p = windowOf(r, 3);
  const halves = isHalving(p) && p.dh == 1 && p.dw == 1 && p.ow >= 4;
  const outSize = bytes(p.oh * p.ow);
  if (!halves) clearRow(spanOf(p));
  for (let plane = begin; plane < end; plane++) {
    const out = <usize>plane * outSize;
    const y = pointer(r, 0) + out;
    const index = pointer(r, 1) ? pointer(r, 1) + out : 0;
    const x = pointer(r, 2) + <usize>plane * bytes(p.h * p.w);
    if (halves) halve(p, y, index, x);
    else maxOfPlane(p, y, index, x);
  }
}

const RAMP: usize = memory.data<i32>([0, 1, 2, 3]);

/** The row of columns' values, then that of their places. What is not there loses against all that is. */
function clearRow(span: i32): void {
  const places = scratch() + bytes(span);
  for (let at: usize = 0; at < bytes(span); at += 4) {
    store<f32>(scratch() + at, -Infinity);
    store<i32>(places + at, i32.MAX_VALUE);
  }
}

function maxOfPlane(p: Window, y: usize, index: usize, x: usize): void {
  const values = scratch();
  const places = values + bytes(spanOf(p));
  for (let oy = 0; oy < p.oh; oy++) {
    const start = oy * p.sh - p.ph;
    const top = start < 0 ? start + ((p.dh - 1 - start) / p.dh) * p.dh : start;
    const bottom = min(start + (p.kh - 1) * p.dh + 1, p.h);
    if (top < bottom) maxOfColumns(p, values + bytes(p.pw), places + bytes(p.pw), x, top, bottom);
    else clearRow(spanOf(p));
    for (let ox = 0; ox < p.ow; ox += 4) {
      // The last four windows overlap the four before.
      const first = min(ox, max(p.ow - 4, 0));
      const at = bytes(first);
      const from = bytes(first * p.sw);
      maxAcross(p, y + at, index ? index + at : 0, values + from, places + from, min(4, p.ow));
    }
    y += bytes(p.ow);
    if (index) index += bytes(p.ow);
  }
}

/** The largest of rows top, top + DH, … below `bottom` in each column. */
function maxOfColumns(p: Window, values: usize, places: usize, x: usize, top: i32, bottom: i32): void {
  const w = p.w;
  const down = p.dh * w;
  const ramp = v128.load(RAMP);
  for (let col = 0; col < w; col += 4) {
    const n = min(4, w - col);
    let at = top * w + col;
    let best = loadUpTo4(x + bytes(at), n);
    let place = i32x4.add(ramp, i32x4.splat(at));
    for (at += down; at < bottom * w; at += down) {
      const v = loadUpTo4(x + bytes(at), n);
      const wins = v128.or(f32x4.gt(v, best), f32x4.ne(v, v));
      best = v128.bitselect(v, best, wins);
      place = v128.bitselect(i32x4.add(ramp, i32x4.splat(at)), place, wins);
    }
    storeUpTo4(values + bytes(col), best, n);
    storeUpTo4(places + bytes(col), place, n);
  }
}

/** The largest of KW columns, for n windows of four. Of equals the first place wins, of NaNs the last. */
function maxAcross(p: Window, y: usize, index: usize, values: usize, places: usize, n: i32): void {
  const sw = p.sw;
  const step = bytes(p.dw);
  let best = loadApart(values, sw);
  let place = loadApart(places, sw);
  for (let j = p.kw; j > 1; j--) {
    values += step;
    places += step;
    const v = loadApart(values, sw);
    const q = loadApart(places, sw);
    const sooner = i32x4.lt_s(q, place);
    const ties = v128.and(f32x4.eq(v, best), sooner);
    const nan = v128.andnot(f32x4.ne(v, v), v128.and(f32x4.ne(best, best), sooner));
    const wins = v128.or(f32x4.gt(v, best), v128.or(ties, nan));
    best = v128.bitselect(v, best, wins);
    place = v128.bitselect(q, place, wins);
  }
  storeUpTo4(y, best, n);
  // A window that holds padding alone (possible with dilation) has no place: -1, which the gradient leaves out.
  if (index) storeUpTo4(index, v128.or(place, i32x4.eq(place, i32x4.splat(i32.MAX_VALUE))), n);
}

/** Windows of 2 × 2 side by side, four at a time. */
function halve(p: Window, y: usize, index: usize, x: usize): void {
  const ramp = i32x4.shl(v128.load(RAMP), 1);
  const one = i32x4.splat(1);
  const below = i32x4.splat(p.w);
  const last = p.ow - 4;
  for (let oy = 0; oy < p.oh; oy++) {
    const row = 2 * oy * p.w;
    for (let ox = 0; ; ) {
      const upper = x + bytes(row + 2 * ox);
      const lower = upper + bytes(p.w);
      const a0 = v128.load(upper);
      const a1 = v128.load(upper, 16);
      const b0 = v128.load(lower);
      const b1 = v128.load(lower, 16);
      let best = v128.shuffle<i32>(a0, a1, 0, 2, 4, 6);
      const i0 = i32x4.add(ramp, i32x4.splat(row + 2 * ox));
      let place = i0;
      let v = v128.shuffle<i32>(a0, a1, 1, 3, 5, 7);
      let wins = v128.or(f32x4.gt(v, best), f32x4.ne(v, v));
      best = v128.bitselect(v, best, wins);
      place = v128.bitselect(i32x4.add(i0, one), place, wins);
      v = v128.shuffle<i32>(b0, b1, 0, 2, 4, 6);
      wins = v128.or(f32x4.gt(v, best), f32x4.ne(v, v));
      best = v128.bitselect(v, best, wins);
      place = v128.bitselect(i32x4.add(i0, below), place, wins);
      v = v128.shuffle<i32>(b0, b1, 1, 3, 5, 7);
      wins = v128.or(f32x4.gt(v, best), f32x4.ne(v, v));
      best = v128.bitselect(v, best, wins);
      place = v128.bitselect(i32x4.add(i32x4.add(i0, below), one), place, wins);
      v128.store(y + bytes(ox), best);
      if (index) v128.store(index + bytes(ox), place);
      if (ox == last) break;
      ox = min(ox + 4, last);
    }
    y += bytes(p.ow);
    if (index) index += bytes(p.ow);
  }
}

/**
 * dx[indices] += dy on cleared planes, where an index outside the plane adds nothing; serves maximum pooling of every
 * kind (1-d, 2-d, 3-d, adaptive) and unpooling.
 * Slots: 0 dx [planes, inSize], 1 dy [planes, outSize], 2 indices (int32), 3 planes, 4 inSize (H · W), 5 outSize (OH ·
 * OW), 6 W, 7 OW; these two are 0 unless the indices are those of windows of 2 × 2 side by side, OW ≥ 4.
 * What stands behind them is for devices that gather.
 * Work: planes.
 */
export function maxPool2d_grad_f32(r: usize, begin: i32, end: i32): void {
  const size = int(r, 4);
  const outs = int(r, 5);
  const w = int(r, 6);
  const ow = int(r, 7);
  const inSize = bytes(size);
  const outSize = bytes(outs);
  const written = ow > 0 && w == 2 * ow && size == 4 * outs;
  if (!written) memory.fill(pointer(r, 0) + <usize>begin * inSize, 0, <usize>(end - begin) * inSize);
  for (let plane = begin; plane < end; plane++) {
    const dx = pointer(r, 0) + <usize>plane * inSize;
    let dy = pointer(r, 1) + <usize>plane * outSize;
    let index = pointer(r, 2) + <usize>plane * outSize;
    if (ow > 0) {
      halveBack(dx, dy, index, w, ow, outs / ow);
      continue;
    }
    const stop = dy + outSize;
    while (dy < stop) {
      const place = load<i32>(index);
      if (<u32>place < <u32>size) {
        const to = dx + bytes(place);
        store<f32>(to, load<f32>(to) + load<f32>(dy));
      }
      dy += 4;
      index += 4;
    }
  }
}

/** Windows of 2 × 2 side by side write each of their four places, four windows at a time. */
function halveBack(dx: usize, dy: usize, index: usize, w: i32, ow: i32, oh: i32): void {
  const ramp = i32x4.shl(v128.load(RAMP), 1);
  const one = i32x4.splat(1);
  const below = i32x4.splat(w);
  const last = ow - 4;
  for (let oy = 0; oy < oh; oy++) {
    for (let ox = 0; ; ) {
      const first = 2 * (oy * w + ox);
      const g = v128.load(dy + bytes(ox));
      const place = v128.load(index + bytes(ox));
      const even = i32x4.add(ramp, i32x4.splat(first));
      const odd = i32x4.add(even, one);
      const upper = dx + bytes(first);
      const lower = upper + bytes(w);
      let a = v128.and(g, i32x4.eq(place, even));
      let b = v128.and(g, i32x4.eq(place, odd));
      v128.store(upper, v128.shuffle<i32>(a, b, 0, 4, 1, 5));
      v128.store(upper, v128.shuffle<i32>(a, b, 2, 6, 3, 7), 16);
      a = v128.and(g, i32x4.eq(place, i32x4.add(even, below)));
      b = v128.and(g, i32x4.eq(place, i32x4.add(odd, below)));
      v128.store(lower, v128.shuffle<i32>(a, b, 0, 4, 1, 5));
      v128.store(lower, v128.shuffle<i32>(a, b, 2, 6, 3, 7), 16);
      if (ox == last) break;
      ox = min(ox + 4, last);
    }
    dy += bytes(ow);
    index += bytes(ow);
  }
}
