export * as functional from '../ops/index.js';
export * from './activation.js';
export {
  MultiheadAttention,
  type MultiheadAttentionForwardOptions,
  type MultiheadAttentionOptions,
  NonDynamicallyQuantizableLinear,
} from './attention.js';
export { cloneModule } from './clone.js';
export { ModuleList, Sequential } from './container.js';
export { Conv2d, type ConvOptions } from './conv.js';
export * as init from './init.js';
export { Linear, type LinearOptions } from './linear.js';
export * from './loss.js';
export {
  Buffer,
  type Constraint,
  cloneState,
  disposeState,
  type ForwardHook,
  type HookHandle,
  type LoadResult,
  Module,
  Parameter,
  type StateDict,
} from './module.js';
export { BatchNorm1d, BatchNorm2d, type BatchNormOptions, LayerNorm } from './norm.js';
export { GRU, LSTM, type LSTMOptions, type RecurrentOptions, RNN, type RNNOptions } from './recurrent.js';
export { type CellOptions, GRUCell, LSTMCell, RNNCell, type RNNCellOptions } from './recurrentcell.js';
export * from './sequence.js';
export * from './simple.js';
export {
  construct,
  describe,
  type LayerType,
  type LayerTypes,
  layerType,
  layerTypes,
  type Topology,
} from './topology.js';
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
export * as utils from './utils.js';
