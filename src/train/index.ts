/** fettle/train: the training loop, evaluation, checkpoints, model files, latency. */
export { type LatencyOptions, latency } from '../compress/latency.js';
export { loadTraining, readTraining, saveTraining } from './checkpoint.js';
export { type Classifier, type Evaluation, evaluate, type LabelledBatches } from './metrics.js';
export { type LoadedModel, loadModel, type ModelFileOptions, type SaveModelOptions, saveModel } from './modelfile.js';
export {
  type BatchProgress,
  type EpochBatches,
  type EpochResult,
  type GradientSource,
  type StepResult,
  Trainer,
  type TrainerOptions,
  type TrainerState,
  type TrainingOptimizer,
  type TrainingRanks,
  type TrainingScheduler,
} from './trainer.js';
