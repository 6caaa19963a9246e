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
  // What isOptions admits inherits nothing that a loop over keys would meet, and this is the hot path of many ops.
  for (const name in options) {
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
  const options = isOptions(last) ? last : null;
  const positional = options === null ? given.length : given.length - 1;
  if (options !== null) checkOptions(op, options, names);
  if (positional > names.length) {
    fail('argument', `${op}: at most ${names.length} further arguments, ${names.join(', ')}; got ${positional}.`);
  }
  const read: Record<string, unknown> = { ...options };
  for (let i = 0; i < positional; i++) {
    const value = given[i];
    if (value === undefined) continue;
    const name = names[i] as string;
    if (read[name] !== undefined) fail('argument', `${op}: ${name} is given twice, by position and by name.`);
    read[name] = value;
  }
  return read as T;
}
