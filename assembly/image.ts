/** Affine warps of a batch of images: rotation, scaling, shift, shear and flip in one pass. */
import { float, int, pointer } from './launch';
import { bytes, splat } from './simd';

const RAMP: usize = memory.data<f32>([0, 1, 2, 3]);

/**
 * y[n, c, oy, ox] = x[n, c] at (ix, iy) = (m0 ox + m1 oy + m2, m3 ox + m4 oy + m5), with m = matrices[n].
 *
 * Coordinates are pixel indices: whole numbers are pixel centres, so that [1 0 0; 0 1 0] is the identity and a resize
 * that aligns the outer edges (torchvision, alignCorners = false) is ix = s ox + (s - 1) / 2 with s = W / outW. A
 * rotation about the image's centre is about ((W - 1) / 2, (H - 1) / 2).
 * Bilinear (mode 1) weighs the four neighbours, and a neighbour outside the image counts as `fill`; with fill = 0 this
 * is grid_sample(mode 'bilinear', padding_mode 'zeros', align_corners = false). Nearest (mode 0) rounds halves to even,
 * as grid_sample does, and is `fill` where the rounded place lies outside.
 *
 * Slots: 0 y [N, C, outH, outW], 1 x [N, C, H, W], 2 matrices [N, 6], 3 fill, 4 N, 5 C, 6 H, 7 W, 8 outH, 9 outW, 10
 * mode.
 * Work: N.
 */
export function warpAffine_f32(r: usize, begin: i32, end: i32): void {
  const fill = float(r, 3);
  const channels = int(r, 5);
  const h = int(r, 6);
  const w = int(r, 7);
  const outH = int(r, 8);
  const outW = int(r, 9);
  const bilinear = int(r, 10) != 0;
  const inPlane = bytes(h * w);
  const outPlane = bytes(outH * outW);
  for (let n = begin; n < end; n++) {
    const m = pointer(r, 2) + <usize>n * 24;
    const x = pointer(r, 1) + <usize>n * <usize>channels * inPlane;
    let y = pointer(r, 0) + <usize>n * <usize>channels * outPlane;
    for (let oy = 0; oy < outH; oy++) {
      const atX = load<f32>(m, 4) * <f32>oy + load<f32>(m, 8);
      const atY = load<f32>(m, 16) * <f32>oy + load<f32>(m, 20);
      let ox = 0;
      if (bilinear) {
        for (; ox + 4 <= outW; ox += 4) {
          const at = f32x4.add(splat(<f32>ox), v128.load(RAMP));
          const ix = f32x4.add(f32x4.mul(splat(load<f32>(m)), at), splat(atX));
          const iy = f32x4.add(f32x4.mul(splat(load<f32>(m, 12)), at), splat(atY));
          fourPixels(y, x, ix, iy, channels, h, w, inPlane, outPlane, fill);
          y += 16;
        }
      }
      for (; ox < outW; ox++) {
        const ix = load<f32>(m) * <f32>ox + atX;
        const iy = load<f32>(m, 12) * <f32>ox + atY;
        if (bilinear) interpolate(y, x, ix, iy, channels, h, w, inPlane, outPlane, fill);
        else nearest(y, x, ix, iy, channels, h, w, inPlane, outPlane, fill);
        y += 4;
      }
    }
  }
}

// The comparisons below fail for NaN as well as for places outside, and only what passes them becomes an integer.

function nearest(
  y: usize,
  x: usize,
  ix: f32,
  iy: f32,
  channels: i32,
  h: i32,
  w: i32,
  inPlane: usize,
  outPlane: usize,
  fill: f32,
): void {
  const atX = f32.nearest(ix);
  const atY = f32.nearest(iy);
  const inside = atX >= 0 && atX < <f32>w && atY >= 0 && atY < <f32>h;
  let from = inside ? x + bytes(<i32>atY * w + <i32>atX) : 0;
  for (let c = 0; c < channels; c++) {
    store<f32>(y, inside ? load<f32>(from) : fill);
    y += outPlane;
    from += inPlane;
  }
}

