import type { Tensor } from '../core/tensor.js';

/** Which leaves get gradients while something runs. */
let watched: Set<Tensor> | null = null;

/** Called by backward() for every leaf that it hands a gradient. */
export function noteDelivered(leaf: Tensor): void {
  watched?.add(leaf);
}

/** Runs `body`, and tells which leaves it gave gradients to. */
export function watchGrads<R>(body: () => R): { readonly result: R; readonly leaves: readonly Tensor[] } {
  const outer = watched;
  const mine = new Set<Tensor>();
  watched = mine;
  try {
    return { result: body(), leaves: [...mine] };
  } finally {
    watched = outer;
    for (const leaf of mine) outer?.add(leaf);
  }
}
