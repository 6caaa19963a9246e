import { fail } from '../core/errors.js';

/** Checks of hyper-parameters, in one wording. `NaN` passes none of them. */

/** Throws unless each of `keys` is a number ≥ 0. */
export function checkNonNegative<K extends string>(
  name: string,
  settings: { readonly [key in K]: number },
  ...keys: K[]
): void {
  for (const key of keys) {
    // null and digits in a text compare as numbers do.
    if (typeof settings[key] !== 'number' || !(settings[key] >= 0))
      fail('argument', `${name}: ${key} must be a number ≥ 0, got ${String(settings[key])}.`);
  }
}

/** Throws unless all of these are numbers. */
export function checkNumbers<K extends string>(
  name: string,
  settings: { readonly [key in K]: number },
  ...keys: K[]
): void {
  for (const key of keys) {
    if (typeof settings[key] !== 'number' || Number.isNaN(settings[key]))
      fail('argument', `${name}: ${key} must be a number, got ${String(settings[key])}.`);
  }
}

/** Throws unless both decay rates lie in [0, 1). */
export function checkBetas(name: string, betas: readonly number[]): void {
  const valid =
    Array.isArray(betas) &&
    betas.length === 2 &&
    betas.every((beta) => typeof beta === 'number' && beta >= 0 && beta < 1);
  if (!valid) {
    const got = Array.isArray(betas) ? `[${betas.join(', ')}]` : String(betas);
    fail('argument', `${name}: betas must be two numbers in [0, 1), as in [0.9, 0.999], got ${got}.`);
  }
}

/** Throws for a key of `options` that `known` does not have. */
export function checkKeys(name: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    fail('argument', `${name}: there is no option '${unknown}'. There are: ${known.join(', ')}.`);
  }
}

/** `options` over `defaults`; an option that is undefined counts as not given. Throws for unknown ones. */
export function withDefaults<H extends object>(name: string, options: Partial<H>, defaults: H): H {
  checkKeys(name, options, Object.keys(defaults));
  return { ...defaults, ...given(options) };
}

/** The entries of `options` that are not undefined. */
export function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/**
 * PyTorch's name of a property in saved state: `weightDecay` → `weight_decay`, `_stepCount` → `_step_count`. Its one-letter
 * mathematical names keep their capital: `TMax` → `T_max`, `T0` → `T_0`.
 */
export function savedName(property: string): string {
  return property
    .replace(/^T(?=[A-Z0-9])/, 'T_')
    .replace(/(?<!^|_)[A-Z]/g, '_$&')
    .replace(/(?<=.)[A-Z]/g, lower);
}

/** The property with a name in saved state: the inverse of `savedName`. */
export function propertyName(saved: string): string {
  return saved.replace(/(?<=[^_])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function lower(letter: string): string {
  return letter.toLowerCase();
}

/** Hyper-parameters in the order of `order`, by name in a trailing object, or both. */
export function readSettings<O extends object>(
  name: string,
  given: readonly unknown[],
  order: readonly (keyof O & string)[],
): Partial<O> {
  const last = given[given.length - 1];
  const hasOptions = typeof last === 'object' && last !== null && !Array.isArray(last);
  const options = (hasOptions ? last : {}) as Partial<O>;
  const values = hasOptions ? given.slice(0, -1) : given;
  if (values.length > order.length) {
    fail('argument', `${name}: at most ${order.length} by position, ${order.join(', ')}; got ${values.length}.`);
  }
  const read = { ...options };
  values.forEach((value, i) => {
    if (value === undefined) return;
    const key = order[i] as keyof O & string;
    if (options[key] !== undefined) fail('argument', `${name}: ${key} is given twice, by position and by name.`);
    read[key] = value as O[typeof key];
  });
  return read;
}
