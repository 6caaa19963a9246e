/**
 * Pooling over planes [H, W] and its gradients. Every kernel's work items are planes (N · C of them); 1-d pooling is H = 1.
 *
 * Output sizes come from the host, so that ceil mode and padding are settled there. A gradient kernel clears its planes
 * and adds into them, and a plane belongs to one work item, so that nothing is added from two threads.
 */
import { int, pointer } from './launch';
import { bytes, splat } from './simd';

// @ts-ignore: decorator
@inline function at(p: usize, i: i32): f32 {
  return load<f32>(p + bytes(i));
}

/** The first index in lo, lo + step, … that is not negative. */
// @ts-ignore: decorator
@inline function firstInside(lo: i32, step: i32): i32 {
  return lo < 0 ? lo + ((step - 1 - lo) / step) * step : lo;
}

/**
 * y = the largest element of each window, indices = its place in the input plane (iy · W + ix); ties go to the first,
 * a NaN wins (the last of several), as in PyTorch.
 * Slots: 0 y [planes, OH, OW], 1 indices (int32) or 0, 2 x [planes, H, W], 3 planes, 4 H, 5 W, 6 OH, 7 OW, 8 KH, 9 KW, 10 SH,
 * 11 SW, 12 PH, 13 PW, 14 DH, 15 DW. Work: planes.
 */
export function maxPool2d_f32(r: usize, begin: i32, end: i32): void {
  const h = int(r, 4);
  const w = int(r, 5);
  const oh = int(r, 6);
  const ow = int(r, 7);
  const window = int(r, 8) == 2 && int(r, 9) == 2 && int(r, 14) == 1 && int(r, 15) == 1;
  const halves = window && int(r, 10) == 2 && int(r, 11) == 2 && int(r, 12) == 0 && int(r, 13) == 0;
  const indices = pointer(r, 1);
  for (let plane = begin; plane < end; plane++) {
    const out = <usize>plane * bytes(oh * ow);
    const y = pointer(r, 0) + out;
    const index = indices ? indices + out : 0;
    const x = pointer(r, 2) + <usize>plane * bytes(h * w);
    if (halves && 2 * oh <= h && 2 * ow <= w) maxPoolHalves(y, index, x, w, oh, ow);
    else maxPoolPlane(r, y, index, x, h, w, oh, ow);
  }
}

function maxPoolPlane(r: usize, y: usize, index: usize, x: usize, h: i32, w: i32, oh: i32, ow: i32): void {
  const kh = int(r, 8);
  const kw = int(r, 9);
  const sh = int(r, 10);
  const sw = int(r, 11);
  const ph = int(r, 12);
  const pw = int(r, 13);
  const dh = int(r, 14);
  const dw = int(r, 15);
  for (let oy = 0; oy < oh; oy++) {
    const top = firstInside(oy * sh - ph, dh);
    const bottom = min(oy * sh - ph + (kh - 1) * dh + 1, h);
    for (let ox = 0; ox < ow; ox++) {
      const left = firstInside(ox * sw - pw, dw);
      const right = min(ox * sw - pw + (kw - 1) * dw + 1, w);
      let best: f32 = -Infinity;
      // A window that holds padding alone (possible with dilation) has no place: -1, which the gradient leaves out.
      let place = top < bottom && left < right ? top * w + left : -1;
      for (let iy = top; iy < bottom; iy += dh) {
        for (let ix = left; ix < right; ix += dw) {
          const v = at(x, iy * w + ix);
          if (v > best || isNaN(v)) {
            best = v;
            place = iy * w + ix;
          }
        }
      }
      store<f32>(y, best);
      y += 4;
      if (index) {
        store<i32>(index, place);
        index += 4;
      }
    }
  }
}

const COUNT: usize = memory.data<i32>([0, 2, 4, 6]);

