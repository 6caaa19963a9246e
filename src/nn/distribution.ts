import * as elementary from '../core/elementary.js';
import { normalCdf } from '../ops/special.js';

/** What initial values need besides random numbers, in float64 on the host. */

/**
 * The inverse of the normal distribution function: a rational approximation in the tail (Abramowitz and Stegun 26.2.23),
 * refined by Newton's method, whose derivative is the density.
 */
export function normalQuantile(p: number): number {
  if (p <= 0) return -Infinity;
  if (p >= 1) return Infinity;
  const t = Math.sqrt(-2 * elementary.log(Math.min(p, 1 - p)));
  const tail =
    t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
  let x = p < 0.5 ? -tail : tail;
  for (let i = 0; i < 3; i++) {
    const density = elementary.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
    if (density < 1e-300) break;
    x -= (normalCdf(x) - p) / density;
  }
  return x;
}

/** What turns the part of column k from row k on into a multiple of the first axis: I − 2 v vᵀ. Zero where it is one. */
function reflector(a: Float64Array, rows: number, columns: number, k: number): Float64Array {
  const v = new Float64Array(rows);
  let norm = 0;
  for (let i = k; i < rows; i++) {
    v[i] = a[i * columns + k] as number;
    norm += (v[i] as number) * (v[i] as number);
  }
  const head = v[k] as number;
  v[k] = head + (head < 0 ? -1 : 1) * Math.sqrt(norm);
  const length = elementary.hypot(...v);
  return length === 0 ? v : v.map((value) => value / length);
}

/** a − 2 v (vᵀ a). */
function reflect(a: Float64Array, rows: number, columns: number, v: Float64Array): void {
  for (let j = 0; j < columns; j++) {
    let product = 0;
    for (let i = 0; i < rows; i++) product += (v[i] as number) * (a[i * columns + j] as number);
    for (let i = 0; i < rows; i++) a[i * columns + j] = (a[i * columns + j] as number) - 2 * product * (v[i] as number);
  }
}

/**
 * Q of the QR decomposition of `a` [rows, columns], rows ≥ columns, with the signs for which R has a positive diagonal: of
 * normal numbers it is evenly distributed (Mezzadri 2007). By Householder's reflections. `a` is overwritten.
 */
export function orthonormal(a: Float64Array, rows: number, columns: number): Float64Array {
  const reflectors = Array.from({ length: columns }, (_, k) => {
    const v = reflector(a, rows, columns, k);
    reflect(a, rows, columns, v);
    return v;
  });
  const q = new Float64Array(rows * columns);
  for (let k = 0; k < columns; k++) q[k * columns + k] = (a[k * columns + k] as number) < 0 ? -1 : 1;
  for (const v of reflectors.reverse()) reflect(q, rows, columns, v);
  return q;
}
