import { isGradEnabled } from '../autograd/index.js';
import type { Tensor } from '../core/tensor.js';
import { copy_ } from './inplace.js';
import { clone } from './movement.js';

/**
 * What PyTorch's `inplace=True` asks of an activation: its result in the memory of its input, under the rules of `copy_`.
 * Where a gradient will be wanted the op keeps a copy of its input, since the original is gone by then.
 */
export function overwrite(input: Tensor, inplace: boolean, compute: (x: Tensor) => Tensor): Tensor {
  if (!inplace) return compute(input);
  const x = isGradEnabled() && input.requiresGrad ? clone(input) : input;
  const y = compute(x);
  if (y === x) return input;
  copy_(input, y);
  y.dispose();
  return input;
}