/** Windows of 2 × 2 side by side, four at a time. */
function maxPoolHalves(y: usize, index: usize, x: usize, w: i32, oh: i32, ow: i32): void {
  const ramp = v128.load(COUNT);
  const one = i32x4.splat(1);
  for (let oy = 0; oy < oh; oy++) {
    const row = 2 * oy * w;
    let p = x + bytes(row);
    let q = p + bytes(w);
    let ox = 0;
    for (; ox + 4 <= ow; ox += 4) {
      const a0 = v128.load(p);
      const a1 = v128.load(p, 16);
      const b0 = v128.load(q);
      const b1 = v128.load(q, 16);
      const v0 = v128.shuffle<i32>(a0, a1, 0, 2, 4, 6);
      const v1 = v128.shuffle<i32>(a0, a1, 1, 3, 5, 7);
      const v2 = v128.shuffle<i32>(b0, b1, 0, 2, 4, 6);
      const v3 = v128.shuffle<i32>(b0, b1, 1, 3, 5, 7);
      const i0 = i32x4.add(ramp, i32x4.splat(row + 2 * ox));
      let best = v0;
      let place = i0;
      let wins = v128.or(f32x4.gt(v1, best), f32x4.ne(v1, v1));
      best = v128.bitselect(v1, best, wins);
      place = v128.bitselect(i32x4.add(i0, one), place, wins);
      const i2 = i32x4.add(i0, i32x4.splat(w));
      wins = v128.or(f32x4.gt(v2, best), f32x4.ne(v2, v2));
      best = v128.bitselect(v2, best, wins);
      place = v128.bitselect(i2, place, wins);
      wins = v128.or(f32x4.gt(v3, best), f32x4.ne(v3, v3));
      best = v128.bitselect(v3, best, wins);
      place = v128.bitselect(i32x4.add(i2, one), place, wins);
      v128.store(y, best);
      y += 16;
      if (index) {
        v128.store(index, place);
        index += 16;
      }
      p += 32;
      q += 32;
    }
    for (; ox < ow; ox++) {
      const i0 = row + 2 * ox;
      let best = load<f32>(p);
      let place = i0;
      let v = load<f32>(p, 4);
      if (v > best || isNaN(v)) {
        best = v;
        place = i0 + 1;
      }
      v = load<f32>(q);
      if (v > best || isNaN(v)) {
        best = v;
        place = i0 + w;
      }
      v = load<f32>(q, 4);
      if (v > best || isNaN(v)) {
        best = v;
        place = i0 + w + 1;
      }
      store<f32>(y, best);
      y += 4;
      if (index) {
        store<i32>(index, place);
        index += 4;
      }
      p += 8;
      q += 8;
    }
  }
}

/**
 * dx[indices] += dy on cleared planes, where an index outside the plane adds nothing; serves maximum pooling of every kind (1-d, 2-d, 3-d, adaptive) and unpooling.
 * Slots: 0 dx [planes, inSize], 1 dy [planes, outSize], 2 indices (int32), 3 planes, 4 inSize (H · W), 5 outSize (OH · OW).
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

/** The rectangle one output averages over, and what it divides by. Module variables, because a function returns one value. */
let top: i32 = 0;
let bottom: i32 = 0;
let left: i32 = 0;
let right: i32 = 0;
let rows: i32 = 0;

// PyTorch counts padding up to the padded edge only: a window that ceil mode pushes over it does not count the rest.
// @ts-ignore: decorator
@inline function rowsOf(r: usize, oy: i32): void {
  const h = int(r, 3);
  const ph = int(r, 11);
  top = oy * int(r, 9) - ph;
  bottom = min(top + int(r, 7), h + ph);
  rows = bottom - top;
  top = max(top, 0);
  bottom = min(bottom, h);
}

// @ts-ignore: decorator
@inline function columnsOf(r: usize, ox: i32): f32 {
  const w = int(r, 4);
  const pw = int(r, 12);
  left = ox * int(r, 10) - pw;
  right = min(left + int(r, 8), w + pw);
  const padded = rows * (right - left);
  left = max(left, 0);
  right = min(right, w);
  const given = int(r, 14);
  if (given != 0) return <f32>given;
  return <f32>(int(r, 13) ? padded : (bottom - top) * (right - left));
}

/**
 * y = the sum of each window divided by its size: with its padding (countIncludePad), without, or divisorOverride (0: none).
 * Slots: 0 y [planes, OH, OW], 1 x [planes, H, W], 2 planes, 3 H, 4 W, 5 OH, 6 OW, 7 KH, 8 KW, 9 SH, 10 SW, 11 PH, 12 PW,
 * 13 countIncludePad (0 or 1), 14 divisorOverride. Work: planes.
 */
