import { fail, show } from '../core/errors.js';
import { currentScope, moveTo, openScope } from '../core/scope.js';
import { coalesce, isContiguous, sameShape } from '../core/shape.js';
import { allocate, type Tensor } from '../core/tensor.js';
import { noteDelivered } from './delivered.js';
import { enableGrad, noGrad } from './mode.js';
import { type Edge, edgeOf, Leaf, type Node, record } from './tape.js';

export interface BackwardOptions {
  /** Keep the saved values, so that backward can run through this graph again. Default: the value of `createGraph`. */
  readonly retainGraph?: boolean;
  /** Record the computation of the gradients too, so that they can be differentiated. Default false. */
  readonly createGraph?: boolean;
}

export interface GradOptions extends BackwardOptions {
  /** Gradients of the outputs; default 1 for outputs with one element. */
  readonly gradOutputs?: readonly (Tensor | null)[];
  /** Give null for inputs that the outputs do not depend on, instead of throwing. Default false. */
  readonly allowUnused?: boolean;
}

/**
 * Sums gradients that meet at one place. Autograd names no op but needs this one; its own gradient is the identity, so it
 * is recorded like any other.
 */
function sum(a: Tensor, b: Tensor): Tensor {
  const total = allocate(a.storage.device, a.shape, a.dtype, 'gradient');
  const { shape, strides } = coalesce(a.shape, [a.strides, b.strides]);
  a.storage.device.launch({
    kernel: 'add_f32',
    work: total.numel,
    grain: 16384,
    writes: [total],
    reads: [a, b],
    ints: [shape.length, ...shape, ...strides.flat()],
  });
  record('accumulate', [a, b], [total], [], ([g]) => [g, g]);
  return total;
}

/** A contiguous copy in memory of its own. */
function copy(a: Tensor): Tensor {
  const out = allocate(a.storage.device, a.shape, a.dtype, 'gradient');
  const { shape, strides } = coalesce(a.shape, [out.strides, a.strides]);
  a.storage.device.launch({
    kernel: 'copy_b4',
    work: out.numel,
    grain: 16384,
    writes: [out],
    reads: [a],
    ints: [shape.length, ...shape, ...strides.flat()],
  });
  record('clone', [a], [out], [], ([g]) => [g]);
  return out;
}

function onesLike(a: Tensor): Tensor {
  const out = allocate(a.storage.device, a.shape, a.dtype, 'gradient');
  a.storage.device.write(out.storage, 0, new Uint8Array(new Float32Array(out.numel).fill(1).buffer));
  return out;
}

/** The gradient that an output begins with: the one given, or 1. */
function seed(op: string, output: Tensor, given: Tensor | null | undefined): Tensor {
  if (given === null || given === undefined) {
    if (output.numel !== 1) {
      fail(
        'autograd',
        `${op}: expected an output with one element, got ${show(output.shape)}. ` +
          'Reduce it first, .sum().backward(), or pass its gradient: .backward(gradient).',
      );
    }
    return onesLike(output);
  }
  if (!sameShape(given.shape, output.shape)) {
    fail('shape', `${op}: the gradient must have the output's shape ${show(output.shape)}, got ${show(given.shape)}.`);
  }
  return given;
}

/** All nodes that gradients of `roots` can reach, each before those it depends on. */
function sorted(roots: readonly Edge[]): Node[] {
  const seen = new Set<Node>();
  const pending = roots.map((edge) => edge.node);
  while (pending.length > 0) {
    const node = pending.pop() as Node;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const edge of node.edges) if (edge !== null) pending.push(edge.node);
  }
  // Leaves come last: by then nothing else reads a gradient that a leaf takes over as its own.
  return [...seen].sort((a, b) => Number(a instanceof Leaf) - Number(b instanceof Leaf) || b.order - a.order);
}

/** Gradients on their way, by node and output. */
class Pending {
  private readonly byNode = new Map<Node, (Tensor | null)[]>();

  add(edge: Edge, gradient: Tensor): void {
    let slots = this.byNode.get(edge.node);
    if (slots === undefined) {
      slots = new Array<Tensor | null>(edge.node.outputs).fill(null);
      this.byNode.set(edge.node, slots);
    }
    const before = slots[edge.index] as Tensor | null;
    slots[edge.index] = before === null ? gradient : sum(before, gradient);
  }

  of(node: Node): (Tensor | null)[] | undefined {
    return this.byNode.get(node);
  }
}

