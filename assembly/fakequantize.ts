/** Quantization and back in float32, as training sees it: line by line, each with the scale and zero point of its channel. */
import { float, int, pointer } from './launch';
import { loadUpTo4, storeUpTo4 } from './row';
import { bytes } from './simd';

/** The map of the channel under way. A module variable is private to an instance, and an instance runs one kernel at a time. */
let scale: v128 = f32x4.splat(0);
let inverse: v128 = f32x4.splat(0);
let zeroPoint: v128 = f32x4.splat(0);
let low: v128 = f32x4.splat(0);
let high: v128 = f32x4.splat(0);

/** Reads the map of a channel; `at` is the slot of the scales, `bounds` that of the least and the largest whole number. */
// @ts-ignore: decorator
@inline function readMap(r: usize, at: usize, channel: i32, bounds: usize): void {
  const s = load<f32>(pointer(r, at) + bytes(channel));
  scale = f32x4.splat(s);
  inverse = f32x4.splat(1 / s);
  zeroPoint = f32x4.splat(load<f32>(pointer(r, at + 1) + bytes(channel)));
  low = f32x4.splat(<f32>int(r, bounds));
  high = f32x4.splat(<f32>int(r, bounds + 1));
}

// @ts-ignore: decorator
@inline function nearest(x: v128): v128 {
  return f32x4.add(f32x4.nearest(f32x4.mul(x, inverse)), zeroPoint);
}

/**
 * y = (clamp(roundHalfEven(x / scale) + zeroPoint, low, high) − zeroPoint) · scale; a NaN stays one.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0, 1 | y, x | float32, contiguous |
 * | 2, 3 | scale, zeroPoint | float32, one for each channel |
 * | 4, 5, 6 | total, inner, channels | numbers, numbers in a line, channels: line i has channel i mod channels |
 * | 7, 8 | low, high | |
 *
 * Work: ceil(total / inner), lines.
 */
export function fakeQuantize_f32(r: usize, begin: i32, end: i32): void {
  const inner = int(r, 5);
  for (let line = begin; line < end; line++) {
    readMap(r, 2, line % int(r, 6), 7);
    let y = pointer(r, 0) + bytes(line * inner),
      x = pointer(r, 1) + bytes(line * inner);
    let count = min(inner, int(r, 4) - line * inner);
    for (; count >= 4; count -= 4) {
      v128.store(y, rounded(v128.load(x)));
      x += 16;
      y += 16;
    }
    if (count > 0) storeUpTo4(y, rounded(loadUpTo4(x, count)), count);
  }
}

// @ts-ignore: decorator
@inline function rounded(x: v128): v128 {
  return f32x4.mul(f32x4.sub(f32x4.min(f32x4.max(nearest(x), low), high), zeroPoint), scale);
}

/**
 * The gradient of x: g where x was not clamped, 0 elsewhere (the straight-through estimator).
 * Slots: 0 the result, 1 g, 2 x, 3 scale, 4 zeroPoint, 5 total, 6 inner, 7 channels, 8 low, 9 high. Work: as above.
 */
export function fakeQuantizeGrad_f32(r: usize, begin: i32, end: i32): void {
  const inner = int(r, 6);
  for (let line = begin; line < end; line++) {
    readMap(r, 3, line % int(r, 7), 8);
    const from = bytes(line * inner);
    let y = pointer(r, 0) + from,
      g = pointer(r, 1) + from,
      x = pointer(r, 2) + from;
    let count = min(inner, int(r, 5) - line * inner);
    for (; count >= 4; count -= 4) {
      v128.store(y, v128.and(v128.load(g), inside(v128.load(x))));
      x += 16;
      g += 16;
      y += 16;
    }
    if (count > 0) storeUpTo4(y, v128.and(loadUpTo4(g, count), inside(loadUpTo4(x, count))), count);
  }
}

// @ts-ignore: decorator
@inline function inside(x: v128): v128 {
  const q = nearest(x);
  return v128.and(f32x4.ge(q, low), f32x4.le(q, high));
}

/**
 * Moves a range toward that of x by a share of the way, and maps it, widened to hold 0, to the whole numbers low … high. A range
 * that is still infinite becomes that of x; one of zeros alone has the scale 1.
 *
 * | slot | argument | |
 * |---|---|---|
 * | 0, 1 | least, most | float32 [channels], the range |
 * | 2, 3 | scale, zeroPoint | float32 [channels], what comes of it |
 * | 4 | x | float32, contiguous |
 * | 5 | share | float32 |
 * | 6, 7, 8 | total, inner, channels | line i has channel i mod channels |
 * | 9, 10, 11 | low, high, symmetric | 1: the range is taken as symmetric around 0 |
 *
 * Work: channels.
 */
export function observeRange_f32(r: usize, begin: i32, end: i32): void {
  for (let channel = begin; channel < end; channel++) {
    const at = bytes(channel);
    const step = int(r, 8) * int(r, 7),
      total = int(r, 6);
    let least = f32x4.splat(Infinity),
      most = f32x4.splat(-Infinity);
    for (let first = channel * int(r, 7); first < total; first += step) {
      let x = pointer(r, 4) + bytes(first);
      let count = min(int(r, 7), total - first);
      for (; count >= 4; count -= 4) {
        least = f32x4.pmin(least, v128.load(x));
        most = f32x4.pmax(most, v128.load(x));
        x += 16;
      }
      for (; count > 0; count--) {
        least = f32x4.pmin(least, v128.load32_splat(x));
        most = f32x4.pmax(most, v128.load32_splat(x));
        x += 4;
      }
    }
    if (total > channel * int(r, 7)) {
      moveTo(pointer(r, 0) + at, -largest(f32x4.neg(least)), float(r, 5));
      moveTo(pointer(r, 1) + at, largest(most), float(r, 5));
    }
    writeAffine(r, at);
  }
}

function moveTo(at: usize, value: f32, share: f32): void {
  const before = load<f32>(at);
  store<f32>(at, abs<f32>(before) == Infinity ? value : before + share * (value - before));
}

function writeAffine(r: usize, at: usize): void {
  const least = min<f32>(load<f32>(pointer(r, 0) + at), 0),
    most = max<f32>(load<f32>(pointer(r, 1) + at), 0);
  const low = int(r, 9),
    high = int(r, 10),
    levels = <f32>(high - low);
  let scale: f32 = 1,
    zeroPoint: f32 = 0;
  if (most > least) {
    const isSymmetric = int(r, 11) != 0;
    const span: f32 = isSymmetric ? max<f32>(-least, most) / (levels / 2) : (most - least) / levels;
    scale = max<f32>(span, 1.1754943508222875e-38);
    if (!isSymmetric) zeroPoint = min<f32>(<f32>high, max<f32>(<f32>low, <f32>low - f32.nearest(least / scale)));
  }
  store<f32>(pointer(r, 2) + at, scale);
  store<f32>(pointer(r, 3) + at, zeroPoint);
}

/** The largest of four lanes. */
// @ts-ignore: decorator
@inline export function largest(v: v128): f32 {
  const pairs = f32x4.pmax(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2)), 0);
}
