/**
 * Elementary functions of numbers, made of +, −, ×, ÷ and √ alone, which every engine rounds alike. Math.exp and its like may
 * differ in the last bit from one JavaScript engine to the next, and a learning rate that does makes another model of it. So
 * what touches a number of a training calls these. They are within about one unit in the last place.
 *
 * A value is carried as hi + lo where one number would not do: the sum is exact to about 100 bits (T. J. Dekker, A
 * floating-point technique for extending the available precision, 1971).
 */

/** Splits a number into halves of 26 bits. */
const SPLITTER = 2 ** 27 + 1;

/** ln 2 in two parts; the first has 33 bits, so that its product with an exponent is exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** π / 2 in three parts, of 33, 33 and 53 bits. */
const HALF_PI_1 = 1.5707963267341256;
const HALF_PI_2 = 6.077100506303966e-11;
const HALF_PI_3 = 2.0222662487959506e-21;

/** Beyond this many quarter turns the products with the parts of π / 2 are no longer exact. */
const MOST_TURNS = 2 ** 20;

const view = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(8));

function factorial(n: number): number {
  let product = 1;
  for (let i = 2; i <= n; i++) product *= i;
  return product;
}

const terms = (count: number, term: (k: number) => number): readonly number[] =>
  Array.from({ length: count }, (_, k) => term(k));

/** artanh s = s + s³ · Σ z^k / (2k + 3), z = s². */
const ARTANH = /* @__PURE__ */ terms(12, (k) => 1 / (2 * k + 3));
/** exp r = 1 + r + r² · Σ r^k / (k + 2)!. */
const EXP = /* @__PURE__ */ terms(14, (k) => 1 / factorial(k + 2));
/** sin r = r + r³ · Σ (−1)^(k+1) z^k / (2k + 3)!. */
const SIN = /* @__PURE__ */ terms(9, (k) => (k % 2 === 0 ? -1 : 1) / factorial(2 * k + 3));
/** cos r = 1 − z / 2 + z² · Σ (−1)^k z^k / (2k + 4)!. */
const COS = /* @__PURE__ */ terms(9, (k) => (k % 2 === 0 ? 1 : -1) / factorial(2 * k + 4));
/** arctan t = t + t³ · Σ (−1)^(k+1) z^k / (2k + 3). */
const ARCTAN = /* @__PURE__ */ terms(14, (k) => (k % 2 === 0 ? -1 : 1) / (2 * k + 3));

/**
 * Where the functions below find what they are given and leave what they compute: a number, or one as hi + lo. Numbers that
 * functions hand to each other lie on the heap, those in an array do not, and a captured step computes powers at each replay.
 */
const parts = /* @__PURE__ */ new Float64Array(4);

