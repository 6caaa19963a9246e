/** What runs in a worker of the pool: instances of the kernels on the memory of the host, and the life that pool.ts tells of. */
import { type Contract, type Delivery, END, type Orders, Slot, type Word } from './control.js';
import { install } from './kernels.js';
import { hostOf, type Instance, instantiate, instantiatePool, type PoolInstance } from './module.js';
import type { Endpoint } from './thread.js';
import type { Binary } from './variant.js';
import { serveParent } from './worker.js';

/** Follows orders; made by the contract, which is the first of them. */
function engage({ memory, worker, pool }: Contract, say: (word: Word) => void): (orders: Orders) => void {
  const host = hostOf(memory);
  const instances = new Map<string, Instance>();
  const pools = new WeakMap<WebAssembly.Table, PoolInstance>();
  const instanceOf = ({ key, binary }: Delivery): Instance => {
    const instance = instances.get(key) ?? instantiate(binary as Binary, host);
    instances.set(key, instance);
    return instance;
  };
  let ready = false;
  return ({ version, parts, over }) => {
    const stands = over.map(instanceOf);
    const loaded = parts.map((part) => ({ index: part.index, instance: instanceOf(part) }));
    const table = loaded[0]?.instance.table as WebAssembly.Table;
    for (const { index, instance } of loaded) install(table, index, instance, stands);
    const own = pools.get(table) ?? instantiatePool(pool, host, table);
    pools.set(table, own);
    if (!ready) {
      ready = true;
      Atomics.add(new Int32Array(memory.buffer), Slot.THREADS, 1);
      say({ ready });
    }
    serve(own, worker, version);
  };
}

/** Serves until orders have come. A kernel that traps is reported, and the worker goes on. */
function serve(pool: PoolInstance, worker: number, version: number): void {
  for (;;) {
    try {
      pool.serve(worker, version);
      return;
    } catch {
      pool.fail();
    }
  }
}

void serveParent((parent: Endpoint) => {
  const say = (word: Word): void => parent.postMessage(word);
  let follow: ((orders: Orders) => void) | null = null;
  parent.addEventListener('message', (event) => {
    const { data } = event as MessageEvent<Contract | Orders | typeof END>;
    try {
      if (data === END) {
        say({ done: true });
        return;
      }
      follow ??= engage(data as Contract, say);
      follow(data);
    } catch (cause) {
      say({ failed: cause instanceof Error ? cause.message : String(cause) });
    }
  });
});
