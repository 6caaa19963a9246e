import type { Tensor } from '../../core/tensor.js';
import { ALIGNMENT, type GpuBlock, type Slab } from './block.js';
import type { Copy } from './executor.js';
import type { Member } from './shaders/update.js';

/**
 * Parameters and what an optimizer remembers of them, each kind gathered in a buffer: then one dispatch updates them all. A shader
 * sees few buffers at once, and a dispatch for each parameter costs more than the update of a small one.
 */

/** Larger tensors stay where they are: their updates take so long that a dispatch of their own does not count. */
const LARGEST = 16 << 20;

/** The blocks of the tensors that stand at one place of launches, each once. */
export function together(tensors: readonly (Tensor | null | undefined)[]): GpuBlock[] {
  return [...new Set(tensors.flatMap((x) => (x == null ? [] : [x.storage.block as GpuBlock])))];
}

/** The kinds of what members write, from the first to the last. */
export function kindsOf(members: readonly Member[]): GpuBlock[][] {
  const kinds = Math.max(...members.map(({ writes }) => writes.length));
  return Array.from({ length: kinds }, (_, k) => together(members.map(({ writes }) => writes[k])));
}

/**
 * Moves the blocks of a kind that may be moved to slabs of `most` bytes at most, where there are several. `make` gives a slab of so
 * many bytes, null where there is no memory for it. Gives the copies of what lies in blocks that are in use.
 */
export function gather(
  blocks: readonly GpuBlock[],
  isMovable: (block: GpuBlock) => boolean,
  most: number,
  make: (bytes: number) => Slab | null,
): Copy[] {
  const movable = blocks.filter((block) => block.slab === null && block.bytes <= LARGEST && isMovable(block));
  const copies: Copy[] = [];
  const slots = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
  for (let begin = 0; begin < movable.length; ) {
    let end = begin;
    let bytes = 0;
    for (; end < movable.length; end++) {
      const next = slots((movable[end] as GpuBlock).bytes);
      if (end > begin && bytes + next > most) break;
      bytes += next;
    }
    const slab = end - begin > 1 ? make(bytes) : null;
    if (slab !== null) {
      let base = 0;
      for (const block of movable.slice(begin, end)) {
        if (block.used) {
          copies.push({
            target: slab.buffer.id,
            targetOffset: base,
            source: block.buffer.id,
            sourceOffset: 0,
            bytes: Math.ceil(block.bytes / 4) * 4,
          });
        }
        block.move(slab, base);
        base += slots(block.bytes);
      }
    }
    begin = end;
  }
  return copies;
}
