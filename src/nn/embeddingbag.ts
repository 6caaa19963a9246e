import { readArguments } from '../core/arguments.js';
import type { NamedArguments } from '../core/named.js';
import * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Embedding, type EmbeddingLayerOptions } from './embedding.js';
import { python } from './repr.js';

export interface EmbeddingBagLayerOptions extends EmbeddingLayerOptions {
  /** What is made of the rows of a bag. Default 'mean'. */
  readonly mode?: 'sum' | 'mean' | 'max';
  /** Whether the last offset is the end of the last bag. Default false. */
  readonly includeLastOffset?: boolean;
}

const NAMES = [
  ...(['maxNorm', 'normType', 'scaleGradByFreq', 'mode', 'sparse'] as const),
  ...(['includeLastOffset', 'paddingIdx'] as const),
];

const FORWARD = ['offsets', 'perSampleWeights'] as const;

interface BagInputs {
  readonly offsets?: Tensor | null;
  readonly perSampleWeights?: Tensor | null;
}

/** Sums, means or largest values of bags of vectors, without making the vectors: [B, N] or [N] and offsets → [B, embeddingDim]. */
export class EmbeddingBag extends Embedding {
  readonly mode: 'sum' | 'mean' | 'max';
  readonly includeLastOffset: boolean;

  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    ...rest: readonly (EmbeddingBagLayerOptions | number | boolean | string | null | undefined)[]
  ) {
    const given = readArguments<EmbeddingBagLayerOptions>('EmbeddingBag', rest, NAMES);
    const { mode = 'mean', includeLastOffset = false, ...options } = given;
    super(numEmbeddings, embeddingDim, options);
    this.mode = mode;
    this.includeLastOffset = includeLastOffset;
  }

  override forward(input: Tensor, ...rest: NamedArguments<BagInputs, typeof FORWARD>): Tensor {
    const { offsets = null, perSampleWeights = null } = readArguments<BagInputs>('EmbeddingBag', rest, FORWARD);
    const { paddingIdx, maxNorm, normType, scaleGradByFreq, sparse, mode, includeLastOffset } = this;
    const options = { paddingIdx, maxNorm, normType, scaleGradByFreq, sparse, mode, includeLastOffset };
    return ops.embeddingBag(input, this.weight, { ...options, offsets, perSampleWeights });
  }

  protected override extraRepr(): string {
    const { maxNorm, normType, paddingIdx } = this;
    return [
      `${this.numEmbeddings}, ${this.embeddingDim}`,
      ...(maxNorm === null ? [] : [`max_norm=${python(maxNorm)}`]),
      ...(normType === 2 ? [] : [`norm_type=${python(normType)}`]),
      ...(this.scaleGradByFreq ? ['scale_grad_by_freq=True'] : []),
      `mode=${this.mode}`,
      ...(paddingIdx === null ? [] : [`padding_idx=${paddingIdx}`]),
    ].join(', ');
  }
}
