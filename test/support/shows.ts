import { expect } from 'vitest';
import { parseValue } from './examples.js';

/**
 * Checks that `value` reads as the documentation shows it. Tensors and typed arrays are compared as arrays, and numbers to as
 * many decimals as are shown: 0.3333 is shown rightly by a third.
 */
export function shows(value: unknown, shown: string): void {
  const decimals = Math.max(0, ...[...shown.matchAll(/\.(\d+)/g)].map((match) => match[1]?.length ?? 0));
  const round = (x: unknown): unknown => {
    if (Array.isArray(x)) return x.map(round);
    // Adding zero turns −0, which documentation shows as 0, into 0.
    return typeof x === 'number' && Number.isFinite(x) ? Number(x.toFixed(decimals)) + 0 : x;
  };
  expect(round(plain(value))).toEqual(round(parseValue(shown)));
}

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('toArray' in value && typeof value.toArray === 'function') return plain(value.toArray());
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>);
  return value;
}
