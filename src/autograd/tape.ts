import { fail } from '../core/errors.js';
import { type Owned, own, type Scope } from '../core/scope.js';
import type { GradNode, Tensor } from '../core/tensor.js';
import { isGradEnabled } from './mode.js';

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

/** Where a gradient goes: an output of a node. */
export interface Edge {
  readonly node: Node;
  readonly index: number;
}

let created = 0;

/** One recorded op. */
export class Node implements GradNode {
  scope: Scope | null = null;
  /** Nodes are made after those they depend on, so falling numbers are an order in which gradients are complete. */
  readonly order = created++;
  private released = false;
  private saved: readonly Tensor[] = [];
  private versions: readonly number[] = [];

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
    this.saved = tensors.map(hold);
    this.versions = tensors.map((tensor) => tensor.storage.version);
  }

  /** The gradients of this node's inputs. */
  apply(grads: readonly (Tensor | null)[]): Grads {
    if (this.released) {
      fail(
        'autograd',
        `${this.name}: the values this op saved have been freed, because backward() has already run through it or its scope ` +
          'has ended. Pass { retainGraph: true } to the first backward().',
      );
    }
    this.saved.forEach((tensor, i) => {
      if (tensor.storage.version === this.versions[i]) return;
      fail(
        'autograd',
        `${this.name}: a value it saved for its gradient was overwritten by ${tensor.storage.writer}. ` +
          `Use the out-of-place form of ${tensor.storage.writer}, or clone() the tensor before ${this.name}.`,
      );
    });
    return this.backward(
      grads,
      this.saved,
      this.edges.map((edge) => edge !== null),
    );
  }

  /** Frees the saved values. */
  dispose(): void {
    if (this.released) return;
    this.released = true;
    for (const tensor of this.saved) tensor.dispose();
    this.saved = [];
  }

  reach(visit: (owned: Owned) => void): void {
    for (const edge of this.edges) if (edge !== null) visit(edge.node);
  }
}

/** The end of a path: where the gradient of a leaf arrives. */
export class Leaf extends Node {
  constructor(readonly variable: WeakRef<Tensor>) {
    super('leaf', [], 1, () => []);
  }
}

/** Where gradients of `tensor` go, or null when it needs none. */
export function edgeOf(tensor: Tensor): Edge | null {
  if (tensor.node !== null) return { node: tensor.node as Node, index: tensor.outputIndex };
  if (!tensor.requiresGrad) return null;
  if (tensor.accumulator === null) {
    const leaf = new Leaf(new WeakRef(tensor));
    // The leaf lives as long as its tensor, whatever scope happens to be open now.
    leaf.scope = null;
    tensor.accumulator = leaf;
  }
  return { node: tensor.accumulator as Node, index: 0 };
}

/** A handle on `tensor` for a node: it holds the memory, whatever becomes of the user's handle. */
function hold(tensor: Tensor): Tensor {
  const held = tensor.alias();
  // The node owns it; a scope that freed it on its own would cut a graph that has left the scope.
  held.scope = null;
  return held;
}

/**
 * Records that `outputs` came from `inputs`, if gradients are wanted. `saved` are the values the gradient needs; they are
 * held until backward() has used them.
 */
export function record(
  name: string,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  saved: readonly Tensor[],
  backward: Backward,
): void {
  if (!isGradEnabled() || !inputs.some((input) => input.requiresGrad)) return;
  const node = new Node(name, inputs.map(edgeOf), outputs.length, backward);
  outputs.forEach((output, i) => {
    output.node = node;
    output.outputIndex = i;
  });
  // Saved after the outputs know their node, so that an output saved here can be differentiated again.
  node.save(saved);
}
