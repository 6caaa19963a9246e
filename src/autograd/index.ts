export {
  type AccumulateOptions,
  type BackwardArguments,
  type BackwardOptions,
  backward,
  deliverRows,
  type GradArguments,
  type GradOptions,
  grad,
  showing,
} from './backward.js';
export { type Captured, capture, isCapturing } from './capture.js';
export { type CheckpointOptions, checkpoint, checkpointSequential, type Part } from './checkpoint.js';
export { AutogradFunction, FunctionContext, type FunctionGrads } from './function.js';
export { type DerivativeOptions, hessian, hvp, jacobian, jvp, type MatrixOptions, vhp, vjp } from './functional.js';
export { type Differentiable, type GradcheckOptions, gradcheck, gradgradcheck } from './gradcheck.js';
export { type HookHandle, registerHook, registerPostAccumulateGradHook, retainGrad, retainsGrad } from './hooks.js';
export {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  ModeGuard,
  noGrad,
  setGradEnabled,
} from './mode.js';
export type { Backward, Grads, Hook } from './node.js';
export { checkOverlap, checkRecordedWrite, overwriting, recordsWrite, rewrite } from './rewrite.js';
export { record } from './tape.js';
export { markSeveral } from './view.js';
