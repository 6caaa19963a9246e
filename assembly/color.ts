/**
 * What is done to the colours of images, by a program of their own: steps (operation, a, b) one after another, each a pass
 * over the image where it will stand. Results are those of torchvision's operations on tensors: arithmetic in float32, and
 * bytes lose their fraction behind every step.
 */
import { hue } from './hue';
import { int, pointer } from './launch';
import { clampPixels, readPixels, white, writePixels } from './pixels';
import { sharpen } from './sharpen';
import { bytes, horizontalSum, splat } from './simd';
import { autocontrast, equalize } from './tones';

const BRIGHTNESS: i32 = 1;
const CONTRAST: i32 = 2;
const SATURATION: i32 = 3;
const HUE: i32 = 4;
const SHARPNESS: i32 = 5;
const POSTERIZE: i32 = 6;
const SOLARIZE: i32 = 7;
const AUTOCONTRAST: i32 = 8;
const EQUALIZE: i32 = 9;
const INVERT: i32 = 10;
const GRAYSCALE: i32 = 11;

/**
 * Blends are a · image + b · other; a is the factor and b is 1 - factor. Hue: a is the shift, in turns. Posterize: a is the
 * width of a level, of 256. Solarize: a is the threshold.
 * Slots: 0 y [N, C, H, W], 1 x, 2 programs [N, S, 3] float32, 3 C (1 or 3), 4 H · W, 5 W, 6 S.
 * Work: N. Scratch: a plane, and a table of 256 bytes · 4.
 */
export function color_u8(r: usize, begin: i32, end: i32): void {
  color<u8>(r, begin, end);
}

export function color_f32(r: usize, begin: i32, end: i32): void {
  color<f32>(r, begin, end);
}

function color<T>(r: usize, begin: i32, end: i32): void {
  const channels = int(r, 3);
  const pixels = int(r, 4);
  const steps = int(r, 6);
  const size = <usize>(channels * pixels) * sizeof<T>();
  for (let n = begin; n < end; n++) {
    const y = pointer(r, 0) + <usize>n * size;
    let x = pointer(r, 1) + <usize>n * size;
    let step = pointer(r, 2) + bytes(3 * n * steps);
    for (let k = 0; k < steps; k++) {
      const operation = <i32>load<f32>(step);
      if (operation != 0) {
        apply<T>(operation, y, x, channels, pixels, int(r, 5), load<f32>(step, 4), load<f32>(step, 8));
        x = y;
      }
      step += 12;
    }
    if (x != y) memory.copy(y, x, size);
  }
}

function apply<T>(operation: i32, y: usize, x: usize, channels: i32, pixels: i32, w: i32, a: f32, b: f32): void {
  const all = channels * pixels;
  switch (operation) {
    case BRIGHTNESS:
      return blendFlat<T>(y, x, all, a, 0);
    case CONTRAST:
      return blendFlat<T>(y, x, all, a, b * meanGray<T>(x, channels, pixels));
    case SATURATION:
      return blendGray<T>(y, x, pixels, a, b);
    case HUE:
      return hue<T>(y, x, pixels, a);
    case SHARPNESS:
      return sharpen<T>(y, x, channels, pixels / w, w, a, b);
    case POSTERIZE:
      return posterize<T>(y, x, all, a);
    case SOLARIZE:
      return solarize<T>(y, x, all, a);
    case AUTOCONTRAST:
      return autocontrast<T>(y, x, channels, pixels);
    case EQUALIZE:
      return equalize<T>(y, x, channels, pixels);
    case INVERT:
      return solarize<T>(y, x, all, -f32.MAX_VALUE);
    case GRAYSCALE:
      return blendGray<T>(y, x, pixels, 0, 1);
  }
}

