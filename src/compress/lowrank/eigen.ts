import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';

/** Eigenvalues, the largest first, and their eigenvectors of length 1: row j of `vectors` [n, n] belongs to values[j]. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/** Rounds of the QL iteration for one eigenvalue; it takes two on average, and thirty never. */
const MOST_ROUNDS = 60;

/**
 * All eigenvalues and eigenvectors of a symmetric matrix [n, n], in float64: Householder's reduction to three diagonals, then
 * QL iteration with implicit shifts (Golub and Van Loan, "Matrix computations", chapter 8). Eigenvectors are kept as rows, so that
 * every inner loop runs along memory. About 3 n³ multiplications; off by about 1e-15 of the largest eigenvalue.
 */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice();
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const vectors = tridiagonalize(a, n, diagonal, beside);
  iterate(n, diagonal, beside, vectors);
  const order = Array.from(diagonal, (_, j) => j).sort((i, j) => (diagonal[j] as number) - (diagonal[i] as number));
  const sorted = new Float64Array(n * n);
  order.forEach((from, to) => {
    sorted.set(vectors.subarray(from * n, (from + 1) * n), to * n);
  });
  return { values: Float64Array.from(order, (j) => diagonal[j] as number), vectors: sorted };
}

/**
 * Makes A = Q T Qᵀ with T of three diagonals, and gives Qᵀ. In step k the reflection I − β v vᵀ makes all of column k below
 * the subdiagonal 0; v is kept in the part of the row that is done with.
 */
function tridiagonalize(a: Float64Array, n: number, diagonal: Float64Array, beside: Float64Array): Float64Array {
  const betas = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    const v = a.subarray(k * n, (k + 1) * n);
    diagonal[k] = v[k] as number;
    let size = 0;
    for (let j = k + 1; j < n; j++) size += elementary.square(v[j] as number);
    const first = v[k + 1] as number;
    const alpha = first > 0 ? -Math.sqrt(size) : Math.sqrt(size);
    beside[k] = alpha;
    const head = first - alpha;
    // What has length 0 needs no reflection.
    if (size === 0 || head === 0) continue;
    v[k + 1] = head;
    const beta = -1 / (alpha * head);
    betas[k] = beta;
    let product = 0;
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += (a[row + j] as number) * (v[j] as number);
      p[i] = beta * sum;
      product += (p[i] as number) * (v[i] as number);
    }
    const half = (beta * product) / 2;
    for (let i = k + 1; i < n; i++) p[i] = (p[i] as number) - half * (v[i] as number);
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      const vi = v[i] as number;
      const pi = p[i] as number;
      for (let j = k + 1; j < n; j++) {
        a[row + j] = (a[row + j] as number) - vi * (p[j] as number) - pi * (v[j] as number);
      }
    }
  }
  if (n > 0) diagonal[n - 1] = a[n * n - 1] as number;
  return transposed(reflections(a, betas, p, n), n);
}

/** The product of all reflections, from the last to the first, so that each meets only what lies below it. */
function reflections(a: Float64Array, betas: Float64Array, p: Float64Array, n: number): Float64Array {
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  for (let k = n - 2; k >= 0; k--) {
    const beta = betas[k] as number;
    if (beta === 0) continue;
    const v = a.subarray(k * n, (k + 1) * n);
    p.fill(0);
    for (let i = k + 1; i < n; i++) {
      const scale = beta * (v[i] as number);
      for (let j = k + 1; j < n; j++) p[j] = (p[j] as number) + scale * (q[i * n + j] as number);
    }
    for (let i = k + 1; i < n; i++) {
      const vi = v[i] as number;
      for (let j = k + 1; j < n; j++) q[i * n + j] = (q[i * n + j] as number) - vi * (p[j] as number);
    }
  }
  return q;
}

function transposed(q: Float64Array, n: number): Float64Array {
  const t = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) t[j * n + i] = q[i * n + j] as number;
  return t;
}

/** Makes T diagonal by rotations of neighbouring rows, which it does to `vectors` as well. `beside[k]` joins k and k + 1. */
function iterate(n: number, diagonal: Float64Array, beside: Float64Array, vectors: Float64Array): void {
  const d = (i: number): number => diagonal[i] as number;
  for (let low = 0; low < n; low++) {
    for (let round = 0; ; round++) {
      let high = low;
      while (high < n - 1 && !isNegligible(beside[high] as number, d(high), d(high + 1))) high++;
      if (high === low) break;
      if (round === MOST_ROUNDS) fail('data', 'symmetricEigen: no convergence. Is every element finite?');
      // Wilkinson's shift: the eigenvalue of the upper two rows that is nearer to the first.
      const off = beside[low] as number;
      const slope = (d(low + 1) - d(low)) / (2 * off);
      const root = Math.sqrt(slope * slope + 1);
      let g = d(high) - d(low) + off / (slope + (slope < 0 ? -root : root));
      let [sine, cosine, shift] = [1, 1, 0];
      let i = high - 1;
      for (; i >= low; i--) {
        const f = sine * (beside[i] as number);
        const b = cosine * (beside[i] as number);
        const length = Math.sqrt(f * f + g * g);
        beside[i + 1] = length;
        if (length === 0) {
          diagonal[i + 1] = d(i + 1) - shift;
          break;
        }
        sine = f / length;
        cosine = g / length;
        const base = d(i + 1) - shift;
        const turn = (d(i) - base) * sine + 2 * cosine * b;
        shift = sine * turn;
        diagonal[i + 1] = base + shift;
        g = cosine * turn - b;
        rotate(vectors, i * n, (i + 1) * n, n, sine, cosine);
      }
      if (i < low) {
        diagonal[low] = d(low) - shift;
        beside[low] = g;
      }
      beside[high] = 0;
    }
  }
}

function isNegligible(off: number, before: number, after: number): boolean {
  return Math.abs(off) <= Number.EPSILON * (Math.abs(before) + Math.abs(after));
}

function rotate(rows: Float64Array, a: number, b: number, n: number, sine: number, cosine: number): void {
  for (let k = 0; k < n; k++) {
    const x = rows[a + k] as number;
    const y = rows[b + k] as number;
    rows[b + k] = sine * x + cosine * y;
    rows[a + k] = cosine * x - sine * y;
  }
}