/** Sends gradients from `outputs` down to the leaves. `visit` sees every node with its complete gradients. */
function propagate(
  op: string,
  outputs: readonly Tensor[],
  gradients: readonly (Tensor | null | undefined)[],
  options: BackwardOptions,
  visit: (node: Node, grads: readonly (Tensor | null)[]) => void,
  wanted: ReadonlySet<Node> | null,
): void {
  const retain = options.retainGraph ?? options.createGraph ?? false;
  const roots = outputs.map((output) => {
    output.check(op);
    return (
      edgeOf(output) ??
      fail('autograd', `${op}: this tensor does not require a gradient. Make an input with { requiresGrad: true }.`)
    );
  });
  const pending = new Pending();
  roots.forEach((edge, i) => {
    pending.add(edge, seed(op, outputs[i] as Tensor, gradients[i]));
  });
  const nodes = sorted(roots);
  const useful = wanted === null ? null : leadingTo(nodes, wanted);
  for (const node of nodes) {
    const grads = pending.of(node);
    if (grads === undefined) continue;
    visit(node, grads);
    if (node instanceof Leaf || (useful !== null && !useful.has(node))) continue;
    const results = node.apply(grads);
    node.edges.forEach((edge, i) => {
      const gradient = results[i];
      if (edge !== null && gradient !== null && gradient !== undefined) pending.add(edge, gradient);
    });
    if (!retain) node.dispose();
  }
}

/** The nodes from which some wanted node can be reached; the others need not be computed. */
function leadingTo(nodes: readonly Node[], wanted: ReadonlySet<Node>): Set<Node> {
  const useful = new Set<Node>();
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i] as Node;
    if (node.edges.some((edge) => edge !== null && (wanted.has(edge.node) || useful.has(edge.node)))) useful.add(node);
  }
  return useful;
}

/** Hands a leaf its gradient: added to what it has, taken over where nobody else can see it, copied otherwise. */
function deliver(leaf: Tensor, gradient: Tensor, taken: Set<Tensor>, createGraph: boolean): void {
  if (leaf.grad !== null && !leaf.grad.disposed) {
    if (createGraph) {
      leaf.grad = sum(leaf.grad, gradient);
    } else {
      const { shape, strides } = coalesce(leaf.shape, [leaf.grad.strides, gradient.strides]);
      leaf.storage.device.launch({
        kernel: 'add_f32',
        work: leaf.numel,
        grain: 16384,
        writes: [leaf.grad],
        reads: [leaf.grad, gradient],
        ints: [shape.length, ...shape, ...strides.flat()],
      });
      leaf.grad.storage.touch('backward');
    }
  } else {
    const own =
      !gradient.storage.shared &&
      !taken.has(gradient) &&
      gradient.scope !== null &&
      isContiguous(gradient.shape, gradient.strides);
    leaf.grad = own || createGraph ? gradient : copy(gradient);
    taken.add(leaf.grad);
  }
  // A gradient lives as long as its leaf.
  moveTo(leaf.grad, leaf.scope);
  noteDelivered(leaf);
}

/**
 * Adds the gradient of `output` to `grad` of every leaf it was computed from, then frees what the graph had saved.
 * `gradient` is the gradient of the output, of its shape; it may be left out for an output with one element.
 */
export function backward(output: Tensor, gradient?: Tensor | null, options: BackwardOptions = {}): void {
  const createGraph = options.createGraph ?? false;
  const work = openScope();
  try {
    const taken = new Set<Tensor>(gradient ? [gradient] : []);
    const run = (): void =>
      propagate(
        'backward',
        [output],
        [gradient],
        options,
        (node, [grad]) => {
          if (!(node instanceof Leaf) || grad === null || grad === undefined) return;
          const leaf = node.variable.deref();
          if (leaf !== undefined && !leaf.disposed) deliver(leaf, grad, taken, createGraph);
        },
        null,
      );
    (createGraph ? enableGrad : noGrad)(run);
  } finally {
    work.end();
  }
}

/**
 * The gradients of `outputs` with respect to `inputs`, without touching anybody's `grad`. With `createGraph` they can be
 * differentiated again. Throws for an input that the outputs do not depend on, unless `allowUnused`.
 */
export function grad<const T extends readonly Tensor[]>(
  outputs: Tensor | readonly Tensor[],
  inputs: T | Tensor,
  options: GradOptions = {},
): { -readonly [K in keyof T]: Tensor } {
  const ys = Array.isArray(outputs) ? (outputs as readonly Tensor[]) : [outputs as Tensor];
  const xs = Array.isArray(inputs) ? (inputs as readonly Tensor[]) : [inputs as Tensor];
  const outer = currentScope();
  const work = openScope();
  try {
    const edges = xs.map(
      (x, i) => edgeOf(x) ?? fail('autograd', `grad: input ${i} ${show(x.shape)} does not require a gradient.`),
    );
    const found = new Map<Node, readonly (Tensor | null)[]>();
    const wanted = new Set(edges.map((edge) => edge.node));
    const run = (): void =>
      propagate(
        'grad',
        ys,
        options.gradOutputs ?? [],
        options,
        (node, grads) => {
          if (wanted.has(node)) found.set(node, grads);
        },
        wanted,
      );
    (options.createGraph ? enableGrad : noGrad)(run);
    const results = edges.map((edge, i) => {
      const gradient = found.get(edge.node)?.[edge.index] ?? null;
      if (gradient === null && !options.allowUnused) {
        fail(
          'autograd',
          `grad: the outputs do not depend on input ${i}. Pass { allowUnused: true } to get null for it.`,
        );
      }
      return gradient;
    });
    for (const result of results) if (result !== null) moveTo(result, outer);
    return results as unknown as { -readonly [K in keyof T]: Tensor };
  } finally {
    work.end();
  }
}