export function avgPool2d_f32(r: usize, begin: i32, end: i32): void {
  const h = int(r, 3);
  const w = int(r, 4);
  const oh = int(r, 5);
  const ow = int(r, 6);
  const halves = isHalves(r);
  for (let plane = begin; plane < end; plane++) {
    let y = pointer(r, 0) + <usize>plane * bytes(oh * ow);
    const x = pointer(r, 1) + <usize>plane * bytes(h * w);
    if (halves) {
      avgPoolHalves(y, x, w, oh, ow);
      continue;
    }
    for (let oy = 0; oy < oh; oy++) {
      rowsOf(r, oy);
      for (let ox = 0; ox < ow; ox++) {
        const divisor = columnsOf(r, ox);
        let sum: f32 = 0;
        for (let iy = top; iy < bottom; iy++) {
          for (let ix = left; ix < right; ix++) sum += at(x, iy * w + ix);
        }
        store<f32>(y, top < bottom && left < right ? sum / divisor : 0);
        y += 4;
      }
    }
  }
}

function isHalves(r: usize): bool {
  const window = int(r, 7) == 2 && int(r, 8) == 2 && int(r, 9) == 2 && int(r, 10) == 2;
  const plain = int(r, 11) == 0 && int(r, 12) == 0 && int(r, 14) == 0;
  return window && plain && 2 * int(r, 5) <= int(r, 3) && 2 * int(r, 6) <= int(r, 4);
}

function avgPoolHalves(y: usize, x: usize, w: i32, oh: i32, ow: i32): void {
  const quarter = splat(0.25);
  for (let oy = 0; oy < oh; oy++) {
    let p = x + bytes(2 * oy * w);
    let q = p + bytes(w);
    let ox = 0;
    for (; ox + 4 <= ow; ox += 4) {
      const a0 = v128.load(p);
      const a1 = v128.load(p, 16);
      const b0 = v128.load(q);
      const b1 = v128.load(q, 16);
      let sum = f32x4.add(v128.shuffle<i32>(a0, a1, 0, 2, 4, 6), v128.shuffle<i32>(a0, a1, 1, 3, 5, 7));
      sum = f32x4.add(sum, v128.shuffle<i32>(b0, b1, 0, 2, 4, 6));
      sum = f32x4.add(sum, v128.shuffle<i32>(b0, b1, 1, 3, 5, 7));
      v128.store(y, f32x4.mul(sum, quarter));
      y += 16;
      p += 32;
      q += 32;
    }
    for (; ox < ow; ox++) {
      store<f32>(y, (load<f32>(p) + load<f32>(p, 4) + load<f32>(q) + load<f32>(q, 4)) * <f32>0.25);
      y += 4;
      p += 8;
      q += 8;
    }
  }
}

/**
 * dx += dy / divisor over each window, on cleared planes.
 * Slots: 0 dx [planes, H, W], 1 dy [planes, OH, OW], 2… as avgPool2d_f32. Work: planes.
 */
export function avgPool2d_grad_f32(r: usize, begin: i32, end: i32): void {
  const h = int(r, 3);
  const w = int(r, 4);
  const oh = int(r, 5);
  const ow = int(r, 6);
  const plane = bytes(h * w);
  memory.fill(pointer(r, 0) + <usize>begin * plane, 0, <usize>(end - begin) * plane);
  for (let i = begin; i < end; i++) {
    const dx = pointer(r, 0) + <usize>i * plane;
    let dy = pointer(r, 1) + <usize>i * bytes(oh * ow);
    for (let oy = 0; oy < oh; oy++) {
      rowsOf(r, oy);
      for (let ox = 0; ox < ow; ox++) {
        const divisor = columnsOf(r, ox);
        addToWindow(dx, w, load<f32>(dy) / divisor);
        dy += 4;
      }
    }
  }
}

function addToWindow(dx: usize, w: i32, g: f32): void {
  for (let iy = top; iy < bottom; iy++) {
    for (let ix = left; ix < right; ix++) {
      const to = dx + bytes(iy * w + ix);
      store<f32>(to, load<f32>(to) + g);
    }
  }
}
