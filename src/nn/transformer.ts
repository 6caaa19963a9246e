import { readArguments } from '../core/arguments.js';
import { fail, show } from '../core/errors.js';
import { checkSize } from '../core/shape.js';
import { full, triu } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { cloneModule } from './clone.js';
import { ModuleList } from './container.js';
import { xavierUniform_ } from './init.js';
import type { LayerNorm } from './layernorm.js';
import { Module } from './module.js';
import {
  type Activation,
  type DecoderMasks,
  normOf,
  TransformerDecoderLayer,
  type TransformerDecoderLayerArguments,
  TransformerEncoderLayer,
  type TransformerEncoderLayerArguments,
} from './transformerlayer.js';

/** Stacks of transformer layers, and the encoder and decoder of the paper (Vaswani et al. 2017). */

/** A layer that an encoder may repeat. */
export type EncoderLayer = Module & { forward(src: Tensor, ...rest: TransformerEncoderLayerArguments): Tensor };
/** A layer that a decoder may repeat. */
export type DecoderLayer = Module & {
  forward(tgt: Tensor, memory: Tensor, ...rest: TransformerDecoderLayerArguments): Tensor;
};
/** What may stand behind the last layer. */
type Norm = Module & { forward(x: Tensor): Tensor };

interface StackOptions {
  readonly numLayers?: number;
  /** Stands behind the last layer. Default null. */
  readonly norm?: Norm | null;
}

/** What follows the layer, by position or by name. */
type StackArguments =
  | readonly [options: StackOptions & { readonly numLayers: number }]
  | readonly [numLayers: number, norm?: Norm | null | StackOptions];

const STACK_NAMES = ['numLayers', 'norm'] as const;

/** PyTorch's ways to go faster through padding, which change no value; here there is one way. */
interface EncoderOptions extends StackOptions {
  readonly enableNestedTensor?: boolean;
  readonly maskCheck?: boolean;
}

type EncoderStackArguments =
  | readonly [options: EncoderOptions & { readonly numLayers: number }]
  | readonly [
      numLayers: number,
      norm?: Norm | null | EncoderOptions,
      enableNestedTensor?: boolean | EncoderOptions,
      maskCheck?: boolean | EncoderOptions,
    ];

function copies(name: string, layer: Module, numLayers: number | undefined): ModuleList {
  checkSize(name, 'numLayers', numLayers);
  if (!(layer instanceof Module)) fail('argument', `${name}: expected a layer, got ${typeof layer}.`);
  return new ModuleList(Array.from({ length: numLayers as number }, () => cloneModule(layer)));
}

export interface EncoderMasks {
  /** What not to see of src, [T, T] or [N · heads, T, T]: bool, true where hidden, or floats added to the scores. */
  readonly mask?: Tensor | null;
  /** Elements of src to leave out, [N, T]. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Says that mask is the causal one; it has to be given all the same. */
  readonly isCausal?: boolean | null;
}

/** What follows src, by position or by name. */
export type EncoderArguments =
  | readonly [masks?: EncoderMasks]
  | readonly [
      mask?: Tensor | null,
      srcKeyPaddingMask?: Tensor | null | EncoderMasks,
      isCausal?: boolean | null | EncoderMasks,
    ];

/** Copies of one layer, one behind the other, and a norm behind the last. The layer given is not among them. */
export class TransformerEncoder extends Module {
  layers: ModuleList;
  norm: Norm | null;

  constructor(encoderLayer: EncoderLayer, ...rest: EncoderStackArguments) {
    super();
    const names = [...STACK_NAMES, 'enableNestedTensor', 'maskCheck'] as const;
    const { numLayers, norm = null } = readArguments<EncoderOptions>('TransformerEncoder', rest, names);
    this.layers = copies('TransformerEncoder', encoderLayer, numLayers);
    this.norm = norm;
  }

  get numLayers(): number {
    return this.layers.length;
  }

