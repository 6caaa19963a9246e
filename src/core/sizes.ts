import { checkOptions, isOptions } from './arguments.js';
import { fail, show } from './errors.js';
import { checkShape, type Shape } from './shape.js';

/** Whole numbers that are given one by one, in a list, or as the option K: `f(2, 3)`, `f([2, 3])`, `f({ dims: [2, 3] })`. */
export type Listed<K extends string> = number[] | [readonly number[]] | [{ readonly [N in K]: readonly number[] }];

/** The numbers of `given`; `option` is what they are called. */
export function listOf<K extends string>(op: string, option: K, given: Listed<K>): readonly number[] {
  const [first] = given;
  if (isOptions(first)) {
    checkOptions(op, first, [option]);
    return first[option] as readonly number[];
  }
  return (Array.isArray(first) ? first : given) as readonly number[];
}

/** The options that every function has that makes a tensor. */
export const CREATE_NAMES = ['dtype', 'requiresGrad'] as const;

/** Sizes one by one, in an array or as the option `size`; and the other options. */
export function readSizes<O extends object>(
  name: string,
  given: readonly unknown[],
  names: readonly string[] = CREATE_NAMES,
): { sizes: readonly number[]; options: O } {
  const last = given[given.length - 1];
  const { size, ...options } = isOptions(last) ? (last as { readonly size?: Shape | number }) : {};
  checkOptions(name, options, ['size', ...names]);
  const positional = (isOptions(last) ? given.slice(0, -1) : given).filter((value) => value !== undefined);
  if (size !== undefined && positional.length > 0) {
    fail('argument', `${name}: size is given twice, by position and by name.`);
  }
  const [first] = positional;
  if (Array.isArray(first) && positional.length > 1) {
    fail('argument', `${name}: expected sizes one by one or in one array, got ${positional.map(shown).join(', ')}.`);
  }
  const sizes = size !== undefined ? [size].flat() : Array.isArray(first) ? [...(first as Shape)] : positional;
  checkShape(name, sizes as unknown as Shape);
  return { sizes: sizes as unknown as readonly number[], options: options as O };
}

function shown(value: unknown): string {
  return Array.isArray(value) ? show(value as Shape) : String(value);
}
