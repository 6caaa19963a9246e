/** Choosing among things that cost something and are worth something. */

/** The items that no other item beats: none costs less and is worth as much. In the order of rising cost. */
export function paretoFront<Item>(
  items: readonly Item[],
  cost: (item: Item) => number,
  worth: (item: Item) => number,
): Item[] {
  const sorted = [...items].sort((a, b) => cost(a) - cost(b) || worth(b) - worth(a));
  let best = Number.NEGATIVE_INFINITY;
  return sorted.filter((item) => {
    if (!(worth(item) > best)) return false;
    best = worth(item);
    return true;
  });
}

/** The item of least cost among those worth at least `least`; null if there is none. */
export function cheapestWithin<Item>(
  items: readonly Item[],
  { cost, worth, least }: { cost: (item: Item) => number; worth: (item: Item) => number; least: number },
): Item | null {
  // Sums of decimal fractions are off by a rounding: what is as good as demanded on paper passes.
  const good = items.filter((item) => worth(item) >= least - 1e-9);
  return good.reduce<Item | null>((best, item) => (best === null || cost(item) < cost(best) ? item : best), null);
}
