import type { Device } from './device.js';
import { fail } from './errors.js';

/** A stretch of a device's memory, in the device's own terms. */
export interface Block {
  /** Where it begins: a byte address in wasm. */
  readonly pointer: number;
  readonly bytes: number;
}

/** Memory of a device that one or more tensors look at. Views share it; it is given back when the last of them lets go. */
export class Storage {
  /** How many tensors (and saved values of a graph) hold it. */
  private holders = 1;
  /** Counts writes after creation, so that a backward pass can tell that a value it saved has been overwritten. */
  version = 0;
  /** The op that wrote last, for the message about it. */
  writer = '';
  readonly bytes: number;

  constructor(
    readonly device: Device,
    readonly block: Block,
  ) {
    this.bytes = block.bytes;
  }

  get pointer(): number {
    return this.block.pointer;
  }

  get shared(): boolean {
    return this.holders > 1;
  }

  get freed(): boolean {
    return this.holders === 0;
  }

  retain(): this {
    if (this.holders === 0) fail('disposed', 'this tensor has been disposed; keep() it, or return it from its scope.');
    this.holders++;
    return this;
  }

  release(): void {
    if (this.holders > 0 && --this.holders === 0) this.device.free(this.block);
  }

  /** Notes an in-place write by `op`. */
  touch(op: string): void {
    this.version++;
    this.writer = op;
  }
}
