import { noGrad } from '../../autograd/index.js';
import { fail, show } from '../../core/errors.js';
import { openScope } from '../../core/scope.js';
import { sameShape } from '../../core/shape.js';
import { allocate } from '../../core/tensor.js';
import { type Constraint, type Module, Parameter } from '../../nn/index.js';
import { clone, copy_, gt, where } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';

/**
 * A mask of a pruned parameter: 1 where a weight lives, 0 where it was removed. It lives beside the parameter, as the
 * constraint that optimizers keep, so the parameter keeps its name, and nothing of pruning shows in a state dict but the zeros.
 */
class Mask implements Constraint {
  constructor(
    private readonly parameter: Parameter,
    readonly value: Tensor,
    public inner: Constraint | null,
  ) {}

  get tensors(): readonly Tensor[] {
    return [this.value];
  }

  apply(): void {
    this.inner?.apply();
    const scope = openScope();
    // Not a product: that would turn a removed negative weight into −0, and an infinite one into NaN.
    noGrad(() => copy_(this.parameter, where(gt(this.value, 0), this.parameter, 0)));
    scope.end();
  }

  dispose(): void {
    this.value.dispose();
    this.inner?.dispose();
  }
}

/** The mask among a parameter's constraints, and the constraint that has wrapped it, if any. */
function findMask(parameter: Parameter): { mask: Mask; around: Constraint | null } | null {
  let around: Constraint | null = null;
  for (let at = parameter.constraint; at !== null; at = at.inner ?? null) {
    if (at instanceof Mask) return { mask: at, around };
    around = at;
  }
  return null;
}

/**
 * The mask of a parameter, or null if it is not pruned; also where another constraint has wrapped it. The tensor is the mask
 * itself, and changes when more is pruned.
 */
export function maskOf(parameter: Parameter): Tensor | null {
  return findMask(parameter)?.mask.value ?? null;
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

/**
 * Prunes `parameter` by `mask` (flat, 1 keeps and 0 removes), together with what was pruned before. A captured step follows
 * masks that were there when it was recorded, and knows nothing of a first one made later: capture it anew.
 */
export function setMask(parameter: Parameter, mask: ArrayLike<number>): void {
  if (mask.length !== parameter.numel()) {
    fail(
      'shape',
      `prune: the mask of ${show(parameter.shape)} needs ${parameter.numel()} elements, got ${mask.length}.`,
    );
  }
  const earlier = maskOf(parameter)?.dataSync();
  replaceMask(
    parameter,
    Float32Array.from(mask, (keep, i) => (keep !== 0 && (earlier === undefined || earlier[i] !== 0) ? 1 : 0)),
  );
}

/**
 * Gives `parameter` this mask in place of the one it had. What lives again begins at 0, as it was left: for training that
 * moves connections (`DynamicSparsity`), and for masks that come from elsewhere. A tensor is copied, and has to lie where the
 * parameter does.
 */
export function replaceMask(parameter: Parameter, values: Float32Array<ArrayBuffer> | Tensor): void {
  const scope = openScope();
  const made = values instanceof Tensor ? noGrad(() => clone(values)) : beside(parameter, values);
  const known = maskOf(parameter);
  // Written into the mask that is there, so that constraints around it and captured steps go on with the new one.
  if (known !== null) noGrad(() => copy_(known, made));
  else parameter.constraint = new Mask(parameter, made.keep(), parameter.constraint);
  scope.end();
  parameter.constraint?.apply();
}

/** A mask of these values where the parameter lies, which need not be where tensors are made. */
function beside({ storage, shape }: Parameter, values: Float32Array<ArrayBuffer>): Tensor {
  const made = allocate(storage.device, shape, 'float32', 'prune');
  made.storage.device.write(made.storage, 0, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return made;
}

/** Sets pruned weights of all parameters back to 0, after something other than an optimizer wrote them. */
export function applyMasks(parameters: Iterable<Tensor>): void {
  for (const parameter of parameters) if (parameter instanceof Parameter) parameter.constraint?.apply();
}

/** Forgets the mask and keeps its zeros: the pruning becomes permanent, and training may fill them again. */
export function dropMask(parameter: Parameter): void {
  const found = findMask(parameter);
  if (found === null) return;
  const { mask, around } = found;
  if (around === null) parameter.constraint = mask.inner;
  else around.inner = mask.inner;
  mask.value.dispose();
}

/** Gives `to` the masks of `from`, parameter by parameter; both must have the same structure. */
export function copyMasks(from: Module, to: Module): void {
  const targets = new Map(to.namedParameters());
  const pruned = from.namedParameters().filter(([, parameter]) => maskOf(parameter) !== null);
  for (const [name, parameter] of pruned) {
    const target = targets.get(name);
    if (target === undefined || !sameShape(target.shape, parameter.shape)) {
      fail('shape', `copyMasks: '${name}' is missing from, or shaped differently in, the target.`);
    }
  }
  for (const [name, parameter] of pruned) {
    setMask(targets.get(name) as Parameter, (maskOf(parameter) as Tensor).dataSync());
  }
}
