import { fail } from '../../../core/errors.js';
import { Module } from '../../../nn/index.js';
import { shrink } from '../../structure/shrink.js';
import type { Runnable } from '../data.js';
import {
  checkKeys,
  checkTraining,
  LEARNING_RATE,
  type StepContext,
  type StepKind,
  type TrainingOptions,
} from '../step.js';

/** Training after the removal; the units that are removed are those that pruning has silenced. */
export type Shrink = TrainingOptions;

export const shrinkStep: StepKind<Shrink> = {
  check(where, options, _, data) {
    checkKeys(where, options, ['epochs', 'lr']);
    checkTraining(where, options, data);
  },
  label: () => 'shrink',
  async apply(model, { epochs = 0, lr = LEARNING_RATE }, { data, retrain }) {
    const report = shrink(model, data.inputs);
    await retrain(model, { name: 'shrink', epochs, lr });
    return { report };
  },
};

export const retrainStep: StepKind<TrainingOptions> = {
  check(where, options, _, data) {
    checkKeys(where, options, ['epochs', 'lr']);
    checkTraining(where, { epochs: 1, ...options }, data);
  },
  label: ({ epochs = 1 }) => `train ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`,
  async apply(model, { epochs = 1, lr = LEARNING_RATE }, { retrain }) {
    await retrain(model, { name: 'retrain', epochs, lr });
    return {};
  },
};

/** Changes the model in place, or gives another model, which then takes its place. */
export type Custom = (model: Runnable, context: StepContext) => unknown;

export const customStep: StepKind<Custom> = {
  check(where, options) {
    if (typeof options !== 'function')
      fail('argument', `${where}: expected a function of the model, got ${typeof options}.`);
  },
  label: (change) => change.name || 'custom',
  async apply(model, change, context) {
    const made = await change(model, context);
    return made instanceof Module ? { model: made as Runnable } : {};
  },
};
