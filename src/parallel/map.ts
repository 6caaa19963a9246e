import { isDeterministic } from '../backend/current.js';
import { processors } from '../backend/threads.js';
import type { Module } from '../nn/index.js';
import { checkWhole } from './check.js';
import { Crew } from './crew.js';
import { DataParallel } from './dataparallel.js';
import type { Batches, DataParallelOptions } from './options.js';
import { inOrder } from './ordered.js';
import { parcelOf, received } from './shards.js';

/** How many threads, of what kind. */
export interface ParallelMapOptions extends Pick<DataParallelOptions, 'workers' | 'device' | 'timeout' | 'worker'> {
  /** Where a module is given by its address: the name of the function that it exports. Default 'default'. */
  readonly export?: string;
}

const NAME = 'parallelMap';
const AHEAD = 2;

/**
 * What each item of a stream becomes, computed by worker threads at the same time and given in order:
 * `for await (const y of parallelMap(loader, model, { workers: 4 }))`.
 *
 * `work` is a model, whose answers for batches are computed without a gradient in the mode that it is in; or the address of a
 * module, whose function is called for each item, in the thread. Items are numbers, texts, arrays and tensors, in lists and
 * plain objects. No more of them are read ahead than the threads have to do. The threads end with the stream.
 *
 * @example
 * const model = new nn.Linear(4, 2);
 * const stream = [rand([8, 4]), rand([3, 4])];
 * const shapes = [];
 * for await (const y of parallelMap(stream, model, { workers: 2 })) shapes.push((y as Tensor).shape);
 * shapes; // → [[8, 2], [3, 2]]
 */
export async function* parallelMap(
  stream: Batches,
  work: Module | (() => Module) | URL,
  options: ParallelMapOptions = {},
): AsyncGenerator<unknown> {
  const { export: name = 'default', ...rest } = options;
  if (!(work instanceof URL)) {
    const parallel = new DataParallel(work, rest);
    try {
      yield* parallel.map(stream);
    } finally {
      await parallel.close();
    }
    return;
  }
  const { workers = processors(), timeout = 300_000, device = 'wasm', worker } = rest;
  checkWhole(NAME, 'workers', workers, 1);
  const setup = async () => ({ model: null, loss: null, work: { module: work.href, name }, device, ...ALONE });
  const crew = new Crew({ name: NAME, workers, timeout, worker, setup });
  let count = 0;
  const ask = (item: unknown) =>
    crew.ask({
      what: `item ${count++}`,
      make: () => {
        const send: ArrayBuffer[] = [];
        const batch = parcelOf(NAME, item, send);
        return { job: { ...NOTHING, kind: 'map', batch, strict: isDeterministic() }, send };
      },
    });
  try {
    for await (const { output } of inOrder(stream, workers * AHEAD, ask)) yield received(output as never);
  } finally {
    await crew.close();
  }
}

const NOTHING = {
  seed: 0,
  values: null,
  buffers: new Uint8Array(0),
  mode: null,
  scale: 1,
  into: null,
  spare: null,
  exchange: null,
  key: null,
  form: null,
};

const ALONE = { capture: false, lane: null };
