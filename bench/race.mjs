/** A fair comparison of a few functions. */

/**
 * Times each of `runs` in turn, `rounds` times, for about `budget` milliseconds a round, so that a machine that drifts slows
 * them alike. Returns the median of each in milliseconds.
 *
 * @param {readonly (() => void)[]} runs
 */
export function race(runs, { rounds = 15, budget = 12 } = {}) {
  const counts = runs.map((run) => {
    run();
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < budget) {
      run();
      count++;
    }
    return Math.max(1, count);
  });
  const times = runs.map(() => /** @type {number[]} */ ([]));
  for (let round = 0; round < rounds; round++) {
    runs.forEach((run, i) => {
      const start = performance.now();
      const count = Number(counts[i]);
      for (let n = count; n > 0; n--) run();
      times[i]?.push((performance.now() - start) / count);
    });
  }
  return times.map((list) => Number(list.sort((a, b) => a - b)[list.length >> 1]));
}
