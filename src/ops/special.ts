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

/** 1 − erf x, exact in the upper tail too. */
export function erfc(x: number): number {
  return 2 * normalCdf(-x * Math.SQRT2);
}

/** The number whose erf is x, by Newton's method. */
export function erfinv(x: number): number {
  if (Math.abs(x) === 1) return x * Infinity;
  if (!(Math.abs(x) < 1)) return NaN;
  const w = Math.log((1 - x) * (1 + x));
  const t = 2 / (Math.PI * 0.147) + w / 2;
  // Winitzki's closed form is two digits good.
  let y = Math.sign(x) * Math.sqrt(Math.sqrt(t * t - w / 0.147) - t);
  for (let i = 0; i < 6; i++) y -= ((erf(y) - x) * Math.sqrt(Math.PI) * Math.exp(y * y)) / 2;
  return y;
}

/** Lanczos' coefficients for g = 7. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

function isPole(x: number): boolean {
  return x <= 0 && Number.isInteger(x);
}

/** log |Γ(x)|. */
export function lgamma(x: number): number {
  if (Math.abs(x) === Infinity || isPole(x)) return Infinity;
  if (x === 1 || x === 2) return 0;
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * (x - Math.round(x))))) - lgamma(1 - x);
  const sum = LANCZOS.reduce((total, c, i) => total + (i === 0 ? c : c / (x - 1 + i)), 0);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Γ′(x) / Γ(x). */
export function digamma(x: number): number {
  if (x === 0) return Object.is(x, -0) ? Infinity : -Infinity;
  if (isPole(x) || x === -Infinity) return NaN;
  if (x === Infinity) return x;
  if (x < 0) return digamma(1 - x) - Math.PI / Math.tan(Math.PI * (x - Math.round(x)));
  if (x < 40) return digamma(x + 1) - 1 / x;
  const z = 1 / (x * x);
  return Math.log(x) - 0.5 / x - z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z / 240)));
}
