import { describe, expect, test } from 'vitest';
import type { Reference, Sample } from '../src/ops/sheet.js';
import { flushed, onGpu } from './support/deviations.js';
import { type AnyOp, canHold, dtypesOf, LAYOUTS, type Layout, lay, rounded, sheets } from './support/sheets.js';

/**
 * Every op of the table × dtype × layout × sample, against its float64 oracle. The oracle sees what the dtype makes of the
 * sample's values, so that only the op's own rounding is judged.
 */

/** Fails with the place and both values where a result is not what the oracle says. */
function compare(got: ArrayLike<number>, expected: Reference, tolerance: number, isFloat: boolean): void {
  expect(got.length).toBe(expected.data.length);
  let scale = 0;
  for (const v of expected.data) if (Number.isFinite(v)) scale = Math.max(scale, Math.abs(v));
  expected.data.forEach((value, i) => {
    const wanted = isFloat ? Math.fround(value) : value;
    const actual = got[i] as number;
    if (Object.is(wanted, actual) || (wanted === 0 && actual === 0) || (Number.isNaN(wanted) && Number.isNaN(actual)))
      return;
    // Sums of large terms may cancel: what counts is the error against the size of what went in.
    const allowed = isFloat ? tolerance * Math.max(Math.abs(value), 1e-30, tolerance > 1e-6 ? scale : 0) + 1e-42 : 0;
    if (!(Math.abs(actual - value) <= allowed)) {
      throw new Error(
        `element ${i}: expected ${value}, got ${actual} (off by ${Math.abs(actual - value)}, allowed ${allowed})`,
      );
    }
  });
}

/** Whether a result is what the oracle says, for results that are compared one by one. */
const near = (got: number, wanted: number, tolerance: number): boolean =>
  Object.is(got, wanted) || Math.abs(got - wanted) <= tolerance * Math.abs(wanted);

function run(op: AnyOp, dtype: string, layout: Layout, sample: Sample): void {
  const dtypes = dtypesOf(dtype, sample.inputs.length);
  if (!sample.inputs.every((a, i) => canHold(dtypes[i] as never, a))) return;
  const seen = sample.inputs.map((a, i) => ({
    shape: a.shape,
    data: a.data.map((v) => rounded(v, dtypes[i] as never)),
  }));
  const expected = op.op.oracle(seen, sample.args ?? []) as Reference;
  const y = op(...sample.inputs.map((a, i) => lay(a, dtypes[i] as never, layout)), ...(sample.args ?? []));
  expect(y.shape).toEqual(expected.shape);
  const got = y.dataSync();
  const [tolerance, isFloat] = [op.op.tolerance ?? 1e-6, y.dtype === 'float32'];
  try {
    compare(got, expected, tolerance, isFloat);
  } catch (error) {
    if (!onGpu) throw error;
    // It may take subnormal numbers for 0.
    const zeroed = seen.map(({ shape, data }) => ({ shape, data: data.map(flushed) }));
    const other = op.op.oracle(zeroed, sample.args ?? []) as Reference;
    // Each element may be one or the other.
    const either = other.data.map((v, i) =>
      near(got[i] as number, expected.data[i] as number, tolerance) ? (expected.data[i] as number) : flushed(v),
    );
    compare(got, { shape: other.shape, data: either }, tolerance, isFloat);
  }
}

describe.each(sheets)('%s', (name, op) => {
  const { dtypes, samples } = op.op;
  for (const dtype of dtypes) {
    // A view cannot be taken of every layout; reshape, its sibling, is checked in all of them.
    for (const layout of name === 'view' ? LAYOUTS.slice(0, 1) : LAYOUTS) {
      test(`${dtype}, ${layout}`, () => {
        for (const [k, sample] of samples().entries()) {
          try {
            run(op, dtype, layout, sample);
          } catch (error) {
            const shapes = sample.inputs.map(({ shape }) => `[${shape}]`).join(' ');
            throw new Error(`sample ${k} ${shapes} ${JSON.stringify(sample.args ?? [])}: ${(error as Error).message}`);
          }
        }
      });
    }
  }
});
