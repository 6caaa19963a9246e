import { enableGrad } from '../autograd/index.js';
import { type Owned, openScope } from '../core/scope.js';
import type { GradNode } from '../core/tensor.js';
import type { Module } from '../nn/index.js';
import { clone } from '../ops/index.js';
import { Tensor } from '../tensor.js';

/** One call of a module without submodules. */
export interface Call {
  readonly name: string;
  readonly module: Module;
  /** The call whose output this one takes, or null: the model's input, or something computed between modules. */
  readonly source: Call | null;
  /** The calls that take this one's output. */
  readonly users: readonly Call[];
  /** Whether the calls in `users` are all that becomes of the output, and the model does not return it. */
  readonly isPrivate: boolean;
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
}

interface Mutable {
  name: string;
  module: Module;
  source: Mutable | null;
  users: Mutable[];
  isPrivate: boolean;
  inputShape: readonly number[];
  outputShape: readonly number[];
}

/** How many nodes of the recorded graph take each node's output. */
function countUses(output: Tensor): Map<Owned, number> {
  const uses = new Map<Owned, number>();
  const pending: Owned[] = output.node === null ? [] : [output.node];
  const seen = new Set<Owned>(pending);
  while (pending.length > 0) {
    const node = pending.pop() as GradNode;
    node.reach((next) => {
      uses.set(next, (uses.get(next) ?? 0) + 1);
      if (!seen.has(next)) {
        seen.add(next);
        pending.push(next);
      }
    });
  }
  return uses;
}

/**
 * Runs `model` once on `exampleInputs` and tells which module feeds which. Modules are joined where one takes the very tensor
 * that another gave; the recorded graph tells where a tensor is used beside that, as in a residual connection.
 */
export function trace(model: Module, exampleInputs: Tensor | readonly Tensor[]): Call[] {
  const inputs = exampleInputs instanceof Tensor ? [exampleInputs] : exampleInputs;
  const calls: Mutable[] = [];
  const outputs = new Map<Mutable, Tensor>();
  const makers = new Map<unknown, Mutable>();
  const leaves = model.namedModules().filter(([, module]) => module.namedChildren().length === 0);
  const scope = openScope();
  const modes = model.modules().map((module) => module.training);
  model.eval();
  const handles = leaves.map(([name, module]) =>
    module.registerForwardHook((_, given, output) => {
      const source = makers.get(given[0]) ?? null;
      const inputShape = given[0] instanceof Tensor ? given[0].shape : [];
      const call: Mutable = {
        name,
        module,
        source,
        users: [],
        isPrivate: false,
        inputShape,
        outputShape: output.shape,
      };
      source?.users.push(call);
      calls.push(call);
      outputs.set(call, output);
      makers.set(output, call);
      return undefined;
    }),
  );
  try {
    enableGrad(() => {
      // A model without parameters that learn would record nothing; an input that requires a gradient makes sure.
      const given = inputs.map((x) => (x.dtype === 'float32' ? clone(x.detach().requiresGrad_()) : x));
      const result = (model.forward as (...xs: Tensor[]) => Tensor)(...given);
      const uses = countUses(result);
      for (const call of calls) {
        const output = outputs.get(call) as Tensor;
        const passedOn = call.users.some((user) => outputs.get(user) === output);
        const count = output.node === null ? 0 : (uses.get(output.node) ?? 0);
        call.isPrivate = output !== result && (passedOn || count === call.users.length);
      }
    });
  } finally {
    for (const handle of handles) handle.remove();
    model.modules().forEach((module, i) => {
      module.training = modes[i] as boolean;
    });
    scope.end();
  }
  return calls;
}
