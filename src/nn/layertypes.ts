import { fail } from '../core/errors.js';
import * as activation from './activation.js';
import * as adaptive from './adaptivepool.js';
import { MultiheadAttention } from './attention.js';
import { Bilinear } from './bilinear.js';
import { ModuleDict, ModuleList, Sequential } from './container.js';
import { Conv1d, Conv2d, Conv3d } from './conv.js';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from './convtranspose.js';
import * as dropout from './dropout.js';
import { Embedding } from './embedding.js';
import { EmbeddingBag } from './embeddingbag.js';
import { Fold, Unfold } from './fold.js';
import { GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm } from './layernorm.js';
import { type LayerType, type LayerTypes, layerType } from './layertype.js';
import { Linear } from './linear.js';
import {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  type NormBase,
} from './norm.js';
import type { Overwriting } from './overwriting.js';
import * as padding from './padding.js';
import { Parallel, type ParallelOptions, Residual } from './parallel.js';
import { ChannelShuffle, PixelShuffle, PixelUnshuffle } from './pixelshuffle.js';
import * as pool from './pool.js';
import { GRU, LSTM, RNN } from './recurrent.js';
import { GRUCell, LSTMCell, RNNCell } from './recurrentcell.js';
import * as simple from './simple.js';
import { SparseInputLinear } from './sparseinputlinear.js';
import { Transformer, TransformerDecoder, TransformerEncoder } from './transformer.js';
import { TransformerDecoderLayer, TransformerEncoderLayer } from './transformerlayer.js';
import * as unpool from './unpool.js';
import { Upsample, UpsamplingBilinear2d, UpsamplingNearest2d } from './upsample.js';

