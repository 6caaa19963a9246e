import { toHalf } from '../core/half.js';
import type { Storage } from '../core/storage.js';
import { HEAP_START } from '../runtime/module.js';
import { aligned, type Place, recordOf, type Step, writtenBy } from '../runtime/recorder.js';
import { offsetOf, type Trace } from './trace.js';
import type { Stretch } from './wasm/image.js';

/**
 * Where everything stands in the memory of a standalone network:
 *
 *   0          HEAP_START                          beginning of what changes
 *   ┌──────────┬──────────────────┬────────────────┬──────────────────────────────────────┬─────────┐
 *   │ static   │ weights, tables  │ launch records │ inputs, outputs, arena               │ scratch │
 *   │ data     │                  │                │ (before the first run: narrow ones)  │         │
 *   └──────────┴──────────────────┴────────────────┴──────────────────────────────────────┴─────────┘
 *
 * Programs for several sizes of the batch share the weights, and take the same place for what changes.
 */

/** Weights that are stored in fewer bytes than they have in memory, and are widened when the network is loaded. */
export interface Narrow {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** What they are stored as; they become int16 or float32. */
  readonly as: 'int8' | 'float16';
}

/** A launch with the address of its record. */
export interface Launched {
  readonly step: Step;
  readonly record: number;
}

export interface Layout {
  /** Of each trace. */
  readonly programs: readonly {
    readonly launches: readonly Launched[];
    readonly inputs: readonly number[];
    readonly outputs: readonly number[];
  }[];
  /** What memory holds to begin with: weights and tables, and the records of launches. */
  readonly weights: readonly Stretch[];
  readonly records: readonly Stretch[];
  readonly narrow: readonly Narrow[];
  readonly scratch: number;
  /** Of memory. */
  readonly bytes: number;
}

/** Below this a widening costs more text than it saves. */
const LEAST_NARROW = 1024;
/** What kernels find at the least: an engine gives it to those that ask for none. */
const LEAST_SCRATCH = 8192;

type Key = Place['storage'];

/** Numbers of 16 bits that fit into 8, which is how products of 8-bit weights read them. */
function narrowed(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length < LEAST_NARROW || bytes.length % 2 !== 0) return null;
  const wide = new Int16Array(bytes.slice().buffer);
  const narrow = Int8Array.from(wide);
  return wide.every((value, i) => value === narrow[i]) ? new Uint8Array(narrow.buffer) : null;
}

function halved(bytes: Uint8Array): Uint8Array {
  const halves = Uint16Array.from(new Float32Array(bytes.slice().buffer), toHalf);
  return new Uint8Array(halves.buffer);
}

/** Storages that launches read as float32 alone. */
function floatsOf(traces: readonly Trace[]): Set<Key> {
  const floats = new Set<Key>();
  const others = new Set<Key>();
  for (const { planned } of traces) {
    for (const { places } of planned.steps) {
      for (const place of places) if (place !== null) (place.dtype === 'float32' ? floats : others).add(place.storage);
    }
  }
  return new Set([...floats].filter((storage) => !others.has(storage)));
}

/** Places everything. `half` stores float32 weights in float16. */
export function layOut(traces: readonly Trace[], half: boolean): Layout {
  const weights: Stretch[] = [];
  const records: Stretch[] = [];
  const fixed = new Map<Key, number>();
  let end = HEAP_START;
  const take = (bytes: number): number => {
    const at = end;
    end += aligned(bytes);
    return at;
  };
  const waiting: { bytes: Uint8Array; to: number; count: number; as: Narrow['as'] }[] = [];
  const floats = half ? floatsOf(traces) : null;
  const put = (key: Key, bytes: Uint8Array): void => {
    if (fixed.has(key)) return;
    const to = take(bytes.length);
    fixed.set(key, to);
    const few = narrowed(bytes);
    const isHalved = few === null && floats?.has(key) === true && bytes.length >= LEAST_NARROW;
    const kept = few ?? (isHalved ? halved(bytes) : bytes);
    if (kept === bytes) weights.push({ at: to, bytes });
    else if (isHalved) waiting.push({ bytes: kept, to, count: bytes.length / 4, as: 'float16' });
    else waiting.push({ bytes: kept, to, count: bytes.length / 2, as: 'int8' });
  };
  for (const { planned, inputs, outputs } of traces) {
    const given = new Set<Key>(inputs.map(({ storage }) => storage));
    const read = (storage: Storage): void => put(storage, storage.device.readSync(storage, 0, storage.bytes));
    for (const storage of planned.outside.keys()) if (!given.has(storage)) read(storage);
    for (const [key, bytes] of planned.constants) put(key, bytes);
    const written = new Set(planned.steps.flatMap(writtenBy));
    for (const storage of planned.left) if (!written.has(storage)) read(storage);
    // One that the network gives out as it is: a weight, say.
    for (const { storage } of outputs) {
      if (!given.has(storage) && !planned.left.includes(storage) && !fixed.has(storage)) read(storage);
    }
  }
  const recordsAt = traces.map(({ planned }) =>
    planned.steps.map((step) => take(recordOf(step, 0, () => 0).byteLength)),
  );

  const changing = end;
  let last = changing;
  const programs = traces.map((one, t) => {
    end = changing;
    const addressOf = placesOf(one, fixed, take);
    const launches = one.planned.steps.map((step, i): Launched => {
      const at = (recordsAt[t] as number[])[i] as number;
      const slots = recordOf(step, i, ({ storage }) => addressOf(storage));
      records.push({ at, bytes: new Uint8Array(slots.buffer) });
      return { step, record: at };
    });
    const at = (tensor: Trace['inputs'][number]): number => addressOf(tensor.storage) + offsetOf(tensor);
    last = Math.max(last, end);
    return { launches, inputs: one.inputs.map(at), outputs: one.outputs.map(at) };
  });

  end = last;
  const scratch = take(Math.max(LEAST_SCRATCH, ...traces.map(({ planned }) => planned.scratch)));
  last = end;
  // What changes is not there yet when a network is loaded, so what is widened may wait in its place.
  end = changing;
  const narrow = waiting.map(({ bytes, ...what }): Narrow => {
    const from = take(bytes.length);
    weights.push({ at: from, bytes });
    return { ...what, from };
  });
  return { programs, weights, records, narrow, scratch, bytes: Math.max(last, end) };
}

/** Addresses of the storages of one program. */
function placesOf(
  { planned, inputs }: Trace,
  fixed: ReadonlyMap<Key, number>,
  take: (bytes: number) => number,
): (storage: Key) => number {
  const own = new Map<Key, number>(fixed);
  for (const { storage } of inputs) own.set(storage, take(storage.bytes));
  for (const storage of planned.left) if (!own.has(storage)) own.set(storage, take(storage.bytes));
  const arena = take(planned.arenaBytes);
  for (const [storage, at] of planned.places) own.set(storage, arena + at);
  return (storage) => own.get(storage) as number;
}
