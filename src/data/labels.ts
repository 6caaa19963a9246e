import { fail } from '../core/errors.js';

/** The class of each sample: numbers or names. */
export type Labels = ArrayLike<number> | ArrayLike<string>;

/** The samples of each class, in order; the classes in the order in which they first appear. */
export function groupByLabel(name: string, labels: Labels): Int32Array[] {
  const groups = new Map<number | string, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number | string;
    if (typeof label === 'number' ? Number.isNaN(label) : typeof label !== 'string') {
      fail('data', `${name}: labels must be numbers or names, label ${i} is ${String(label)}.`);
    }
    const members = groups.get(label);
    if (members === undefined) groups.set(label, [i]);
    else members.push(i);
  }
  return [...groups.values()].map((members) => Int32Array.from(members));
}
