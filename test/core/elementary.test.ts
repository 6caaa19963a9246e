import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as elementary from '../../src/core/elementary.js';

/** Units in the last place between two numbers. */
function ulps(a: number, b: number): number {
  if (Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  const [p, q] = [a, b].map((x) => {
    const bits = new BigInt64Array(Float64Array.of(x).buffer)[0] as bigint;
    return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits;
  }) as [bigint, bigint];
  return Number(p > q ? p - q : q - p);
}

const anywhere = (min: number, max: number) => fc.double({ min, max, noNaN: true });

describe('elementary functions', () => {
  // The engine's own are within one unit, so that two apart from them is right.
  it.each([
    ['exp', elementary.exp, Math.exp, -745, 710],
    ['expm1', elementary.expm1, Math.expm1, -50, 700],
    ['expm1', elementary.expm1, Math.expm1, -1, 1],
    ['log', elementary.log, Math.log, 0, 1e308],
    ['log', elementary.log, Math.log, 0.5, 2],
    ['log1p', elementary.log1p, Math.log1p, -0.999, 3],
    ['sin', elementary.sin, Math.sin, -1000, 1000],
    ['cos', elementary.cos, Math.cos, -1000, 1000],
    ['cos', elementary.cos, Math.cos, -0.8, 0.8],
    ['tan', elementary.tan, Math.tan, -1.5, 1.5],
    ['atan', elementary.atan, Math.atan, -100, 100],
  ] as const)('%s is as near as the engine’s', (name, own, reference, min, max) => {
    const most = name === 'tan' || name === 'atan' || name === 'log1p' ? 4 : 2;
    const property = (x: number): boolean => ulps(own(x), reference(x)) <= most;
    fc.assert(fc.property(anywhere(min, max), property), { numRuns: 3000, seed: 1 });
    for (let i = 0; i <= 4000; i++) {
      const x = min + ((max - min) * i) / 4000;
      expect(ulps(own(x), reference(x)), `${name}(${x})`).toBeLessThanOrEqual(most);
    }
  });

  it('pow is as near as the engine’s', () => {
    const property = (x: number, y: number): boolean => ulps(elementary.pow(x, y), x ** y) <= 4;
    fc.assert(fc.property(anywhere(1e-3, 1e3), anywhere(-30, 30), property), { numRuns: 5000, seed: 2 });
    fc.assert(fc.property(anywhere(0.8, 1), fc.integer({ min: 0, max: 5000 }), property), { numRuns: 5000, seed: 3 });
    for (const [x, y] of [
      [0.9, 1],
      [0.999, 1_000_000],
      [-2, 3],
      [-2, 0.5],
      [0, -1],
      [0, 3],
      [2, -3],
      [Infinity, -1],
      [10, 308],
      [10, 309],
      [1e200, 2],
      [2, 1023],
      [0.5, 1074],
    ] as const)
      expect(ulps(elementary.pow(x, y), x ** y), `${x} ** ${y}`).toBeLessThanOrEqual(2);
  });

  it('give what is exact exactly', () => {
    const { atan, cos, exp, expm1, hypot, log, log1p, pow, sin, tan } = elementary;
    expect([exp(0), cos(0), sin(0), tan(0), log(1), expm1(0), log1p(0), atan(0)]).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
    expect([cos(Math.PI), sin(Math.PI / 2), cos(2 * Math.PI)]).toEqual([-1, 1, 1]);
    expect([pow(3, 4), pow(2, 10), pow(2, -2), pow(9, 1), hypot(3, 4), hypot(0, 0)]).toEqual([81, 1024, 0.25, 9, 5, 0]);
    expect([log(0), log(-1), exp(-Infinity), exp(Infinity), log(Infinity)]).toEqual([
      -Infinity,
      NaN,
      0,
      Infinity,
      Infinity,
    ]);
    expect([sin(Infinity), cos(NaN), atan(Infinity)]).toEqual([NaN, NaN, Math.PI / 2]);
    expect(Object.is(sin(-0), -0)).toBe(true);
  });

  it('are the same bits everywhere', () => {
    // The numbers of one engine; test/runtimes holds others to what follows from them.
    const { atan, cos, exp, expm1, log, log1p, pow, sin, tan } = elementary;
    const all = [exp, expm1, log, log1p, sin, cos, tan, atan, (x: number) => pow(x, 1.7), (x: number) => pow(x, 37)];
    let hash = 0xcbf29ce484222325n;
    for (const f of all) {
      for (let i = 1; i <= 500; i++) {
        const bits = new BigUint64Array(Float64Array.of(f(i / 37)).buffer)[0] as bigint;
        hash = ((hash ^ bits) * 0x100000001b3n) & 0xffffffffffffffffn;
      }
    }
    expect(hash.toString(16)).toMatchInlineSnapshot(`"f83ec19a75b0d268"`);
  });
});
