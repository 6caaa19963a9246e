import type { Device, Launch, MemoryUse, Observer } from '../core/device.js';
import { Storage } from '../core/storage.js';
import { type Block, Engine } from '../runtime/engine.js';
import { run } from '../runtime/launch.js';
import { SafetyNet } from './forgotten.js';

/** The CPU, through WebAssembly SIMD. It answers at once, so every read may be synchronous. */
export class WasmDevice implements Device {
  readonly name = 'wasm';
  readonly answersAtOnce = true;
  readonly engine: Engine;
  private observer: Observer | null = null;
  private readonly net = new SafetyNet<Block>((block) => this.engine.free(block));

  constructor(options?: { shared?: boolean; strict?: boolean }) {
    this.engine = new Engine(options);
  }

  allocate(bytes: number, label: string): Storage {
    const block = this.engine.allocate(bytes, label);
    const storage = new Storage(this, block);
    this.net.add(storage);
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

  readSync(
    storage: Storage,
    offset: number,
    bytes: number,
    into: Uint8Array<ArrayBuffer> = new Uint8Array(bytes),
  ): Uint8Array<ArrayBuffer> {
    this.observer?.read();
    const from = storage.pointer + offset;
    // Copied into memory of its own: the heap may be shared, and it moves when it grows.
    into.set(this.engine.u8.subarray(from, from + bytes));
    return into;
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

  /** Lets `observer` see all that happens until the next call; null ends it. */
  observe(observer: Observer | null): void {
    this.observer = observer;
  }

  memory(): MemoryUse {
    return this.engine.use();
  }

  report(limit?: number): string[] {
    return this.engine.report(limit);
  }
}