/** The layers of fettle/nn, by name. */
export const layerTypes: LayerTypes = {
  Sequential: {
    type: Sequential,
    isContainer: true,
    describe: () => [],
    build: (_, children) => new Sequential(Object.fromEntries(children) as ConstructorParameters<typeof Sequential>[0]),
  },
  ModuleList: {
    type: ModuleList,
    isContainer: true,
    describe: () => [],
    build: (_, children) => new ModuleList(children.map(([, child]) => child)),
  },
  ModuleDict: {
    type: ModuleDict,
    isContainer: true,
    describe: () => [],
    build: (_, children) => new ModuleDict(children),
  },
  Residual: {
    type: Residual,
    isContainer: true,
    describe: () => [],
    build: (_, children) => {
      const { body, shortcut } = Object.fromEntries(children) as Record<string, Residual['body']>;
      return new Residual(body as Residual['body'], shortcut);
    },
  },
  Parallel: {
    type: Parallel,
    isContainer: true,
    describe: (module) => {
      const { join, dim } = module as Parallel;
      return [{ join, dim }];
    },
    build: ([options], [branches]) => {
      const parts = Object.fromEntries(branches?.[1] as ModuleDict<Parallel>);
      return new Parallel(parts, options as ParallelOptions);
    },
  },
  Linear: layerType(Linear, (m) => [m.inFeatures, m.outFeatures, { bias: m.bias !== null }]),
  SparseInputLinear: layerType(SparseInputLinear, (m) => [m.inFeatures, m.outFeatures, { bias: m.bias !== null }]),
  Conv1d: layerType(Conv1d, convArguments),
  Conv2d: layerType(Conv2d, convArguments),
  Conv3d: layerType(Conv3d, convArguments),
  ConvTranspose1d: layerType(ConvTranspose1d, convTransposeArguments),
  ConvTranspose2d: layerType(ConvTranspose2d, convTransposeArguments),
  ConvTranspose3d: layerType(ConvTranspose3d, convTransposeArguments),
  BatchNorm1d: layerType(BatchNorm1d, batchNormArguments),
  BatchNorm2d: layerType(BatchNorm2d, batchNormArguments),
  BatchNorm3d: layerType(BatchNorm3d, batchNormArguments),
  InstanceNorm1d: layerType(InstanceNorm1d, batchNormArguments),
  InstanceNorm2d: layerType(InstanceNorm2d, batchNormArguments),
  InstanceNorm3d: layerType(InstanceNorm3d, batchNormArguments),
  LayerNorm: layerType(LayerNorm, (m) => [
    m.normalizedShape,
    { eps: m.eps, elementwiseAffine: m.weight !== null, bias: m.bias !== null || m.weight === null },
  ]),
  RMSNorm: layerType(RMSNorm, (m) => [m.normalizedShape, { eps: m.eps, elementwiseAffine: m.weight !== null }]),
  GroupNorm: layerType(GroupNorm, (m) => [m.numGroups, m.numChannels, { eps: m.eps, affine: m.weight !== null }]),
  LocalResponseNorm: layerType(LocalResponseNorm, (m) => [m.size, m.alpha, m.beta, m.k]),
  Upsample: layerType(Upsample, (m) => [m.size, m.scaleFactor, m.mode, m.alignCorners, m.recomputeScaleFactor]),
  UpsamplingNearest2d: layerType(UpsamplingNearest2d, (m) => [m.size, m.scaleFactor]),
  UpsamplingBilinear2d: layerType(UpsamplingBilinear2d, (m) => [m.size, m.scaleFactor]),
  PixelShuffle: layerType(PixelShuffle, (m) => [m.upscaleFactor]),
  PixelUnshuffle: layerType(PixelUnshuffle, (m) => [m.downscaleFactor]),
  ChannelShuffle: layerType(ChannelShuffle, (m) => [m.groups]),
  Identity: layerType(simple.Identity, () => []),
  ReLU: layerType(simple.ReLU, inPlace),
  Sigmoid: layerType(simple.Sigmoid, () => []),
  Tanh: layerType(simple.Tanh, () => []),
  SiLU: layerType(simple.SiLU, inPlace),
  GELU: layerType(simple.GELU, (m) => [m.options]),
  ReLU6: layerType(activation.ReLU6, inPlace),
  LeakyReLU: layerType(activation.LeakyReLU, (m) => [m.negativeSlope, ...inPlace(m)]),
  ELU: layerType(activation.ELU, (m) => [m.alpha, ...inPlace(m)]),
  SELU: layerType(activation.SELU, inPlace),
  CELU: layerType(activation.CELU, (m) => [m.alpha, ...inPlace(m)]),
  Mish: layerType(activation.Mish, inPlace),
  Softplus: layerType(activation.Softplus, (m) => [m.beta, m.threshold]),
  Softsign: layerType(activation.Softsign, () => []),
  LogSigmoid: layerType(activation.LogSigmoid, () => []),
  Hardsigmoid: layerType(activation.Hardsigmoid, inPlace),
  Hardswish: layerType(activation.Hardswish, inPlace),
  Hardtanh: layerType(activation.Hardtanh, (m) => [m.minVal, m.maxVal, ...inPlace(m)]),
  Threshold: layerType(activation.Threshold, (m) => [m.threshold, m.value, ...inPlace(m)]),
  GLU: layerType(activation.GLU, (m) => [m.dim]),
  PReLU: layerType(activation.PReLU, (m) => [m.numParameters, m.init]),
  Tanhshrink: layerType(activation.Tanhshrink, () => []),
  Hardshrink: layerType(activation.Hardshrink, (m) => [m.lambd]),
  Softshrink: layerType(activation.Softshrink, (m) => [m.lambd]),
  RReLU: layerType(activation.RReLU, (m) => [m.lower, m.upper, ...inPlace(m)]),
  Softmin: layerType(activation.Softmin, (m) => [m.dim]),
  Softmax2d: layerType(activation.Softmax2d, () => []),
  Softmax: layerType(simple.Softmax, (m) => [m.dim]),
  LogSoftmax: layerType(simple.LogSoftmax, (m) => [m.dim]),
  Flatten: layerType(simple.Flatten, (m) => [m.startDim, m.endDim]),
  Unflatten: layerType(simple.Unflatten, (m) => [m.dim, m.unflattenedSize]),
  Dropout: layerType(dropout.Dropout, dropArguments),
  Dropout1d: layerType(dropout.Dropout1d, dropArguments),
  Dropout2d: layerType(dropout.Dropout2d, dropArguments),
  Dropout3d: layerType(dropout.Dropout3d, dropArguments),
  AlphaDropout: layerType(dropout.AlphaDropout, dropArguments),
  FeatureAlphaDropout: layerType(dropout.FeatureAlphaDropout, dropArguments),
  Embedding: layerType(Embedding, (m) => [
    m.numEmbeddings,
    m.embeddingDim,
    {
      paddingIdx: m.paddingIdx,
      maxNorm: m.maxNorm,
      normType: m.normType,
      scaleGradByFreq: m.scaleGradByFreq,
      ...(m.sparse ? { sparse: true } : {}),
    },
  ]),
  EmbeddingBag: layerType(EmbeddingBag, (m) => [
    m.numEmbeddings,
    m.embeddingDim,
    {
      paddingIdx: m.paddingIdx,
      maxNorm: m.maxNorm,
      normType: m.normType,
      scaleGradByFreq: m.scaleGradByFreq,
      mode: m.mode,
      ...(m.sparse ? { sparse: true } : {}),
      includeLastOffset: m.includeLastOffset,
    },
  ]),
  Bilinear: layerType(Bilinear, (m) => [m.in1Features, m.in2Features, m.outFeatures, { bias: m.bias !== null }]),
  RNN: layerType(RNN, (m) => [m.inputSize, m.hiddenSize, { ...recurrentOptions(m), nonlinearity: m.nonlinearity }]),
  LSTM: layerType(LSTM, (m) => [m.inputSize, m.hiddenSize, { ...recurrentOptions(m), projSize: m.projSize }]),
  GRU: layerType(GRU, (m) => [m.inputSize, m.hiddenSize, recurrentOptions(m)]),
  RNNCell: layerType(RNNCell, (m) => [
    m.inputSize,
    m.hiddenSize,
    { bias: m.bias_ih !== null, nonlinearity: m.nonlinearity },
  ]),
  LSTMCell: layerType(LSTMCell, (m) => [m.inputSize, m.hiddenSize, { bias: m.bias_ih !== null }]),
  GRUCell: layerType(GRUCell, (m) => [m.inputSize, m.hiddenSize, { bias: m.bias_ih !== null }]),
  MultiheadAttention: layerType(MultiheadAttention, (m) => {
    const { dropout, addZeroAttn, kdim, vdim, batchFirst } = m;
    const [bias, addBiasKv] = [m.inProjBias !== null, m.biasK !== null];
    const options = { dropout, bias, addBiasKv, addZeroAttn, kdim, vdim, batchFirst };
    return [m.embedDim, m.numHeads, { ...options, ...headsOf(m) }];
  }),
  TransformerEncoderLayer: layerType(TransformerEncoderLayer, transformerLayerArguments),
  TransformerDecoderLayer: layerType(TransformerDecoderLayer, transformerLayerArguments),
  TransformerEncoder: stackType(TransformerEncoder),
  TransformerDecoder: stackType(TransformerDecoder),
  Transformer: {
    type: Transformer,
    isContainer: true,
    describe: (module) => {
      const { dModel, nhead, batchFirst } = module as Transformer;
      return [{ dModel, nhead, batchFirst }];
    },
    build: ([options], children) => {
      const { encoder, decoder } = Object.fromEntries(children);
      return new Transformer({ ...(options as object), customEncoder: encoder, customDecoder: decoder });
    },
  },
  MaxPool1d: layerType(pool.MaxPool1d, (m) => [m.kernelSize, m.options]),
  MaxPool2d: layerType(pool.MaxPool2d, (m) => [m.kernelSize, m.options]),
  MaxPool3d: layerType(pool.MaxPool3d, (m) => [m.kernelSize, m.options]),
  AvgPool1d: layerType(pool.AvgPool1d, (m) => [m.kernelSize, m.options]),
  AvgPool2d: layerType(pool.AvgPool2d, (m) => [m.kernelSize, m.options]),
  AvgPool3d: layerType(pool.AvgPool3d, (m) => [m.kernelSize, m.options]),
  AdaptiveAvgPool1d: layerType(adaptive.AdaptiveAvgPool1d, (m) => [m.outputSize]),
  AdaptiveAvgPool2d: layerType(adaptive.AdaptiveAvgPool2d, (m) => [m.outputSize]),
  AdaptiveAvgPool3d: layerType(adaptive.AdaptiveAvgPool3d, (m) => [m.outputSize]),
  AdaptiveMaxPool1d: layerType(adaptive.AdaptiveMaxPool1d, (m) => [m.outputSize, m.options]),
  AdaptiveMaxPool2d: layerType(adaptive.AdaptiveMaxPool2d, (m) => [m.outputSize, m.options]),
  AdaptiveMaxPool3d: layerType(adaptive.AdaptiveMaxPool3d, (m) => [m.outputSize, m.options]),
  MaxUnpool1d: layerType(unpool.MaxUnpool1d, (m) => [m.kernelSize, m.options]),
  MaxUnpool2d: layerType(unpool.MaxUnpool2d, (m) => [m.kernelSize, m.options]),
  MaxUnpool3d: layerType(unpool.MaxUnpool3d, (m) => [m.kernelSize, m.options]),
  LPPool1d: layerType(unpool.LPPool1d, (m) => [m.normType, m.kernelSize, m.options]),
  LPPool2d: layerType(unpool.LPPool2d, (m) => [m.normType, m.kernelSize, m.options]),
  Fold: layerType(Fold, (m) => [m.outputSize, m.kernelSize, m.options]),
  Unfold: layerType(Unfold, (m) => [m.kernelSize, m.options]),
  ConstantPad1d: layerType(padding.ConstantPad1d, (m) => [m.padding, m.value]),
  ConstantPad2d: layerType(padding.ConstantPad2d, (m) => [m.padding, m.value]),
  ConstantPad3d: layerType(padding.ConstantPad3d, (m) => [m.padding, m.value]),
  ZeroPad1d: layerType(padding.ZeroPad1d, (m) => [m.padding]),
  ZeroPad2d: layerType(padding.ZeroPad2d, (m) => [m.padding]),
  ZeroPad3d: layerType(padding.ZeroPad3d, (m) => [m.padding]),
  ReflectionPad1d: layerType(padding.ReflectionPad1d, (m) => [m.padding]),
  ReflectionPad2d: layerType(padding.ReflectionPad2d, (m) => [m.padding]),
  ReflectionPad3d: layerType(padding.ReflectionPad3d, (m) => [m.padding]),
  ReplicationPad1d: layerType(padding.ReplicationPad1d, (m) => [m.padding]),
  ReplicationPad2d: layerType(padding.ReplicationPad2d, (m) => [m.padding]),
  ReplicationPad3d: layerType(padding.ReplicationPad3d, (m) => [m.padding]),
  CircularPad1d: layerType(padding.CircularPad1d, (m) => [m.padding]),
  CircularPad2d: layerType(padding.CircularPad2d, (m) => [m.padding]),
  CircularPad3d: layerType(padding.CircularPad3d, (m) => [m.padding]),
};

