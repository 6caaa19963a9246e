/** Ticks of the axes. */

/** The values of a logarithmic axis that may carry a tick, from many to few; the first that fits is taken. */
const STEPS: readonly (readonly number[])[] = [[1, 2, 5], [1, 3], [1]];

/**
 * Ticks of a logarithmic axis from `low` to `high` (both positive), at least `gap` pixels apart under `position`.
 * A domain without a power of ten inside falls back to its rounded ends.
 */
export function logTicks(low: number, high: number, position: (value: number) => number, gap: number): number[] {
  for (const mantissas of STEPS) {
    const ticks: number[] = [];
    for (let decade = Math.floor(Math.log10(low)); decade <= Math.ceil(Math.log10(high)); decade++) {
      for (const mantissa of mantissas) {
        const value = Number(`${mantissa}e${decade}`);
        if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) ticks.push(value);
      }
    }
    if (ticks.length >= 2 && apart(ticks, position, gap)) return ticks;
  }
  return thinned(
    [low, high].map((value) => Number(value.toPrecision(1))),
    position,
    gap,
  );
}

function apart(ticks: readonly number[], position: (value: number) => number, gap: number): boolean {
  return ticks.every((tick, index) => {
    const before = ticks[index - 1];
    return before === undefined || Math.abs(position(tick) - position(before)) >= gap;
  });
}

/** Keeps of `ticks`, which stand in the order of importance, those that are `gap` pixels from every one kept before. */
export function thinned(ticks: readonly number[], position: (value: number) => number, gap: number): number[] {
  const kept: number[] = [];
  for (const tick of ticks) {
    if (kept.every((other) => Math.abs(position(tick) - position(other)) >= gap)) kept.push(tick);
  }
  return kept;
}
