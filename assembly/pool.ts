/**
 * Maximum pooling over planes [H, W], and its gradient. Work items are planes (N · C of them); 1-d pooling is H = 1.
 */
import { int, pointer } from './launch';
import { endInterior, firstInterior, isHalving, loadApart, Window, windowOf } from './poolwindow';
import { bytes, splat } from './simd';

/**
 * y = the largest element of each window, indices = its place in the input plane (iy · W + ix); ties go to the first,
 * a NaN wins (the last of several), as in PyTorch.
 * Slots: 0 y [planes, OH, OW], 1 indices (int32) or 0, 2 x [planes, H, W], 3 planes, 4 H, 5 W, 6 OH, 7 OW, 8 KH, 9 KW,
 * 10 SH, 11 SW, 12 PH, 13 PW, 14 DH, 15 DW. Work: planes.
 */
export function maxPool2d_f32(r: usize, begin: i32, end: i32): void {
  const p = windowOf(r, 3);
  const halves = isHalving(p) && p.dh == 1 && p.dw == 1 && p.ow >= 4;
  const outSize = bytes(p.oh * p.ow);
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

function maxOfPlane(p: Window, y: usize, index: usize, x: usize): void {
  const first = firstInterior(p);
  const last = endInterior(p, (p.kw - 1) * p.dw);
  const fours = last - first >= 4;
  for (let oy = 0; oy < p.oh; oy++) {
    const start = oy * p.sh - p.ph;
    const top = start < 0 ? start + ((p.dh - 1 - start) / p.dh) * p.dh : start;
    const bottom = min(start + (p.kh - 1) * p.dh + 1, p.h);
    const inner = fours && top < bottom;
    for (let ox = 0; ox < p.ow; ) {
      if (inner && ox >= first && ox < last) {
        // The last four windows overlap the four before.
        ox = min(ox, last - 4);
        maxOfFour(p, y + bytes(ox), index ? index + bytes(ox) : 0, x, top, bottom, ox * p.sw - p.pw);
        ox += 4;
      } else {
        maxOfOne(p, y + bytes(ox), index ? index + bytes(ox) : 0, x, top, bottom, ox * p.sw - p.pw);
        ox++;
      }
    }
    y += bytes(p.ow);
    if (index) index += bytes(p.ow);
  }
}

function maxOfFour(p: Window, y: usize, index: usize, x: usize, top: i32, bottom: i32, left: i32): void {
  const ramp = i32x4.mul(v128.load(RAMP), i32x4.splat(p.sw));
  let best = splat(-Infinity);
  let place = i32x4.add(ramp, i32x4.splat(top * p.w + left));
  const right = left + (p.kw - 1) * p.dw;
  for (let iy = top; iy < bottom; iy += p.dh) {
    for (let ix = left; ix <= right; ix += p.dw) {
      const at = iy * p.w + ix;
      const v = loadApart(x + bytes(at), p.sw);
      const wins = v128.or(f32x4.gt(v, best), f32x4.ne(v, v));
      best = v128.bitselect(v, best, wins);
      place = v128.bitselect(i32x4.add(ramp, i32x4.splat(at)), place, wins);
    }
  }
  v128.store(y, best);
  if (index) v128.store(index, place);
}

function maxOfOne(p: Window, y: usize, index: usize, x: usize, top: i32, bottom: i32, start: i32): void {
  const left = start < 0 ? start + ((p.dw - 1 - start) / p.dw) * p.dw : start;
  const right = min(start + (p.kw - 1) * p.dw + 1, p.w);
  let best: f32 = -Infinity;
  // A window that holds padding alone (possible with dilation) has no place: -1, which the gradient leaves out.
  let place = top < bottom && left < right ? top * p.w + left : -1;
  for (let iy = top; iy < bottom; iy += p.dh) {
    for (let ix = left; ix < right; ix += p.dw) {
      const at = iy * p.w + ix;
      const v = load<f32>(x + bytes(at));
      const wins = i32(v > best) | i32(isNaN(v));
      best = select(v, best, wins);
      place = select(at, place, wins);
    }
  }
  store<f32>(y, best);
  if (index) store<i32>(index, place);
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
 * OW).
 * Work: planes.
 */
export function maxPool2d_grad_f32(r: usize, begin: i32, end: i32): void {
  const size = int(r, 4);
  const inSize = bytes(size);
  const outSize = bytes(int(r, 5));
  memory.fill(pointer(r, 0) + <usize>begin * inSize, 0, <usize>(end - begin) * inSize);
  for (let plane = begin; plane < end; plane++) {
    const dx = pointer(r, 0) + <usize>plane * inSize;
    let dy = pointer(r, 1) + <usize>plane * outSize;
    let index = pointer(r, 2) + <usize>plane * outSize;
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
