/** Sharpening: a blend of an image and its blur. */
import { scratch } from './launch';
import { clampPixels, readPixels, writePixels } from './pixels';
import { splat } from './simd';

/**
 * a x + b blurred(x) in each of `channels` planes, where the blur weighs a pixel with 5/13 and its eight neighbours with 1/13.
 * Pixels at the edge are blurred by nothing. An image of two rows or columns is all edge. Scratch: a plane.
 */
export function sharpen<T>(y: usize, x: usize, channels: i32, h: i32, w: i32, a: f32, b: f32): void {
  const plane = <usize>(h * w) * sizeof<T>();
  const line = <usize>w * sizeof<T>();
  if (h <= 2 || w <= 2) {
    memory.copy(y, x, <usize>channels * plane);
    return;
  }
  for (let c = 0; c < channels; c++) {
    let from = x;
    if (x == y) {
      from = scratch();
      memory.copy(from, x, plane);
    }
    edge<T>(y, from, w, a, b);
    edge<T>(y + plane - line, from + plane - line, w, a, b);
    for (let row = 1; row < h - 1; row++) {
      const at = <usize>row * line;
      edge<T>(y + at, from + at, 1, a, b);
      edge<T>(y + at + line - sizeof<T>(), from + at + line - sizeof<T>(), 1, a, b);
      inner<T>(y + at + sizeof<T>(), from + at + sizeof<T>(), line, w - 2, a, b);
    }
    x += plane;
    y += plane;
  }
}

// @ts-ignore: decorator
@inline function blend<T>(v: v128, blurred: v128, a: f32, b: f32): v128 {
  return clampPixels<T>(f32x4.add(f32x4.mul(splat(a), v), f32x4.mul(splat(b), blurred)));
}

function edge<T>(y: usize, x: usize, count: i32, a: f32, b: f32): void {
  for (let i = 0; i < count; i += 4) {
    const n = min(4, count - i);
    const v = readPixels<T>(x + <usize>i * sizeof<T>(), n);
    writePixels<T>(y + <usize>i * sizeof<T>(), blend<T>(v, v, a, b), n);
  }
}

function inner<T>(y: usize, x: usize, line: usize, count: i32, a: f32, b: f32): void {
  const few = splat(<f32>1 / 13);
  const many = splat(<f32>5 / 13);
  for (let i = 0; i < count; i += 4) {
    const n = min(4, count - i);
    const at = <usize>i * sizeof<T>();
    const above = x + at - line;
    const below = x + at + line;
    const v = readPixels<T>(x + at, n);
    let around = three<T>(above, n);
    around = f32x4.add(around, readPixels<T>(x + at - sizeof<T>(), n));
    around = f32x4.add(around, readPixels<T>(x + at + sizeof<T>(), n));
    around = f32x4.add(around, three<T>(below, n));
    let blurred = f32x4.add(f32x4.mul(around, few), f32x4.mul(v, many));
    if (!isFloat<T>()) blurred = f32x4.nearest(blurred);
    writePixels<T>(y + at, blend<T>(v, blurred, a, b), n);
  }
}

// @ts-ignore: decorator
@inline function three<T>(x: usize, n: i32): v128 {
  const sides = f32x4.add(readPixels<T>(x - sizeof<T>(), n), readPixels<T>(x + sizeof<T>(), n));
  return f32x4.add(sides, readPixels<T>(x, n));
}
