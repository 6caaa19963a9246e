import { noGrad } from '../autograd/index.js';
import { clone } from '../ops/index.js';
import { Buffer, Module, Parameter } from './module.js';

/**
 * A copy of `module` with parameters and buffers of its own, as Python's deepcopy makes it: what stands in it twice stands
 * twice in the copy, too. It works for modules of one's own: nothing is constructed, properties are copied. Those that are
 * neither modules, parameters, buffers, nor collections of such keep their values. Gradients, masks of parameters and forward
 * hooks stay behind.
 */
export function cloneModule<M extends Module>(module: M): M {
  return copyModule(module, new Map()) as M;
}

/** What has been copied already. */
type Copies = Map<object, object>;

function copyModule(module: Module, copies: Copies): Module {
  const copy = Object.create(Object.getPrototypeOf(module)) as Module;
  // Known before its properties are walked, so that what refers back to it finds it.
  copies.set(module, copy);
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(module))) {
    // A forward among the properties is the one that calls hooks; it is bound to the original.
    if (name === 'forward' && !property.enumerable) continue;
    const value = name === 'hooks' ? [] : property.value;
    Object.defineProperty(
      copy,
      name,
      'value' in property ? { ...property, value: copyValue(value, copies) } : property,
    );
  }
  return copy;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function copyValue(value: unknown, copies: Copies): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  if (value instanceof Module) return copyModule(value, copies);
  const remember = <T extends object>(copy: T): T => {
    copies.set(value, copy);
    return copy;
  };
  if (value instanceof Parameter)
    return remember(
      new Parameter(
        noGrad(() => clone(value)),
        value.requiresGrad,
      ),
    );
  if (value instanceof Buffer)
    return remember(
      new Buffer(
        noGrad(() => clone(value)),
        value.persistent,
      ),
    );
  if (Array.isArray(value)) {
    const copy = remember<unknown[]>([]);
    for (const item of value) copy.push(copyValue(item, copies));
    return copy;
  }
  if (value instanceof Map) {
    const copy = remember(new Map<unknown, unknown>());
    for (const [key, item] of value) copy.set(copyValue(key, copies), copyValue(item, copies));
    return copy;
  }
  if (value instanceof Set) {
    const copy = remember(new Set<unknown>());
    for (const item of value) copy.add(copyValue(item, copies));
    return copy;
  }
  if (!isPlain(value)) return value;
  const copy = remember<Record<string, unknown>>({});
  for (const [key, item] of Object.entries(value)) copy[key] = copyValue(item, copies);
  return copy;
}
