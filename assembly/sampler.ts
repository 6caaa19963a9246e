/**
 * Pixels of an image at places between its own, a row at a time.
 *
 * Bilinear weighs the four neighbours, and a neighbour outside the image counts as `fill`; with fill 0 this is
 * grid_sample(mode 'bilinear', padding_mode 'zeros', align_corners = false). Nearest rounds halves to even, as grid_sample
 * does, and is `fill` where the rounded place lies outside. Bytes are weighed in 14 bits and rounded.
 */
import { bytes, splat } from './simd';

/** Weights of bytes are whole numbers that add up to about this. */
const ONE: f32 = 16384;
const SHIFT: i32 = 14;

/**
 * y[c, ox] = x[c] at (xs[ox], ys[ox]) for ox < outW. `y` is the row in the first of planes `outPlane` bytes apart, `x` an
 * image [channels, h, w], `fill` one float32 for each channel.
 */
export function sampleRow<T>(
  y: usize,
  x: usize,
  xs: usize,
  ys: usize,
  outW: i32,
  channels: i32,
  h: i32,
  w: i32,
  outPlane: usize,
  fill: usize,
  bilinear: bool,
): void {
  const inPlane = <usize>(h * w) * sizeof<T>();
  let ox = 0;
  for (; ox + 4 <= outW; ox += 4) {
    const ix = v128.load(xs + bytes(ox));
    const iy = v128.load(ys + bytes(ox));
    const done = bilinear
      ? fourBilinear<T>(y, x, ix, iy, channels, h, w, inPlane, outPlane)
      : fourNearest<T>(y, x, ix, iy, channels, h, w, inPlane, outPlane, fill);
    if (!done) few<T>(y, x, xs + bytes(ox), ys + bytes(ox), 4, channels, h, w, inPlane, outPlane, fill, bilinear);
    y += 4 * sizeof<T>();
  }
  const rest = outW - ox;
  few<T>(y, x, xs + bytes(ox), ys + bytes(ox), rest, channels, h, w, inPlane, outPlane, fill, bilinear);
}

function few<T>(
  y: usize,
  x: usize,
  xs: usize,
  ys: usize,
  n: i32,
  channels: i32,
  h: i32,
  w: i32,
  inPlane: usize,
  outPlane: usize,
  fill: usize,
  bilinear: bool,
): void {
  for (let k = 0; k < n; k++) {
    const ix = load<f32>(xs + bytes(k));
    const iy = load<f32>(ys + bytes(k));
    if (bilinear) interpolate<T>(y, x, ix, iy, channels, h, w, inPlane, outPlane, fill);
    else nearest<T>(y, x, ix, iy, channels, h, w, inPlane, outPlane, fill);
    y += sizeof<T>();
  }
}

// @ts-ignore: decorator
@inline function filling<T>(fill: usize, c: i32): T {
  return <T>load<f32>(fill + bytes(c));
}

// The comparisons below fail for NaN as well as for places outside, and only what passes them becomes an integer.

/**
 * Four neighbouring outputs, where their places lie inside the image, or all of them outside; else nothing is written and false
 * is given.
 */
// @ts-ignore: decorator
@inline function fourNearest<T>(
  y: usize,
  x: usize,
  ix: v128,
  iy: v128,
  channels: i32,
  h: i32,
  w: i32,
  inPlane: usize,
  outPlane: usize,
  fill: usize,
): bool {
  const atX = f32x4.nearest(ix);
  const atY = f32x4.nearest(iy);
  const zero = splat(0);
  const inX = v128.and(f32x4.ge(atX, zero), f32x4.lt(atX, splat(<f32>w)));
  const inY = v128.and(f32x4.ge(atY, zero), f32x4.lt(atY, splat(<f32>h)));
  const inside = v128.and(inX, inY);
  if (!v128.any_true(inside)) {
    for (let c = 0; c < channels; c++) {
      const value = filling<T>(fill, c);
      for (let k: usize = 0; k < 4; k++) store<T>(y + k * sizeof<T>(), value);
      y += outPlane;
    }
    return true;
  }
  if (!i32x4.all_true(inside)) return false;
  const place = i32x4.add(i32x4.mul(i32x4.trunc_sat_f32x4_s(atY), i32x4.splat(w)), i32x4.trunc_sat_f32x4_s(atX));
  let p0 = x + <usize>i32x4.extract_lane(place, 0) * sizeof<T>();
  let p1 = x + <usize>i32x4.extract_lane(place, 1) * sizeof<T>();
  let p2 = x + <usize>i32x4.extract_lane(place, 2) * sizeof<T>();
  let p3 = x + <usize>i32x4.extract_lane(place, 3) * sizeof<T>();
  for (let c = 0; c < channels; c++) {
    if (sizeof<T>() == 1) {
      // One store of four bytes: stores are what the loop would wait for.
      const low = <u32>load<u8>(p0) | ((<u32>load<u8>(p1)) << 8);
      const high = <u32>load<u8>(p2) | ((<u32>load<u8>(p3)) << 8);
      store<u32>(y, low | (high << 16));
    } else {
      store<T>(y, load<T>(p0));
      store<T>(y, load<T>(p1), sizeof<T>());
      store<T>(y, load<T>(p2), 2 * sizeof<T>());
      store<T>(y, load<T>(p3), 3 * sizeof<T>());
    }
    y += outPlane;
    p0 += inPlane;
    p1 += inPlane;
    p2 += inPlane;
    p3 += inPlane;
  }
  return true;
}

