import { fail, show } from '../core/errors.js';
import { moveTo, type Scope } from '../core/scope.js';
import type { Tensor } from '../core/tensor.js';
import { filled, putWindow, takeWindow, windowOf, zerosLike } from './gradients.js';
import { isGradEnabled } from './mode.js';
import { type Edge, edgeOf, Node } from './node.js';
import { passOn, type View, viewOf } from './view.js';

/**
 * Ops that write into memory, as the graph sees them. What was written is a new value: the tensor's node becomes that of the
 * op, whose input is what the tensor was before. Where the tensor is a view, its base has changed too, and with it every
 * other view: the base gets a node that puts the written part into what it was, and views are recorded anew when next used.
 */

/** Whether elements of one tensor may share memory, so that a write to one changes another. */
function overlaps(self: Tensor): boolean {
  const dims = self.shape
    .map((size, d) => ({ size, stride: self.strides[d] as number }))
    .filter(({ size }) => size > 1);
  if (self.numel() === 0) return false;
  // Each dimension must step over all that the finer ones reach.
  let reach = 0;
  for (const { size, stride } of dims.sort((a, b) => a.stride - b.stride)) {
    if (stride <= reach) return true;
    reach += (size - 1) * stride;
  }
  return false;
}

/** Throws where several elements of `self` share memory, as in an expanded tensor. */
export function checkOverlap(op: string, self: Tensor): void {
  if (!overlaps(self)) return;
  fail(
    'argument',
    `${op}: elements of this tensor ${show(self.shape)} with strides ${show(self.strides)} share memory, so that one write ` +
      'would change several. Use clone() first.',
  );
}

/** Throws where a write that is recorded would have no defined gradient: leaves, and views made where nothing is recorded. */
export function checkRecordedWrite(op: string, self: Tensor): void {
  const view = viewOf(self);
  if (view !== null && view.origin !== 'recorded') {
    const how =
      view.origin === 'noGrad'
        ? 'was made within noGrad(), and whether gradients should flow through it is not clear'
        : `is one of several that ${view.name}() gave`;
    fail(
      'autograd',
      `${op}: this tensor ${show(self.shape)} is a view that ${how}. ` +
        'Make the view where ops are recorded, write to its clone(), or wrap the write in noGrad(() => …).',
    );
  }
  if (!self.requiresGrad) return;
  const whose = view?.base.isLeaf === true ? 'a view of a leaf' : self.isLeaf ? 'a leaf' : null;
  if (whose === null) return;
  fail(
    'autograd',
    `${op}: this tensor ${show(self.shape)} is ${whose} that requires a gradient and cannot be changed in place while ops ` +
      'are recorded. Wrap the call in noGrad(() => …), or use the op without the underscore.',
  );
}

/** Whether a write of something made from `operands` into `self` is to be recorded. */
export function recordsWrite(self: Tensor, operands: readonly unknown[]): boolean {
  if (!isGradEnabled()) return false;
  // The base may require a gradient where its view, made without recording, has no place in the graph.
  return (
    self.requiresGrad || self.link?.base.requiresGrad === true || operands.some((x) => isTensor(x) && x.requiresGrad)
  );
}

function isTensor(x: unknown): x is Tensor {
  return typeof x === 'object' && x !== null && 'requiresGrad' in x;
}

/** `value` as what becomes of `self` when it is overwritten: gradients of `self` end here, as zeros. */
export function overwriting(op: string, self: Tensor, value: Tensor): Tensor {
  const y = value.strided(value.shape, value.strides, value.offset);
  const node = new Node(op, [edgeOf(self), edgeOf(value)], 1, ([g], _, needs) => [
    needs[0] ? zerosLike(g as Tensor) : null,
    g,
  ]);
  y.node = node;
  return y;
}

/** The scope of the two that ends last. */
function outer(a: Scope | null, b: Scope | null): Scope | null {
  for (let at = a; at !== null; at = at.parent) if (at === b) return b;
  return b === null ? null : a;
}

/**
 * Gives `self`, into whose memory the elements of `value` have just been written, the place of `value` in the graph. `value`
 * has the shape and dtype of `self`.
 */
export function rewrite(self: Tensor, value: Tensor): void {
  const view = viewOf(self);
  const place = edgeOf(value);
  if (place === null) return;
  relink(self, view, place);
  // Last, since it asks for the place of `self`. What the op saved of its result is now where the result is.
  place.node.resave(value, self);
}

function relink(self: Tensor, view: View | null, place: Edge): void {
  if (view === null) {
    passOn(self, self.node as Node | null, place.node, place.index);
    self.node = place.node;
    self.outputIndex = place.index;
    settle(place.node, self.scope);
    return;
  }
  const { base } = view;
  const window = windowOf(base, self);
  const node = new Node('copySlices', [edgeOf(base), place], 1, ([g], _, needs) => [
    needs[0] ? putWindow(g as Tensor, filled(g as Tensor, window.shape, (g as Tensor).dtype, 0), window) : null,
    needs[1] ? takeWindow(g as Tensor, window) : null,
  ]);
  passOn(base, base.node as Node | null, node, 0);
  base.node = node;
  base.outputIndex = 0;
  settle(node, base.disposed ? self.scope : outer(base.scope, self.scope));
}

/** The graph of a value that outlives the open scope outlives it too. */
function settle(node: Node, target: Scope | null): void {
  if (node.scope !== target) moveTo(node, target);
}