/** The size of heads, where their number does not tell it: some have been removed. */
function headsOf({ embedDim, numHeads, headDim }: MultiheadAttention): { readonly headDim?: number } {
  return numHeads * headDim === embedDim ? {} : { headDim };
}

/** What says how a decoder layer looks at memory, where that is not how it looks at its input. */
function memoryHeadsOf({ selfAttn, multiheadAttn }: TransformerDecoderLayer): object {
  if (multiheadAttn.numHeads === selfAttn.numHeads) return {};
  return { headDim: multiheadAttn.headDim, memoryHeads: multiheadAttn.numHeads };
}

function convArguments(m: Conv1d | Conv2d | Conv3d): readonly unknown[] {
  const { stride, padding, dilation, groups, paddingMode } = m;
  const options = { stride, padding, dilation, groups, bias: m.bias !== null };
  // Files of models that pad with zeros are as they were before there was a choice.
  return [m.inChannels, m.outChannels, m.kernelSize, paddingMode === 'zeros' ? options : { ...options, paddingMode }];
}

function convTransposeArguments(m: ConvTranspose1d | ConvTranspose2d | ConvTranspose3d): readonly unknown[] {
  const { stride, padding, outputPadding, groups, dilation } = m;
  const options = { stride, padding, outputPadding, groups, bias: m.bias !== null, dilation };
  return [m.inChannels, m.outChannels, m.kernelSize, options];
}

