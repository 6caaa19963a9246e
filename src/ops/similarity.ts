import { noGrad, record } from '../autograd/index.js';
import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import type { NamedArguments } from '../core/named.js';
import { broadcastShapes } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul, sub } from './arithmetic.js';
import { expand } from './broadcast.js';
import { eq, where } from './compare.js';
import { checkTensor } from './op.js';
import { pow } from './power.js';
import { amax, sum } from './reduce.js';
import { abs, clamp, sqrt } from './unary.js';

/** How alike two vectors are, and how far apart. */

/** The root of a sum of squares or of powers; where that is 0, so is its gradient. */
function root(total: Tensor, take: (x: Tensor) => Tensor): Tensor {
  const isZero = eq(total, 0);
  return where(isZero, 0, take(where(isZero, 1, total)));
}

/** ‖x‖ₚ along `dim`, which stays with size 1 where `keepdim` says so. */
function normAlong(x: Tensor, p: number, dim: number, keepdim: boolean): Tensor {
  if (p === 2) return root(sum(mul(x, x), dim, keepdim), sqrt);
  if (p === 1) return sum(abs(x), dim, keepdim);
  if (p === Infinity) return amax(abs(x), dim, keepdim);
  // A power below 1 has no slope at 0, where the norm's is taken to be 0.
  const size = abs(x);
  return root(
    sum(
      root(size, (v) => pow(v, p)),
      dim,
      keepdim,
    ),
    (v) => pow(v, 1 / p),
  );
}

/** ‖x‖ along `dim`, no smaller than `eps`; its gradient is x / ‖x‖ with that same bounded norm, as PyTorch's is. */
function boundedNorm(x: Tensor, dim: number, eps: number): Tensor {
  const norm = noGrad(() => clamp(sqrt(sum(mul(x, x), dim, true)), { min: eps }));
  record('norm', [x], [norm], [x, norm], ([g], [held, y]) => {
    const isZero = eq(y as Tensor, 0);
    const slope = div(held as Tensor, where(isZero, 1, y as Tensor));
    return [mul(where(isZero, 0, slope), g as Tensor)];
  });
  return norm;
}

export interface CosineSimilarityOptions {
  /** The dimension of the vectors. Default 1. */
  readonly dim?: number;
  /** The least norm that is divided by. Default 1e-8. */
  readonly eps?: number;
}

/** x1 · x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)) along `dim`, broadcasting. */
export const cosineSimilarity = /* @__PURE__ */ leading(
  'cosineSimilarity',
  ['x2'],
  (x1: Tensor, x2: Tensor, ...rest: NamedArguments<CosineSimilarityOptions, readonly ['dim', 'eps']>): Tensor => {
    checkTensor('cosineSimilarity', x1, 'x1');
    checkTensor('cosineSimilarity', x2, 'x2');
    const given = readArguments<CosineSimilarityOptions>('cosineSimilarity', rest, ['dim', 'eps']);
    const { dim: along = 1, eps: least = 1e-8 } = given;
    const shape = broadcastShapes('cosineSimilarity', x1.shape, x2.shape);
    const [a, b] = [x1, x2].map((t) => {
      const x = expand(t, shape);
      return div(x, boundedNorm(x, along, least));
    }) as [Tensor, Tensor];
    return sum(mul(a, b), along);
  },
);

export interface PairwiseDistanceOptions {
  /** Which norm. Default 2. */
  readonly p?: number;
  /** Added to every difference. Default 1e-6. */
  readonly eps?: number;
  /** Whether the last dimension stays, with size 1. Default false. */
  readonly keepdim?: boolean;
}

/** ‖x1 − x2 + eps‖ₚ along the last dimension, broadcasting. */
export const pairwiseDistance = /* @__PURE__ */ leading(
  'pairwiseDistance',
  ['x2'],
  (
    x1: Tensor,
    x2: Tensor,
    ...rest: NamedArguments<PairwiseDistanceOptions, readonly ['p', 'eps', 'keepdim']>
  ): Tensor => {
    const given = readArguments<PairwiseDistanceOptions>('pairwiseDistance', rest, ['p', 'eps', 'keepdim']);
    const { p = 2, eps = 1e-6, keepdim = false } = given;
    checkTensor('pairwiseDistance', x1, 'x1');
    checkTensor('pairwiseDistance', x2, 'x2');
    if (!(p > 0)) fail('argument', `pairwiseDistance: p must be greater than 0, got ${p}.`);
    return normAlong(add(sub(x1, x2), eps), p, -1, keepdim);
  },
);
