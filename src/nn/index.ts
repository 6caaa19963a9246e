export * from './activation.js';
export { Bilinear } from './bilinear.js';
export { type Entries, ModuleDict, ModuleList, Sequential } from './container.js';
export { Conv2d, type ConvOptions } from './conv.js';
export * from './dropout.js';
export { Embedding, type EmbeddingLayerOptions } from './embedding.js';
export * as functional from './functional.js';
export type { BackwardHook, ForwardHook, ForwardPreHook, Gradients, HookHandle } from './hooks.js';
export * as init from './init.js';
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
export { BatchNorm1d, BatchNorm2d, type BatchNormOptions, LayerNorm } from './norm.js';
export { ParameterDict, ParameterList } from './parametercontainer.js';
export * from './simple.js';
export { type Summary, type SummaryOptions, type SummaryRow, summary } from './summary.js';
export {
  cloneModule,
  construct,
  describe,
  type LayerType,
  type LayerTypes,
  layerType,
  layerTypes,
  type Topology,
} from './topology.js';
export * as utils from './utils.js';
