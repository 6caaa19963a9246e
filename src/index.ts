/** fettle: tensors, ops, autograd, scopes, devices and random numbers. */
export {
  type AccumulateOptions,
  AutogradFunction,
  type BackwardOptions,
  backward,
  type Captured,
  type CheckpointOptions,
  capture,
  checkpoint,
  checkpointSequential,
  type DerivativeOptions,
  enableGrad,
  FunctionContext,
  type FunctionGrads,
  type GradOptions,
  grad,
  gradcheck,
  gradgradcheck,
  type Hook,
  type HookHandle,
  hessian,
  hvp,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  jacobian,
  jvp,
  ModeGuard,
  noGrad,
  setGradEnabled,
  vhp,
  vjp,
} from './autograd/index.js';
export * as autograd from './autograd/namespace.js';
export { deterministic, leakReport, memory, setDevice, trackLeaks } from './backend/current.js';
export { getThreads, setThreads } from './backend/threads.js';
export type { MemoryUse } from './core/device.js';
export type { DType, TypedArray } from './core/dtype.js';
export { type ErrorCode, FettleError } from './core/errors.js';
export { defaultGenerator, Generator, type GeneratorState, manualSeed } from './core/random.js';
export { keep, Scope, scope } from './core/scoping.js';
export type { NestedArray } from './core/tensor.js';
export * from './ops/index.js';
export { type TurboState, turbo } from './ops/turbo.js';
export {
  arange,
  bartlettWindow,
  blackmanWindow,
  empty,
  emptyLike,
  eye,
  fftfreq,
  full,
  fullLike,
  hammingWindow,
  hannWindow,
  kaiserWindow,
  linspace,
  logspace,
  normal,
  ones,
  onesLike,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  randperm,
  rfftfreq,
  Tensor,
  tensor,
  trilIndices,
  triuIndices,
  zeros,
  zerosLike,
} from './tensor.js';
