import { noGrad } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import { scope } from '../core/scoping.js';
import { add, mul, reshape } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { cloneModule } from './clone.js';
import type { Conv1d, Conv2d, Conv3d } from './conv.js';
import { Parameter } from './module.js';
import type { BatchNorm1d, BatchNorm2d, BatchNorm3d } from './norm.js';

type Convolution = Conv1d | Conv2d | Conv3d;

/**
 * A convolution that does in evaluation what `conv` and then `bn` do: y = (conv(x) − mean) · w / √(var + eps) + b is linear in
 * the convolution's weight and bias, so that the factor goes into the one and the rest into the other. Both stay as they
 * are; the result is a copy of `conv` with a weight and a bias of its own. Throws in training mode, where the batch norm
 * depends on its batch, and without running statistics.
 */
export function fuseConvBn<C extends Convolution>(conv: C, bn: BatchNorm1d | BatchNorm2d | BatchNorm3d): C;
export function fuseConvBn(conv: Convolution, bn: BatchNorm1d | BatchNorm2d | BatchNorm3d): Convolution {
  if (conv.training || bn.training) {
    fail('argument', 'fuseConvBn: a batch norm can be folded in evaluation only. Call eval() on both first.');
  }
  if (bn.numFeatures !== conv.outChannels) {
    fail('shape', `fuseConvBn: ${conv.outChannels} output channels, but a batch norm of ${bn.numFeatures} features.`);
  }
  const [weight, bias] = noGrad(() =>
    scope((): [Tensor, Tensor] => {
      const affine = bn.asAffine();
      if (affine === null) {
        return fail('argument', 'fuseConvBn: the batch norm keeps no running statistics, so it needs every batch.');
      }
      const { scale, shift } = affine;
      const perChannel = reshape(scale, [-1, ...conv.weight.shape.slice(1).map(() => 1)]);
      return [mul(conv.weight, perChannel), conv.bias === null ? shift : add(mul(conv.bias, scale), shift)];
    }),
  );
  const fused = cloneModule(conv);
  fused.weight.dispose();
  fused.bias?.dispose();
  fused.weight = new Parameter(weight, conv.weight.requiresGrad);
  fused.bias = new Parameter(bias, conv.bias?.requiresGrad ?? conv.weight.requiresGrad);
  return fused;
}
