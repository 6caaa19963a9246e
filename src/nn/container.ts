import { isGradEnabled } from '../autograd/index.js';
import { fail } from '../core/errors.js';
import type { Tensor } from '../tensor.js';
import { isFusible } from './fusible.js';
import { Module } from './module.js';

/** Modules that hold modules in an order of their own. */

/** A module that takes one tensor and gives one. */
type Step = Module & { forward(x: Tensor): Tensor };

/** An index that counts from the back where it is negative; throws where nothing is there. */
export function placeOf(owner: string, index: number, length: number): number {
  const place = index < 0 ? index + length : index;
  if (!(Number.isInteger(index) && place >= 0 && place < length)) {
    fail('argument', `${owner}: index ${index} is out of range for ${length} entries.`);
  }
  return place;
}

/** Where to insert before `index`, which may be the length. */
export function insertionOf(owner: string, index: number, length: number): number {
  return index === length ? length : placeOf(owner, index, length);
}

function checkModule(owner: string, name: string | number, module: unknown): void {
  if (!(module instanceof Module)) {
    fail('argument', `${owner}: '${name}' must be a Module, got ${module === null ? 'null' : typeof module}.`);
  }
}

/**
 * Modules one after another. Given modules, they are named '0', '1', …; given an object, by its keys, as PyTorch's
 * OrderedDict.
 */
export class Sequential extends Module {
  private steps: [string, Step][];

  constructor(...modules: readonly Step[] | [Readonly<Record<string, Step>>]) {
    super();
    const first = modules[0];
    this.steps =
      modules.length === 1 && typeof first === 'object' && !(first instanceof Module)
        ? Object.entries(first)
        : (modules as readonly Step[]).map((module, i) => [String(i), module]);
    for (const [name, module] of this.steps) checkModule('Sequential', name, module);
  }

  get length(): number {
    return this.steps.length;
  }

  /** The module at an index; negative ones count from the back. `M` says of what class it is known to be. */
  at<M extends Step = Step>(index: number): M {
    return (this.steps[placeOf('Sequential', index, this.length)] as [string, M])[1];
  }

  /** The module at an index, or of a name. */
  get<M extends Step = Step>(key: number | string): M {
    if (typeof key === 'number') return this.at(key);
    const found = this.steps.find(([name]) => name === key);
    return (found?.[1] as M | undefined) ?? fail('argument', `Sequential: there is no module '${key}'.`);
  }

  /** Puts a module in the place of the one at an index. */
  set(index: number, module: Step): void {
    checkModule('Sequential', index, module);
    (this.steps[placeOf('Sequential', index, this.length)] as [string, Step])[1] = module;
  }

  /** The modules from `start` up to but not including `end`, in a Sequential that shares them, under their names. */
  slice(start?: number, end?: number): Sequential {
    return new Sequential(Object.fromEntries(this.steps.slice(start, end)));
  }

  /** Adds a module at the end, named by its place. */
  append(module: Step): this {
    checkModule('Sequential', this.length, module);
    this.steps.push([String(this.length), module]);
    return this;
  }

  /** Adds the modules of another Sequential, or of any list, at the end. */
  extend(modules: Iterable<Step>): this {
    for (const module of [...modules]) this.append(module);
    return this;
  }

  /** Puts a module before the one at `index`. All are named by their places afterwards. */
  insert(index: number, module: Step): this {
    checkModule('Sequential', index, module);
    this.steps.splice(insertionOf('Sequential', index, this.length), 0, ['', module]);
    this.renumber();
    return this;
  }

  /** Takes out the module at an index. Those behind it move up, and all are named by their places. */
  pop(index = -1): Step {
    const [[, module]] = this.steps.splice(placeOf('Sequential', index, this.length), 1) as [[string, Step]];
    this.renumber();
    return module;
  }

  private renumber(): void {
    this.steps = this.steps.map(([, module], i) => [String(i), module]);
  }

  [Symbol.iterator](): Iterator<Step> {
    return this.steps.map(([, module]) => module)[Symbol.iterator]();
  }

  protected override submodules(): [string, Module][] {
    return [...this.steps];
  }

  /** Puts another module in the place of the one called `name`. */
  replace(name: string, module: Step): void {
    const entry = this.steps.find(([key]) => key === name);
    if (entry === undefined) fail('argument', `Sequential: there is no module '${name}'.`);
    else entry[1] = module;
  }

  forward(x: Tensor): Tensor {
    if (!isGradEnabled()) return this.infer(x);
    return this.steps.reduce((value, [, module]) => module.forward(value), x);
  }

