import type { Device, Launch, MemoryUse, Observer } from '../core/device.js';
import { Storage } from '../core/storage.js';
import { type Block, Engine } from '../runtime/engine.js';
import { run } from '../runtime/launch.js';

/** Storages that wait for a place in the safety net: so few that they cost little where they were forgotten. */
const MOST_YOUNG = 1024;

/** The CPU, through WebAssembly SIMD. It answers at once, so every read may be synchronous. */
export class WasmDevice implements Device {
  readonly name = 'wasm';
  readonly engine: Engine;
  private observer: Observer | null = null;
  /**
   * A safety net for tensors that were neither disposed nor in a scope: their memory comes back when the garbage collector
   * notices, which is never before the event loop turns. Code that allocates in a loop needs a scope.
   */
  private readonly forgotten = new FinalizationRegistry<Block>((block) => this.engine.free(block));
  /**
   * Storages too young for the net. Most are freed within microseconds, and an entry in a FinalizationRegistry costs more
   * than everything else about a small tensor, most of all in a loop that never lets the event loop turn.
   */
  private young: Storage[] = [];

  constructor(options?: { shared?: boolean; strict?: boolean }) {
    this.engine = new Engine(options);
  }

  allocate(bytes: number, label: string): Storage {
    const block = this.engine.allocate(bytes, label);
    const storage = new Storage(this, block);
    // As soon as the program pauses, whatever still lives goes into the net, and is held by nobody but the program.
    if (this.young.push(storage) === 1) queueMicrotask(this.settle);
    else if (this.young.length === MOST_YOUNG) this.settle();
    this.observer?.allocated(storage);
    return storage;
  }

  free(block: Block): void {
    this.engine.free(block);
  }

  write(storage: Storage, offset: number, data: Uint8Array): void {
    this.observer?.written(storage, offset, data);
    this.engine.u8.set(data, storage.pointer + offset);
  }

  readSync(storage: Storage, offset: number, bytes: number): Uint8Array<ArrayBuffer> {
    this.observer?.read();
    const from = storage.pointer + offset;
    // Copied into memory of its own: the heap may be shared, and it moves when it grows.
    const out = new Uint8Array(bytes);
    out.set(this.engine.u8.subarray(from, from + bytes));
    return out;
  }

  async read(storage: Storage, offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.readSync(storage, offset, bytes);
  }

  launch(launch: Launch): void {
    this.observer?.launched(launch);
    run(this.engine, launch);
    if (launch.refusal === undefined || !this.engine.takeRefusal()) return;
    // A recording ends here, and the message may show the value.
    this.observer = null;
    launch.refusal();
  }

  copy(target: Storage, targetOffset: number, source: Storage, sourceOffset: number, bytes: number): void {
    const from = source.pointer + sourceOffset;
    this.engine.u8.copyWithin(target.pointer + targetOffset, from, from + bytes);
  }

  private readonly settle = (): void => {
    for (const storage of this.young) {
      if (!storage.freed) this.forgotten.register(storage, storage.block as Block);
    }
    this.young = [];
  };

  /** Lets `observer` see all that happens until the next call; null ends it. */
  observe(observer: Observer | null): void {
    this.observer = observer;
  }

  memory(): MemoryUse {
    return this.engine.use();
  }
}
