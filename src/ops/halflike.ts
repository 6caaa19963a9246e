import type { Tensor } from '../core/tensor.js';
import { cast } from './movement.js';

/** `y`, which was computed in float32, in float16 where `input` is. */
export function halfLike(input: Tensor, y: Tensor): Tensor {
  return input.dtype === 'float16' && y.dtype === 'float32' ? cast(y, 'float16') : y;
}
