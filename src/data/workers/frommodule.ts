import { fail } from '../../core/errors.js';
import type { Construction } from '../transforms/transform.js';

const made = new WeakMap<object, Construction>();

/** The module that `value` was made by; undefined for what no module has made. */
export function moduleOf(value: object): Construction | undefined {
  return made.get(value);
}

/** Makes something of an export: a class is constructed, a function called. */
export async function makeOf(exported: unknown, args: readonly unknown[], name: string): Promise<object> {
  if (typeof exported !== 'function') {
    return fail('argument', `${name}: expected a class or a function, got ${typeof exported}.`);
  }
  const isClass = /^class\b/.test(Function.prototype.toString.call(exported));
  const value: unknown = isClass ? Reflect.construct(exported, args) : await exported(...args);
  if (typeof value === 'object' && value !== null) return value;
  return fail('argument', `${name}: expected it to give an object, it gave ${String(value)}.`);
}

/**
 * Makes a dataset, or a transform, of a module of one's own, here and in every worker thread that reads it: the module's
 * default export is a class, which is constructed with `args`, or a function that gives the object or a promise of it.
 *
 * `module` is an address, `new URL('./my-dataset.js', import.meta.url)`; `args` are what threads can hand to each other:
 * numbers, texts, typed arrays, tensors, lists and plain objects of them, transforms and datasets.
 *
 * @example
 * const module = 'data:text/javascript,export default (n) => ({ length: n, get: (i) => i * i })';
 * const squares = await data.fromModule<data.Dataset<number>>(module, 5);
 * squares.get(4); // → 16
 */
export async function fromModule<T extends object>(module: string | URL, ...args: readonly unknown[]): Promise<T> {
  const text = String(module);
  if (!/^[a-z][a-z0-9+.-]+:/i.test(text)) {
    fail('argument', `fromModule: expected an address, got '${text}'. Write new URL('${text}', import.meta.url).`);
  }
  const value = await makeOf(await exportOf(text, 'default'), args, `fromModule: the default export of ${text}`);
  made.set(value, { type: 'default', args, module: text });
  return value as T;
}

/** What the module at an address exports by a name. */
export async function exportOf(module: string, name: string): Promise<unknown> {
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = await import(/* @vite-ignore */ /* webpackIgnore: true */ module);
  } catch (cause) {
    return fail(
      'argument',
      `fromModule: ${module} cannot be imported: ${cause instanceof Error ? cause.message : String(cause)}.`,
      cause,
    );
  }
  if (name in exports) return exports[name];
  return fail('argument', `fromModule: ${module} has no export '${name}', only ${Object.keys(exports).join(', ')}.`);
}
