import type { DType } from '../core/dtype.js';
import { fail } from '../core/errors.js';
import { type Owned, own, type Scope } from '../core/scope.js';
import type { GradNode, Tensor } from '../core/tensor.js';
import { keepValues, type Saved } from './saved.js';

/** A gradient, or null / undefined where none flows. */
export type MaybeGrad = Tensor | null | undefined;
export type Grads = readonly MaybeGrad[];

/**
 * The gradient of an op: from the gradients of its outputs to those of its inputs, written with ops, so that it can itself
 * be differentiated. `needs[i]` says whether the gradient of input i is wanted.
 */
export type Backward = (
  grads: readonly (Tensor | null)[],
  saved: readonly Tensor[],
  needs: readonly boolean[],
) => Grads;

/** Where a gradient goes: an output of a node, and the dtype it must have there. */
export interface Edge {
  readonly node: Node;
  readonly index: number;
  readonly dtype: DType;
}

/** Sees a gradient as it is complete; what it returns, if anything, takes its place. */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook that only looks returns nothing.
export type Hook = (gradient: Tensor) => Tensor | null | undefined | void;

/** Who watches the gradient of one output. */
export interface Watchers {
  /** Called in the order in which they came. */
  readonly hooks: Set<{ readonly hook: Hook }>;
  /** The tensor that wants the gradient as its `grad`, after all hooks. */
  retained: WeakRef<Tensor> | null;
}

let created = 0;

/** One recorded op. */
export class Node implements GradNode {
  scope: Scope | null = null;
  /** Nodes are made after those they depend on, so falling numbers are an order in which gradients are complete. */
  readonly order = created++;
  private released = false;
  private saved: Saved | null = null;
  private watched: Map<number, Watchers> | null = null;

  constructor(
    readonly name: string,
    /** Where the gradient of each input goes; null for inputs that need none. */
    readonly edges: readonly (Edge | null)[],
    readonly outputs: number,
    private readonly backward: Backward,
  ) {
    own(this);
  }

  /** Saves values for `apply`, as they are now. */
  save(tensors: readonly Tensor[]): void {
    if (tensors.length > 0) this.saved = keepValues(tensors);
  }

  /** Saved values that are `value` are from now on read from `by`, which has the same elements. */
  resave(value: Tensor, by: Tensor): void {
    this.saved?.replace(value, by);
  }

  /** The gradients of this node's inputs. */
  apply(grads: readonly (Tensor | null)[]): Grads {
    if (this.released && this.saved !== null) {
      fail(
        'autograd',
        `${this.name}: the values this op saved have been freed, because backward() has already run through it or its scope ` +
          'has ended. Pass { retainGraph: true } to the first backward().',
      );
    }
    return this.backward(
      grads,
      this.saved?.values(this.name) ?? [],
      this.edges.map((edge) => edge !== null),
    );
  }

  /** Frees the saved values. A node that saved none can go on being used. */
  dispose(): void {
    if (this.released) return;
    this.released = true;
    this.saved?.dispose();
  }

  reach(visit: (owned: Owned) => void): void {
    for (const edge of this.edges) if (edge !== null) visit(edge.node);
  }

  /** Who watches the gradient of output `index`, or null. */
  watchersOf(index: number): Watchers | null {
    return this.watched?.get(index) ?? null;
  }

  /** The same, made when there is none yet. */
  watch(index: number): Watchers {
    this.watched ??= new Map();
    let watchers = this.watched.get(index);
    if (watchers === undefined) {
      watchers = { hooks: new Set(), retained: null };
      this.watched.set(index, watchers);
    }
    return watchers;
  }
}

/** The end of a path: where the gradient of a leaf arrives. */
export class Leaf extends Node {
  /** Called with the leaf after its `grad` has changed. */
  readonly afterwards = new Set<{ readonly hook: (leaf: Tensor) => void }>();

  constructor(readonly variable: WeakRef<Tensor>) {
    super('leaf', [], 1, () => []);
  }
}

/** Where gradients of `tensor` go, or null when it needs none. */
export function edgeOf(tensor: Tensor): Edge | null {
  const { node, dtype } = tensor;
  if (node !== null) return { node: node as Node, index: tensor.outputIndex, dtype };
  if (!tensor.requiresGrad) return null;
  if (tensor.accumulator === null) {
    const leaf = new Leaf(new WeakRef(tensor));
    // The leaf lives as long as its tensor, whatever scope happens to be open now.
    leaf.scope = null;
    tensor.accumulator = leaf;
  }
  return { node: tensor.accumulator as Node, index: 0, dtype };
}
