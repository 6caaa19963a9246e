import type { Chip, Command, Copy, Dispatch, Executor } from '../../src/backend/webgpu/executor.js';

/** An executor without a GPU: memory is there, and dispatches are counted. For what the planner decides by itself. */
export class FakeExecutor implements Executor {
  readonly chip: Chip;
  readonly dispatches: Dispatch[] = [];
  /** The commands of the last captured step. */
  prepared: readonly Command[] = [];
  readonly buffers = new Map<number, Uint8Array<ArrayBuffer>>();
  /** What the next dispatch does. */
  onDispatch: ((dispatch: Dispatch) => void) | null = null;
  readonly lost: Promise<string>;
  lose: (reason: string) => void = () => {};

  constructor(chip: Partial<Chip> = {}) {
    this.chip = {
      name: 'fake',
      bufferBytes: 1 << 20,
      bindingBytes: 1 << 20,
      buffers: 8,
      sharedBytes: 16384,
      invocations: 256,
      groups: 65535,
      f16: false,
      subgroups: 0,
      packedDot: false,
      ...chip,
    };
    this.lost = new Promise((resolve) => {
      this.lose = resolve;
    });
  }

  create(buffer: number, bytes: number): void {
    this.buffers.set(buffer, new Uint8Array(bytes));
  }

  destroy(buffer: number): void {
    this.buffers.delete(buffer);
  }

  write(buffer: number, offset: number, data: Uint8Array): void {
    this.memory(buffer).set(data, offset);
  }

  copy({ target, targetOffset, source, sourceOffset, bytes }: Copy): void {
    this.memory(target).set(this.memory(source).slice(sourceOffset, sourceOffset + bytes), targetOffset);
  }

  dispatch(dispatch: Dispatch): void {
    this.dispatches.push(dispatch);
    this.onDispatch?.(dispatch);
  }

  prepare(commands: readonly Command[]): number {
    this.prepared = commands;
    return 0;
  }

  replay(): void {}

  forget(): void {}

  flush(): void {}

  async read(buffer: number, offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.memory(buffer).slice(offset, offset + bytes);
  }

  close(): void {
    this.lose('it was closed');
  }

  private memory(buffer: number): Uint8Array<ArrayBuffer> {
    const memory = this.buffers.get(buffer);
    if (memory === undefined) throw new Error(`there is no buffer ${buffer}`);
    return memory;
  }
}
