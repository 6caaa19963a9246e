/** Tone curves that each channel of an image gets from its own pixels. */
import { scratch } from './launch';
import { clampPixels, readPixels, white, writePixels } from './pixels';
import { bytes, splat } from './simd';

/** Stretches the values of each channel so that they reach from black to white. A channel of one value stays. */
export function autocontrast<T>(y: usize, x: usize, channels: i32, pixels: i32): void {
  for (let c = 0; c < channels; c++) {
    let low = readPixels<T>(x, min(4, pixels));
    let high = low;
    for (let i = 0; i < pixels; i += 4) {
      const v = readPixels<T>(x + <usize>i * sizeof<T>(), min(4, pixels - i));
      low = f32x4.min(low, v);
      high = f32x4.max(high, v);
    }
    let least = leastOf(low);
    const most = mostOf(high);
    let scale = white<T>() / (most - least);
    if (!isFinite(scale)) {
      least = 0;
      scale = 1;
    }
    for (let i = 0; i < pixels; i += 4) {
      const n = min(4, pixels - i);
      const at = <usize>i * sizeof<T>();
      const v = f32x4.mul(f32x4.sub(readPixels<T>(x + at, n), splat(least)), splat(scale));
      writePixels<T>(y + at, clampPixels<T>(v), n);
    }
    x += <usize>pixels * sizeof<T>();
    y += <usize>pixels * sizeof<T>();
  }
}

// @ts-ignore: decorator
@inline function leastOf(v: v128): f32 {
  v = f32x4.min(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return min(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1));
}

// @ts-ignore: decorator
@inline function mostOf(v: v128): f32 {
  v = f32x4.max(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1));
}

/**
 * Spreads the values of each channel so that they are about equally frequent, by a curve of 256 levels; floats are taken for
 * bytes first. A channel of one value, or with too few pixels beside its brightest, stays. Scratch: 256 counts.
 */
export function equalize<T>(y: usize, x: usize, channels: i32, pixels: i32): void {
  const counts = scratch();
  for (let c = 0; c < channels; c++) {
    memory.fill(counts, 0, 1024);
    for (let i = 0; i < pixels; i++) {
      const at = counts + bytes(level<T>(x + <usize>i * sizeof<T>()));
      store<i32>(at, load<i32>(at) + 1);
    }
    let brightest = 255;
    while (brightest > 0 && load<i32>(counts + bytes(brightest)) == 0) brightest--;
    const step = (pixels - load<i32>(counts + bytes(brightest))) / 255;
    let before = step >> 1;
    for (let v = 0; v < 256; v++) {
      const at = counts + bytes(v);
      const own = load<i32>(at);
      store<i32>(at, step == 0 ? v : min(before / step, 255));
      before += own;
    }
    for (let i = 0; i < pixels; i++) {
      const at = <usize>i * sizeof<T>();
      const value = load<i32>(counts + bytes(level<T>(x + at)));
      if (!isFloat<T>()) store<u8>(y + at, <u8>value);
      else store<f32>(y + at, step == 0 ? load<f32>(x + at) : <f32>value / 255);
    }
    x += <usize>pixels * sizeof<T>();
    y += <usize>pixels * sizeof<T>();
  }
}

// @ts-ignore: decorator
@inline function level<T>(x: usize): i32 {
  if (!isFloat<T>()) return <i32>load<u8>(x);
  // What is no number is black.
  const v = load<f32>(x);
  return <i32>f32.nearest(v > 0 ? min(v, 1) * 255 : 0);
}
