/** Memory below this many bytes is not worth keeping. */
const LEAST = 4096;
/** More pieces than the parts of a few batches are never waiting. */
const MOST = 16;

/**
 * Memory of batches that were handed over and came back: a large array costs its pages once, and not at every batch. What is
 * taken holds whatever was in it.
 */
export class SpareMemory {
  private pieces: ArrayBuffer[] = [];

  /** Takes memory back. The oldest is let go where there is too much. */
  give(buffers: readonly ArrayBuffer[]): void {
    this.pieces.push(...buffers.filter((buffer) => buffer.byteLength >= LEAST));
    if (this.pieces.length > MOST) this.pieces.splice(0, this.pieces.length - MOST);
  }

  /** Memory of at least `bytes` bytes, and not of many more. */
  take(bytes: number): ArrayBuffer {
    if (bytes < LEAST) return new ArrayBuffer(bytes);
    let best = -1;
    this.pieces.forEach(({ byteLength }, i) => {
      const fits = byteLength >= bytes && byteLength <= 2 * bytes;
      if (fits && (best < 0 || byteLength < (this.pieces[best] as ArrayBuffer).byteLength)) best = i;
    });
    if (best >= 0) return this.pieces.splice(best, 1)[0] as ArrayBuffer;
    return new ArrayBuffer(bytes);
  }
}
