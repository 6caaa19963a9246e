/** Jobs of training that are alike, so that each is told by a few numbers. */
import { byteLength, type Carrier, type Parcel, pack, unpack } from '../data/workers/parcel.js';
import { Tensor } from '../tensor.js';
import { pointerTo, sharedHeapOf } from './bytes.js';
import { MOST_NUMBERS } from './lane.js';
import { Brief, type Form, type Mode } from './messages.js';
import { isRecord } from './shards.js';
import type { ModelValues } from './values.js';

/** Forms that are kept: jobs of more kinds are told in full. */
const MOST_FORMS = 64;

const NO_BYTES = new Uint8Array(0);

/** A part of a batch, as its form and where its tensors stand. */
export interface Briefing {
  readonly form: Form;
  readonly batch: readonly number[];
}

/**
 * A text that is the same for values of one structure, with tensors of the same shapes, and all else the same; null for what
 * no text can tell. Tensors that it meets are added to `found`.
 */
export function structureOf(value: unknown, found: Tensor[]): string | null {
  if (value instanceof Tensor) {
    found.push(value);
    return `${value.dtype}[${value.shape}]`;
  }
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? null : String(value);
  const isList = Array.isArray(value);
  if (!isList && !isRecord(value)) return null;
  let text = isList ? '(' : '{';
  for (const [name, item] of Object.entries(value)) {
    const told = structureOf(item, found);
    if (told === null) return null;
    text += isList ? `${told},` : `${JSON.stringify(name)}:${told},`;
  }
  return text;
}

/** A text for what a recording of a part depends on; null where it cannot be told. */
export function keyOf(batch: unknown, { training, wants }: Mode, strict: boolean, found: Tensor[] = []): string | null {
  const structure = structureOf(batch, found);
  return structure && `${strict}|${training.join('')}|${wants.join('')}|${structure}`;
}

/** The forms of one DataParallel. */
export class Forms {
  private readonly known = new Map<string, Form>();
  private heap: SharedArrayBuffer | null = null;
  private places = 0;
  private count = 0;

  constructor(private readonly values: ModelValues) {}

  /** The form of a part, if it can have one: its tensors and those of the model stand in one shared memory. */
  find(batch: unknown, mode: Mode, strict: boolean): Briefing | null {
    const tensors: Tensor[] = [];
    const key = keyOf(batch, mode, strict, tensors);
    const places = this.values.places();
    if (key === null || places === null || tensors.length > MOST_NUMBERS - Brief.BATCH) return null;
    const { heap } = places;
    if (tensors.some((x) => sharedHeapOf(x) !== heap || !x.isContiguous())) return null;
    if (heap !== this.heap || places.version !== this.places) {
      this.known.clear();
      this.heap = heap;
      this.places = places.version;
    }
    const form = this.known.get(key) ?? this.make(key, batch, mode, strict);
    return form && { form, batch: tensors.map(pointerTo) };
  }

  private make(key: string, batch: unknown, mode: Mode, strict: boolean): Form | null {
    const places = this.values.places();
    if (this.known.size >= MOST_FORMS || places === null) return null;
    const { heap, parameters, buffers } = places;
    const parcel = pack(batch, WITHOUT_BYTES);
    const form = { id: this.count++, key, batch: parcel, strict, mode, heap, parameters, buffers };
    this.known.set(key, form);
    return form;
  }
}

const WITHOUT_BYTES: Carrier = {
  tensor: () => NO_BYTES,
  array: (array) => array,
  // Of a structure that could be told, nothing is left that comes here.
  other: (value) => ({ kind: 'value', value }),
};

/** The part whose tensors stand in `heap` where `numbers` say, from `first` on. */
export function batchAt(form: Parcel, heap: SharedArrayBuffer, numbers: Float64Array, first: number): unknown {
  let at = first;
  const filled = (parcel: Parcel): Parcel => {
    if (parcel.kind === 'list' || parcel.kind === 'record') return { ...parcel, items: parcel.items.map(filled) };
    if (parcel.kind !== 'tensor') return parcel;
    return { ...parcel, bytes: new Uint8Array(heap, numbers[at++], byteLength(parcel)) };
  };
  return unpack(filled(form), () => undefined);
}
