import { fail } from '../../core/errors.js';
import type { HookHandle, Module } from '../../nn/index.js';
import { Tensor } from '../../tensor.js';

/** What modules within a model give, by their names. */

/** How many letters have to be put in, taken out or exchanged to make one word of another (Levenshtein 1966). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = (row[j - 1] as number) + Number(a[i - 1] !== b[j - 1]);
      next.push(Math.min(exchanged, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** The module called `name`, '' being the model itself. `by` and `whose` name the caller and the model in errors. */
export function moduleNamed(by: string, whose: string, model: Module, name: string): Module {
  const named = model.namedModules({ removeDuplicate: false });
  const found = named.find(([path]) => path === name);
  if (found !== undefined) return found[1];
  const names = named.map(([path]) => path).filter((path) => path !== '');
  const nearest = names.reduce<string | null>(
    (best, path) => (best === null || distance(path, name) < distance(best, name) ? path : best),
    null,
  );
  return fail(
    'argument',
    `${by}: the ${whose} has no module '${name}'. ` +
      (nearest === null
        ? "It has none at all: '' is its output."
        : `Did you mean '${nearest}'? There are: ${names.join(', ')}.`),
  );
}

/** The tensor among what a module gives: of a recurrent layer, its output without the state. */
function tensorOf(output: unknown): Tensor | null {
  if (output instanceof Tensor) return output;
  return Array.isArray(output) && output[0] instanceof Tensor ? output[0] : null;
}

/**
 * Runs `forward` and gives its result with what the modules `names` of the model gave meanwhile: of a module that is called
 * more than once, what it gave last. Nothing stays behind on the model.
 */
export function withFeatures<T>(
  by: string,
  whose: string,
  model: Module,
  names: Iterable<string>,
  forward: () => T,
): { readonly result: T; readonly features: ReadonlyMap<string, Tensor> } {
  const features = new Map<string, Tensor>();
  const handles: HookHandle[] = [];
  const wanted = [...new Set(names)];
  let result: T;
  try {
    for (const name of wanted) {
      const hook = (_: Module, _inputs: readonly unknown[], output: unknown): undefined => {
        const value = tensorOf(output);
        if (value !== null) features.set(name, value);
      };
      handles.push(moduleNamed(by, whose, model, name).registerForwardHook<unknown>(hook));
    }
    result = forward();
  } finally {
    for (const handle of handles) handle.remove();
  }
  for (const name of wanted) {
    if (features.has(name)) continue;
    fail(
      'argument',
      `${by}: module '${name}' of the ${whose} gave no tensor. A model whose forward does not call it, or a container that only ` +
        'holds others, has no features there.',
    );
  }
  return { result, features };
}
