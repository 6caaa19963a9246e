import type { Device } from '../../core/device.js';
import { fail } from '../../core/errors.js';
import type { Block, Storage } from '../../core/storage.js';
import type { Buffer, BufferPool } from './pool.js';

/** Where parts of a buffer begin: a multiple of what any element or any binding wants. */
export const ALIGNMENT = 256;

/** A buffer in which several tensors lie, so that a shader sees all of them at once. It is free when the last of them is. */
export class Slab {
  private users = 0;

  constructor(
    readonly buffer: Buffer,
    private readonly pool: BufferPool,
  ) {}

  enter(): void {
    this.users++;
  }

  leave(): void {
    if (--this.users === 0) this.pool.give(this.buffer);
  }
}

/** Memory of a tensor: a buffer of its own, or a part of a slab. */
export class GpuBlock implements Block {
  used = true;
  /** The byte of the buffer where it begins. */
  base = 0;
  slab: Slab | null = null;
  /** Captured steps whose commands name its buffer: while there are any, it stays where it is. */
  pins = 0;

  constructor(
    /** Exchanged for one of its own where JavaScript writes what a captured step reads. */
    public buffer: Buffer,
    readonly pool: BufferPool,
    readonly bytes: number,
    readonly label: string,
    /** How many were there before it. */
    readonly age: number,
  ) {}

  /** Asked by kernels of wasm alone, which find that they have been handed a tensor from elsewhere. */
  get pointer(): never {
    return fail(
      'device',
      `${this.label}: a tensor on webgpu meets one on wasm. Move one of them: x.to('webgpu'), or await download(x) of ` +
        "'fettle/webgpu'.",
    );
  }

  /** Takes a place in a slab, and gives back what it had. One that is free has nothing, and only stands there in a captured step. */
  move(slab: Slab, base: number): void {
    if (this.used) {
      this.release();
      slab.enter();
    }
    this.slab = slab;
    this.buffer = slab.buffer;
    this.base = base;
  }

  /** Gives back its memory. */
  release(): void {
    if (this.slab === null) this.pool.give(this.buffer);
    else this.slab.leave();
  }
}

/** The memory of a tensor that lies on `device`. */
export function blockOf(device: Device, storage: Storage): GpuBlock {
  if (storage.device === device) return storage.block as GpuBlock;
  return fail(
    'device',
    `a tensor on ${storage.device.name} meets one on webgpu. Move it with .to('webgpu'), a model with model.to('webgpu') before ` +
      'its optimizer is made.',
  );
}
