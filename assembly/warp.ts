/**
 * Warps of images: every output pixel shows a place of the source. Where that place is differs (an affine map, a projective
 * one, a field of displacements); it is worked out for a row at a time, and one sampler draws the row.
 */
import { int, pointer, scratch } from './launch';
import { sampleRow } from './sampler';
import { bytes, splat } from './simd';

const RAMP: usize = memory.data<f32>([0, 1, 2, 3]);

/** Neighbouring pixels (ox … ox + 3), as floats. */
// @ts-ignore: decorator
@inline function four(ox: i32): v128 {
  return f32x4.add(splat(<f32>ox), v128.load(RAMP));
}

/**
 * (ix, iy) = (m0 ox + m1 oy + m2, m3 ox + m4 oy + m5). Coordinates are pixel indices: whole numbers are pixel centres, so
 * that [1 0 0; 0 1 0] is the identity and a rotation about the image's centre is about ((W - 1) / 2, (H - 1) / 2).
 */
@unmanaged
class Affine {
  // @ts-ignore: decorator
  @inline size(): usize {
    return 24;
  }

  // @ts-ignore: decorator
  @inline places(m: usize, oy: i32, outH: i32, outW: i32, w: i32, h: i32, xs: usize, ys: usize): void {
    const atX = splat(load<f32>(m, 4) * <f32>oy + load<f32>(m, 8));
    const atY = splat(load<f32>(m, 16) * <f32>oy + load<f32>(m, 20));
    const stepX = splat(load<f32>(m));
    const stepY = splat(load<f32>(m, 12));
    for (let ox = 0; ox < outW; ox += 4) {
      v128.store(xs + bytes(ox), f32x4.add(f32x4.mul(stepX, four(ox)), atX));
      v128.store(ys + bytes(ox), f32x4.add(f32x4.mul(stepY, four(ox)), atY));
    }
  }
}

/**
 * (ix, iy) = ((a u + b v + c) / q, (d u + e v + f) / q) - 1/2 with q = g u + h v + 1, for the pixel whose centre is at
 * (u, v) = (ox + 1/2, oy + 1/2), counted from the image's edges.
 */
@unmanaged
class Projective {
  // @ts-ignore: decorator
  @inline size(): usize {
    return 32;
  }

  // @ts-ignore: decorator
  @inline places(m: usize, oy: i32, outH: i32, outW: i32, w: i32, h: i32, xs: usize, ys: usize): void {
    const v = <f32>oy + 0.5;
    const half = splat(0.5);
    const atX = splat(load<f32>(m, 4) * v + load<f32>(m, 8));
    const atY = splat(load<f32>(m, 16) * v + load<f32>(m, 20));
    const atQ = splat(load<f32>(m, 28) * v + 1);
    for (let ox = 0; ox < outW; ox += 4) {
      const u = f32x4.add(four(ox), half);
      const q = f32x4.add(f32x4.mul(v128.load32_splat(m, 24), u), atQ);
      const px = f32x4.add(f32x4.mul(v128.load32_splat(m), u), atX);
      const py = f32x4.add(f32x4.mul(v128.load32_splat(m, 12), u), atY);
      v128.store(xs + bytes(ox), f32x4.sub(f32x4.div(px, q), half));
      v128.store(ys + bytes(ox), f32x4.sub(f32x4.div(py, q), half));
    }
  }
}

/** (ix, iy) = (ox + W/2 dx, oy + H/2 dy): the field [outH, outW, 2] says by how much of half an image a place moves. */
@unmanaged
class Field {
  // @ts-ignore: decorator
  @inline size(): usize {
    return 0;
  }

  // @ts-ignore: decorator
  @inline places(m: usize, oy: i32, outH: i32, outW: i32, w: i32, h: i32, xs: usize, ys: usize): void {
    const halfW = <f32>w * 0.5;
    const halfH = <f32>h * 0.5;
    m += bytes(2 * oy * outW);
    for (let ox = 0; ox < outW; ox++) {
      store<f32>(xs + bytes(ox), <f32>ox + load<f32>(m) * halfW);
      store<f32>(ys + bytes(ox), <f32>oy + load<f32>(m, 4) * halfH);
      m += 8;
    }
  }
}

/**
 * y[n, c, oy, ox] = x[n, c] at the place that the map of image n gives for (ox, oy).
 *
 * Slots: 0 y [N, C, outH, outW], 1 x [N, C, H, W], 2 maps: [N, 6] (affine), [N, 8] (projective) or [N, outH, outW, 2]
 * (field), 3 fill [C] float32, 4 C, 5 H, 6 W, 7 outH, 8 outW, 9 bilinear.
 * Work: N · outH rows. Scratch: 8 bytes for each of outW + 4 pixels.
 */
export function warpAffine_f32(r: usize, begin: i32, end: i32): void {
  warp<f32, Affine>(r, begin, end);
}

export function warpAffine_u8(r: usize, begin: i32, end: i32): void {
  warp<u8, Affine>(r, begin, end);
}

export function warpProjective_f32(r: usize, begin: i32, end: i32): void {
  warp<f32, Projective>(r, begin, end);
}

export function warpProjective_u8(r: usize, begin: i32, end: i32): void {
  warp<u8, Projective>(r, begin, end);
}

export function warpField_f32(r: usize, begin: i32, end: i32): void {
  warp<f32, Field>(r, begin, end);
}

export function warpField_u8(r: usize, begin: i32, end: i32): void {
  warp<u8, Field>(r, begin, end);
}

function warp<T, M>(r: usize, begin: i32, end: i32): void {
  const channels = int(r, 4);
  const h = int(r, 5);
  const w = int(r, 6);
  const outH = int(r, 7);
  const outW = int(r, 8);
  const map = changetype<M>(0);
  const mapSize = map.size() != 0 ? map.size() : bytes(2 * outH * outW);
  const inImage = <usize>(channels * h * w) * sizeof<T>();
  const outPlane = <usize>(outH * outW) * sizeof<T>();
  const xs = scratch();
  const ys = xs + bytes((outW + 3) & ~3);
  for (let row = begin; row < end; row++) {
    const n = row / outH;
    const oy = row - n * outH;
    map.places(pointer(r, 2) + <usize>n * mapSize, oy, outH, outW, w, h, xs, ys);
    const x = pointer(r, 1) + <usize>n * inImage;
    const y = pointer(r, 0) + <usize>n * <usize>channels * outPlane + <usize>(oy * outW) * sizeof<T>();
    sampleRow<T>(y, x, xs, ys, outW, channels, h, w, outPlane, pointer(r, 3), int(r, 9) != 0);
  }
}
