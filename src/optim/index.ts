/** fettle/optim: optimizers, schedules of learning rates, gradient clipping, averages of weights. */
export { Adadelta, type AdadeltaOptions } from './adadelta.js';
export { Adagrad, type AdagradOptions } from './adagrad.js';
export { Adam, type AdamOptions, AdamW } from './adam.js';
export { Adamax, type AdamaxOptions } from './adamax.js';
export { ASGD, type ASGDOptions } from './asgd.js';
export { type AverageStateDict, EMA, type EMAOptions, SWA } from './average.js';
export {
  type ClipGradNormOptions,
  clipGradNorm,
  clipGradsWithNorm,
  clipGradValue,
  getTotalNorm,
} from './clip.js';
export type { GroupOptions, ParamGroup, Params } from './groups.js';
export { LBFGS, type LBFGSOptions } from './lbfgs.js';
export { Lion, type LionOptions } from './lion.js';
export { Muon, type MuonOptions } from './muon.js';
export { NAdam, type NAdamOptions } from './nadam.js';
export { type HookHandle, Optimizer, type StepHook } from './optimizer.js';
export { RAdam, type RAdamOptions } from './radam.js';
export { RMSprop, type RMSpropOptions } from './rmsprop.js';
export { Rprop, type RpropOptions } from './rprop.js';
export { SAM, type SAMOptions } from './sam.js';
export * as lrScheduler from './scheduler/index.js';
export { GD, type GDOptions, SGD, type SGDOptions } from './sgd.js';
export { SparseAdam, type SparseAdamOptions } from './sparseadam.js';
export type { OptimizerStateDict, ParamState, SavedValue } from './statedict.js';
export { updateBn } from './updatebn.js';
