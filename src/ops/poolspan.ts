import type { PlaneField } from './poolfield.js';

/**
 * Floats of a row with what windows see left and right of a plane, `dilation` columns apart, as assembly/poolwindow.ts has
 * it: the kernels' scratch memory is made of such rows.
 */
export function poolSpan({ image, out, kernel, stride, padding }: PlaneField, dilation: number): number {
  const reach = (Math.max(out[1], 4) - 1) * stride[1] + (kernel[1] - 1) * dilation + 1;
  return Math.max(image[1] + padding[1], reach) + 4;
}
