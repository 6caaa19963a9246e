import type { Classes } from './classes.js';
import { indicesAlong, type Transfer } from './probe.js';
import type { Value } from './trace.js';

/** Which dimensions of two tensors are the same ones in other places, as the elements tell that went from one to the other. */
export class Movement {
  readonly x: Value;
  readonly y: Value;
  private readonly from: readonly Int32Array[];
  private readonly to: readonly Int32Array[];
  /** Whether every element stayed where it was, or has none to go to. */
  private readonly isIdentity: boolean;

  constructor({ x, y, moves }: Transfer) {
    [this.x, this.y] = [x, y];
    const [a, b] = [x.shape ?? [], y.shape ?? []];
    this.isIdentity = moves === null;
    this.from = moves === null ? [] : a.map((_, d) => indicesAlong(moves.from, a, d));
    this.to = moves === null ? [] : b.map((_, d) => indicesAlong(moves.to, b, d));
  }

  /**
   * Whether whole blocks were moved. Elements that were picked here and there, as by a maximum, would go from other places for
   * other values.
   */
  get isWhole(): boolean {
    return this.isIdentity || (isBlock(this.from) && isBlock(this.to));
  }

  /**
   * Pairs of dimensions such that slices along one become slices along the other. Of a dimension that is split into several, the
   * first takes over its units, as with heads; where several become one, the first that has units to give does.
   */
  pairsOfDims(classes: Classes): [from: number, to: number][] {
    const { x, y } = this;
    const dims = (x.shape ?? []).map((_, d) => d);
    if (this.isIdentity) return dims.map((d) => [d, d]);
    const taken = new Set<number>();
    const found: [number, number][] = [];
    const free = dims.filter((d) => classes.isFree(x, d));
    for (const d of [...free, ...dims.filter((d) => !free.includes(d))]) {
      const target = (y.shape ?? []).map((_, k) => k).find((k) => !taken.has(k) && this.isRelated(classes, d, k));
      if (target === undefined) continue;
      taken.add(target);
      found.push([d, target]);
    }
    return found;
  }

  /** Places along two dimensions between which elements went, each once. */
  places(from: number, to: number): [i: number, j: number][] {
    if (this.isIdentity) return Array.from({ length: this.x.shape?.[from] as number }, (_, i) => [i, i]);
    const [a, b] = [this.from[from] as Int32Array, this.to[to] as Int32Array];
    const width = this.y.shape?.[to] as number;
    const seen = new Set<number>();
    a.forEach((i, e) => void seen.add(i * width + (b[e] as number)));
    return Array.from(seen, (key) => [Math.floor(key / width), key % width]);
  }

  /** Whether classes along one dimension stay apart along the other. */
  private isRelated(classes: Classes, from: number, to: number): boolean {
    if ((this.x.shape?.[from] as number) < 2 || (this.y.shape?.[to] as number) < 2) return false;
    const pairs = this.places(from, to);
    const parents = new Map<number, number>();
    const find = (node: number): number => {
      let at = node;
      for (let up = parents.get(at) as number; up !== at; up = parents.get(at) as number) {
        parents.set(at, parents.get(up) as number);
        at = up;
      }
      return at;
    };
    let parts = 0;
    const add = (node: number): void => {
      if (parents.has(node)) return;
      parents.set(node, node);
      parts++;
    };
    for (const [i, j] of pairs) {
      // Places of the result stand beside classes under negative numbers.
      const [a, b] = [classes.of(classes.slice(this.x, from, i)), -1 - j];
      add(a);
      add(b);
      const [p, q] = [find(a), find(b)];
      if (p === q) continue;
      parents.set(q, p);
      parts--;
    }
    return parts > 1;
  }
}

/** Whether elements fill a block: the product of the places they have along each dimension. */
function isBlock(indices: readonly Int32Array[]): boolean {
  const count = indices[0]?.length ?? 1;
  return indices.reduce((n, along) => n * new Set(along).size, 1) === count;
}
