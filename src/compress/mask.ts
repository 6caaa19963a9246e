import { noGrad } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import { openScope } from '../core/scope.js';
import { sameShape } from '../core/shape.js';
import { type HookHandle, type Module, Parameter } from '../nn/index.js';
import { copy_, gt, tensor, where } from '../ops/index.js';
import type { Tensor } from '../tensor.js';

/**
 * Masks of pruned parameters: 1 where a weight lives, 0 where it was removed. They live beside the parameters, which keep
 * their names, so that nothing of pruning shows in a state dict but the zeros.
 */
const masks = new WeakMap<Parameter, Tensor>();

/** The mask of a parameter, or null if it is not pruned. */
export function maskOf(parameter: Parameter): Tensor | null {
  return masks.get(parameter) ?? null;
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
  if (mask.length !== parameter.numel) {
    fail('shape', `prune: the mask of ${show(parameter.shape)} needs ${parameter.numel} elements, got ${mask.length}.`);
  }
  const before = masks.get(parameter);
  const earlier = before?.dataSync();
  const joint = Float32Array.from(mask, (keep, i) =>
    keep !== 0 && (earlier === undefined || earlier[i] !== 0) ? 1 : 0,
  );
  before?.dispose();
  const value = tensor(joint, parameter.shape).keep();
  masks.set(parameter, value);
  // The parameter is all that holds its mask, so the mask is freed with it.
  Object.defineProperty(parameter, 'dispose', { value: () => disposeMasked(parameter), configurable: true });
  applyMask(parameter, value);
}

function disposeMasked(parameter: Parameter): void {
  dropMask(parameter);
  parameter.dispose();
}

function applyMask(parameter: Parameter, mask: Tensor): void {
  const scope = openScope();
  // Not a product: that would turn a removed negative weight into −0, and an infinite one into NaN.
  noGrad(() => copy_(parameter, where(gt(mask, 0), parameter, 0)));
  scope.end();
}

/** Sets pruned weights of all parameters back to 0, as after an optimizer's step. */
export function applyMasks(parameters: Iterable<Tensor>): void {
  for (const parameter of parameters) {
    const mask = parameter instanceof Parameter ? masks.get(parameter) : undefined;
    if (mask !== undefined) applyMask(parameter as Parameter, mask);
  }
}

/** Forgets the mask and keeps its zeros: the pruning becomes permanent. */
export function dropMask(parameter: Parameter): void {
  masks.get(parameter)?.dispose();
  masks.delete(parameter);
  // Without the wrapper of setMask, the class's own method is seen again.
  delete (parameter as { dispose?: () => void }).dispose;
}

/** Gives `to` the masks of `from`, parameter by parameter; both must have the same structure. */
export function copyMasks(from: Module, to: Module): void {
  const targets = new Map(to.namedParameters());
  for (const [name, parameter] of from.namedParameters()) {
    const mask = masks.get(parameter);
    const target = targets.get(name);
    if (mask === undefined) continue;
    if (target === undefined || !sameShape(target.shape, parameter.shape)) {
      fail('shape', `copyMasks: '${name}' is missing from, or shaped differently in, the target.`);
    }
    setMask(target, mask.dataSync());
  }
}

/** An optimizer, as far as masks have to know it. */
export interface Stepping {
  registerStepPostHook(hook: () => void): HookHandle;
}

/** Keeps pruned weights of `module` at 0 through every step of `optimizer`. Returns a handle that ends it. */
export function guardMasks(module: Module, optimizer: Stepping): HookHandle {
  return optimizer.registerStepPostHook(() => applyMasks(module.parameters()));
}
