export * as functional from '../ops/index.js';
export * from './activation.js';
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
