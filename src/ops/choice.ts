import { isGradEnabled, record } from '../autograd/index.js';
import type { Tensor } from '../core/tensor.js';
import { zerosLike } from './create.js';

/**
 * `dx`, a gradient that `saved` has only chosen among: with respect to it, it is flat. The graph says so by a gradient of
 * zeros, as PyTorch's does, where it would otherwise end.
 */
export function chosenBy(saved: Tensor, dx: Tensor): Tensor {
  if (!isGradEnabled() || !saved.requiresGrad) return dx;
  const y = dx.strided(dx.shape, dx.strides, dx.offset);
  record('choice', [dx, saved], [y], [], ([g]) => [g, zerosLike(g as Tensor)]);
  return y;
}
