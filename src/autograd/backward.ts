import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { currentScope, moveTo, openScope, type Scope, within } from '../core/scope.js';
import { sameShape } from '../core/shape.js';
import type { RowGradient, Tensor } from '../core/tensor.js';
import { noteDelivered } from './delivered.js';
import { addInto, copy, onesLike, sum, toDType, zerosLike } from './gradients.js';
import { applyHooks } from './hooks.js';
import { enableGrad, noGrad } from './mode.js';
import { type Edge, edgeOf, Leaf, type Node } from './node.js';

export interface BackwardOptions {
  /** Keep the saved values, so that backward can run through this graph again. Default: the value of `createGraph`. */
  readonly retainGraph?: boolean;
  /** Record the computation of the gradients too, so that they can be differentiated. Default false. */
  readonly createGraph?: boolean;
}

export interface AccumulateOptions extends BackwardOptions {
  /** Gradients of the outputs; default 1 for outputs with one element. */
  readonly gradient?: Given;

  /** The only tensors whose `grad` is added to; they need not be leaves. Default: every leaf. */
  readonly inputs?: Tensor | readonly Tensor[];
}

/** One gradient, or one for each of several outputs. */
type Given = Tensor | readonly (Tensor | null)[] | null;

/** The same by position, as PyTorch takes them; options may follow any of them. */
export type BackwardArguments = [
  gradient?: Given | AccumulateOptions,
  retainGraph?: boolean | null | AccumulateOptions,
  createGraph?: boolean | AccumulateOptions,
  inputs?: Tensor | readonly Tensor[] | AccumulateOptions,
  options?: AccumulateOptions,
];

export interface GradOptions extends BackwardOptions {
  /** Gradients of the outputs; default 1 for outputs with one element. */
  readonly gradOutputs?: Given;
  /** Give null for inputs that the outputs do not depend on, instead of throwing. Default: `materializeGrads`. */
  readonly allowUnused?: boolean;
  /** Give zeros for inputs that the outputs do not depend on. Default false. */
  readonly materializeGrads?: boolean;
  /** Accepted for PyTorch's sake: gradients are never gathered in leaves here. */
  readonly onlyInputs?: true;
}

export type GradArguments = [
  gradOutputs?: Given | GradOptions,
  retainGraph?: boolean | null | GradOptions,
  createGraph?: boolean | GradOptions,
  onlyInputs?: true | GradOptions,
  allowUnused?: boolean | GradOptions,
  options?: GradOptions,
];

