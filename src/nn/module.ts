import { noGrad } from '../autograd/index.js';
import { fail, show } from '../core/errors.js';
import { sameShape } from '../core/shape.js';
import { copy_, tensor } from '../ops/index.js';
import { Tensor } from '../tensor.js';

/** What a parameter's values must satisfy, such as a pruning mask. */
export interface Constraint {
  /** Makes the values satisfy it; optimizers call this after each update. */
  apply(): void;
  /** Frees what it holds; called when its parameter is disposed. */
  dispose(): void;
}

/** A tensor that a module learns: a leaf that requires a gradient, and that no scope frees. */
export class Parameter extends Tensor<'float32'> {
  /** Holds after every step of every optimizer; null where values are free. */
  constraint: Constraint | null = null;

  /** Shares the memory of `data`, a contiguous float32 tensor. */
  constructor(data: Tensor, requiresGrad = true) {
    if (data.dtype !== 'float32') fail('dtype', `Parameter: expected float32, got ${data.dtype}. Use .float().`);
    super(data.storage.retain(), data.offset, data.shape, data.strides, 'float32');
    this.requiresGrad = requiresGrad;
    this.keep();
    data.dispose();
  }

  override dispose(): void {
    this.constraint?.dispose();
    this.constraint = null;
    super.dispose();
  }
}

/** A tensor that belongs to a module's state without being learned: running statistics, masks, counters. */
export class Buffer extends Tensor {
  /** Shares the memory of `data`. A buffer that is not `persistent` stays out of the state dict. */
  constructor(
    data: Tensor,
    readonly persistent = true,
  ) {
    super(data.storage.retain(), data.offset, data.shape, data.strides, data.dtype);
    this.keep();
    data.dispose();
  }
}

/** Parameters and buffers by name, as PyTorch names them: `fc1.weight`, `bn.running_mean`. */
export type StateDict = Record<string, Tensor>;

export interface LoadResult {
  readonly missingKeys: string[];
  readonly unexpectedKeys: string[];
}

/** Sees a module's inputs and output after each forward; what it returns, if anything, replaces the output. */
export type ForwardHook<Output = Tensor> = (
  module: Module,
  inputs: readonly unknown[],
  output: Output,
) => Output | undefined;

export interface HookHandle {
  remove(): void;
}

/**
 * The base of layers and models. Parameters, buffers and submodules are plain properties; subclasses define `forward`.
 *
 * @example
 * class Net extends nn.Module {
 *   fc1 = new nn.Linear(10, 20);
 *   fc2 = new nn.Linear(20, 1);
 *   forward(x: Tensor) { return this.fc2.forward(this.fc1.forward(x).relu()); }
 * }
 */
export abstract class Module {
  /** Whether the module behaves as in training: dropout drops, batch norm uses the batch. */
  training = true;
  private hooks: ForwardHook<unknown>[] = [];

  /** What the module computes: a tensor, or several for recurrent layers and attention. */
  abstract forward(...inputs: never[]): unknown;

  /** The name of a property in the state dict, or of a submodule, where PyTorch's differs. */
  protected stateName(property: string): string {
    return property;
  }

  /** What stands between the brackets of `toString()`. */
  protected extraRepr(): string {
    return '';
  }

  /** Direct submodules by name, in the order of their definition. */
  namedChildren(): [string, Module][] {
    return Object.entries(this)
      .filter((entry): entry is [string, Module] => entry[1] instanceof Module)
      .map(([property, module]) => [this.stateName(property), module]);
  }

  children(): Module[] {
    return this.namedChildren().map(([, child]) => child);
  }

  /** This module and all below it, with their dotted names; the module itself is ''. Shared modules appear once. */
  namedModules(prefix = '', seen = new Set<Module>()): [string, Module][] {
    if (seen.has(this)) return [];
    seen.add(this);
    const below = this.namedChildren().flatMap(([name, child]) => child.namedModules(join(prefix, name), seen));
    return [[prefix, this], ...below];
  }

  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** The module with a dotted name. */
  getSubmodule(name: string): Module {
    const found = this.namedModules().find(([path]) => path === name);
    if (found !== undefined) return found[1];
    const names = this.namedModules().map(([path]) => path || "''");
    return fail('argument', `getSubmodule: there is no '${name}'. There are: ${names.join(', ')}.`);
  }

  private own<T extends Tensor>(kind: abstract new (...args: never) => T): [property: string, T][] {
    return Object.entries(this).filter((entry): entry is [string, T] => entry[1] instanceof kind);
  }

  /** All parameters with their dotted names. A shared parameter appears once. */
  namedParameters(): [string, Parameter][] {
    const seen = new Set<Parameter>();
    return this.namedModules().flatMap(([path, module]) =>
      module.own(Parameter).flatMap(([property, parameter]): [string, Parameter][] => {
        if (seen.has(parameter)) return [];
        seen.add(parameter);
        return [[join(path, module.stateName(property)), parameter]];
      }),
    );
  }

  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  namedBuffers(): [string, Buffer][] {
    return this.namedModules().flatMap(([path, module]) =>
      module
        .own(Buffer)
        .map(([property, buffer]): [string, Buffer] => [join(path, module.stateName(property)), buffer]),
    );
  }

