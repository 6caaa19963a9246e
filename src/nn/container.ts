import { fail } from '../core/errors.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/** A module that takes one tensor and gives one. */
type Step = Module & { forward(x: Tensor): Tensor };

/**
 * Modules one after another. Given modules, they are named '0', '1', …; given an object, by its keys, as PyTorch's
 * OrderedDict.
 */
export class Sequential extends Module {
  private readonly steps: [string, Step][];

  constructor(...modules: readonly Step[] | [Readonly<Record<string, Step>>]) {
    super();
    const first = modules[0];
    this.steps =
      modules.length === 1 && typeof first === 'object' && !(first instanceof Module)
        ? Object.entries(first)
        : (modules as readonly Step[]).map((module, i) => [String(i), module]);
    for (const [name, module] of this.steps) {
      if (!(module instanceof Module))
        fail('argument', `Sequential: '${name}' must be a Module, got ${typeof module}.`);
    }
  }

  get length(): number {
    return this.steps.length;
  }

  /** The module at an index; negative ones count from the back. */
  at(index: number): Step {
    return (
      this.steps.at(index)?.[1] ??
      fail('argument', `Sequential: index ${index} is out of range for ${this.length} modules.`)
    );
  }

  [Symbol.iterator](): Iterator<Step> {
    return this.steps.map(([, module]) => module)[Symbol.iterator]();
  }

  override namedChildren(): [string, Module][] {
    return [...this.steps];
  }

  /** Puts another module in the place of the one called `name`. */
  replace(name: string, module: Step): void {
    const entry = this.steps.find(([key]) => key === name);
    if (entry === undefined) fail('argument', `Sequential: there is no module '${name}'.`);
    else entry[1] = module;
  }

  forward(x: Tensor): Tensor {
    return this.steps.reduce((value, [, module]) => module.forward(value), x);
  }
}

/** A list of modules whose parameters belong to the owner; it has no forward of its own. */
export class ModuleList extends Module {
  private readonly items: Module[];

  constructor(modules: Iterable<Module> = []) {
    super();
    this.items = [...modules];
  }

  get length(): number {
    return this.items.length;
  }

  at(index: number): Module {
    return (
      this.items.at(index) ?? fail('argument', `ModuleList: index ${index} is out of range for ${this.length} modules.`)
    );
  }

  append(module: Module): this {
    this.items.push(module);
    return this;
  }

  [Symbol.iterator](): Iterator<Module> {
    return this.items[Symbol.iterator]();
  }

  override namedChildren(): [string, Module][] {
    return this.items.map((module, i) => [String(i), module]);
  }

  forward(): Tensor {
    return fail('unsupported', 'ModuleList: it has no forward; call its modules.');
  }
}
