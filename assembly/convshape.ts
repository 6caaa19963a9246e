/** The integers that the convolution kernels share. */
import { slot } from './launch';

/**
 * N images of C × H × W, OC × OH × OW outputs, kernel, stride, padding, dilation, groups, and whether a relu follows.
 *
 * Output sizes are arguments: what OH and OW ask for beyond the bottom and right edge is zero, so that padding may be
 * asymmetric. A one-dimensional convolution is one with H = KH = 1.
 */
@unmanaged
export class Shape {
  n: i32;
  c: i32;
  h: i32;
  w: i32;
  oc: i32;
  oh: i32;
  ow: i32;
  kh: i32;
  kw: i32;
  sh: i32;
  sw: i32;
  ph: i32;
  pw: i32;
  dh: i32;
  dw: i32;
  groups: i32;
  relu: i32;
}

/** The record's integers from a slot on, as they stand there. */
// @ts-ignore: decorator
@inline export function shapeOf(r: usize, first: usize): Shape {
  return changetype<Shape>(slot(r, first));
}

/** Rounds an address up to a multiple of 16. */
// @ts-ignore: decorator
@inline export function aligned(at: usize): usize {
  return (at + 15) & ~15;
}
