import { readArguments } from '../core/arguments.js';
import { fail } from '../core/errors.js';
import { add, gelu, relu } from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { MultiheadAttention } from './attention.js';
import { Dropout } from './dropout.js';
import { LayerNorm } from './layernorm.js';
import { Linear } from './linear.js';
import { Module } from './module.js';

/** The layers of transformers: attention, then two products, each with the input going by (Vaswani et al. 2017). */

/** Between the two products: by name, as a function, or as a module. */
export type Activation = 'relu' | 'gelu' | ((x: Tensor) => Tensor) | (Module & { forward(x: Tensor): Tensor });

export interface TransformerLayerOptions {
  /** Width between the two products. Default 2048. */
  readonly dimFeedforward?: number;
  /** Default 0.1. */
  readonly dropout?: number;
  /** Default 'relu'. */
  readonly activation?: Activation;
  /** Default 1e-5. */
  readonly layerNormEps?: number;
  /** [N, T, ..] instead of [T, N, ..]. Default false. */
  readonly batchFirst?: boolean;
  /** Whether norms stand before attention and products instead of behind them. Default false. */
  readonly normFirst?: boolean;
  /** Whether to add learned shifts, everywhere. Default true. */
  readonly bias?: boolean;
  /** Size of each head. Default dModel / nhead, which must be whole then; where heads were removed, it is not. */
  readonly headDim?: number | null;
  /** Heads with which a decoder layer looks at memory. Default nhead. */
  readonly memoryHeads?: number | null;
}

/** What follows dModel and nhead, by position or by name. */
export type TransformerLayerArguments =
  | readonly [options?: TransformerLayerOptions]
  | readonly [
      dimFeedforward?: number,
      dropout?: number | TransformerLayerOptions,
      activation?: Activation | TransformerLayerOptions,
      layerNormEps?: number | TransformerLayerOptions,
      batchFirst?: boolean | TransformerLayerOptions,
      normFirst?: boolean | TransformerLayerOptions,
      bias?: boolean | TransformerLayerOptions,
      headDim?: number | null | TransformerLayerOptions,
      memoryHeads?: number | null | TransformerLayerOptions,
    ];

const NAMES = [
  ...(['dimFeedforward', 'dropout', 'activation', 'layerNormEps', 'batchFirst', 'normFirst', 'bias'] as const),
  ...(['headDim', 'memoryHeads'] as const),
];

const STATE_NAMES: Readonly<Record<string, string>> = { selfAttn: 'self_attn', multiheadAttn: 'multihead_attn' };

type Settings = Required<Omit<TransformerLayerOptions, 'activation'>> & { readonly activation: Activation };

function readSettings(name: string, rest: readonly unknown[]): Settings {
  const settings = {
    dimFeedforward: 2048,
    dropout: 0.1,
    activation: 'relu' as Activation,
    layerNormEps: 1e-5,
    batchFirst: false,
    normFirst: false,
    bias: true,
    headDim: null,
    memoryHeads: null,
    ...readArguments<TransformerLayerOptions>(name, rest, NAMES),
  };
  const { activation } = settings;
  if (typeof activation === 'string' && activation !== 'relu' && activation !== 'gelu') {
    fail('argument', `${name}: activation must be 'relu', 'gelu' or a function, got '${String(activation)}'.`);
  }
  return settings;
}

/** A layer norm, without its shift where none is wanted. */
export function normOf(size: number, { layerNormEps, bias }: Pick<Settings, 'layerNormEps' | 'bias'>): LayerNorm {
  return new LayerNorm(size, { eps: layerNormEps, bias });
}

function activate(activation: Activation, x: Tensor): Tensor {
  if (activation === 'relu') return relu(x);
  if (activation === 'gelu') return gelu(x);
  return activation instanceof Module ? activation.forward(x) : activation(x);
}

export interface EncoderLayerMasks {
  /** What not to see, [T, T] or [N · heads, T, T]: bool, true where hidden, or floats added to the scores. */
  readonly srcMask?: Tensor | null;
  /** Elements to leave out, [N, T]. */
  readonly srcKeyPaddingMask?: Tensor | null;
  /** Says that srcMask is the causal one; it has to be given all the same. Default false. */
  readonly isCausal?: boolean;
}

/** What follows src, by position or by name. */
export type TransformerEncoderLayerArguments =
  | readonly [masks?: EncoderLayerMasks]
  | readonly [
      srcMask?: Tensor | null,
      srcKeyPaddingMask?: Tensor | null | EncoderLayerMasks,
      isCausal?: boolean | EncoderLayerMasks,
    ];

/** Attention of a sequence to itself, and two products. */
export class TransformerEncoderLayer extends Module {
  selfAttn: MultiheadAttention;
  linear1: Linear;
  dropout: Dropout;
  linear2: Linear;
  norm1: LayerNorm;
  norm2: LayerNorm;
  dropout1: Dropout;
  dropout2: Dropout;
  readonly activation: Activation;
  readonly normFirst: boolean;

