import { fail } from '../core/errors.js';
import type { Tensor } from '../tensor.js';
import { type Entries, entriesOf, insertionOf, placeOf } from './container.js';
import { Module, Parameter } from './module.js';

/** Modules that hold parameters in an order of their own. */

/** How PyTorch shows a parameter in a list. */
function shown(parameter: Parameter, type: string): string {
  return `Parameter containing: [${type} of size ${parameter.shape.join('x')}]`;
}

function checkParameter(owner: string, key: string | number, value: unknown): void {
  if (!(value instanceof Parameter)) {
    fail('argument', `${owner}: '${key}' must be a Parameter, got ${typeof value}. Wrap it: new nn.Parameter(tensor).`);
  }
}

/** A list of parameters that belong to the owner; it has no forward of its own. */
export class ParameterList extends Module {
  private readonly items: Parameter[] = [];

  constructor(parameters: Iterable<Parameter> = []) {
    super();
    this.extend(parameters);
  }

  get length(): number {
    return this.items.length;
  }

  /** The parameter at an index; negative ones count from the back. */
  at(index: number): Parameter {
    return this.items[placeOf('ParameterList', index, this.length)] as Parameter;
  }

  /** `at` under the name it has in a ParameterDict. */
  get(index: number): Parameter {
    return this.at(index);
  }

  /** Puts a parameter in the place of the one at an index. */
  set(index: number, parameter: Parameter): void {
    checkParameter('ParameterList', index, parameter);
    this.items[placeOf('ParameterList', index, this.length)] = parameter;
  }

  append(parameter: Parameter): this {
    checkParameter('ParameterList', this.length, parameter);
    this.items.push(parameter);
    return this;
  }

  extend(parameters: Iterable<Parameter>): this {
    for (const parameter of [...parameters]) this.append(parameter);
    return this;
  }

  /** Puts a parameter before the one at `index`. */
  insert(index: number, parameter: Parameter): this {
    checkParameter('ParameterList', index, parameter);
    this.items.splice(insertionOf('ParameterList', index, this.length), 0, parameter);
    return this;
  }

  /** Takes out the parameter at an index. */
  pop(index = -1): Parameter {
    return this.items.splice(placeOf('ParameterList', index, this.length), 1)[0] as Parameter;
  }

  [Symbol.iterator](): Iterator<Parameter> {
    return this.items[Symbol.iterator]();
  }

  protected override submodules(): [string, Module][] {
    return [];
  }

  protected override tensors(): [string, Tensor][] {
    return this.items.map((parameter, i) => [String(i), parameter]);
  }

  protected override extraRepr(): string {
    const lines = this.items.map((parameter, i) => `  (${i}): ${shown(parameter, 'torch.float32')}`);
    return lines.join('\n');
  }

  forward(): Tensor {
    return fail('unsupported', 'ParameterList: it has no forward; use its parameters.');
  }
}

/** Parameters by name, in the order in which they came, that belong to the owner; it has no forward of its own. */
export class ParameterDict extends Module {
  private readonly items = new Map<string, Parameter>();

  constructor(parameters: Entries<Parameter> = {}) {
    super();
    this.update(parameters);
  }

  get length(): number {
    return this.items.size;
  }

  get(key: string): Parameter {
    const known = [...this.items.keys()].join(', ') || 'none';
    return this.items.get(key) ?? fail('argument', `ParameterDict: there is no '${key}'. There are: ${known}.`);
  }

  set(key: string, parameter: Parameter): this {
    if (key === '' || key.includes('.')) fail('argument', `ParameterDict: '${key}' must have a letter and no dot.`);
    checkParameter('ParameterDict', key, parameter);
    this.items.set(key, parameter);
    return this;
  }

  has(key: string): boolean {
    return this.items.has(key);
  }

  delete(key: string): boolean {
    return this.items.delete(key);
  }

  /** Takes out the parameter of that name. */
  pop(key: string): Parameter {
    const parameter = this.get(key);
    this.items.delete(key);
    return parameter;
  }

  clear(): void {
    this.items.clear();
  }

  /** Adds the parameters of an object, a Map, a ParameterDict or pairs. */
  update(parameters: Entries<Parameter>): this {
    for (const [key, parameter] of entriesOf(parameters)) this.set(key, parameter);
    return this;
  }

  keys(): IterableIterator<string> {
    return this.items.keys();
  }

  values(): IterableIterator<Parameter> {
    return this.items.values();
  }

  entries(): IterableIterator<[string, Parameter]> {
    return this.items.entries();
  }

  [Symbol.iterator](): IterableIterator<[string, Parameter]> {
    return this.entries();
  }

  protected override tensors(): [string, Tensor][] {
    return [...this.items];
  }

  protected override extraRepr(): string {
    return [...this.items].map(([key, value]) => `  (${key}): ${shown(value, 'torch.FloatTensor')}`).join('\n');
  }

  forward(): Tensor {
    return fail('unsupported', 'ParameterDict: it has no forward; use its parameters.');
  }
}
