import { Tensor } from 'fettle';
import { expect } from 'vitest';
import { mayFlush } from '../support/deviations.js';
import type { JsonNumber } from './inputs.js';

/**
 * The rule by which results are held against PyTorch's. Shapes, dtypes, whole numbers, bools, NaN, infinities and the signs of
 * zeros are equal. Other floating-point numbers differ by at most ULPS · 2⁻²³ (the last place of a float32) times the size of
 * what was expected: of that element or, where elements are sums of many terms that may cancel, of the largest element; sums
 * may come to either zero. A case in which more cancels says how many last places that costs. PyTorch's own rounding is in
 * there too.
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

/** Whether `value` is what PyTorch's `want` allows, `allowed` away from it at most. */
function agrees(value: number, want: number, allowed: number, sums: boolean): boolean {
  if (Object.is(value, want)) return true;
  if (value === 0 && want === 0) return sums;
  return Number.isFinite(want) && Math.abs(value - want) <= allowed;
}

const show = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/**
 * Fails with the element and both values where `got` is not what was expected. `what` says which tensor it is. `from` are inputs,
 * of which elements that the device may take for 0 leave open what comes of them.
 */
export function compare(
  what: string,
  got: Tensor,
  expected: Expected,
  sums = false,
  ulps = sums ? SUM_ULPS : ULPS,
  from: readonly Tensor[] = [],
): void {
  expect(got.shape, `${what}: shape`).toEqual(expected.shape);
  expect(got.dtype, `${what}: dtype`).toBe(expected.dtype ?? 'float32');
  const data = got.dataSync();
  const isFloat = got.dtype === 'float32' || got.dtype === 'float16';
  const wanted = expected.data.map(Number);
  const largest = wanted.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0);
  const sources = from
    .filter((x) => x.numel() === wanted.length && x.dtype === 'float32')
    .map((x) => x.dataSync())
    .filter((values) => values.some(mayFlush));
  for (const [i, want] of wanted.entries()) {
    const value = data[i] as number;
    if ((mayFlush(want) && value === 0) || sources.some((values) => mayFlush(values[i] as number))) continue;
    const allowed = isFloat ? ulps * (LAST_PLACE * (sums ? largest : Math.abs(want)) + DENORMAL) : 0;
    if (agrees(value, want, allowed, sums)) continue;
    throw new Error(
      `${what}, element ${i} of [${expected.shape}]: expected ${show(want)}, got ${show(value)} (${allowed} off is allowed)`,
    );
  }
}

/** The tensors of a result in PyTorch's order: those of a pair of values and states, of states in states. */
export function outputsOf(result: unknown): Tensor[] {
  if (result instanceof Tensor) return [result];
  return [...(result as Iterable<unknown>)].flatMap((part) => (part === null ? [] : outputsOf(part)));
}
