import { fail } from './errors.js';

/**
 * Arguments that PyTorch takes by position or by name. Here the names come in one trailing object, and both forms may be
 * mixed: `maxPool2d(x, 2, 1)`, `maxPool2d(x, 2, { stride: 1 })`, `maxPool2d(x, 2, 1, { padding: 1 })`.
 */

/** Whether `value` is an options object, and not an array, a tensor or another instance of a class. */
export function isOptions(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Throws for an option that is not among `names`: a misspelt one would otherwise be ignored in silence. */
export function checkOptions(op: string, options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const meant = names.find((known) => known.toLowerCase() === name.replaceAll('_', '').toLowerCase());
    const hint = meant === undefined ? `Options are ${names.join(', ')}.` : `Did you mean ${meant}?`;
    fail('argument', `${op}: there is no option '${name}'. ${hint}`);
  }
}

/** `given` by name: values in the order of `names`, and a trailing options object. Undefined values are left out. */
export function readArguments<T extends object>(
  op: string,
  given: readonly unknown[],
  names: readonly (keyof T & string)[],
): T {
  const last = given[given.length - 1];
  const options = isOptions(last) ? last : {};
  const positional = isOptions(last) ? given.slice(0, -1) : given;
  checkOptions(op, options, names);
  if (positional.length > names.length) {
    fail(
      'argument',
      `${op}: at most ${names.length} further arguments, ${names.join(', ')}; got ${positional.length}.`,
    );
  }
  const read: Record<string, unknown> = { ...options };
  positional.forEach((value, i) => {
    if (value !== undefined) read[names[i] as string] = value;
  });
  return read as T;
}

/** The arguments P by their names N. */
type ByName<N extends readonly string[], P extends readonly unknown[]> = {
  readonly [I in keyof N & `${number}` as N[I] & string]?: P[I & keyof P];
};

/** Each way to give the first of the arguments P by position and the others in an object O. */
type Prefixes<P extends readonly unknown[], O, Before extends readonly unknown[] = []> =
  | [...Before, options: O]
  | (P extends readonly [infer First, ...infer Rest]
      ? Rest extends readonly []
        ? never
        : Prefixes<Rest, O, [...Before, First]>
      : never);

/** A function whose arguments after the first are P, by position or by the names N. */
export type Named<First, P extends readonly unknown[], R, N extends readonly string[]> = (
  first: First,
  ...rest: P | Prefixes<Required<P>, ByName<N, P>>
) => R;

/**
 * Gives names to the arguments of `compute` after its first, so that a trailing options object may hold them, as PyTorch's
 * keywords do. Throws for names that there are not.
 */
// @__NO_SIDE_EFFECTS__
export function named<First, P extends readonly unknown[], R, const N extends readonly string[]>(
  op: string,
  names: N,
  compute: (first: First, ...rest: P) => R,
): Named<First, P, R, N> {
  return (first, ...rest) => {
    const last = rest[rest.length - 1];
    if (!isOptions(last)) return compute(first, ...(rest as unknown as P));
    checkOptions(op, last, names);
    const before = rest.slice(0, -1);
    const places = names.map((name, i) => (i < before.length ? before[i] : last[name]));
    names.forEach((name, i) => {
      if (i < before.length && name in last) fail('argument', `${op}: ${name} is given by position and by name.`);
    });
    return compute(first, ...(places as unknown as P));
  };
}
