import { fail } from '../../core/errors.js';

/** A value that names a kind: a word, a number, a truth value; null or NaN where it is missing. */
export type Category = string | number | boolean | null;

export function isMissing(value: Category): value is null {
  return value === null || (typeof value === 'number' && Number.isNaN(value));
}

/** What tells categories apart; 1 and '1' are two. */
export function keyOf(value: Category): string {
  return isMissing(value) ? 'missing' : `${typeof value}:${String(value)}`;
}

/**
 * The categories among `values`, each once and in order: numbers by size, words by their letters' codes, false before true;
 * a missing value comes last. Throws where they are of several types, which have no order.
 */
export function categoriesOf(name: string, values: Iterable<Category>): Category[] {
  const found = new Map<string, Category>();
  for (const value of values) {
    if (value !== null && !['string', 'number', 'boolean'].includes(typeof value)) {
      fail('argument', `${name}: a category must be a string, a number, a boolean or null, got ${typeof value}.`);
    }
    found.set(keyOf(value), value);
  }
  const present = [...found.values()].filter((value) => !isMissing(value)) as Exclude<Category, null>[];
  const types = new Set(present.map((value) => typeof value));
  if (types.size > 1) {
    fail('argument', `${name}: categories of one feature must be of one type, got ${[...types].join(' and ')}.`);
  }
  present.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const missing = found.get('missing');
  return missing === undefined ? present : [...present, missing];
}

/** Categories as JSON has them: NaN, which it does not know, becomes null, which means the same here. */
export function savedCategories(categories: readonly Category[]): Category[] {
  return categories.map((value) => (isMissing(value) ? null : value));
}

export function categoriesFrom(name: string, json: unknown): Category[] {
  const isCategory = (value: unknown): value is Category =>
    value === null || ['string', 'number', 'boolean'].includes(typeof value);
  if (!Array.isArray(json) || !json.every(isCategory)) return fail('format', `${name}: expected a list of categories.`);
  if (new Set(json.map(keyOf)).size !== json.length) fail('format', `${name}: a category stands there twice.`);
  return json;
}
