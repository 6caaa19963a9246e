import { checkOptions, isOptions } from './arguments.js';
import { fail } from './errors.js';

/**
 * Functions of a first argument and some more that may come by position, by name in a trailing object, or both:
 * `unbind(x, 1)` and `unbind(x, { dim: 1 })`.
 */

/** A whole number. */
export type Whole = number;

/** An object type in one piece. */
export type Flat<T> = { [K in keyof T]: T[K] };

/** The parameters T under their names N, as an options object; what may be left out by position may be by name. */
export type Options<T extends readonly unknown[], N extends readonly string[]> = Flat<Entries<T, N>>;

type Entries<T extends readonly unknown[], N extends readonly string[]> = N extends readonly [
  infer Name extends string,
  ...infer Names extends string[],
]
  ? T extends readonly [infer A, ...infer Rest]
    ? { readonly [K in Name]: A } & Entries<Rest, Names>
    : T extends readonly [(infer A)?, ...infer Rest]
      ? { readonly [K in Name]?: A } & Entries<Rest, Names>
      : unknown
  : unknown;

/** Some of the parameters by position, and then an object of at least one other and of O. */
type Mixed<
  T extends readonly unknown[],
  N extends readonly string[],
  O,
  Head extends readonly unknown[] = [],
> = N extends readonly [string, ...infer Names extends string[]]
  ?
      | [...Head, options: Options<T, N> & O]
      | (T extends readonly [infer A, ...infer Rest]
          ? Mixed<Rest, Names, O, [...Head, A]>
          : T extends readonly [(infer A)?, ...infer Rest]
            ? Mixed<Rest, Names, O, [...Head, A | undefined]>
            : never)
  : never;

/** The parameters by position, by name, or the first by position and the others by name. */
export type Named<T extends readonly unknown[], N extends readonly string[]> = T | Mixed<T, N, unknown>;

/** What among T is an object of options: no value, array, function, tensor or generator. */
type OptionsAmong<T> = T extends string | number | boolean | null | undefined | readonly unknown[] | Callable | Instance
  ? never
  : T;
type Callable = (...args: never[]) => unknown;
type Instance = { readonly storage: unknown } | { reserve(count: number): number };

type OrUnknown<T> = [T] extends [never] ? unknown : T;

/** The same where parameters beyond N take options of their own, which may then stand beside those of N. */
export type Led<T extends readonly unknown[], N extends readonly string[]> =
  | T
  | Mixed<T, N, OrUnknown<OptionsAmong<T[number]>>>;

/** `given` but for its trailing object of options, with what that says of `names` in their places; and what else it says. */
function arrange(
  name: string,
  given: readonly unknown[],
  names: readonly string[],
): { values: unknown[]; others: Record<string, unknown> } {
  const values = given.slice(0, -1);
  const others: Record<string, unknown> = {};
  const options = given[given.length - 1] as Readonly<Record<string, unknown>>;
  for (const key in options) {
    const value = options[key];
    const place = names.indexOf(key);
    if (place < 0) others[key] = value;
    else if (values[place] !== undefined) fail('argument', `${name}: ${key} is given twice, by position and by name.`);
    else values[place] = value;
  }
  return { values, others };
}

/** Throws unless the first `count` of the values are given. */
function checkGiven(name: string, names: readonly string[], values: readonly unknown[], count: number): void {
  for (let i = 0; i < count; i++) {
    if (values[i] !== undefined) continue;
    fail(
      'argument',
      `${name}: ${names[i]} is missing. Give it by position, or as { ${names[i]} } in the last argument.`,
    );
  }
}

/**
 * `compute` with the parameters after its first one also by `names`, which are in their order. Those without a default must
 * be given.
 */
// @__NO_SIDE_EFFECTS__
export function keywords<F, P extends unknown[], R, const N extends readonly string[]>(
  name: string,
  names: N,
  compute: (first: F, ...rest: P) => R,
): (first: F, ...rest: Named<P, N>) => R {
  const required = compute.length - 1;
  return (first: F, ...given: unknown[]): R => {
    const last = given[given.length - 1];
    if (isOptions(last)) {
      checkOptions(name, last, names);
      const { values } = arrange(name, given, names);
      checkGiven(name, names, values, required);
      return compute(first, ...(values as P));
    }
    checkGiven(name, names, given, required);
    if (given.length > names.length) {
      fail('argument', `${name}: at most ${names.length} further arguments, ${names.join(', ')}; got ${given.length}.`);
    }
    return compute(first, ...(given as P));
  };
}

/**
 * The same for a `compute` that reads options itself: `names` are its parameters before those, all of which must be given,
 * and what is not named there reaches it in an object as its last argument.
 */
// @__NO_SIDE_EFFECTS__
export function leading<F, P extends unknown[], R, const N extends readonly string[]>(
  name: string,
  names: N,
  compute: (first: F, ...rest: P) => R,
): (first: F, ...rest: Led<P, N>) => R {
  return (first: F, ...given: unknown[]): R => compute(first, ...(lead(name, names, given) as P));
}

/** Arguments with what a trailing object says of `names` in their places, and an object of what else it says. */
export function lead(name: string, names: readonly string[], given: readonly unknown[]): readonly unknown[] {
  if (!isOptions(given[given.length - 1])) {
    checkGiven(name, names, given, names.length);
    return given;
  }
  const { values, others } = arrange(name, given, names);
  checkGiven(name, names, values, names.length);
  return Object.keys(others).length > 0 ? [...values, others] : values;
}

/** `compute`, with the keys of `names` accepted as options instead of what they stand for. */
// @__NO_SIDE_EFFECTS__
export function renamed<F, P extends unknown[], R, const A extends Readonly<Record<string, string>>>(
  names: A,
  compute: (first: F, ...rest: P) => R,
): (first: F, ...rest: P | Again<P, A>) => R {
  return (first: F, ...given: unknown[]): R => {
    const last = given[given.length - 1];
    if (!isOptions(last) || !Object.keys(last).some((key) => key in names)) return compute(first, ...(given as P));
    const options = Object.fromEntries(Object.entries(last).map(([key, value]) => [names[key] ?? key, value]));
    return compute(first, ...([...given.slice(0, -1), options] as P));
  };
}

/** P with the other names in its objects. */
type Again<P extends readonly unknown[], A extends Readonly<Record<string, string>>> = P extends readonly [
  infer O extends object,
]
  ? O extends readonly unknown[]
    ? never
    : [options: Flat<{ readonly [K in keyof O as OtherName<K, A>]: O[K] }>]
  : never;

type OtherName<K, A extends Readonly<Record<string, string>>> =
  | { [N in keyof A]: A[N] extends K ? N : never }[keyof A]
  | (K extends A[keyof A] ? never : K);
