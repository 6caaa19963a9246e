import type { Value } from './trace.js';

/**
 * Slices of tensors that can only go together. A slice is a place along a dimension of a value; slices that are joined make a
 * class, and a class that is held, for some reason, stays whole.
 */
export class Classes {
  private readonly first = new Map<Value, readonly number[]>();
  private readonly parents: Int32Array;
  private readonly reasons = new Map<number, string>();
  private readonly reduced = new Set<number>();

  constructor(values: Iterable<Value>) {
    let count = 0;
    for (const value of values) {
      if (this.first.has(value)) continue;
      this.first.set(
        value,
        (value.shape ?? []).map((size) => {
          count += size;
          return count - size;
        }),
      );
    }
    this.parents = Int32Array.from({ length: count }, (_, i) => i);
  }

  /** How many slices there are; they are numbered. */
  get count(): number {
    return this.parents.length;
  }

  /** The number of the slice at `place` along `dim`. */
  slice(value: Value, dim: number, place: number): number {
    return (this.first.get(value)?.[dim] as number) + place;
  }

  /** The class of a slice: one of its slices, the same for all. */
  of(slice: number): number {
    const { parents } = this;
    let at = slice;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at] as number] as number;
      at = parents[at] as number;
    }
    return at;
  }

  join(a: number, b: number): void {
    const [p, q] = [this.of(a), this.of(b)];
    if (p === q) return;
    this.parents[q] = p;
    const reason = this.reasons.get(p) ?? this.reasons.get(q);
    if (reason !== undefined) this.reasons.set(p, reason);
    if (this.reduced.has(q)) this.reduced.add(p);
  }

  /** Why the class of a slice stays, or null where it may go. */
  heldBy(slice: number): string | null {
    return this.reasons.get(this.of(slice)) ?? null;
  }

  hold(slice: number, reason: string): void {
    const root = this.of(slice);
    if (!this.reasons.has(root)) this.reasons.set(root, reason);
  }

  /** Marks a class whose slices are added up somewhere without a weight that reads them. */
  markReduced(slice: number): void {
    this.reduced.add(this.of(slice));
  }

  isReduced(slice: number): boolean {
    return this.reduced.has(this.of(slice));
  }

  holdAll(value: Value, reason: string, dims = value.shape?.map((_, d) => d) ?? []): void {
    for (const dim of dims) {
      for (let i = 0; i < (value.shape?.[dim] ?? 0); i++) this.hold(this.slice(value, dim, i), reason);
    }
  }

  /** Whether some slice along `dim` may go. */
  isFree(value: Value, dim: number): boolean {
    for (let i = 0; i < (value.shape?.[dim] ?? 0); i++) {
      if (this.heldBy(this.slice(value, dim, i)) === null) return true;
    }
    return false;
  }
}
