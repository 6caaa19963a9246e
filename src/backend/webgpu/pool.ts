import type { Executor } from './executor.js';

/** Smallest buffer: what a copy or a binding of less would be rounded up to anyway. */
const SMALLEST = 256;

/** What a pool keeps where nothing else is said. */
const KEPT = 256 << 20;

/** The size of a buffer for so many bytes: four sizes to each power of two, so that at most a fifth is wasted. */
export function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST) return SMALLEST;
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}

/** Numbers are those of no other buffer, of whatever pool. */
let next = 1;

/** A buffer of the device by its number. */
export interface Buffer {
  readonly id: number;
  readonly bytes: number;
}

/**
 * Buffers, one for each storage, used again as soon as they are free: a queue runs its commands in order, so what comes after
 * cannot disturb what was asked for before.
 */
export class BufferPool {
  private readonly free = new Map<number, Buffer[]>();
  private freeBytes = 0;
  private closed = false;
  /** Bytes of all buffers there are. */
  bytes = 0;

  constructor(
    private readonly executor: Executor,
    private readonly most: number,
    /** Unused bytes that are kept at most, besides as much as is in use. */
    private readonly kept = KEPT,
  ) {}

  /** A buffer for so many bytes, or null where none can be that large. */
  take(bytes: number): Buffer | null {
    let size = sizeClass(bytes);
    if (size > this.most) size = Math.ceil(bytes / 4) * 4;
    if (size > this.most) return null;
    const known = this.free.get(size)?.pop();
    if (known !== undefined) {
      this.freeBytes -= size;
      return known;
    }
    const buffer = { id: next++, bytes: size };
    this.executor.create(buffer.id, size);
    this.bytes += size;
    return buffer;
  }

  give(buffer: Buffer): void {
    const same = this.free.get(buffer.bytes);
    if (same === undefined) this.free.set(buffer.bytes, [buffer]);
    else same.push(buffer);
    this.freeBytes += buffer.bytes;
    if (this.closed) this.trim();
    else if (this.freeBytes > this.kept && this.freeBytes > this.bytes / 2) this.trim();
  }

  /** A buffer that serves nothing else, before or after. */
  own(bytes: number): Buffer {
    const buffer = { id: next++, bytes: Math.max(4, Math.ceil(bytes / 4) * 4) };
    this.executor.create(buffer.id, buffer.bytes);
    this.bytes += buffer.bytes;
    return buffer;
  }

  /** From now on buffers go as soon as they are free. */
  close(): void {
    this.closed = true;
    this.trim();
  }

  /** Lets unused buffers go: all, or those of which `which` says so. */
  trim(which: (buffer: Buffer) => boolean = () => true): void {
    for (const [size, buffers] of this.free) {
      const kept = buffers.filter((buffer) => !which(buffer));
      for (const buffer of buffers) {
        if (!which(buffer)) continue;
        this.executor.destroy(buffer.id);
        this.bytes -= buffer.bytes;
        this.freeBytes -= buffer.bytes;
      }
      if (kept.length === 0) this.free.delete(size);
      else this.free.set(size, kept);
    }
  }
}