/** Of a and b in `parts[2]` and `parts[3]`: the rounding error of a · b, in the place of a. */
function productError(): void {
  const a = parts[2] as number;
  const b = parts[3] as number;
  const bigA = a * SPLITTER;
  const aHigh = bigA - (bigA - a);
  const aLow = a - aHigh;
  const bigB = b * SPLITTER;
  const bHigh = bigB - (bigB - b);
  const bLow = b - bHigh;
  parts[2] = aHigh * bHigh - a * b + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

/** Of x and n in `parts`: x · 2^n, for a whole number in [−1022, 1023], in the place of x. */
function scale(): void {
  view.setUint32(0, ((parts[1] as number) + 1023) << 20);
  view.setUint32(4, 0);
  parts[0] = (parts[0] as number) * view.getFloat64(0);
}

/** Of z in `parts`: Σ c_k z^k, by Horner's rule, in its place. */
function seriesOf(coefficients: readonly number[]): void {
  const z = parts[0] as number;
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * z + (coefficients[i] as number);
  parts[0] = sum;
}

/** Σ c_k z^k. */
function series(z: number, coefficients: readonly number[]): number {
  parts[0] = z;
  seriesOf(coefficients);
  return parts[0];
}

/** Of x, positive and finite, in `parts`: ln x as hi + lo. */
function logParts(): void {
  const x = parts[0] as number;
  const isTiny = x < 2 ** -1022;
  view.setFloat64(0, isTiny ? x * 2 ** 54 : x);
  const high = view.getUint32(0);
  let exponent = (high >>> 20) - 1023 - (isTiny ? 54 : 0);
  view.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  let mantissa = view.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  // ln m = 2 artanh((m − 1) / (m + 1)); m − 1 is exact.
  const numerator = mantissa - 1;
  const divisor = mantissa + 1;
  const lost = mantissa - (divisor - 1);
  const s = numerator / divisor;
  const product = s * divisor;
  parts[2] = s;
  parts[3] = divisor;
  productError();
  const rest = (numerator - product - (parts[2] as number) - s * lost) / divisor;
  const z = s * s;
  parts[0] = z;
  seriesOf(ARTANH);
  const small = 2 * (rest + s * z * (parts[0] as number));
  const large = exponent * LN2_HIGH;
  const sum = large + 2 * s;
  const error = large === 0 ? 0 : 2 * s - (sum - large);
  const low = error + (small + exponent * LN2_LOW);
  const hi = sum + low;
  parts[0] = hi;
  parts[1] = low - (hi - sum);
}

/** Of hi + lo in `parts`: exp(r) − 1 = r + r²/2 + …, and the power of two to multiply exp(r) with. */
function expParts(): void {
  const hi = parts[0] as number;
  const power = Math.round(hi / Math.LN2);
  const left = hi - power * LN2_HIGH;
  const cut = power * LN2_LOW;
  const r = left - cut;
  const error = left - r - cut + (parts[1] as number);
  parts[0] = r;
  seriesOf(EXP);
  const bent = r * r * (parts[0] as number);
  parts[0] = r + (bent + error * (1 + r + bent));
  parts[1] = power;
}

/** Of hi + lo in `parts`: its exponential, rounded once, in the place of hi. */
function expOfParts(): void {
  const x = parts[0] as number;
  if (x > 709.8) {
    parts[0] = Number.POSITIVE_INFINITY;
  } else if (x < -745.2) {
    parts[0] = 0;
  } else {
    expParts();
    const power = parts[1] as number;
    const isLarge = power > 1023;
    const isTiny = power < -1022;
    parts[0] = (1 + (parts[0] as number)) * (isLarge ? 2 : 1);
    parts[1] = isLarge ? power - 1 : isTiny ? power + 1022 : power;
    scale();
    if (isTiny) parts[0] *= 2 ** -1022;
  }
}

/** eˣ. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return NaN;
  parts[0] = x;
  parts[1] = 0;
  expOfParts();
  return parts[0];
}

/** eˣ − 1, exact where x is small. */
export function expm1(x: number): number {
  if (x === 0) return x;
  if (Math.abs(x) > 40) return exp(x) - 1;
  parts[0] = x;
  parts[1] = 0;
  expParts();
  const rest = parts[0] as number;
  const power = parts[1] as number;
  if (power === 0) return rest;
  parts[0] = 1;
  scale();
  const factor = parts[0];
  return factor - 1 + factor * rest;
}

/** ln x. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  parts[0] = x;
  logParts();
  return parts[0];
}

/** ln(1 + x), exact where x is small (W. Kahan's way: what 1 + x has lost is made up for). */
export function log1p(x: number): number {
  const sum = 1 + x;
  if (!(sum > 0) || !Number.isFinite(sum)) return log(sum);
  return sum === 1 ? x : log(sum) * (x / (sum - 1));
}

/** The logarithm to base 10. */
export function log10(x: number): number {
  return log(x) / Math.LN10;
}

/** Base and exponent of `pow`. */
const operands = /* @__PURE__ */ new Float64Array(2);

/** xʸ. Whole powers are products, others go by the logarithm. */
export function pow(x: number, y: number): number {
  operands[0] = x;
  operands[1] = y;
  raise(operands, 0);
  return operands[0];
}

/** Puts the power in the place of its base, `values[at]`; the exponent stands behind it. For those who must make no garbage. */
export function raise(values: Float64Array, at: number): void {
  const x = values[at] as number;
  const y = values[at + 1] as number;
  // What these give is the same number in every engine.
  if (x === 0 || y === 0 || !Number.isFinite(x) || !Number.isFinite(y)) values[at] = x ** y;
  else if (Math.floor(y) === y && Math.abs(y) <= 2 ** 31) raiseWhole(values, at);
  else raiseByLogarithm(values, at);
}

/** By squaring, with the rounding error of each product carried along. */
function raiseWhole(values: Float64Array, at: number): void {
  const n = values[at + 1] as number;
  let result = 1;
  let low = 0;
  let square = values[at] as number;
  let squareLow = 0;
  let plain = 1;
  for (let left = Math.abs(n) >>> 0; ; ) {
    if ((left & 1) === 1) {
      const product = result * square;
      parts[2] = result;
      parts[3] = square;
      productError();
      low = (parts[2] as number) + (result * squareLow + low * square);
      result = product;
      plain *= square;
    }
    left >>>= 1;
    if (left === 0) break;
    const next = square * square;
    parts[2] = square;
    parts[3] = square;
    productError();
    squareLow = (parts[2] as number) + 2 * square * squareLow;
    square = next;
  }
  // Beyond about 2^990 the errors overflow before the product does.
  const total = Number.isFinite(result + low) ? result + low : plain;
  values[at] = n < 0 ? 1 / total : total;
}

function raiseByLogarithm(values: Float64Array, at: number): void {
  const x = values[at] as number;
  const y = values[at + 1] as number;
  if (x < 0 && Math.floor(y) !== y) {
    values[at] = NaN;
    return;
  }
  parts[0] = Math.abs(x);
  logParts();
  const hi = parts[0];
  const product = y * hi;
  parts[2] = y;
  parts[3] = hi;
  productError();
  parts[0] = product;
  parts[1] = (parts[2] as number) + y * (parts[1] as number);
  expOfParts();
  values[at] = x < 0 && Math.abs(y % 2) === 1 ? -parts[0] : parts[0];
}

/** x in quarter turns: which one, and what is left, in [−π/4, π/4], as hi + lo. */
function reduced(x: number): { readonly quarter: number; readonly hi: number; readonly lo: number } {
  // So far out an angle says little; what it says is the same everywhere, as the remainder of a division is exact.
  const near = Math.abs(x) < MOST_TURNS ? x : x % (2 * Math.PI);
  const turns = Math.round(near / (Math.PI / 2));
  const first = near - turns * HALF_PI_1;
  const second = turns * HALF_PI_2;
  const sum = first - second;
  const back = first - sum;
  const error = first - (sum + back) + (back - second);
  const low = error - turns * HALF_PI_3;
  const hi = sum + low;
  return { quarter: ((turns % 4) + 4) % 4, hi, lo: sum - hi + low };
}

function sine(hi: number, lo: number): number {
  const z = hi * hi;
  return hi + (lo + hi * z * series(z, SIN));
}

function cosine(hi: number, lo: number): number {
  const z = hi * hi;
  const half = z / 2;
  const first = 1 - half;
  return first + (1 - first - half + (z * z * series(z, COS) - hi * lo));
}

/** The sine of x, in radians. */
export function sin(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  if (x === 0) return x;
  const { quarter, hi, lo } = reduced(x);
  const value = quarter % 2 === 0 ? sine(hi, lo) : cosine(hi, lo);
  return quarter < 2 ? value : -value;
}

/** The cosine of x, in radians. */
export function cos(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  const { quarter, hi, lo } = reduced(x);
  const value = quarter % 2 === 0 ? cosine(hi, lo) : sine(hi, lo);
  return quarter === 0 || quarter === 3 ? value : -value;
}

/** The tangent of x, in radians. */
export function tan(x: number): number {
  return x === 0 ? x : sin(x) / cos(x);
}

/** The angle in (−π/2, π/2) whose tangent is x. */
export function atan(x: number): number {
  if (Number.isNaN(x) || x === 0) return x;
  const size = Math.abs(x);
  const small = size > 1 ? 1 / size : size;
  // arctan t = 2 arctan(t / (1 + √(1 + t²))), twice.
  let t = small;
  for (let i = 0; i < 2; i++) t /= 1 + Math.sqrt(1 + t * t);
  const z = t * t;
  const angle = 4 * (t + t * z * series(z, ARCTAN));
  return Math.sign(x) * (size > 1 ? Math.PI / 2 - angle : angle);
}

/** √(Σ v²), without overflow on the way. */
export function hypot(...values: readonly number[]): number {
  const largest = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  return largest * Math.sqrt(values.reduce((sum, v) => sum + (v / largest) * (v / largest), 0));
}

/** x², as one product. */
export function square(x: number): number {
  return x * x;
}
