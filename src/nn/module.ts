import { noGrad } from '../autograd/index.js';
import { checkOptions, readArguments } from '../core/arguments.js';
import { isDType } from '../core/dtype.js';
import { fail, show, warnOnce } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import { sameShape } from '../core/shape.js';
import { freeGrad, Tensor } from '../core/tensor.js';
import { clone, copy_, zero_ } from '../ops/index.js';
import { moveAll } from '../ops/ondevice.js';
import { type BackwardHook, type ForwardHook, type ForwardPreHook, type HookHandle, hooksOf } from './hooks.js';

/**
 * What a parameter's values must satisfy, such as a pruning mask or a codebook. A parameter has one; a constraint that finds
 * another in its place takes it in as its `inner` one, and both hold. Whoever looks for a certain kind, as `maskOf` does, looks
 * from `parameter.constraint` inward.
 */
export interface Constraint {
  /** Makes the values satisfy it, and the inner constraint too; optimizers call this after each update. */
  apply(): void;
  /** Frees what it holds, and the inner constraint with it; called when its parameter is disposed. */
  dispose(): void;
  /** The tensors of its own that it computes with, which move to another device with the parameter. Default: none. */
  readonly tensors?: readonly Tensor[];
  /** The constraint that this one has wrapped. It may be exchanged, or taken out with null, while this one stays. */
  inner?: Constraint | null;
}

/** Parameters and buffers of a module, and what constraints of parameters compute with: all that lies where the module lies. */
export function residentsOf(module: Module): Tensor[] {
  const held: Tensor[] = [];
  for (const parameter of module.parameters()) {
    for (let at = parameter.constraint; at != null; at = at.inner ?? null) held.push(...(at.tensors ?? []));
  }
  return [...module.parameters(), ...module.buffers(), ...held];
}

/** A tensor that a module learns: a leaf that requires a gradient, and that no scope frees. */
export class Parameter extends Tensor<'float32'> {
  /** Holds after every step of every optimizer; null where values are free. */
  constraint: Constraint | null = null;