/**
 * Four neighbouring outputs: together where all their neighbours lie inside the image, else one by one, to the same
 * bits.
 */
// @ts-ignore: decorator
@inline function fourPixels(
  y: usize,
  x: usize,
  ix: v128,
  iy: v128,
  channels: i32,
  h: i32,
  w: i32,
  inPlane: usize,
  outPlane: usize,
  fill: f32,
): void {
  const left = f32x4.floor(ix);
  const top = f32x4.floor(iy);
  const zero = splat(0);
  const inX = v128.and(f32x4.ge(left, zero), f32x4.lt(left, splat(<f32>(w - 1))));
  const inY = v128.and(f32x4.ge(top, zero), f32x4.lt(top, splat(<f32>(h - 1))));
  if (!i32x4.all_true(v128.and(inX, inY))) {
    const x0 = f32x4.extract_lane(ix, 0);
    interpolate(y, x, x0, f32x4.extract_lane(iy, 0), channels, h, w, inPlane, outPlane, fill);
    const x1 = f32x4.extract_lane(ix, 1);
    interpolate(y + 4, x, x1, f32x4.extract_lane(iy, 1), channels, h, w, inPlane, outPlane, fill);
    const x2 = f32x4.extract_lane(ix, 2);
    interpolate(y + 8, x, x2, f32x4.extract_lane(iy, 2), channels, h, w, inPlane, outPlane, fill);
    const x3 = f32x4.extract_lane(ix, 3);
    interpolate(y + 12, x, x3, f32x4.extract_lane(iy, 3), channels, h, w, inPlane, outPlane, fill);
    return;
  }
  const one = splat(1);
  const fx = f32x4.sub(ix, left);
  const fy = f32x4.sub(iy, top);
  const gx = f32x4.sub(one, fx);
  const gy = f32x4.sub(one, fy);
  const w00 = f32x4.mul(gx, gy);
  const w01 = f32x4.mul(fx, gy);
  const w10 = f32x4.mul(gx, fy);
  const w11 = f32x4.mul(fx, fy);
  const row = i32x4.mul(i32x4.trunc_sat_f32x4_s(top), i32x4.splat(w));
  const place = i32x4.shl(i32x4.add(row, i32x4.trunc_sat_f32x4_s(left)), 2);
  let p0 = x + <usize>i32x4.extract_lane(place, 0);
  let p1 = x + <usize>i32x4.extract_lane(place, 1);
  let p2 = x + <usize>i32x4.extract_lane(place, 2);
  let p3 = x + <usize>i32x4.extract_lane(place, 3);
  const below = bytes(w);
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
}

function interpolate(
  y: usize,
  x: usize,
  ix: f32,
  iy: f32,
  channels: i32,
  h: i32,
  w: i32,
  inPlane: usize,
  outPlane: usize,
  fill: f32,
): void {
  if (!(ix > -1 && ix < <f32>w && iy > -1 && iy < <f32>h)) {
    for (let c = 0; c < channels; c++) {
      store<f32>(y, fill);
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
  let from = x + bytes(y0 * w + x0);
  const below = bytes(w);
  if (hasLeft && hasRight && hasTop && hasBottom) {
    for (let c = 0; c < channels; c++) {
      const under = from + below;
      const upper = load<f32>(from) * w00 + load<f32>(from, 4) * w01;
      store<f32>(y, upper + (load<f32>(under) * w10 + load<f32>(under, 4) * w11));
      y += outPlane;
      from += inPlane;
    }
    return;
  }
  for (let c = 0; c < channels; c++) {
    const under = from + below;
    const v00 = hasLeft && hasTop ? load<f32>(from) : fill;
    const v01 = hasRight && hasTop ? load<f32>(from + 4) : fill;
    const v10 = hasLeft && hasBottom ? load<f32>(under) : fill;
    const v11 = hasRight && hasBottom ? load<f32>(under + 4) : fill;
    store<f32>(y, v00 * w00 + v01 * w01 + (v10 * w10 + v11 * w11));
    y += outPlane;
    from += inPlane;
  }
}
