import type { LabelledImages } from '../../data/index.js';

/** How long everything is trained: chosen so that the embedded digits take less than two minutes on two cores. */
export interface Plan {
  readonly batchSize: number;
  readonly teacherEpochs: number;
  readonly patience: number;
  readonly pruneRounds: number;
  readonly retrainEpochs: number;
  readonly shrinkEpochs: number;
  readonly studentEpochs: number;
  /** Mixtures of images that the student also follows the teacher on; where images are few, they widen what it sees. */
  readonly mixtures: number;
  readonly sparsity: number;
  readonly unitSparsity: number;
}

/** The plan for a training part of this size. `epochs` replaces the teacher's, and scales the others along. */
export function planFor(train: LabelledImages, options: { epochs?: number; quick?: boolean }): Plan {
  const isSmall = train.labels.length < 10_000;
  const usual = isSmall
    ? { teacherEpochs: 40, retrainEpochs: 8, shrinkEpochs: 24, studentEpochs: 60 }
    : { teacherEpochs: 6, retrainEpochs: 1, shrinkEpochs: 3, studentEpochs: 6 };
  const factor = (options.epochs ?? usual.teacherEpochs * (options.quick ? 0.25 : 1)) / usual.teacherEpochs;
  const scaled = (epochs: number): number => Math.max(1, Math.round(epochs * factor));
  return {
    batchSize: isSmall ? 32 : 128,
    patience: isSmall ? 12 : 3,
    mixtures: isSmall ? 2 : 0,
    pruneRounds: 5,
    // Of the weights; with the biases, which are not pruned, 90 % of all parameters are then 0.
    sparsity: 0.904,
    unitSparsity: 0.5,
    teacherEpochs: options.epochs ?? scaled(usual.teacherEpochs),
    retrainEpochs: scaled(usual.retrainEpochs),
    shrinkEpochs: scaled(usual.shrinkEpochs),
    studentEpochs: scaled(usual.studentEpochs),
  };
}