  /** Shares the memory of `data`, a contiguous float32 tensor. */
  constructor(data: Tensor, options: boolean | { readonly requiresGrad?: boolean } = true) {
    const { requiresGrad = true } = typeof options === 'boolean' ? { requiresGrad: options } : options;
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

export interface NameOptions {
  /** Stands before every name, with a dot behind it. Default ''. */
  readonly prefix?: string;
  /** Whether to go below this module. Default true. */
  readonly recurse?: boolean;
  /** Whether what is shared appears under its first name alone. Default true. */
  readonly removeDuplicate?: boolean;
}

const NAME_OPTIONS = ['prefix', 'recurse', 'removeDuplicate'] as const;
type NameArguments = NamedArguments<NameOptions, typeof NAME_OPTIONS>;

/**
 * The base of layers and models. Parameters, buffers and submodules are plain properties; subclasses define `forward`, which
 * is called as it is: `model.forward(x)`. Private fields (#name) and arrays of modules are not seen; a ModuleList is.
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

  /** Direct submodules by name, in the order of their definition, shared ones under each of their names. */
  protected submodules(): [string, Module][] {
    return Object.entries(this).flatMap(([name, value]): [string, Module][] => {
      if (Array.isArray(value) && value.some((item) => item instanceof Module || item instanceof Parameter)) {
        warnOnce(
          `${this.constructor.name}: the array '${name}' holds modules or parameters, which are not part of the model. ` +
            'Use nn.ModuleList or nn.ParameterList.',
        );
      }
      return value instanceof Module ? [[this.stateName(name), value]] : [];
    });
  }

  /** Direct submodules by name, in the order of their definition. Shared modules appear once. */
  namedChildren({ removeDuplicate = true }: Pick<NameOptions, 'removeDuplicate'> = {}): [string, Module][] {
    const seen = new Set<Module>();
    return this.submodules().filter(([, child]) => {
      const isNew = !seen.has(child);
      seen.add(child);
      return isNew || !removeDuplicate;
    });
  }

  children(): Module[] {
    return this.namedChildren().map(([, child]) => child);
  }

  /** This module and all below it, with their dotted names; the module itself is ''. Shared modules appear once. */
  namedModules(options: Omit<NameOptions, 'recurse'> = {}): [string, Module][] {
    checkOptions('namedModules', options, ['prefix', 'removeDuplicate']);
    const { prefix = '', removeDuplicate = true } = options;
    return this.walk(prefix, removeDuplicate ? new Set() : null);
  }

  private walk(path: string, seen: Set<Module> | null): [string, Module][] {
    if (seen?.has(this)) return [];
    seen?.add(this);
    return [[path, this], ...this.submodules().flatMap(([name, child]) => child.walk(join(path, name), seen))];
  }

  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** The module with a dotted name; '' is this one. */
  getSubmodule(target: string): Module {
    const found = (target === '' ? [] : target.split('.')).reduce<Module | undefined>(
      (module, name) => module?.submodules().find(([key]) => key === name)?.[1],
      this,
    );
    if (found !== undefined) return found;
    const names = this.namedModules().map(([path]) => path || "''");
    return fail('argument', `getSubmodule: there is no '${target}'. There are: ${names.join(', ')}.`);
  }

  /** The parameter with a dotted name. */
  getParameter(target: string): Parameter {
    return this.find('getParameter', target, this.namedParameters({ removeDuplicate: false }));
  }

  /** The buffer with a dotted name. */
  getBuffer(target: string): Buffer {
    return this.find('getBuffer', target, this.namedBuffers({ removeDuplicate: false }));
  }

  private find<T>(op: string, target: string, entries: readonly (readonly [string, T])[]): T {
    const found = entries.find(([name]) => name === target);
    if (found !== undefined) return found[1];
    const names = entries.map(([name]) => name).join(', ') || 'none';
    return fail('argument', `${op}: ${this.constructor.name} has no '${target}'. There are: ${names}.`);
  }

  /** This module's own parameters and buffers by name, in the order of their definition. */
  protected tensors(): [string, Tensor][] {
    return Object.entries(this).flatMap(([property, value]): [string, Tensor][] =>
      value instanceof Parameter || value instanceof Buffer ? [[this.stateName(property), value]] : [],
    );
  }

  private own<T extends Tensor>(kind: abstract new (...args: never) => T): [name: string, T][] {
    return this.tensors().filter((entry): entry is [string, T] => entry[1] instanceof kind);
  }

  private named<T extends Tensor>(
    op: string,
    kind: abstract new (...args: never) => T,
    rest: readonly unknown[],
  ): [string, T][] {
    const { prefix = '', recurse = true, removeDuplicate = true } = readArguments<NameOptions>(op, rest, NAME_OPTIONS);
    const seen = new Set<T>();
    const modules: [string, Module][] = recurse ? this.namedModules({ prefix, removeDuplicate }) : [[prefix, this]];
    return modules.flatMap(([path, module]) =>
      module.own(kind).flatMap(([name, value]): [string, T][] => {
        if (removeDuplicate && seen.has(value)) return [];
        seen.add(value);
        return [[join(path, name), value]];
      }),
    );
  }

  /** All parameters with their dotted names: `namedParameters(prefix, recurse)`. A shared parameter appears once. */
  namedParameters(...rest: NameArguments): [string, Parameter][] {
    return this.named('namedParameters', Parameter, rest);
  }

  /** All parameters, or with `recurse` false those of this module alone. */
  parameters(recurse: boolean | { readonly recurse?: boolean } = true): Parameter[] {
    const below = typeof recurse === 'object' ? (recurse.recurse ?? true) : recurse;
    return this.namedParameters({ recurse: below }).map(([, parameter]) => parameter);
  }

  /** All buffers with their dotted names: `namedBuffers(prefix, recurse)`. A shared buffer appears once. */
  namedBuffers(...rest: NameArguments): [string, Buffer][] {
    return this.named('namedBuffers', Buffer, rest);
  }

  /** All buffers, or with `recurse` false those of this module alone. */
  buffers(recurse: boolean | { readonly recurse?: boolean } = true): Buffer[] {
    const below = typeof recurse === 'object' ? (recurse.recurse ?? true) : recurse;
    return this.namedBuffers({ recurse: below }).map(([, buffer]) => buffer);
  }

  /** Throws unless `name` can become a property of this module, for something that is registered under it. */
  private checkName(op: string, name: string, isOurs: (value: unknown) => boolean): void {
    if (name === '' || name.includes('.')) {
      fail('argument', `${op}: a name must not be empty nor contain a dot, got '${name}'.`);
    }
    if (name in this && !isOurs(this.property(name))) {
      fail('argument', `${op}: ${this.constructor.name} already has '${name}'. Choose another name.`);
    }
  }

  private property(name: string): unknown {
    return (this as unknown as Record<string, unknown>)[name];
  }

  private define(name: string, value: unknown): void {
    (this as unknown as Record<string, unknown>)[name] = value;
  }

  /**
   * Adds a buffer under `name`, in the memory of `tensor`; one that is not `persistent` stays out of the state dict. With
   * null the name is taken and holds nothing. Where the name is in the source, a property says the same:
   * `mask = new nn.Buffer(tensor)`.
   */
  registerBuffer(
    name: string,
    tensor: Tensor | null,
    persistent: boolean | { readonly persistent?: boolean } = true,
  ): void {
    this.checkName('registerBuffer', name, (value) => value instanceof Buffer || value === null);
    if (tensor !== null && !(tensor instanceof Tensor)) {
      fail('argument', `registerBuffer: '${name}' must be a Tensor or null, got ${typeof tensor}.`);
    }
    const keeps = typeof persistent === 'object' ? (persistent.persistent ?? true) : persistent;
    this.define(name, tensor === null ? null : new Buffer(tensor.detach(), keeps));
  }

  /** Adds a parameter under `name`; with null the name is taken and holds nothing. */
  registerParameter(name: string, parameter: Parameter | null): void {
    this.checkName('registerParameter', name, (value) => value instanceof Parameter || value === null);
    if (parameter !== null && !(parameter instanceof Parameter)) {
      fail('argument', `registerParameter: '${name}' must be a Parameter or null. Wrap it: new nn.Parameter(tensor).`);
    }
    this.define(name, parameter);
  }

  /** Adds a submodule under `name`; with null the name is taken and holds nothing. */
  addModule(name: string, module: Module | null): void {
    this.checkName('addModule', name, (value) => value instanceof Module || value === null);
    if (module !== null && !(module instanceof Module))
      fail('argument', `addModule: '${name}' must be a Module or null.`);
    this.define(name, module);
  }

  /** `addModule` under PyTorch's other name for it. */
  registerModule(name: string, module: Module | null): void {
    this.addModule(name, module);
  }

  /**
   * Parameters and persistent buffers by dotted name. The tensors share memory with the module's. What is shared within the
   * module appears under each of its names, as in PyTorch.
   */
  stateDict({ prefix = '' }: { readonly prefix?: string } = {}): StateDict {
    const entries = (module: Module, path: string): [string, Tensor][] => {
      const own = [...module.own(Parameter), ...module.own(Buffer).filter(([, buffer]) => buffer.persistent)];
      return [
        ...own.map(([name, value]): [string, Tensor] => [`${path}${name}`, value]),
        ...module.submodules().flatMap(([name, child]) => entries(child, `${path}${name}.`)),
      ];
    };
    return Object.fromEntries(entries(this, prefix));
  }

  /**
   * Copies a state dict into this module. Nothing is changed when a shape differs, or when, strictly, a key is missing or
   * unexpected: the error lists them all.
   */
  loadStateDict(state: StateDict, options: boolean | { readonly strict?: boolean } = {}): LoadResult {
    const { strict = true } = typeof options === 'boolean' ? { strict: options } : options;
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

  /**
   * Moves parameters and buffers themselves to a device, with their gradients: all of them, or none where that cannot be. An
   * optimizer made before goes on with them, but for what it has gathered of them, so make it afterwards. What lies on a GPU has to
   * be waited for: `await download(model)` of 'fettle/webgpu' brings it to wasm. Parameters are float32, so that of the dtypes it
   * takes this one alone.
   */
  to(target: 'wasm' | 'webgpu' | 'float32'): this {
    if (target === 'wasm' || target === 'webgpu') {
      if (target !== 'wasm') for (const module of this.modules()) module.beforeMove();
      moveAll(residentsOf(this), target);
      return this;
    }
    if (target === 'float32') return this;
    if (isDType(target)) {
      fail('unsupported', `${this.constructor.name}.to: parameters are float32, and cannot become ${String(target)}.`);
    }
    return fail('device', `${this.constructor.name}.to: expected a device ('wasm', 'webgpu'), got ${String(target)}.`);
  }

  /** Called before the module moves to a device that may not tell values at once: for what a forward pass has to know of them. */
  protected beforeMove(): void {}

  /** This module: its parameters are float32 already. */
  float(): this {
    return this;
  }

  /** Frees the gradients of all parameters; with `setToNone` false they become zeros instead. */
  zeroGrad(setToNone: boolean | { readonly setToNone?: boolean } = true): void {
    const frees = typeof setToNone === 'object' ? (setToNone.setToNone ?? true) : setToNone;
    for (const parameter of this.parameters()) {
      if (frees) freeGrad(parameter);
      const { grad } = parameter;
      if (grad !== null) noGrad(() => zero_(grad));
    }
  }

  /** Calls `visit` on every module below, then on this one. */
  apply(visit: (module: Module) => void): this {
    for (const child of this.children()) child.apply(visit);
    visit(this);
    return this;
  }

  /**
   * Calls `hook` before every forward of this module; what it returns, if anything, replaces the inputs: an array of them, or
   * the only one. `Inputs` are what its forward takes: tensors, or more.
   */
  registerForwardPreHook<Inputs extends readonly unknown[] = readonly [Tensor, ...Tensor[]]>(
    hook: ForwardPreHook<Inputs>,
  ): HookHandle {
    return hooksOf(this).addTo('before', hook);
  }

  /** Calls `hook` after every forward of this module. `Output` is what its forward returns: a tensor, or several. */
  registerForwardHook<Output = Tensor>(hook: ForwardHook<Output>): HookHandle {
    return hooksOf(this).addTo('after', hook as ForwardHook<unknown>);
  }

  /**
   * Calls `hook` in every backward pass through this module, once the gradients of its inputs are there; what it returns, if
   * anything, replaces them. Gradients stand in the order of the tensors that forward takes and gives, null where there is
   * none.
   */
  registerFullBackwardHook(hook: BackwardHook): HookHandle {
    return hooksOf(this).addTo('backward', hook);
  }

  /** Frees parameters and buffers. The module cannot be used afterwards. */
  dispose(): void {
    for (const parameter of this.parameters()) {
      freeGrad(parameter);
      parameter.dispose();
    }
    for (const buffer of this.buffers()) buffer.dispose();
  }

  /** What `console.log` shows in Node, Deno and Bun. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  toString(): string {
    const extra = this.extraRepr();
    const children = this.submodules();
    const name = this.constructor.name;
    if (children.length === 0 && !extra.includes('\n')) return `${name}(${extra})`;
    const lines = [
      ...(extra === '' ? [] : extra.split('\n')),
      ...children.map(([key, child]) => `(${key}): ${child.toString().replaceAll('\n', '\n  ')}`),
    ];
    return `${name}(\n${lines.map((line) => `  ${line}`).join('\n')}\n)`;
  }
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}

/** A deep copy of a state dict, kept out of scopes: a snapshot to return to. */
export function cloneState(state: StateDict): StateDict {
  return noGrad(() => Object.fromEntries(Object.entries(state).map(([key, value]) => [key, clone(value).keep()])));
}

/** Frees the tensors of a snapshot. */
export function disposeState(state: StateDict): void {
  for (const value of Object.values(state)) value.dispose();
}
