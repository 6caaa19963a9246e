import { fail, show } from '../core/errors.js';
import { leading } from '../core/keywords.js';
import type { NamedArguments } from '../core/named.js';
import { sameShape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { add, div, mul, neg, sub } from './arithmetic.js';
import { eq, ne, where } from './compare.js';
import { minimum } from './extremes.js';
import type { LossArguments } from './loss.js';
import { LOSS_NAMES, MARGIN_NAMES, TRIPLET_DISTANCE_NAMES, TRIPLET_NAMES } from './lossnames.js';
import { checkTensor } from './op.js';
import { sum } from './reduce.js';
import { checkSame, type LossOptions, type Reduction, readLoss, reduced } from './reduction.js';
import { pairwiseDistance } from './similarity.js';
import { clamp, exp, log1p, sqrt } from './unary.js';

/** Losses that ask for a distance, and no more once it is kept. */

/** max(x, 0), whose gradient at 0 lets through what arrives. */
function hinge(x: Tensor): Tensor {
  return clamp(x, { min: 0 });
}

export interface MarginOptions extends LossOptions {
  /** The distance to keep. */
  readonly margin?: number;
}

type MarginArguments = NamedArguments<MarginOptions, typeof MARGIN_NAMES>;

/** max(0, −target · (input1 − input2) + margin), target ±1 says which should be the larger; margin is 0 by default. */
export const marginRankingLoss = /* @__PURE__ */ leading(
  'marginRankingLoss',
  ['input2', 'target'],
  (input1: Tensor, input2: Tensor, target: Tensor, ...rest: MarginArguments): Tensor => {
    const { margin = 0, reduction } = readLoss<MarginOptions>('marginRankingLoss', rest, MARGIN_NAMES);
    checkTensor('marginRankingLoss', input1, 'input1');
    checkTensor('marginRankingLoss', input2, 'input2');
    checkTensor('marginRankingLoss', target, 'target');
    if (input1.ndim !== input2.ndim || input1.ndim !== target.ndim) {
      const shapes = [input1, input2, target].map((t) => show(t.shape)).join(', ');
      fail('shape', `marginRankingLoss: all must have as many dimensions, got ${shapes}.`);
    }
    return reduced(hinge(add(mul(neg(target), sub(input1, input2)), margin)), reduction);
  },
);

/** input where target is 1, max(0, margin − input) where it is −1; margin is 1 by default. */
export const hingeEmbeddingLoss = /* @__PURE__ */ leading(
  'hingeEmbeddingLoss',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: MarginArguments): Tensor => {
    const { margin = 1, reduction } = readLoss<MarginOptions>('hingeEmbeddingLoss', rest, MARGIN_NAMES);
    checkTensor('hingeEmbeddingLoss', input);
    checkTensor('hingeEmbeddingLoss', target, 'target');
    const near = where(ne(target, -1), input, 0);
    const far = where(ne(target, 1), hinge(sub(margin, input)), 0);
    return reduced(add(far, near), reduction);
  },
);

/** Added to squared lengths, as PyTorch does. */
const LEAST_SQUARE = 1e-12;

/**
 * 1 − cos(input1, input2) where target is 1, max(0, cos − margin) where it is −1: inputs [N, D] and target [N], or [D] and [].
 */
export const cosineEmbeddingLoss = /* @__PURE__ */ leading(
  'cosineEmbeddingLoss',
  ['input2', 'target'],
  (input1: Tensor, input2: Tensor, target: Tensor, ...rest: MarginArguments): Tensor => {
    const { margin = 0, reduction } = readLoss<MarginOptions>('cosineEmbeddingLoss', rest, MARGIN_NAMES);
    checkSame('cosineEmbeddingLoss', input1, input2);
    checkTensor('cosineEmbeddingLoss', target, 'target');
    if (input1.ndim < 1 || input1.ndim > 2 || !sameShape(target.shape, input1.shape.slice(0, -1))) {
      fail(
        'shape',
        'cosineEmbeddingLoss: inputs must be [N, D] and target [N], or [D] and [], ' +
          `got ${show(input1.shape)} and ${show(target.shape)}.`,
      );
    }
    const product = sum(mul(input1, input2), -1);
    const [a, b] = [input1, input2].map((x) => add(sum(mul(x, x), -1), LEAST_SQUARE)) as [Tensor, Tensor];
    const cosine = div(product, sqrt(mul(a, b)));
    const alike = where(eq(target, 1), sub(1, cosine), 0);
    const apart = where(eq(target, -1), hinge(sub(cosine, margin)), 0);
    return reduced(add(alike, apart), reduction);
  },
);

