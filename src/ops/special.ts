/** Special functions in float64, for oracles. */

/** erfc(a) · √π · e^{a²} · … as a continued fraction, for a ≥ 2 (Abramowitz and Stegun 7.1.14). */
function erfcTail(a: number): number {
  let tail = a;
  for (let n = 120; n > 0; n--) tail = a + n / 2 / tail;
  return Math.exp(-a * a) / (tail * Math.sqrt(Math.PI));
}

/** Maclaurin series of erf, for |x| < 2.5. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

export function erf(x: number): number {
  if (Number.isNaN(x)) return NaN;
  return Math.abs(x) < 2.5 ? erfSeries(x) : Math.sign(x) * (1 - erfcTail(Math.abs(x)));
}

/** Distribution function of the standard normal, exact in the lower tail too. */
export function normalCdf(x: number): number {
  if (Number.isNaN(x)) return NaN;
  const z = x * Math.SQRT1_2;
  if (Math.abs(z) < 2.5) return 0.5 * (1 + erfSeries(z));
  return z < 0 ? 0.5 * erfcTail(-z) : 1 - 0.5 * erfcTail(z);
}