  /** src [T, N, dModel] (or batch first, or without a batch, as its layers take it) → the same shape. */
  forward(src: Tensor, ...rest: EncoderArguments): Tensor {
    const names = ['mask', 'srcKeyPaddingMask', 'isCausal'] as const;
    const { mask, srcKeyPaddingMask, isCausal } = readArguments<EncoderMasks>('TransformerEncoder', rest, names);
    const masks = { srcMask: mask ?? null, srcKeyPaddingMask: srcKeyPaddingMask ?? null, isCausal: isCausal ?? false };
    const y = [...this.layers].reduce((x, layer) => (layer as EncoderLayer).forward(x, masks), src);
    return this.norm === null ? y : this.norm.forward(y);
  }
}

/** Copies of one layer, one behind the other, and a norm behind the last. The layer given is not among them. */
export class TransformerDecoder extends Module {
  layers: ModuleList;
  norm: Norm | null;

  constructor(decoderLayer: DecoderLayer, ...rest: StackArguments) {
    super();
    const { numLayers, norm = null } = readArguments<StackOptions>('TransformerDecoder', rest, STACK_NAMES);
    this.layers = copies('TransformerDecoder', decoderLayer, numLayers);
    this.norm = norm;
  }

  get numLayers(): number {
    return this.layers.length;
  }

  /** tgt [T, N, dModel] and memory [S, N, dModel] (or batch first, or without a batch) → the shape of tgt. */
  forward(tgt: Tensor, memory: Tensor, ...rest: TransformerDecoderLayerArguments): Tensor {
    const y = [...this.layers].reduce((x, layer) => (layer as DecoderLayer).forward(x, memory, ...rest), tgt);
    return this.norm === null ? y : this.norm.forward(y);
  }
}

export interface TransformerOptions {
  /** Default 512. */
  readonly dModel?: number;
  /** Default 8. */
  readonly nhead?: number;
  /** Default 6. */
  readonly numEncoderLayers?: number;
  /** Default 6. */
  readonly numDecoderLayers?: number;
  /** Width between the two products of a layer. Default 2048. */
  readonly dimFeedforward?: number;
  /** Default 0.1. */
  readonly dropout?: number;
  /** Default 'relu'. */
  readonly activation?: Activation;
  /** An encoder of one's own. */
  readonly customEncoder?: (Module & { forward(src: Tensor, masks: EncoderMasks): Tensor }) | null;
  /** A decoder of one's own. */
  readonly customDecoder?: (Module & { forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks): Tensor }) | null;
  /** Default 1e-5. */
  readonly layerNormEps?: number;
  /** [N, T, ..] instead of [T, N, ..]. Default false. */
  readonly batchFirst?: boolean;
  /** Whether norms stand before attention and products instead of behind them. Default false. */
  readonly normFirst?: boolean;
  /** Whether layers add learned shifts. Default true. */
  readonly bias?: boolean;
}

const TRANSFORMER_NAMES = [
  ...(['dModel', 'nhead', 'numEncoderLayers', 'numDecoderLayers', 'dimFeedforward', 'dropout', 'activation'] as const),
  ...(['customEncoder', 'customDecoder', 'layerNormEps', 'batchFirst', 'normFirst', 'bias'] as const),
];

export interface TransformerMasks {
  /** What not to see of src, [S, S] or [N · heads, S, S]: bool, true where hidden, or floats added to the scores. */
  readonly srcMask?: Tensor | null;
  /** The same of tgt: [T, T]. */
  readonly tgtMask?: Tensor | null;
  /** What tgt does not see of memory: [T, S]. */
  readonly memoryMask?: Tensor | null;
  /** Elements to leave out: [N, S]. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** [N, T]. */
  readonly tgtKeyPaddingMask?: Tensor | null;
  /** [N, S]. */
  readonly memoryKeyPaddingMask?: Tensor | null;
  /** Say that the mask of that name is the causal one; it has to be given all the same. */
  readonly srcIsCausal?: boolean | null;
  readonly tgtIsCausal?: boolean | null;
  readonly memoryIsCausal?: boolean;
}

