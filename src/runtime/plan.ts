/** One use of memory: how much, and from which step to which, both included. */
export interface Lifetime<K> {
  readonly key: K;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** Where each lies in an arena of `bytes` bytes. */
export interface Plan<K> {
  readonly places: ReadonlyMap<K, number>;
  readonly bytes: number;
}

/**
 * Places in one arena such that no two lifetimes that overlap in time overlap in memory. Greedy by size: the largest first, each
 * into the smallest gap that holds it (Y. Pisarchyk, J. Lee, Efficient memory management for deep neural net inference, 2020).
 */
export function plan<K>(lifetimes: readonly Lifetime<K>[]): Plan<K> {
  const places = new Map<K, number>();
  const placed: { readonly at: number; readonly end: number; readonly first: number; readonly last: number }[] = [];
  let total = 0;
  // Sorting is stable, so equal sizes keep the order of the program and the plan is the same every time.
  for (const { key, bytes, first, last } of [...lifetimes].sort((a, b) => b.bytes - a.bytes)) {
    let best = -1;
    let bestGap = Number.POSITIVE_INFINITY;
    let free = 0;
    for (const other of placed) {
      if (other.last < first || other.first > last) continue;
      const gap = other.at - free;
      if (gap >= bytes && gap < bestGap) {
        best = free;
        bestGap = gap;
      }
      free = Math.max(free, other.end);
    }
    const at = best < 0 ? free : best;
    places.set(key, at);
    // Kept in the order of their places, so that gaps are met from left to right.
    const next = placed.findIndex((other) => other.at > at);
    placed.splice(next < 0 ? placed.length : next, 0, { at, end: at + bytes, first, last });
    total = Math.max(total, at + bytes);
  }
  return { places, bytes: total };
}
