import { fail } from '../../core/errors.js';

/** How preprocessors are written as JSON and read again. */

/** Statistics as JSON has them: it knows no NaN, which a feature without a single value has. */
export function toNumbers(values: ArrayLike<number>): (number | null)[] {
  return Array.from(values, (value) => (Number.isNaN(value) ? null : value));
}

export function fromNumbers(name: string, what: string, value: unknown): Float64Array {
  if (!Array.isArray(value) || !value.every((v) => v === null || typeof v === 'number')) {
    return fail('format', `${name}: ${what} must be an array of numbers.`);
  }
  return Float64Array.from(value, (v: number | null) => v ?? Number.NaN);
}

/** A saved list of statistics for each feature, of which there must be `features`. */
export function vectorFrom(name: string, what: string, value: unknown, features?: number): Float64Array {
  const values = fromNumbers(name, what, value);
  const wanted = features ?? Math.max(1, values.length);
  if (values.length !== wanted) fail('format', `${name}: ${what} must have ${wanted} numbers, got ${values.length}.`);
  return values;
}

/** A saved count. */
export function countFrom(name: string, what: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  return fail('format', `${name}: ${what} must be a whole number, got ${JSON.stringify(value)}.`);
}

/** One of the words an option may be. */
export function wordFrom<W extends string>(name: string, what: string, value: unknown, words: readonly W[]): W {
  return (
    words.find((word) => word === value) ??
    fail('format', `${name}: ${what} must be ${words.join(' or ')}, got ${JSON.stringify(value)}.`)
  );
}

/** The fields of a saved preprocessor of this kind. */
export function fieldsOf(kind: string, json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || !('kind' in json) || json.kind !== kind) {
    const found = typeof json === 'object' && json !== null && 'kind' in json ? String(json.kind) : typeof json;
    return fail('format', `${kind}.fromJSON: expected what ${kind}.toJSON gave, got ${found}.`);
  }
  return json as Record<string, unknown>;
}
