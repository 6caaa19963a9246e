import { moveTo, type Owned, openScope, Scope } from './scope.js';
import { Tensor } from './tensor.js';

/** Everything owned that a value holds: tensors, in arrays and plain objects at any depth. */
function tensorsIn(value: unknown, found: Owned[] = [], seen = new Set<unknown>()): Owned[] {
  if (typeof value !== 'object' || value === null || seen.has(value)) return found;
  seen.add(value);
  if (value instanceof Tensor) found.push(value);
  else if (Array.isArray(value) || value instanceof Set) for (const item of value) tensorsIn(item, found, seen);
  else if (value instanceof Map) for (const item of value.values()) tensorsIn(item, found, seen);
  else if (Object.getPrototypeOf(value) === Object.prototype)
    for (const item of Object.values(value)) tensorsIn(item, found, seen);
  return found;
}

/**
 * Runs `body` and frees every tensor it made, except those it returns (alone, or in arrays and plain objects) or keeps.
 * Without a body, opens a scope that ends with `end()` or with a `using` block.
 *
 * @example
 * const x = tensor([1, 2, 3]);
 * scope(() => x.mul(2).sum().item()); // → 12, and nothing stays behind but x
 */
export function scope(): Scope;
export function scope<T>(body: () => T): T;
export function scope<T>(body?: () => T): T | Scope {
  const opened = openScope();
  if (body === undefined) return opened;
  const finish = <R>(result: R): R => {
    for (const owned of tensorsIn(result)) moveTo(owned, opened.parent);
    opened.end();
    return result;
  };
  let result: T;
  try {
    result = body();
  } catch (error) {
    opened.end();
    throw error;
  }
  if (result instanceof Promise) {
    return result.then(finish, (error: unknown) => {
      opened.end();
      throw error;
    }) as T;
  }
  return finish(result);
}

/** Takes a tensor out of every scope: it lives until `dispose()`, or until nothing refers to it. */
export function keep<T extends Tensor>(tensor: T): T {
  return tensor.keep();
}

export { Scope };
