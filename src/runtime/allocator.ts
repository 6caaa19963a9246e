/**
 * Two-level segregated fit (Masmano et al., "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004) over
 * a growing range of addresses. Every block carries a header of one granule in the memory itself:
 *
 *   header                                   payload
 *   ┌──────────┬──────────────┬──────┬──────┬───────────────────────────
 *   │ size | f │ left's size  │ next │ prev │ …
 *   └──────────┴──────────────┴──────┴──────┴───────────────────────────
 *
 * `size` counts the header too, f is 1 while the block is free, and next / prev link free blocks of one size class.
 * Neighbours are found by size and join when both are free, so memory that was cut up becomes whole again.
 */

const GRANULE = 16;
/** Each power of two is cut into 16 classes, so at most a sixteenth of a block is lost to its class. */
const SPLIT_BITS = 4;
const SPLITS = 1 << SPLIT_BITS;
const SMALLEST = 2 * GRANULE;
const LEVELS = 32;

export interface Heap {
  /** The memory as 32-bit words; asked for again after each growth and move. */
  words(): Int32Array;
  /** Makes at least `bytes` more available at the end and returns how many came, or 0. */
  grow(bytes: number): number;
}

export class Allocator {
  private readonly heads = new Uint32Array(LEVELS * SPLITS);
  private readonly splitMap = new Uint32Array(LEVELS);
  private levelMap = 0;
  private words: Int32Array;
  /** Size of the last block, which tells where a grown block's left neighbour begins. */
  private lastSize = 0;

  constructor(
    private readonly heap: Heap,
    /** First address that may be handed out; a multiple of 16. */
    start: number,
    private end: number,
  ) {
    this.words = heap.words();
    this.addFree(start, end - start, 0);
  }

  /** An address with room for `bytes`, a multiple of 16, or 0 when memory has run out. */
  allocate(bytes: number): number {
    const size = classSize(Math.max(Math.ceil(bytes / GRANULE) * GRANULE + GRANULE, SMALLEST));
    if (size > 0xffff0000) return 0;
    let block = this.take(size);
    if (block === 0) {
      if (!this.extend(size)) return 0;
      block = this.take(size);
    }
    return block === 0 ? 0 : block + GRANULE;
  }

  free(address: number): void {
    let block = address - GRANULE;
    let size = this.sizeAt(block);
    const right = block + size;
    if (right < this.end && this.isFree(right)) {
      this.unlink(right);
      size += this.sizeAt(right);
    }
    const leftSize = this.leftSizeAt(block);
    if (leftSize > 0 && this.isFree(block - leftSize)) {
      block -= leftSize;
      this.unlink(block);
      size += leftSize;
    }
    this.addFree(block, size, this.leftSizeAt(block));
  }

  /** The memory has moved, with all that it holds: headers are kept where it is now. */
  moved(): void {
    this.words = this.heap.words();
  }

  /** Takes a free block of at least `size` bytes and gives back what is left of it. */
  private take(size: number): number {
    const block = this.find(size);
    if (block === 0) return 0;
    this.unlink(block);
    const whole = this.sizeAt(block);
    const left = this.leftSizeAt(block);
    if (whole - size >= SMALLEST) {
      this.setHeader(block, size, left, false);
      this.addFree(block + size, whole - size, size);
    } else {
      this.setHeader(block, whole, left, false);
    }
    return block;
  }

  /** A free block of the class of `size` or a larger one. Sizes are rounded to their class, so the first block fits. */
  private find(size: number): number {
    const [level, split] = classOf(size);
    const splits = (this.splitMap[level] as number) & (-1 << split);
    if (splits !== 0) return this.heads[level * SPLITS + lowestBit(splits)] as number;
    const levels = level >= 31 ? 0 : this.levelMap & (-1 << (level + 1));
    if (levels === 0) return 0;
    const next = lowestBit(levels);
    return this.heads[next * SPLITS + lowestBit(this.splitMap[next] as number)] as number;
  }

  private extend(size: number): boolean {
    // A quarter more than was asked for, so that growing costs little over time.
    const wanted = size + Math.max(size >>> 2, 1 << 20);
    let grown = this.heap.grow(wanted);
    if (grown === 0) grown = this.heap.grow(size * 2);
    if (grown === 0) grown = this.heap.grow(size + (size >>> SPLIT_BITS) + GRANULE);
    if (grown === 0) return false;
    this.words = this.heap.words();
    const start = this.end;
    this.end += grown;
    this.setHeader(start, grown, this.lastSize, false);
    this.lastSize = grown;
    this.free(start + GRANULE);
    return true;
  }

  private addFree(block: number, size: number, left: number): void {
    this.setHeader(block, size, left, true);
    const [level, split] = classOf(size);
    const at = level * SPLITS + split;
    const head = this.heads[at] as number;
    this.words[(block >>> 2) + 2] = head;
    this.words[(block >>> 2) + 3] = 0;
    if (head !== 0) this.words[(head >>> 2) + 3] = block;
    this.heads[at] = block;
    this.splitMap[level] = (this.splitMap[level] as number) | (1 << split);
    this.levelMap |= 1 << level;
  }

  private unlink(block: number): void {
    const next = (this.words[(block >>> 2) + 2] as number) >>> 0;
    const prev = (this.words[(block >>> 2) + 3] as number) >>> 0;
    if (next !== 0) this.words[(next >>> 2) + 3] = prev;
    if (prev !== 0) {
      this.words[(prev >>> 2) + 2] = next;
      return;
    }
    const [level, split] = classOf(this.sizeAt(block));
    this.heads[level * SPLITS + split] = next;
    if (next !== 0) return;
    this.splitMap[level] = (this.splitMap[level] as number) & ~(1 << split);
    if (this.splitMap[level] === 0) this.levelMap &= ~(1 << level);
  }

  private setHeader(block: number, size: number, left: number, free: boolean): void {
    this.words[block >>> 2] = size | (free ? 1 : 0);
    this.words[(block >>> 2) + 1] = left;
    if (block + size < this.end) this.words[((block + size) >>> 2) + 1] = size;
    else this.lastSize = size;
  }

  private sizeAt(block: number): number {
    return ((this.words[block >>> 2] as number) & ~1) >>> 0;
  }

  private leftSizeAt(block: number): number {
    return (this.words[(block >>> 2) + 1] as number) >>> 0;
  }

  private isFree(block: number): boolean {
    return ((this.words[block >>> 2] as number) & 1) === 1;
  }
}

/** `size` rounded up to the beginning of a size class. */
function classSize(size: number): number {
  const step = Math.max(2 ** (31 - Math.clz32(size) - SPLIT_BITS), GRANULE);
  return Math.ceil(size / step) * step;
}

/** The size class of a block: its power of two, and the sixteenth of it. */
function classOf(size: number): [level: number, split: number] {
  const level = 31 - Math.clz32(size);
  return [level, (size >>> (level - SPLIT_BITS)) & (SPLITS - 1)];
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
