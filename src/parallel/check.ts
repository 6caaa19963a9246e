import { fail } from '../core/errors.js';

/** Throws unless `value` is a whole number of at least `least`. */
export function checkWhole(name: string, what: string, value: unknown, least: number): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least) return;
  fail('argument', `${name}: ${what} must be a whole number ≥ ${least}, got ${String(value)}.`);
}
