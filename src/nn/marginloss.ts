import { readArguments } from '../core/arguments.js';
import type { NamedArguments } from '../core/named.js';
import * as ops from '../ops/index.js';
import * as names from '../ops/lossnames.js';
import type { Tensor } from '../tensor.js';
import { bufferOf, Loss } from './lossbase.js';
import { type Buffer, Module } from './module.js';

/** Losses as modules: of distances and margins, of sequences; and the distances themselves. */

/** Brings pairs of vectors to one direction, or apart. */
export class CosineEmbeddingLoss extends Loss<ops.MarginOptions> {
  constructor(...rest: NamedArguments<ops.MarginOptions, typeof names.MARGIN_NAMES>) {
    super('CosineEmbeddingLoss', rest, names.MARGIN_NAMES);
  }

  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return ops.cosineEmbeddingLoss(input1, input2, target, this.options);
  }
}

/** Asks for an order of two inputs. */
export class MarginRankingLoss extends Loss<ops.MarginOptions> {
  constructor(...rest: NamedArguments<ops.MarginOptions, typeof names.MARGIN_NAMES>) {
    super('MarginRankingLoss', rest, names.MARGIN_NAMES);
  }

  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return ops.marginRankingLoss(input1, input2, target, this.options);
  }
}

/** Makes distances small, or as large as the margin. */
export class HingeEmbeddingLoss extends Loss<ops.MarginOptions> {
  constructor(...rest: NamedArguments<ops.MarginOptions, typeof names.MARGIN_NAMES>) {
    super('HingeEmbeddingLoss', rest, names.MARGIN_NAMES);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.hingeEmbeddingLoss(input, target, this.options);
  }
}

/** Asks the negative to be farther than the positive. */
export class TripletMarginLoss extends Loss<ops.TripletMarginOptions> {
  constructor(...rest: NamedArguments<ops.TripletMarginOptions, typeof names.TRIPLET_NAMES>) {
    super('TripletMarginLoss', rest, names.TRIPLET_NAMES);
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    return ops.tripletMarginLoss(anchor, positive, negative, this.options);
  }
}

/** log(1 + e^(−target · input)). */
export class SoftMarginLoss extends Loss<ops.LossOptions> {
  constructor(...rest: NamedArguments<ops.LossOptions, typeof names.LOSS_NAMES>) {
    super('SoftMarginLoss', rest, names.LOSS_NAMES);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.softMarginLoss(input, target, this.options);
  }
}

/** Asks one class to stand out by a margin. */
export class MultiMarginLoss extends Loss<ops.MultiMarginOptions> {
  readonly weight: Buffer | null;

  constructor(...rest: NamedArguments<ops.MultiMarginOptions, typeof names.MULTI_MARGIN_NAMES>) {
    super('MultiMarginLoss', rest, names.MULTI_MARGIN_NAMES);
    this.weight = bufferOf(this.options.weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.multiMarginLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/** Asks several classes to stand out by a margin of 1. */
export class MultiLabelMarginLoss extends Loss<ops.LossOptions> {
  constructor(...rest: NamedArguments<ops.LossOptions, typeof names.LOSS_NAMES>) {
    super('MultiLabelMarginLoss', rest, names.LOSS_NAMES);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.multilabelMarginLoss(input, target, this.options);
  }
}

/** Binary cross entropy of logits, averaged over classes. */
export class MultiLabelSoftMarginLoss extends Loss<ops.MultilabelSoftMarginOptions> {
  readonly weight: Buffer | null;

  constructor(...rest: NamedArguments<ops.MultilabelSoftMarginOptions, typeof names.SOFT_NAMES>) {
    super('MultiLabelSoftMarginLoss', rest, names.SOFT_NAMES);
    this.weight = bufferOf(this.options.weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return ops.multilabelSoftMarginLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/** Minus the log likelihood of label sequences whose places in time are not known. */
export class CTCLoss extends Loss<ops.CtcOptions> {
  constructor(...rest: NamedArguments<ops.CtcOptions, typeof names.CTC_NAMES>) {
    super('CTCLoss', rest, names.CTC_NAMES);
  }

  forward(logProbs: Tensor, targets: Tensor, inputLengths: ops.Lengths, targetLengths: ops.Lengths): Tensor {
    return ops.ctcLoss(logProbs, targets, inputLengths, targetLengths, this.options);
  }
}

/** x1 · x2 / (‖x1‖ · ‖x2‖) along a dimension. */
export class CosineSimilarity extends Module {
  readonly dim: number;
  readonly eps: number;

  constructor(...rest: NamedArguments<ops.CosineSimilarityOptions, readonly ['dim', 'eps']>) {
    super();
    const given = readArguments<ops.CosineSimilarityOptions>('CosineSimilarity', rest, ['dim', 'eps']);
    this.dim = given.dim ?? 1;
    this.eps = given.eps ?? 1e-8;
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return ops.cosineSimilarity(x1, x2, this.dim, this.eps);
  }
}

/** ‖x1 − x2 + eps‖ₚ along the last dimension. */
export class PairwiseDistance extends Module {
  readonly p: number;
  readonly eps: number;
  readonly keepdim: boolean;

  constructor(...rest: NamedArguments<ops.PairwiseDistanceOptions, readonly ['p', 'eps', 'keepdim']>) {
    super();
    const given = readArguments<ops.PairwiseDistanceOptions>('PairwiseDistance', rest, ['p', 'eps', 'keepdim']);
    this.p = given.p ?? 2;
    this.eps = given.eps ?? 1e-6;
    this.keepdim = given.keepdim ?? false;
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return ops.pairwiseDistance(x1, x2, { p: this.p, eps: this.eps, keepdim: this.keepdim });
  }
}

/** What measures a distance: a function, or a layer. */
type Distance = ((a: Tensor, b: Tensor) => Tensor) | (Module & { forward(a: Tensor, b: Tensor): Tensor });

export interface TripletDistanceLossOptions extends Omit<ops.TripletDistanceOptions, 'distanceFunction'> {
  readonly distanceFunction?: Distance | null;
}

/** `TripletMarginLoss` with a distance of one's own: a function, or a layer. */
export class TripletMarginWithDistanceLoss extends Module {
  readonly distanceFunction: Distance;
  readonly options: Omit<ops.TripletDistanceOptions, 'distanceFunction'>;

  constructor(...rest: NamedArguments<TripletDistanceLossOptions, typeof names.TRIPLET_DISTANCE_NAMES>) {
    super();
    const known = names.TRIPLET_DISTANCE_NAMES;
    const given = readArguments<TripletDistanceLossOptions>('TripletMarginWithDistanceLoss', rest, known);
    const { distanceFunction, ...options } = given;
    this.distanceFunction = distanceFunction ?? new PairwiseDistance();
    this.options = options;
  }

  protected override stateName(property: string): string {
    return property === 'distanceFunction' ? 'distance_function' : property;
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { distanceFunction: measure } = this;
    const distanceFunction =
      measure instanceof Module ? (a: Tensor, b: Tensor): Tensor => measure.forward(a, b) : measure;
    return ops.tripletMarginWithDistanceLoss(anchor, positive, negative, { ...this.options, distanceFunction });
  }
}