  /** The same where no gradient is wanted: a layer may take along those behind it. */
  private infer(x: Tensor): Tensor {
    const modules = this.steps.map(([, module]) => module);
    let value = x;
    for (let i = 0; i < modules.length; i++) {
      const module = modules[i] as Step;
      const passed = isFusible(module) ? module.forwardThrough(value, modules, i) : null;
      value = passed === null ? module.forward(value) : passed.y;
      i += passed?.taken ?? 0;
    }
    return value;
  }
}

/**
 * A list of modules whose parameters belong to the owner; it has no forward of its own. `M` is what they are known to be:
 * `new ModuleList<Block>(…)`.
 */
export class ModuleList<M extends Module = Module> extends Module {
  private readonly items: M[];

  constructor(modules: Iterable<NoInfer<M>> = []) {
    super();
    this.items = [...modules];
    this.items.forEach((module, i) => {
      checkModule('ModuleList', i, module);
    });
  }

  get length(): number {
    return this.items.length;
  }

  /** The module at an index; negative ones count from the back. */
  at(index: number): M {
    return this.items[placeOf('ModuleList', index, this.length)] as M;
  }

  /** `at` under the name it has in a ModuleDict. */
  get(index: number): M {
    return this.at(index);
  }

  /** Puts a module in the place of the one at an index. */
  set(index: number, module: M): void {
    checkModule('ModuleList', index, module);
    this.items[placeOf('ModuleList', index, this.length)] = module;
  }

  /** The modules from `start` up to but not including `end`, in a list that shares them. */
  slice(start?: number, end?: number): ModuleList<M> {
    return new ModuleList(this.items.slice(start, end));
  }

  append(module: M): this {
    checkModule('ModuleList', this.length, module);
    this.items.push(module);
    return this;
  }

  extend(modules: Iterable<M>): this {
    for (const module of [...modules]) this.append(module);
    return this;
  }

  /** Puts a module before the one at `index`. */
  insert(index: number, module: M): this {
    checkModule('ModuleList', index, module);
    this.items.splice(insertionOf('ModuleList', index, this.length), 0, module);
    return this;
  }

  /** Takes out the module at an index. */
  pop(index = -1): M {
    return this.items.splice(placeOf('ModuleList', index, this.length), 1)[0] as M;
  }

  [Symbol.iterator](): Iterator<M> {
    return this.items[Symbol.iterator]();
  }

  protected override submodules(): [string, Module][] {
    return this.items.map((module, i) => [String(i), module]);
  }

  forward(): Tensor {
    return fail('unsupported', 'ModuleList: it has no forward; call its modules.');
  }
}

/** Modules by name, in the order in which they came; their parameters belong to the owner. It has no forward of its own. */
export class ModuleDict<M extends Module = Module> extends Module {
  private readonly items = new Map<string, M>();

  constructor(modules: Entries<NoInfer<M>> = {}) {
    super();
    this.update(modules);
  }

  get length(): number {
    return this.items.size;
  }

  get(key: string): M {
    const known = [...this.items.keys()].join(', ') || 'none';
    return this.items.get(key) ?? fail('argument', `ModuleDict: there is no '${key}'. There are: ${known}.`);
  }

  set(key: string, module: M): this {
    if (key === '' || key.includes('.')) fail('argument', `ModuleDict: '${key}' must have a letter and no dot.`);
    checkModule('ModuleDict', key, module);
    this.items.set(key, module);
    return this;
  }

  has(key: string): boolean {
    return this.items.has(key);
  }

  delete(key: string): boolean {
    return this.items.delete(key);
  }

  /** Takes out the module of that name. */
  pop(key: string): M {
    const module = this.get(key);
    this.items.delete(key);
    return module;
  }

  clear(): void {
    this.items.clear();
  }

  /** Adds the modules of an object, a Map, a ModuleDict or pairs; names that are there already get the new ones. */
  update(modules: Entries<M>): this {
    for (const [key, module] of entriesOf(modules)) this.set(key, module);
    return this;
  }

  keys(): IterableIterator<string> {
    return this.items.keys();
  }

  values(): IterableIterator<M> {
    return this.items.values();
  }

  entries(): IterableIterator<[string, M]> {
    return this.items.entries();
  }

  [Symbol.iterator](): IterableIterator<[string, M]> {
    return this.entries();
  }

  protected override submodules(): [string, Module][] {
    return [...this.items];
  }

  forward(): Tensor {
    return fail('unsupported', 'ModuleDict: it has no forward; call its modules.');
  }
}

/** Values by name: an object, or pairs, as a Map gives them. */
export type Entries<T> = Readonly<Record<string, T>> | Iterable<readonly [string, T]>;

export function entriesOf<T>(given: Entries<T>): [string, T][] {
  if (Symbol.iterator in given)
    return [...(given as Iterable<readonly [string, T]>)].map(([key, value]) => [key, value]);
  return Object.entries(given);
}
