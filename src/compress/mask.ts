import { noGrad } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import { openScope } from '../core/scope.js';
import { sameShape } from '../core/shape.js';
import { type Constraint, type Module, Parameter } from '../nn/index.js';
import { copy_, gt, tensor, where } from '../ops/index.js';
import type { Tensor } from '../tensor.js';

/**
 * A mask of a pruned parameter: 1 where a weight lives, 0 where it was removed. It lives beside the parameter, as the
 * constraint that optimizers keep, so the parameter keeps its name, and nothing of pruning shows in a state dict but the zeros.
 */
class Mask implements Constraint {
  constructor(
    private readonly parameter: Parameter,
    readonly value: Tensor,
  ) {}

  apply(): void {
    const scope = openScope();
    // Not a product: that would turn a removed negative weight into −0, and an infinite one into NaN.
    noGrad(() => copy_(this.parameter, where(gt(this.value, 0), this.parameter, 0)));
    scope.end();
  }

  dispose(): void {
    this.value.dispose();
  }
}

/** The mask of a parameter, or null if it is not pruned. */
export function maskOf(parameter: Parameter): Tensor | null {
  return parameter.constraint instanceof Mask ? parameter.constraint.value : null;
}

/** The parameter called `name` of `module` itself, e.g. 'weight'. */
export function parameterOf(module: Module, name: string): Parameter {
  const found = module.namedParameters().find(([key]) => key === name);
  if (found !== undefined) return found[1];
  const names = module.namedParameters().map(([key]) => key);
  return fail(
    'argument',
    `prune: ${module.constructor.name} has no parameter '${name}'. It has ${names.length > 0 ? names.join(', ') : 'none'}.`,
  );
}

/** Prunes `parameter` by `mask` (flat, 1 keeps and 0 removes), together with what was pruned before. */
export function setMask(parameter: Parameter, mask: ArrayLike<number>): void {
  if (mask.length !== parameter.numel()) {
    fail(
      'shape',
      `prune: the mask of ${show(parameter.shape)} needs ${parameter.numel()} elements, got ${mask.length}.`,
    );
  }
  const earlier = maskOf(parameter)?.dataSync();
  const joint = Float32Array.from(mask, (keep, i) =>
    keep !== 0 && (earlier === undefined || earlier[i] !== 0) ? 1 : 0,
  );
  dropMask(parameter);
  parameter.constraint = new Mask(parameter, tensor(joint, parameter.shape).keep());
  parameter.constraint.apply();
}

/** Sets pruned weights of all parameters back to 0, after something other than an optimizer wrote them. */
export function applyMasks(parameters: Iterable<Tensor>): void {
  for (const parameter of parameters) if (parameter instanceof Parameter) parameter.constraint?.apply();
}

/** Forgets the mask and keeps its zeros: the pruning becomes permanent, and training may fill them again. */
export function dropMask(parameter: Parameter): void {
  if (!(parameter.constraint instanceof Mask)) return;
  parameter.constraint.dispose();
  parameter.constraint = null;
}

/** Gives `to` the masks of `from`, parameter by parameter; both must have the same structure. */
export function copyMasks(from: Module, to: Module): void {
  const targets = new Map(to.namedParameters());
  for (const [name, parameter] of from.namedParameters()) {
    const mask = maskOf(parameter);
    const target = targets.get(name);
    if (mask === null) continue;
    if (target === undefined || !sameShape(target.shape, parameter.shape)) {
      fail('shape', `copyMasks: '${name}' is missing from, or shaped differently in, the target.`);
    }
    setMask(target, mask.dataSync());
  }
}
