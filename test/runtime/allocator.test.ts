import { expect, test } from 'vitest';
import { Generator } from '../../src/core/random.js';
import { Allocator, type Heap } from '../../src/runtime/allocator.js';

/** A heap in plain memory that grows up to a limit. */
function heapOf(limit: number, start = 1 << 16): { heap: Heap; allocator: Allocator } {
  const words = new Int32Array(limit / 4);
  let end = start;
  const heap: Heap = {
    words: () => words,
    grow: (bytes) => {
      const wanted = Math.ceil(bytes / 65536) * 65536;
      if (end + wanted > limit) return 0;
      end += wanted;
      return wanted;
    },
  };
  return { heap, allocator: new Allocator(heap, 4096, start) };
}

test('blocks never overlap, are aligned, and all memory comes back', () => {
  const { allocator } = heapOf(1 << 25);
  const random = new Generator(7);
  const live = new Map<number, number>();
  for (let step = 0; step < 20000; step++) {
    if (live.size > 0 && random.uniform() < 0.48) {
      const addresses = [...live.keys()];
      const address = addresses[random.below(addresses.length)] as number;
      allocator.free(address);
      live.delete(address);
      continue;
    }
    const size = Math.floor(2 ** (random.uniform() * 14));
    const address = allocator.allocate(size);
    if (address === 0) continue;
    expect(address % 16).toBe(0);
    live.set(address, size);
    if (step % 500 === 0) {
      const blocks = [...live].sort(([a], [b]) => a - b);
      blocks.slice(1).forEach(([next], i) => {
        const [at, bytes] = blocks[i] as [number, number];
        expect(next).toBeGreaterThanOrEqual(at + bytes);
      });
    }
  }
  for (const address of live.keys()) allocator.free(address);
  // Everything joined again: one block as large as nearly the whole heap can be had.
  expect(allocator.allocate((1 << 20) - 4096)).toBeGreaterThan(0);
});

test('a block that was freed is used again for the same size', () => {
  const { allocator } = heapOf(1 << 20);
  for (const size of [1, 16, 100, 1000, 4096, 5000, 12345]) {
    const first = allocator.allocate(size);
    const fence = allocator.allocate(16);
    allocator.free(first);
    expect(allocator.allocate(size)).toBe(first);
    allocator.free(first);
    allocator.free(fence);
  }
});

test('running out gives 0 and breaks nothing', () => {
  const { allocator } = heapOf(1 << 18);
  const a = allocator.allocate(1000);
  expect(allocator.allocate(1 << 19)).toBe(0);
  expect(allocator.allocate(2 ** 32)).toBe(0);
  allocator.free(a);
  expect(allocator.allocate(1000)).toBe(a);
});
