/** One of the things that can be done somewhere: what it costs, and what it loses. */
export interface Choice<Item> {
  readonly item: Item;
  /** ≥ 0. */
  readonly loss: number;
  readonly cost: number;
}

interface Partial<Item> {
  readonly loss: number;
  readonly cost: number;
  readonly chosen: readonly Choice<Item>[];
}

/** More partial choices than this are thinned; until then the result is the best there is. */
const MOST = 4096;

/**
 * One choice for each place so that losses add up to at most `budget` and costs are least: a knapsack of several choices,
 * solved by keeping, place by place, the partial choices that no other beats in both. Each place must have a choice of no loss.
 */
export function allocate<Item>(places: readonly (readonly Choice<Item>[])[], budget: number): readonly Choice<Item>[] {
  let front: Partial<Item>[] = [{ loss: 0, cost: 0, chosen: [] }];
  for (const choices of places) {
    const next = front.flatMap(({ loss, cost, chosen }) =>
      choices
        .filter((choice) => loss + choice.loss <= budget + 1e-12)
        .map((choice) => ({ loss: loss + choice.loss, cost: cost + choice.cost, chosen: [...chosen, choice] })),
    );
    next.sort((a, b) => a.loss - b.loss || a.cost - b.cost);
    let least = Number.POSITIVE_INFINITY;
    const kept = next.filter(({ cost }) => {
      if (cost >= least) return false;
      least = cost;
      return true;
    });
    // Both ends stay: the choice of least loss leaves most to the places that follow.
    const stride = Math.ceil(kept.length / MOST);
    front = kept.filter((_, i) => i % stride === 0 || i === kept.length - 1);
  }
  return front[front.length - 1]?.chosen ?? [];
}
