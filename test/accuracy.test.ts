import * as fettle from 'fettle';
import { type Tensor, tensor } from 'fettle';
import { afterAll, describe, expect, test } from 'vitest';
import { currentDevice } from '../src/backend/current.js';
import { WasmDevice } from '../src/backend/wasm.js';

/**
 * How far the optimised binaries are from the truth: in last places over the whole range of float32 for elementary functions,
 * relatively for sums of ten million terms.
 */

afterAll(() => fettle.deterministic(false));

const arithmetics = [
  ['strict', true],
  ['fastest', false],
] as const;

describe.each(arithmetics)('%s arithmetic', (_name, strict) => {
  test('is in use', () => {
    fettle.deterministic(strict);
    const device = currentDevice();
    if (strict) expect(device instanceof WasmDevice && device.engine.variant).toMatch(/^strict/);
  });

  // ── elementary functions ────────────────────────────────────────────────────────────────────────────────────────────

  /** Every 4099th of all 2³² bit patterns (a prime, so that no bit is favoured), and what lies at the edges. */
  const STEP = 4099;
  const edges = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 2 ** -149, -(2 ** -149)];
  const bounds = [2 ** -126, 3.4028234663852886e38, 88.72284, -87.33655, -103.97208, 9.010913, -13.2, 0.5, 1, -1];

  function inputs(): Float32Array {
    const count = Math.ceil(2 ** 32 / STEP);
    const bits = Uint32Array.from({ length: count }, (_, i) => i * STEP);
    const values = new Float32Array(bits.buffer);
    // Most patterns are tiny or huge; where functions bend, numbers are spread evenly too.
    const even = Float32Array.from({ length: 250_000 }, (_, i) => (i / 125_000 - 1) * 16);
    const wide = Float32Array.from({ length: 100_000 }, (_, i) => (i / 50_000 - 1) * 110);
    return Float32Array.from([...edges, ...bounds, ...bounds.map((v) => -v), ...even, ...wide, ...values]);
  }

  const float = new Float32Array(1);
  const word = new Uint32Array(float.buffer);

  /** The distance from |value| to the next larger float32. */
  function lastPlace(value: number): number {
    float[0] = Math.min(Math.abs(value), 3.4028234663852886e38);
    const biased = (word[0] as number) >>> 23;
    return 2 ** (Math.max(biased, 1) - 127 - 23);
  }

  /** The largest error in last places, and where. Fails where NaN, infinities or the signs of zeros are not right. */
  function worst(f: (x: Tensor) => Tensor, exact: (x: number) => number): { ulps: number; at: number } {
    const xs = inputs();
    const ys = f(tensor(xs)).dataSync();
    let [ulps, at] = [0, 0];
    for (const [i, x] of xs.entries()) {
      const want = exact(x);
      const got = ys[i] as number;
      const rounded = Math.fround(want);
      if (Object.is(got, rounded)) continue;
      if (Number.isNaN(want) || Number.isNaN(got)) {
        throw new Error(`at ${x}: expected ${want}, got ${got}`);
      }
      if (want === 0 && got === 0) throw new Error(`at ${x}: a zero of the wrong sign`);
      // An infinity is one place beyond the largest number.
      const value = Number.isFinite(got) ? got : Math.sign(got) * 2 ** 128;
      const limit = Number.isFinite(want) ? want : Math.sign(want) * 2 ** 128;
      const error = Math.abs(value - limit) / lastPlace(limit);
      if (error > ulps) [ulps, at] = [error, x];
    }
    return { ulps, at };
  }

  /** erf x for |x| ≤ 3 by a series without cancellation (Abramowitz and Stegun 7.1.6). */
  function erfSeries(x: number): number {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }

  /** erfc x for x ≥ 2 by its continued fraction (7.1.14). */
  function erfcFraction(x: number): number {
    let rest = 0;
    for (let k = 100; k >= 1; k--) rest = k / 2 / (x + rest);
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + rest);
  }

  function erfc(x: number): number {
    if (x < 0) return 2 - erfc(-x);
    return x < 2 ? 1 - erfSeries(x) : erfcFraction(x);
  }

  const erf = (x: number): number => (Math.abs(x) < 2 ? erfSeries(x) : Math.sign(x) * (1 - erfcFraction(Math.abs(x))));
  const sigmoid = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
  // x Φ(x); where Φ is 0 the product with −∞ is NaN, as in PyTorch.
  const gelu = (x: number): number => (x === 0 ? x : (x / 2) * erfc(-x / Math.SQRT2));
  const geluTanh = (x: number): number =>
    x === 0 ? x : x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x));

  test.each<[string, (x: Tensor) => Tensor, (x: number) => number, number]>([
    ['exp', fettle.exp, Math.exp, 2],
    ['log', fettle.log, Math.log, 2],
    ['tanh', fettle.tanh, Math.tanh, 2],
    ['sigmoid', fettle.sigmoid, sigmoid, 3],
    ['erf', fettle.erf, erf, 2],
    ['gelu', fettle.gelu, gelu, 4],
    ['geluTanh', (x) => fettle.gelu(x, { approximate: 'tanh' }), geluTanh, 4],
  ])('%s', (_function, f, exact, allowed) => {
    const { ulps, at } = worst(f, exact);
    expect(ulps, `at ${at}`).toBeLessThanOrEqual(allowed);
  });

  // ── sums of ten million terms ───────────────────────────────────────────────────────────────────────────────────────

  const TERMS = 10_000_000;
  /** Numbers around 1108 that no two places share, and that no power of two divides. */
  const terms = (): Float32Array => new Float32Array(TERMS).map((_, i) => 1108 + ((i * 7919) % 1000) / 997);

  /** Holds the first and the last result of reducing whole tensors, rows, and few and many columns against float64. */
  function checkSums(f: (x: Tensor, dim: number) => Tensor, exact: (values: Float64Array) => number): void {
    const values = terms();
    const x = tensor(values);
    const layouts: [shape: [number, number], dim: number][] = [
      [[1, TERMS], 1],
      [[2, TERMS / 2], 1],
      [[TERMS / 2, 2], 0],
      [[TERMS / 25, 25], 0],
    ];
    for (const [shape, dim] of layouts) {
      const got = fettle.scope(() => f(x.reshape(shape), dim).dataSync());
      const [rows, columns] = shape;
      const [count, length] = dim === 1 ? [rows, columns] : [columns, rows];
      for (const k of new Set([0, count - 1])) {
        const run = new Float64Array(length);
        for (let i = 0; i < length; i++) run[i] = values[dim === 1 ? k * length + i : i * count + k] as number;
        const want = exact(run);
        const error = Math.abs((got[k] as number) - want) / Math.abs(want);
        expect(error, `${shape} along ${dim}, result ${k}: ${got[k]} for ${want}`).toBeLessThanOrEqual(1e-6);
      }
    }
  }

  /** Neumaier's sum: exact to the last place or so. */
  function total(values: Float64Array): number {
    let [sum, lost] = [0, 0];
    for (const v of values) {
      const next = sum + v;
      lost += Math.abs(sum) >= Math.abs(v) ? sum - next + v : v - next + sum;
      sum = next;
    }
    return sum + lost;
  }

  const squares = (values: Float64Array, centre: number): number => total(values.map((v) => (v - centre) ** 2));
  const average = (values: Float64Array): number => total(values) / values.length;

  test.each<[string, (x: Tensor, dim: number) => Tensor, (values: Float64Array) => number]>([
    ['sum', (x, dim) => x.sum(dim), total],
    ['mean', (x, dim) => x.mean(dim), average],
    ['variance', (x, dim) => x.var(dim), (values) => squares(values, average(values)) / (values.length - 1)],
    ['norm', (x, dim) => fettle.norm(x, 2, dim), (values) => Math.sqrt(squares(values, 0))],
    [
      'logsumexp',
      (x, dim) => fettle.logsumexp(x, dim),
      (values) => {
        const top = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
        return top + Math.log(total(values.map((v) => Math.exp(v - top))));
      },
    ],
    ['the last of cumsum', (x, dim) => fettle.cumsum(x, dim).select(dim, -1), total],
    ['the mean of a transpose', (x, dim) => x.transpose(0, 1).mean(1 - dim), average],
  ])('%s', { timeout: 120_000 }, (_reduction, f, exact) => checkSums(f, exact));

  test('dot', { timeout: 60_000 }, () => {
    const values = terms();
    const x = tensor(values);
    const want = squares(Float64Array.from(values), 0);
    expect(Math.abs(fettle.dot(x, x).item() - want) / want).toBeLessThanOrEqual(1e-6);
    expect(Math.abs(x.sum().item() / total(Float64Array.from(values)) - 1)).toBeLessThanOrEqual(1e-6);
  });
});
