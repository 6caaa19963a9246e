/** fettle/nn: modules, layers, containers, losses, initial values. */
// Parameters are tensors, and those have methods. A program that uses neither the functions that make tensors nor methods, but
// `fettle/ops`, is bundled without them; nothing else in this floor brings them along.
import '../tensor.js';

export * from './activation.js';
export * from './adaptivepool.js';
export {
  MultiheadAttention,
  type MultiheadAttentionForwardOptions,
  type MultiheadAttentionOptions,
  NonDynamicallyQuantizableLinear,
} from './attention.js';
export { Bilinear } from './bilinear.js';
export { cloneModule } from './clone.js';
export { type Entries, ModuleDict, ModuleList, Sequential } from './container.js';
export { Conv1d, Conv2d, Conv3d, type ConvOptions, type PaddingMode } from './conv.js';
export { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, type ConvTransposeOptions } from './convtranspose.js';
export * from './dropout.js';
export { Embedding, type EmbeddingLayerOptions } from './embedding.js';
export { EmbeddingBag, type EmbeddingBagLayerOptions } from './embeddingbag.js';
export { Fold, Unfold } from './fold.js';
export * as functional from './functional.js';
export type { BackwardHook, ForwardHook, ForwardPreHook, Gradients, HookHandle } from './hooks.js';
export * as init from './init.js';
export {
  GroupNorm,
  type GroupNormLayerOptions,
  LayerNorm,
  type LayerNormLayerOptions,
  LocalResponseNorm,
  RMSNorm,
  type RMSNormOptions,
} from './layernorm.js';
export { type LayerType, type LayerTypes, layerType, typeNameOf } from './layertype.js';
export { layerTypes } from './layertypes.js';
export { Linear, type LinearOptions } from './linear.js';
export * from './loss.js';
export * from './marginloss.js';
export {
  Buffer,
  type Constraint,
  cloneState,
  disposeState,
  type LoadResult,
  Module,
  Parameter,
  type StateDict,
} from './module.js';
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  type BatchNormOptions,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
} from './norm.js';
export * from './padding.js';
export { Parallel, type ParallelOptions, Residual } from './parallel.js';
export { ParameterDict, ParameterList } from './parametercontainer.js';
export { ChannelShuffle, PixelShuffle, PixelUnshuffle } from './pixelshuffle.js';
export * from './pool.js';
export { GRU, LSTM, type LSTMOptions, type RecurrentOptions, RNN, type RNNOptions } from './recurrent.js';
export { type CellOptions, GRUCell, LSTMCell, RNNCell, type RNNCellOptions } from './recurrentcell.js';
export * from './sequence.js';
export * from './simple.js';
export { SparseInputLinear } from './sparseinputlinear.js';
export { type Summary, type SummaryOptions, type SummaryRow, summary } from './summary.js';
export { construct, describe, type Topology } from './topology.js';
export {
  type DecoderLayer,
  type EncoderLayer,
  type EncoderMasks,
  Transformer,
  TransformerDecoder,
  TransformerEncoder,
  type TransformerMasks,
  type TransformerOptions,
} from './transformer.js';
export {
  type Activation,
  type DecoderMasks,
  type EncoderLayerMasks,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './transformerlayer.js';
export * from './unpool.js';
export { Upsample, type UpsampleOptions, UpsamplingBilinear2d, UpsamplingNearest2d } from './upsample.js';
export * as utils from './utils.js';
