import { enableGrad, noGrad } from '../../autograd/index.js';
import { edgeOf, Leaf, Node } from '../../autograd/node.js';
import { currentScope, type Owned, Scope, within } from '../../core/scope.js';
import { scope } from '../../core/scoping.js';
import type { Buffer, Module, Parameter } from '../../nn/index.js';
import { clone, zeros } from '../../ops/index.js';
import { Tensor } from '../../tensor.js';
import { type ExampleInputs, forward, inputsOf, tensorsIn } from './calm.js';
import { isNorm, type Norm } from './sizes.js';

/** What the recorded graph tells of one run of a model. */

/** A tensor of that run. */
export interface Value {
  /** Null where nothing tells it: a tensor that was written over before anything else could see it. */
  shape: readonly number[] | null;
  /** The tensor itself, while it can be read. */
  tensor: Tensor | null;
  /** Whether it follows from parameters and buffers alone. */
  isWeight: boolean;
}

/** One recorded op. */
export interface Step {
  readonly name: string;
  /** The module that called it, and its path. */
  readonly module: Module;
  readonly path: string;
  readonly node: Node;
  /** In the order of the op's inputs; null for what no gradient can reach, such as numbers, masks and indices. */
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
}

export interface Graph {
  /** In the order in which they ran. */
  readonly steps: readonly Step[];
  /** Parameters and buffers of the model, used or not. */
  readonly weights: ReadonlyMap<Parameter | Buffer, Value>;
  /** A value for each norm that tells how many features it takes: [numFeatures]. */
  readonly norms: ReadonlyMap<Norm, Value>;
  /** What comes from outside: inputs, and tensors that are no part of the model. */
  readonly sources: readonly Value[];
  /** What the model returns. */
  readonly results: readonly Value[];
  /** Whether all that the model returns is recorded. */
  readonly isWhole: boolean;
}

/** Ops that read a table at places which the model's input may tell: what they give is no weight. */
const LOOKUPS: ReadonlySet<string> = new Set(['embedding', 'gather', 'indexSelect']);

/** A scope that tells what it is given. */
class Watch extends Scope {
  constructor(
    parent: Scope | null,
    private readonly tell: (owned: Owned) => void,
  ) {
    super(parent);
  }

  override add(owned: Owned): void {
    super.add(owned);
    this.tell(owned);
  }
}

/** Runs `body` while every weight of floating point requires a gradient, so that all that is done with it is recorded. */
function learningAll<T>(weights: readonly (Parameter | Buffer)[], body: () => T): T {
  const frozen = weights.filter((t) => t.isFloatingPoint() && !t.requiresGrad);
  for (const t of frozen) t.requiresGrad = true;
  try {
    return body();
  } finally {
    for (const t of frozen) t.requiresGrad = false;
  }
}

/** Runs `body` while `paths` ends with the path of the module that is at work. */
function following<T>(model: Module, paths: string[], body: () => T): T {
  const handles = model
    .namedModules()
    .flatMap(([path, module]) => [
      module.registerForwardPreHook<readonly never[]>(() => void paths.push(path)),
      module.registerForwardHook<unknown>(() => void paths.pop()),
    ]);
  try {
    return body();
  } finally {
    for (const handle of handles) handle.remove();
  }
}

/** All nodes that lead to `roots`, in the order in which they were made. */
function nodesBelow(roots: readonly Node[]): Node[] {
  const seen = new Set<Node>(roots);
  const pending = [...roots];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const edge of node.edges) {
      if (edge === null || seen.has(edge.node)) continue;
      seen.add(edge.node);
      pending.push(edge.node);
    }
  }
  return [...seen].sort((a, b) => a.order - b.order);
}

/**
 * Runs `model` once on the example, recorded, and gives `read` the graph of that run; what the graph holds is freed afterwards.
 * A module that writes into its own buffers refuses to be recorded with gradients for them: then they count as numbers.
 */
export function traced<T>(model: Module, exampleInputs: ExampleInputs, read: (graph: Graph) => T): T {
  const parameters = model.parameters();
  try {
    return run(model, exampleInputs, [...parameters, ...model.buffers()], read);
  } catch (error) {
    if (model.buffers().length === 0) throw error;
    return run(model, exampleInputs, parameters, read);
  }
}

