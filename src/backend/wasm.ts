import type { Device, Launch, MemoryUse } from '../core/device.js';
import { Storage } from '../core/storage.js';
import { type Block, Engine } from '../runtime/engine.js';
import { run } from '../runtime/launch.js';

/** The CPU, through WebAssembly SIMD. It answers at once, so every read may be synchronous. */
export class WasmDevice implements Device {
  readonly name = 'wasm';
  readonly engine: Engine;
  /**
   * A safety net for tensors that were neither disposed nor in a scope: their memory comes back when the garbage collector
   * notices, which is never before the event loop turns. Code that allocates in a loop needs a scope.
   */
  private readonly forgotten: FinalizationRegistry<Block>;

  constructor(options?: { shared?: boolean; strict?: boolean }) {
    this.engine = new Engine(options);
    this.forgotten = new FinalizationRegistry((block) => this.engine.free(block));
  }

  allocate(bytes: number, label: string): Storage {
    const block = this.engine.allocate(bytes, label);
    const storage = new Storage(this, block.pointer, bytes, () => this.engine.free(block));
    this.forgotten.register(storage, block);
    return storage;
  }

  write(storage: Storage, offset: number, data: Uint8Array): void {
    this.engine.u8.set(data, storage.pointer + offset);
  }

  readSync(storage: Storage, offset: number, bytes: number): Uint8Array<ArrayBuffer> {
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
    run(this.engine, launch);
  }

  memory(): MemoryUse {
    return this.engine.use();
  }
}
