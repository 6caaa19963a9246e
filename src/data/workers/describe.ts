import { fail } from '../../core/errors.js';
import { type Construction, constructionOf } from '../transforms/transform.js';
import { moduleOf } from './frommodule.js';
import { bytesOf, type Carrier, type Made, type Parcel, pack } from './parcel.js';

/** What other threads can make anew: datasets of fettle's, and whatever has this method. */
export interface Portable {
  /** What makes the same object in another thread. */
  portable(): Construction;
}

function isPortable(value: object): value is Portable {
  return 'portable' in value && typeof value.portable === 'function';
}

/** The class that a class derives from without overriding its portable(), though it changes what the class does. */
function changedSince(value: Portable): string | undefined {
  let changed = false;
  for (let at = Object.getPrototypeOf(value); at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, 'portable')) return changed ? String(at.constructor?.name) : undefined;
    changed ||= Reflect.ownKeys(at).some((key) => key !== 'constructor');
  }
  return undefined;
}

const REMEDIES =
  'Make it by fromModule(new URL(…, import.meta.url), …), which threads can do too; give its class a method portable() that ' +
  'returns { type, args, module }; or use numWorkers: 0.';

function constructionFor(value: object, path: string): Construction {
  const known = moduleOf(value) ?? constructionOf(value);
  if (known !== undefined) return known;
  const name = value.constructor?.name || 'object';
  const at = path === '' ? 'the dataset' : `its ${path}`;
  if (!isPortable(value)) {
    return fail('argument', `DataLoader: worker threads make the dataset anew, and ${at} is a ${name}. ${REMEDIES}`);
  }
  const base = changedSince(value);
  if (base !== undefined) {
    fail(
      'argument',
      `DataLoader: ${at} is a ${name}, and would be made anew as the ${base} it derives from. ${REMEDIES}`,
    );
  }
  return value.portable();
}

/** The parcel of a dataset, a transform, or arguments of one; `carry` says what becomes of arrays and tensors in it. */
function describe(value: unknown, carry: Pick<Carrier, 'tensor' | 'array'>): Parcel {
  const open: object[] = [];
  const carrier: Carrier = {
    ...carry,
    // Of a module, or with a method, come plain objects too.
    claims: (part) => moduleOf(part) !== undefined || isPortable(part),
    other: (part, path): Made => {
      if (typeof part !== 'object' || part === null) {
        return fail(
          'argument',
          `DataLoader: worker threads make the dataset anew, and its ${path} is a ${typeof part}. ${REMEDIES}`,
        );
      }
      if (open.includes(part)) fail('argument', `DataLoader: the dataset's ${path} holds itself.`);
      const { type, args, module } = constructionFor(part, path);
      open.push(part);
      const within = path === '' ? type : `${path}: ${type}`;
      const packed = args.map((arg, i) => pack(arg, carrier, `${within}, argument ${i + 1}`));
      open.pop();
      return { kind: 'made', type, args: packed, ...(module === undefined ? {} : { module }) };
    },
  };
  return pack(value, carrier);
}

/** Throws, saying what to do, unless other threads can make `dataset` anew. Copies nothing. */
export function checkPortable(dataset: object): void {
  describe(dataset, { tensor: () => new Uint8Array(0), array: (array) => array });
}

/**
 * What makes `dataset` anew in other threads. Its arrays stand in shared memory, where there is such, for all threads together;
 * those that stand there already are not copied.
 */
export function portableParcel(dataset: object): Parcel {
  // One array may be in several places, as that of a dataset with many subsets is.
  const shared = new Map<ArrayBufferView, ArrayBufferView>();
  const array = (view: ArrayBufferView): ArrayBufferView => {
    const copy = shared.get(view) ?? inSharedMemory(view);
    shared.set(view, copy);
    return copy;
  };
  return describe(dataset, { array, tensor: (x) => array(bytesOf(x)) as Uint8Array });
}

function inSharedMemory(view: ArrayBufferView): ArrayBufferView {
  const hasShared = typeof SharedArrayBuffer !== 'undefined';
  if (hasShared && view.buffer instanceof SharedArrayBuffer) return view;
  // Each thread is sent the whole of a buffer, of which this may be a small part.
  if (!hasShared && view.byteLength === view.buffer.byteLength) return view;
  const kind = view.constructor as new (buffer: ArrayBufferLike) => ArrayBufferView;
  const copy = new kind(hasShared ? new SharedArrayBuffer(view.byteLength) : new ArrayBuffer(view.byteLength));
  new Uint8Array(copy.buffer).set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return copy;
}
