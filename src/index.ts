/** fettle: tensors, ops, autograd, scopes, devices and random numbers. */
export {
  type BackwardOptions,
  type Captured,
  capture,
  enableGrad,
  type GradOptions,
  grad,
  gradcheck,
  gradgradcheck,
  isGradEnabled,
  noGrad,
  setGradEnabled,
} from './autograd/index.js';
export { deterministic, leakReport, memory, setDevice, trackLeaks } from './backend/current.js';
export type { MemoryUse } from './core/device.js';
export type { DType, TypedArray } from './core/dtype.js';
export { type ErrorCode, FettleError } from './core/errors.js';
export { defaultGenerator, Generator, type GeneratorState, manualSeed } from './core/random.js';
export { keep, Scope, scope } from './core/scoping.js';
export type { NestedArray } from './core/tensor.js';
export * from './ops/index.js';
export {
  arange,
  empty,
  emptyLike,
  eye,
  full,
  fullLike,
  linspace,
  ones,
  onesLike,
  rand,
  randint,
  randLike,
  randn,
  randnLike,
  randperm,
  Tensor,
  tensor,
  zeros,
  zerosLike,
} from './tensor.js';