/** Brightness of pixels as a colourless image has it; bytes lose its fraction. */
// @ts-ignore: decorator
@inline function gray<T>(x: usize, plane: usize, n: i32): v128 {
  const red = f32x4.mul(splat(0.2989), readPixels<T>(x, n));
  const green = f32x4.mul(splat(0.587), readPixels<T>(x + plane, n));
  const blue = f32x4.mul(splat(0.114), readPixels<T>(x + 2 * plane, n));
  const sum = f32x4.add(f32x4.add(red, green), blue);
  return isFloat<T>() ? sum : f32x4.floor(sum);
}

/** The mean brightness. Sums of a few thousand pixels are exact for bytes; they are gathered in float64. */
function meanGray<T>(x: usize, channels: i32, pixels: i32): f32 {
  const plane = <usize>pixels * sizeof<T>();
  let total: f64 = 0;
  for (let i = 0; i < pixels; ) {
    const stop = min(pixels, i + 4096);
    let sum = splat(0);
    for (; i + 4 <= stop; i += 4) {
      const at = x + <usize>i * sizeof<T>();
      sum = f32x4.add(sum, channels == 3 ? gray<T>(at, plane, 4) : readPixels<T>(at, 4));
    }
    total += <f64>horizontalSum(sum);
    for (; i < stop; i++) {
      const at = x + <usize>i * sizeof<T>();
      total += <f64>f32x4.extract_lane(channels == 3 ? gray<T>(at, plane, 1) : readPixels<T>(at, 1), 0);
    }
  }
  return <f32>(total / <f64>pixels);
}

/** a x + other, between black and white. */
function blendFlat<T>(y: usize, x: usize, count: i32, a: f32, other: f32): void {
  for (let i = 0; i < count; i += 4) {
    const n = min(4, count - i);
    const at = <usize>i * sizeof<T>();
    const sum = f32x4.add(f32x4.mul(splat(a), readPixels<T>(x + at, n)), splat(other));
    writePixels<T>(y + at, clampPixels<T>(sum), n);
  }
}

/** a x + b gray(x), between black and white, of three channels. */
function blendGray<T>(y: usize, x: usize, pixels: i32, a: f32, b: f32): void {
  const plane = <usize>pixels * sizeof<T>();
  for (let i = 0; i < pixels; i += 4) {
    const n = min(4, pixels - i);
    const at = <usize>i * sizeof<T>();
    const other = f32x4.mul(splat(b), gray<T>(x + at, plane, n));
    for (let c: usize = 0; c < 3; c++) {
      const own = at + c * plane;
      const sum = f32x4.add(f32x4.mul(splat(a), readPixels<T>(x + own, n)), other);
      writePixels<T>(y + own, clampPixels<T>(sum), n);
    }
  }
}

/** Brightness in levels `width` apart, of 256; floats are taken for bytes first. */
function posterize<T>(y: usize, x: usize, count: i32, width: f32): void {
  const bits = i32x4.splat(-(<i32>width));
  for (let i = 0; i < count; i += 4) {
    const n = min(4, count - i);
    const at = <usize>i * sizeof<T>();
    let v = readPixels<T>(x + at, n);
    if (isFloat<T>()) v = f32x4.nearest(f32x4.mul(clampPixels<T>(v), splat(255)));
    v = f32x4.convert_i32x4_s(v128.and(i32x4.trunc_sat_f32x4_s(v), bits));
    if (isFloat<T>()) v = f32x4.div(v, splat(255));
    writePixels<T>(y + at, v, n);
  }
}

/** The negative of pixels as bright as `threshold` or brighter. */
function solarize<T>(y: usize, x: usize, count: i32, threshold: f32): void {
  for (let i = 0; i < count; i += 4) {
    const n = min(4, count - i);
    const at = <usize>i * sizeof<T>();
    const v = readPixels<T>(x + at, n);
    const negative = f32x4.sub(splat(white<T>()), v);
    writePixels<T>(y + at, v128.bitselect(negative, v, f32x4.ge(v, splat(threshold))), n);
  }
}
