export {
  type Classifier,
  type DistillationOptions,
  Distiller,
  type DistillerOptions,
  distillationLoss,
} from './distill.js';
export { type ActivationStats, activationStats } from './importance.js';
export { applyMasks, copyMasks, maskOf, setMask } from './mask.js';
export * as prune from './prune.js';
export { type LayerSparsity, type Sparsity, sparsity } from './prune.js';
export { Pruner, type PrunerOptions } from './pruner.js';
export * as quantize from './quantize.js';
export { compressedTypes, QuantizedConv2d, QuantizedLinear } from './quantized.js';
export { cubic, iterative, oneShot, type Schedule } from './schedule.js';
export { type ShrinkReport, type ShrunkLayer, shrink } from './shrink.js';