function nearest<T>(
  y: usize,
  x: usize,
  ix: f32,
  iy: f32,
  channels: i32,
  h: i32,
  w: i32,
  inPlane: usize,
  outPlane: usize,
  fill: usize,
): void {
  const atX = f32.nearest(ix);
  const atY = f32.nearest(iy);
  const inside = atX >= 0 && atX < <f32>w && atY >= 0 && atY < <f32>h;
  let from = inside ? x + <usize>(<i32>atY * w + <i32>atX) * sizeof<T>() : 0;
  for (let c = 0; c < channels; c++) {
    store<T>(y, inside ? load<T>(from) : filling<T>(fill, c));
    y += outPlane;
    from += inPlane;
  }
}

/** Four neighbouring outputs, where all of their neighbours lie inside the image; to the same bits as one by one. */
// @ts-ignore: decorator
@inline function fourBilinear<T>(
  y: usize,
  x: usize,
  ix: v128,
  iy: v128,
  channels: i32,
  h: i32,
  w: i32,
  inPlane: usize,
  outPlane: usize,
): bool {
  const left = f32x4.floor(ix);
  const top = f32x4.floor(iy);
  const zero = splat(0);
  const inX = v128.and(f32x4.ge(left, zero), f32x4.lt(left, splat(<f32>(w - 1))));
  const inY = v128.and(f32x4.ge(top, zero), f32x4.lt(top, splat(<f32>(h - 1))));
  if (!i32x4.all_true(v128.and(inX, inY))) return false;
  const fx = f32x4.sub(ix, left);
  const fy = f32x4.sub(iy, top);
  const gx = f32x4.sub(splat(1), fx);
  const gy = f32x4.sub(splat(1), fy);
  const w00 = f32x4.mul(gx, gy);
  const w01 = f32x4.mul(fx, gy);
  const w10 = f32x4.mul(gx, fy);
  const w11 = f32x4.mul(fx, fy);
  const place = i32x4.add(i32x4.mul(i32x4.trunc_sat_f32x4_s(top), i32x4.splat(w)), i32x4.trunc_sat_f32x4_s(left));
  let p0 = x + <usize>i32x4.extract_lane(place, 0) * sizeof<T>();
  let p1 = x + <usize>i32x4.extract_lane(place, 1) * sizeof<T>();
  let p2 = x + <usize>i32x4.extract_lane(place, 2) * sizeof<T>();
  let p3 = x + <usize>i32x4.extract_lane(place, 3) * sizeof<T>();
  const below = <usize>w * sizeof<T>();
  if (isFloat<T>()) {
    for (let c = 0; c < channels; c++) {
      let a = v128.load64_lane(p1, v128.load64_zero(p0), 1);
      let b = v128.load64_lane(p3, v128.load64_zero(p2), 1);
      let upper = f32x4.mul(v128.shuffle<i32>(a, b, 0, 2, 4, 6), w00);
      upper = f32x4.add(upper, f32x4.mul(v128.shuffle<i32>(a, b, 1, 3, 5, 7), w01));
      a = v128.load64_lane(p1 + below, v128.load64_zero(p0 + below), 1);
      b = v128.load64_lane(p3 + below, v128.load64_zero(p2 + below), 1);
      let lower = f32x4.mul(v128.shuffle<i32>(a, b, 0, 2, 4, 6), w10);
      lower = f32x4.add(lower, f32x4.mul(v128.shuffle<i32>(a, b, 1, 3, 5, 7), w11));
      v128.store(y, f32x4.add(upper, lower));
      y += outPlane;
      p0 += inPlane;
      p1 += inPlane;
      p2 += inPlane;
      p3 += inPlane;
    }
  } else {
    // Neighbours in a row, and their weights, are pairs of 16 bits, so that one instruction weighs four of them.
    const upper = paired(w00, w01);
    const lower = paired(w10, w11);
    const half = i32x4.splat(1 << (SHIFT - 1));
    for (let c = 0; c < channels; c++) {
      const a = pairs(p0, p1, p2, p3);
      const b = pairs(p0 + below, p1 + below, p2 + below, p3 + below);
      const sum = i32x4.add(i32x4.dot_i16x8_s(a, upper), i32x4.dot_i16x8_s(b, lower));
      const words = i32x4.shr_s(i32x4.add(sum, half), SHIFT);
      const narrow = i16x8.narrow_i32x4_s(words, words);
      v128.store32_lane(y, i8x16.narrow_i16x8_u(narrow, narrow), 0);
      y += outPlane;
      p0 += inPlane;
      p1 += inPlane;
      p2 += inPlane;
      p3 += inPlane;
    }
  }
  return true;
}