  constructor(dModel: number, nhead: number, ...rest: TransformerLayerArguments) {
    super();
    const settings = readSettings('TransformerEncoderLayer', rest);
    const { dimFeedforward, dropout, batchFirst, bias, headDim } = settings;
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, headDim });
    this.linear1 = new Linear(dModel, dimFeedforward, { bias });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { bias });
    this.norm1 = normOf(dModel, settings);
    this.norm2 = normOf(dModel, settings);
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.activation = settings.activation;
    this.normFirst = settings.normFirst;
  }

  protected override stateName(property: string): string {
    return STATE_NAMES[property] ?? property;
  }

  /** src [T, N, dModel] → the same shape; or batch first, or without a batch. */
  forward(src: Tensor, ...rest: TransformerEncoderLayerArguments): Tensor {
    const names = ['srcMask', 'srcKeyPaddingMask', 'isCausal'] as const;
    const given = readArguments<EncoderLayerMasks>('TransformerEncoderLayer', rest, names);
    const masks = {
      attnMask: given.srcMask ?? null,
      keyPaddingMask: given.srcKeyPaddingMask ?? null,
      isCausal: given.isCausal ?? false,
      needWeights: false,
    };
    const attend = (x: Tensor): Tensor => this.dropout1.forward(this.selfAttn.forward(x, x, x, masks)[0]);
    const feed = (x: Tensor): Tensor => {
      const wide = this.dropout.forward(activate(this.activation, this.linear1.forward(x)));
      return this.dropout2.forward(this.linear2.forward(wide));
    };
    const x = around(src, attend, this.norm1, this.normFirst);
    return around(x, feed, this.norm2, this.normFirst);
  }
}

/** x + f(norm(x)), or norm(x + f(x)). */
function around(x: Tensor, f: (x: Tensor) => Tensor, norm: LayerNorm, first: boolean): Tensor {
  return first ? add(x, f(norm.forward(x))) : norm.forward(add(x, f(x)));
}

export interface DecoderMasks {
  /** What not to see of tgt, [T, T] or [N · heads, T, T]: bool, true where hidden, or floats added to the scores. */
  readonly tgtMask?: Tensor | null;
  /** What not to see of memory, [T, S] or [N · heads, T, S]. */
  readonly memoryMask?: Tensor | null;
  /** Elements of tgt to leave out, [N, T]. */
  readonly tgtKeyPaddingMask?: Tensor | null;
  /** Elements of memory to leave out, [N, S]. */
  readonly memoryKeyPaddingMask?: Tensor | null;
  /** Say that the mask of that name is the causal one; it has to be given all the same. Default false. */
  readonly tgtIsCausal?: boolean | null;
  readonly memoryIsCausal?: boolean;
}

/** What follows tgt and memory, by position or by name. */
export type TransformerDecoderLayerArguments =
  | readonly [masks?: DecoderMasks]
  | readonly [
      tgtMask?: Tensor | null,
      memoryMask?: Tensor | null | DecoderMasks,
      tgtKeyPaddingMask?: Tensor | null | DecoderMasks,
      memoryKeyPaddingMask?: Tensor | null | DecoderMasks,
      tgtIsCausal?: boolean | null | DecoderMasks,
      memoryIsCausal?: boolean | DecoderMasks,
    ];

const DECODER_NAMES = [
  ...(['tgtMask', 'memoryMask', 'tgtKeyPaddingMask', 'memoryKeyPaddingMask', 'tgtIsCausal', 'memoryIsCausal'] as const),
];

/** Attention of a sequence to itself, then to the memory an encoder made, and two products. */
export class TransformerDecoderLayer extends Module {
  selfAttn: MultiheadAttention;
  multiheadAttn: MultiheadAttention;
  linear1: Linear;
  dropout: Dropout;
  linear2: Linear;
  norm1: LayerNorm;
  norm2: LayerNorm;
  norm3: LayerNorm;
  dropout1: Dropout;
  dropout2: Dropout;
  dropout3: Dropout;
  readonly activation: Activation;
  readonly normFirst: boolean;

  constructor(dModel: number, nhead: number, ...rest: TransformerLayerArguments) {
    super();
    const settings = readSettings('TransformerDecoderLayer', rest);
    const { dimFeedforward, dropout, batchFirst, bias, headDim } = settings;
    const attention = { dropout, bias, batchFirst, headDim };
    this.selfAttn = new MultiheadAttention(dModel, nhead, attention);
    this.multiheadAttn = new MultiheadAttention(dModel, settings.memoryHeads ?? nhead, attention);
    this.linear1 = new Linear(dModel, dimFeedforward, { bias });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { bias });
    this.norm1 = normOf(dModel, settings);
    this.norm2 = normOf(dModel, settings);
    this.norm3 = normOf(dModel, settings);
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
    this.activation = settings.activation;
    this.normFirst = settings.normFirst;
  }

  protected override stateName(property: string): string {
    return STATE_NAMES[property] ?? property;
  }

  /** tgt [T, N, dModel] and memory [S, N, dModel] → the shape of tgt; or batch first, or without a batch. */
  forward(tgt: Tensor, memory: Tensor, ...rest: TransformerDecoderLayerArguments): Tensor {
    const given = readArguments<DecoderMasks>('TransformerDecoderLayer', rest, DECODER_NAMES);
    const own = {
      attnMask: given.tgtMask ?? null,
      keyPaddingMask: given.tgtKeyPaddingMask ?? null,
      isCausal: given.tgtIsCausal ?? false,
      needWeights: false,
    };
    const other = {
      attnMask: given.memoryMask ?? null,
      keyPaddingMask: given.memoryKeyPaddingMask ?? null,
      isCausal: given.memoryIsCausal ?? false,
      needWeights: false,
    };
    const attend = (x: Tensor): Tensor => this.dropout1.forward(this.selfAttn.forward(x, x, x, own)[0]);
    const look = (x: Tensor): Tensor => this.dropout2.forward(this.multiheadAttn.forward(x, memory, memory, other)[0]);
    const feed = (x: Tensor): Tensor => {
      const wide = this.dropout.forward(activate(this.activation, this.linear1.forward(x)));
      return this.dropout3.forward(this.linear2.forward(wide));
    };
    const x = around(tgt, attend, this.norm1, this.normFirst);
    const y = around(x, look, this.norm2, this.normFirst);
    return around(y, feed, this.norm3, this.normFirst);
  }
}
