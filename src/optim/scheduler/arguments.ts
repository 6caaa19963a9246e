import { fail } from '../../core/errors.js';
import { checkKeys, given } from '../settings.js';

function isOptions(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * A scheduler's arguments as one object. They come as in PyTorch by position, as an object of options, or both:
 * `StepLR(optimizer, 30, 0.1)`, `StepLR(optimizer, { stepSize: 30, gamma: 0.1 })`, `StepLR(optimizer, 30, { gamma: 0.1 })`.
 * `defaults` names all options in the order of their positions; those that are undefined there are required.
 */
export function settle<O extends object>(
  name: string,
  args: readonly unknown[],
  defaults: { [K in keyof O]: O[K] | undefined },
): O {
  const keys = Object.keys(defaults);
  const last = args[args.length - 1];
  const options = isOptions(last) ? last : {};
  const positional = isOptions(last) ? args.slice(0, -1) : args;
  if (positional.length > keys.length) {
    fail(
      'argument',
      `${name}: expected at most ${keys.length} arguments (${keys.join(', ')}), got ${positional.length}.`,
    );
  }
  checkKeys(name, options, keys);
  const settled = {
    ...defaults,
    ...given(Object.fromEntries(positional.map((value, i) => [keys[i], value]))),
    ...given(options),
  };
  const missing = keys.filter((key) => settled[key as keyof O] === undefined);
  if (missing.length > 0) fail('argument', `${name}: ${missing.join(', ')} must be given.`);
  return settled as O;
}

/** One value for each group: `value` itself where it is a list of as many, else repeated. */
export function forEachGroup<T>(name: string, key: string, value: T | readonly T[], groups: number): T[] {
  if (!Array.isArray(value)) return new Array<T>(groups).fill(value as T);
  if (value.length !== groups) {
    fail('argument', `${name}: ${key} has ${value.length} values, the optimizer ${groups} parameter groups.`);
  }
  return [...(value as readonly T[])];
}

/** How many of the sorted `points` lie at or before `x`. */
export function countUpTo(points: readonly number[], x: number): number {
  return points.filter((point) => point <= x).length;
}
