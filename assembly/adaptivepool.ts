/**
 * Adaptive pooling: output o of O covers the inputs floor(o · I / O) up to, not including, ceil((o + 1) · I / O).
 * Work items are planes (N · C of them).
 */
import { int, pointer } from './launch';
import { bytes } from './simd';
import { sumOf } from './row';

// @ts-ignore: decorator
@inline function from(o: i32, inSize: i32, outSize: i32): i32 {
  return <i32>((<i64>o * inSize) / outSize);
}

// @ts-ignore: decorator
@inline function to(o: i32, inSize: i32, outSize: i32): i32 {
  return <i32>((<i64>(o + 1) * inSize + outSize - 1) / outSize);
}

/**
 * Slots: 0 y [planes, OH, OW], 1 x [planes, H, W], 2 planes, 3 H, 4 W, 5 OH, 6 OW. Work: planes.
 * A single output is global average pooling, one blocked sum a plane.
 */
export function adaptiveAvgPool2d_f32(r: usize, begin: i32, end: i32): void {
  const h = int(r, 3);
  const w = int(r, 4);
  const oh = int(r, 5);
  const ow = int(r, 6);
  let y = pointer(r, 0) + <usize>begin * bytes(oh * ow);
  for (let plane = begin; plane < end; plane++) {
    const x = pointer(r, 1) + <usize>plane * bytes(h * w);
    for (let oy = 0; oy < oh; oy++) {
      const top = from(oy, h, oh);
      const rows = to(oy, h, oh) - top;
      for (let ox = 0; ox < ow; ox++) {
        const left = from(ox, w, ow);
        const cols = to(ox, w, ow) - left;
        let sum: f64 = 0;
        if (cols == w) sum = sumOf(x + bytes(top * w), rows * w);
        else for (let i = 0; i < rows; i++) sum += sumOf(x + bytes((top + i) * w + left), cols);
        store<f32>(y, <f32>(sum / (<f64>rows * <f64>cols)));
        y += 4;
      }
    }
  }
}

/**
 * Slots: 0 dx [planes, H, W], 1 dy [planes, OH, OW], 2 planes, 3 H, 4 W, 5 OH, 6 OW. Work: planes.
 */
export function adaptiveAvgPool2d_grad_f32(r: usize, begin: i32, end: i32): void {
  const h = int(r, 3);
  const w = int(r, 4);
  const oh = int(r, 5);
  const ow = int(r, 6);
  const plane = bytes(h * w);
  memory.fill(pointer(r, 0) + <usize>begin * plane, 0, <usize>(end - begin) * plane);
  let dy = pointer(r, 1) + <usize>begin * bytes(oh * ow);
  for (let i = begin; i < end; i++) {
    const dx = pointer(r, 0) + <usize>i * plane;
    for (let oy = 0; oy < oh; oy++) {
      const top = from(oy, h, oh);
      const bottom = to(oy, h, oh);
      for (let ox = 0; ox < ow; ox++) {
        const left = from(ox, w, ow);
        const right = to(ox, w, ow);
        const g = load<f32>(dy) / <f32>((bottom - top) * (right - left));
        dy += 4;
        for (let iy = top; iy < bottom; iy++) {
          let p = dx + bytes(iy * w + left);
          const stop = dx + bytes(iy * w + right);
          while (p < stop) {
            store<f32>(p, load<f32>(p) + g);
            p += 4;
          }
        }
      }
    }
  }
}

/**
 * The largest element of each region and its place in the input plane; the gradient is maxPool2d_grad_f32.
 * Slots: 0 y [planes, OH, OW], 1 indices (int32) or 0, 2 x [planes, H, W], 3 planes, 4 H, 5 W, 6 OH, 7 OW. Work:
 * planes.
 */
export function adaptiveMaxPool2d_f32(r: usize, begin: i32, end: i32): void {
  const h = int(r, 4);
  const w = int(r, 5);
  const oh = int(r, 6);
  const ow = int(r, 7);
  const first = <usize>begin * bytes(oh * ow);
  let y = pointer(r, 0) + first;
  let index = pointer(r, 1) ? pointer(r, 1) + first : 0;
  for (let plane = begin; plane < end; plane++) {
    const x = pointer(r, 2) + <usize>plane * bytes(h * w);
    for (let oy = 0; oy < oh; oy++) {
      const top = from(oy, h, oh);
      const bottom = to(oy, h, oh);
      for (let ox = 0; ox < ow; ox++) {
        const left = from(ox, w, ow);
        const right = to(ox, w, ow);
        let best: f32 = -Infinity;
        let place = top * w + left;
        for (let iy = top; iy < bottom; iy++) {
          for (let ix = left; ix < right; ix++) {
            const v = load<f32>(x + bytes(iy * w + ix));
            const wins = i32(v > best) | i32(isNaN(v));
            best = select(v, best, wins);
            place = select(iy * w + ix, place, wins);
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
}
