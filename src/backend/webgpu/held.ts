import type { Storage } from '../../core/storage.js';
import type { Argument, Pass } from './pass.js';
import type { Guard } from './refusals.js';

/**
 * What lasts, as the running statistics of a norm, is left as it is behind a kernel that has refused its indices: for all that the
 * program knows by then, what would be written comes from them. Once the error has been told, everything is written again.
 */

const tensorOf = ({ memory }: Argument): Storage | null =>
  typeof memory === 'object' && 'storage' in memory ? memory.storage : null;

/** A pass that writes nothing of what lasts while a word of `guards` is set, of which it looks at as many as it can see, the latest. */
export function heldBack(pass: Pass, guards: readonly Guard[], most: number, lasts: (x: Storage) => boolean): Pass {
  const args = Object.entries(pass.bind);
  const isHeld = (arg: Argument): boolean => {
    const storage = tensorOf(arg);
    return arg.access === 'write' && storage !== null && lasts(storage);
  };
  if (guards.length === 0 || !args.some(([, arg]) => isHeld(arg))) return pass;
  const seen = new Set(args.map(([, arg]) => tensorOf(arg) ?? arg.memory)).size;
  const looked = guards.slice(-Math.max(1, most - seen));
  const flags = looked.map(({ flags }, k): [string, Argument] => [
    `refused${k}`,
    { memory: { raw: flags, at: 0 }, access: 'read', element: 'i32', wide: false, atomic: false },
  ]);
  return {
    ...pass,
    structure: `${pass.structure} ${looked.length}`,
    bind: Object.fromEntries([
      ...args.map(([name, arg]) => [name, isHeld(arg) ? { ...arg, held: true } : arg]),
      ...flags,
    ]),
    ints: [...(pass.ints ?? []), ...looked.map(({ count }) => count)],
    guards: looked.length,
  };
}
