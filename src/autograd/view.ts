import type { Tensor, ViewLink } from '../core/tensor.js';
import { type Backward, edgeOf, Node } from './node.js';

/** How a view came about, which decides whether it may be written while ops are recorded. */
export type Origin = 'recorded' | 'noGrad' | 'several';

/**
 * A view and the tensor it was taken of. It keeps the gradient of the op that made it: after a write into the shared memory,
 * the same op is recorded once more, this time as a view of what was written.
 */
export class View implements ViewLink {
  readonly base: Tensor;
  origin: Origin;
  version: number;

  constructor(
    private readonly parent: Tensor,
    public name: string,
    private readonly backward: Backward,
    origin: Origin,
  ) {
    // A view of a view that may not be written may not be written either.
    this.origin = origin === 'recorded' ? (viewOf(parent)?.origin ?? origin) : origin;
    this.base = parent.link?.base ?? parent;
    this.version = parent.storage.version;
  }

  /** From now on the view counts as one of several that `op` gave. */
  refuseWrites(op: string): void {
    if (this.origin === 'recorded') this.origin = 'several';
    this.name = op;
  }

  refresh(view: Tensor): void {
    const { version } = view.storage;
    // From the base downwards, and without recursion: views of views may be many.
    const path: Tensor[] = [];
    for (let at = view; at.link !== null && at.link.version !== version; at = (at.link as View).parent) path.push(at);
    for (let at = path.pop(); at !== undefined; at = path.pop()) {
      const link = at.link as View;
      link.version = version;
      const edge = edgeOf(link.parent);
      if (edge === null || link.origin === 'noGrad') continue;
      const before = at.node as Node | null;
      const node = new Node(link.name, [edge], 1, link.backward);
      passOn(at, before, node, 0);
      at.node = node;
      at.outputIndex = 0;
    }
  }
}

/** The view that `tensor` is, or null. */
export function viewOf(tensor: Tensor): View | null {
  return tensor.link as View | null;
}

/** A tensor that retains its gradient goes on doing so when another node makes it; hooks stay where they were set. */
export function passOn(tensor: Tensor, before: Node | null, after: Node, index: number): void {
  const watchers = before?.watchersOf(tensor.outputIndex) ?? null;
  if (watchers?.retained?.deref() !== tensor) return;
  after.watch(index).retained = watchers.retained;
  watchers.retained = null;
}

/** Marks views that one op gave together: none of them may be written while ops are recorded. Returns them. */
export function markSeveral<T extends readonly Tensor[]>(op: string, views: T): T {
  for (const tensor of views) viewOf(tensor)?.refuseWrites(op);
  return views;
}