function batchNormArguments(m: NormBase): readonly unknown[] {
  const { eps, momentum } = m;
  return [m.numFeatures, { eps, momentum, affine: m.weight !== null, trackRunningStats: m.runningMean !== null }];
}

function recurrentOptions(m: RNN | LSTM | GRU): object {
  const { numLayers, bias, batchFirst, dropout, bidirectional } = m;
  return { numLayers, bias, batchFirst, dropout, bidirectional };
}

function transformerLayerArguments(m: TransformerEncoderLayer | TransformerDecoderLayer): readonly unknown[] {
  const { activation, normFirst } = m;
  if (typeof activation !== 'string') {
    fail(
      'unsupported',
      `describe: the activation of ${m.constructor.name} is a function or module, which cannot be saved. ` +
        "Use 'relu' or 'gelu', or save its stateDict() alone.",
    );
  }
  const options = {
    dimFeedforward: m.linear1.outFeatures,
    dropout: m.dropout.p,
    activation,
    layerNormEps: m.norm1.eps,
    batchFirst: m.selfAttn.batchFirst,
    normFirst,
    bias: m.linear1.bias !== null,
    ...headsOf(m.selfAttn),
    ...(m instanceof TransformerDecoderLayer ? memoryHeadsOf(m) : {}),
  };
  return [m.selfAttn.embedDim, m.selfAttn.numHeads, options];
}

/** A stack of transformer layers: they are made one by one, as they may have come to differ. */
function stackType(Stack: typeof TransformerEncoder | typeof TransformerDecoder): LayerType {
  return {
    type: Stack,
    isContainer: true,
    describe: () => [],
    build: (_, children) => {
      const parts = new Map(children);
      const layers = parts.get('layers') as ModuleList;
      // No copy of the layer given is wanted, so that any module will do.
      const stack = new Stack(layers as never, { numLayers: 0, norm: (parts.get('norm') ?? null) as LayerNorm | null });
      for (const layer of layers) stack.layers.append(layer);
      return stack;
    },
  };
}

/** The option of a layer that works in place; none for one that does not. */
function inPlace(m: Overwriting): readonly unknown[] {
  return m.inplace ? [{ inplace: true }] : [];
}

function dropArguments(m: dropout.Dropout): readonly unknown[] {
  return m.inplace ? [m.p, { inplace: true }] : [m.p];
}
