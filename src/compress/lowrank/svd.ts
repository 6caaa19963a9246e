import { Generator } from '../../core/random.js';
import { symmetricEigen } from './eigen.js';

/** Singular values, the largest first, and what belongs to the first `rank` of them. */
export interface Svd {
  readonly sigma: Float64Array;
  /** Rows of length 1: [rank, m] and [rank, n]. */
  readonly left: Float64Array;
  readonly right: Float64Array;
}

/** From this size on a few leading singular vectors are found by random sampling. */
const LARGE = 1024;
/** Samples beyond the rank, and how often they go through the matrix and back. */
const BEYOND = 10;
const POWERS = 4;

/** A · Aᵀ of a matrix [rows, columns]: [rows, rows]. Four products run at once, as each alone waits for its own sum. */
export function gram(a: Float64Array, rows: number, columns: number): Float64Array {
  const g = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    const mine = a.subarray(i * columns, (i + 1) * columns);
    for (let j = 0; j <= i; j += 4) {
      // Beyond the last row the last one is taken again, and not looked at.
      const [p, q, r, s] = [0, 1, 2, 3].map((k) => Math.min(j + k, rows - 1) * columns) as [
        number,
        number,
        number,
        number,
      ];
      let [ip, iq, ir, is] = [0, 0, 0, 0];
      for (let k = 0; k < columns; k++) {
        const x = mine[k] as number;
        ip += x * (a[p + k] as number);
        iq += x * (a[q + k] as number);
        ir += x * (a[r + k] as number);
        is += x * (a[s + k] as number);
      }
      [ip, iq, ir, is].forEach((sum, k) => {
        if (j + k > i) return;
        g[i * rows + j + k] = sum;
        g[(j + k) * rows + i] = sum;
      });
    }
  }
  return g;
}

export function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  const t = new Float64Array(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) t[j * rows + i] = a[i * columns + j] as number;
  return t;
}

/** a [m, k] · b [k, n]: [m, n]. Four rows of b are added at once, so that the sum is read and written a fourth as often. */
export function multiply(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    const out = y.subarray(i * n, (i + 1) * n);
    let p = 0;
    for (; p + 4 <= k; p += 4) {
      const at = i * k + p;
      const [s0, s1, s2, s3] = [a[at], a[at + 1], a[at + 2], a[at + 3]] as [number, number, number, number];
      const row = p * n;
      for (let j = 0; j < n; j++) {
        const near = s0 * (b[row + j] as number) + s1 * (b[row + n + j] as number);
        const far = s2 * (b[row + 2 * n + j] as number) + s3 * (b[row + 3 * n + j] as number);
        out[j] = (out[j] as number) + near + far;
      }
    }
    for (; p < k; p++) {
      const scale = a[i * k + p] as number;
      for (let j = 0; j < n; j++) out[j] = (out[j] as number) + scale * (b[p * n + j] as number);
    }
  }
  return y;
}

/**
 * The singular value decomposition of a matrix [m, n], by the eigenvectors of its Gram matrix on the shorter side; what is lost
 * by squaring lies at 1e-8 of the largest singular value, where the weights themselves, which are float32, end. Of all singular
 * values, and of `rank` (default all) pairs of vectors; for a zero singular value the vector on the longer side is 0.
 */
export function svd(a: Float64Array, m: number, n: number, rank = Math.min(m, n)): Svd {
  if (m > n) {
    const { sigma, left, right } = svd(transpose(a, m, n), n, m, rank);
    return { sigma, left: right, right: left };
  }
  const { values, vectors } = symmetricEigen(gram(a, m, n), m);
  const sigma = values.map((value) => Math.sqrt(Math.max(value, 0)));
  const left = vectors.slice(0, rank * m);
  return { sigma, left, right: normalized(multiply(left, a, rank, m, n), rank, n, sigma[0] ?? 0) };
}

/** Rows with length 1, or 0 where there is nothing but rounding. */
function normalized(rows: Float64Array, count: number, width: number, largest: number): Float64Array {
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * width, (i + 1) * width);
    const length = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    const scale = length > largest * 1e-12 ? 1 / length : 0;
    for (let k = 0; k < width; k++) row[k] = (row[k] as number) * scale;
  }
  return rows;
}

/**
 * The `rank` largest singular values and their vectors; of a large matrix of which few are wanted, by projecting it on a random
 * sample of its range that has gone through it a few times (Halko, Martinsson and Tropp 2011, "Finding structure with
 * randomness: probabilistic algorithms for constructing approximate matrix decompositions", algorithm 4.4). Its random numbers are
 * always the same.
 */
export function leadingSvd(a: Float64Array, m: number, n: number, rank: number): Svd {
  const samples = rank + BEYOND;
  if (Math.min(m, n) < LARGE || 4 * samples > Math.min(m, n)) return svd(a, m, n, rank);
  const random = new Generator(0);
  const t = transpose(a, m, n);
  // Rows span the range: a sample is [samples, m].
  let range = multiply(
    Float64Array.from({ length: samples * n }, () => random.normal()),
    t,
    samples,
    n,
    m,
  );
  for (let power = 0; power < POWERS; power++) {
    range = orthonormal(range, samples, m);
    range = multiply(orthonormal(multiply(range, a, samples, m, n), samples, n), t, samples, n, m);
  }
  range = orthonormal(range, samples, m);
  const small = svd(multiply(range, a, samples, m, n), samples, n, rank);
  return { sigma: small.sigma, left: multiply(small.left, range, rank, samples, m), right: small.right };
}

/** The rows made orthogonal and of length 1, each against those before it, twice, as once is not exact. */
function orthonormal(rows: Float64Array, count: number, width: number): Float64Array {
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * width, (i + 1) * width);
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) {
        const other = rows.subarray(j * width, (j + 1) * width);
        let dot = 0;
        for (let k = 0; k < width; k++) dot += (row[k] as number) * (other[k] as number);
        for (let k = 0; k < width; k++) row[k] = (row[k] as number) - dot * (other[k] as number);
      }
    }
    const length = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    if (length > 0) for (let k = 0; k < width; k++) row[k] = (row[k] as number) / length;
  }
  return rows;
}