const MASK_NAMES = [
  ...(['srcMask', 'tgtMask', 'memoryMask', 'srcKeyPaddingMask', 'tgtKeyPaddingMask'] as const),
  ...(['memoryKeyPaddingMask', 'srcIsCausal', 'tgtIsCausal', 'memoryIsCausal'] as const),
];

/** The encoder and decoder of the paper; embeddings, positions and the output layer are the model's business. */
export class Transformer extends Module {
  encoder: Module & { forward(src: Tensor, masks: EncoderMasks): Tensor };
  decoder: Module & { forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks): Tensor };
  readonly dModel: number;
  readonly nhead: number;
  readonly batchFirst: boolean;

  /** Arguments by position or by name, in the order of `TransformerOptions`. */
  constructor(...rest: readonly unknown[]) {
    super();
    const given = readArguments<TransformerOptions>('Transformer', rest, TRANSFORMER_NAMES);
    const { dModel = 512, nhead = 8, numEncoderLayers = 6, numDecoderLayers = 6, ...layer } = given;
    const { customEncoder, customDecoder, ...options } = layer;
    const { layerNormEps = 1e-5, bias = true, batchFirst = false } = options;
    const norm = (): LayerNorm => normOf(dModel, { layerNormEps, bias });
    this.encoder =
      customEncoder ??
      repeat(
        new TransformerEncoderLayer(dModel, nhead, options),
        (one) => new TransformerEncoder(one, numEncoderLayers, norm()),
      );
    this.decoder =
      customDecoder ??
      repeat(
        new TransformerDecoderLayer(dModel, nhead, options),
        (one) => new TransformerDecoder(one, numDecoderLayers, norm()),
      );
    this.dModel = dModel;
    this.nhead = nhead;
    this.batchFirst = batchFirst;
    for (const parameter of this.parameters()) if (parameter.ndim > 1) xavierUniform_(parameter);
  }

  /** src [S, N, dModel] and tgt [T, N, dModel] → [T, N, dModel]; or batch first, or without a batch. */
  forward(src: Tensor, tgt: Tensor, ...rest: readonly unknown[]): Tensor {
    const given = readArguments<TransformerMasks>('Transformer', rest, MASK_NAMES);
    const { dModel } = this;
    if (src.ndim !== tgt.ndim || (src.ndim !== 2 && src.ndim !== 3)) {
      fail(
        'shape',
        `Transformer: src and tgt must both have 2 or 3 dimensions: ${show(src.shape)}, ${show(tgt.shape)}.`,
      );
    }
    const side = this.batchFirst ? 0 : 1;
    if (src.ndim === 3 && src.shape[side] !== tgt.shape[side]) {
      fail('shape', `Transformer: src ${show(src.shape)} and tgt ${show(tgt.shape)} must be of one batch size.`);
    }
    if (src.shape[src.ndim - 1] !== dModel || tgt.shape[tgt.ndim - 1] !== dModel) {
      fail('shape', `Transformer: last sizes must be ${dModel}, got ${show(src.shape)} and ${show(tgt.shape)}.`);
    }
    const { srcMask, srcIsCausal, srcKeyPaddingMask, ...others } = given;
    const memory = this.encoder.forward(src, {
      mask: srcMask ?? null,
      srcKeyPaddingMask: srcKeyPaddingMask ?? null,
      isCausal: srcIsCausal ?? false,
    });
    return this.decoder.forward(tgt, memory, others);
  }

  /** The mask with which element i sees 0 … i alone, to be added to scores: 0 there, −∞ elsewhere; [size, size]. */
  static generateSquareSubsequentMask(size: number): Tensor {
    checkSize('generateSquareSubsequentMask', 'size', size);
    return triu(full([size, size], Number.NEGATIVE_INFINITY), 1);
  }

  /** The same, of a model at hand. */
  generateSquareSubsequentMask(size: number): Tensor {
    return Transformer.generateSquareSubsequentMask(size);
  }
}

/** What `make` makes of copies of `layer`, which is freed: it was only the pattern. */
function repeat<L extends Module, M>(layer: L, make: (layer: L) => M): M {
  try {
    return make(layer);
  } finally {
    layer.dispose();
  }
}