/** The gradient that an output begins with: the one given, or 1. */
function seed(op: string, output: Tensor, given: Tensor | null | undefined): Tensor {
  if (given === null || given === undefined) {
    if (output.numel() !== 1) {
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

/**
 * All nodes that gradients of `roots` can reach, each before those it depends on. Leaves that somebody waits
 * for, if any are, come as soon as their gradients are complete.
 */
function sorted(roots: readonly Edge[]): { readonly nodes: readonly Node[]; readonly awaited: boolean } {
  const seen = new Set<Node>();
  const pending = roots.map((edge) => edge.node);
  /** For each awaited leaf, the order of the last node that adds to its gradient. */
  const last = new Map<Node, number>();
  while (pending.length > 0) {
    const node = pending.pop() as Node;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const edge of node.edges) {
      if (edge === null) continue;
      pending.push(edge.node);
      if (!(edge.node instanceof Leaf) || edge.node.afterwards.size === 0) continue;
      last.set(edge.node, Math.min(last.get(edge.node) ?? node.order, node.order));
    }
  }
  // Other leaves come last: by then nothing else reads a gradient that a leaf takes over as its own.
  const leavesLast = (a: Node, b: Node): number =>
    Number(a instanceof Leaf) - Number(b instanceof Leaf) || b.order - a.order;
  const place = (node: Node): number => (node instanceof Leaf ? (last.get(node) ?? -1) : node.order);
  const awaited = last.size > 0;
  const nodes = [...seen].sort(awaited ? (a, b) => place(b) - place(a) || leavesLast(a, b) : leavesLast);
  return { nodes, awaited };
}

/** Gradients on their way, by node and output. */
class Pending {
  private readonly byNode = new Map<Node, (Tensor | null)[]>();
  /** How often each gradient has been handed on, where that matters. */
  private handed: Map<Tensor, number> | null = null;

  /** From now on `isShared` can tell. */
  count(): void {
    this.handed = new Map();
  }

  /** Whether more than one node gets this gradient: some of them may not have read it yet. */
  isShared(gradient: Tensor): boolean {
    return (this.handed?.get(gradient) ?? 0) > 1;
  }

  add(edge: Edge, gradient: Tensor): void {
    this.handed?.set(gradient, (this.handed.get(gradient) ?? 0) + 1);
    let slots = this.byNode.get(edge.node);
    if (slots === undefined) {
      slots = new Array<Tensor | null>(edge.node.outputs).fill(null);
      this.byNode.set(edge.node, slots);
    }
    const arrived = toDType(gradient, edge.dtype);
    const before = slots[edge.index] as Tensor | null;
    slots[edge.index] = before === null ? arrived : sum(before, arrived);
  }

  of(node: Node): (Tensor | null)[] | undefined {
    return this.byNode.get(node);
  }
}

/** The pass that is under way, the innermost of several. */
let running: Pass | null = null;

/**
 * Calls a function of the user's with gradients of the pass that is under way, from within the backward of a node: what it
 * sees, makes and gives back outlives the pass, as with the hooks of tensors.
 */
export function showing<T extends readonly (Tensor | null)[]>(gradients: T, call: () => T): T {
  return running === null ? call() : running.showTo(gradients, call);
}

/**
 * Hands `leaf` a gradient that is 0 outside of a few rows, from within the backward of a node that reads the leaf. False where
 * the pass under way needs the whole of it: the node has to return it then, and must not where this is true.
 */
export function deliverRows(leaf: Tensor, make: () => RowGradient): boolean {
  return running?.deliverRows(leaf, make) ?? false;
}

/** One pass of gradients through a graph. */
class Pass {
  private readonly pending = new Pending();
  /** Where users' hooks run: what they make and keep outlives this pass. */
  private readonly outside: Scope | null;
  /** Gradients that somebody beside this pass may hold. */
  private readonly seen = new Set<Tensor>();
  /** The nodes whose gradients are asked for; null: those of all leaves. */
  private wanted: ReadonlySet<Node> | null = null;

  constructor(
    private readonly op: string,
    private readonly options: BackwardOptions,
    outside: Scope | null,
  ) {
    this.outside = outside;
  }

  /**
   * Sends gradients from `outputs` down. `visit` sees every node with its complete gradients; `wanted` are the nodes that
   * matter, null for all.
   */
  run(
    outputs: readonly Tensor[],
    gradients: readonly (Tensor | null | undefined)[],
    visit: (node: Node, grads: readonly (Tensor | null)[]) => void,
    wanted: ReadonlySet<Node> | null,
  ): void {
    const before = running;
    running = this;
    this.wanted = wanted;
    try {
      this.send(outputs, gradients, visit, wanted);
    } finally {
      running = before;
    }
  }

  private send(
    outputs: readonly Tensor[],
    gradients: readonly (Tensor | null | undefined)[],
    visit: (node: Node, grads: readonly (Tensor | null)[]) => void,
    wanted: ReadonlySet<Node> | null,
  ): void {
    const retain = this.options.retainGraph ?? this.options.createGraph ?? false;
    const roots = outputs.map((output, i) => {
      output.check(this.op);
      return edgeOf(output) ?? this.refuse(outputs.length === 1 ? 'this tensor' : `tensor ${i}`);
    });
    const seeds = outputs.map((output, i) => seed(this.op, output, gradients[i]));
    for (const given of gradients) if (given) this.seen.add(given);
    const { nodes, awaited } = sorted(roots);
    const { pending } = this;
    if (awaited) pending.count();
    roots.forEach((edge, i) => {
      pending.add(edge, seeds[i] as Tensor);
    });
    const useful = wanted === null ? null : leadingTo(nodes, wanted);
    for (const node of nodes) {
      const grads = pending.of(node);
      if (grads === undefined) continue;
      if (useful !== null && !useful.has(node) && wanted?.has(node) !== true) continue;
      this.watch(node, grads);
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

  private refuse(which: string): never {
    return fail(
      'autograd',
      `${this.op}: ${which} does not require a gradient. Make an input with { requiresGrad: true }.`,
    );
  }

  /** Lets the hooks of a node's outputs see its gradients, then the tensors that retain theirs. */
  private watch(node: Node, grads: (Tensor | null)[]): void {
    grads.forEach((grad, i) => {
      const watchers = node.watchersOf(i);
      if (grad === null || watchers === null) return;
      if (watchers.hooks.size > 0) {
        this.show(grad);
        const hooked = within(this.outside, () => applyHooks(watchers.hooks, grad));
        this.seen.add(hooked);
        grads[i] = hooked;
      }
      const tensor = watchers.retained?.deref();
      if (tensor !== undefined && !tensor.disposed) this.deliver(tensor, grads[i] as Tensor);
    });
  }

  /** See `showing`. */
  showTo<T extends readonly (Tensor | null)[]>(gradients: T, call: () => T): T {
    for (const gradient of gradients) if (gradient !== null) this.show(gradient);
    const given = within(this.outside, call);
    for (const gradient of given) if (gradient) this.seen.add(gradient);
    return given;
  }

  /** Lets a tensor of this pass live on outside. */
  private show(gradient: Tensor): void {
    if (gradient.scope !== null && !this.seen.has(gradient)) moveTo(gradient, this.outside);
    this.seen.add(gradient);
  }

  /** See the function of that name. Whoever differentiates again, watches the gradient or has the whole of it gets it whole. */
  deliverRows(leaf: Tensor, make: () => RowGradient): boolean {
    const { accumulator, rowGrad } = leaf;
    const isPlain = this.op === 'backward' && this.options.createGraph !== true && this.wanted === null;
    if (!isPlain || leaf.disposed || !leaf.isLeaf || !(accumulator instanceof Leaf)) return false;
    if (accumulator.afterwards.size > 0 || accumulator.watchersOf(0) !== null) return false;
    if (rowGrad === null && leaf.grad !== null && !leaf.grad.disposed) return false;
    if (rowGrad === null) leaf.grad = null;
    const made = make();
    leaf.rowGrad = rowGrad === null ? made : rowGrad.plus(made);
    rowGrad?.dispose();
    moveTo(leaf.rowGrad, leaf.scope);
    noteDelivered(leaf);
    return true;
  }

  /** Hands a tensor its gradient: added to what it has, taken over where nobody else can see it, copied otherwise. */
  deliver(tensor: Tensor, gradient: Tensor): void {
    const createGraph = this.options.createGraph ?? false;
    const { grad } = tensor;
    if (grad !== null && !grad.disposed) {
      if (createGraph) tensor.grad = sum(grad, gradient);
      else addInto(grad, gradient);
    } else {
      const own =
        tensor.isLeaf &&
        !gradient.storage.shared &&
        !this.seen.has(gradient) &&
        !this.pending.isShared(gradient) &&
        gradient.scope !== null &&
        gradient.isContiguous();
      tensor.grad = own || createGraph ? gradient : copy(gradient);
      // Taken over from an op's gradient it may have been a view; it is the last one of its memory.
      if (own && !createGraph) gradient.link = null;
    }
    const given = tensor.grad as Tensor;
    this.seen.add(given);
    // A gradient lives as long as its tensor.
    moveTo(given, tensor.scope);
    noteDelivered(tensor);
    const leaf = tensor.accumulator;
    if (!(leaf instanceof Leaf) || leaf.afterwards.size === 0) return;
    within(this.outside, () => {
      for (const { hook } of [...leaf.afterwards]) hook(tensor);
    });
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

function list<T extends object>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function edgesOf(op: string, inputs: readonly Tensor[]): Edge[] {
  return inputs.map((x, i) => {
    x.check(op);
    return edgeOf(x) ?? fail('autograd', `${op}: input ${i} ${show(x.shape)} does not require a gradient.`);
  });
}

/**
 * Adds the gradients of `outputs` to `grad` of every leaf they were computed from, then frees what the graph had saved.
 * `gradient` is the gradient of the output, of its shape, or one for each of several; it may be left out for outputs with
 * one element.
 */
export function backward(outputs: Tensor | readonly Tensor[], ...rest: BackwardArguments): void {
  const options = readArguments<AccumulateOptions>('backward', rest, [
    'gradient',
    'retainGraph',
    'createGraph',
    'inputs',
  ]);
  const { gradient = null } = options;
  const ys = list<Tensor>(outputs);
  const given = gradient === null ? [] : list(gradient as Tensor);
  if (given.length > 0 && given.length !== ys.length) {
    fail('argument', `backward: got ${ys.length} outputs and ${given.length} gradients. Give null where 1 is meant.`);
  }
  const inputs = options.inputs === undefined ? null : list<Tensor>(options.inputs);
  if (inputs?.length === 0)
    fail('argument', 'backward: inputs must name at least one tensor. Leave it out for all leaves.');
  const createGraph = options.createGraph ?? false;
  const edges = inputs === null ? null : edgesOf('backward', inputs);
  const pass = new Pass('backward', options, currentScope());
  const work = openScope();
  try {
    const visit = (node: Node, grads: readonly (Tensor | null)[]): void => {
      if (inputs !== null && edges !== null) {
        edges.forEach((edge, i) => {
          const grad = grads[edge.index];
          const isFirst = inputs.indexOf(inputs[i] as Tensor) === i;
          if (edge.node === node && grad && isFirst) pass.deliver(inputs[i] as Tensor, grad);
        });
        return;
      }
      const [grad] = grads;
      if (!(node instanceof Leaf) || !grad) return;
      const leaf = node.variable.deref();
      if (leaf !== undefined && !leaf.disposed) pass.deliver(leaf, grad);
    };
    const wanted = edges === null ? null : new Set(edges.map((edge) => edge.node));
    (createGraph ? enableGrad : noGrad)(() => pass.run(ys, given, visit, wanted));
  } finally {
    work.end();
  }
}

/**
 * The gradients of `outputs` with respect to `inputs`, without touching anybody's `grad`. With `createGraph` they can be
 * differentiated again. Throws for an input that the outputs do not depend on, unless `allowUnused` or `materializeGrads`.
 */
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor, ...rest: GradArguments): [Tensor];
export function grad<const T extends readonly Tensor[]>(
  outputs: Tensor | readonly Tensor[],
  inputs: T | Tensor,
  ...rest: GradArguments
): { -readonly [K in keyof T]: Tensor };
export function grad<const T extends readonly Tensor[]>(
  outputs: Tensor | readonly Tensor[],
  inputs: T | Tensor,
  ...rest: GradArguments
): { -readonly [K in keyof T]: Tensor } {
  const options = readArguments<GradOptions>('grad', rest, [
    'gradOutputs',
    'retainGraph',
    'createGraph',
    'onlyInputs',
    'allowUnused',
    'materializeGrads',
  ]);
  const ys = list<Tensor>(outputs);
  const xs = list<Tensor>(inputs);
  const { gradOutputs, materializeGrads = false, allowUnused = materializeGrads, createGraph = false } = options;
  if (materializeGrads && !allowUnused) {
    fail('argument', 'grad: materializeGrads gives zeros for unused inputs, so allowUnused cannot be false.');
  }
  const given = gradOutputs === null || gradOutputs === undefined ? [] : list(gradOutputs as Tensor);
  if (given.length > 0 && given.length !== ys.length) {
    fail('argument', `grad: got ${ys.length} outputs and ${given.length} gradOutputs. Give null where 1 is meant.`);
  }
  const pass = new Pass('grad', options, currentScope());
  const outer = currentScope();
  const work = openScope();
  try {
    const edges = edgesOf('grad', xs);
    const found = new Map<Node, readonly (Tensor | null)[]>();
    const wanted = new Set(edges.map((edge) => edge.node));
    const visit = (node: Node, grads: readonly (Tensor | null)[]): void => {
      if (wanted.has(node)) found.set(node, [...grads]);
    };
    (createGraph ? enableGrad : noGrad)(() => pass.run(ys, given, visit, wanted));
    const results = edges.map((edge, i) => {
      const gradient = found.get(edge.node)?.[edge.index] ?? null;
      if (gradient !== null) return gradient;
      if (materializeGrads) return zerosLike(xs[i] as Tensor);
      if (allowUnused) return null;
      return fail(
        'autograd',
        `grad: the outputs do not depend on input ${i}. Pass { allowUnused: true } to get null for it.`,
      );
    });
    for (const result of results) if (result !== null) moveTo(result, outer);
    return results as unknown as { -readonly [K in keyof T]: Tensor };
  } finally {
    work.end();
  }
}
