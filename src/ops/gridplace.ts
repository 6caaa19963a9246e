import { noGrad, record } from '../autograd/index.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul, sub } from './arithmetic.js';
import { eq, gt, logicalAnd, lt, where } from './compare.js';
import { fmod, remainder } from './division.js';
import { abs, clamp, floor } from './unary.js';

/** Where the places of a grid lie on an image, and where those outside it go. */

/** What lies outside an image: zeros, its nearest pixel, or its mirror image. */
export type GridPadding = 'zeros' | 'border' | 'reflection';

/** Places from −1 to 1 in pixels from 0 to size − 1. */
export function unnormalized(x: Tensor, size: number, alignCorners: boolean): Tensor {
  const centred = add(x, 1);
  return alignCorners ? mul(centred, (size - 1) / 2) : sub(mul(centred, size / 2), 0.5);
}

/** The nearest place inside; where that is another one, or the border itself, nothing depends on x. */
function clipped(x: Tensor, size: number): Tensor {
  const { y, isFree } = noGrad(() => ({
    y: clamp(x, 0, size - 1),
    isFree: logicalAnd(gt(x, 0), lt(x, size - 1)),
  }));
  record('gridSample', [x], [y], [isFree], ([g], [free]) => [where(free as Tensor, g as Tensor, 0)]);
  return y;
}

/** x mirrored, as often as needed, at the centres of the outermost pixels or at their edges. */
function reflected(x: Tensor, size: number, alignCorners: boolean): Tensor {
  const low = alignCorners ? 0 : -0.5;
  const span = alignCorners ? size - 1 : size;
  const { y, slope } = noGrad(() => {
    if (span === 0) return { y: mul(x, 0), slope: mul(x, 0) };
    const fromLow = sub(x, low);
    const distance = abs(fromLow);
    const extra = fmod(distance, span);
    const isForward = eq(remainder(floor(div(distance, span)), 2), 0);
    const sign = where(lt(fromLow, 0), -1, 1);
    return {
      y: where(isForward, add(extra, low), sub(span + low, extra)),
      slope: where(isForward, sign, mul(sign, -1)),
    };
  });
  record('gridSample', [x], [y], [slope], ([g], [held]) => [mul(g as Tensor, held as Tensor)]);
  return y;
}

/** The place on the image that stands for place x; with zeros outside, x itself. */
export function placeOf(x: Tensor, size: number, padding: GridPadding, alignCorners: boolean): Tensor {
  if (padding === 'zeros') return x;
  return clipped(padding === 'border' ? x : reflected(x, size, alignCorners), size);
}
