import { fail } from '../../core/errors.js';
import { exportOf, makeOf } from './frommodule.js';
import { type Parcel, unpack } from './parcel.js';

/** Constructors and functions by the names that descriptions have for them. */
export type Types = Readonly<Record<string, unknown>>;

/** Makes anew, in a thread, what a parcel describes; `server` is the function that was given `types`. */
export async function build(parcel: Parcel, types: Types, server: string): Promise<unknown> {
  const all = (items: readonly Parcel[]): Promise<unknown[]> =>
    Promise.all(items.map((item) => build(item, types, server)));
  if (parcel.kind === 'list') return all(parcel.items);
  if (parcel.kind === 'record') {
    const items = await all(parcel.items);
    return Object.fromEntries(parcel.keys.map((key, i) => [key, items[i]]));
  }
  if (parcel.kind !== 'made') return unpack(parcel, () => undefined);
  const { type, module } = parcel;
  const args = await all(parcel.args);
  if (module !== undefined) return makeOf(await exportOf(module, type), args, `${type} of ${module}`);
  const known = types[type];
  if (typeof known === 'function') return Reflect.construct(known, args);
  return fail('argument', `a worker thread does not know ${type}. Does ${server}() get it?`);
}
