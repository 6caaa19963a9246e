/** Schedules of learning rates, as in torch.optim.lr_scheduler. */
export { LRScheduler, type Scheduler, type SchedulerStateDict } from './base.js';
export { ChainedScheduler, SequentialLR, type SequentialLROptions, warmup } from './composite.js';
export {
  CosineAnnealingLR,
  type CosineAnnealingLROptions,
  CosineAnnealingWarmRestarts,
  type CosineAnnealingWarmRestartsOptions,
} from './cosine.js';
export { CyclicLR, type CyclicLROptions, OneCycleLR, type OneCycleLROptions } from './cycle.js';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './plateau.js';
export {
  ConstantLR,
  type ConstantLROptions,
  LinearLR,
  type LinearLROptions,
  PolynomialLR,
  type PolynomialLROptions,
} from './ramp.js';
export {
  ExponentialLR,
  type ExponentialLROptions,
  LambdaLR,
  type LambdaLROptions,
  type LrLambda,
  MultiplicativeLR,
  MultiStepLR,
  type MultiStepLROptions,
  StepLR,
  type StepLROptions,
} from './stepwise.js';
export { SWALR, type SWALROptions } from './swalr.js';
