import { checkOptions, isOptions } from './arguments.js';

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
