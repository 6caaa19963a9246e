/** fettle/train: the training loop, evaluation, checkpoints, model files, latency. */
export { loadTraining, saveTraining } from './checkpoint.js';
export { type LatencyOptions, latency } from './latency.js';
export { type Classifier, type Evaluation, evaluate, type LabelledBatches } from './metrics.js';
export { type LoadedModel, loadModel, type ModelFileOptions, saveModel } from './modelfile.js';
export {
  type BatchProgress,
  type EpochBatches,
  type EpochResult,
  type StepResult,
  Trainer,
  type TrainerOptions,
  type TrainerState,
  type TrainingOptimizer,
  type TrainingScheduler,
} from './trainer.js';
