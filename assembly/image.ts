/** Affine warps of a batch of images: rotation, scaling, shift, shear and flip in one pass. */
import { float, int, pointer } from './launch';
import { bytes } from './simd';

/**
 * y[n, c, oy, ox] = x[n, c] at (ix, iy) = (m0 ox + m1 oy + m2, m3 ox + m4 oy + m5), with m = matrices[n].
 *
 * Coordinates are pixel indices: whole numbers are pixel centres, so that [1 0 0; 0 1 0] is the identity and a resize that
 * aligns the outer edges (torchvision, alignCorners = false) is ix = s ox + (s - 1) / 2 with s = W / outW. A rotation about
 * the image's centre is about ((W - 1) / 2, (H - 1) / 2).
 * Bilinear (mode 1) weighs the four neighbours, and a neighbour outside the image counts as `fill`; with fill = 0 this is
 * grid_sample(mode 'bilinear', padding_mode 'zeros', align_corners = false). Nearest (mode 0) rounds halves to even, as
 * grid_sample does, and is `fill` where the rounded place lies outside.
 *
 * Slots: 0 y [N, C, outH, outW], 1 x [N, C, H, W], 2 matrices [N, 6], 3 fill, 4 N, 5 C, 6 H, 7 W, 8 outH, 9 outW, 10 mode.
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
      for (let ox = 0; ox < outW; ox++) {
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
  y: usize, x: usize, ix: f32, iy: f32, channels: i32, h: i32, w: i32, inPlane: usize, outPlane: usize, fill: f32,
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

function interpolate(
  y: usize, x: usize, ix: f32, iy: f32, channels: i32, h: i32, w: i32, inPlane: usize, outPlane: usize, fill: f32,
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
