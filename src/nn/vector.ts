import { noGrad } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import { cat, copy_, narrow, reshape } from '../ops/index.js';
import type { Tensor } from '../tensor.js';

/** Parameters as one vector: what methods that know nothing of layers work on. */

/** All elements of `parameters`, one tensor after another, in one dimension. Gradients flow back to them. */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  const parts = [...parameters].map((parameter) => reshape(parameter, [-1]));
  if (parts.length === 0) fail('argument', 'parametersToVector: there are no parameters.');
  return cat(parts, 0);
}

/** Copies the elements of `vector` into `parameters`, one tensor after another. Throws, with nothing changed, where they differ in number. */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  const targets = [...parameters];
  const total = targets.reduce((n, x) => n + x.numel(), 0);
  if (vector.ndim !== 1 || vector.numel() !== total) {
    fail(
      'shape',
      `vectorToParameters: expected [${total}], the elements of all parameters, got ${show(vector.shape)}.`,
    );
  }
  noGrad(() => {
    let from = 0;
    for (const target of targets) {
      copy_(target, reshape(narrow(vector, 0, from, target.numel()), target.shape));
      from += target.numel();
    }
  });
}
