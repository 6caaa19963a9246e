import type { Device, Launch, MemoryUse, Recording } from '../core/device.js';
import { fail } from '../core/errors.js';
import { Storage } from '../core/storage.js';
import { type Block, Engine } from '../runtime/engine.js';
import { run } from '../runtime/launch.js';
import { Recorder } from '../runtime/recorder.js';

/** The CPU, through WebAssembly SIMD. It answers at once, so every read may be synchronous. */
export class WasmDevice implements Device {
  readonly name = 'wasm';
  readonly engine: Engine;
  /** Sees all that happens while a step is recorded. */
  private recorder: Recorder | null = null;
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
    this.recorder?.allocated(storage);
    return storage;
  }

  write(storage: Storage, offset: number, data: Uint8Array): void {
    this.recorder?.written(storage, offset, data);
    this.engine.u8.set(data, storage.pointer + offset);
  }

  readSync(storage: Storage, offset: number, bytes: number): Uint8Array<ArrayBuffer> {
    this.recorder?.read();
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
    this.recorder?.launched(launch);
    run(this.engine, launch);
    if (launch.refusal === undefined || !this.engine.takeRefusal()) return;
    // The recording ends here, and the message may show the value.
    this.recorder = null;
    launch.refusal();
  }

  copy(target: Storage, targetOffset: number, source: Storage, sourceOffset: number, bytes: number): void {
    const from = source.pointer + sourceOffset;
    this.engine.u8.copyWithin(target.pointer + targetOffset, from, from + bytes);
  }

  record(body: () => void): Recording {
    if (this.recorder !== null) fail('unsupported', 'capture: a step cannot be recorded within another.');
    const recorder = new Recorder(this.engine);
    this.recorder = recorder;
    try {
      body();
    } finally {
      this.recorder = null;
    }
    return recorder.finish();
  }

  memory(): MemoryUse {
    return this.engine.use();
  }
}
