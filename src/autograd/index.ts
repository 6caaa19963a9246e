export { type AccumulateOptions, type BackwardOptions, backward, type GradOptions, grad } from './backward.js';
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
