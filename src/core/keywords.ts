import { checkOptions, isOptions } from './arguments.js';
import { fail } from './errors.js';

/**
 * Functions of a first argument and some more that may come by position, by name in a trailing object, or both:
 * `unbind(x, 1)` and `unbind(x, { dim: 1 })`.
 */

/** A whole number. */
export type Whole = number;

/** What the parameters are called, as an options object. */
export type Options<T extends readonly unknown[], N extends readonly string[]> = {
  readonly [I in keyof N & `${number}` as N[I] & string]?: I extends keyof Required<T> ? Required<T>[I] : unknown;
};

/** Every parameter may be the last one given, and then be the options. */
export type Named<T extends readonly unknown[], N extends readonly string[]> = Partial<{
  [I in keyof T]: T[I] | Options<T, N>;
}>;

/** `compute` with the parameters after its first one also by `names`, which are in their order. */
// @__NO_SIDE_EFFECTS__
export function keywords<F, P extends unknown[], R, const N extends readonly string[]>(
  name: string,
  names: N,
  compute: (first: F, ...rest: P) => R,
): (first: F, ...rest: Named<P, N>) => R {
  return (first: F, ...rest: unknown[]): R => {
    const last = rest[rest.length - 1];
    if (!isOptions(last)) return compute(first, ...(rest as P));
    checkOptions(name, last, names);
    const given = rest.slice(0, -1);
    for (const [key, value] of Object.entries(last)) {
      const place = names.indexOf(key);
      if (given[place] !== undefined) fail('argument', `${name}: ${key} is given twice, by position and by name.`);
      given[place] = value;
    }
    return compute(first, ...(given as P));
  };
}
