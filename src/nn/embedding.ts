import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import type { NamedArguments } from '../core/named.js';
import { checkSize } from '../core/shape.js';
import * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { normal_ } from './init.js';
import { Module, Parameter } from './module.js';
import { python } from './repr.js';

export interface EmbeddingLayerOptions {
  /** A row of zeros that is not learned; negative numbers count from the end. Default none. */
  readonly paddingIdx?: number | null;
  /** Rows that are read and longer than this are shortened to it, in the weight itself. Default none. */
  readonly maxNorm?: number | null;
  /** The p of the norm that maxNorm bounds. Default 2. */
  readonly normType?: number;
  /** Whether the gradient of a row is divided by how often it is read. Default false. */
  readonly scaleGradByFreq?: boolean;
  /** Accepted for PyTorch's sake: gradients are dense. */
  readonly sparse?: boolean;
}

const NAMES = ['paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq', 'sparse'] as const;

/** A table of `numEmbeddings` vectors, read by index: [..] → [.., embeddingDim]. They begin normal. */
export class Embedding extends Module {
  weight: Parameter;
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  readonly sparse: boolean;

  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    ...rest: NamedArguments<EmbeddingLayerOptions, typeof NAMES>
  ) {
    super();
    checkSize('Embedding', 'numEmbeddings', numEmbeddings);
    checkSize('Embedding', 'embeddingDim', embeddingDim);
    const given = readArguments<EmbeddingLayerOptions>('Embedding', rest, NAMES);
    const { paddingIdx = null, maxNorm = null, normType = 2, scaleGradByFreq = false, sparse = false } = given;
    if (paddingIdx !== null && !(paddingIdx >= -numEmbeddings && paddingIdx < numEmbeddings)) {
      fail('argument', `Embedding: paddingIdx ${paddingIdx} lies outside the ${numEmbeddings} embeddings.`);
    }
    this.paddingIdx = paddingIdx === null ? null : (paddingIdx + numEmbeddings) % numEmbeddings;
    this.maxNorm = maxNorm;
    this.normType = normType;
    this.scaleGradByFreq = scaleGradByFreq;
    this.sparse = sparse;
    this.weight = new Parameter(ops.empty([numEmbeddings, embeddingDim]));
    this.resetParameters();
  }

  /** A layer with the vectors of `embeddings` [n, features], which are copied and, with `freeze`, not learned. */
  static fromPretrained(
    embeddings: Tensor,
    ...rest: NamedArguments<PretrainedOptions, typeof PRETRAINED_NAMES>
  ): Embedding {
    if (embeddings.ndim !== 2) {
      fail('shape', `Embedding.fromPretrained: expected [n, features], got ${show(embeddings.shape)}.`);
    }
    const given = readArguments<PretrainedOptions>('Embedding.fromPretrained', rest, PRETRAINED_NAMES);
    const { freeze = true, ...options } = given;
    const [rows, features] = embeddings.shape as [number, number];
    const layer = new Embedding(rows, features, options);
    layer.loadStateDict({ weight: embeddings });
    layer.weight.requiresGrad = !freeze;
    return layer;
  }

  /** N(0, 1), and zeros at paddingIdx. */
  resetParameters(): void {
    normal_(this.weight);
    if (this.paddingIdx === null) return;
    const { storage, offset } = this.weight;
    const bytes = this.embeddingDim * 4;
    storage.device.write(storage, offset * 4 + this.paddingIdx * bytes, new Uint8Array(bytes));
  }

  forward(input: Tensor): Tensor {
    const { paddingIdx, maxNorm, normType, scaleGradByFreq, sparse } = this;
    const bounds = maxNorm === null ? {} : { maxNorm, normType };
    const options = {
      paddingIdx,
      ...bounds,
      ...(scaleGradByFreq ? { scaleGradByFreq } : {}),
      ...(sparse ? { sparse } : {}),
    };
    return ops.embedding(input, this.weight, options);
  }

  protected override extraRepr(): string {
    const { paddingIdx, maxNorm, normType } = this;
    return [
      `${this.numEmbeddings}, ${this.embeddingDim}`,
      ...(paddingIdx === null ? [] : [`padding_idx=${paddingIdx}`]),
      ...(maxNorm === null ? [] : [`max_norm=${python(maxNorm)}`]),
      ...(normType === 2 ? [] : [`norm_type=${python(normType)}`]),
      ...(this.scaleGradByFreq ? ['scale_grad_by_freq=True'] : []),
      ...(this.sparse ? ['sparse=True'] : []),
    ].join(', ');
  }
}

interface PretrainedOptions extends EmbeddingLayerOptions {
  /** Whether the vectors stay as they are. Default true. */
  readonly freeze?: boolean;
}

const PRETRAINED_NAMES = ['freeze', ...NAMES] as const;
