import * as elementary from '../../core/elementary.js';
import { Generator } from '../../core/random.js';
import { symmetricEigen } from './eigen.js';
import { gram } from './svd.js';

const MOST_ROUNDS = 200;

/** Factors [size, rank], one for each dimension of the tensor. */
export type Factors = readonly Float64Array[];

/**
 * A tensor as a sum of `rank` products of vectors, one for each dimension (canonical polyadic decomposition), by alternating
 * least squares: each factor in turn is the best for the others. Kolda and Bader 2009, "Tensor decompositions and
 * applications", section 3.4; for convolutions Lebedev et al. 2015, "Speeding-up convolutional neural networks using fine-tuned
 * CP-decomposition". It begins at the tensor's leading directions, and where there are too few at random ones, always the same.
 */
export function cp(w: Float64Array, shape: readonly number[], rank: number): Factors {
  const random = new Generator(0);
  const factors = shape.map((size, dim) => firstFactor(w, shape, dim, size, rank, random));
  let before = Infinity;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    shape.forEach((size, dim) => {
      const next = matched(w, shape, factors, dim, rank);
      solve(gramOfOthers(factors, shape, dim, rank), next, size, rank);
      factors[dim] = next;
      balance(factors, shape, rank);
    });
    const error = cpError(w, shape, factors, rank);
    if (before - error < 1e-7) break;
    before = error;
  }
  return factors;
}

function firstFactor(
  w: Float64Array,
  shape: readonly number[],
  dim: number,
  size: number,
  rank: number,
  random: Generator,
): Float64Array {
  const { vectors } = symmetricEigen(gram(unfolded(w, shape, dim), size, w.length / size), size);
  return Float64Array.from({ length: size * rank }, (_, at) => {
    const [i, r] = [Math.floor(at / rank), at % rank];
    return r < size ? (vectors[r * size + i] as number) : random.normal() / Math.sqrt(size);
  });
}

/** The tensor as rows along `dim`: [size, rest]. */
function unfolded(w: Float64Array, shape: readonly number[], dim: number): Float64Array {
  const size = shape[dim] as number;
  const inner = shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  const rest = w.length / size;
  const rows = new Float64Array(w.length);
  for (let at = 0; at < w.length; at++) {
    const outer = Math.floor(at / (inner * size));
    rows[(Math.floor(at / inner) % size) * rest + outer * inner + (at % inner)] = w[at] as number;
  }
  return rows;
}

/** Visits every element with the product of all factors but that of `dim` (−1: of all) for each component. */
function visit(
  shape: readonly number[],
  factors: Factors,
  dim: number,
  rank: number,
  see: (at: number, row: number, product: Float64Array) => void,
): void {
  const products = shape.map(() => new Float64Array(rank));
  const ones = new Float64Array(rank).fill(1);
  const descend = (level: number, at: number, row: number): void => {
    if (level === shape.length) {
      see(at, row, level === 0 ? ones : (products[level - 1] as Float64Array));
      return;
    }
    const [size, factor] = [shape[level] as number, factors[level] as Float64Array];
    const before = level === 0 ? ones : (products[level - 1] as Float64Array);
    const own = products[level] as Float64Array;
    for (let i = 0; i < size; i++) {
      if (level === dim) own.set(before);
      else for (let r = 0; r < rank; r++) own[r] = (before[r] as number) * (factor[i * rank + r] as number);
      descend(level + 1, at * size + i, level === dim ? i : row);
    }
  };
  descend(0, 0, 0);
}

/** The tensor times the products of the other factors: [size, rank]. */
function matched(w: Float64Array, shape: readonly number[], factors: Factors, dim: number, rank: number): Float64Array {
  const y = new Float64Array((shape[dim] as number) * rank);
  visit(shape, factors, dim, rank, (at, row, product) => {
    const value = w[at] as number;
    for (let r = 0; r < rank; r++) y[row * rank + r] = (y[row * rank + r] as number) + value * (product[r] as number);
  });
  return y;
}

/** What the products of the other factors have in common, component by component: [rank, rank]. */
function gramOfOthers(factors: Factors, shape: readonly number[], dim: number, rank: number): Float64Array {
  const y = new Float64Array(rank * rank).fill(1);
  factors.forEach((factor, other) => {
    if (other === dim) return;
    for (let a = 0; a < rank; a++) {
      for (let b = 0; b < rank; b++) {
        let sum = 0;
        for (let i = 0; i < (shape[other] as number); i++) {
          sum += (factor[i * rank + a] as number) * (factor[i * rank + b] as number);
        }
        y[a * rank + b] = (y[a * rank + b] as number) * sum;
      }
    }
  });
  return y;
}

/** Replaces the rows of `b` [count, n] by those of b · A⁻¹, A symmetric and not negative, through its Cholesky factor. */
function solve(a: Float64Array, b: Float64Array, count: number, n: number): void {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += a[i * n + i] as number;
  // Components that have become the same make A singular; so little beside it changes no digit that counts.
  const ridge = (trace / n) * 1e-12 || 1;
  const l = a.slice();
  for (let j = 0; j < n; j++) {
    let pivot = (l[j * n + j] as number) + ridge;
    for (let k = 0; k < j; k++) pivot -= elementary.square(l[j * n + k] as number);
    const root = Math.sqrt(Math.max(pivot, ridge));
    l[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = l[i * n + j] as number;
      for (let k = 0; k < j; k++) sum -= (l[i * n + k] as number) * (l[j * n + k] as number);
      l[i * n + j] = sum / root;
    }
  }
  for (let row = 0; row < count; row++) {
    const x = b.subarray(row * n, (row + 1) * n);
    for (let i = 0; i < n; i++) {
      let sum = x[i] as number;
      for (let k = 0; k < i; k++) sum -= (l[i * n + k] as number) * (x[k] as number);
      x[i] = sum / (l[i * n + i] as number);
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = x[i] as number;
      for (let k = i + 1; k < n; k++) sum -= (l[k * n + i] as number) * (x[k] as number);
      x[i] = sum / (l[i * n + i] as number);
    }
  }
}

/** Gives the factors of each component the same length, so that none becomes huge while another vanishes. */
function balance(factors: readonly Float64Array[], shape: readonly number[], rank: number): void {
  for (let r = 0; r < rank; r++) {
    const lengths = factors.map((factor, dim) => {
      let sum = 0;
      for (let i = 0; i < (shape[dim] as number); i++) sum += elementary.square(factor[i * rank + r] as number);
      return Math.sqrt(sum);
    });
    const mean = lengths.reduce((product, length) => product * length, 1) ** (1 / lengths.length);
    if (!(mean > 0)) continue;
    factors.forEach((factor, dim) => {
      const scale = mean / (lengths[dim] as number);
      for (let i = 0; i < (shape[dim] as number); i++) factor[i * rank + r] = (factor[i * rank + r] as number) * scale;
    });
  }
}

/** √(Σ (W − sum of products)² / Σ W²). */
export function cpError(w: Float64Array, shape: readonly number[], factors: Factors, rank: number): number {
  let [lost, size] = [0, 0];
  visit(shape, factors, -1, rank, (at, _, product) => {
    const value = w[at] as number;
    lost += elementary.square(value - product.reduce((a, b) => a + b, 0));
    size += elementary.square(value);
  });
  return size === 0 ? 0 : Math.sqrt(lost / size);
}
