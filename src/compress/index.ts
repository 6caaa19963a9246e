/** fettle/compress: pruning, shrinking, sparse layers, distillation, quantization, codebooks, packing, recipes and search. */
export type { CompressionData, Evaluate, Retrain, RetrainContext } from './choosing/data.js';
export type { Method, Objective, Rung } from './choosing/methods.js';
export { type LayerProfile, type Profile, type ProfileOptions, profile } from './choosing/profile.js';
export {
  Recipe,
  type RecipeOptions,
  type RecipeProgress,
  type RecipeResult,
  recipe,
  type StepReport,
} from './choosing/recipe.js';
export { type SearchOptions, type SearchProgress, type SearchResult, search } from './choosing/search.js';
export {
  type LayerSensitivity,
  type Sensitivity,
  type SensitivityMethod,
  type SensitivityOptions,
  type SensitivityPlan,
  sensitivity,
} from './choosing/sensitivity.js';
export type { Step } from './choosing/steps.js';
export { folderStore, memoryStore, type Store } from './choosing/store.js';
export type { Cut } from './choosing/tree.js';
export type { Trial } from './choosing/trials.js';
export type { Bits } from './codebook/choice.js';
export { type ClusteredWeight, type ClusterOptions, type ClusterReport, cluster } from './codebook/cluster.js';
export { type CentroidUpdate, dropCodebook } from './codebook/codebook.js';
export { countModel, type LayerCount, type ModelCount } from './counting.js';
export { type AttentionTransferOptions, attentionTransferLoss } from './distillation/attention.js';
export { biasShift, type CorrectBiasOptions, correctBias } from './distillation/bias.js';
export { type BornAgainOptions, bornAgain } from './distillation/bornagain.js';
export { type ContrastOptions, CrdLoss, type CrdOptions, contrastiveLoss } from './distillation/crd.js';
export { Distiller, type DistillerOptions, type StepExtras } from './distillation/distill.js';
export { type DkdOptions, dkdLoss } from './distillation/dkd.js';
export { hintLoss } from './distillation/hint.js';
export { MutualLearning, type MutualOptions, mutualLosses } from './distillation/mutual.js';
export { type RkdOptions, rkdAngleLoss, rkdDistanceLoss, rkdLoss } from './distillation/rkd.js';
export { type DistillationOptions, distillationLoss, kdLoss } from './distillation/soft.js';
export { type TeacherLogitsOptions, teacherLogits } from './distillation/targets.js';
export { type Classifier, MeanTeacher } from './distillation/teachers.js';
export type { CustomLoss, FeaturePair, LossName, LossOptions } from './distillation/terms.js';
export { compressedTypes } from './layertypes.js';
export {
  type FactorizedLayer,
  type FactorizeOptions,
  type FactorizeReport,
  factorize,
  type Rank,
} from './lowrank/factorize.js';
export { type ActivationStats, activationStats, type Batch, type Batches } from './pruning/activations.js';
export type { Allocation } from './pruning/allocation.js';
export type { Criterion } from './pruning/criteria.js';
export { DynamicSparsity, type DynamicSparsityOptions } from './pruning/dynamic.js';
export type { Loss } from './pruning/gradients.js';
export { type Importance, type ImportanceOptions, importance } from './pruning/importance.js';
export { L0Gates, type L0Options } from './pruning/l0.js';
export { applyMasks, copyMasks, maskOf, setMask } from './pruning/mask.js';
export { type MovementOptions, MovementPruning, MovementScores } from './pruning/movement.js';
export * as penalty from './pruning/penalty.js';
export * as prune from './pruning/prune.js';
export { type LayerSparsity, type Sparsity, sparsity } from './pruning/prune.js';
export { type Granularity, Pruner, type PrunerOptions } from './pruning/pruner.js';
export { type Snapshot, snapshot } from './pruning/rewind.js';
export { cubic, iterative, oneShot, type Schedule } from './pruning/schedule.js';
export type { PrunerTarget } from './pruning/target.js';
export * as quantize from './quantization/index.js';
export { QuantizedConv2d, QuantizedLinear } from './quantization/quantized.js';
export { WeightOnlyConv2d, WeightOnlyEmbedding, WeightOnlyLinear } from './quantization/stored.js';
export { SparseConv2d } from './sparsity/sparseconv2d.js';
export { SparseLinear } from './sparsity/sparselinear.js';
export {
  densify,
  type SparsifiedLayer,
  type SparsifyOptions,
  type SparsifyReport,
  sparsify,
} from './sparsity/sparsify.js';
export { type PackOptions, pack } from './storing/pack.js';
export { type PackedTensor, type PackReport, packReport } from './storing/report.js';
export { type Unpacked, type UnpackOptions, unpack } from './storing/unpack.js';
export { coupleUnits } from './structure/couple.js';
export { type ShrinkReport, type ShrunkLayer, shrink } from './structure/shrink.js';
export {
  silence,
  type Uncoupled,
  type UnitGroup,
  type UnitKind,
  type UnitRole,
  type UnitSlice,
} from './structure/units.js';
