import { symmetricEigen } from './eigen.js';
import { gram, multiply, transpose } from './svd.js';

/** W ≈ out · core · in: channels in and out through bases of fewer, the kernel between them. */
export interface Tucker {
  /** [O, ranks[0]]. */
  readonly out: Float64Array;
  /** [ranks[0], ranks[1], taps]. */
  readonly core: Float64Array;
  /** [ranks[1], I]. */
  readonly into: Float64Array;
}

type Sizes = readonly [out: number, into: number, taps: number];

const MOST_ROUNDS = 20;

/** [a, b, c] as [b, a, c]. */
function swapped(w: Float64Array, [a, b, c]: Sizes): Float64Array {
  const y = new Float64Array(w.length);
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) y.set(w.subarray((i * b + j) * c, (i * b + j + 1) * c), (j * a + i) * c);
  }
  return y;
}

/** How much of W lies along each basis vector of its output and input channels: squared singular values, largest first. */
export function spectra(w: Float64Array, sizes: Sizes): [out: Float64Array, into: Float64Array] {
  const [o, i, taps] = sizes;
  const along = (rows: Float64Array, count: number): Float64Array =>
    symmetricEigen(gram(rows, count, rows.length / count), count).values.map((value) => Math.max(value, 0));
  return [along(w, o), along(swapped(w, [o, i, taps]), i)];
}

/** The leading `rank` directions of rows [count, …]: [rank, count]. */
function leading(rows: Float64Array, count: number, rank: number): Float64Array {
  return symmetricEigen(gram(rows, count, rows.length / count), count).vectors.slice(0, rank * count);
}

/**
 * Tucker-2 of a convolution's weights [O, I, taps]: the directions of input and output channels that W lies in most, found
 * one after the other until nothing more is gained (higher-order orthogonal iteration: De Lathauwer, De Moor and Vandewalle 2000,
 * "On the best rank-1 and rank-(R₁, …, R_N) approximation of higher-order tensors"; for convolutions Kim et al. 2016,
 * "Compression of deep convolutional neural networks for fast and low power mobile applications").
 */
export function tucker2(w: Float64Array, sizes: Sizes, [outRank, inRank]: readonly [number, number]): Tucker {
  const [o, i, taps] = sizes;
  const turned = swapped(w, sizes);
  let into = leading(turned, i, inRank);
  let out = leading(w, o, outRank);
  let core: Float64Array = new Float64Array();
  let kept = -1;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    // [inRank, O, taps] → [O, inRank, taps]: what the input's directions leave, of which the output's are taken.
    const narrow = swapped(multiply(into, turned, inRank, i, o * taps), [inRank, o, taps]);
    out = leading(narrow, o, outRank);
    const other = swapped(multiply(out, w, outRank, o, i * taps), [outRank, i, taps]);
    into = leading(other, i, inRank);
    core = swapped(multiply(into, other, inRank, i, outRank * taps), [inRank, outRank, taps]);
    const size = core.reduce((sum, v) => sum + v * v, 0);
    if (size - kept <= 1e-9 * size) break;
    kept = size;
  }
  return { out: transpose(out, outRank, o), core, into };
}
