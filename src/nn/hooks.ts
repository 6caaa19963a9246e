import { isGradEnabled, record, showing } from '../autograd/index.js';
import { Tensor } from '../core/tensor.js';
import type { Module } from './module.js';

/** Functions that see what a module does, and may change it. */

/** Sees a module's inputs before each forward; what it returns, if anything, replaces them. */
export type ForwardPreHook<Inputs extends readonly unknown[] = readonly [Tensor, ...Tensor[]]> = (
  module: Module,
  inputs: Inputs,
) => unknown;

/** Sees a module's inputs and output after each forward; what it returns, if anything, replaces the output. */
export type ForwardHook<Output = Tensor> = (
  module: Module,
  inputs: readonly unknown[],
  output: Output,
) => Output | undefined;

/** A gradient for each tensor, null where there is none. */
export type Gradients = readonly (Tensor | null)[];

/** Sees the gradients of a module's inputs and outputs; what it returns, if anything, replaces those of the inputs. */
export type BackwardHook = (
  module: Module,
  gradInput: Gradients,
  gradOutput: Gradients,
) => Gradients | Tensor | undefined;

export interface HookHandle {
  remove(): void;
}

interface Lists {
  before: ForwardPreHook<never>[];
  after: ForwardHook<unknown>[];
  backward: BackwardHook[];
}

/** Hooks by module. They are no part of what a module holds: a copy of it has none. */
const hooks = new WeakMap<Module, Hooks>();

/** The hooks of `module`, none at first. */
export function hooksOf(module: Module): Hooks {
  const known = hooks.get(module);
  if (known !== undefined) return known;
  const made = new Hooks(module);
  hooks.set(module, made);
  return made;
}

/** The hooks of one module. While there are any, a wrapper on the module shadows its class's forward. */
class Hooks {
  private readonly lists: Lists = { before: [], after: [], backward: [] };

  constructor(private readonly module: Module) {}

  addTo<K extends keyof Lists>(kind: K, hook: Lists[K][number]): HookHandle {
    // A function of its own for each registration, so that the same hook can be there twice and leave once.
    const entry = ((...args: never[]) => (hook as (...rest: never[]) => unknown)(...args)) as Lists[K][number];
    if (this.isEmpty()) this.wrap();
    (this.lists[kind] as Lists[K][number][]).push(entry);
    return {
      remove: () => {
        this.lists[kind] = (this.lists[kind] as unknown[]).filter((other) => other !== entry) as Lists[K];
        if (this.isEmpty()) delete (this.module as { forward?: unknown }).forward;
      },
    };
  }

  private isEmpty(): boolean {
    return Object.values(this.lists).every((list) => list.length === 0);
  }

  private wrap(): void {
    const { module } = this;
    const plain = module.forward.bind(module) as (...inputs: unknown[]) => unknown;
    const wrapped = (...given: unknown[]): unknown => {
      const inputs = this.lists.before.reduce<readonly unknown[]>((seen, hook) => {
        const replaced = hook(module, seen as never);
        return replaced === undefined ? seen : Array.isArray(replaced) ? replaced : [replaced];
      }, given);
      const compute = (...args: readonly unknown[]): unknown =>
        this.lists.after.reduce<unknown>((output, hook) => hook(module, args, output) ?? output, plain(...args));
      return this.lists.backward.length === 0 ? compute(...inputs) : this.watched(inputs, compute);
    };
    Object.defineProperty(module, 'forward', { value: wrapped, configurable: true, enumerable: false });
  }

  /** Runs `compute` between two nodes that change nothing and see the gradients which pass. */
  private watched(inputs: readonly unknown[], compute: (...args: readonly unknown[]) => unknown): unknown {
    let gradOutput: Gradients = [];
    const tellsAtInput = isGradEnabled() && inputs.some((x) => x instanceof Tensor && x.requiresGrad);
    const seen = through(inputs, (grads) => this.call(grads, gradOutput));
    const output = compute(...seen);
    const outputs = Array.isArray(output) ? (output as readonly unknown[]) : [output];
    const passed = through(outputs, (grads) => {
      gradOutput = grads;
      // Without a gradient to wait for, there is nothing to replace either.
      if (!tellsAtInput)
        this.call(
          inputs.filter((x) => x instanceof Tensor).map(() => null),
          grads,
        );
      return grads;
    });
    return Array.isArray(output) ? passed : passed[0];
  }

  private call(gradInput: Gradients, gradOutput: Gradients): Gradients {
    const hooked = showing([...gradInput, ...gradOutput], () => {
      const grads = this.lists.backward.reduce<Gradients>((seen, hook) => {
        const replaced = hook(this.module, seen, gradOutput);
        return replaced === undefined ? seen : replaced instanceof Tensor ? [replaced] : replaced;
      }, gradInput);
      return [...grads, ...gradOutput];
    });
    return hooked.slice(0, hooked.length - gradOutput.length);
  }
}

/** The same values, their tensors behind one node whose backward is `pass`. */
function through(values: readonly unknown[], pass: (grads: Gradients) => Gradients): readonly unknown[] {
  const tensors = values.filter((value): value is Tensor => value instanceof Tensor);
  if (!isGradEnabled() || !tensors.some((t) => t.requiresGrad)) return values;
  const views = tensors.map((t) => t.strided(t.shape, t.strides, t.offset));
  record('hook', tensors, views, [], pass);
  let next = 0;
  return values.map((value) => (value instanceof Tensor ? views[next++] : value));
}