function run<T>(
  model: Module,
  exampleInputs: ExampleInputs,
  learned: readonly (Parameter | Buffer)[],
  read: (graph: Graph) => T,
): T {
  const tensors: Tensor[] = [];
  const callers = new Map<Node, string>();
  const paths: string[] = [];
  const watch = new Watch(currentScope(), (owned) => {
    if (owned instanceof Tensor) tensors.push(owned);
    else if (owned instanceof Node && !callers.has(owned)) callers.set(owned, paths[paths.length - 1] ?? '');
  });
  try {
    return within(watch, () =>
      learningAll(learned, () => {
        const given = inputsOf(exampleInputs).map((x) =>
          // A copy, so that the model may write into it.
          x instanceof Tensor && x.isFloatingPoint() ? enableGrad(() => clone(x.detach().requiresGrad_())) : x,
        );
        const results = following(model, paths, () => enableGrad(() => tensorsIn(forward(model, given))));
        return read(graphOf(model, results, tensors, callers));
      }),
    );
  } finally {
    watch.end();
  }
}

function graphOf(
  model: Module,
  results: readonly Tensor[],
  tensors: readonly Tensor[],
  callers: ReadonlyMap<Node, string>,
): Graph {
  const edges = results.map(edgeOf);
  const nodes = nodesBelow(edges.flatMap((edge) => (edge === null ? [] : [edge.node])));
  const values = new Map<Node, Value[]>();
  for (const node of nodes) {
    values.set(
      node,
      Array.from({ length: node.outputs }, () => ({ shape: null, tensor: null, isWeight: false })),
    );
  }
  for (const tensor of tensors) {
    const value = values.get(tensor.node as Node)?.[tensor.outputIndex];
    if (value === undefined) continue;
    value.shape = tensor.shape;
    if (!tensor.disposed) value.tensor = tensor;
  }

  const weights = new Map<Parameter | Buffer, Value>();
  for (const weight of [...model.parameters(), ...model.buffers()]) {
    weights.set(weight, { shape: weight.shape, tensor: weight, isWeight: true });
  }
  const sources: Value[] = [];
  for (const node of nodes) {
    if (!(node instanceof Leaf)) continue;
    const tensor = node.variable.deref() ?? null;
    const weight = weights.get(tensor as Parameter);
    if (weight !== undefined) values.set(node, [weight]);
    else {
      const [source] = values.get(node) as [Value];
      Object.assign(source, { shape: tensor?.shape ?? null, tensor });
      sources.push(source);
    }
  }

  const modules = new Map(model.namedModules());
  const steps = nodes.flatMap((node): Step[] => {
    if (node instanceof Leaf) return [];
    const inputs = node.edges.map((edge) => (edge === null ? null : (values.get(edge.node)?.[edge.index] ?? null)));
    const outputs = values.get(node) as Value[];
    const isWeight =
      !LOOKUPS.has(node.name) && inputs.some((x) => x !== null) && inputs.every((x) => x === null || x.isWeight);
    for (const output of outputs) output.isWeight = isWeight;
    const path = callers.get(node) ?? '';
    return [{ name: node.name, module: modules.get(path) as Module, path, node, inputs, outputs }];
  });
  completeShapes(steps);
  return {
    steps,
    weights,
    norms: new Map(
      model.modules().flatMap((module): [Norm, Value][] => {
        if (!isNorm(module)) return [];
        return [[module, { shape: [module.numFeatures], tensor: null, isWeight: true }]];
      }),
    ),
    sources,
    results: edges.flatMap((edge) => (edge === null ? [] : [values.get(edge.node)?.[edge.index] as Value])),
    isWhole: edges.every((edge) => edge !== null),
  };
}

/** Shapes that no tensor tells any more are those of the gradients that arrive there. */
function completeShapes(steps: readonly Step[]): void {
  for (const { node, inputs, outputs } of [...steps].reverse()) {
    if (inputs.every((x) => x === null || x.shape !== null)) continue;
    const shapes = outputs.map(({ shape }) => shape);
    if (shapes.some((shape) => shape === null)) continue;
    scope(() => {
      const gradients = noGrad(() => node.apply(shapes.map((shape) => zeros(shape as readonly number[]))));
      inputs.forEach((x, k) => {
        if (x !== null) x.shape ??= gradients[k]?.shape ?? null;
      });
    });
  }
}
