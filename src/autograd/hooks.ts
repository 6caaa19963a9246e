import { fail, show } from '../core/errors.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { edgeOf, type Hook, Leaf } from './node.js';

/** What a registration gives back. */
export interface HookHandle {
  /** Takes the hook away; a second time does nothing. */
  remove(): void;
}

function add<T>(hooks: Set<{ readonly hook: T }>, hook: T): HookHandle {
  const entry = { hook };
  hooks.add(entry);
  return { remove: () => void hooks.delete(entry) };
}

/**
 * Calls `hook` with the gradient of `tensor`, complete and before anything is done with it; a tensor that the hook returns
 * takes its place. Hooks are called in the order they were registered in. After a write in place, hooks set before it see
 * the gradient of what the tensor was, and hooks set after it that of what it is.
 */
export function registerHook(tensor: Tensor, hook: Hook): HookHandle {
  const edge = edgeOf(tensor);
  if (edge === null) {
    return fail(
      'autograd',
      `registerHook: this tensor ${show(tensor.shape)} does not require a gradient, so the hook would never be called. ` +
        'Use requiresGrad_().',
    );
  }
  return add(edge.node.watch(edge.index).hooks, hook);
}

/**
 * Calls `hook` with a leaf each time its `grad` has changed: as soon as nothing in the pass is left to add to it, while gradients of
 * what was computed earlier are still to come.
 */
export function registerPostAccumulateGradHook(tensor: Tensor, hook: (leaf: Tensor) => void): HookHandle {
  const node = tensor.isLeaf ? edgeOf(tensor)?.node : undefined;
  if (!(node instanceof Leaf)) {
    return fail(
      'autograd',
      'registerPostAccumulateGradHook: expected a leaf that requires a gradient; other tensors gather none. Use registerHook().',
    );
  }
  return add(node.afterwards, hook);
}

/** Lets backward() fill `grad` of a tensor that is no leaf, after its hooks have run. Leaves have theirs anyway. */
export function retainGrad(tensor: Tensor): void {
  const edge = edgeOf(tensor);
  if (edge === null) fail('autograd', `retainGrad: this tensor ${show(tensor.shape)} does not require a gradient.`);
  else if (!(edge.node instanceof Leaf)) edge.node.watch(edge.index).retained ??= new WeakRef(tensor);
}

/** Whether `retainGrad` was called on a tensor that is no leaf. */
export function retainsGrad(tensor: Tensor): boolean {
  const edge = edgeOf(tensor);
  return edge !== null && edge.node.watchersOf(edge.index)?.retained?.deref() === tensor;
}

/** The gradient after all hooks have seen it. */
export function applyHooks(hooks: Iterable<{ readonly hook: Hook }>, gradient: Tensor): Tensor {
  let g = gradient;
  for (const { hook } of [...hooks]) {
    const other = hook(g);
    if (other === undefined || other === null) continue;
    if (!sameShape(other.shape, g.shape)) {
      fail(
        'shape',
        `registerHook: a hook must keep the gradient's shape ${show(g.shape)}, it returned ${show(other.shape)}.`,
      );
    }
    g = other;
  }
  return g;
}
