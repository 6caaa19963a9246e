/** What maximum and average pooling have in common: the window's numbers, and four windows at a time. */
import { slot } from './launch';

/**
 * Planes of H × W, OH × OW windows of KH × KW, strides and padding, as they stand in a launch record. Output sizes come
 * from the host, so that ceil mode and padding are settled there.
 */
@unmanaged
export class Window {
  planes: i32;
  h: i32;
  w: i32;
  oh: i32;
  ow: i32;
  kh: i32;
  kw: i32;
  sh: i32;
  sw: i32;
  ph: i32;
  pw: i32;
  /** Maximum pooling: the dilation. Average pooling: countIncludePad (0 or 1) and divisorOverride (0 for none). */
  dh: i32;
  dw: i32;
}

// @ts-ignore: decorator
@inline export function windowOf(r: usize, first: usize): Window {
  return changetype<Window>(slot(r, first));
}

/**
 * Floats of a row with what windows see left and right of a plane: PW before it, and as much behind it as four windows or
 * all of them reach. `dilation` is that of columns.
 */
// @ts-ignore: decorator
@inline function spanWith(p: Window, dilation: i32): i32 {
  return max(p.w + p.pw, (max(p.ow, 4) - 1) * p.sw + (p.kw - 1) * dilation + 1) + 4;
}

/** For maximum pooling. */
export function spanOf(p: Window): i32 {
  return spanWith(p, p.dw);
}

/** For average pooling. */
export function plainSpanOf(p: Window): i32 {
  return spanWith(p, 1);
}

/** Whether windows are 2 × 2, side by side, without padding, and all inside. */
export function isHalving(p: Window): bool {
  const square = p.kh == 2 && p.kw == 2 && p.sh == 2 && p.sw == 2;
  return square && p.ph == 0 && p.pw == 0 && 2 * p.oh <= p.h && 2 * p.ow <= p.w;
}

/** Four floats `stride` apart. Reads nothing beyond the last of them. */
// @ts-ignore: decorator
@inline export function loadApart(p: usize, stride: i32): v128 {
  if (stride == 1) return v128.load(p);
  if (stride == 2) return v128.shuffle<i32>(v128.load(p), v128.load(p, 12), 0, 2, 5, 7);
  const step = (<usize>stride) << 2;
  let v = v128.load32_zero(p);
  v = v128.load32_lane(p + step, v, 1);
  v = v128.load32_lane(p + 2 * step, v, 2);
  return v128.load32_lane(p + 3 * step, v, 3);
}
