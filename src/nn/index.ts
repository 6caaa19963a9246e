export * as functional from '../ops/index.js';
export * from './activation.js';
export * from './adaptivepool.js';
export { ModuleList, Sequential } from './container.js';
export { Conv1d, Conv2d, Conv3d, type ConvOptions, type PaddingMode } from './conv.js';
export { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, type ConvTransposeOptions } from './convtranspose.js';
export { Fold, Unfold } from './fold.js';
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
export * from './padding.js';
export * from './pool.js';
export * from './simple.js';
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
export * from './unpool.js';
