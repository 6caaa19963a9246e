import type { Tensor } from 'fettle';
import { expect } from 'vitest';
import type { JsonNumber } from './inputs.js';

/**
 * The rule by which results are held against PyTorch's. Shapes, dtypes, whole numbers, bools, NaN and infinities are equal.
 * Floating-point numbers differ by at most ULPS · 2⁻²³ (the last place of a float32) times the size of what was expected: of
 * that element or, where elements are sums of many terms that may cancel, of the largest element. A case in which more
 * cancels says how many last places that costs. PyTorch's own rounding is in there too.
 */
const ULPS = 4;
const SUM_ULPS = 8;
const LAST_PLACE = 2 ** -23;
/** The spacing of the smallest numbers. */
const DENORMAL = 2 ** -149;

/** What PyTorch gave. */
export interface Expected {
  readonly shape: readonly number[];
  readonly dtype?: string;
  readonly data: readonly JsonNumber[];
}

/** Fails with the element and both values where `got` is not what was expected. `what` says which tensor it is. */
export function compare(what: string, got: Tensor, expected: Expected, sums = false, ulps = sums ? SUM_ULPS : ULPS): void {
  expect(got.shape, `${what}: shape`).toEqual(expected.shape);
  expect(got.dtype, `${what}: dtype`).toBe(expected.dtype ?? 'float32');
  const data = got.dataSync();
  const isFloat = got.dtype === 'float32' || got.dtype === 'float16';
  const wanted = expected.data.map(Number);
  const largest = wanted.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0);
  for (const [i, want] of wanted.entries()) {
    const value = data[i] as number;
    // Both zeros are equal here, as PyTorch's own kernels do not agree on the sign of one.
    if (value === want || (Number.isNaN(value) && Number.isNaN(want))) continue;
    const isExact = !isFloat || !Number.isFinite(want);
    const allowed = isExact ? 0 : ulps * (LAST_PLACE * (sums ? largest : Math.abs(want)) + DENORMAL);
    const distance = Math.abs(value - want);
    if (!isExact && distance <= allowed) continue;
    throw new Error(
      `${what}, element ${i} of [${expected.shape}]: expected ${want}, got ${value} (off by ${distance}, allowed ${allowed})`,
    );
  }
}