/** Two weights of each pixel, in the lower and the upper half of its lane. */
// @ts-ignore: decorator
@inline function paired(left: v128, right: v128): v128 {
  const one = splat(ONE);
  const a = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(left, one)));
  const b = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(right, one)));
  return v128.or(a, i32x4.shl(b, 16));
}

/** Two bytes from each of four places, as eight numbers of 16 bits. */
// @ts-ignore: decorator
@inline function pairs(p0: usize, p1: usize, p2: usize, p3: usize): v128 {
  let v = i16x8.splat(0);
  v = v128.load16_lane(p0, v, 0);
  v = v128.load16_lane(p1, v, 1);
  v = v128.load16_lane(p2, v, 2);
  v = v128.load16_lane(p3, v, 3);
  return i16x8.extend_low_i8x16_u(v);
}

function interpolate<T>(
  y: usize,
  x: usize,
  ix: f32,
  iy: f32,
  channels: i32,
  h: i32,
  w: i32,
  inPlane: usize,
  outPlane: usize,
  fill: usize,
): void {
  if (!(ix > -1 && ix < <f32>w && iy > -1 && iy < <f32>h)) {
    for (let c = 0; c < channels; c++) {
      store<T>(y, filling<T>(fill, c));
      y += outPlane;
    }
    return;
  }
  const left = f32.floor(ix);
  const top = f32.floor(iy);
  const x0 = <i32>left;
  const y0 = <i32>top;
  const fx = ix - left;
  const fy = iy - top;
  const w00 = (<f32>1 - fx) * (<f32>1 - fy);
  const w01 = fx * (<f32>1 - fy);
  const w10 = (<f32>1 - fx) * fy;
  const w11 = fx * fy;
  const hasLeft = x0 >= 0;
  const hasRight = x0 + 1 < w;
  const hasTop = y0 >= 0;
  const hasBottom = y0 + 1 < h;
  let from = x + <usize>(y0 * w + x0) * sizeof<T>();
  const below = <usize>w * sizeof<T>();
  for (let c = 0; c < channels; c++) {
    const under = from + below;
    const outside = filling<T>(fill, c);
    const v00 = hasLeft && hasTop ? load<T>(from) : outside;
    const v01 = hasRight && hasTop ? load<T>(from, sizeof<T>()) : outside;
    const v10 = hasLeft && hasBottom ? load<T>(under) : outside;
    const v11 = hasRight && hasBottom ? load<T>(under, sizeof<T>()) : outside;
    if (isFloat<T>()) {
      store<f32>(y, <f32>v00 * w00 + <f32>v01 * w01 + (<f32>v10 * w10 + <f32>v11 * w11));
    } else {
      const upper = <i32>v00 * weight(w00) + <i32>v01 * weight(w01);
      const lower = <i32>v10 * weight(w10) + <i32>v11 * weight(w11);
      const value = (upper + lower + (1 << (SHIFT - 1))) >> SHIFT;
      store<u8>(y, <u8>min(value, 255));
    }
    y += outPlane;
    from += inPlane;
  }
}

// @ts-ignore: decorator
@inline function weight(w: f32): i32 {
  return <i32>f32.nearest(w * ONE);
}