  buffers(): Buffer[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  /**
   * Parameters and persistent buffers by dotted name. The tensors share memory with the module's. What is shared within the
   * module appears under each of its names, as in PyTorch.
   */
  stateDict(): StateDict {
    const entries = (module: Module, path: string): [string, Tensor][] => {
      const own = [...module.own(Parameter), ...module.own(Buffer).filter(([, buffer]) => buffer.persistent)];
      return [
        ...own.map(([property, value]): [string, Tensor] => [join(path, module.stateName(property)), value]),
        ...module.namedChildren().flatMap(([name, child]) => entries(child, join(path, name))),
      ];
    };
    return Object.fromEntries(entries(this, ''));
  }

  /**
   * Copies a state dict into this module. Nothing is changed when a shape differs, or when, strictly, a key is missing or
   * unexpected: the error lists them all.
   */
  loadStateDict(state: StateDict, { strict = true }: { strict?: boolean } = {}): LoadResult {
    const own = this.stateDict();
    const missingKeys = Object.keys(own).filter((key) => !(key in state));
    const unexpectedKeys = Object.keys(state).filter((key) => !(key in own));
    const misshapen = Object.entries(own).flatMap(([key, mine]) => {
      const theirs = state[key];
      if (theirs === undefined || sameShape(mine.shape, theirs.shape)) return [];
      return [`${key} is ${show(mine.shape)} here and ${show(theirs.shape)} there`];
    });
    const problems = [
      ...(strict && missingKeys.length > 0 ? [`missing: ${missingKeys.join(', ')}`] : []),
      ...(strict && unexpectedKeys.length > 0 ? [`unexpected: ${unexpectedKeys.join(', ')}`] : []),
      ...misshapen,
    ];
    if (problems.length > 0) {
      fail(
        'state',
        `loadStateDict: the state does not fit ${this.constructor.name}: ${problems.join('; ')}. ` +
          `Build the model as it was when saved${misshapen.length > 0 ? '' : ', or pass { strict: false } to skip these keys'}.`,
      );
    }
    noGrad(() => {
      for (const [key, mine] of Object.entries(own)) {
        const theirs = state[key];
        if (theirs !== undefined) copy_(mine, theirs);
      }
    });
    return { missingKeys, unexpectedKeys };
  }

  /** Sets training mode here and below. */
  train(mode = true): this {
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Sets evaluation mode here and below. */
  eval(): this {
    return this.train(false);
  }

  /** Whether parameters here and below require gradients. */
  requiresGrad_(requiresGrad = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = requiresGrad;
    return this;
  }

  /** Moves parameters and buffers to a device. */
  to(device: 'wasm'): this {
    for (const t of [...this.parameters(), ...this.buffers()]) t.to(device);
    return this;
  }

  /** Frees the gradients of all parameters. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) {
      parameter.grad?.dispose();
      parameter.grad = null;
    }
  }

  /** Calls `visit` on every module below, then on this one. */
  apply(visit: (module: Module) => void): this {
    for (const child of this.children()) child.apply(visit);
    visit(this);
    return this;
  }

  /** Calls `hook` after every forward of this module. `Output` is what its forward returns: a tensor, or several. */
  registerForwardHook<Output = Tensor>(hook: ForwardHook<Output>): HookHandle {
    if (this.hooks.length === 0) this.wrapForward();
    this.hooks.push(hook as ForwardHook<unknown>);
    return {
      remove: () => {
        this.hooks = this.hooks.filter((other) => other !== hook);
        // The wrapper shadows the class's method; without hooks there is nothing left for it to do.
        if (this.hooks.length === 0) delete (this as { forward?: unknown }).forward;
      },
    };
  }

  private wrapForward(): void {
    const plain = this.forward.bind(this) as (...inputs: unknown[]) => unknown;
    const wrapped = (...inputs: unknown[]): unknown =>
      this.hooks.reduce<unknown>((output, hook) => hook(this, inputs, output) ?? output, plain(...inputs));
    Object.defineProperty(this, 'forward', { value: wrapped, configurable: true, enumerable: false });
  }

  /** Frees parameters and buffers. The module cannot be used afterwards. */
  dispose(): void {
    for (const parameter of this.parameters()) {
      parameter.grad?.dispose();
      parameter.dispose();
    }
    for (const buffer of this.buffers()) buffer.dispose();
  }

  /** What `console.log` shows in Node, Deno and Bun. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  toString(): string {
    const children = this.namedChildren();
    const name = this.constructor.name;
    if (children.length === 0) return `${name}(${this.extraRepr()})`;
    const lines = children.map(([key, child]) => `  (${key}): ${child.toString().replaceAll('\n', '\n  ')}`);
    return `${name}(\n${lines.join('\n')}\n)`;
  }
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}

/** A deep copy of a state dict, kept out of scopes: a snapshot to return to. */
export function cloneState(state: StateDict): StateDict {
  return Object.fromEntries(
    Object.entries(state).map(([key, value]) => [
      key,
      tensor(value.dataSync(), value.shape, { dtype: value.dtype }).keep(),
    ]),
  );
}

/** Frees the tensors of a snapshot. */
export function disposeState(state: StateDict): void {
  for (const value of Object.values(state)) value.dispose();
}
