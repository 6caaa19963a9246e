import { fail } from '../core/errors.js';
import { defaultGenerator, Generator } from '../core/random.js';
import type { Collated } from './collate.js';
import { type Dataset, Subset } from './dataset.js';
import { groupByLabel, type Labels } from './labels.js';
import { holdOut, watchOrder, watchSplit } from './parts.js';

/** A seed, a stream of random numbers, or nothing for the default stream. */
export type Randomness = number | Generator;

export function generatorOf(randomness: Randomness | undefined): Generator {
  if (randomness === undefined) return defaultGenerator;
  return typeof randomness === 'number' ? new Generator(randomness) : randomness;
}

/** Throws unless `fractions` are shares of a whole; returns what they leave of it, free of rounding. */
function restOf(name: string, fractions: readonly number[]): number {
  const sum = fractions.reduce((a, b) => a + b, 0);
  if (fractions.length === 0 || fractions.some((f) => !(f >= 0)) || sum > 1 + 1e-9) {
    fail(
      'argument',
      `${name}: fractions must be ≥ 0 and add up to at most 1, got ${fractions.join(', ')} (sum ${sum}).`,
    );
  }
  return sum > 1 - 1e-9 ? 0 : 1 - sum;
}

/** By custom the first part, where it is more than half of two or three, is trained on, and the others are held out. */
function holdOutRest(name: string, parts: readonly object[], sizes: readonly number[]): void {
  const rest = sizes.slice(1).reduce((a, b) => a + b, 0);
  if (parts.length < 2 || parts.length > 3 || !((sizes[0] as number) > rest)) return;
  parts.forEach((part, i) => {
    if (i > 0) holdOut(part, `part ${i} of ${name}, which is smaller than part 0 and so held out`);
  });
}

/** Sizes of the parts: as given, or fractions of `total` rounded down, the rest dealt out one by one from the first on. */
function sizesOf(lengths: readonly number[], total: number): number[] {
  const sum = lengths.reduce((a, b) => a + b, 0);
  if (lengths.every((n) => Number.isInteger(n) && n >= 0) && sum === total) return [...lengths];
  if (lengths.some((n) => !(n >= 0 && n <= 1)) || Math.abs(sum - 1) > 1e-9) {
    fail(
      'argument',
      `randomSplit: expected sizes that add up to ${total} or fractions that add up to 1, got ${lengths.join(', ')}.`,
    );
  }
  // The product may fall short of a whole number by one rounding error.
  const sizes = lengths.map((fraction) => Math.floor(fraction * total + 1e-9));
  let rest = total - sizes.reduce((a, b) => a + b, 0);
  for (let i = 0; rest > 0; i = (i + 1) % sizes.length) {
    sizes[i] = (sizes[i] as number) + 1;
    rest--;
  }
  return sizes;
}

/** Cuts a dataset at random into parts of the given sizes, or of the given fractions of it, which add up to 1. */
export function randomSplit<T, B = Collated<T>, const L extends readonly number[] = readonly number[]>(
  dataset: Dataset<T, B>,
  lengths: L,
  randomness?: Randomness,
): { -readonly [K in keyof L]: Subset<T, B> } {
  const sizes = sizesOf(lengths, dataset.length);
  watchSplit('randomSplit', dataset);
  watchOrder('randomSplit', dataset);
  const order = generatorOf(randomness).permutation(dataset.length);
  let at = 0;
  const parts = sizes.map((size) => {
    at += size;
    return new Subset(dataset, order.subarray(at - size, at));
  });
  holdOutRest('randomSplit', parts, sizes);
  return parts as { -readonly [K in keyof L]: Subset<T, B> };
}

/**
 * Cuts samples at random into parts that hold every class in the same share. Returns the samples' numbers, in ascending
 * order, for each of `fractions`; what these leave of the whole belongs to no part. Both the parts and the classes within
 * them have the wanted sizes to within one sample.
 *
 * @example
 * const [train, test] = data.stratifiedSplit(['a', 'a', 'b', 'b', 'b', 'b'], [0.5, 0.5], 0);
 * train.length; // → 3
 */
export function stratifiedSplit<const F extends readonly number[]>(
  labels: Labels,
  fractions: F,
  randomness?: Randomness,
): { -readonly [K in keyof F]: Int32Array } {
  const rest = restOf('stratifiedSplit', fractions);
  const shares = rest > 0 ? [...fractions, rest] : [...fractions];
  const parts: number[][] = shares.map(() => []);
  const generator = generatorOf(randomness);
  let dealt = 0;
  for (const members of groupByLabel('stratifiedSplit', labels)) {
    for (const k of generator.permutation(members.length)) {
      dealt++;
      // To the part that lags furthest behind its share of all dealt so far. Classes are dealt one after another, so what
      // a part has when one begins and when it ends are both right, and so is the difference.
      let neediest = 0;
      let most = Number.NEGATIVE_INFINITY;
      shares.forEach((share, p) => {
        const lag = share * dealt - (parts[p] as number[]).length;
        if (share > 0 && lag > most + 1e-9) {
          most = lag;
          neediest = p;
        }
      });
      (parts[neediest] as number[]).push(members[k] as number);
    }
  }
  const result: readonly Int32Array[] = parts.slice(0, fractions.length).map((part) => Int32Array.from(part).sort());
  holdOutRest('stratifiedSplit', result, fractions);
  return result as { -readonly [K in keyof F]: Int32Array };
}