export interface TripletMarginOptions extends MarginOptions {
  /** Which norm measures distances. Default 2. */
  readonly p?: number;
  /** Added to every difference. Default 1e-6. */
  readonly eps?: number;
  /** Whether the distance of positive and negative counts where it is the smaller one (Balntas et al. 2016). Default false. */
  readonly swap?: boolean;
}

/** max(0, ‖anchor − positive‖ − ‖anchor − negative‖ + margin) along the last dimension; margin is 1 by default. */
export const tripletMarginLoss = /* @__PURE__ */ leading(
  'tripletMarginLoss',
  ['positive', 'negative'],
  (
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    ...rest: NamedArguments<TripletMarginOptions, typeof TRIPLET_NAMES>
  ): Tensor => {
    const options = readLoss<TripletMarginOptions>('tripletMarginLoss', rest, TRIPLET_NAMES);
    const { margin = 1, p = 2, eps = 1e-6, swap = false, reduction } = options;
    checkTensor('tripletMarginLoss', anchor, 'anchor');
    checkTensor('tripletMarginLoss', positive, 'positive');
    checkTensor('tripletMarginLoss', negative, 'negative');
    if (anchor.ndim !== positive.ndim || anchor.ndim !== negative.ndim) {
      const shapes = [anchor, positive, negative].map((t) => show(t.shape)).join(', ');
      fail('shape', `tripletMarginLoss: all must have as many dimensions, got ${shapes}.`);
    }
    const near = pairwiseDistance(anchor, positive, { p, eps });
    const far = pairwiseDistance(anchor, negative, { p, eps });
    const apart = swap ? minimum(far, pairwiseDistance(positive, negative, { p, eps })) : far;
    return reduced(hinge(add(sub(near, apart), margin)), reduction);
  },
);

export interface TripletDistanceOptions {
  /** What measures the distance of two tensors; larger is farther. Default `pairwiseDistance`. */
  readonly distanceFunction?: ((a: Tensor, b: Tensor) => Tensor) | null;
  /** How much farther the negative is to be. Default 1. */
  readonly margin?: number;
  /** Whether the distance of positive and negative counts where it is the smaller one. Default false. */
  readonly swap?: boolean;
  /** As all losses have it. Default 'mean'. */
  readonly reduction?: Reduction;
}

/** `tripletMarginLoss` with a distance of one's own. */
export const tripletMarginWithDistanceLoss = /* @__PURE__ */ leading(
  'tripletMarginWithDistanceLoss',
  ['positive', 'negative'],
  (
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    ...rest: NamedArguments<TripletDistanceOptions, typeof TRIPLET_DISTANCE_NAMES>
  ): Tensor => {
    const options = readLoss<TripletDistanceOptions>('tripletMarginWithDistanceLoss', rest, TRIPLET_DISTANCE_NAMES);
    const { distanceFunction = (a, b) => pairwiseDistance(a, b), margin = 1, swap = false, reduction } = options;
    const near = distanceFunction(anchor, positive);
    const far = distanceFunction(anchor, negative);
    const apart = swap ? minimum(far, distanceFunction(positive, negative)) : far;
    return reduced(hinge(add(sub(near, apart), margin)), reduction);
  },
);

/** log(1 + e^(−target · input)), target ±1. */
export const softMarginLoss = /* @__PURE__ */ leading(
  'softMarginLoss',
  ['target'],
  (input: Tensor, target: Tensor, ...rest: LossArguments): Tensor => {
    const { reduction } = readLoss<LossOptions>('softMarginLoss', rest, LOSS_NAMES);
    checkTensor('softMarginLoss', input);
    checkTensor('softMarginLoss', target, 'target');
    return reduced(log1p(exp(mul(neg(target), input))), reduction);
  },
);
