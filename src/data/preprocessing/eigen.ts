import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';

/** Eigenvalues, falling, and their vectors, one a row, of a symmetric matrix. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: readonly Float64Array[];
}

/**
 * Eigenvalues and eigenvectors of a symmetric n × n matrix: reduced to a tridiagonal one by Householder's reflections, which
 * is then made diagonal by implicitly shifted QL steps (Golub and Van Loan, "Matrix computations", sections 8.3.1 and
 * 8.3.3). O(n³).
 */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const rows = Array.from({ length: n }, (_, i) => matrix.slice(i * n, (i + 1) * n));
  const { diagonal, beside } = tridiagonalize(rows);
  diagonalize(diagonal, beside, rows);
  const order = Array.from(diagonal.keys()).sort((a, b) => (diagonal[b] as number) - (diagonal[a] as number));
  return {
    values: Float64Array.from(order, (i) => diagonal[i] as number),
    vectors: order.map((i) => rows[i] as Float64Array),
  };
}

/** Makes `a` tridiagonal, and leaves in its rows the basis in which it is. */
function tridiagonalize(a: Float64Array[]): { diagonal: Float64Array; beside: Float64Array } {
  const n = a.length;
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const basis = Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (_, j) => Number(i === j)));
  for (let k = 0; k < n - 2; k++) {
    // v reflects the part of column k below the diagonal onto its first place.
    const v = Float64Array.from({ length: n }, (_, i) => (i > k ? (a[i]?.[k] as number) : 0));
    const norm = Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
    if (norm === 0) continue;
    v[k + 1] = (v[k + 1] as number) + ((v[k + 1] as number) < 0 ? -norm : norm);
    const length = Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
    for (let i = k + 1; i < n; i++) v[i] = (v[i] as number) / length;
    // a ← (1 − 2vvᵀ) a (1 − 2vvᵀ), with p = 2av and w = p − (vᵀp) v.
    const w = new Float64Array(n);
    for (let i = k; i < n; i++) {
      const row = a[i] as Float64Array;
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += (row[j] as number) * (v[j] as number);
      w[i] = 2 * sum;
    }
    let along = 0;
    for (let i = k + 1; i < n; i++) along += (w[i] as number) * (v[i] as number);
    for (let i = k; i < n; i++) w[i] = (w[i] as number) - along * (v[i] as number);
    for (let i = k; i < n; i++) {
      const row = a[i] as Float64Array;
      const [vi, wi] = [v[i] as number, w[i] as number];
      for (let j = k; j < n; j++) row[j] = (row[j] as number) - vi * (w[j] as number) - wi * (v[j] as number);
    }
    // The basis' rows are reflected along: basis ← (1 − 2vvᵀ) basis.
    const shadow = new Float64Array(n);
    for (let i = k + 1; i < n; i++) {
      const [row, vi] = [basis[i] as Float64Array, v[i] as number];
      for (let j = 0; j < n; j++) shadow[j] = (shadow[j] as number) + vi * (row[j] as number);
    }
    for (let i = k + 1; i < n; i++) {
      const [row, vi] = [basis[i] as Float64Array, 2 * (v[i] as number)];
      for (let j = 0; j < n; j++) row[j] = (row[j] as number) - vi * (shadow[j] as number);
    }
  }
  for (let i = 0; i < n; i++) {
    diagonal[i] = a[i]?.[i] as number;
    if (i + 1 < n) beside[i] = a[i + 1]?.[i] as number;
  }
  basis.forEach((row, i) => {
    a[i] = row;
  });
  return { diagonal, beside };
}

/** QL steps until nothing is left beside the diagonal; the rows of `vectors` are turned along. */
function diagonalize(d: Float64Array, e: Float64Array, vectors: Float64Array[]): void {
  const n = d.length;
  for (let low = 0; low < n; low++) {
    for (let turn = 0; ; turn++) {
      let end = low;
      while (end < n - 1) {
        const size = Math.abs(d[end] as number) + Math.abs(d[end + 1] as number);
        if (Math.abs(e[end] as number) <= Number.EPSILON * size) break;
        end++;
      }
      if (end === low) break;
      if (turn === 60) fail('state', 'PCA: the eigenvalues did not converge; is the data finite?');
      // Wilkinson's shift.
      const p = ((d[low + 1] as number) - (d[low] as number)) / (2 * (e[low] as number));
      const r = elementary.hypot(p, 1);
      let g = (d[end] as number) - (d[low] as number) + (e[low] as number) / (p + (p < 0 ? -r : r));
      let [s, c, shift] = [1, 1, 0];
      let i = end - 1;
      for (; i >= low; i--) {
        const f = s * (e[i] as number);
        const b = c * (e[i] as number);
        const h = elementary.hypot(f, g);
        e[i + 1] = h;
        if (h === 0) {
          d[i + 1] = (d[i + 1] as number) - shift;
          e[end] = 0;
          break;
        }
        s = f / h;
        c = g / h;
        g = (d[i + 1] as number) - shift;
        const t = ((d[i] as number) - g) * s + 2 * c * b;
        shift = s * t;
        d[i + 1] = g + shift;
        g = c * t - b;
        turnRows(vectors[i] as Float64Array, vectors[i + 1] as Float64Array, c, s);
      }
      if (i >= low) continue;
      d[low] = (d[low] as number) - shift;
      e[low] = g;
      e[end] = 0;
    }
  }
}

function turnRows(a: Float64Array, b: Float64Array, c: number, s: number): void {
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [a[k] as number, b[k] as number];
    b[k] = s * x + c * y;
    a[k] = c * x - s * y;
  }
}
